"""A checkpointed block that finds, at its second run, what its first run left behind."""

from __future__ import annotations

import ast
import inspect
import random
import textwrap
from dataclasses import replace

import numpy

from grader.errors.explanation import Explained
from grader.errors.seen.modules.layers import parts
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frames, file_name, own_function


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """An attribute or a global name that a block both reads and sets, and the line that sets it."""
    found: dict[tuple[str, str], None] = dict.fromkeys(_outside(frames))
    for _, part in parts(frames):
        for attribute in vars(part):
            kind, own = type(part), f"self.{attribute}"
            if kind.__module__.startswith("torch"):
                continue
            if (place := _set_at(kind, own, source.is_state(kind, attribute))) is not None:
                found.setdefault((own, place), None)
    if not found:
        return _drawn(frames, told)
    named = [name for name, _ in found]
    places = [place for _, place in found]
    first = named[0]
    whole = " and ".join(dict.fromkeys(named))
    return replace(
        told,
        meaning=f"The block sets {whole} and reads it again: the second run, during backward, "
        "finds what the first run left there, and goes another way.",
        cure=f"Compute it anew in every run, and keep it in a local variable in the place of "
        f"{first}. What needs no gradient may be made once, in __init__; a counter is counted "
        "outside of the block, and handed in. Numbers of Python's random and of NumPy are drawn "
        "outside too: the second run draws others.",
        place=places[0],
        sure=False,
    )


def _drawn(frames: Frames, told: Explained) -> Explained | None:
    """The one line of the models' forward passes that draws by Python's random or by NumPy."""
    found: dict[str, str] = {}
    kinds = {type(part) for _, part in parts(frames)}
    for kind in kinds:
        if (code := source.own_code(kind)) is None:
            continue
        tree, file, first = code
        above = getattr(kind.forward, "__globals__", {})
        for node in ast.walk(tree):
            drawn = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            module = above.get(drawn.split(".")[0])
            if module is random or (module is numpy and ".random." in drawn):
                found[f"{file_name(file)}, line {first + node.lineno - 1}"] = drawn  # type: ignore[attr-defined]
    if len(found) != 1:
        return None
    ((place, drawn),) = found.items()
    return replace(
        told,
        meaning=f"{drawn}() draws another number in the second run, during backward, which may go "
        "another way then: checkpoint puts back torch's generators alone.",
        cure="Draw by torch, torch.rand(()) < p, which is drawn again as it was; or draw outside "
        "of the block, and hand the number in.",
        place=place,
        sure=False,
    )


def _outside(frames: Frames) -> list[tuple[str, str]]:
    """What the functions that can be named declare global or nonlocal, and set."""
    found = []
    for _, function in frames.variables():
        if (code := own_function(function)) is None:
            continue
        tree, file, first = code
        for node in ast.walk(tree):
            for name in node.names if isinstance(node, ast.Global | ast.Nonlocal) else ():
                for statement in source.assigned(tree, name):
                    line = first + statement.lineno - 1  # type: ignore[attr-defined]
                    found.append((name, f"{file_name(file)}, line {line}"))
    return found


def _set_at(kind: type, name: str, is_state: bool) -> str | None:
    """The line of a class's methods that gives an attribute its value, or an entry of it."""
    try:
        lines, first = inspect.getsourcelines(kind)
        file = inspect.getsourcefile(kind) or ""
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return None
    for method in ast.walk(tree):
        if isinstance(method, ast.FunctionDef) and method.name != "__init__":
            put = source.filled(method, name)
            mentioned = sum(ast.unparse(one) == name for one in ast.walk(method))
            kept = (
                put if mentioned > len(put) else []
            )  # a list that is only added to decides nothing
            for statement in source.assigned(method, name) if is_state else kept:
                line = first + statement.lineno - 1  # type: ignore[attr-defined]
                return f"{file_name(file)}, line {line}"
    return None
