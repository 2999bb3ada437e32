"""A second backward: is the freed graph carried from an earlier step, or shared within one?"""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any, NamedTuple

from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.again import (
    apart,
    discarded,
    graph,
    handed_back,
    handed_over,
    kept,
    looped,
    reused,
    second,
    seeded,
    starts,
    within,
)
from grader.errors.seen.again.carried import Words, from_earlier, of_objects
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frame, Frames, held

_CARRIED = (
    *(second.CARRIED, second.CARRIED_PARTS, second.CARRIED_TOGETHER),
    second.CARRIED_BEGUN,
)


_DETACHING = ("Detach", "Keep what is detached")
"""How the cure of what is kept from an earlier pass begins."""


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """Which of them it is, and by which variable; and whether a detach there changes nothing."""
    found = _which(frames, told)
    if found is None or not found.cure.startswith(_DETACHING):
        return found and seeded.fitting(frames, found)
    if (dropped := discarded.the_one(frames, found.meaning)) is None:
        return found
    return replace(
        found,
        meaning=f"{found.meaning} `{dropped.written}` does not change that: detach() returns a new "
        "tensor, and nothing keeps it here.",
        cure=dropped.cure,
        place=dropped.place,
        sure=False,
    )


def _which(frames: Frames, told: Explained) -> Explained | None:
    """Which of them it is, and by which variable."""
    frame, root = start_of(frames)
    if root is None or root.grad_fn is None:
        return None
    hanging, beside = _near(frames, root)
    if (losses := looped.shared(frames, frame, root)) is not None:
        return _told(told, *losses, frame.place)
    again = reused.by_closure(frames, frame, root) or reused.by_cache(frames)
    if again is not None:
        meaning, cure, place = again
        return replace(told, meaning=meaning, cure=cure, place=place)
    if (found := from_earlier(frames, frame, root, hanging, hanging | beside)) is not None:
        if found.words not in _CARRIED or not (inside := _within(frame, root, found)):
            return _told(told, *found)
        if inside.is_it:
            return replace(told, meaning=inside.meaning, cure=inside.cure, place=frame.place)
    if (twice := _twice(frames, frame, root, hanging, told)) is not None:
        return twice
    if (over := handed_over.before(frames, frame, hanging)) is not None:
        meaning, cure, place = over
        return replace(told, meaning=meaning, cure=cure, place=place)
    if (of_object := of_objects(frames, frame, hanging)) is not None:
        return _told(told, *of_object)
    start = starts.failing(frame.source, frame) if frame.source is not None else None
    known = root if start is None or start.exact else None
    put_away = reused.by_gradient(frames, frame) or kept.stored(frames, known)
    if put_away is None:
        return _of_one(frames, frame, root, hanging, told)
    meaning, cure, place = put_away
    return replace(told, meaning=meaning, cure=cure, place=place, sure=False)


class Carried(NamedTuple):
    """What a loop carries into its next pass, or a step into its next forward pass."""

    name: str
    detached: str
    """How it is detached."""
    place: str
    of: str
    """Where it comes from."""
    where: str
    """Where to detach it."""


def carried(frames: Frames) -> Carried | None:
    """What a loop carries into its next pass: its name, how to detach it, and where it is made."""
    frame, root = start_of(frames)
    if root is None or root.grad_fn is None:
        return None
    hanging, beside = _near(frames, root)
    found = from_earlier(frames, frame, root, hanging, hanging | beside)
    if found is None or found.words not in _CARRIED:
        return None
    of, where = "an earlier step", "at the end of each step"
    if (inside := _within(frame, root, found)) is not None:
        of = "the forward pass before this one"
        where = "behind every backward, in front of the next forward pass"
    if inside is not None and not inside.is_it:
        return None
    return Carried(found.name, second.detaching(found.words, found.name), found.place, of, where)


def _within(frame: Frame, root: Tensor, found: Words) -> within.State | None:
    return within.state(frame, root, found.name, found.words)


def _near(frames: Frames, root: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The tensors that a root was computed from, and those that share a part of its graph."""
    below = set(graph.nodes(root.grad_fn))
    hanging, beside = {}, {}
    for name, value in frames.tensors():
        if value.grad_fn is None:
            continue
        if value.grad_fn in below:
            hanging[name] = value
        elif starts.inner(graph.nodes(value.grad_fn)) & below:
            beside[name] = value
    return hanging, beside


def _twice(
    frames: Frames, frame: Frame, root: Tensor, hanging: dict[str, Tensor], told: Explained
) -> Explained | None:
    """Two calls of backward in one piece of code: on one result, or on two that share a graph."""
    scope = starts.around(frame)
    if scope is None:
        return None
    here = starts.failing(scope, frame)
    same = [one for one in starts.before(scope, frame) if one.value is root and one.exact]
    if here is not None and here.exact and same:
        given = within.given_anew(scope, same[0], frame.line)
        if not given or same[0].name != here.name:
            return _told(told, second.TWICE, "", frame.place)
        if source.reads(given[-1], here.name):
            meaning, cure, place = within.summed(scope, frame, same[0], given)
            return replace(told, meaning=meaning, cure=cure, place=place)
        freed = {node for one in hanging.values() for node in graph.nodes(one.grad_fn)[:200]}
        shared = {node for node in freed if graph.is_freed(node)}
        return _shared(frames, frame, hanging, (scope, same[0].at[0], root, shared), told)
    for start, shared in starts.sharing(scope, frame, root):
        turns = apart.Turns(frame, scope, start.at[0])
        returned = handed_back.shared(turns, start.name, here.name) if here is not None else None
        if returned is not None:
            words = _told(told, second.SHARED_BETWEEN, returned.name, returned.place)
            return replace(words, cure=returned.cure)
        return _shared(frames, frame, hanging, (scope, start.at[0], root, shared), told)
    return None


def _of_one(
    frames: Frames, frame: Frame, root: Tensor, hanging: dict[str, Tensor], told: Explained
) -> Explained | None:
    """Two results of one tensor, of which the first freed its graph: `y.sum()` and `y.mean()`."""
    scope = starts.around(frame)
    for start in starts.before(scope, frame) if scope is not None else ():
        is_kept = "retain_graph=True" in start.call or "create_graph=True" in start.call
        if scope is None or start.value is not root or is_kept:
            continue
        if not within.given_anew(scope, start, frame.line):
            shared = starts.inner(graph.nodes(root.grad_fn))
            return _shared(frames, frame, hanging, (scope, start.at[0], root, shared), told)
    return None


def _shared(
    frames: Frames,
    frame: Frame,
    hanging: dict[str, Tensor],
    both: tuple[ast.AST, int, Tensor, set[Any]],
    told: Explained,
) -> Explained:
    """Two results of one step that share a part of their graph: by which name, and what to do."""
    scope, line, root, shared = both
    common = [
        (value.grad_fn._sequence_nr(), name)
        for name, value in hanging.items()
        if value.grad_fn in shared and value.grad_fn is not None and value is not root
    ]
    several = len({frozenset(map(id, held(one))) for _, one in frames.optimizers()}) > 1
    if not several and (step := apart.stepped(frame, scope, line)) is not None:
        own = next((key for key, one in frame.names.items() if one is root), "")
        shared_by = max(common)[1] if common else own
        made = source.assigned(scope, shared_by) if shared_by else []
        before = [one for one in made if isinstance(one, ast.stmt) and one.lineno < frame.line]
        if before:
            parts = {"name": shared_by, "code": source.spelled(before[-1]), "trained": step}
            spoken = [text.format(**parts) for text in second.SHARED_STEPPED]
            return replace(told, meaning=spoken[0], cure=spoken[1], place=frame.place)
    turns = apart.Turns(frame, scope, line)
    if not common:
        words = second.SHARED_BY_BETWEEN if several and turns.are_taken else second.SHARED_BY
        return _told(told, words, "", frame.place)
    name = max(common)[1]
    if not several:
        return _told(told, second.SHARED, name, frame.place)
    if not turns.are_taken:
        return _told(told, second.SHARED_UNSTEPPED, name, frame.place)
    if (cure := apart.anew(turns, name, hanging)) is not None:
        return replace(_told(told, second.SHARED_BETWEEN, name, frame.place), cure=cure)
    return _told(told, second.SHARED_BETWEEN, name, frame.place)


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
    start = starts.failing(tree, frame) if tree is not None else None
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
