"""The profiler's marks: every optimizer puts them around its step and its zero_grad."""

from __future__ import annotations

import weakref
from dataclasses import replace
from types import FrameType
from typing import Any

import torch

from course.companion.record.calls import Stepped
from course.companion.surroundings import held

MARKS = {
    torch.ops.profiler._record_function_enter_new,
    torch.ops.profiler._record_function_exit._RecordFunction,
}
_SHORT = (torch.float16, torch.bfloat16)
_KINDS = {"Optimizer.step": "step", "Optimizer.zero_grad": "zero"}


def is_begin(args: tuple[Any, ...]) -> bool:
    """Whether a mark was called with a name: that is where something begins."""
    return bool(args) and isinstance(args[0], str)


def kind_of(args: tuple[Any, ...]) -> str:
    """`step` or `zero`, where a mark says that an optimizer begins to; else nothing."""
    return _KINDS.get(args[0].split("#")[0], "")


def frame_of_optimizer(frame: FrameType) -> FrameType | None:
    """The frame of torch/optim that a mark was made in."""
    above: FrameType | None = frame
    for _ in range(4):
        above = above.f_back if above is not None else None
        if above is not None and above.f_code.co_filename.endswith("optimizer.py"):
            return above
    return None


def optimizer_in(inner: FrameType | None) -> Stepped | None:
    """The optimizer whose frame that is, with its learning rates now."""
    optimizer = inner.f_locals.get("self") if inner is not None else None
    if not isinstance(optimizer, torch.optim.Optimizer):
        return None
    rates = tuple(float(group["lr"]) for group in optimizer.param_groups if "lr" in group)
    return Stepped(weakref.ref(optimizer), rates)


def begun(stepped: Stepped) -> Stepped:
    """The same at the beginning of a step, with the values of what it holds in 16 bits."""
    with torch._C.DisableTorchFunction():
        short = tuple(
            (one, one.detach().clone())
            for one in held(stepped.optimizer())
            if one.dtype in _SHORT and one.grad is not None and not one.grad.is_sparse
        )
    return replace(stepped, short=short)


def left_by(stepped: Stepped) -> Stepped:
    """The same, told whether nothing that the optimizer holds has a gradient now."""
    optimizer = stepped.optimizer()
    with torch._C.DisableTorchFunction():  # other modes are not to see what is read here
        bare = all(one.grad is None for one in held(optimizer))
        unmoved = whole = 0
        for one, before in stepped.short:
            if one.grad is not None and (asked := one.grad != 0).any():
                whole += int(asked.sum())
                unmoved += int((asked & (one.detach() == before)).sum())
    remembers = type(optimizer).__name__ if optimizer is not None and _remembers(optimizer) else ""
    return replace(stepped, bare=bare, remembers=remembers, short=(), unmoved=(unmoved, whole))


def _remembers(optimizer: torch.optim.Optimizer) -> bool:
    """Whether it has tensors of its own beside a count of its steps, for what it holds."""
    return any(
        isinstance(value, torch.Tensor) and key != "step"
        for one in optimizer.state.values()
        for key, value in one.items()
    )
