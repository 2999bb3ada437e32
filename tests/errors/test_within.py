"""A second backward within one step: a sum that went on, a state of the pass before; its cure."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


# A sum to which more is added behind its backward


def _perturbed(anew):
    model = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x, y = torch.rand(4, 3), torch.rand(4, 2)
    for _ in range(2):
        out, total = model(x), 0.0
        for k in range(2):
            total += F.mse_loss(out[:, k], y[:, k])
        total.backward()
        with torch.no_grad():
            for p in model.parameters():
                p.add_(0.01 * p.grad)
        optimizer.zero_grad()
        out = model(x)
        if anew:
            total = 0
        for k in range(2):
            total += F.mse_loss(out[:, k], y[:, k])
        total.backward()
        optimizer.step()


@told(
    "second_backward",
    r"total still holds what total\.backward\(\) \(.*\) went back through",
    "total += F.mse_loss(out[:, k], y[:, k])",
    "write total = 0 in front of line",
    lambda: _perturbed(True),
)
def a_second_pass_on_weights_that_were_moved():
    _perturbed(False)


def _labelled(anew):
    net = nn.Linear(3, 4)
    cost = F.cross_entropy(net(torch.rand(5, 3)).exp(), torch.arange(5) % 4)
    cost.backward()
    penalty = net(torch.rand(2, 3)).exp().square().mean()
    if anew:
        cost = 0
    cost = cost + 0.1 * penalty
    cost.backward()


@told(
    "second_backward",
    r"cost still holds what cost\.backward\(\)",
    "cost = cost + 0.1 * penalty",
    "write cost = 0 in front of line",
    lambda: _labelled(True),
)
def a_penalty_that_is_added_behind_the_backward():
    _labelled(False)


def _named_anew(detach):
    enc, a, b = nn.Linear(3, 4), nn.Linear(4, 1), nn.Linear(4, 2)
    z = torch.tanh(enc(torch.rand(5, 3)))
    loss = a(z).square().mean()
    loss.backward()
    loss = b(z.detach() if detach else z).square().mean()
    loss.backward()


@told(
    "second_backward",
    "go through the graph of z, and the first freed it",
    "loss.backward()",
    "z.detach()",
    lambda: _named_anew(True),
)
def two_losses_of_one_name():
    _named_anew(False)


# A state of the forward pass before, within one step


class Sensing(nn.Module):
    def __init__(self, cut):
        super().__init__()
        self.core, self.state, self.cut = nn.GRU(2, 4, batch_first=True), None, cut

    def forward(self, x):
        out, self.state = self.core(x, self.state)
        return out[:, -1]

    def after(self):
        if self.cut:
            self.state = self.state.detach()


def _two_tasks(cut):
    net, left, right = Sensing(cut), nn.Linear(4, 1), nn.Linear(4, 2)
    first = torch.optim.Adam([*net.parameters(), *left.parameters()])
    second = torch.optim.Adam([*net.parameters(), *right.parameters()])
    for _ in range(2):
        x = torch.rand(3, 5, 2)
        cost = left(net(x)).square().mean()
        first.zero_grad()
        cost.backward()
        first.step()
        net.after()
        other = right(net(x)).square().mean()
        second.zero_grad()
        other.backward()
        second.step()
        net.after()


@told(
    "second_backward",
    r"net\.state comes from the forward pass before this one: cost\.backward\(\)",
    "other.backward()",
    "behind every backward, in front of the next forward pass: net.state = net.state.detach()",
    lambda: _two_tasks(True),
)
def a_state_between_two_tasks_of_a_step():
    _two_tasks(False)


def _halves(cut):
    cell, out = nn.LSTMCell(2, 3), nn.Linear(3, 1)
    h, c = torch.zeros(4, 3), torch.zeros(4, 3)
    for _ in range(2):
        for_first, for_second = torch.rand(4, 2), torch.rand(4, 2)
        h, c = cell(for_first, (h, c))
        early = out(h).square().mean()
        early.backward()
        if cut:
            h, c = h.detach(), c.detach()
        h, c = cell(for_second, (h, c))
        late = out(h).square().mean()
        late.backward()
        if cut:
            h, c = h.detach(), c.detach()


@told(
    "second_backward",
    r"h and c come from the forward pass before this one: early\.backward\(\)",
    "late.backward()",
    "Detach them behind every backward",
    lambda: _halves(True),
)
def two_windows_in_one_pass_of_a_loop():
    _halves(False)


def _one_pass(detach):
    net, a, b = Sensing(True), nn.Linear(4, 1), nn.Linear(4, 1)
    for _ in range(2):
        features = net(torch.rand(3, 5, 2))
        of_a = a(features).square().mean()
        of_a.backward()
        of_b = b(features.detach() if detach else features).square().mean()
        of_b.backward()
        net.after()


@told(
    "second_backward",
    "go through the graph of features",
    "of_b.backward()",
    "features.detach()",
    lambda: _one_pass(True),
)
def two_losses_of_one_pass_beside_a_state():
    _one_pass(False)


def _kept_graph(cut):
    net, left, right = Sensing(cut), nn.Linear(4, 1), nn.Linear(4, 2)
    optimizer = torch.optim.SGD([*net.parameters(), *left.parameters()], lr=0.1)
    x = torch.rand(3, 5, 2)
    cost = left(net(x)).square().mean()
    cost.backward(retain_graph=True)
    optimizer.step()
    net.after()
    other = right(net(x)).square().mean()
    other.backward()


@told(
    "modified",
    r"net\.state comes from the forward pass before this one, so this backward goes on into",
    None,
    "behind every backward, in front of the next forward pass",
    lambda: _kept_graph(True),
)
def a_kept_graph_whose_weights_were_stepped():
    _kept_graph(False)


class Losses(nn.Module):
    def __init__(self, cut):
        super().__init__()
        self.act, self.value, self.cut = nn.Linear(3, 1), nn.Linear(4, 1), cut

    def forward(self, x):
        a = torch.tanh(self.act(x))
        mine = a.detach() if self.cut else a
        return {
            "act": -self.value(torch.cat([x, a], 1)).mean(),
            "value": self.value(torch.cat([x, mine], 1)).square().mean(),
        }


def _of_module(cut):
    losses = Losses(cut)
    of_act = torch.optim.SGD(losses.act.parameters(), lr=0.1)
    of_value = torch.optim.SGD(losses.value.parameters(), lr=0.1)
    both = losses(torch.rand(5, 3))
    of_act.zero_grad()
    both["act"].backward()
    of_act.step()
    of_value.zero_grad()
    both["value"].backward()
    of_value.step()


@told(
    "second_backward",
    "Two backward passes of one step go through the same graph",
    'both["value"].backward()',
    "retain_graph=True alone is no cure where a step in between changes weights",
    lambda: _of_module(True),
)
def two_losses_that_a_module_returns():
    _of_module(False)


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_is_freed_within_a_step_is_named_and_its_cure_cures(program):
    program.is_explained()
