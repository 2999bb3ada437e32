"""A cure does what the line was meant to do, and no line is named that does something else."""

import pytest
import torch
from torch import nn

from grader.errors import explain_error
from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


def _norm_of_a_result(kept):
    w = torch.ones(3, requires_grad=True)
    y = w * 2
    if kept:
        y.retain_grad()
    y.sum().backward()
    assert w.grad is not None
    return y.grad.norm()


@told(
    "none_used",
    "^y is not a leaf",
    "y = w * 2",
    "y.retain_grad()",
    lambda: _norm_of_a_result(True),
)
def the_gradient_of_a_result():
    _norm_of_a_result(False)


def _doubled(at_once):
    y = torch.ones(4, 3, requires_grad=True) * 1
    if at_once:
        for i in range(4):
            y[i] *= 2
    else:
        for row in y:
            row.mul_(2)
    return y


@told(
    "one_of_many_views",
    "Here that is row, by",
    "row.mul_(2)",
    "to change those, edit that itself, by an index",
    lambda: torch.testing.assert_close(_doubled(True), torch.full((4, 3), 2.0)),
)
def rows_that_are_to_change():
    _doubled(False)


def _of_inputs(net):
    x = torch.ones(1, 2)
    loss = net(x).sum()
    loss.backward()
    x.requires_grad = True  # too late, and no line that freezes


def _frozen(flag):
    net = nn.Linear(2, 1)
    net.requires_grad_(flag)
    _of_inputs(net)


@told(
    "no_graph",
    "^No parameter of net requires grad",
    "loss.backward()",
    "net.requires_grad_(True)",
    lambda: _frozen(True),
)
def a_frozen_net_beside_a_flag_that_is_set():
    _frozen(False)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_cure_does_what_was_meant(program):
    program.is_explained()


def test_a_leaf_that_an_operation_made_anew_is_told_to_set_its_flag_last():
    w = torch.ones(3, requires_grad=True).double()
    w.sum().backward()
    with pytest.raises(AttributeError) as raised:
        w.grad.norm()
    assert "requires_grad_()" in explain_error(raised.value).cure
