"""The shape that an expression of a frame's text had, worked out without computing its values."""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from grader.errors.seen.reading import layered
from grader.errors.seen.reading.frames import Frame
from grader.errors.seen.reading.lookup import looked_up, named

Shape = tuple[int, ...]
_KEEPS = {
    *("sqrt", "rsqrt", "exp", "log", "log1p", "abs", "neg", "sin", "cos", "tanh", "sigmoid"),
    *("relu", "softmax", "log_softmax", "square", "float", "double", "half", "long", "bool", "int"),
    *("detach", "clone", "contiguous", "clamp", "requires_grad_", "to", "type", "cpu", "cuda"),
    *("reciprocal", "relu_", "gelu", "silu", "leaky_relu", "elu", "dropout", "normalize", "byte"),
    *("zeros_like", "ones_like", "rand_like", "randn_like", "logical_not", "isnan", "round"),
}
_IN_PLACE = {"add", "sub", "mul", "div", "pow", "clamp", "zero", "fill", "copy", "normal"}
_LOSSES = (nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss, nn.BCELoss, nn.BCEWithLogitsLoss)
_MAKERS = {"zeros", "ones", "randn", "rand", "empty", "new_zeros", "new_ones"}


def shape_of(node: ast.expr, frame: Frame) -> Shape | None:
    """The shape of a name, a part of one, or of what torch makes of such; None if not known."""
    try:
        return _shape(node, frame)
    except (ValueError, TypeError, IndexError, RuntimeError):
        return None


def _shape(node: ast.expr, frame: Frame) -> Shape | None:
    value = named(node, frame)
    if isinstance(value, Tensor):
        return tuple(value.shape)
    if isinstance(node, ast.Subscript):
        return _part(node, frame)
    if isinstance(node, ast.UnaryOp):
        return _shape(node.operand, frame)
    if isinstance(node, ast.BinOp):
        return _of_two(node, frame)
    if isinstance(node, ast.Call):
        return _called(node, frame)
    if isinstance(node, ast.Attribute) and node.attr in ("T", "mT"):
        inner = _shape(node.value, frame)
        return (*inner[:-2], inner[-1], inner[-2]) if inner is not None and len(inner) > 1 else None
    return None


def number(node: ast.expr | None, frame: Frame) -> int | None:
    """A whole number: written, named, or taken from a shape, and sums and products of such."""
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) is int else None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = number(node.operand, frame)
        return None if inner is None else -inner
    if isinstance(node, ast.BinOp):
        return computed(node.op, number(node.left, frame), number(node.right, frame))
    if isinstance(node, ast.Call):
        name, given = _name(node), list(node.args)
        if name == "len" and given:
            whole = _shape(given[0], frame)
            return whole[0] if whole else None
        if name == "size" and given and isinstance(node.func, ast.Attribute):
            whole, at = _shape(node.func.value, frame), number(given[0], frame)
            return whole[at] if whole is not None and at is not None else None
        return None
    if isinstance(node, ast.Subscript) and getattr(node.value, "attr", "") == "shape":
        whole, at = _shape(node.value.value, frame), number(node.slice, frame)  # type: ignore[attr-defined]
        return whole[at] if whole is not None and at is not None else None
    value = looked_up(node, frame) if node is not None else None
    return value if type(value) is int else None


def computed(sign: ast.operator, one: int | None, other: int | None) -> int | None:
    """The sum, difference, product or quotient of two whole numbers, where both are known."""
    if one is None or other is None:
        return None
    if isinstance(sign, ast.Add):
        return one + other
    if isinstance(sign, ast.Sub):
        return one - other
    if isinstance(sign, ast.Mult):
        return one * other
    return one // other if isinstance(sign, ast.FloorDiv) and other else None


def _of_two(node: ast.BinOp, frame: Frame) -> Shape | None:
    left, right = (_side(one, frame) for one in (node.left, node.right))
    if left is None or right is None:
        return None
    if not isinstance(node.op, ast.MatMult):
        return tuple(torch.broadcast_shapes(left, right))
    if len(left) < 2 or len(right) < 2 or left[-1] != right[-2]:
        return None
    ahead = torch.broadcast_shapes(left[:-2], right[:-2])
    return (*ahead, left[-2], right[-1])


def _side(node: ast.expr, frame: Frame) -> Shape | None:
    """The shape of a side of an operation; that of a number is empty."""
    if isinstance(node, ast.Constant) or type(looked_up(node, frame)) in (int, float):
        return ()
    if number(node, frame) is not None:
        return ()
    return _shape(node, frame)


def _part(node: ast.Subscript, frame: Frame) -> Shape | None:
    """The shape behind brackets that hold numbers, slices, None and ... alone."""
    whole = _shape(node.value, frame)
    if whole is None:
        return None
    inside = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    index: list[Any] = []
    for one in inside:
        if isinstance(one, ast.Slice):
            ends = [number(end, frame) for end in (one.lower, one.upper, one.step)]
            asked = [end is not None for end in (one.lower, one.upper, one.step)]
            if asked != [end is not None for end in ends]:
                return None
            index.append(slice(*ends))
        elif isinstance(one, ast.Constant) and one.value in (None, Ellipsis):
            index.append(one.value)
        elif (at := number(one, frame)) is not None:
            index.append(at)
        else:
            return None
    return tuple(_empty(whole)[tuple(index)].shape)


def _empty(shape: Sequence[int]) -> Tensor:
    """A tensor of this shape in the memory of one number."""
    return torch.empty(1).expand(tuple(shape)) if math.prod(shape) else torch.empty(tuple(shape))


def _called(node: ast.Call, frame: Frame) -> Shape | None:
    layer = looked_up(node.func, frame)
    if isinstance(layer, nn.Module):
        if isinstance(layer, _LOSSES) and layer.reduction == "none":
            sides = [_shape(one, frame) for one in node.args[:2]]
            return None if None in sides else tuple(torch.broadcast_shapes(*sides))
        inner = _shape(node.args[0], frame) if node.args else None
        return None if inner is None else layered.behind(layer, inner)
    if not isinstance(node.func, ast.Attribute):
        return None
    name, of_torch = node.func.attr, ast.unparse(node.func.value) in ("torch", "F", "nn.functional")
    if name in _MAKERS and (of_torch or name.startswith("new_")):
        sizes = [number(one, frame) for one in _flat(node.args)]
        return None if None in sizes else tuple(sizes)  # type: ignore[arg-type]
    given = [*node.args] if of_torch else [node.func.value, *node.args]
    inner = _shape(given[0], frame) if given else None
    if inner is None:
        return None
    if name == "pow" and len(given) == 2 and _side(given[1], frame) == ():
        return inner
    if name in _KEEPS or (name.endswith("_") and name[:-1] in _IN_PLACE):
        return inner
    words = {one.arg: one.value for one in node.keywords}
    if (resized := _resized(name, inner, given[1:], words, frame)) is not None:
        return resized
    numbers = [number(one, frame) for one in _flat(given[1:])]
    if None in numbers or set(words) - {"dim", "start_dim"}:
        return None
    numbers += [number(one, frame) for one in words.values()]
    return None if None in numbers else _moved(name, inner, numbers)  # type: ignore[arg-type]


def _resized(
    name: str,
    inner: Shape,
    given: list[ast.expr],
    words: dict[str | None, ast.expr],
    frame: Frame,
) -> Shape | None:
    """Behind F.interpolate and the pooling functions, whose mode changes no shape."""
    if not name.startswith(("interpolate", "max_pool", "avg_pool")):
        return None
    order = ("size", "scale_factor") if name == "interpolate" else ("kernel_size", "stride")
    named = dict(zip(order, given, strict=False))
    named |= {str(key): one for key, one in words.items() if key not in ("mode", "align_corners")}
    return layered.called(name, inner, {key: number(one, frame) for key, one in named.items()})


def _moved(name: str, inner: Shape, numbers: list[int]) -> Shape | None:
    """The shape behind a method that moves, joins, adds or takes away dimensions."""
    stand_in = _empty(inner)
    if name in ("transpose", "swapaxes", "permute", "unsqueeze", "squeeze", "movedim", "expand"):
        return tuple(getattr(stand_in, name)(*numbers).shape)
    if name in ("sum", "mean", "std", "argmax", "amax", "amin") and len(numbers) < 2:
        ends = [one % len(inner) for one in numbers]
        return tuple(size for at, size in enumerate(inner) if ends and at not in ends)
    if name == "flatten":
        first = numbers[0] % len(inner) if numbers else 0
        last = numbers[1] % len(inner) if len(numbers) > 1 else len(inner) - 1
        return (*inner[:first], math.prod(inner[first : last + 1]), *inner[last + 1 :])
    if name in ("view", "reshape") and numbers.count(-1) < 2:
        rest = math.prod(one for one in numbers if one != -1)
        whole = math.prod(inner)
        known = [whole // rest if one == -1 and rest else one for one in numbers]
        return tuple(known) if math.prod(known) == whole else None
    return None


def _flat(nodes: Sequence[ast.expr]) -> list[ast.expr]:
    """Arguments one by one, those of a tuple too."""
    flat: list[ast.expr] = []
    for node in nodes:
        flat += node.elts if isinstance(node, ast.Tuple | ast.List) else [node]
    return flat


def _name(call: ast.Call) -> str:
    return str(getattr(call.func, "attr", getattr(call.func, "id", "")))
