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
