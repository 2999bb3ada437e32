"""Exercises that make leaves: from a tensor, and from random numbers."""

import math
from typing import Any

import torch
from torch import Tensor

from grader.engine.lived import with_grad
from grader.engine.observation import flags, shares_memory
from grader.engine.task import F32, Case, Inputs, Rng, Task, case


class MakeLeaf(Task):
    """Return a leaf that requires grad, holds the values of t in its dtype and on its device, and
    has memory of its own and no .grad yet. t is any floating point tensor: a leaf that requires
    grad, one that does not, or a non-leaf. Leave t as it is."""

    id = "make_leaf"
    signatures = ("make_leaf(t) -> leaf",)
    title, points, difficulty, minutes = "A leaf of its own", 6, 1, 5
    hints = (
        "Read section 2.4, on how a leaf is lost and made. Which three things must be true of the "
        "result: its history, its flag, its memory?",
        "clone() gives new memory, detach() gives a tensor without history. Neither does both. "
        "Print is_leaf after each, for a t that is no leaf.",
        "Drop the history first, copy the values next, and set the flag on the copy last.",
    )
    CASES = (
        case("5 plain numbers", shape=(5,), kind="plain", visible=True),
        case("a leaf that requires grad", shape=(7,), kind="leaf"),
        case("a non-leaf", shape=(7,), kind="computed", visible=True),
        case("a transposed view of a non-leaf", shape=(3, 5), kind="transposed", visible=True),
        case("a non-leaf in float32", shape=(5,), kind="computed", dtype=F32),
        case("a leaf with an old .grad", shape=(7,), kind="trained"),
        case("one row, repeated by expand", shape=(1, 5), kind="expanded"),
        case("one number in bfloat16", shape=(), kind="computed", half="bfloat16"),
        case("5 numbers in float16", shape=(5,), kind="leaf", half="float16"),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {"t": rng.apart(0.5, 3.0, *case["shape"])}

    def observe(self, make_leaf, t, kind, half=""):
        source = source_of(kind, t.to(getattr(torch, half)) if half else t)
        leaf = make_leaf(source)
        return {"leaf": leaf, **_standing(leaf, source), "leaf.grad": held_gradient(leaf)}


class ScaledParameter(Task):
    """Return a leaf that requires grad, of the given shape, dtype and device, holding random
    numbers from a normal distribution with mean 0 and standard deviation scale, each drawn for
    itself. Every call draws new numbers."""

    id = "scaled_parameter"
    signatures = ("init_weight(shape, scale, dtype, device) -> weight",)
    title, points, difficulty, minutes = "Scaled random weights", 6, 2, 6
    hints = (
        "Read section 2.1, on a layer that does not learn. The product of a leaf and a number is "
        "an operation like any other.",
        "Print is_leaf of your result. If it is False, ask at which line requires_grad came in.",
        "Compute the scaled numbers while nothing requires grad, and set the flag on the finished "
        "tensor. torch.randn takes dtype= and device=.",
    )
    allows = frozenset({"rng"})
    NAMES = (
        "scale",
        "1",
        "scale ** 2",
        "scale ** 0.5",
        "scale / 3 ** 0.5",
        "scale / 12 ** 0.5",
        "1 / scale",
    )
    CASES = (
        case("67 x 61, float32", shape=(67, 61), dtype_name="float32", visible=True),
        case("float64, and many", shape=(31, 47, 43), dtype_name="float64"),
        case("bfloat16", shape=(4099,), dtype_name="bfloat16"),
        case("scale = 0", shape=(67, 61), dtype_name="float64", scale_is_0=True),
        case("one number", shape=(1,), dtype_name="float64"),
        case("a scale above 1", shape=(67, 61), dtype_name="float64", large=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        # Below 0.05, and from 4.2 to 4.8, the scale, its square, its root and 1 are far apart. A
        # mean of scale is seen where it is large.
        bounds = (4.2, 4.8) if case.params.get("large") else (0.02, 0.05)
        scale = 0.0 if case.params.get("scale_is_0") else float(rng.uniform(*bounds))
        return {"like": rng.normal(1), "scale": scale, "seed": int(rng.integers(0, 2**31))}

    def observe(self, init_weight, like, shape, scale, dtype_name, seed):
        dtype = getattr(torch, dtype_name)
        with torch.random.fork_rng(devices=[like.device] if like.is_cuda else []):
            torch.manual_seed(seed)
            weight = init_weight(shape, scale, dtype, like.device)
            again = init_weight(shape, scale, dtype, like.device)
            third = init_weight(shape, scale, dtype, like.device)
        standing = flags("weight", weight, "is_leaf", "requires_grad")
        if not all(isinstance(drawn, Tensor) for drawn in (weight, again, third)):
            return {"weight": weight, **standing}
        values = weight.detach().to(like.dtype)
        # Random values cannot be compared: what stands here is their shape, and their device by
        # the product with a tensor on the right one.
        blank = torch.zeros_like(values * like.new_zeros(values.shape))
        repeated = bool(scale) and (torch.equal(weight, again) or torch.equal(again, third))
        told = "the same tensor" if weight is again else "the same numbers"
        drawn_as = _drawn(weight, values, scale)
        return {
            "weight": blank,
            **standing,
            "dtype": "as asked" if weight.dtype == dtype else str(weight.dtype),
            # Of numbers that stand there several times too few were drawn to say.
            "mean": _FEW if drawn_as == _AGAIN else _mean(values),
            "std": _FEW if drawn_as == _AGAIN else _std(values, scale),
            "distribution": _FEW if drawn_as == _AGAIN else _distribution(values),
            "a second call": told if repeated else "new numbers",
            "drawn": drawn_as,
        }


def source_of(kind: str, t: Tensor) -> Tensor:
    """t as it is, as a leaf that requires grad, or a tensor computed from such a leaf."""
    if kind == "plain":
        return t
    if kind == "trained":
        return with_grad(t)
    t.requires_grad_()
    if kind == "leaf":
        return t
    computed = t * 2
    if kind == "expanded":
        return computed.expand(3, *t.shape[1:])
    return computed.T if kind == "transposed" else computed


def _standing(leaf: Any, source: Tensor) -> dict[str, Any]:
    return {
        **flags("leaf", leaf, "is_leaf", "requires_grad"),
        **flags("t", source, "is_leaf"),
        "leaf.same_object": leaf is source,
        "leaf.shares_memory": shares_memory(leaf, source),
    }


def held_gradient(leaf: Any) -> str:
    held = isinstance(leaf, Tensor) and leaf.is_leaf and leaf.grad is not None
    return "some" if held else "none yet"


def _mean(values: Tensor) -> str:
    """`"about 0"` within six standard errors; a few numbers say nothing, unless they are none."""
    n = values.numel()
    if not values.is_meta and not values.isfinite().all():
        return "nan or inf"
    if n < 1000:
        return _FEW
    mean, error = float(values.mean()), float(values.std()) / math.sqrt(n)
    if abs(mean) <= 6 * error:
        return "about 0"
    if mean < 0:
        return "smaller than 0"
    return "larger than 0" + (", and no number is negative" if bool((values >= 0).all()) else "")


def _std(values: Tensor, scale: float) -> str:
    """The name of what the standard deviation agrees with: scale to seven standard errors, another
    to fewer, for what is not recognised is told as it is."""
    n = values.numel()
    if n < 1000:
        return _FEW
    std = float(values.std())
    over = 1 / scale if scale else math.inf
    known = (scale, 1.0, scale**2, scale**0.5, scale / 3**0.5, scale / 12**0.5, over)
    allowed = (7 / math.sqrt(2 * n), *[0.05] * 3, 0.03, 0.03, 0.05)
    named = zip(ScaledParameter.NAMES, known, allowed, strict=True)
    known_as = next((n for n, value, off in named if abs(std - value) <= off * value), None)
    return known_as or ("smaller than scale" if std < scale else "larger than scale")


_FEW = "too few numbers to say"
_AGAIN = "many of them more than once"


def _drawn(weight: Tensor, values: Tensor, scale: float) -> str:
    """How the numbers hang together: each is drawn for itself."""
    if _standardised(values, scale):
        return "and standardised"
    first = values.flatten()[:4200]  # all of most weights, and enough of the largest
    if len(first) < 1000 or values.is_meta or not bool(first.isfinite().all()):
        return "as they are"
    if weight.dtype in (torch.float32, torch.float64) and _repeated(first):
        return _AGAIN
    steps = first.diff()
    in_order = bool((steps >= 0).all() or (steps <= 0).all()) and bool(steps.any())
    return "and sorted" if in_order else "as they are"


def _repeated(values: Tensor) -> bool:
    """Whether a quarter of the sizes that occur do so more than once: a bound or a 0 is one."""
    sizes = torch.unique(values.abs(), return_counts=True)[1]
    return len(sizes) > 10 and int((sizes > 1).sum()) > len(sizes) / 4


def _standardised(values: Tensor, scale: float) -> bool:
    """Whether many numbers have mean 0 and deviation `scale` far closer than drawn ones have."""
    if values.numel() < 1000 or not scale or values.is_meta:
        return False
    near = [abs(float(values.std(correction=n)) - scale) < 1e-5 * scale for n in (0, 1)]
    return any(near) and abs(float(values.mean())) < 1e-5 * scale


def _distribution(values: Tensor) -> str:
    """Whether the fourth moment is that of normal numbers, to seven standard errors: 3 times the
    square of the variance. Of uniform ones it is 1.8 times that."""
    n, values = values.numel(), values.double()
    if n < 1000 or not bool(values.isfinite().all()):
        return _FEW
    if float(values.std()) <= 1e-6 * float(values.abs().max()):
        return "none: all numbers are alike"
    off = values - values.mean()
    fourth = float(off.pow(4).mean() / off.pow(2).mean() ** 2)
    if abs(fourth - 3) <= 7 * math.sqrt(24 / n):
        return "normal"
    if abs(fourth - 1.8) < 0.08:
        return "uniform"
    return "more even than normal" if fourth < 3 else "with more large numbers than normal"
