"""Another device, pretended: what an answer makes on the CPU by itself lies elsewhere.

On a GPU its inputs would lie there, and what it makes without asking for their device would not.
Here the inputs stay on the CPU with all their values, and such tensors lie on the meta device
instead: combining them fails as it would there, and one that is returned is found where it is not
expected. A right answer makes none, and pays nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from grader.engine.observation import Raised

_MAKERS = frozenset(
    {
        torch.arange,
        torch.empty,
        torch.eye,
        torch.full,
        torch.linspace,
        torch.ones,
        torch.rand,
        torch.randn,
        torch.tensor,
        torch.zeros,
    }
)


_COMBINING = frozenset(
    form.format(name)
    for name in ("add", "div", "matmul", "mul", "pow", "sub", "truediv")
    for form in ("{}", "{}_", "__{}__", "__r{}__", "__i{}__")
) | {"addcdiv_", "addcmul_", "bmm", "dot", "lerp_", "linear", "mm", "mv", "outer"}
"""What torch does on the CPU without a look at where the other tensor lies, if on no device that
there is."""


class Elsewhere(TorchFunctionMode):
    """Puts floating tensors of one dimension and more that an answer makes on the meta device.

    A tensor of shape () may be combined with one on any device, and so may positions and masks:
    they stay. So does what torch and the exercises make for themselves.
    """

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        named = kwargs or {}
        if getattr(function, "__name__", "") in _COMBINING:
            _refuse_both(args)
        made = function(*args, **named)
        if function not in _MAKERS or named.get("out") is not None or not _is_hard_coded(named):
            return made
        if function is torch.tensor and isinstance(args[0] if args else None, torch.Tensor):
            return made  # a copy, where the original lies
        if made.device.type != "cpu" or made.ndim == 0 or not made.is_floating_point():
            return made
        return function(*args, **{**named, "device": "meta"})


def _refuse_both(args: tuple[Any, ...]) -> None:
    tensors = [value for value in args if isinstance(value, torch.Tensor)]
    here = [value for value in tensors if not value.is_meta and value.ndim > 0]
    if here and any(value.is_meta for value in tensors):
        raise RuntimeError("Expected all tensors to be on the same device, and one is on the CPU")


def _is_hard_coded(named: dict[str, Any]) -> bool:
    """Whether a line that is neither torch's nor an exercise's asks for no device, or for "cpu".

    A device that was read off a tensor is the CPU's here as well: it was written down if the
    function that asks for it holds that text.
    """
    caller = sys._getframe(2)
    module = str(caller.f_globals.get("__name__", ""))
    if module.partition(".")[0] == "torch" or module.startswith("grader.tasks."):
        return False
    return named.get("device") is None or "cpu" in caller.f_code.co_consts


def misplaced(values: Any) -> Raised | None:
    """The complaint that torch would end in, if a tensor among recorded values lies elsewhere."""
    return _COMPLAINT if _any_meta(values) else None


def _any_meta(value: Any) -> bool:
    if isinstance(value, torch.Tensor):
        return value.is_meta
    if isinstance(value, dict):
        return any(map(_any_meta, value.values()))
    return isinstance(value, list | tuple) and any(map(_any_meta, value))


_COMPLAINT = Raised("RuntimeError", "The result is on cpu but expected on the inputs' device")
