"""How the tensors lie in memory that the exercises hand over, and what gradient reaches them."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from grader.engine.lived import computed, with_grad
from grader.engine.observation import gradient


def laid_out(x: Tensor, layout: str) -> Tensor:
    """A tensor of x's shape and values: its numbers lie in memory as the layout says.

    "first axis last" and "second axis last" name the axis along which the numbers are neighbours;
    "every other" leaves a gap between them; "expanded" repeats the first entry of x.
    """
    if layout == "expanded":
        return x[:1].expand_as(x)
    if layout == "every other":
        return x.repeat_interleave(2, dim=-1)[..., ::2]
    axis = {"first axis last": 0, "second axis last": 1}.get(layout, -1)
    return x.movedim(axis, -1).clone(memory_format=torch.contiguous_format).movedim(-1, axis)


def reached(answer: Callable[[Tensor], Any], x: Tensor, v: Tensor, leaf: bool = True) -> Any:
    """What the answer gives for x, what reaches x where v arrives at the result, and whether hooks
    of its own are still on x.

    x is a leaf with a .grad from before, or else the result of an operation.
    """
    x = with_grad(x) if leaf else computed(x)
    y = answer(x)
    hooks = "some are left" if x._backward_hooks else "none is left"
    return {"y": y, "grad of x": gradient(y, x, v), "hooks on x": hooks}
