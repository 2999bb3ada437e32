"""Torch functions that a watch treats apart, and the tensors among a call's arguments."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

_PLAIN = (
    *("shape", "dtype", "device", "layout", "requires_grad", "is_leaf", "grad_fn", "grad", "ndim"),
    *("is_cuda", "is_sparse", "is_nested", "is_meta", "is_quantized", "is_mps", "is_xpu", "is_cpu"),
    *("is_mkldnn", "_version", "names", "output_nr", "retains_grad", "itemsize", "nbytes"),
    "is_sparse_csr",
)
_ASKS = (
    *(
        "dim",
        "size",
        "numel",
        "nelement",
        "stride",
        "is_complex",
        "is_floating_point",
        "ndimension",
    ),
    *("element_size", "is_contiguous", "data_ptr", "storage_offset", "is_inference", "is_conj"),
    *("retain_grad", "register_post_accumulate_grad_hook", "is_neg"),
    "requires_grad_",
    *("__len__", "__hash__", "__repr__", "__format__"),
)
QUIET = {
    *(getattr(Tensor, name).__get__ for name in _PLAIN if hasattr(Tensor, name)),
    *(getattr(Tensor, name) for name in _ASKS if hasattr(Tensor, name)),
    torch.is_complex,
    torch.is_floating_point,
    torch.numel,
}
"""What only asks, and makes nothing that a loss could be computed from."""

BACKWARD = {Tensor.backward, torch.autograd.backward, torch.autograd.grad}
SET_GRAD = vars(torch._C.TensorBase)["grad"].__set__
SET_DATA = vars(torch._C.TensorBase)["data"].__set__
SWITCH = torch._C._set_grad_enabled
PUT_HOOK = Tensor.register_hook
READ = {
    Tensor.item,
    Tensor.tolist,
    Tensor.numpy,
    Tensor.__float__,
    Tensor.__int__,
    Tensor.__bool__,
    Tensor.__array__,
    Tensor.__index__,
}


SHAPED = {
    *(
        getattr(torch, f"{name}_like")
        for name in ("zeros", "ones", "empty", "full", "rand", "randn")
    ),
    *(getattr(Tensor, f"new_{name}") for name in ("zeros", "ones", "empty", "full")),
    torch.randint_like,
}
"""What reads the shape of its first argument, and none of its values."""


OF_FIRST = {
    Tensor.to,
    *(getattr(Tensor, f"{name}_as") for name in ("type", "expand", "view", "reshape")),
}
"""What gives its first tensor's values, in the shape or the dtype of the second."""


APART = {torch.broadcast_tensors, torch.functional.broadcast_tensors}
"""What hands each of its tensors on by itself: none of the results is made of another's."""


def tensors_in(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Tensor]:
    """The tensors among arguments, also in lists and tuples, three deep."""
    found: list[Tensor] = []
    for one in args:
        if isinstance(one, Tensor):
            found.append(one)
        elif isinstance(one, list | tuple):
            _nested(one, found, 3)
    if kwargs:
        for one in kwargs.values():
            if isinstance(one, Tensor):
                found.append(one)
            elif isinstance(one, list | tuple):
                _nested(one, found, 3)
    return found


def _nested(values: Any, found: list[Tensor], deep: int) -> None:
    for one in values:
        if isinstance(one, Tensor):
            found.append(one)
        elif deep > 1 and isinstance(one, list | tuple):
            _nested(one, found, deep - 1)
        elif isinstance(one, int | float):
            return  # a list of plain numbers may be long
