"""The exercise on a linear layer as a Function, which computes what is needed alone."""

from grader.engine.lived import with_grad
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.functions.watching import (
    KEPT,
    another_call,
    called,
    is_computed_in_vain,
    requiring_grad,
    returned_shapes,
    sent_back,
)


class LinearFn(Task):
    """Write x @ w.T + b as an autograd.Function: linear(x, w, b) returns Linear.apply(x, w, b).
    x has shape (..., I) with one axis or more, and may be an empty batch; w has shape (O, I), b has
    shape (O,) or is None. Gradients reach those of the three that require grad, and for the others
    nothing of their size is computed in backward: ctx.needs_input_grad says which they are.
    backward itself returns each gradient in the shape of its tensor. Leave what you are given, and
    what arrives, as it is."""

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
        case("four axes", x=(2, 11, 4)),
        case("no bias", x=(7,), bias=False),
        case("w is frozen", x=(7,), frozen="w", visible=True),
        case("x is data", x=(7,), frozen="x"),
        case("b is frozen", x=(7,), frozen="b"),
        case("x alone requires grad", x=(7,), frozen="wb"),
        case("w alone requires grad", x=(7,), frozen="xb"),
        case("b alone requires grad", x=(7,), frozen="xw"),
        case("an empty batch", x=(0,)),
        case("w is frozen, in a batch of sequences", x=(2, 11), frozen="w"),
        case("x is data, a batch of sequences", x=(2, 11), frozen="x"),
        case("one row without a batch, no bias", x=(), bias=False),
        case("x and gy lie in memory in another order", x=(2, 11), turned=True),
        case("one row, one input and one output", x=(1,), sizes=(1, 1)),
        case("float32", x=(11,), dtype=F32),
        case("leaves with a .grad from before", x=(7,), in_use=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        n_out, n_in = case.params.get("sizes", (5, 3))
        return {
            "x": rng.apart(0.5, 1.5, *case["x"], n_in),
            "w": rng.apart(0.5, 1.5, n_out, n_in),
            "b": rng.apart(1.3, 2.0, n_out),
            "v": rng.apart(0.5, 2.0, *case["x"], n_out),
        }

    def observe(self, linear, x, w, b, v, bias=True, frozen="", in_use=False, turned=False):
        if in_use:
            x, w, b = with_grad(x), with_grad(w), with_grad(b)
        if turned:
            x, v = (t.transpose(0, 1).contiguous().transpose(0, 1) for t in (x, v))
        inputs = {"x": x, "w": w, **({"b": b} if bias else {})}
        leaves = requiring_grad(inputs, frozen)
        found = called(lambda: linear(x, w, b if bias else None), inputs)
        del found[KEPT]
        another_call(linear, *(inputs.get(name) for name in ("x", "w", "b")))
        y = found["y"]
        found |= {**sent_back(y, leaves, v), **returned_shapes(y, leaves, v)}
        for name in frozen:
            found[f"computed for {name} in vain"] = is_computed_in_vain(y, inputs, v, name)
        return found
