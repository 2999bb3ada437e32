"""One model of two names, parameters that others replaced, rows that are chosen; with a cure."""

import copy

import torch
import torch.nn.functional as F
from torch import nn

from course import watch, why_no_grad
from tests.companion.factors import named
from tests.companion.programs import leaf, net, pair

# A model that is compared with itself


class Teacher:
    """A student, and the teacher that it is compared with."""

    def __init__(self, student, by):
        self.student = student
        self.teacher = by(student)

    def loss(self, x):
        with torch.no_grad():
            goal = self.teacher(x)
        return F.mse_loss(self.student(x), goal)


def _taught(by):
    torch.manual_seed(0)
    pupil = net(3, 4, 2)
    both = Teacher(pupil, by)
    with torch.no_grad():
        pupil[0].weight.mul_(1.1)
    with watch():
        loss = both.loss(leaf(5, 3).detach())
        loss.backward()
    return why_no_grad(pupil[0].weight, loss)


@named("self.teacher = by(student)")
@pair("zero_same", lambda: _taught(copy.deepcopy))
def _():
    return _taught(lambda student: student)


class Online(nn.Module):
    def __init__(self, by):
        super().__init__()
        self.online = nn.Linear(3, 2)
        self.goal = by(self.online)

    def forward(self, x):
        return F.smooth_l1_loss(self.online(x) * 1.0, self.goal(x.abs()).detach())


def _online(by, sign):
    torch.manual_seed(0)
    model = Online(by)
    with watch():
        loss = model(sign * leaf(5, 3).detach())
        loss.backward()
    return why_no_grad(model.online.weight, loss)


@named("self.goal = by(self.online)")
@pair("zero_same", lambda: _online(copy.deepcopy, -1))
def _():
    return _online(lambda one: one, 1)


def a_tied_layer_beside_a_target_that_is_the_input():
    """The layer with two names is not the one that is asked about."""
    model = nn.ModuleDict({"coded": nn.Linear(3, 3), "tied": nn.Linear(3, 3)})
    model["again"] = model["tied"]
    nn.init.eye_(model["coded"].weight)
    nn.init.zeros_(model["coded"].bias)
    x = leaf(2, 3).detach()
    with watch():
        loss = F.mse_loss(model["coded"](x), x)
        loss.backward()
    return why_no_grad(model["coded"].weight, loss)


# Parameters that were put in the place of those that an optimizer holds


def _resumed(how=None):
    torch.manual_seed(0)
    model = net(3, 4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    state = copy.deepcopy(model.state_dict())
    if how:
        model.load_state_dict(state, assign=True)
    else:
        model.load_state_dict(state)
    with watch():
        optimizer.zero_grad()
        loss = model(leaf(5, 3).detach()).square().mean()
        loss.backward()
        optimizer.step()
    return why_no_grad()


@named("model.load_state_dict(state, assign=True)")
@pair("held_before", _resumed)
def _():
    return _resumed("assigned")


# Rows of a table that a value chooses


class Codes(nn.Module):
    """A code of a table in the place of a value, with the gradient of the value or without."""

    def __init__(self, passing, by_likeness=False):
        super().__init__()
        self.encode, self.decode = nn.Linear(3, 2), nn.Linear(2, 3)
        self.table, self.passing = nn.Embedding(4, 2), passing
        self.by_likeness = by_likeness

    def forward(self, x):
        z = self.encode(x)
        if self.by_likeness:
            q = self.table.weight[(z @ self.table.weight.T).argmax(1)]
        else:
            q = self.table(torch.cdist(z, self.table.weight).argmin(1))
        return self.decode(z + (q - z).detach() if self.passing else q)


def _coded(**how):
    torch.manual_seed(0)
    model = Codes(**how)
    with watch():
        loss = model(leaf(5, 3).detach()).square().mean()
        loss.backward()
    return why_no_grad(model.encode.weight, loss)


@named("q = self.table(torch.cdist(z, self.table.weight).argmin(1))")
@pair("cut_lookup", lambda: _coded(passing=True))
def _():
    return _coded(passing=False)


@named("q = self.table.weight[(z @ self.table.weight.T).argmax(1)]")
@pair("cut_lookup", lambda: _coded(passing=True, by_likeness=True))
def _():
    return _coded(passing=False, by_likeness=True)


class Fed(nn.Module):
    """A table that is looked up by what another layer chose: no value stands beside the row."""

    def __init__(self):
        super().__init__()
        self.choose, self.table = nn.Linear(3, 4), nn.Embedding(4, 2)

    def forward(self, x):
        return self.table(self.choose(x).argmax(1))


def a_row_that_something_else_chose():
    model = Fed()
    with watch():
        loss = model(leaf(5, 3).detach()).square().mean()
        loss.backward()
    return why_no_grad(model.choose.weight, loss)


# Several watched steps, of which the last one leaves a head out


class Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, g):
        return -g


class Heads(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.task, self.side = nn.Linear(3, 4), nn.Linear(4, 2), nn.Linear(4, 2)

    def forward(self, x, aside):
        h = self.body(x)
        return self.task(h).square().mean() + (
            self.side(Reversed.apply(h)).square().mean() if aside else 0.0
        )


def a_head_that_every_second_step_uses():
    torch.manual_seed(0)
    model = Heads()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step(number):
        optimizer.zero_grad()
        model(leaf(5, 3).detach(), number % 2 == 0).backward()
        optimizer.step()

    with watch():
        for number in range(2):
            step(number)
    return why_no_grad()
