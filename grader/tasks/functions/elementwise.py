"""Exercises on Functions that treat every entry by itself: an exponential, and a ReLU."""

import torch
from torch import Tensor

from grader.engine.observation import flags
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.functions.inputs import given_as
from grader.tasks.functions.watching import (
    KEPT,
    USED,
    another_call,
    called,
    is_multiple_of_what_was_saved,
    sent_back,
)


def _arriving(v: Tensor, x: Tensor, kind: str) -> Tensor:
    return (v.T if kind == "transposed" else v).expand(x.shape)


class MyExp(Task):
    """Write exp as an autograd.Function: my_exp(x) returns MyExp.apply(x), of x's shape, and its
    gradient reaches x. For the backward pass save one tensor, the result, with save_for_backward,
    and compute from it: the derivative of exp is exp itself. What arrives at the result belongs to
    others: leave it as it is. There may be several backward passes. x may have any shape, hold no
    numbers, or not require grad."""

    id = "my_exp"
    signatures = ("my_exp(x) -> y",)
    title, points, difficulty, minutes = "exp, with a backward of your own", 6, 2, 8
    hints = (
        "Read section 8.2, on forward and backward. What does forward return, and what does "
        "backward get?",
        "Which tensor, multiplied with what arrives, is the gradient of x? You computed it in "
        "forward: hand it to ctx.save_for_backward there.",
        "In backward ctx.saved_tensors is a tuple with one entry. Multiply that entry by "
        "grad_output, in a new tensor.",
    )
    CASES = (
        case("5 numbers", shape=(5,), visible=True),
        case("a transposed matrix", shape=(3, 7), kind="transposed"),
        case("gy expanded from one row", shape=(7, 3), rows=1),
        case("no numbers", shape=(0,)),
        case("one number without axes", shape=()),
        case("three axes", shape=(2, 5, 3)),
        case("float32", shape=(7,), dtype=F32),
        case("numbers far from 0", shape=(5,), size=25.0),
        case("a leaf with a .grad from before", shape=(5,), kind="in use"),
        case("x does not require grad", shape=(5,), kind="frozen"),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        shape = case["shape"]
        arriving = (case.params.get("rows", shape[0]), *shape[1:]) if shape else ()
        x = rng.apart(0.3, 1.5, *shape) * case.params.get("size", 1.0)
        return {"x": x, "v": rng.apart(1.5, 2.0, *arriving)}

    def observe(self, my_exp, x, v, kind="computed"):
        given, leaf = given_as(x, kind)
        found = called(lambda: my_exp(given), {"x": given})
        if kind == "frozen":
            return {"y": found["y"], **flags("y", found["y"], "requires_grad")}
        another_call(my_exp, given)
        arriving = _arriving(v, given, kind)
        found |= sent_back(found["y"], {"x": leaf}, arriving, given)
        if not x.numel():
            del found[KEPT]  # tensors without memory: which is which cannot be seen
        elif kind == "in use":
            found[USED] = is_multiple_of_what_was_saved(lambda: my_exp(given), leaf, arriving)
        return found


class ReluAtZero(Task):
    """Write ReLU as an autograd.Function: my_relu(x) returns MyReLU.apply(x), which is x where x
    is positive and 0 elsewhere. What arrives goes on where x is positive, and is 0 elsewhere: also
    where x is exactly 0, as torch does it. x may hold inf and very small numbers; what arrives is
    finite. Leave x, and what arrives, as they are."""

    id = "relu_at_zero"
    signatures = ("my_relu(x) -> y",)
    title, points, difficulty, minutes = "ReLU, and its gradient at 0", 5, 2, 6
    prerequisites = ("my_exp",)
    hints = (
        "Read section 8.2 once more. At which entries of x does something go on?",
        "A mask of True and False says where. Try it on x = [-1, 0, 1]: which comparison is False "
        "at 0?",
        "Save x, or the result, and keep what arrives where that is greater than 0. The other "
        "places are zeros.",
    )
    CASES = (
        case("7 numbers", shape=(7,), visible=True),
        case("zeros among them", shape=(11,), zeros=True, visible=True),
        case("zeros alone", shape=(3,), zeros=True, all_zero=True),
        case("a transposed matrix", shape=(5, 7), kind="transposed"),
        case("float32, zeros among them", shape=(7,), zeros=True, dtype=F32),
        case("inf among them", shape=(7,), infinite=True),
        case("very small numbers", shape=(7,), size=1e-36, scale=1e-36),
        case("numbers that float32 cannot hold", shape=(7,), size=1e-310, scale=1e-310),
        case("numbers as large as can be", shape=(7,), size=8e307, scale=8e307),
        case("a leaf with a .grad from before", shape=(7,), kind="in use"),
        case("x does not require grad", shape=(7,), kind="frozen"),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        shape = case["shape"]
        x, v = rng.apart(0.5, 2.0, *shape), rng.uniform(0.5, 2.0, *shape)
        x[0], x[1] = x[0].abs(), -x[1].abs()  # both signs of x, and v of both signs at either
        v[2:] *= torch.where(rng.integers(0, 2, *v[2:].shape) == 0, 1, -1)
        if case.params.get("zeros"):
            x[2::4] = 0.0
        if len(shape) == 1 and shape[0] > 3:
            x[3], v[3], x[4], v[4] = x[3].abs(), -v[3].abs(), -x[4].abs(), -v[4].abs()
        if case.params.get("all_zero"):
            x = torch.zeros_like(x)
        if case.params.get("infinite"):
            x[5], x[6] = float("inf"), -float("inf")
        x = x * case.params.get("size", 1.0)
        return {"x": x, "v": v}

    def observe(self, my_relu, x, v, kind="computed"):
        given, leaf = given_as(x, kind)
        found = called(lambda: my_relu(given), {"x": given})
        if kind == "frozen":
            return {"y": found["y"], **flags("y", found["y"], "requires_grad")}
        del found[KEPT]  # x, the result and a mask are all the same
        another_call(my_relu, given)
        return {**found, **sent_back(found["y"], {"x": leaf}, _arriving(v, given, kind), given)}
