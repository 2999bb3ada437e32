"""Causes that share torch's words, told apart by the graph and by what the text does with it."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.autograd import grad

from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_cause_is_told_apart_and_its_cure_cures(program):
    program.is_explained()


# Arguments of grad by their names, and grad by a name of its own


def _unrecorded(y, x):
    return grad(inputs=x, outputs=y.sum())[0]


def _recorded(x):
    first = grad(inputs=x, outputs=x.pow(3).sum(), create_graph=True)[0]
    return grad(outputs=first.sum(), inputs=x)


@told(
    "no_graph",
    r"^The gradient first was computed without create_graph=True",
    "return grad(inputs=x, outputs=y.sum())",
    "create_graph=True",
    lambda: _recorded(torch.ones(3, requires_grad=True)),
)
def a_slope_of_a_helper_that_names_its_arguments():
    x = torch.ones(3, requires_grad=True)
    y = x.pow(3)
    first = _unrecorded(y, x)
    grad(outputs=first.sum(), inputs=x)


class Spare(nn.Module):
    """Two layers, of which the forward pass uses one."""

    def __init__(self):
        super().__init__()
        self.used, self.spare = nn.Linear(2, 1), nn.Linear(2, 1)

    def forward(self, x):
        return self.used(x).mean()


def _weights(**settings):
    spare = Spare()
    weights = dict(spare.named_parameters())
    return grad(spare(torch.ones(3, 2)), list(weights.values()), **settings)


@told(
    "unused",
    r"^The result does not depend on spare\.spare\.weight",
    "return grad(spare(torch.ones(3, 2))",
    "allow_unused=True, materialize_grads=True",
    lambda: _weights(allow_unused=True, materialize_grads=True),
)
def a_layer_that_the_forward_pass_leaves_out():
    _weights()


# A leaf that torch.tensor made of results


def _turned(angle, join):
    matrix = join(angle)
    return torch.autograd.grad(outputs=matrix, inputs=angle, grad_outputs=torch.ones(2, 2))


def _copied_matrix(a):
    return torch.tensor([[a.cos(), -1.0], [a.sin(), a.cos()]], requires_grad=True)


@told(
    "unused",
    r"^matrix is a leaf of its own: torch\.tensor copies the numbers",
    "return torch.tensor([[a.cos(), -1.0]",
    "torch.stack([a.cos(), torch.full_like(a.cos(), -1.0), a.sin(), a.cos()]).reshape(2, 2)",
    lambda: _turned(
        torch.tensor(0.3, requires_grad=True),
        lambda a: torch.stack([a.cos(), torch.full_like(a.cos(), -1.0), a.sin(), a.cos()]).reshape(
            2, 2
        ),
    ),
)
def a_matrix_of_the_numbers_of_an_angle():
    angle = torch.tensor(0.3, requires_grad=True)
    matrix = _copied_matrix(angle)
    torch.autograd.grad(outputs=matrix, inputs=angle, grad_outputs=torch.ones(2, 2))


@told(
    "unused",
    r"^corners is a leaf of its own",
    "corners = torch.tensor([width, 2 * width]",
    "torch.stack([width, 2 * width])",
    lambda: grad(torch.stack([width := _leaf(), 2 * width]), width, torch.ones(2)),
)
def a_row_of_the_numbers_of_a_width():
    width = _leaf()
    corners = torch.tensor([width, 2 * width], requires_grad=True)
    grad(corners, width, torch.ones(2))


def _leaf():
    return torch.tensor(1.5, requires_grad=True)


# A part that is written over by what was computed from it


def _rows(copied):
    layer, x = nn.Linear(3, 3), nn.Linear(2, 3)(torch.ones(4, 2))
    new_x = x.clone() if copied else x
    for row in range(4):
        new_x[row] = torch.tanh(layer(x[row]))
    return new_x.sum().backward()


@told(
    "modified",
    r"^h\[row\] is a view of the memory of h\. .*`torch\.tanh\(layer\(h\[row\]\)\)`",
    "h[row] = torch.tanh(layer(h[row]))",
    "new_h = h.clone() in front of the loop",
    lambda: _rows(True),
)
def rows_that_go_through_a_layer_in_place():
    layer, h = nn.Linear(3, 3), nn.Linear(2, 3)(torch.ones(4, 2))
    for row in range(4):
        h[row] = torch.tanh(layer(h[row]))
    h.sum().backward()


# A detach whose result nothing keeps


def _remembered(cut):
    layer = nn.Linear(2, 2)
    memory = {"h": torch.zeros(1, 2), "c": torch.zeros(1, 2)}
    cell = nn.LSTMCell(2, 2)
    for _ in range(3):
        memory["h"], memory["c"] = cell(torch.ones(1, 2), (memory["h"], memory["c"]))
        layer(memory["h"]).sum().backward()
        cut(memory)


def _dropping(memory):
    for value in memory.values():
        value.detach()


def _cutting(memory):
    for value in memory.values():
        value.detach_()


@told(
    "second_backward",
    r"`value\.detach\(\)` does not change that: detach\(\) returns a new tensor",
    "value.detach()",
    "value.detach_()",
    lambda: _remembered(_cutting),
)
def a_state_in_a_dict_whose_detach_is_dropped():
    _remembered(_dropping)


def _noted(cut):
    cell, h = nn.GRUCell(2, 2), torch.zeros(1, 2)
    for _ in range(3):
        h = cell(torch.ones(1, 2), h)
        loss = h.sum()
        loss.backward()
        loss.detach()
        h = cut(h)


@told(
    "second_backward",
    r"^h comes from an earlier step.* hangs on it\.$",
    None,
    "h = h.detach()",
    lambda: _noted(torch.detach),
)
def a_loss_whose_detach_is_dropped_beside_a_state():
    _noted(lambda h: h)


# Weights that a step changes between two passes through one graph


def _climbing(anew):
    net, seen = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)), torch.ones(4, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    shown = net(seen)
    shown.mean().backward()
    optimizer.step()
    if anew:
        shown = net(seen)
    shown.square().mean().backward()


@told(
    "second_backward",
    r"through the graph of shown, .* optimizer\.step\(\) changed the weights in between",
    "shown.square().mean().backward()",
    "in front of the second, from the weights as they are then: shown = net(seen).",
    lambda: _climbing(True),
)
def a_second_pass_behind_a_step():
    net, seen = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)), torch.ones(4, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    shown = net(seen)
    shown.mean().backward()
    optimizer.step()
    shown.square().mean().backward()


# A state that begins as a parameter


class Walk(nn.Module):
    """Goes on from where it stood, and begins where it learned to begin."""

    def __init__(self):
        super().__init__()
        self.home, self.at = nn.Parameter(torch.zeros(1, 2)), None
        self.cell = nn.GRUCell(3, 2)

    def forward(self, x):
        if self.at is None:
            self.at = self.cell(x, self.home)
        else:
            self.at = self.cell(x, self.at)
        return self.at


def _walked(begin):
    walk = Walk()
    for _ in range(2):
        begin(walk)
        walk(torch.ones(1, 3)).sum().backward()
    assert walk.home.grad is not None


@told(
    "second_backward",
    r"^walk\.at comes from an earlier step",
    None,
    "walk.at = None. It then begins with walk.home again",
    lambda: _walked(lambda walk: setattr(walk, "at", None)),
)
def a_state_that_was_begun_once():
    _walked(lambda walk: None)


# NumPy's functions of a list of results that are trained


class Ensemble(nn.Module):
    """The mean of what several layers say, and the largest of it."""

    def __init__(self, mean):
        super().__init__()
        self.layers, self.mean = nn.ModuleList(nn.Linear(2, 1) for _ in range(3)), mean

    def forward(self, x):
        said = [layer(x) for layer in self.layers]
        if self.mean:
            return torch.mean(torch.stack(said), dim=0)
        self.said = np.mean(said, axis=0)
        return self.said


@told(
    "numpy",
    r"what this line is made of would get no gradient",
    "self.said = np.mean(said, axis=0)",
    "self.said = torch.mean(torch.stack(said), dim=0)",
    lambda: Ensemble(True)(torch.ones(4, 2)).sum().backward(),
)
def the_mean_of_a_list_by_numpy():
    Ensemble(False)(torch.ones(4, 2)).sum()


# A row that a model chose by more scores than there are rows


class Chooser(nn.Module):
    def __init__(self, rows, scores):
        super().__init__()
        self.table = nn.Embedding(rows, 4)
        self.head = nn.Linear(4, scores)
        with torch.no_grad():
            self.head.bias.copy_(torch.arange(float(scores)) * 9)

    def forward(self, token):
        for _ in range(2):
            scores = self.head(self.table(token))
            token = scores.argmax(-1)
        return token


@told(
    "index_range",
    r"It was chosen by the model: scores has 7 scores in a row, so a choice by them goes up to 6",
    "self.head = nn.Linear(4, scores)",
    "nn.Linear(4, 5)",
    lambda: Chooser(5, 5)(torch.tensor([1])),
)
def a_head_of_more_classes_than_the_table_has_rows():
    Chooser(5, 7)(torch.tensor([1]))


# A copy whose name is gone


def _adapted(net, x):
    fast = copy.deepcopy(net)
    (g,) = torch.autograd.grad(fast(x).mean(), [fast.weight])
    with torch.no_grad():
        fast.weight -= 0.1 * g
    return fast(x).mean()


def _functional(net, x):
    weights = dict(net.named_parameters())
    loss = torch.func.functional_call(net, weights, (x,)).mean()
    grads = torch.autograd.grad(loss, list(weights.values()), create_graph=True)
    weights = {key: w - 0.1 * g for (key, w), g in zip(weights.items(), grads, strict=True)}
    return torch.func.functional_call(net, weights, (x,)).mean()


def _learned(adapt):
    net = nn.Linear(2, 1, bias=False)
    every = list(net.parameters())
    loss = adapt(net, torch.ones(3, 2))
    return torch.autograd.grad(loss, every)


@told(
    "unused",
    r"^The loss was computed from a copy of net: deepcopy\(\)",
    "fast = copy.deepcopy(net)",
    "torch.func.functional_call(net, weights, (x,))",
    lambda: _learned(_functional),
)
def a_gradient_of_what_was_copied():
    _learned(_adapted)
