"""A window that a loop moves on in place: what makes the next one anew."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from grader.errors.seen.in_place import buffers
from grader.errors.seen.reading.frames import Frames


def moved(frames: Frames, name: str) -> str | None:
    """The line that makes the next window of a name, in the place of those that write into it."""
    found = {
        line
        for tree, _, _ in buffers.code_of(frames)
        for block in _blocks(tree)
        if (line := _next(block, name)) is not None
    }
    return found.pop() if len(found) == 1 else None


def _blocks(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        for part in ("body", "orelse"):
            block = getattr(node, part, None)
            if isinstance(block, list):
                yield [one for one in block if isinstance(one, ast.stmt)]


def _next(block: list[ast.stmt], name: str) -> str | None:
    """Of `w[:, :-1] = w[:, 1:]` and `w[:, -1] = new`: the two joined by torch.cat."""
    shifts, last = [], None
    for one in block:
        if not isinstance(one, ast.Assign):
            continue
        target = one.targets[0]
        if isinstance(target, ast.Subscript) and ast.unparse(target.value) == name:
            dim, entry = _entry(target.slice)
            if entry == ":-1" and _is_rest(one.value, name, dim):
                shifts.append(dim)
            elif entry == "-1":
                last = dim, ast.unparse(one.value)
        elif ast.unparse(target) == name and ast.unparse(one.value).startswith("torch.roll("):
            shifts.append(_rolled(one.value))
    if len(shifts) != 1 or last is None or last[0] != shifts[0]:
        return None
    dim, new = last
    rest = f"{name}[{':, ' * dim}1:]"
    return f"{name} = torch.cat([{rest}, ({new}).unsqueeze({dim})], {dim})".replace(
        f"({new}).", f"{new}." if new.isidentifier() else f"({new})."
    )


def _entry(index: ast.expr) -> tuple[int, str]:
    """At which dimension an index chooses, and how it is spelled, if all before it are whole."""
    entries = index.elts if isinstance(index, ast.Tuple) else [index]
    spelled = [ast.unparse(one) for one in entries]
    whole = all(one == ":" for one in spelled[:-1])
    return (len(spelled) - 1, spelled[-1]) if whole else (-1, "")


def _is_rest(value: ast.expr, name: str, dim: int) -> bool:
    """Whether a value is `w[:, 1:]`, or a copy of it."""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        return value.func.attr in ("clone", "detach") and _is_rest(value.func.value, name, dim)
    return (
        isinstance(value, ast.Subscript)
        and ast.unparse(value.value) == name
        and _entry(value.slice) == (dim, "1:")
    )


def _rolled(value: ast.expr) -> int:
    """The dimension of `torch.roll(w, -1, 1)`; -1 if it is not told."""
    given = [*value.args[2:3]] if isinstance(value, ast.Call) else []
    if isinstance(value, ast.Call):
        given += [one.value for one in value.keywords if one.arg == "dims"]
    known = given and isinstance(given[0], ast.Constant) and isinstance(given[0].value, int)
    return int(given[0].value) if known else -1  # type: ignore[attr-defined]
