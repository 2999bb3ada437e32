"""The programs that lesson 9 shows as its rules, run against torch on tensors that are drawn."""

import itertools
import math

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from grader import check
from tests.fixtures.lesson_texts import rule

LESSON = "09-tensors"

promoted = rule(LESSON, "promoted")
viewable = rule(LESSON, "viewable")
is_view = rule(LESSON, "is_view")
broadcast = rule(LESSON, "broadcast")
product_shape = rule(LESSON, "product_shape")

REAL = (
    torch.bool,
    torch.uint8,
    torch.int8,
    torch.int16,
    torch.int32,
    torch.int64,
    torch.float16,
    torch.bfloat16,
    torch.float32,
    torch.float64,
)

lengths = st.integers(1, 4)
shapes = st.lists(lengths, max_size=4).map(tuple)
shapes_or_empty = st.lists(st.integers(0, 4), max_size=4).map(tuple)


# dtypes


operands = st.one_of(
    st.builds(torch.ones, st.sampled_from([(), (3,)]), dtype=st.sampled_from(REAL)),
    st.sampled_from([True, 2, 0.5]),
)


@given(operands, operands)
@settings(deadline=None)
def test_the_dtype_of_a_sum_is_the_one_that_the_rule_says(one, other):
    assume(isinstance(one, torch.Tensor) or isinstance(other, torch.Tensor))
    assert promoted(one, other) == (one + other).dtype == (one * other).dtype


def test_the_rule_of_dtypes_follows_the_default_dtype():
    before = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.float64)
        assert promoted(torch.ones(3, dtype=torch.int64), 0.5) == torch.float64
        assert (torch.ones(3, dtype=torch.int64) * 0.5).dtype == torch.float64
    finally:
        torch.set_default_dtype(before)


# views


@st.composite
def strided(draw):
    """A tensor whose axes were moved, sliced, stretched and put in."""
    t = torch.zeros(draw(shapes))
    for _ in range(draw(st.integers(0, 3))):
        change = draw(st.sampled_from(["permute", "slice", "expand", "unsqueeze", "number"]))
        axis = draw(st.integers(0, max(t.ndim - 1, 0)))
        if change == "unsqueeze":
            t = t.unsqueeze(axis)
        elif change == "permute":
            t = t.permute(draw(st.permutations(range(t.ndim))))
        elif t.ndim == 0:
            continue
        elif change == "slice":
            t = t.transpose(0, axis)[:: draw(st.integers(1, 2))].transpose(0, axis)
        elif change == "number":
            t = t.select(axis, 0)
        elif t.shape[axis] == 1:
            t = t.expand(*t.shape[:axis], draw(lengths), *t.shape[axis + 1 :])
    return t


@st.composite
def cuts(draw, entries):
    """A shape of so many entries."""
    new = []
    while entries > 1:
        length = draw(st.sampled_from([n for n in range(2, entries + 1) if entries % n == 0]))
        new.append(length)
        entries //= length
    for _ in range(draw(st.integers(0, 2))):
        new.insert(draw(st.integers(0, len(new))), 1)
    return tuple(new)


def raises(call):
    try:
        call()
    except (RuntimeError, ValueError):
        return True
    return False


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_view_of_a_shape_works_exactly_where_the_rule_says_so(data):
    t = data.draw(strided())
    new = data.draw(cuts(t.numel()))
    works = viewable(t.shape, t.stride(), new)
    assert raises(lambda: t.view(new)) != works
    shared = t.reshape(new).untyped_storage().data_ptr() == t.untyped_storage().data_ptr()
    assert shared == works


@given(strided())
@settings(deadline=None)
def test_an_entry_lies_in_the_cell_that_the_strides_say(t):
    cells = torch.arange(t.untyped_storage().nbytes() // t.element_size())
    looked = cells.as_strided(t.shape, t.stride(), t.storage_offset())
    for index in itertools.product(*map(range, t.shape)):
        steps = sum(i * stride for i, stride in zip(index, t.stride(), strict=True))
        assert looked[index] == t.storage_offset() + steps


# indices


parts = st.one_of(
    st.integers(-2, 1),
    st.builds(slice, st.integers(0, 1), st.none(), st.integers(1, 2)),
    st.none(),
    st.booleans(),
    st.lists(st.integers(0, 1), min_size=1, max_size=3),
    st.integers(0, 1).map(torch.tensor),
    st.lists(st.integers(0, 1), min_size=2, max_size=2).map(torch.tensor),
    st.lists(st.booleans(), min_size=2, max_size=2).map(torch.tensor),
    st.booleans().map(torch.tensor),
)


@given(st.lists(parts, max_size=3), st.sampled_from([None, 0, 1]))
@settings(max_examples=200, deadline=None)
def test_an_index_gives_a_view_exactly_where_the_rule_says_so(index, dots):
    if dots is not None:
        index.insert(min(dots, len(index)), ...)
    t = torch.zeros(2, 2, 2)
    try:
        picked = t[tuple(index)]
    except (IndexError, RuntimeError):  # lists of lengths that do not fit
        assume(False)
    assume(picked.numel() > 0)
    shared = picked.untyped_storage().data_ptr() == t.untyped_storage().data_ptr()
    assert is_view(*index) == shared


# shapes


@given(shapes_or_empty, shapes_or_empty)
def test_shapes_broadcast_exactly_as_the_rule_says(one, other):
    if raises(lambda: broadcast(one, other)):
        assert raises(lambda: torch.zeros(one) + torch.zeros(other))
    else:
        assert broadcast(one, other) == (torch.zeros(one) + torch.zeros(other)).shape


@given(shapes_or_empty, shapes_or_empty, st.booleans())
@settings(max_examples=200)
def test_a_product_has_the_shape_that_the_rule_says(one, other, fit):
    if fit and one and other:  # most shapes do not
        at = max(len(other) - 2, 0)
        other = (*other[:at], one[-1], *other[at + 1 :])
    if raises(lambda: product_shape(one, other)):
        assert raises(lambda: torch.zeros(one) @ torch.zeros(other))
    else:
        assert product_shape(one, other) == (torch.zeros(one) @ torch.zeros(other)).shape


# exercises


def test_the_rules_pass_the_exercises_that_ask_for_them():
    def flatten(x):
        new = (x.shape[0], math.prod(x.shape[1:]))
        if x.numel() and viewable(x.shape, x.stride(), new):
            return x.view(new)
        return x.reshape(new)

    def sum_to(g, shape):
        assert broadcast(g.shape, shape) == g.shape
        return g.sum_to_size(shape)

    assert check("flatten_batch", flatten).passed
    assert check("sum_to_shape", sum_to).passed


@pytest.mark.parametrize("one", [(3,), (2, 3), (5, 2, 3)])
def test_the_gradient_of_a_product_is_a_product_summed_over_what_was_broadcast(one):
    torch.manual_seed(0)
    a = torch.randn(one, dtype=torch.float64)
    b = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    g = torch.randn((a @ b).shape, dtype=torch.float64)
    (gradient,) = torch.autograd.grad(a @ b, b, g)
    torch.testing.assert_close(gradient, a.reshape(-1, 3).T @ g.reshape(-1, 4))
