"""The exercise that says of a tensor what one looks at first."""

import re
from typing import Any

import torch
from torch import Tensor

from grader.engine.lived import computed, with_grad
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.scripts.spelled import spelled

KEYS = ("shape", "dtype", "device", "requires_grad", "is_leaf", "grad_fn")


class Describe(Task):
    """Return a dict of what one looks at first in a tensor that behaves oddly: shape, a tuple of
    ints; dtype and device, the texts that str() makes of them; requires_grad and is_leaf, truth
    values; grad_fn, the name of the node, such as "MulBackward0", or None where there is none. t is
    any tensor. Leave it as it is."""

    id = "describe"
    signatures = ("describe(t) -> about",)
    title, points, difficulty, minutes = "Look at a tensor", 4, 1, 6
    hints = (
        "Read the section on looking at a tensor. Which of the six can be None?",
        "Call your function with a leaf, with what an operation made of it, and with a tensor of "
        "ints.",
        "tuple(t.shape), str(t.dtype) and str(t.device) give plain values. A node has a method "
        "name(); ask first whether there is a node.",
    )
    CASES = (
        case("a product", kind="product", visible=True),
        case("a leaf that requires grad", kind="leaf", visible=True),
        case("data", kind="data", visible=True),
        case("a parameter", kind="parameter"),
        case("a leaf with an old .grad", kind="trained"),
        case("detached", kind="detached"),
        case("a row of something recorded", kind="row", visible=True),
        case("made by a Function of somebody's own", kind="own"),
        case("what was computed, and nothing else", kind="computed"),
        case("ints of shape ()", kind="ints", visible=True),
        case("truth values", kind="truth"),
        case("no entries", kind="empty"),
        case("on another device", kind="meta"),
        case("on a second GPU", kind="gpu"),
        case("half of the bits", kind="half"),
        case("float32", kind="single", dtype=F32),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        rows = int(rng.integers(5, 12))
        return {"x": rng.apart(0.5, 2.0, rows, 3), "count": rng.integers(3, 90)}

    def observe(self, describe, x, count, kind):
        t = _made(kind, x, count)
        before = _state(t)
        about = describe(t)
        kept = {"t is as it was": _state(t) == before}
        if not isinstance(about, dict):
            return {"answer": about, **kept}
        found = {f'about["{key}"]': _plain(about[key]) for key in KEYS if key in about}
        shape = about.get("shape")
        if isinstance(shape, list | tuple):
            found['about["shape"]'] = tuple(
                one if type(one) is int else spelled(one) for one in shape
            )
            found['about["shape"] is a tuple'] = isinstance(shape, tuple)
        others = sorted(str(key) for key in about if key not in KEYS)
        return {**found, "other keys": others, **kept}


def _state(t: Tensor) -> tuple[bool, ...]:
    """What a look at a tensor may change of it: its flags, and whether it has hooks and a .grad."""
    hooks, has_grad = bool(t._backward_hooks), t.is_leaf and t.grad is not None
    return t.requires_grad, t.is_leaf, t.retains_grad, hooks, has_grad


def _plain(value: Any) -> Any:
    """A value as it is compared; the address in the text of an object changes with every run."""
    return re.sub(r" at 0x[0-9a-f]+", " at an address", value) if type(value) is str else value


class _OnASecondGPU(Tensor):
    """A tensor without values that says it lies on a second GPU. There need not be one."""

    device = torch.device("cuda:1")


class _Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return 2 * x

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return 2 * grad


def _made(kind: str, x: Tensor, count: Tensor) -> Tensor:
    x = x.to(torch.float64)  # a dtype is compared, and not the values
    leaf = x.clone().requires_grad_()
    made = {
        "product": lambda: leaf * x,
        "leaf": lambda: leaf,
        "data": lambda: x,
        "parameter": lambda: torch.nn.Parameter(x),
        "trained": lambda: with_grad(x),
        "detached": lambda: (leaf * x).detach(),
        "row": lambda: (leaf + x)[2],
        "own": lambda: _Twice.apply(leaf),
        "computed": lambda: computed(x),
        "ints": lambda: count,
        "truth": lambda: leaf > x,
        "empty": lambda: leaf[:0],
        "meta": lambda: torch.empty(x.shape, dtype=x.dtype, device="meta", requires_grad=True),
        "gpu": lambda: x.to("meta").as_subclass(_OnASecondGPU).requires_grad_(),
        "single": lambda: leaf.float(),
        "half": lambda: leaf.to(torch.bfloat16),
    }
    result: Tensor = made[kind]()
    return result
