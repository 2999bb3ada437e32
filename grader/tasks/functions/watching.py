"""What is looked at of a Function: its node in the graph, what that keeps, what it sends back."""

from __future__ import annotations

import functools
import gc
import math
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from grader.engine.observation import flags, gradient, shares_memory

OWN = "a Function of yours made y"
KEPT = "kept with save_for_backward"
USED = "the gradient is a multiple of what was saved"

_Node = torch.autograd.function.BackwardCFunction


def own_node(y: Any) -> Any:
    """The first node of a Function written in Python on the way back from y, or None."""
    waiting = [y.grad_fn] if isinstance(y, Tensor) else []
    seen = set()
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, _Node):
            return node
        if node is not None and node not in seen:
            seen.add(node)
            waiting += [following for following, _ in node.next_functions]
    return None


def requiring_grad(inputs: Mapping[str, Tensor], frozen: str) -> dict[str, Tensor]:
    """All inputs but the frozen ones, of which each name is a letter; they require grad now."""
    return {name: one.requires_grad_() for name, one in inputs.items() if name not in frozen}


def called(call: Callable[[], Any], inputs: Mapping[str, Tensor]) -> dict[str, Any]:
    """What the answer returns, whether a Function made it, and the names of what that saved."""
    kept: list[Tensor] = []

    def pack(tensor: Tensor) -> Tensor:
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        y = call()
    words = [_said_of(tensor, {"y": y, **inputs}) for tensor in kept]
    return {"y": y, OWN: own_node(y) is not None, KEPT: " and ".join(sorted(words)) or "nothing"}


def is_multiple_of_what_was_saved(call: Callable[[], Any], leaf: Tensor, v: Tensor) -> bool | None:
    """Whether the gradient is twice what it was where the saved tensors come back with twice their
    numbers; None where the result is no tensor."""
    found = []
    for factor in (1, 2):
        multiplied = functools.partial(torch.mul, other=factor)
        with torch.autograd.graph.saved_tensors_hooks(lambda tensor: tensor, multiplied):
            y = call()
        if not isinstance(y, Tensor):
            return None
        found.append(gradient(y, leaf, v.clone()))
    right, doubled = found
    return right is not None and doubled is not None and torch.allclose(doubled, 2 * right)


def _said_of(tensor: Tensor, known: Mapping[str, Any]) -> str:
    """Which of the known tensors this is, or of which it has the numbers."""
    for name, one in known.items():
        if shares_memory(tensor, one):
            return name
    for name, one in known.items():
        if isinstance(one, Tensor) and _has_the_numbers_of(tensor, one):
            return f"a copy of {name}"
    return "another tensor"


def another_call(answer: Callable[..., Any], *given: Any) -> None:
    """Call the answer once more, with other numbers, before anything is sent back."""
    answer(*(-2 * t.detach().roll(1) if isinstance(t, Tensor) else t for t in given))


def sent_back(
    y: Any, leaves: Mapping[str, Tensor], v: Tensor, given: Tensor | None = None
) -> dict[str, Any]:
    """What reaches each leaf from v at y, and once more from other numbers; and whether y, what
    arrived there, and what was given, where that is the result of an operation, stay as they were.

    Every pass gets numbers of its own, which no other one can have edited.
    """
    found: dict[str, Any] = {**flags("y", y, "requires_grad")}
    kept = {"x": given, "y": y}
    before = {name: _numbers(one) for name, one in kept.items()}
    edited = False
    for again, numbers in {"": v, ", once more": -2 * v}.items():
        for name, leaf in leaves.items():
            # For one leaf as they lie, which may be expanded; for several copies.
            arriving = numbers if len(leaves) == 1 else numbers.clone()
            came = arriving.clone()
            found[f"grad of {name}{again}"] = gradient(y, leaf, arriving)
            edited = edited or not _same(came, arriving)
    for name, earlier in before.items():
        if earlier is not None:
            found[f"{name} after the backward passes"] = (
                "as it was" if _same(earlier, kept[name].detach()) else "edited"
            )
    if before["y"] is not None:
        found["y"] = before["y"]
    return {**found, "what arrived at y": "edited" if edited else "as it was"}


def _numbers(one: Any) -> Tensor | None:
    """A copy of a tensor that has numbers."""
    return one.detach().clone() if isinstance(one, Tensor) and not one.is_meta else None


def _has_the_numbers_of(tensor: Tensor, one: Tensor) -> bool:
    alike = tensor.shape == one.shape and tensor.dtype == one.dtype
    return alike and not (tensor.is_meta or one.is_meta) and _same(tensor.detach(), one.detach())


def _same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors hold the same numbers, of which some may be nan."""
    return torch.allclose(one, other, rtol=0, atol=0, equal_nan=True)


def is_freed(call: Callable[[], Any]) -> bool | None:
    """Whether the result of a call, and the node of the Function that made it, are gone as soon as
    nobody holds them, without a search for cycles; None where it is no tensor."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        made = call()
        if not isinstance(made, Tensor):
            return None
        node = own_node(made)
        left = [weakref.ref(one) for one in (made, node) if one is not None]
        del made, node
        return all(one() is None for one in left)
    finally:
        if collecting:
            gc.enable()


def is_wrong_unnoticed(call: Callable[[], tuple[Any, Any]], x: Tensor, v: Tensor) -> bool | None:
    """Whether the gradient from a result to x is another one, without an error, after an edit in
    place: after a pass, or before there was any.

    `call` gives the result of a new call, and the tensor that is edited. None where the result is
    no tensor.
    """
    y, edited = call()
    if not isinstance(y, Tensor):
        return None
    right = gradient(y, x, v.clone())
    untouched, edited_first = call()
    return _edited(y, edited, right, x, v) or _edited(untouched, edited_first, right, x, v)


def _edited(y: Any, edited: Any, right: Tensor | None, x: Tensor, v: Tensor) -> bool:
    """Whether the gradient from y to x is not the right one after the edit, and no error tells."""
    with torch.no_grad():
        edited.mul_(2)
    try:
        after = gradient(y, x, v.clone())
    except RuntimeError as refused:
        if "modified by an inplace operation" not in str(refused):
            raise
        return False
    if right is None or after is None:
        return False
    return not torch.allclose(right, after, equal_nan=True)


def returned_shapes(y: Any, leaves: Mapping[str, Tensor], v: Tensor) -> dict[str, Any]:
    """The shape of the gradient that the Function's backward returns for each leaf.

    torch sums over what was broadcast before anybody sees the gradient, hooks included: so backward
    is called once more by itself. What the Function got in place of a leaf, such as a reshaped one,
    counts as right if it is not larger: a leaf that was expanded first is summed by torch. None
    stands where no Function made y, or a pass from v cannot begin.
    """
    node = own_node(y)
    if node is None or y.shape != v.shape:
        return dict.fromkeys(map(_returned_for, leaves))
    after = [following for following, _ in node.next_functions]
    returned = _returned(node, _arriving(y, node, v))
    found = {_returned_for(name): _shape_text(leaf) for name, leaf in leaves.items()}
    for name, leaf in leaves.items():
        for following, grad in zip(after, returned, strict=False):
            if not isinstance(grad, Tensor) or not _leads_to(following, leaf):
                continue
            if getattr(following, "variable", None) is leaf or grad.numel() > leaf.numel():
                found[_returned_for(name)] = _shape_text(grad)
    return found


def _leads_to(node: Any, leaf: Tensor) -> bool:
    """Whether a pass that comes to a node goes on to a leaf."""
    if node is None or getattr(node, "variable", None) is leaf:
        return node is not None
    return any(_leads_to(following, leaf) for following, _ in node.next_functions)


def _shape_text(tensor: Tensor) -> str:
    """`"(7, 3)"`."""
    return str(tuple(tensor.shape))


def _returned_for(name: str) -> str:
    return f"shape that backward returns for {name}"


def _arriving(y: Tensor, node: Any, v: Tensor) -> tuple[Tensor, ...]:
    """What arrives at a node in a pass from v at y."""
    came: list[tuple[Tensor, ...]] = []
    handle = node.register_prehook(came.append)
    leaves = [following for following, _ in node.next_functions if following is not None]
    torch.autograd.grad(
        y,
        [torch.autograd.graph.GradientEdge(one, 0) for one in leaves],
        v,
        retain_graph=True,
        allow_unused=True,
    )
    handle.remove()
    return came[0]


def _returned(node: Any, arriving: tuple[Tensor, ...]) -> tuple[Any, ...]:
    with torch.no_grad():
        returned = _Node.apply(node, *arriving)
    return returned if isinstance(returned, tuple) else (returned,)


class _Work(TorchFunctionMode):
    """Notes the sizes of what is computed: results in memory of their own."""

    def __init__(self, known: list[Tensor]) -> None:
        super().__init__()
        self.known, self.sizes = known, set[int]()

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        made = function(*args, **(kwargs or {}))
        if isinstance(made, Tensor) and not any(shares_memory(made, one) for one in self.known):
            self.sizes.add(made.numel())
        return made


def is_computed_in_vain(
    y: Any, inputs: Mapping[str, Tensor], v: Tensor, frozen: str
) -> bool | None:
    """Whether backward computes something of the size of an input that is frozen.

    The sizes of inputs, y and v have to differ. None where no Function made y, or a pass from v
    cannot begin.
    """
    node = own_node(y)
    if node is None or y.shape != v.shape:
        return None
    arriving = _arriving(y, node, v)
    with _Work([*inputs.values(), *arriving, y]) as work:
        _returned(node, arriving)
    return math.prod(inputs[frozen].shape) in work.sizes
