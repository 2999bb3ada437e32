"""A cure is code that runs where it is written: nothing is assigned to a call."""

import pytest
import torch
from torch.distributions import Normal

from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


class Same(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad):
        return grad


def _leaf():
    return torch.ones(4, requires_grad=True)


@told(
    "view_of_function",
    "Here that is Same.apply",
    "Same.apply(_leaf()).mul_(2)",
    "part = Same.apply(_leaf()).mul(2)",
    lambda: Same.apply(_leaf()).mul(2).sum().backward(),
)
def an_edit_of_what_a_call_returns():
    Same.apply(_leaf()).mul_(2)


@told(
    "one_of_many_views",
    r"Here that is parts\[0\]",
    "parts[0].mul_(2)",
    "part = parts[0].mul(2)",
    lambda: (_leaf() * 1).chunk(2)[0].mul(2),
)
def an_edit_of_an_entry_of_a_tuple():
    parts = (_leaf() * 1).chunk(2)
    parts[0].mul_(2)


def _given(grad):
    x = _leaf()
    x.grad = grad(x)


@told(
    "assigned_grad",
    "None or a tensor",
    "x.grad = 3.0",
    "x.grad = torch.full_like(x, 3.0)",
    lambda: _given(lambda x: torch.full_like(x, 3.0)),
)
def a_number_for_a_gradient():
    x = _leaf()
    x.grad = 3.0


@told(
    "assigned_grad",
    "None or a tensor",
    "x.grad = [1, 2, 3, 4]",
    "x.grad = torch.as_tensor([1, 2, 3, 4]).to(x)",
    lambda: _given(lambda x: torch.as_tensor([1, 2, 3, 4]).to(x)),
)
def a_list_for_a_gradient():
    x = _leaf()
    x.grad = [1, 2, 3, 4]


@told(
    "bad_parameter",
    "wants every scale above 0",
    "Normal(torch.zeros(2), -1.0, validate_args=True)",
    "Give a number above 0: Normal(torch.zeros(2), 1.0, validate_args=True)",
    lambda: Normal(torch.zeros(2), 1.0),
)
def a_number_below_its_bound():
    Normal(torch.zeros(2), -1.0, validate_args=True)


@told(
    "bad_parameter",
    "spread is what it was given",
    "Normal(torch.zeros(2), spread, validate_args=True)",
    "Normal(torch.zeros(2), max(spread, 1e-6), validate_args=True)",
    lambda: Normal(torch.zeros(2), max(0.0, 1e-6)),
)
def a_number_with_a_name_at_its_bound():
    spread = 0.0
    Normal(torch.zeros(2), spread, validate_args=True)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_cure_is_code_that_cures(program):
    program.is_explained()
