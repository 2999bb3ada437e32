"""Chapter 14's picture flags the nodes in which torch's own passes make a nan or an inf."""

import math
import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course.widgets import explore_nan
from course.widgets.frame.notice import Notice
from course.widgets.frame.player import Player
from course.widgets.frame.values import Value
from course.widgets.nan.search import births


def leaf(*values):
    return torch.tensor(values, requires_grad=True)


def broken():
    return (leaf(3.0, 0.0) ** 2).sqrt().sum()


def hidden():
    squares = leaf(3.0, 0.0) ** 2
    return torch.where(squares > 0, squares.sqrt(), 0.0).sum()


def cured():
    squares = leaf(3.0, 0.0) ** 2
    safe = torch.where(squares > 0, squares, 1.0)
    return torch.where(squares > 0, safe.sqrt(), 0.0).sum()


def nothing_kept():
    return (leaf(-1.0, 2.0).log() * 1.0).sum()


def born_in_a_sum():
    a = leaf(0.0)
    return (a.sqrt() - 2 * a.sqrt()).sum()


def found(loss):
    """Each birth of a loss: what, where, and in which node."""
    (one,) = explore_nan(loss)._stepped.losses
    return [(b.bad, b.where, one.graph.boxes[b.box].node, b.product) for b in one.births.values()]


def test_inf_and_nan_are_found_where_they_are_born():
    assert found(broken()) == [
        ("inf", "node", "SqrtBackward0", ""),
        ("nan", "node", "PowBackward0", "inf · 0"),
    ]
    assert found(hidden()) == [("nan", "node", "SqrtBackward0", "0 · inf")]
    assert found(cured()) == []


def test_a_nan_of_the_forward_pass_is_told_from_one_of_the_backward_pass():
    logs = leaf(-1.0, 2.0).log()
    assert found((logs * 1.0).sum()) == [("nan", "forward", "LogBackward0", "")]
    assert found(nothing_kept()) == [("nan", "seen", "SumBackward0", "")]


def test_a_nan_can_be_born_in_the_sum_of_two_gradients():
    assert found(born_in_a_sum()) == [
        ("inf", "node", "SqrtBackward0", ""),
        ("inf", "node", "SqrtBackward0", ""),
        ("nan", "sum", "AccumulateGrad", ""),
    ]


FUNCTIONS = {
    "sqrt": torch.sqrt,
    "square": torch.square,
    "abs": torch.abs,
    "log1p": torch.log1p,
    "log": torch.log,
    "exp": torch.exp,
    "sin": torch.sin,
    "half": lambda t: t * 0.5,
}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(sorted(FUNCTIONS)), min_size=1, max_size=5),
    st.sampled_from((-1.0, 0.0, 1.0, 200.0)),
)
def test_the_last_birth_is_as_bad_as_what_reaches_the_leaf(names, start):
    a = leaf(start)
    value = a
    for name in names:
        value = FUNCTIONS[name](value)
    loss = value.sum()
    (one,) = explore_nan(loss)._stepped.losses
    (gradient,) = torch.autograd.grad(loss, a, retain_graph=True)
    bad = Value.of(gradient).bad
    if bad:
        assert any(birth.bad == bad for birth in one.births.values())
    for birth in one.births.values():
        if birth.product:
            assert birth.slope.bad == ("inf" if birth.product == "0 · inf" else "")


def test_the_steps_are_told_in_words():
    picture = explore_nan(broken())._stepped
    told = [picture.picture(0, step).sentence for step in range(picture.last_step(0) + 1)]
    (inf,) = [one for one in told if "Here inf is born" in one]
    assert inf.endswith("For a gradient of 1 this node sends [0.1667, inf].")
    (nan,) = [one for one in told if "Here nan is born" in one]
    assert "PowBackward0 receives [0.1667, inf]" in nan
    assert nan.endswith("For a gradient of 1 this node sends [6, 0], and inf · 0 is nan.")
    assert told[-1].endswith(
        "Born were, in this order: inf in SqrtBackward0, then nan in PowBackward0."
    )


def all_known():
    return leaf(3.0, 2.0).exp().sum()


def swallowed():
    x = leaf(-1.0, 2.0)
    return torch.where(x > 0, x.log(), 0.0).sum()  # log keeps x, and where and sum nothing of it


def came_in():
    u = leaf(math.inf, 2.0)
    return (u * 2).clamp(max=3).sum()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (all_known, "Every number of both passes is finite."),
        (swallowed, "is finite, and so is what was kept of the forward pass."),
        (came_in, "Nothing worse was born than what came in with a leaf."),
    ],
)
def test_what_is_not_known_is_not_called_finite(make, words):
    loss = make()
    picture = explore_nan(loss)._stepped
    assert found(loss) == []
    assert picture.picture(0, picture.last_step(0)).sentence.endswith(words)


def test_a_flag_stays_from_the_birth_on():
    picture = explore_nan(broken())._stepped
    (one,) = picture.losses
    first, second = one.births
    for step in range(picture.last_step(0) + 1):
        drawn = picture.picture(0, step).live()
        assert drawn.count("inf born here") == (step >= first)
        assert drawn.count("nan born here") == (step >= second)


def test_a_bad_tensor_that_is_shown_by_its_shape_says_so():
    a = torch.zeros(7, 3, requires_grad=True)
    loss = (a**2).sum(1).sqrt().sum()
    picture = explore_nan(loss)._stepped
    last = picture.picture(0, picture.last_step(0)).live()
    assert "(7, 3) nan" in last
    assert "(7, 3) inf" in last


def test_a_large_finite_tensor_is_not_bad_though_its_norm_is():
    value = Value.of(torch.full((40,), 3e38))
    assert math.isinf(value.norm)
    assert value.bad == ""


def test_several_losses_are_choices_by_their_names():
    one, other = broken(), cured()
    assert explore_nan(one, other)._stepped.choices == ["one", "other"]


def test_looking_changes_nothing_and_warns_of_nothing():
    a = leaf(3.0, 0.0)
    loss = (a**2).sqrt().sum()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert isinstance(explore_nan(loss), Player)
    assert a.grad is None
    loss.backward()
    assert a.grad[1].isnan()


def test_what_cannot_be_searched_is_explained():
    assert "explore_nan(loss)" in explore_nan().message
    assert "shape (2,)" in explore_nan(leaf(1.0, 2.0) * 2).message
    assert "grad_fn is None" in explore_nan(torch.tensor(1.0)).message
    loss = broken()
    loss.backward()
    assert isinstance(explore_nan(loss), Notice)
    deep = leaf(1.0)
    for _ in range(201):
        deep = deep + 1
    assert "200" in explore_nan(deep.sum()).message


def test_a_page_without_a_kernel_shows_the_first_birth(monkeypatch):
    monkeypatch.setenv("AUTOGRAD_COURSE_STATIC", "1")
    bundle = explore_nan(broken())._repr_mimebundle_()
    assert "Here inf is born" in bundle["text/plain"]


def test_a_node_of_the_learners_own_is_not_asked_again():
    calls = []

    class Root(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.sqrt()

        @staticmethod
        def backward(ctx, gradient):
            calls.append(1)
            return gradient / (2 * ctx.saved_tensors[0].sqrt())

    loss = Root.apply(leaf(0.0)).sum()
    (one,) = explore_nan(loss)._stepped.losses
    assert len(calls) == 1
    assert [birth.slope for birth in births(one.graph, loss.grad_fn).values()] == [None]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_every_floating_dtype_is_searched(dtype):
    a = torch.tensor([3.0, 0.0], dtype=dtype, requires_grad=True)
    assert found((a**2).sqrt().sum())[-1][:3] == ("nan", "node", "PowBackward0")
