"""What edited a saved tensor, where it was no optimizer's step: it is named, and its cure cures."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


class Residual(nn.Module):
    def __init__(self, in_place=True):
        super().__init__()
        self.a, self.b, self.in_place = nn.Linear(3, 3), nn.Linear(3, 3), in_place

    def forward(self, x):
        h = self.a(x).tanh()
        out = self.b(h).sigmoid()
        if self.in_place:
            h += out
        else:
            h = h + out
        return h * out


def _residual(net):
    F.mse_loss(net(torch.ones(2, 3)), torch.zeros(2, 3)).backward()


@told(
    "modified",
    r"h \+= out edited it in place",
    "            h += out",
    "h = h + out",
    lambda: _residual(Residual(in_place=False)),
)
def a_result_that_carries_the_name_of_its_edit():
    _residual(Residual())


def _path(step, x, listed):
    path, parts = torch.zeros(4, 3), [x]
    path[0] = x
    for t in range(3):
        if listed:
            parts.append(step(parts[-1]).tanh())
        else:
            path[t + 1] = step(path[t]).tanh()
    return torch.stack(parts) if listed else path


def _at_its_end(step, listed):
    return _path(step, torch.ones(3), listed)[-1].square().mean()


def _rolled(listed):
    step = nn.Linear(3, 3)
    loss = _at_its_end(step, listed)
    loss.backward()


@told(
    "modified",
    r"a part of path, which is a view of its memory",
    "path[t + 1] = step(path[t]).tanh()",
    "path = torch.stack(parts)",
    lambda: _rolled(True),
)
def a_path_that_is_filled_two_calls_below():
    _rolled(False)


class Divided(nn.Module):
    def __init__(self, in_place=True):
        super().__init__()
        self.h, self.in_place = nn.Parameter(torch.eye(3)), in_place

    def forward(self, x):
        out = x @ self.h
        scale = out[:, 2:3]
        if self.in_place:
            out[:, :2] /= scale
            return out[:, :2]
        return out[:, :2] / scale


def _divided(net):
    loss = net(torch.ones(4, 3)).square().mean()
    loss.backward()


@told(
    "modified",
    r"out\[:, :2\] /= scale edited it in place",
    "out[:, :2] /= scale",
    "part = out[:, :2] / scale",
    lambda: _divided(Divided(in_place=False)),
)
def a_part_that_is_divided_by_another_part():
    _divided(Divided())


class Codes(nn.Module):
    def __init__(self, copied=False):
        super().__init__()
        self.register_buffer("codes", torch.eye(3))
        self.net, self.copied = nn.Linear(3, 3), copied

    def forward(self, x):
        codes = self.codes.clone() if self.copied else self.codes
        out = self.net(x) @ codes
        self.follow(out.detach())
        return out

    @torch.no_grad()
    def follow(self, out):
        self.codes.mul_(0.9).add_(out.mean(0), alpha=0.1)


def _coded(net):
    loss = net(torch.ones(2, 3)).square().mean()
    loss.backward()


@told(
    "modified",
    r"saved net\.codes for its backward, and self\.codes\.mul_\(0\.9\) changed it",
    "self.codes.mul_(0.9)",
    "self.codes.clone()",
    lambda: _coded(Codes(copied=True)),
)
def a_buffer_that_follows_its_inputs():
    _coded(Codes())


class Scores(nn.Module):
    def __init__(self, copied=False):
        super().__init__()
        self.items, self.copied = nn.Embedding(6, 3, max_norm=0.1), copied

    def forward(self, users, chosen):
        weight = self.items.weight.clone() if self.copied else self.items.weight
        every = users @ weight.t()
        return (users * self.items(chosen)).sum(1, keepdim=True) - every


def _scored(net):
    opt = torch.optim.SGD(net.parameters(), 0.1)
    for _ in range(2):
        loss = net(torch.ones(2, 3, requires_grad=True), torch.tensor([1, 2])).square().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()


@told(
    "modified",
    r"with max_norm=0\.1 each call shortens the rows",
    None,
    "net.items.weight.clone()",
    lambda: _scored(Scores(copied=True)),
)
def an_embedding_with_a_largest_norm():
    _scored(Scores())


def _sparser(model):
    for p in model.parameters():
        with torch.no_grad():
            p.mul_((p.abs() > 0.1).float())


def _pruned_before():
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    _sparser(model)
    loss = model(torch.ones(2, 2)).square().mean()
    loss.backward()


@told(
    "modified",
    r"p\.mul_\(.*changed it, by _sparser\(model\) on",
    "p.mul_((p.abs() > 0.1)",
    "Make that call before the forward pass",
    _pruned_before,
)
def weights_that_are_cut_between_forward_and_backward():
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    opt = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(2):
        loss = model(torch.ones(2, 2)).square().mean()
        _sparser(model)
        opt.zero_grad()
        loss.backward()
        opt.step()


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_edit_is_named_and_its_cure_cures(program):
    program.is_explained()
