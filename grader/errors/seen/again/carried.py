"""What comes from an earlier pass with its graph: a module's state, or a variable of a loop."""

from __future__ import annotations

import ast
from typing import Any, NamedTuple

from torch import Tensor

from grader.errors.seen.again import graph, kept, second, spent, states
from grader.errors.seen.cuts import detached
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up


class Words(NamedTuple):
    """Meaning and cure, the name that they are about, and a place."""

    words: tuple[str, str]
    name: str
    place: str
    sure: bool = True
    trained: str = ""


def from_earlier(
    frames: Frames,
    frame: Frame,
    root: Tensor,
    hanging: dict[str, Tensor],
    near: dict[str, Tensor],
) -> Words | None:
    """What comes from an earlier pass: a module's state, or a variable of a loop."""
    if found := states.kept(frames, hanging):
        return _of_module(frames, frame, found)
    loops = (_in_loop(frames, one, root, near) for one in reversed(frames.own))
    return next((one for one in loops if one is not None), None)


def of_objects(frames: Frames, frame: Frame, hanging: dict[str, Tensor]) -> Words | None:
    """What an object that is no module, such as an agent, keeps from an earlier step."""
    found = states.kept_by_objects(frames, hanging)
    return _of_module(frames, frame, found) if found else None


def _of_module(frames: Frames, frame: Frame, found: list[states.Kept]) -> Words:
    """Of the attributes that a module keeps: the first, or all that are states beside it."""
    first = found[0]
    if first.cached:
        return _cached(frames, first.name, first.value, first.cached)
    if first.summed:
        return Words(second.RUNNING, first.name, frame.place)
    if isinstance(first.value, Tensor) and first.begun:
        return Words(second.CARRIED_BEGUN, first.name, frame.place, trained=first.begun)
    if not isinstance(first.value, Tensor):
        return Words(second.CARRIED_PARTS, first.name, frame.place)
    owner = first.name.rpartition(".")[0]
    beside = [one for one in found if one.name.rpartition(".")[0] == owner and not one.cached]
    names = ", ".join(one.name for one in beside if isinstance(one.value, Tensor))
    words = second.CARRIED_TOGETHER if ", " in names else second.CARRIED
    return Words(words, names, frame.place)


def _cached(frames: Frames, name: str, value: Any, place: str) -> Words:
    one = value if isinstance(value, Tensor) else None
    trained = states.trained(frames, one) if one is not None else ""
    return Words(second.CACHED, name, place, trained=trained)


def _in_loop(
    frames: Frames, frame: Frame, root: Tensor, hanging: dict[str, Tensor]
) -> Words | None:
    """What a loop carries from pass to pass, or takes from before it."""
    tree = frame.source
    loop = source.loop_of(tree, frame.line) if tree is not None else None
    if loop is None:
        return None
    before = []
    for name in hanging:
        own = name.split("[")[0]
        if own.split(".")[0] not in frame.variables:
            continue
        inside = source.assigned(loop, own)
        if "[" in name and not inside:
            if source.is_filled(loop, own):
                return Words(second.COLLECTED, own, frame.place)
        elif inside and (once := states.is_cached(loop.body, own)) is not None:
            return _cached(frames, own, hanging[name], frame.place_of(once.lineno))
        elif inside and _is_carried(loop, own, frame):
            return _of_loop(loop, frame, name, hanging)
        elif not inside and own.split(".")[0] in frame.names and tree is not None:
            before += [(own, name, one) for one in source.assigned(tree, own)]
    for name, key, statement in before:
        line = statement.lineno  # type: ignore[attr-defined]
        if source.reads(loop, name) and (
            used := spent.before(frame, loop, name, hanging[key], line)
        ):
            return _finished(*used)
    if (together := _before_together(frames, frame, before, hanging, root)) is not None:
        return together
    for name, key, statement in before:
        if (made := kept.made_of(frames, frame, name, statement)) is not None:
            return _finished(*made)
        line = statement.lineno  # type: ignore[attr-defined]
        beside = _is_trained_beside(root, hanging[key])
        words = second.BEFORE_GIVEN if beside else second.BEFORE
        return Words(words, name, frame.place_of(line))
    for name in hanging:
        if (handed := kept.given(frames, frame, name.split("[")[0])) is not None:
            return _finished(*handed)
    return None


_MANY = 8


def _before_together(
    frames: Frames,
    frame: Frame,
    before: list[tuple[str, str, ast.AST]],
    hanging: dict[str, Tensor],
    root: Tensor,
) -> Words | None:
    """Several results in front of a loop that its losses hang on: all lines that are to move."""
    names = list(dict.fromkeys(name for name, _, _ in before))
    kept_there = any(kept.made_of(frames, frame, name, one) for name, _, one in before)
    if not 1 < len(names) <= _MANY or kept_there:
        return None
    if any(
        _is_trained_beside(root, hanging[key]) for _, key, _ in before if hanging[key] is not root
    ):
        return None
    lines = {one.lineno: one for _, _, one in before}  # type: ignore[attr-defined]
    code = "; ".join(f"`{ast.unparse(lines[line])}`" for line in sorted(lines))
    order = sorted(names, key=lambda name: min(o.lineno for n, _, o in before if n == name))  # type: ignore[attr-defined]
    words = second.BEFORE_TOGETHER
    spoken = second.spoken(", ".join(order))
    place = frame.place_of(min(lines))
    return _finished(words[0].format(names=spoken), words[1].format(code=code), place)


def _is_carried(loop: source.Loop, name: str, frame: Frame) -> bool:
    """Whether a loop carries a value into its next pass, and with its graph."""
    return source.is_carried(loop, name) and not detached.is_detached(
        loop.body, name, lambda node: looked_up(node, frame)
    )


def _of_loop(loop: source.Loop, frame: Frame, name: str, near: dict[str, Tensor]) -> Words:
    """A variable that a loop carries, and what the same statement makes and the loop carries too.

    Another carried variable beside them may be the one that is to blame: then it is not sure.
    """
    own = name.split("[")[0]
    made = _made_at(source.assigned(loop, own), own)
    place = frame.place_of(made.lineno)  # type: ignore[attr-defined]
    if states.is_added_to(source.assigned(loop, own), own):
        return Words(second.RUNNING, own, place)
    roots = dict.fromkeys(one.split("[")[0] for one in near)
    others = [
        one
        for one in roots
        if one.split(".")[0] in frame.variables
        and one != own
        and source.assigned(loop, one)
        and _is_carried(loop, one, frame)
    ]
    together = [one for one in others if made in source.assigned(loop, one)]
    sure = len(together) == len(others)
    if "[" in name:
        return Words(second.CARRIED_PARTS, own, place, sure)
    whole = [one for one in together if one in near]
    added = [one for one in others if states.is_added_to(source.assigned(loop, one), one)]
    if not sure and not added and all(_is_old(near.get(one)) for one in [own, *others]):
        whole, sure = others, True  # each of them leads back to the pass before
    if whole:
        return Words(second.CARRIED_TOGETHER, ", ".join([own, *whole]), place, sure)
    return Words(second.CARRIED, own, place, sure)


def _is_old(value: Tensor | None) -> bool:
    """Whether a graph that a backward pass has freed lies below a tensor."""
    return value is not None and any(map(graph.is_freed, graph.nodes(value.grad_fn)))


def _made_at(given: list[ast.AST], name: str) -> ast.AST:
    """The statement that computes a carried value, and none that begins or detaches it."""
    computed = [one for one in given if not detached.gives_cut(one, name)]
    return next((one for one in computed if source.reads(one, name)), [*given[:1], *computed][-1])


def _is_trained_beside(root: Tensor, made: Tensor) -> bool:
    """Whether the failing loss reaches all that a tensor was made of on other ways too."""
    other = {id(one) for one in graph.leaves(graph.nodes(root.grad_fn, made.grad_fn))}
    own = graph.leaves(graph.nodes(made.grad_fn))
    return bool(own) and all(id(one) in other for one in own)


def _finished(meaning: str, cure: str, place: str) -> Words:
    """Words that name what they are about themselves."""
    plain = meaning.replace("{", "{{").replace("}", "}}"), cure.replace("{", "{{")
    return Words((plain[0], plain[1].replace("}", "}}")), "", place)
