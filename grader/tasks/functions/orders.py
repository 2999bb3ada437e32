"""The exercise on a Function that can be differentiated more than once."""

from typing import Any

import torch
from torch import Tensor

from grader.engine.lived import with_grad
from grader.engine.observation import flags
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.functions.watching import KEPT, called, is_wrong_unnoticed


class DoubleBackward(Task):
    """Write x ** 3 as an autograd.Function: cube(x) returns Cube.apply(x). Its gradient can be
    differentiated again, and that gradient once more: with respect to x, and with respect to what
    arrives at the result. After x was edited in place, a backward pass gives the right gradient
    or raises torch's error about it, and never a wrong gradient. Leave x, and what arrives, as they
    are."""

    id = "double_backward"
    signatures = ("cube(x) -> y",)
    title, points, difficulty, minutes = "Differentiated more than once", 8, 4, 12
    prerequisites = ("kept_result",)
    hints = (
        "Read section 8.7, on second derivatives. In which of the two methods does torch record "
        "what you compute, and in which does it not?",
        "What backward returns must depend on x by operations that are recorded. Print "
        "requires_grad of the tensor that you take out of ctx.saved_tensors, with "
        "create_graph=True.",
        "Save x itself, and nothing that was computed from it in forward. In backward work out 3 "
        "times its square, and multiply by what arrives; leave out detach() and no_grad().",
    )
    CASES = (
        case("5 numbers", shape=(5,), visible=True),
        case("0 among them", shape=(5,), zero=True),
        case("a matrix", shape=(3, 7)),
        case("one number", shape=(1,)),
        case("float32", shape=(5,), dtype=F32),
        case("x is edited in place", shape=(5,), edited=True),
        case("a leaf with a .grad from before", shape=(5,), in_use=True),
        case("x does not require grad", shape=(5,), wanted=False),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        shape = case["shape"]
        x = rng.apart(0.5, 1.5, *shape)
        if case.params.get("zero"):
            x[2] = 0.0
        return {"x": x, **{name: rng.apart(0.7, 1.7, *shape) for name in ("v", "u", "t")}}

    def observe(self, cube, x, v, u, t, edited=False, in_use=False, wanted=True):
        leaf = with_grad(x) if in_use else x.requires_grad_(wanted)
        given = leaf if in_use or not wanted else leaf * 1
        found = called(lambda: cube(given), {"x": given})
        if not wanted:
            return {"y": found["y"], **flags("y", found["y"], "requires_grad")}
        del found[KEPT]  # what is computed from saved tensors is looked at instead
        y, v, u = found["y"], v.requires_grad_(), u.requires_grad_()
        came = v.detach().clone()
        (first,) = _gradients(y, v, leaf)
        second, by_arriving = _gradients(first, u, leaf, v)
        third, mixed, by_second = _gradients(second, t, leaf, v, u)
        mixed_again, by_second_again = _gradients(by_arriving, t, leaf, u)
        found |= {
            "gradient": first,
            "what arrived at y": "as it was" if torch.equal(came, v) else "edited",
            "second derivative": second,
            "derivative by what arrives": by_arriving,
            "third derivative": third,
            "second derivative, differentiated by what arrives first": mixed,
            "second derivative, differentiated by what arrives then": by_second,
            "derivative by what arrives, differentiated by x": mixed_again,
            "derivative by what arrives, differentiated by what arrives then": by_second_again,
        }
        if edited:

            def call():
                h = leaf * 1
                return cube(h), h

            def of_the_gradient():
                h = leaf * 1
                return *_gradients(cube(h), v, h), h

            word = "a wrong gradient, unnoticed, after x was edited"
            found[word] = is_wrong_unnoticed(call, leaf, v.detach())
            word = "a wrong second derivative, unnoticed, after x was edited"
            found[word] = is_wrong_unnoticed(of_the_gradient, leaf, u.detach())
        return found


def _gradients(y: Any, v: Tensor, *leaves: Tensor) -> list[Tensor | None]:
    """What reaches the leaves from v at y, recorded; None where nothing does."""
    if not isinstance(y, Tensor) or not y.requires_grad or y.shape != v.shape:
        return [None for _ in leaves]
    return list(torch.autograd.grad(y, leaves, v, create_graph=True, allow_unused=True))
