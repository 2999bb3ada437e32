"""Programs in which factors start at 0, means are of one value, or models change places."""

import copy

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import rnn

from course import watch, why_no_grad
from tests.companion.programs import pair

# Two factors that start at 0


class Adapter(nn.Module):
    def __init__(self, by_matrices, first):
        super().__init__()
        self.base = nn.Linear(3, 2).requires_grad_(False)
        self.down, self.up = nn.Linear(3, 2, bias=False), nn.Linear(2, 2, bias=False)
        self.by_matrices = by_matrices
        nn.init.zeros_(self.up.weight)
        if first:
            nn.init.constant_(self.down.weight, 0.0)

    def forward(self, x):
        if self.by_matrices:
            return self.base(x) + x @ self.down.weight.T @ self.up.weight.T
        return self.base(x) + 2.0 * self.up(self.down(x))


def _adapted(first, asked_about, by_matrices=False):
    torch.manual_seed(0)
    model = Adapter(by_matrices, first)
    with watch():
        loss = model(torch.rand(4, 3)).square().mean()
        loss.backward()
    return why_no_grad(asked_about(model), loss)


@pair("zero_both", lambda: _adapted(False, lambda model: model.up.weight))
def _():
    return _adapted(True, lambda model: model.up.weight)


@pair("zero_both", lambda: _adapted(False, lambda model: model.down.weight, True))
def _():
    return _adapted(True, lambda model: model.down.weight, True)


class Gated(nn.Module):
    def __init__(self, value):
        super().__init__()
        self.inner, self.gate = nn.Linear(3, 1, bias=False), nn.Parameter(torch.zeros(()))
        nn.init.constant_(self.inner.weight, value)

    def forward(self, x):
        return x.sum(1, keepdim=True) + self.gate * self.inner(x)


def _gated(value):
    model = Gated(value)
    with watch():
        loss = model(torch.ones(4, 3)).square().mean()
        loss.backward()
    return why_no_grad(model.inner.weight, loss)


@pair("zero_both", lambda: _gated(1.0))
def _():
    return _gated(0.0)


# A value minus its own mean


def _advantages(size, spread):
    torch.manual_seed(0)
    net, rewards = nn.Linear(2, 3), torch.arange(4.0).view(-1, size)
    with watch():
        centred = rewards - rewards.mean(1, keepdim=True)
        if spread:
            centred = centred / (rewards.std(1, keepdim=True, correction=0) + 1e-4)
        logs = F.log_softmax(net(torch.rand(4, 2)), 1)[:, 0]
        loss = -(logs * centred.flatten()).mean()
        loss.backward()
    return why_no_grad(net.weight, loss)


@pair("zero_centred", lambda: _advantages(2, True))
def _():
    return _advantages(1, True)


@pair("zero_centred", lambda: _advantages(4, False))
def _():
    return _advantages(1, False)


def _weighted(values):
    net = nn.Linear(2, 1)
    with watch():
        weights = (values - values.mean()).unsqueeze(1)
        loss = (net(torch.arange(6.0).view(3, 2)).tanh() * weights).mean()
        loss.backward()
    return why_no_grad(net.weight, loss)


@pair("zero_centred", lambda: _weighted(torch.arange(3.0)))
def _():
    return _weighted(torch.ones(3))


# What stands behind the end of a sequence


def _ended(layer, at_ends, total):
    torch.manual_seed(0)
    net, lengths = layer(2, 3, batch_first=True), torch.tensor([3, 1])
    with watch():
        packed = rnn.pack_padded_sequence(torch.rand(2, 3, 2), lengths, batch_first=True)
        out, _ = rnn.pad_packed_sequence(net(packed)[0], batch_first=True, total_length=total)
        last = out[torch.arange(2), lengths - 1] if at_ends else out[:, -1]
        loss = (last - 1).square().mean()
        loss.backward()
    return why_no_grad(net.weight_ih_l0, loss)


@pair("zero_behind_end", lambda: _ended(nn.GRU, True, 5))
def _():
    return _ended(nn.GRU, False, 5)


@pair("zero_behind_end", lambda: _ended(nn.LSTM, False, 3))
def _():
    return _ended(nn.LSTM, False, 4)


# Two models that changed places


def _compared(student, teacher, x):
    with torch.no_grad():
        goal = teacher(x).softmax(1)
    return F.cross_entropy(student(x), goal)


def _distilled(swap):
    student = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 3))
    teacher = copy.deepcopy(student)
    nn.init.normal_(teacher[2].weight)
    optimizer = torch.optim.SGD(student.parameters(), lr=0.1)
    with watch():
        given = (teacher, student) if swap else (student, teacher)
        loss = _compared(*given, torch.rand(5, 2))
        loss.backward()
        optimizer.step()
    return why_no_grad(student[0].weight, loss)


@pair("swapped", lambda: _distilled(False))
def _():
    return _distilled(True)


class Learner:
    def __init__(self):
        self.net = nn.Linear(3, 2)
        self.slow = copy.deepcopy(self.net)
        self.optimizer = torch.optim.Adam(self.net.parameters())

    def step(self, x, swap):
        fast, slow = (self.slow, self.net) if swap else (self.net, self.slow)
        loss = F.mse_loss(fast(x), slow(x).detach())
        loss.backward()
        self.optimizer.step()
        return loss


def _averaged(swap):
    learner = Learner()
    nn.init.zeros_(learner.slow.bias)
    with watch():
        loss = learner.step(torch.rand(4, 3), swap)
    return why_no_grad(model=None, loss=loss)


@pair("swapped", lambda: _averaged(False))
def _():
    return _averaged(True)


# The wrong one of two results is detached


class Valued:
    """A value of states that is fitted to that of a slow copy, and a policy that climbs it."""

    def __init__(self):
        self.policy, self.value = nn.Linear(3, 1), nn.Linear(4, 1)
        self.slow = copy.deepcopy(self.value)
        self.of_policy = torch.optim.SGD(self.policy.parameters(), lr=0.1)
        self.of_value = torch.optim.SGD(self.value.parameters(), lr=0.1)

    def step(self, x, wrong):
        now, later = (self._at(one, x) for one in (self.value, self.slow))
        now, later = (now.detach(), later) if wrong else (now, later.detach())
        self.of_value.zero_grad()
        F.mse_loss(now, later + 1).backward()
        self.of_value.step()
        self.value.requires_grad_(False)
        self.of_policy.zero_grad()
        self._at(self.value, x).neg().mean().backward()
        self.of_policy.step()
        self.value.requires_grad_(True)

    def _at(self, value, x):
        return value(torch.cat([x, self.policy(x)], 1))


def _fitted(wrong, ask):
    valued = Valued()
    with watch() as seen:
        valued.step(torch.rand(4, 3), wrong)
    return why_no_grad(valued.value.weight) if ask else seen.report()


@pair("detached_instead", lambda: _fitted(False, False))
def _():
    return _fitted(True, False)


@pair("cut_detach", lambda: _fitted(False, True))
def _():
    return _fitted(True, True)


def _online(swap):
    fast = nn.Sequential(nn.Conv1d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
    slow = copy.deepcopy(fast)
    nn.init.normal_(slow[3].bias)
    optimizer = torch.optim.Adam(fast.parameters())
    with watch() as seen:
        x = torch.rand(4, 1, 6)
        a, b = fast(x), slow(x)
        loss = F.smooth_l1_loss(a.data if swap else a, b if swap else b.data)
        loss.backward()
        optimizer.step()
    return seen.report()


@pair("detached_instead", lambda: _online(False))
def _():
    return _online(True)


# Parameters that were put in the place of others


def _rounded(model, in_place):
    for name, value in list(model.named_parameters()):
        owner = model.get_submodule(name.rpartition(".")[0])
        if in_place:
            with torch.no_grad():
                value.copy_(value.round(decimals=2))
        else:
            setattr(owner, name.rpartition(".")[2], nn.Parameter(value.detach().round(decimals=2)))


def _replaced(in_place):
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    _rounded(model, in_place)
    with watch():
        loss = model(torch.rand(4, 2)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return why_no_grad(loss=loss)


@pair("parameters_replaced", lambda: _replaced(True))
def _():
    return _replaced(False)


def a_table_whose_first_row_is_padding():
    table = nn.Embedding(4, 2, padding_idx=0)
    with watch():
        loss = table(torch.tensor([0, 1, 2])).square().sum()
        loss.backward()
    return why_no_grad(table.weight, loss)
