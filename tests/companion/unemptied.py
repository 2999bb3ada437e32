"""Loops that step in every pass, in which no line empties a gradient."""

import torch
from torch import nn

from course import watch, why_no_grad


class Trainer:
    """Steps in a method that its loop calls."""

    def __init__(self):
        torch.manual_seed(0)
        self.net = nn.Linear(3, 1)
        self.steps = torch.optim.Adam(self.net.parameters(), lr=0.01)

    def update(self, x):
        loss = self.net(x).square().mean()
        loss.backward()
        self.steps.step()

    def train(self, passes):
        for _ in range(passes):
            with watch() as seen:
                self.update(torch.ones(2, 3))
        return why_no_grad(self.net.weight, seen=seen)


def in_a_method(passes):
    return Trainer().train(passes)


def in_the_loop_itself():
    w = torch.ones(3, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)
    while True:
        with watch():
            loss = (w - 1).square().sum() + w.sum()
            loss.backward()
            optimizer.step()
        return why_no_grad(w, loss)


def a_step_by_itself():
    w = torch.ones(3, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)
    with watch():
        loss = w.square().sum()
        loss.backward()
        optimizer.step()
    return why_no_grad(w, loss)


def of_nets_that_are_new_in_each_pass():
    for rate in (0.1, 0.2):
        net = nn.Linear(3, 1)
        optimizer = torch.optim.SGD(net.parameters(), lr=rate)
        with watch():
            loss = net(torch.ones(1, 3)).square().mean()
            loss.backward()
            optimizer.step()
    return why_no_grad(net.weight, loss)


def in_one_of_two_branches(scaled):
    """Steps in two ways, of which one may forget to empty: behind a flag that stays as it is."""
    w = torch.ones(3, requires_grad=True)
    optimizer = torch.optim.Adagrad([w], lr=0.1)
    while True:
        with watch():
            loss = w.square().sum()
            if scaled:
                (4 * loss).backward()
                optimizer.step()
            else:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        return why_no_grad(w, loss)


def _coder_and_judge(optimizers, x, emptied):
    of_coder, of_judge = optimizers
    (coder,), (judge,) = (one.param_groups[0]["params"] for one in optimizers)
    of_coder.zero_grad()
    (judge * (coder * x)).sum().backward()
    of_coder.step()
    if emptied:
        of_judge.zero_grad()
    (judge * x - 1).square().mean().backward()
    of_judge.step()


def _emptied_by_local_names(x, optimizers):
    of_coder, of_judge = optimizers
    (coder,), (judge,) = (one.param_groups[0]["params"] for one in optimizers)
    of_coder.zero_grad()
    (judge * (coder * x)).sum().backward()
    of_coder.step()
    (judge * x - 1).square().mean().backward()
    of_judge.step()


def _pair():
    leaves = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
    return tuple(torch.optim.SGD([one], lr=0.1) for one in leaves)


def two_of_a_tuple_of_which_one_is_emptied():
    optimizers = _pair()
    for _ in range(2):
        with watch() as seen:
            _emptied_by_local_names(torch.rand(3), optimizers)
        break
    return seen.report()


def two_of_a_tuple_that_are_emptied():
    optimizers = _pair()
    for _ in range(2):
        with watch() as seen:
            _coder_and_judge(optimizers, torch.rand(3), emptied=True)
        break
    return seen.report()


def one_helper_that_empties_either():
    """Whether its line empties the second one too, in a pass that is not watched."""
    first, second = _pair()
    for _ in range(2):
        with watch() as seen:
            for optimizer in (first, second)[:1]:
                optimizer.zero_grad()
            (leaf,) = first.param_groups[0]["params"]
            (other,) = second.param_groups[0]["params"]
            (leaf * other).sum().backward()
            first.step()
            second.step()
        break
    return seen.report()
