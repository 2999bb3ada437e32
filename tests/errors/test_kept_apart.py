"""Writes that make the next thing of the last: windows, gates, closures, parts that are joined."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


# Functions that edit what they are given


def _gates():
    return nn.Linear(3, 8)(torch.ones(2, 3)).split(4, dim=1)


def _gated():
    a, b = _gates()
    a, b = torch.tanh(a), torch.sigmoid(b)
    (a * b).sum().backward()


@told(
    "one_of_many_views",
    r"Here those are a, b\.",
    "torch.tanh_(a)",
    "a, b = (torch.tanh(a), torch.sigmoid(b))",
    _gated,
)
def gates_that_are_cut_by_split():
    a, b = _gates()
    a, b = torch.tanh_(a), torch.sigmoid_(b)
    (a * b).sum().backward()


def _rows():
    return nn.Parameter(torch.ones(4, 2)).mul(2).unbind(0)


def _activated():
    for row in _rows():
        row = F.relu(row)
        row.sum().backward(retain_graph=True)


@told(
    "one_of_many_views",
    r"Here that is row, by F\.relu\(row, inplace=True\)",
    "F.relu(row, inplace=True)",
    "row = F.relu(row)",
    _activated,
)
def an_activation_of_a_row():
    for row in _rows():
        row = F.relu(row, inplace=True)
        row.sum().backward(retain_graph=True)


# A view of a parameter


class Memory(nn.Module):
    def __init__(self):
        super().__init__()
        self.start = nn.Parameter(torch.ones(4))

    def rows(self, count):
        return self.start.unsqueeze(0).expand(count, 4)


def _reset(copied):
    memory = Memory()
    state = memory.rows(1)
    state = state.clone() if copied else state
    state[:, 1] = 0.0
    state.sum().backward()


@told(
    "leaf_in_place",
    r"^state shows the memory of memory\.start",
    "state[:, 1] = 0.0",
    "state = state.clone() in front of state[:, 1] = 0.0",
    lambda: _reset(True),
)
def an_entry_of_a_first_state():
    _reset(False)


def _scaled(copied):
    table = nn.Embedding(5, 3)
    vectors = table.weight[1:3]
    vectors = vectors.clone() if copied else vectors
    vectors.mul_(2.0)
    vectors.sum().backward()


@told(
    "leaf_in_place",
    r"^vectors shows the memory of table\.weight",
    "vectors.mul_(2.0)",
    "vectors = vectors.mul(2.0)",
    lambda: _scaled(True),
)
def rows_of_a_table():
    _scaled(False)


# A window that moves on


def _next(window, net):
    return net(window * nn.Parameter(torch.ones(3))).squeeze(1)


def _forecast():
    net, window, total = nn.Linear(3, 1), torch.ones(2, 3), 0
    for _ in range(3):
        new = _next(window, net)
        total = total + new.sum()
        window = torch.cat([window[:, 1:], new.unsqueeze(1)], 1)
    total.backward()


@told(
    "modified",
    r"saved window, and",
    "window[:, :-1] = window[:, 1:].clone()",
    "window = torch.cat([window[:, 1:], new.unsqueeze(1)], 1)",
    _forecast,
)
def a_window_of_two_dimensions():
    net, window, total = nn.Linear(3, 1), torch.ones(2, 3), 0
    for _ in range(3):
        new = _next(window, net)
        total = total + new.sum()
        window[:, :-1] = window[:, 1:].clone()
        window[:, -1] = new
    total.backward()


class Taps(nn.Module):
    def __init__(self):
        super().__init__()
        self.taps = nn.Parameter(torch.ones(4))


class Joined(Taps):
    def forward(self, past):
        for _ in range(2):
            guess = (past * self.taps).sum()
            past = torch.cat([past[1:], (torch.tanh(guess)).unsqueeze(0)], 0)
        return past.sum()


class Shifted(Taps):
    def forward(self, past):
        past = past.clone()
        for _ in range(2):
            guess = (past * self.taps).sum()
            past[:-1] = past[1:].clone()
            past[-1] = torch.tanh(guess)
        return past.sum()


@told(
    "modified",
    r"saved past, and",
    "past[:-1] = past[1:].clone()",
    "past = torch.cat([past[1:], (torch.tanh(guess)).unsqueeze(0)], 0)",
    lambda: Joined()(torch.ones(4)).backward(),
)
def a_window_of_one_dimension():
    model = Shifted()
    loss = model(torch.ones(4))
    loss.backward()


# A closure where nothing is recorded


class Climb(torch.optim.Optimizer):
    def __init__(self, params, recorded=False):
        super().__init__(params, {"lr": 0.1})
        self.recorded = recorded

    @torch.no_grad()
    def step(self, closure):
        if self.recorded:
            with torch.enable_grad():
                loss = closure()
        else:
            loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                p.sub_(p.grad, alpha=group["lr"])
        return loss


def _closed(recorded):
    net = nn.Linear(2, 1)
    optimizer = Climb(net.parameters(), recorded)

    def closure():
        loss = net(torch.ones(3, 2)).square().mean()
        loss.backward()
        return loss

    optimizer.step(closure)


@told(
    "no_graph",
    r"^step is decorated to record nothing, .* calls closure\(\)",
    "            loss = closure()",
    "with torch.enable_grad(): loss = closure()",
    lambda: _closed(True),
)
def an_optimizer_of_ones_own():
    _closed(False)


@torch.no_grad()
def descend(parameters, evaluate):
    value = evaluate()
    for p in parameters:
        p -= 0.1 * p.grad
    return value


@torch.inference_mode()
def descend_in_inference(parameters, evaluate):
    value = evaluate()
    for p in parameters:
        p.sub_(0.1 * p.grad)
    return value


@torch.no_grad()
def descend_recorded(parameters, evaluate):
    with torch.enable_grad():
        value = evaluate()
    for p in parameters:
        p -= 0.1 * p.grad
    return value


def _descended(by):
    net = nn.Linear(2, 1)

    def evaluate():
        loss = net(torch.ones(2)).sum()
        loss.backward()
        return loss

    by(net.parameters(), evaluate)


@told(
    "no_graph",
    r"^descend is decorated to record nothing, .* calls evaluate\(\)",
    "    value = evaluate()",
    "with torch.enable_grad(): value = evaluate()",
    lambda: _descended(descend_recorded),
)
def an_update_that_is_decorated():
    _descended(descend)


@told(
    "no_graph",
    r"^descend_in_inference is decorated to record nothing",
    "    value = evaluate()",
    "@torch.no_grad() in the place of @torch.inference_mode()",
    lambda: _descended(descend_recorded),
)
def an_update_in_inference_mode():
    _descended(descend_in_inference)


# Parts that are joined into one


def _parts():
    return [(torch.ones(k, 2), torch.arange(k).repeat(2, 3)) for k in (2, 3, 4)]


def _messages(nodes, links):
    x, (source, _) = torch.cat(nodes), torch.cat(links, 1)
    return nn.Linear(2, 2)(x)[source]


def _joined():
    nodes, links, offset = [], [], 0
    for x, pairs in _parts():
        nodes.append(x)
        links.append(pairs + offset)
        offset += len(x)
    return _messages(nodes, links)


@told(
    "index_range",
    r"source goes from 0 to \d+.*pairs \+ offset moves the numbers",
    "offset += pairs.shape[1]",
    "offset += len(nodes)",
    _joined,
)
def graphs_in_one():
    nodes, links, offset = [], [], 0
    for x, pairs in _parts():
        nodes.append(x)
        links.append(pairs + offset)
        offset += pairs.shape[1]
    return _messages(nodes, links)


# Steps in groups of batches


def _loader(count):
    return DataLoader(TensorDataset(torch.ones(count, 2)), batch_size=1)


def _in_groups(total, every=3, count=8):
    net, loader = nn.Linear(2, 1), _loader(count)
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=total)
    for _ in range(2):
        for i, (x,) in enumerate(loader):
            net(x).sum().backward()
            if (i + 1) % every == 0 or i + 1 == len(loader):
                optimizer.step()
                plan.step()


@told(
    "schedule_end",
    r"made for 4 steps\. loader has 8 batches, and every = 3 of them make a step: 2 in an epoch, "
    r"and the 2 that are left one more\. 4 are 2 epochs of 2",
    None,
    "epochs * (-(-len(loader) // every))",
    lambda: _in_groups(6),
)
def a_rest_that_makes_a_step():
    _in_groups(4)


class Run:
    def __init__(self, epochs, every=2):
        self.net, self.loader, self.every = nn.Linear(2, 1), _loader(6), every
        self.optimizer = torch.optim.SGD(self.net.parameters(), 0.1)
        total = epochs * len(self.loader) // every
        self.plan = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, 0.1, total_steps=total)

    def advance(self):
        self.optimizer.step()
        self.plan.step()

    def train(self, epochs):
        for _ in range(epochs):
            for at, (x,) in enumerate(self.loader, 1):
                self.net(x).sum().backward()
                if not at % self.every:
                    self.advance()


@told(
    "schedule_end",
    r"made for 6 steps\..*self\.every = 2 of them make a step: 3 in an epoch\. 6 are 2 epochs, and "
    r"training goes on",
    None,
    "epochs * (len(self.loader) // self.every)",
    lambda: Run(3).train(3),
)
def more_epochs_than_it_was_made_for():
    Run(2).train(3)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_cause_is_named_with_its_line_and_the_cure_runs(program):
    program.is_explained()
