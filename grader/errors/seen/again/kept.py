"""Results that were put away with their graphs: in a list, a dict, an object, an argument."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterable, Iterator
from types import FunctionType
from typing import Any

from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from grader.errors.seen.again import graph, once, partly
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frame, Frames, file_name, is_library, own_function

MOST_OPENED = 3000
MOST_FUNCTIONS = 300
_PUTS = ("append", "appendleft", "extend", "insert", "add", "push", "store")

Told = tuple[str, str, str]
"""Meaning, cure and line."""


def made_of(frames: Frames, frame: Frame, name: str, statement: ast.AST) -> Told | None:
    """Of a name that was given its value before a loop: whether that is made of kept results."""
    value = getattr(statement, "value", None)
    for node in ast.walk(value) if value is not None else ():
        if not isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            continue
        inside = _evaluated(node, frame)
        if isinstance(inside, list | tuple | dict | deque) and _with_graph(inside):
            kept = ast.unparse(node)
            meaning = (
                f"{name} is made of {kept}, and what lies there was kept with its graph, which "
                "the first backward freed."
            )
            detached = f"{name} = {source.in_brackets(value)}.detach()" if value is not None else ""
            line = frame.place_of(statement.lineno)  # type: ignore[attr-defined]
            return meaning, *_detached_at(frames, kept, line, detached)
    return None


def given(frames: Frames, frame: Frame, name: str) -> Told | None:
    """Of a name that no statement of a function sets: whether it is one of its arguments."""
    tree, root = frame.source, name.split(".")[0]
    if not isinstance(tree, ast.FunctionDef) or root == "self":
        return None
    arguments = [*tree.args.posonlyargs, *tree.args.args, *tree.args.kwonlyargs]
    if root not in [one.arg for one in arguments] or source.assigned(tree, root):
        return None
    if (made_once := once.attribute(frames, name)) is not None:
        return _anew(name, made_once, "Compute it in forward")
    meaning = (
        f"{name} was computed before the loop of {tree.name}(), and handed in with its graph, "
        "which the first backward freed."
    )
    value = frame.names.get(root)
    if not isinstance(value, Tensor):
        return meaning, *_detached_at(frames, name, frame.place_of(tree.lineno), "")
    for outer in reversed(frames.own):
        called = [key for key, one in outer.names.items() if one is value] if outer != frame else []
        made = [
            (key, one)
            for key in called
            for one in (source.assigned(outer.source, key) if outer.source is not None else ())
        ]
        if made:
            key, statement = made[-1]
            line = outer.place_of(statement.lineno)  # type: ignore[attr-defined]
            return meaning, _cure(f"{key} = {key}.detach()"), line
    return meaning, _cure(f"{name} = {name}.detach()"), frame.place_of(tree.lineno)


def stored(frames: Frames, root: Tensor | None) -> Told | None:
    """The oldest kept result whose graph is freed; of those that a root hangs on, if known."""
    below = set(graph.nodes(root.grad_fn)) if root is not None else set()
    oldest: list[tuple[int, str]] = []
    holds: dict[str, tuple[Any, Tensor]] = {}
    for path, one, owner in _opened(frames.variables()):
        node = one.grad_fn
        if node is None or one is root or (below and node not in below):
            continue
        number = node._sequence_nr()
        if oldest and number > oldest[0][0]:
            continue
        if any(graph.is_freed(part) for part in graph.nodes(node)[:200]):
            oldest = [other for other in oldest if other[0] == number] + [(number, path)]
            holds[path] = owner, one
    if not oldest:
        return None
    if (beside := once.beside(frames, *holds[oldest[0][1]])) is not None:
        return beside
    holders = list(dict.fromkeys(path.split("[")[0] for _, path in oldest))
    kept = next((one for one in holders if put_at(frames, one)), holders[0])
    meaning = (
        f"{kept} holds results with their graphs, from before this step: they were freed by an "
        "earlier backward, and this loss still hangs on them."
    )
    of_model = once.attribute(frames, kept)
    if (made := of_model or once.entry(code_of(frames), kept)) is not None:
        anew = f"Compute {kept} in forward" if of_model else "Compute it anew in every step"
        return _anew(kept, made, anew)
    cure, place = _detached_at(frames, kept, "", "")
    newest = [one for path, one, _ in _opened(frames.variables()) if path.startswith(f"{kept}[")]
    if (part := partly.freed(frames, newest)) is not None:
        return part
    if root is not None and _is_all(frames, root, kept):
        return (
            f"{meaning} Detached, they would leave nothing that this loss could train.",
            f"Keep in {kept} what they were computed from, such as the observations, and compute "
            "them anew from that in every step, in front of the loss.",
            place,
        )
    if not any(path.startswith(kept) and path.count("[") < 2 for _, path in oldest):
        cure = _cure(f"of what is put into {kept}, each tensor as value.detach()")
    return meaning, cure, place


def _anew(kept: str, made: once.Once, anew: str) -> Told:
    """Of a value that is computed once: it is to be computed in every step."""
    return (
        f"{kept} was computed once, {made.by}, and kept with its graph, which the first "
        "backward freed; this loss still hangs on it.",
        f"{anew}, so that every step has a graph of its own. Detach "
        "it only if nothing that it was computed from is to be trained: with detach() that "
        "would get no gradient through it.",
        made.place,
    )


def opened(frames: Frames) -> Iterator[tuple[str, Tensor]]:
    """Tensors with a graph that lie in containers and objects of the reader's, four deep."""
    return ((path, one) for path, one, _ in _opened(frames.variables()))


def opened_each(frames: Frames) -> Iterator[tuple[str, Tensor]]:
    """The same of each variable by itself: what several hold comes once for each of them."""
    return ((path, one) for pair in frames.variables() for path, one, _ in _opened([pair]))


def _opened(variables: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Tensor, Any]]:
    """The same of some variables, each tensor with what holds it."""
    ahead = deque((name, value, None, 0) for name, value in variables)
    seen: set[int] = set()
    while ahead and len(seen) < MOST_OPENED:
        path, value, owner, depth = ahead.popleft()
        if isinstance(value, Tensor):
            if depth and value.grad_fn is not None:
                yield path, value, owner
            continue
        if id(value) in seen or depth > 3:
            continue
        seen.add(id(value))
        ahead.extend((f"{path}{key}", one, value, depth + 1) for key, one in _parts(value))


def _is_all(frames: Frames, root: Tensor, kept: str) -> bool:
    """Whether a loss hangs on its leaves by what was put away before this step alone."""
    kept_ = (one.grad_fn for path, one in opened(frames) if path.startswith(kept))
    cut = [node for node in kept_ if node is not None and not graph.is_fresh(node)]
    return not graph.leaves(graph.nodes(root.grad_fn, *cut))


def _parts(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, list | tuple | deque):
        return [(f"[{index}]", one) for index, one in enumerate(value)]
    if isinstance(value, dict):
        return [(f"[{key!r}]", one) for key, one in value.items()]
    own = not isinstance(value, type | FunctionType) and hasattr(value, "__dict__")
    if own and (isinstance(value, nn.Module | Dataset | DataLoader) or _is_own(type(value))):
        return [(f".{key}", one) for key, one in vars(value).items() if not key.startswith("__")]
    return []


def _is_own(kind: type) -> bool:
    methods = [one for one in vars(kind).values() if isinstance(one, FunctionType)]
    return bool(methods) and not is_library(methods[0].__code__.co_filename)


def _detached_at(frames: Frames, kept: str, line: str, otherwise: str) -> tuple[str, str]:
    """The cure, and the line that puts something into what is kept; else what is given."""
    if (put := put_at(frames, kept)) is not None:
        code, place = put
        return _cure(code), place
    made = [
        frame.place_of(statement.lineno)  # type: ignore[attr-defined]
        for frame in reversed(frames.own)
        for statement in (source.assigned(frame.source, kept) if frame.source is not None else ())
    ]
    told = otherwise or f"what is put into {kept} is put in as value.detach()"
    return _cure(told), line or next(iter(made), "")


def _cure(code: str) -> str:
    return (
        f"Detach it where it is kept: {code}. To this step it is then a number. If it is to be "
        "trained, compute it anew from its inputs in every pass of the loop."
    )


def put_at(frames: Frames, kept: str) -> tuple[str, str] | None:
    """The code of the function that fills a collection, with what it puts there detached.

    With it comes the first line.
    """
    for tree, file, first in code_of(frames):
        puts = {
            found.replace(_MARK, ".detach()"): first + node.lineno - 1  # type: ignore[attr-defined]
            for node in ast.walk(tree)
            for found in [_put(node, kept.rpartition(".")[2])]
            if found is not None and "detach" not in found and ".item()" not in found
        }
        if puts:
            line = next(iter(puts.values()))
            return ", and ".join(list(puts)[:MOST_PUTS]), f"{file_name(file)}, line {line}"
    return None


MOST_PUTS = 4
"""How many statements that fill one collection are told."""


_MARK = "#cut"
"""Stands for the `.detach()` that is added, while code is searched for one of its own."""


def _put(node: ast.AST, last: str) -> str | None:
    """What a statement that fills a collection of this name is to be."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
        into = ast.unparse(node.func.value).rpartition(".")[2]
        if node.func.attr in _PUTS and into == last and len(node.args) == 1:
            return f"{ast.unparse(node.func)}({_marked(node.args[0])})"
    target = node.targets[0] if isinstance(node, ast.Assign) else None
    if not isinstance(node, ast.Assign) or not isinstance(target, ast.Subscript):
        return None
    into = ast.unparse(target.value).rpartition(".")[2]
    return f"{ast.unparse(target)} = {_marked(node.value)}" if into == last else None


def _marked(value: ast.expr) -> str:
    if isinstance(value, ast.Tuple | ast.List | ast.Dict | ast.Starred):
        return f"..., each value{_MARK}"
    return f"{source.in_brackets(value)}{_MARK}"


def code_of(frames: Frames) -> Iterator[tuple[ast.AST, str, int]]:
    """The frames' own code, then the functions and classes that its files know by name."""
    seen: dict[int, FunctionType] = {}
    for frame in reversed(frames.own):
        if frame.source is not None:
            yield frame.source, frame.file, 1
        for value in list(frame.variables.values()):
            held = list(vars(value).values()) if isinstance(value, type) else [value]
            seen |= {id(one): one for one in held if isinstance(one, FunctionType)}
    for function in list(seen.values())[:MOST_FUNCTIONS]:
        if (code := own_function(function)) is not None:
            yield code


def _evaluated(node: ast.AST, frame: Frame) -> Any:
    """The value of a name, an attribute, or an entry by a constant key."""
    if isinstance(node, ast.Name):
        return frame.names.get(node.id, frame.above.get(node.id))
    if isinstance(node, ast.Attribute):
        return getattr(_evaluated(node.value, frame), node.attr, None)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        whole = _evaluated(node.value, frame)
        return whole.get(node.slice.value) if isinstance(whole, dict) else None
    return None


def _with_graph(values: Any) -> bool:
    inside = list(values.values()) if isinstance(values, dict) else list(values)
    return any(isinstance(one, Tensor) and one.grad_fn is not None for one in inside[:64])
