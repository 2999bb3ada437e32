"""Exercises on points without a derivative: a root and a logarithm at 0."""

from typing import Any

import torch
from torch import Tensor

from grader.engine.lived import with_grad
from grader.engine.task import F32, Case, Inputs, Rng, Task, case


class SafeNorm(Task):
    """Return the Euclidean norm of every row of x, of shape (N, D), as a tensor of shape (N,). At
    a row of zeros the norm is exactly 0, and every derivative that comes from it is 0, the second
    one too; both passes run also if all rows are zeros. Everywhere else values and derivatives are
    those of the norm, with no eps. Leave x as it is, with its .grad, and no hook on it."""

    id = "safe_norm"
    signatures = ("row_norms(x) -> norms",)
    title, points, difficulty, minutes = "A norm that is safe at zero", 6, 2, 10
    hints = (
        "Read the section on norms at zero. What is the slope of a root at 0, and what is 0 times "
        "inf?",
        "Differentiate the sum of your norms twice, with a row of zeros among the rows. A number "
        "that is chosen after the root still sends a gradient of 0 into it.",
        "Take the root of nothing that is 0: put another number in its place before the root, and "
        "0 in the place of that result behind it. Both choices are made by torch.where.",
    )
    CASES = (
        case("a row of zeros among 7", zeros=(2,), visible=True),
        case("no row of zeros", zeros=()),
        case("a row that adds up to 0, and one that begins with it", zeros=(2,), near=(1, 3)),
        case("differentiated three times", zeros=(4,), third=True),
        case("rows of zeros alone", rows=3, zeros=(0, 1, 2)),
        case("rows with some zeros in them", holes=True, zeros=(3,), visible=True),
        case("rows near 1e-6", size=1e-6, zeros=(0,), scale=1e-6),
        case("very short rows", size=1e-17, zeros=(2,), scale=1e-17),
        case("rows near 1e-60", size=1e-60, zeros=(3,), scale=1e-60),
        case("rows of one number", columns=1, zeros=(1,)),
        case("one row", rows=1, zeros=()),
        case("float32", zeros=(4,), dtype=F32),
        case("x with a .grad from before", zeros=(6,), in_use=True),
        case("x that does not require grad", zeros=(5,), wanted=False),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        rows, columns = case.params.get("rows", 7), case.params.get("columns", 5)
        x = rng.apart(0.5, 2.0, rows, columns)
        if case.params.get("holes"):
            x[:, 1] = 0
        if "near" in case.params:
            one, other = (x[0, :2] * 64).round() / 64  # so that every sum of them is exact
            x[case["near"][0]] = torch.stack([one, -one, other, -other, 0 * one])
            x[case["near"][1], 0] = 0
        x[list(case["zeros"])] = 0
        return {
            "x": x * case.params.get("size", 1.0),
            "v": rng.apart(0.5, 2.0, rows),
            "u": rng.apart(0.5, 2.0, rows, columns) * case.params.get("size", 1.0),
        }

    def observe(self, row_norms, x, v, u, in_use=False, wanted=True, third=False):
        x = with_grad(x) if in_use else x.requires_grad_(wanted)
        norms = row_norms(x)
        first = _slope(norms, x, v)
        second = _slope(first, x, u)
        last = {"third grad of x": _slope(second, x, u.flip(0))} if third else {}
        return {
            "norms": norms,
            "norms of rows of zeros": _at_zeros(norms, x),
            "grad of x": first,
            "second grad of x": second,
            **last,
            "hooks on x": "some are left" if _is_hooked(x) else "none is left",
        }


def _at_zeros(norms: Any, x: Tensor) -> str:
    """Whether what stands at the rows of zeros is 0, and not merely small."""
    if not isinstance(norms, Tensor) or norms.shape != x.shape[:1] or norms.is_meta:
        return "exactly 0"
    here = norms.detach()[(x == 0).all(-1)]
    return (
        "not exactly 0" if bool((here.abs() < 1e-9).logical_and(here != 0).any()) else "exactly 0"
    )


def _is_hooked(x: Tensor) -> bool:
    return bool(x._backward_hooks or x._post_accumulate_grad_hooks)


def _slope(y: Any, x: Tensor, v: Tensor) -> Tensor | None:
    """What a pass from v at y brings to x, itself recorded; None if it does not get there."""
    if not isinstance(y, Tensor) or not (y.requires_grad and x.requires_grad) or y.shape != v.shape:
        return None
    (grad,) = torch.autograd.grad(y, x, v, create_graph=True, allow_unused=True)
    return grad


class FixWhere(Task):
    """Return the entropy of every row of p, of shape (..., K): minus the sum of p * log(p) over
    the last dimension, with the natural logarithm. An entry that is exactly 0 adds 0, and its
    gradient is 0; every other gradient is that of the formula, with no eps. Leave p as it is, with
    its .grad, and no hook on it."""

    id = "fix_where"
    signatures = ("entropy(p) -> H",)
    title, points, difficulty, minutes = "Spot the bug: a where that hides no nan", 6, 2, 10
    prerequisites = ("safe_norm",)
    hints = (
        "Read the section on where. Which gradient does where send to the side that it did not "
        "choose, and what does that meet in the backward pass of the product?",
        "Print p.grad of the broken function for a row with a 0 in it, and follow the pass by "
        "hand: where, product, logarithm.",
        "The logarithm must never see a 0. Choose before it is taken: where p is 0, hand it a "
        "number whose logarithm is harmless.",
    )
    CASES = (
        case("a 0 in two of the rows", zeros=((1, 2), (4, 0)), visible=True),
        case("no zeros", zeros=()),
        case("all of it on one entry", zeros=((2, 0), (2, 1), (2, 3), (2, 4)), visible=True),
        case("rows of rows", shape=(3, 2, 5), zeros=((0, 1, 2),)),
        case("groups of rows of rows", shape=(2, 3, 2, 5), zeros=((1, 0, 1, 2),)),
        case("one row alone", shape=(5,), zeros=((3,),)),
        case("tiny entries that are not 0", zeros=((0, 0),), tiny=True),
        case("entries that float32 cannot hold", zeros=((0, 0),), tiny=True, size=1e-270),
        case("float32", zeros=((0, 1), (6, 2)), dtype=F32),
        case("p with a .grad from before", zeros=((0, 4),), in_use=True),
        case("p that does not require grad", zeros=((5, 3),), wanted=False),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        shape = case.params.get("shape", (7, 5))
        p = rng.uniform(0.2, 1.0, *shape)
        for place in case["zeros"]:
            p[place] = 0
        p = p / p.sum(-1, keepdim=True)
        if case.params.get("tiny"):
            p[3] = torch.tensor([1.7e-6, 1.8e-8, 1.6e-10, 1.7e-12, 1e-36])
            p[3] *= case.params.get("size", 1.0)
        return {"p": p, "v": rng.apart(0.5, 2.0, *shape[:-1])}

    def observe(self, entropy, p, v, in_use=False, wanted=True):
        p = with_grad(p) if in_use else p.requires_grad_(wanted)
        found = entropy(p)
        return {
            "H": found,
            "grad of p": _slope(found, p, v),
            "hooks on p": "some are left" if _is_hooked(p) else "none is left",
        }
