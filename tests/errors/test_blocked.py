"""Predictions among targets, tensors that go to NumPy, an index of small integers; its cure."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


# A prediction that is computed in the block of the targets


def _fitted(outside):
    net, slow = nn.Linear(3, 2), nn.Linear(3, 2)
    optimizer = torch.optim.Adam(net.parameters())
    x, a, r = torch.rand(5, 3), torch.arange(5) % 2, torch.rand(5)
    with torch.no_grad():
        best = slow(x).max(1).values
        goal = r + 0.9 * best
        if not outside:
            value = net(x)[torch.arange(5), a]
    if outside:
        value = net(x)[torch.arange(5), a]
    optimizer.zero_grad()
    F.smooth_l1_loss(value, goal).backward()
    optimizer.step()


@told(
    "no_graph",
    r"^value is what net gives, which an optimizer holds, and it is computed in the block of",
    "value = net(x)[torch.arange(5), a]",
    "Move `value = net(x)[torch.arange(5), a]` out of that block",
    lambda: _fitted(True),
)
def a_value_beside_its_target():
    net, slow = nn.Linear(3, 2), nn.Linear(3, 2)
    optimizer = torch.optim.Adam(net.parameters())
    x, a, r = torch.rand(5, 3), torch.arange(5) % 2, torch.rand(5)
    with torch.no_grad():
        best = slow(x).max(1).values
        goal = r + 0.9 * best
        value = net(x)[torch.arange(5), a]
    optimizer.zero_grad()
    F.smooth_l1_loss(value, goal).backward()


class Distilling:
    def __init__(self):
        self.student, self.teacher = nn.Linear(4, 3), nn.Linear(4, 3)
        self.optimizer = torch.optim.SGD(self.student.parameters(), lr=0.1)

    def step(self, x):
        with torch.inference_mode():
            soft = self.teacher(x).softmax(1)
            logits = self.student(x)
        loss = F.cross_entropy(logits, soft)
        loss.backward()

    def cured(self, x):
        with torch.no_grad():
            soft = self.teacher(x).softmax(1)
        loss = F.cross_entropy(self.student(x), soft)
        loss.backward()


@told(
    "no_graph",
    r"^logits is what self\.student gives",
    "logits = self.student(x)",
    "Move `logits = self.student(x)` out of that block",
    lambda: Distilling().cured(torch.rand(2, 4)),
)
def a_student_beside_its_teacher():
    Distilling().step(torch.rand(2, 4))


# Tensors that go to NumPy


class History:
    def __init__(self, number):
        self.net, self.costs, self.number = nn.Linear(2, 1), [], number

    def run(self):
        for _ in range(3):
            cost = self.net(torch.rand(4, 2)).square().mean()
            self.costs.append(cost.item() if self.number else cost)

    def run_wrong(self):
        for _ in range(3):
            cost = self.net(torch.rand(4, 2)).square().mean()
            self.costs.append(cost)

    def shown(self):
        return [float(np.asarray(one)) for one in self.costs]


def _shown(number):
    history = History(number)
    history.run() if number else history.run_wrong()
    return history.shown()


@told(
    "numpy",
    r"^self\.costs holds tensors that require grad, and keeps the graph of each",
    "self.costs.append(cost",
    "self.costs.append(cost.item())",
    lambda: _shown(True),
)
def losses_that_are_read_one_by_one():
    _shown(False)


class Averaging(nn.Module):
    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleList([nn.Linear(3, 3), nn.Linear(3, 3)])

    def forward(self, x):
        outs = [part(x) for part in self.parts]
        mean = np.mean(np.stack([out.numpy() for out in outs]), axis=0)
        return torch.as_tensor(mean)


class Recorded(Averaging):
    def forward(self, x):
        outs = [part(x) for part in self.parts]
        return torch.mean(torch.stack(list(outs)), dim=0)


@told(
    "numpy",
    "what this line is made of would get no gradient through it",
    "mean = np.mean(",
    "mean = torch.mean(torch.stack(list(outs)), dim=0)",
    lambda: Recorded()(torch.rand(2, 3)).sum().backward(),
)
def parts_that_are_averaged_by_numpy():
    Averaging()(torch.rand(2, 3))


class Biggest(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(5, 3)

    def forward(self, ids):
        rows = self.embed(ids)
        top = np.max(np.array(rows.numpy()), axis=1, keepdims=True)
        return torch.from_numpy(top)


@told(
    "numpy",
    "would get no gradient through it",
    "top = np.max(",
    "top = torch.amax(rows, dim=1, keepdim=True)",
    lambda: torch.amax(torch.rand(2, 3, requires_grad=True), dim=1, keepdim=True).sum().backward(),
)
def a_maximum_by_numpy():
    Biggest()(torch.arange(3))


# An index of small integers, a result that is no number


def _chosen(dtype):
    scores = torch.rand(4, 3, requires_grad=True)
    actions = torch.from_numpy(np.array([0, 1, 2, 1], dtype=dtype))
    return scores.gather(1, actions.view(-1, 1)).sum().backward()


@told(
    "index_dtype",
    r"^actions is the index here, and it is int16",
    "actions = torch.from_numpy(",
    "actions.long()",
    lambda: _chosen(np.int64),
)
def an_index_of_int16():
    _chosen(np.int16)


def _sensitivity(reduce):
    x = torch.rand(4, 2, requires_grad=True)
    features = nn.Sequential(nn.Linear(2, 3), nn.Tanh())(x)
    return torch.autograd.grad(features.sum() if reduce else features, [x])


@told(
    "not_scalar",
    r"^features has the shape \(4, 3\): grad\(\) starts from one number, and this holds 12",
    "torch.autograd.grad(",
    "features.sum()",
    lambda: _sensitivity(True),
)
def a_gradient_of_many_numbers():
    x = torch.rand(4, 2, requires_grad=True)
    features = nn.Sequential(nn.Linear(2, 3), nn.Tanh())(x)
    return torch.autograd.grad(features, [x])


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_is_computed_in_the_wrong_place_is_named_and_its_cure_cures(program):
    program.is_explained()
