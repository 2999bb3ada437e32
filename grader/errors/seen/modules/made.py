"""Where a layer was made: the call, its line, and its sizes as the reader wrote them."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from typing import NamedTuple

from torch import nn

from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frames, file_name, own_class

_RECURRENT = (nn.RNNBase, nn.RNNCellBase)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
_COMPREHENSIONS = (ast.ListComp, ast.GeneratorExp)


class Made(NamedTuple):
    """The call that made a layer, where it stands, and in which function."""

    call: ast.Call
    place: str
    within: ast.AST

    def with_size(self, at: int, keyword: str, text: str) -> ast.Call:
        """The call with another text for one of its arguments."""
        call, value = copy.deepcopy(self.call), ast.parse(text, mode="eval").body
        if len(call.args) > at:
            call.args[at] = value
        else:
            call.keywords = [one for one in call.keywords if one.arg != keyword]
            call.keywords.append(ast.keyword(keyword, value))
        return call


class Held(NamedTuple):
    """The reader's own module that a layer is a part of, and the path that leads there."""

    owner: nn.Module
    path: str


def held(frames: Frames, layer: nn.Module) -> Held | None:
    """The nearest module of the reader's own classes that holds a layer."""
    found = [
        Held(part, path)
        for _, module in frames.modules()
        for part in module.modules()
        if own_class(type(part)) is not None
        for path, inner in part.named_modules()
        if inner is layer and path
    ]
    return min(found, key=lambda one: one.path.count("."), default=None)


def spelled(frames: Frames, layer: nn.Module) -> str:
    """What a layer is called: `self.fc1` in the reader's own class, else by a variable's name."""
    if (owned := held(frames, layer)) is not None:
        return with_numbers("self", owned.path)
    for name, module in frames.modules():
        for path, part in module.named_modules():
            if part is layer:
                return with_numbers(name, path) if path else name
    return f"the {type(layer).__name__}"


def made(frames: Frames, layer: nn.Module) -> Made | None:
    """The call that made a layer: the one that gave its owner the attribute, or the only one."""
    if (owned := held(frames, layer)) is not None:
        for kind in type(owned.owner).__mro__:
            if (code := own_class(kind)) is not None:
                every = _assigned(code[0], owned.path, type(layer).__name__)
                found = [one for one in every if _may_have_made(one[0], layer)]
                if len(found) == 1:
                    ((call, method),) = found
                    return Made(call, f"{file_name(code[1])}, line {call.lineno}", method)
    return _in_frames(frames, layer) or _only(frames, layer)


def _in_frames(frames: Frames, layer: nn.Module) -> Made | None:
    """The call in a function that has the layer, or what holds it, in a variable."""
    for frame in reversed(frames.own):
        if frame.source is None:
            continue
        for name, module in frame.names.items():
            if not isinstance(module, nn.Module):
                continue
            path = next((path for path, one in module.named_modules() if one is layer), None)
            if path is None:
                continue
            made_as = source.assigned(frame.source, name)
            value = source.value_of(made_as[0], name) if len(made_as) == 1 else None
            call = _part(value, path.split(".") if path else []) if value is not None else None
            if isinstance(call, ast.Call) and _may_have_made(call, layer):
                return Made(call, frame.place_of(call.lineno), frame.source)
    return None


def like(frames: Frames, layer: nn.Module, size: int, made_as: Made) -> str:
    """How the reader spells a size where the layer was made: a name in the place of a number.

    The layer in front of it, in the same module, gives this size, and was made with a name for it.
    """
    owned = held(frames, layer)
    texts = set()
    for part in owned.owner.modules() if owned is not None else ():
        if part is layer:
            break
        if given(part) == size and (other := made(frames, part)) is not None:
            one = _giving(part, other.call)
            if _starts(other) == _starts(made_as) and one is not None:
                texts.add(ast.unparse(one))
    return texts.pop() if len(texts) == 1 else str(size)


def _starts(one: Made) -> tuple[str, int]:
    """The file and the first line of the function that makes a layer."""
    return one.place.partition(",")[0], getattr(one.within, "lineno", 0)


def given(layer: nn.Module) -> int | None:
    """How many features or channels a layer gives."""
    if isinstance(layer, _RECURRENT):
        twice = 2 if getattr(layer, "bidirectional", False) else 1
        return int(layer.hidden_size) * twice
    of_norm = isinstance(layer, _NORMS)
    names = ["num_features"] if of_norm else ["out_features", "out_channels", "embedding_dim"]
    sizes = [getattr(layer, name, None) for name in names]
    return next((one for one in sizes if isinstance(one, int)), None)


def _giving(layer: nn.Module, call: ast.Call) -> ast.expr | None:
    """The argument that says how much a layer gives, where it is a name and no number."""
    at, names = 1, ["out_features", "out_channels", "embedding_dim", "hidden_size"]
    if isinstance(layer, _NORMS):
        at, names = 0, ["num_features"]
    words = [one.value for one in call.keywords if one.arg in names]
    value = call.args[at] if len(call.args) > at else next(iter(words), None)
    if value is None or getattr(layer, "bidirectional", False):
        return None
    return value if any(isinstance(one, ast.Name) for one in ast.walk(value)) else None


def with_numbers(name: str, path: str) -> str:
    """`self.layers[2].conv` for the path layers.2.conv."""
    parts = (f"[{one}]" if one.isdigit() else f".{one}" for one in path.split("."))
    return name + "".join(parts)


def _assigned(kind: ast.ClassDef, path: str, made_as: str) -> Iterator[tuple[ast.Call, ast.AST]]:
    """The calls that make the part of this path, with the method that they stand in."""
    attribute, *rest = path.split(".")
    for method in kind.body:
        if not isinstance(method, ast.FunctionDef):
            continue
        for statement in source.assigned(method, f"self.{attribute}"):
            value = source.value_of(statement, f"self.{attribute}")
            call = _part(value, rest) if value is not None else None
            if isinstance(call, ast.Call) and _name(call) == made_as:
                yield call, method


def _part(value: ast.expr, path: list[str]) -> ast.expr | None:
    """The expression of a part in a Sequential or a ModuleList that is written out."""
    if not path:
        return value
    if not isinstance(value, ast.Call) or not path[0].isdigit():
        return None
    number, name = int(path[0]), _name(value)
    entries: list[ast.expr] = []
    if name == "Sequential":
        entries = list(value.args)
    elif name == "ModuleList" and value.args:
        inside = value.args[0]
        if isinstance(inside, _COMPREHENSIONS):
            return _part(inside.elt, path[1:])
        entries = list(inside.elts) if isinstance(inside, ast.List | ast.Tuple) else []
    if any(isinstance(one, ast.Starred) for one in entries) or number >= len(entries):
        return None
    return _part(entries[number], path[1:])


def _only(frames: Frames, layer: nn.Module) -> Made | None:
    """The one call of the reader's files that can have made a layer of these sizes."""
    found = {}
    for tree, file in frames.files():
        for scope in ast.walk(tree):
            if not isinstance(scope, ast.Module | ast.FunctionDef):
                continue
            for node in ast.walk(scope):
                if isinstance(node, ast.Call) and _may_have_made(node, layer):
                    place = f"{file_name(file)}, line {node.lineno}"
                    found[file, node.lineno, node.col_offset] = Made(node, place, scope)
    return next(iter(found.values())) if len(found) == 1 else None


def _may_have_made(call: ast.Call, layer: nn.Module) -> bool:
    """Whether a call makes a layer of this class, and writes no other sizes than it has."""
    if _name(call) != type(layer).__name__:
        return False
    sizes = [_number(one) for one in call.args]
    return all(size in (None, one) for size, one in zip(sizes, _sizes(layer), strict=False))


def _sizes(layer: nn.Module) -> list[int]:
    names = (
        *("in_features", "in_channels", "input_size", "num_embeddings", "embed_dim", "num_groups"),
        *("num_features", "num_channels", "out_features", "out_channels", "hidden_size"),
        *("embedding_dim", "num_heads"),
    )
    sizes = [getattr(layer, name, None) for name in names]
    return [one for one in sizes if isinstance(one, int)]


def _number(node: ast.expr) -> int | None:
    """A whole number, or a product or a sum of such."""
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) is int else None
    if not isinstance(node, ast.BinOp):
        return None
    left, right = _number(node.left), _number(node.right)
    if left is None or right is None:
        return None
    if isinstance(node.op, ast.Mult):
        return left * right
    return left + right if isinstance(node.op, ast.Add) else None


def _name(call: ast.Call) -> str:
    return str(getattr(call.func, "attr", getattr(call.func, "id", "")))
