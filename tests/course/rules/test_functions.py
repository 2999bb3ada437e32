"""The rules of lesson 8 decide what torch decides about what backward returns."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.fixtures.lesson_texts import LESSONS, cells, rule, tags

is_accepted = rule("08-functions", "is_accepted")
what_becomes_of = rule("08-functions", "what_becomes_of")


class Returning(torch.autograd.Function):
    """The sum of its tensors; backward returns what it is told, through the first argument."""

    @staticmethod
    def forward(ctx, told, *arguments):
        ctx.told = told
        return sum(one for one in arguments if isinstance(one, torch.Tensor))

    @staticmethod
    def backward(ctx, grad_output):
        return None, *ctx.told


def outcome(told, *arguments):
    """What a backward pass raises, or None."""
    try:
        Returning.apply(told, *arguments).sum().backward()
    except RuntimeError as error:
        return str(error)
    return None


# how many gradients, and for what


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_what_is_accepted_is_what_torch_accepts(data):
    kinds = data.draw(st.lists(st.sampled_from(["leaf", "frozen", "whole", "number"]), max_size=4))
    kinds.insert(data.draw(st.integers(0, len(kinds))), "leaf")  # else there is no backward pass
    close = st.integers(max(0, len(kinds) - 1), len(kinds) + 2)
    count = data.draw(close)
    returned = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    made = {
        "leaf": torch.ones(3, requires_grad=True), "frozen": torch.ones(3),
        "whole": torch.ones(3, dtype=torch.int64), "number": 2.0,
    }  # fmt: skip
    arguments = [made[kind] for kind in kinds]
    raised = outcome([torch.ones(3) if one else None for one in returned], *arguments)
    assert is_accepted([kind != "number" for kind in kinds], returned) == (raised is None), raised
    if raised is not None:
        assert "incorrect number of gradients" in raised or "different than None" in raised


def test_both_answers_come_up():
    """The rule is not always of one mind where the test draws."""
    assert is_accepted([True, False], [True, False])
    assert is_accepted([True], [True, False])  # None beyond the last is overlooked
    assert not is_accepted([True, False], [True])
    assert not is_accepted([True, False], [True, True])
    assert not is_accepted([True], [True, True])


class WithDefault(torch.autograd.Function):
    """A number with a default, and setup_context; backward returns what it is told."""

    told = ()

    @staticmethod
    def forward(x, factor=2.0):
        return x * factor

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.inputs = inputs

    @staticmethod
    def backward(ctx, grad_output):
        return WithDefault.told


def test_with_setup_context_a_default_counts_as_an_argument():
    x = torch.ones(3, requires_grad=True)
    y = WithDefault.apply(x)
    assert (len(y.grad_fn.inputs), y.grad_fn.inputs[1]) == (2, 2.0)
    WithDefault.told = (torch.ones(3),)
    with pytest.raises(RuntimeError, match=r"expected 2, got 1"):
        y.sum().backward()
    WithDefault.told = (torch.ones(3), None)
    WithDefault.apply(x).sum().backward()
    assert x.grad.equal(torch.ones(3))


class Doubled(torch.autograd.Function):
    """It saves x, and asks for it where it is told to."""

    @staticmethod
    def forward(ctx, x, asks):
        ctx.asks = asks
        ctx.save_for_backward(x)
        return 2 * x

    @staticmethod
    def backward(ctx, grad_output):
        if ctx.asks:
            assert len(ctx.saved_tensors) == 1
        return 2 * grad_output, None


def test_a_second_pass_raises_where_it_asks_for_what_was_freed():
    for asks in (True, False):
        x = torch.ones(3, requires_grad=True)
        loss = Doubled.apply(x, asks).sum()
        loss.backward()
        if asks:
            with pytest.raises(RuntimeError, match="a second time"):
                loss.backward()
        else:
            loss.backward()
            assert x.grad.equal(torch.full((3,), 4.0))


# shapes

sizes = st.integers(0, 3)
shapes = st.lists(sizes, max_size=3).map(tuple)


@st.composite
def pairs(draw):
    """A wanted shape, and a returned one that is often close to it."""
    wanted = draw(shapes)
    if draw(st.booleans()):
        return wanted, draw(shapes)
    repeated = [draw(sizes) if size == 1 else size for size in wanted]
    return wanted, (*draw(st.lists(sizes, max_size=2)), *repeated)


@settings(deadline=None, max_examples=300)
@given(pairs())
def test_a_shape_becomes_what_the_rule_says(pair):
    wanted, returned = pair
    x = torch.zeros(wanted, requires_grad=True)
    numbers = torch.arange(1.0, 1 + torch.Size(returned).numel()).reshape(returned)
    raised = outcome([numbers], x)
    said = what_becomes_of(returned, wanted)
    if said == "raises":
        assert raised is not None
        assert "but expected shape compatible with" in raised
        return
    assert raised is None
    assert x.grad.equal(numbers.sum_to_size(wanted) if said == "summed" else numbers)


def test_an_input_that_asks_for_no_gradient_is_given_any_shape():
    """The rule is about inputs that require grad: what comes for another is thrown away."""
    assert what_becomes_of((5, 5), (3,)) == "raises"
    asks, frozen = torch.ones(3, requires_grad=True), torch.ones(3)
    assert outcome([torch.ones(3), torch.ones(5, 5)], asks, frozen) is None
    assert outcome([torch.ones(5, 5), torch.ones(3)], asks, frozen) is not None


@settings(deadline=None, max_examples=100)
@given(shapes, shapes)
def test_what_broadcasting_repeats_is_summed(one, other):
    """A gradient of the shape of a product is never refused for one of its factors."""
    try:
        together = tuple(torch.broadcast_shapes(one, other))
    except RuntimeError:
        assume(False)
    for wanted in (one, other):
        assert what_becomes_of(together, wanted) == ("taken" if wanted == together else "summed")


def test_every_rule_of_the_lesson_is_tried_here():
    (lesson,) = (text for text in LESSONS if text.stem == "08-functions")
    told = [cell.source for cell in cells(lesson) if "rule" in tags(cell)]
    assert len(told) == 2
