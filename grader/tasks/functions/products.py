"""Exercises on Functions of several tensors: a product that broadcasts, and a linear layer."""

from torch import Tensor

from grader.engine.lived import with_grad
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.functions.watching import (
    KEPT,
    RAW,
    called,
    is_computed_in_vain,
    returns_shapes,
    sent_back,
)


class MulBroadcast(Task):
    """Write a * b as an autograd.Function: mul(a, b) returns Mul.apply(a, b) for two tensors of any
    shapes that broadcast. Gradients reach a and b. Let backward itself return each gradient in the
    shape of its tensor: summed over what was repeated, and not left to torch's engine. One of the
    two may not require grad. Leave what you are given, and what arrives, as it is."""

    id = "mul_broadcast"
    signatures = ("mul(a, b) -> y",)
    title, points, difficulty, minutes = "A product that broadcasts", 10, 3, 15
    prerequisites = ("my_exp",)
    hints = (
        "Read section 8.5, on shapes. An entry that is used several times gets the sum of what "
        "comes back from each use.",
        "The derivative by a is b: multiply what arrives by it. The product has the shape of the "
        "result. Along which axes was a repeated? There are two kinds: axes that a lacks, and "
        "axes of size 1.",
        "Sum over the leading axes that a lacks, then over those where a has size 1, with "
        "keepdim=True. t.sum_to_size(shape) does both.",
    )
    CASES = (
        case("a row for every row", a=(7, 3), b=(3,), visible=True),
        case("a column and a row", a=(7, 1), b=(1, 3), visible=True),
        case("a number", a=(), b=(7, 3)),
        case("three axes", a=(2, 1, 5), b=(3, 1)),
        case("equal shapes", a=(7, 3), b=(7, 3)),
        case("an axis of size 1 in both", a=(7, 1), b=(1,)),
        case("float32", a=(7, 1), b=(5,), dtype=F32),
        case("b does not require grad", a=(5,), b=(7, 5), frozen="b"),
        case("a does not require grad", a=(7, 5), b=(5,), frozen="a"),
        case("leaves with a .grad from before", a=(7, 3), b=(7, 1), in_use=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        a, b = rng.apart(0.5, 1.0, *case["a"]), rng.apart(1.3, 2.0, *case["b"])
        return {"a": a, "b": b, "v": rng.apart(0.5, 2.0, *(a * b).shape)}

    def observe(self, mul, a, b, v, frozen=None, in_use=False):
        if in_use:
            a, b = with_grad(a), with_grad(b)
        leaves = _leaves({"a": a, "b": b}, frozen)
        found = called(lambda: mul(a, b), {"a": a, "b": b})
        del found[KEPT]
        found |= sent_back(found["y"], leaves, v)
        return {**found, RAW: returns_shapes(found["y"], v)}


class LinearFn(Task):
    """Write x @ w.T + b as an autograd.Function: linear(x, w, b) returns Linear.apply(x, w, b).
    x has shape (..., I) with one axis or more, w has shape (O, I), b has shape (O,) or is None.
    Gradients reach those of the three that require grad, and for the others nothing of their
    size is computed in backward: ctx.needs_input_grad says which they are. backward itself returns
    each gradient in the shape of its tensor. Leave what you are given, and what arrives, as it
    is."""

    id = "linear_fn"
    signatures = ("linear(x, w, b) -> y",)
    title, points, difficulty, minutes = "A linear layer", 12, 4, 20
    prerequisites = ("mul_broadcast",)
    hints = (
        "Read section 8.6, on what backward need not compute, and 8.5 on shapes. Write down "
        "the shapes of x, w, b and of what arrives.",
        "With rows alone, x of shape (N, I): which product of an (N, O) and an (O, I) matrix has "
        "the shape of x, and which of gy and x that of w?",
        "Make rows of all axes but the last: gy.reshape(-1, O) and x.reshape(-1, I). The gradient "
        "of w is the first, transposed, times the second; that of b is a sum over rows. Ask "
        "ctx.needs_input_grad before each.",
    )
    CASES = (
        case("7 rows", x=(7,), visible=True),
        case("a batch of sequences", x=(2, 11), visible=True),
        case("one row without a batch", x=()),
        case("no bias", x=(7,), bias=False),
        case("w is frozen", x=(7,), frozen="w", visible=True),
        case("x is data", x=(7,), frozen="x"),
        case("b is frozen", x=(7,), frozen="b"),
        case("w is frozen, in a batch of sequences", x=(2, 11), frozen="w"),
        case("x and gy lie in memory in another order", x=(2, 11), turned=True),
        case("float32", x=(11,), dtype=F32),
        case("leaves with a .grad from before", x=(7,), in_use=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {
            "x": rng.apart(0.5, 1.5, *case["x"], 3),
            "w": rng.apart(0.5, 1.5, 5, 3),
            "b": rng.apart(1.3, 2.0, 5),
            "v": rng.apart(0.5, 2.0, *case["x"], 5),
        }

    def observe(self, linear, x, w, b, v, bias=True, frozen=None, in_use=False, turned=False):
        if in_use:
            x, w, b = with_grad(x), with_grad(w), with_grad(b)
        if turned:
            x, v = (t.transpose(0, 1).contiguous().transpose(0, 1) for t in (x, v))
        inputs = {"x": x, "w": w, **({"b": b} if bias else {})}
        leaves = _leaves(inputs, frozen)
        found = called(lambda: linear(x, w, b if bias else None), inputs)
        del found[KEPT]
        y = found["y"]
        found |= {**sent_back(y, leaves, v), RAW: returns_shapes(y, v)}
        if frozen:
            found[f"computed for {frozen} in vain"] = is_computed_in_vain(y, inputs, v, frozen)
        return found


def _leaves(inputs: dict[str, Tensor], frozen: str | None) -> dict[str, Tensor]:
    """Those that require grad from now on."""
    return {name: one.requires_grad_() for name, one in inputs.items() if name != frozen}
