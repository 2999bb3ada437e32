"""A tensor with a graph that is handed to NumPy: the failing line as torch's, or as a number."""

from __future__ import annotations

import ast
import copy
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from grader.errors.explanation import Explained
from grader.errors.seen.again import kept
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up, origin


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """`np.exp(x)`, `np.array(losses)`, `p.numpy()` of the failing line."""
    frame = frames.last
    for node in failing.on_line(frame):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        found = _of_call(frames, frame, told, node, node.func)
        if found is not None:
            return found
    return None


def _of_call(
    frames: Frames, frame: Frame, told: Explained, node: ast.Call, function: ast.Attribute
) -> Explained | None:
    owner = _value(function.value, frame)
    if (
        function.attr in ("numpy", "__array__")
        and isinstance(owner, Tensor)
        and owner.requires_grad
    ):
        name = source.in_brackets(function.value)
        outer = _around(frames)
        if (stored := _stored(frames, outer, told, function.value, owner)) is not None:
            return stored
        if (inside := _in_forward(outer, told, function)) is not None:
            return inside
        return replace(
            told,
            cure=f"Write {name}.detach().numpy(), if nothing is to be trained through it. Where a "
            "model only measures, run it inside `with torch.no_grad():`.",
            place=frame.place,
        )
    if owner is not np or not node.args:
        return None
    first = next((one for one in node.args if _requires_grad(_value(one, frame))), node.args[0])
    given, value = ast.unparse(first), _value(first, frame)
    if isinstance(value, list | tuple):
        inside = _in_forward(_around(frames), told, function) if _has_graph(value) else None
        return inside or _of_list(frames, frame, told, given, value)
    twin = getattr(torch, function.attr, None)
    if isinstance(value, Tensor) and value.requires_grad and callable(twin):
        stored = _stored(frames, _around(frames), told, first, value)
        if stored is not None:
            return stored
        instead = f"torch.{function.attr}({_all(node, frame)})"
        return replace(
            told,
            cure=f"Write {instead} in the place of {ast.unparse(node)}: it is recorded. "
            "Only what is not to be trained may go to NumPy, as "
            f"{source.in_brackets(first)}.detach().numpy().",
            place=frame.place,
        )
    return None


def _all(node: ast.Call, frame: Frame) -> str:
    """The arguments as torch takes them: an array as a tensor, and a number in front of one."""
    given = []
    for at, one in enumerate(node.args):
        value = one.value if isinstance(one, ast.Constant) else _value(one, frame)
        plain = isinstance(value, np.ndarray) or (at == 0 and isinstance(value, int | float))
        given.append(f"torch.as_tensor({ast.unparse(one)})" if plain else ast.unparse(one))
    return ", ".join(given)


def _requires_grad(value: Any) -> bool:
    inside = value if isinstance(value, list | tuple) else [value]
    return any(isinstance(one, Tensor) and one.requires_grad for one in inside)


def _value(node: ast.expr, frame: Frame) -> Any:
    """What an expression is; of a sum or a product a tensor in it that requires grad."""
    computed = isinstance(node, ast.BinOp | ast.UnaryOp)
    return origin(node, frame) if computed else looked_up(node, frame)


def _around(frames: Frames) -> Frame:
    """The innermost function, where the error came from a comprehension in it."""
    named = (one for one in reversed(frames.own) if not one.code_name.startswith("<"))
    return next(named, frames.last) if frames.last.code_name != "<module>" else frames.last


def _stored(
    frames: Frames, frame: Frame, told: Explained, given: ast.expr, value: Tensor
) -> Explained | None:
    """One of the numbers of a list that a loop goes through, such as losses to plot."""
    tree = frame.source
    for loop in ast.walk(tree) if tree is not None else ():
        if not isinstance(loop, ast.comprehension | ast.For):
            continue
        over = _over(loop, ast.unparse(given))
        if over is not None and value.numel() == 1:
            held = looked_up(over, frame)
            if isinstance(held, list | tuple):
                return _of_list(frames, frame, told, ast.unparse(over), held)
    return None


def _over(loop: ast.comprehension | ast.For, name: str) -> ast.expr | None:
    """What a loop takes a variable from: of `for n, loss in zip(counts, losses)` one of the two."""
    if ast.unparse(loop.target) == name:
        return loop.iter
    if not isinstance(loop.target, ast.Tuple) or not isinstance(loop.iter, ast.Call):
        return None
    targets, called = [ast.unparse(one) for one in loop.target.elts], ast.unparse(loop.iter.func)
    if name not in targets or called not in ("zip", "enumerate"):
        return None
    given = loop.iter.args if called == "zip" else [ast.Constant(0), *loop.iter.args[:1]]
    return given[targets.index(name)] if len(given) == len(targets) else None


_TWINS = {
    "array": "stack",
    "asarray": "stack",
    "concatenate": "cat",
    "power": "pow",
    "max": "amax",
    "min": "amin",
}
"""NumPy's functions, and torch's in their place where the name is another."""
_WORDS = {"axis": "dim", "keepdims": "keepdim"}


def _in_forward(frame: Frame, told: Explained, function: ast.Attribute) -> Explained | None:
    """Of a forward pass that is trained: the failing statement, by torch's functions throughout."""
    if frame.code_name != "forward" or not isinstance(frame.names.get("self"), nn.Module):
        return None
    statement = next((one for one in failing.on_line(frame) if isinstance(one, ast.Assign)), None)
    if statement is None:
        return None
    value = _ByTorch(frame).visit(copy.deepcopy(statement.value))
    written = f"{ast.unparse(statement.targets[0])} = {ast.unparse(value)}"
    return replace(
        told,
        meaning="NumPy would compute outside of autograd's sight: what this line is made of would "
        "get no gradient through it.",
        cure=f"Compute it by torch's functions: {written}. Only what is not to be trained may go "
        f"to NumPy, {_number(function)}."
        if "np." not in written and "numpy" not in written
        else told.cure,
        place=frame.place,
    )


class _ByTorch(ast.NodeTransformer):
    """Writes torch's functions in the place of NumPy's, and a tensor for its array."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        function = node.func
        if not isinstance(function, ast.Attribute):
            return node
        if function.attr == "numpy" and not node.args:
            return function.value
        if looked_up(function.value, self.frame) is not np:
            return node
        name = _TWINS.get(function.attr, function.attr)
        words = {one.arg: one.value for one in node.keywords}
        if not callable(getattr(torch, name, None)) or words.keys() - _WORDS.keys():
            return node
        given = [_listed(one) for one in node.args]
        if name not in ("stack", "cat") and given and _has_graph(_value(given[0], self.frame)):
            given[0] = ast.Call(_torch("stack"), given[:1], [])
        is_list = given and isinstance(given[0], ast.List | ast.ListComp | ast.Call)
        if name == "stack" and not is_list:
            return given[0] if given else node
        named = [ast.keyword(_WORDS[key], one) for key, one in words.items() if key is not None]
        return ast.Call(_torch(name), given, named)


def _torch(name: str) -> ast.Attribute:
    return ast.Attribute(ast.Name("torch", ast.Load()), name, ast.Load())


def _number(function: ast.Attribute) -> str:
    """How a tensor goes to NumPy as numbers."""
    owner = ast.unparse(function.value)
    return f"as {owner}.detach().numpy()" if function.attr == "numpy" else "detached"


def _has_graph(value: Any) -> bool:
    """Whether it is a list of tensors of which one requires grad."""
    return isinstance(value, list | tuple) and any(
        isinstance(one, Tensor) and one.requires_grad for one in value
    )


def _listed(node: ast.expr) -> ast.expr:
    """`list(x)` of `[one for one in x]`."""
    plain = isinstance(node, ast.ListComp) and len(node.generators) == 1
    if plain and isinstance(node, ast.ListComp) and not node.generators[0].ifs:
        over = node.generators[0]
        if ast.unparse(node.elt) == ast.unparse(over.target):
            return ast.Call(ast.Name("list", ast.Load()), [over.iter], [])
    return node


def _of_list(
    frames: Frames, frame: Frame, told: Explained, name: str, values: list[Tensor] | tuple[Tensor]
) -> Explained | None:
    """A list of results that were put away with their graphs, such as losses to plot."""
    if not _has_graph(values):
        return None
    single = all(isinstance(one, Tensor) and one.numel() == 1 for one in values)
    end = "item()" if single else "detach()"
    names = [name, *_other_names(frames, name, values)]
    found = (put for one in names if (put := kept.put_at(frames, one)) is not None)
    put = next(found, None)
    code = put[0].replace("detach()", end) if put is not None else f"each value as value.{end}"
    return replace(
        told,
        meaning=f"{name} holds tensors that require grad, and keeps the graph of each.",
        cure=f"Keep what is to be stored without its graph, where it is put there: {code}.",
        place=put[1] if put is not None else frame.place,
    )


def _other_names(frames: Frames, name: str, values: Any) -> list[str]:
    """What the calling functions name a list that was handed to the failing one."""
    return [
        key
        for frame in reversed(frames.own)
        for key, one in frame.names.items()
        if one is values and key != name
    ]
