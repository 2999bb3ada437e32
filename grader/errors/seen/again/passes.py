"""A second backward: is the freed graph carried from an earlier step, or shared within one?"""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.again import apart, graph, handed_over, kept, looped, reused, second
from grader.errors.seen.again.carried import from_earlier, of_objects
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up, origin


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """Which of them it is, and by which variable."""
    frame, root = start_of(frames)
    if root is None or root.grad_fn is None:
        return None
    hanging, beside = _near(frames, root)
    if (losses := looped.shared(frame, root)) is not None:
        return _told(told, *losses, frame.place)
    again = reused.by_closure(frames, frame, root) or reused.by_cache(frames)
    if again is not None:
        meaning, cure, place = again
        return replace(told, meaning=meaning, cure=cure, place=place)
    if (found := from_earlier(frames, frame, root, hanging, hanging | beside)) is not None:
        return _told(told, *found)
    if (twice := _twice(frames, frame, root, hanging, told)) is not None:
        return twice
    if (over := handed_over.before(frames, frame, hanging)) is not None:
        meaning, cure, place = over
        return replace(told, meaning=meaning, cure=cure, place=place)
    if (of_object := of_objects(frames, frame, hanging)) is not None:
        return _told(told, *of_object)
    start = _failing(frame.source, frame) if frame.source is not None else None
    known = root if start is None or start.exact else None
    put_away = reused.by_gradient(frames, frame) or kept.stored(frames, known)
    if put_away is None:
        return None
    meaning, cure, place = put_away
    return replace(told, meaning=meaning, cure=cure, place=place, sure=False)


def carried(frames: Frames) -> tuple[str, str, str] | None:
    """What a loop carries into its next pass: its name, how to detach it, and where it is made."""
    frame, root = start_of(frames)
    if root is None or root.grad_fn is None:
        return None
    hanging, beside = _near(frames, root)
    found = from_earlier(frames, frame, root, hanging, hanging | beside)
    of_carried = (second.CARRIED, second.CARRIED_PARTS, second.CARRIED_TOGETHER)
    if found is None or found.words not in of_carried:
        return None
    return found.name, second.detaching(found.words, found.name), found.place


def _near(frames: Frames, root: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The tensors that a root was computed from, and those that share a part of its graph."""
    below = set(graph.nodes(root.grad_fn))
    hanging, beside = {}, {}
    for name, value in frames.tensors():
        if value.grad_fn is None:
            continue
        if value.grad_fn in below:
            hanging[name] = value
        elif _inner(graph.nodes(value.grad_fn)) & below:
            beside[name] = value
    return hanging, beside


def _twice(
    frames: Frames, frame: Frame, root: Tensor, hanging: dict[str, Tensor], told: Explained
) -> Explained | None:
    """Two calls of backward in one piece of code: on one result, or on two that share a graph."""
    tree = frame.source
    if tree is None:
        return None
    scope = source.loop_of(tree, frame.line) or tree
    here = _failing(scope, frame)
    starts = [one for one in _started(scope, frame) if here is not None and one.at < here.at]
    if here is not None and here.exact and any(one.value is root and one.exact for one in starts):
        return _told(told, second.TWICE, "", frame.place)
    below = set(graph.nodes(root.grad_fn))
    for start in reversed(starts):
        other = start.value
        if other.grad_fn is None:
            continue
        shared = _inner(graph.nodes(other.grad_fn))
        if not shared & below:
            continue
        common = [
            (value.grad_fn._sequence_nr(), name)
            for name, value in hanging.items()
            if value.grad_fn in shared and value.grad_fn is not None and value is not root
        ]
        if not common:
            return _told(told, second.SHARED_BY, "", frame.place)
        name = max(common)[1]
        if len(frames.optimizers()) < 2:
            return _told(told, second.SHARED, name, frame.place)
        turns = apart.Turns(frame, scope, start.at[0])
        if not turns.are_taken:
            return _told(told, second.SHARED_UNSTEPPED, name, frame.place)
        if (cure := apart.anew(turns, name, hanging)) is not None:
            return replace(_told(told, second.SHARED_BETWEEN, name, frame.place), cure=cure)
        return _told(told, second.SHARED_BETWEEN, name, frame.place)
    return None


def _inner(found: list[Any]) -> set[Any]:
    """The nodes that are no leaves."""
    return {node for node in found if not hasattr(node, "variable")}


@dataclass(frozen=True)
class _Start:
    """Where a backward pass starts, and from which tensor.

    Of `y.sum().backward()` the tensor is y, which the result was computed from: it is not exact.
    """

    at: tuple[int, int]
    end: int | None
    value: Tensor
    exact: bool


def _started(scope: ast.AST, frame: Frame) -> list[_Start]:
    """Every call that starts a backward pass, in the order of the text."""
    found = []
    for node in ast.walk(scope):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name not in ("backward", "grad"):
            continue
        starts: list[ast.AST] = list(node.args[:1])
        if isinstance(node.func, ast.Attribute) and name == "backward":
            starts.insert(0, node.func.value)
        for start in starts:
            value = looked_up(start, frame)
            root = value if isinstance(value, Tensor) else origin(start, frame)
            if isinstance(root, Tensor):
                at = node.lineno, node.end_col_offset or 0
                found.append(_Start(at, node.end_col_offset, root, root is value))
                break
    return sorted(found, key=lambda one: one.at)


def _failing(scope: ast.AST, frame: Frame) -> _Start | None:
    """The call that failed, of those on its line."""
    here = [one for one in _started(scope, frame) if one.at[0] == frame.line]
    end = frame.columns[1] if frame.columns is not None else None
    return next((one for one in here if one.end == end), here[0] if here else None)


def _told(
    told: Explained,
    words: tuple[str, str],
    name: str,
    place: str,
    sure: bool = True,
    trained: str = "",
) -> Explained:
    code, trained = second.detaching(words, name), trained or "that"
    spoken = second.spoken(name)
    meaning, cure = (text.format(name=spoken, code=code, trained=trained) for text in words)
    return replace(told, meaning=meaning, cure=cure, place=place, sure=sure)


def root_of(frame: Frame) -> Tensor | None:
    """The tensor that the failing line calls backward on, differentiates, or computes from."""
    tree = frame.source
    start = _failing(tree, frame) if tree is not None else None
    return start.value if start is not None else None


def start_of(frames: Frames) -> tuple[Frame, Tensor | None]:
    """The innermost frame in which a backward pass starts from a tensor that has a name.

    Else the tensor that torch's own backward was called on: `criterion(net(x), y).backward()`.
    """
    for frame in reversed(frames.own):
        if (root := root_of(frame)) is not None:
            return frame, root
    given = frames.given("backward")
    roots = given.get("tensors", given.get("self"))
    one = roots[0] if isinstance(roots, tuple) and len(roots) == 1 else roots
    return frames.last, one if isinstance(one, Tensor) else None
