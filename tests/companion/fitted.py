"""Weights that a step fitted to what is asked about, and terms that nothing steps."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

from course import watch, why_no_grad
from tests.companion import unemptied
from tests.companion.programs import pair


class Distilled(nn.Module):
    """A few rows that are themselves trained: a model fitted to them is to do well on data."""

    def __init__(self):
        super().__init__()
        self.rows = nn.Parameter(torch.randn(4, 3))

    def fitted(self, unrolled):
        student, wanted = nn.Linear(3, 1), torch.ones(4, 1)
        weights = dict(student.named_parameters())
        if unrolled:
            gap = F.mse_loss(functional_call(student, weights, (self.rows,)), wanted)
            slopes = torch.autograd.grad(gap, list(weights.values()), create_graph=True)
            pairs = zip(weights.items(), slopes, strict=True)
            return lambda x: functional_call(student, {n: w - 0.1 * d for (n, w), d in pairs}, (x,))
        optimizer = torch.optim.SGD(student.parameters(), lr=0.1)
        gap = F.mse_loss(student(self.rows), wanted)
        gap.backward(inputs=list(student.parameters()))
        optimizer.step()
        return student


def _distilled(unrolled):
    model = Distilled()
    optimizer = torch.optim.Adam(model.parameters())
    with watch():
        optimizer.zero_grad()
        F.mse_loss(model.fitted(unrolled)(torch.ones(2, 3)), torch.zeros(2, 1)).backward()
        optimizer.step()
    return why_no_grad(model.rows)


@pair("cut_step", lambda: _distilled(unrolled=True))
def _():
    return _distilled(unrolled=False)


def _slopes(weigher, net, x, y, unrolled):
    losses = (net(x) - y).square()
    weighed = (torch.sigmoid(weigher(losses.detach())) * losses).mean()
    return torch.autograd.grad(weighed, list(net.parameters()), create_graph=unrolled)


def _weighed(unrolled):
    weigher, net = nn.Linear(1, 1), nn.Linear(2, 1)
    of_net = torch.optim.SGD(net.parameters(), lr=0.1)
    of_weigher = torch.optim.SGD(weigher.parameters(), lr=0.1)
    x, y = torch.ones(5, 2), torch.arange(5.0).unsqueeze(1)
    with watch():
        weights = list(net.parameters())
        slopes = _slopes(weigher, net, x, y, unrolled)
        of_weigher.zero_grad()
        if unrolled:
            w, b = (one - 0.1 * d for one, d in zip(weights, slopes, strict=True))
            meta = F.mse_loss(F.linear(x, w, b), y)
        else:
            for one, d in zip(weights, slopes, strict=True):
                one.grad = d
            of_net.step()
            of_net.zero_grad()
            meta = F.mse_loss(net(x), y)
        meta.backward()
        of_weigher.step()
    return why_no_grad(weigher.weight, meta)


@pair("cut_step", lambda: _weighed(unrolled=True))
def _():
    return _weighed(unrolled=False)


def _matched(detached):
    maker = nn.Sequential(nn.Linear(2, 4), nn.Tanh())
    trunk, head = nn.Sequential(nn.Linear(4, 3), nn.Tanh()), nn.Linear(3, 1)
    of_maker = torch.optim.SGD(maker.parameters(), lr=0.1)
    of_judge = torch.optim.SGD([*trunk.parameters(), *head.parameters()], lr=0.1)
    data = torch.rand(5, 4)
    with watch() as seen:
        made = maker(torch.rand(5, 2))
        at_data, at_made = trunk(data), trunk(made.detach())
        caught = head(at_made).mean() - head(at_data).mean()
        of_judge.zero_grad()
        caught.backward()
        of_judge.step()
        near = trunk(made.detach() if detached else made).mean(0)
        loss = F.l1_loss(made, data) - head(trunk(made)).mean()
        loss = loss + 2 * F.mse_loss(near, trunk(data).mean(0))
        of_maker.zero_grad()
        loss.backward()
        of_maker.step()
    return seen.report()


@pair("term_unmoved", lambda: _matched(detached=False))
def _():
    return _matched(detached=True)


class Restorer:
    """A coder that is to restore rows, and the features of a second net that is held apart."""

    def __init__(self):
        self.coder, self.eye = nn.Linear(4, 4), nn.Sequential(nn.Linear(4, 3), nn.ReLU())
        self.optimizer = torch.optim.Adam(self.coder.parameters())

    def losses(self, rows, detached):
        again = self.coder(rows)
        seen = self.eye(again.data if detached else again)
        return F.mse_loss(again, rows), F.mse_loss(seen, self.eye(rows))


def _restored(detached):
    restorer = Restorer()
    with watch() as seen:
        restorer.optimizer.zero_grad()
        near, alike = restorer.losses(torch.rand(6, 4), detached)
        (0.5 * near + 0.5 * alike).backward()
        restorer.optimizer.step()
    return seen.report()


@pair("term_unmoved", lambda: _restored(detached=False))
def _():
    return _restored(detached=True)


@pair("step_on_nothing", lambda: _sought(detached=False))
def _():
    return _sought(detached=True)


def _sought(detached):
    net = nn.Sequential(nn.Linear(3, 2), nn.Tanh()).eval()
    given = torch.zeros(1, 3, requires_grad=True)
    optimizer = torch.optim.Adam([given])
    with watch() as seen:
        optimizer.zero_grad()
        loss = net(given.detach() if detached else given + 1).square().sum()
        loss.backward()
        optimizer.step()
    return seen.report()


# Two optimizers of a tuple, by names of a function of their own


@pair("unemptied", unemptied.two_of_a_tuple_that_are_emptied)
def _():
    return unemptied.two_of_a_tuple_of_which_one_is_emptied()


@pair("unemptied", unemptied.one_helper_that_empties_either)
def _():
    return unemptied.two_of_a_tuple_of_which_one_is_emptied()


LINES = [
    (lambda: _distilled(unrolled=False), "optimizer.step()"),
    (lambda: _weighed(unrolled=False), "of_net.step()"),
    (lambda: _matched(detached=True), "near = trunk(made.detach()"),
    (lambda: _restored(detached=True), "self.eye(again.data"),
    (unemptied.two_of_a_tuple_of_which_one_is_emptied, "of_judge.step()"),
]
"""Programs, each with the line that its first finding names."""
