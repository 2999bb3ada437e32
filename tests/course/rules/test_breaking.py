"""The programs that lesson 14 shows as its rules, run against torch on chains of all kinds."""

import math
import weakref

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.checkpoint import checkpoint

from tests.fixtures.lesson_texts import rule

FIRST, SECOND = "14-where-gradients-break", "14-where-gradients-break-2"

first_bad = rule(FIRST, "first_bad")
second_pass = rule(FIRST, "second_pass")
reached = rule(SECOND, "reached")
in_float16 = rule(SECOND, "in_float16")
norm_at_step = rule(SECOND, "norm_at_step")

FUNCTIONS = {
    "sqrt": torch.sqrt,
    "square": torch.square,
    "abs": torch.abs,
    "log": torch.log,
    "exp": torch.exp,
    "sin": torch.sin,
    "tanh": torch.tanh,
    "reciprocal": torch.reciprocal,
    "times 0": lambda t: t * 0,
    "minus 1": lambda t: t - 1,
    "relu": torch.relu,
    "clamp": lambda t: t.clamp(min=0),
    "where": lambda t: torch.where(t > 0, t, 0.0),
    "index": lambda t: t[t > 0],
}
NOT_CHOSEN = {
    "relu": lambda t: not t > 0 and not t.isnan(),
    "clamp": lambda t: bool(t < 0),
    "where": lambda t: not t > 0,
    "index": lambda t: not t > 0,
}


def local_slope(name, at):
    """The slope of one function at a value, or None where it does not choose that value."""
    if name in NOT_CHOSEN and NOT_CHOSEN[name](at):
        return None
    x = at.detach().clone().requires_grad_()
    return torch.autograd.grad(FUNCTIONS[name](x).sum(), x)[0].item()


def first_bad_in_torch(names, start):
    """The place of the first node of a chain that sends inf or nan; the slopes of all functions."""
    value = torch.tensor([start], dtype=torch.float64, requires_grad=True)
    leaf, nodes, slopes = value, [], []
    for name in names:
        slopes.append(local_slope(name, value))
        value = FUNCTIONS[name](value)
        nodes.append(value.grad_fn)
        if not value.numel():
            break  # an index has left nothing to go on with
    found = []
    for place, node in enumerate(reversed(nodes)):
        node.register_hook(
            lambda sent, got, place=place: (
                found.append((place, "nan" if sent[0].isnan() else "inf"))
                if sent[0].numel() and not sent[0].isfinite()
                else None
            )
        )
    torch.autograd.grad(value.sum(), leaf)
    return found[0] if found else None, slopes[::-1]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(sorted(FUNCTIONS)), min_size=1, max_size=5),
    st.sampled_from((-1.0, 0.0, 0.5, 2.0)),
)
@example(["square", "sqrt"], 0.0)
@example(["sqrt", "times 0"], 0.0)
@example(["minus 1", "relu", "sqrt"], 0.0)
def test_the_first_function_of_a_chain_to_send_something_bad_is_where_the_rule_says(names, start):
    found, slopes = first_bad_in_torch(names, start)
    assert first_bad(slopes) == found


TERMS = {
    "5x": lambda x, w: 5 * x,
    "constant": lambda x, w: w * 1,
    "linear": lambda x, w: x * w,
    "square": lambda x, w: x**2,
    "relu": lambda x, w: (x * w).relu(),
    "abs": lambda x, w: x.abs(),
    "softplus": lambda x, w: nn.functional.softplus(x),
    "held": lambda x, w: x * x.detach(),
    "weights of w": lambda x, w: x * w.sin(),
    "round": lambda x, w: x.round() * x,
    "clamp": lambda x, w: x.clamp(min=0),
    "minus itself": lambda x, w: x**2 - x * x,
    "convolution": lambda x, w: nn.functional.conv1d(x[None, None], w[None, None, :2]),
    "cdist": lambda x, w: torch.cdist(x[:, None], x.detach()[:, None] + 7),
    "its own slope": lambda x, w: HalfSquare.apply(x),
}
NOT_DIFFERENTIABLE_TWICE = "not implemented"


class HalfSquare(torch.autograd.Function):
    """Half the square, whose slope is x itself: where a 1 arrives, the very leaf is sent."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**2 / 2

    @staticmethod
    def backward(ctx, g):
        return ctx.saved_tensors[0]


def what_torch_does(slope, x):
    try:
        torch.autograd.grad(slope.sum(), x, retain_graph=True)
    except RuntimeError as error:
        text = str(error)
        if "does not require grad" in text:
            return "no graph"
        if NOT_DIFFERENTIABLE_TWICE in text:
            return NOT_DIFFERENTIABLE_TWICE
        assert "not have been used" in text
        return "not used"
    return "a tensor"


LEADS_NOWHERE = {"convolution"}
NO_DERIVATIVE = {"cdist"}


@settings(max_examples=40, deadline=None)
@given(st.sets(st.sampled_from(sorted(TERMS)), min_size=1, max_size=3), st.integers(0, 2**31))
def test_what_a_second_pass_finds_is_told_by_the_graph_of_the_slope(names, seed):
    torch.manual_seed(seed)
    x, w = (torch.randn(5, dtype=torch.float64, requires_grad=True) for _ in range(2))
    y = sum(TERMS[name](x, w).sum() for name in sorted(names)) + (0 * x).sum()
    (slope,) = torch.autograd.grad(y, x, create_graph=True)
    told, happened = second_pass(slope, x), what_torch_does(slope, x)
    if told != "a path":
        assert told == happened
    elif names & NO_DERIVATIVE:
        assert happened == NOT_DIFFERENTIABLE_TWICE
    else:
        assert happened == "a tensor" or names & LEADS_NOWHERE


@pytest.mark.parametrize("name", sorted(TERMS))
def test_what_a_second_pass_finds_of_one_term(name):
    torch.manual_seed(0)
    x, w = (torch.randn(5, dtype=torch.float64, requires_grad=True) for _ in range(2))
    (slope,) = torch.autograd.grad(
        TERMS[name](x, w).sum(), x, create_graph=True, materialize_grads=True
    )
    told, happened = second_pass(slope, x), what_torch_does(slope, x)
    if name in LEADS_NOWHERE | NO_DERIVATIVE:
        assert told == "a path"
        assert happened != "a tensor"
    else:
        assert {"a path": "a tensor"}.get(told, told) == happened


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(1, 5), st.booleans())
def test_a_gradient_reaches_back_to_the_last_cut(length, k, detached):
    moves = torch.ones(length, dtype=torch.float64, requires_grad=True)
    w, state = torch.tensor(0.5, dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    for at, move in enumerate(moves.unbind()):
        if detached and at % k == 0:
            state = state.detach()
        state = state * w + move
        (gradient,) = torch.autograd.grad(state, moves, retain_graph=True)
        assert gradient.nonzero().flatten().tolist() == list(reached(at, k, detached))


@settings(max_examples=200, deadline=None)
@given(st.floats(width=32, allow_nan=False))
@example(2.0**-25)
@example(-(2.0**-25))
@example(math.nextafter(2.0**-25, 1) + 2.0**-48)
@example(65519.0)
@example(65520.0)
@example(0.0)
def test_what_a_number_becomes_in_float16(number):
    short = torch.tensor(number, dtype=torch.float32).half()
    word = "zero" if short == 0 else "inf" if short.isinf() else "a number"
    assert in_float16(torch.tensor(number, dtype=torch.float32).item()) == word


@settings(max_examples=40, deadline=None)
@given(
    st.floats(1e-8, 100), st.floats(1e-8, 100), st.sampled_from((1.0, 64.0, 65536.0)), st.booleans()
)
@example(1e-6, 1e-7, 1024.0, True)
def test_the_norm_that_a_step_sees_depends_on_where_the_scale_is_taken_off(
    norm, max_norm, scale, unscaled_first
):
    w = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=1.0)
    scaler = torch.amp.GradScaler("cpu", init_scale=scale)
    direction = torch.tensor([0.6, 0.8], dtype=torch.float64)
    scaler.scale((w * direction * norm).sum()).backward()
    if unscaled_first:
        scaler.unscale_(optimizer)
    nn.utils.clip_grad_norm_([w], max_norm)
    scaler.step(optimizer)
    told = norm_at_step(norm, max_norm, scale, unscaled_first)
    assert w.detach().norm().item() == pytest.approx(told, rel=1e-3)


@pytest.mark.parametrize(
    ("norm", "scale", "unscaled_first"),
    [(9e18, 1.0, False), (1e14, 65536.0, False), (9e18, 0.25, True), (9e18, 65536.0, True)],
)
def test_the_norm_that_a_step_sees_is_told_as_far_as_float32_holds_its_square(
    norm, scale, unscaled_first
):
    for larger, holds in ((1.0, True), (10.0, False)):
        w = torch.zeros(2, requires_grad=True)
        clipped_at = 1.0 if unscaled_first else scale
        w.grad = torch.tensor([0.6, 0.8]) * norm * larger * clipped_at
        nn.utils.clip_grad_norm_([w], 1.0)
        told = norm_at_step(norm * larger, 1.0, scale, unscaled_first)
        stepped = (w.grad / clipped_at).norm().item()
        assert (stepped == pytest.approx(told, rel=1e-3)) == holds


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_a_backward_program_has_no_derivative_and_where_none_is_written_there_is_one(backend):
    torch.compiler.reset()
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    compiled = torch.compile(lambda w: (w**3).sum(), backend=backend)
    (slope,) = torch.autograd.grad(compiled(w), w, create_graph=True)
    if backend == "eager":
        assert torch.autograd.grad(slope.sum(), w)[0].tolist() == [6.0, 12.0]
    else:
        with pytest.raises(RuntimeError, match="double backward"):
            torch.autograd.grad(slope.sum(), w)


@pytest.mark.parametrize("kept", [lambda x: [x], lambda x: (x,), lambda x: {0: x}])
def test_a_reentrant_checkpoint_does_not_look_into_what_holds_a_tensor(kept):
    x = torch.ones(3, requires_grad=True)
    with pytest.warns(UserWarning, match="None of the inputs have requires_grad=True"):
        y = checkpoint(lambda held: held[0] * 2, kept(x), use_reentrant=True)
    assert not y.requires_grad


@pytest.mark.parametrize("asked", [True, False])
def test_a_pass_gives_back_what_the_nodes_that_it_went_through_had_saved(asked):
    w, other = torch.ones(5, requires_grad=True), torch.ones(5, requires_grad=True)
    hidden = w.exp()
    seen = weakref.ref(hidden.untyped_storage())
    loss = hidden.square().sum() + other.sum()
    loss.backward(inputs=[w if asked else other])
    del hidden
    assert (seen() is None) == asked
