"""What a node saved, read without running a learner's unpack hooks and without recording."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from course.widgets.graph.model import FREED

EDITED = "edited in place"
PACKED = "packed by a hook"

# What nodes keep beside tensors that can be read, and a pass frees: an edit through a view, and
# what a function rewritten by torch.compile needs.
UNSEEN: Mapping[str, str] = {"CopySlices": "the edit", "CompiledFunctionBackward": "what it needs"}

_PREFIX = "_raw_saved_"

# In which input slot a saved argument went in, for nodes with as many tensor inputs as given.
_SLOTS: Mapping[int, Mapping[str, int]] = {
    1: {"self": 0, "input": 0},
    2: {
        "self": 0,
        "input": 0,
        "other": 1,
        "mat2": 1,
        "vec": 1,
        "tensor": 1,
        "exponent": 1,
        "target": 1,
    },
}
_SLOTS_OF_NODE: Mapping[str, Mapping[str, int]] = {
    "AddmmBackward0": {"mat1": 1, "mat2": 2},
    "ConvolutionBackward0": {"input": 0, "weight": 1, "bias": 2},
    "NativeLayerNormBackward0": {"input": 0, "weight": 1, "bias": 2},
}


@dataclass(frozen=True)
class Kept:
    """One saved tensor of a node: ``tensor`` is None where ``note`` says why it cannot be read."""

    argument: str
    tensor: torch.Tensor | None
    note: str = ""


def class_name(node: Any) -> str:
    """``MulBackward0``: the node's class as ``print(t.grad_fn)`` shows it."""
    name = type(node).__name__
    return name if name != "CppFunction" else str(node.name()).rsplit("::", 1)[-1]


def saved_by(node: Any) -> Iterator[Kept]:
    """The tensors ``node`` saved: inputs first, in their order, then the rest by name."""
    if (unseen := UNSEEN.get(class_name(node))) is not None:
        yield Kept(unseen, None)
    if isinstance(node, torch._C._FunctionBase):  # a custom autograd.Function
        yield from _custom(node)
        return
    arguments = [name.removeprefix(_PREFIX) for name in dir(node) if name.startswith(_PREFIX)]
    for argument in sorted(arguments, key=lambda name: _rank(node, name)):
        yield from _argument(node, argument)


def _rank(node: Any, argument: str) -> tuple[float, str]:
    slot = input_slot(node, argument)
    return (math.inf if slot is None else slot), argument


def _argument(node: Any, argument: str) -> Iterator[Kept]:
    """One saved argument: a tensor, None (not needed), or a tuple of tensors."""
    try:
        raw = getattr(node, _PREFIX + argument)
        several = isinstance(raw, list | tuple)
        if _packed(raw if several else [raw]):
            yield Kept(argument, None, PACKED)
            return
        value = getattr(node, f"_saved_{argument}")
    except RuntimeError as error:
        yield Kept(argument, None, _why(error))
        return
    for index, tensor in enumerate(value if several else [value]):
        if isinstance(tensor, torch.Tensor):
            yield Kept(f"{argument}[{index}]" if several else argument, tensor)


def _custom(node: Any) -> Iterator[Kept]:
    try:
        raw = getattr(node, "_raw_saved_tensors", None) or ()
        if _packed(raw):
            yield Kept("tensors", None, PACKED)
            return
        for index, tensor in enumerate(node.saved_tensors):
            if isinstance(tensor, torch.Tensor):
                yield Kept(f"saved_tensors[{index}]", tensor)
    except RuntimeError as error:
        yield Kept("saved_tensors", None, _why(error))


def _packed(raw: Any) -> bool:
    return any(getattr(item, "unpack_hook", None) is not None for item in raw)


def _why(error: RuntimeError) -> str:
    return EDITED if "modified by an inplace operation" in str(error) else FREED


def plain_arguments(node: Any) -> dict[str, Any]:
    """The numbers and tuples a node kept beside tensors: ``alpha``, ``dim``, ``exponent``."""
    attributes = set(dir(node))
    return {
        attribute.removeprefix("_saved_"): getattr(node, attribute)
        for attribute in attributes
        if attribute.startswith("_saved_") and "_raw" + attribute not in attributes
    }


def input_slot(node: Any, argument: str) -> int | None:
    """Which input of ``node`` the saved ``argument`` is, or None where that is not certain."""
    by_node = _SLOTS_OF_NODE.get(class_name(node))
    table = by_node if by_node is not None else _SLOTS.get(len(node.next_functions), {})
    return table.get(argument)
