"""The exercise on a Function of two tensors that broadcast."""

from grader.engine.lived import with_grad
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.functions.watching import (
    KEPT,
    another_call,
    called,
    requiring_grad,
    returned_shapes,
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
        case("a number", a=(), b=(3, 2, 5, 2)),
        case("a matrix and a number", a=(3, 5), b=()),
        case("three axes", a=(2, 1, 5), b=(3, 1)),
        case("equal shapes", a=(7, 3), b=(7, 3)),
        case("an axis of size 1 in both", a=(7, 1), b=(1,)),
        case("a row and a matrix of one row", a=(5,), b=(1, 5)),
        case("an empty batch", a=(0, 3), b=(1, 3)),
        case("transposed matrices", a=(7, 3), b=(7, 3), turned=True),
        case("float32", a=(7, 1), b=(5,), dtype=F32),
        case("b does not require grad", a=(5,), b=(7, 5), frozen="b"),
        case("a does not require grad", a=(7, 5), b=(5,), frozen="a"),
        case("leaves with a .grad from before", a=(7, 3), b=(7, 1), in_use=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        a, b = rng.apart(0.5, 1.0, *case["a"]), rng.apart(1.3, 2.0, *case["b"])
        return {"a": a, "b": b, "v": rng.apart(0.5, 2.0, *(a * b).shape)}

    def observe(self, mul, a, b, v, frozen="", in_use=False, turned=False):
        if turned:
            a, b, v = (t.T.contiguous().T for t in (a, b, v))
        if in_use:
            a, b = with_grad(a), with_grad(b)
        leaves = requiring_grad({"a": a, "b": b}, frozen)
        found = called(lambda: mul(a, b), {"a": a, "b": b})
        del found[KEPT]
        another_call(mul, a, b)
        y = found["y"]
        return {**found, **sent_back(y, leaves, v), **returned_shapes(y, leaves, v)}
