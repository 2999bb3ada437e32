"""More expressions that a cure goes on from: parameters, losses of several parts, spellings."""

import ast

import pytest
import torch
from torch import nn
from torch.distributions import Normal
from torch.nn import functional as F

from grader.errors import explain_error
from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


def _ones():
    return torch.ones(3, requires_grad=True)


def _from_a_leaf(y):
    return torch.autograd.grad((y**2).sum(), y)


@told(
    "input_without_grad",
    r"detach\(\) made it a leaf",
    "y = x.detach() * 2",
    "y = (x.detach() * 2).requires_grad_()",
    lambda: _from_a_leaf((_ones().detach() * 2).requires_grad_()),
)
def a_product_of_what_was_detached():
    x = _ones()
    y = x.detach() * 2
    torch.autograd.grad((y**2).sum() + x.sum(), y)


@told(
    "cat_sizes",
    "cat joins tensors of as many dimensions",
    "torch.cat([a, b * 2], 1)",
    "(b * 2).squeeze(1)",
    lambda: torch.cat([torch.ones(4, 3), (torch.ones(4, 1, 3) * 2).squeeze(1)], 1),
)
def a_product_that_is_joined():
    a, b = torch.ones(4, 3), torch.ones(4, 1, 3)
    torch.cat([a, b * 2], 1)


@told(
    "bad_parameter",
    "wants every scale above 0",
    "Normal(m, s * 2, validate_args=True)",
    "(s * 2).exp()",
    lambda: Normal(torch.zeros(2), (torch.tensor([-1.0, 1.0]) * 2).exp()),
)
def a_scale_that_is_a_product():
    m, s = torch.zeros(2), torch.tensor([-1.0, 1.0])
    Normal(m, s * 2, validate_args=True)


def _scaled(y, factor):
    (y * factor).sum().backward()


@told(
    "modified",
    r"y \*= a \+ b edited it in place",
    "y *= a + b",
    "y = y * (a + b)",
    lambda: _scaled(_ones().exp(), torch.ones(3) + 1),
)
def a_product_in_place_with_a_sum():
    a, b = torch.ones(3), torch.ones(3)
    y = _ones().exp()
    y *= a + b
    y.sum().backward()


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, x, anew=False):
        if anew:
            scale = self.scale * (x - 1)
            return (x * scale).sum()
        self.scale *= x - 1
        return (x * self.scale).sum()


@told(
    "leaf_in_place",
    "would change it in each forward",
    "self.scale *= x - 1",
    "scale = self.scale * (x - 1)",
    lambda: Scaled()(torch.ones(3), anew=True).backward(),
)
def a_parameter_that_forward_multiplies_in_place():
    Scaled()(torch.ones(3)).backward()


@told(
    "non_leaf_parameter",
    "is the result of an operation",
    "w = nn.Parameter(base + shift).double()",
    "w = nn.Parameter((base + shift).double())",
    lambda: torch.optim.SGD([nn.Parameter((torch.ones(2) + 1).double())], lr=0.1),
)
def a_parameter_of_a_sum_that_is_converted():
    base, shift = torch.ones(2), torch.ones(2)
    w = nn.Parameter(base + shift).double()
    torch.optim.SGD([w], lr=0.1)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_cure_goes_on_from_the_whole_expression(program):
    program.is_explained()


def test_a_target_that_is_computed_is_spelled_so_that_it_can_be_read_back():
    scores, labels = torch.ones(5, 1), torch.ones(5)
    with pytest.raises(ValueError, match="Target size") as raised:
        F.binary_cross_entropy_with_logits(scores, labels * 0.5)
    cure = explain_error(raised.value).cure
    ast.parse(cure.removeprefix("Give both one shape: ").partition(", or ")[2].rstrip("."))
    assert "(labels * 0.5).unsqueeze(-1)" in cure
