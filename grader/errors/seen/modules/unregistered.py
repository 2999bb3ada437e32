"""A model without parameters: a constructor that never runs, layers or weights in plain places."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from torch import Tensor, nn

from grader.errors.explanation import Explained
from grader.errors.seen.modules import local
from grader.errors.seen.reading.frames import Frames, file_name, own_class

MOST_NAMED = 6
_DEPTH = 3


class _Attribute(NamedTuple):
    """A plain attribute of a part of a model, and the line that sets it, if it is one."""

    name: str
    value: Any
    line: int | None


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """What a model without parameters has in their place, in the class that is at fault."""
    for _, module in frames.modules():
        for part in module.modules() if not list(module.parameters()) else ():
            if (code := own_class(type(part))) is None:
                continue
            kind, file = code
            held = list(_attributes(part, kind))
            found = (
                _never_made(told, kind, file)
                or _in_containers(told, kind, file, held)
                or local.read(told, part, kind, file)
                or _plain_tensors(told, kind, file, held)
            )
            if found is not None:
                return found
    return None


def _never_made(told: Explained, kind: ast.ClassDef, file: str) -> Explained | None:
    """A class whose constructor has another name, so that it never runs."""
    methods = {one.name: one for one in kind.body if isinstance(one, ast.FunctionDef)}
    if "__init__" in methods:
        return None
    near = difflib.get_close_matches("__init__", set(methods), 1, 0.6)
    wrong = next((one for one in (*near, "init") if one in methods), None)
    if wrong is None or not methods[wrong].args.args:
        return None
    own = methods[wrong].args
    wanted = [one.arg for one in own.args[1 : len(own.args) - len(own.defaults)]]
    taken = f" It then takes its arguments where it is made: {kind.name}({', '.join(wanted)})."
    return replace(
        told,
        meaning=f"{kind.name} has a method {wrong}, and none that is called __init__: nobody calls "
        "it, so no layer is made.",
        cure=f"Rename it, with two underscores on each side: def __init__"
        f"({ast.unparse(own)}). Inside of it, super().__init__() comes first."
        f"{taken if wanted else ''}",
        place=f"{file_name(file)}, line {methods[wrong].lineno}",
    )


def _in_containers(
    told: Explained, kind: ast.ClassDef, file: str, held: list[_Attribute]
) -> Explained | None:
    """Layers or parameters in plain lists, dicts or tuples, where nothing finds them."""
    found = [(one, inside) for one in held if (inside := _modules_in(one.value))]
    if not found:
        return None
    first, inside = found[0]
    what = "parameters" if isinstance(inside[0], nn.Parameter) else "modules"
    right = _right(first, inside)
    nested = [one for one in _entries(first.value) if isinstance(one, list | tuple | dict)]
    inner = f"nn.{_container(nested[0], inside[0])}" if nested else ""
    deeper = f", and {inner}(...) around each {type(nested[0]).__name__} in it" if nested else ""
    keys = " The keys have to be texts, such as str(key)." if _has_other_keys(first.value) else ""
    names = [f"self.{one.name}" for one, _ in found[1:MOST_NAMED]]
    same = f" {_listed(names, found[1:])} as well." if names else ""
    others = [f"self.{one.name} = {_right(one, held_)}" for one, held_ in found[1:MOST_NAMED]]
    both = f" And {', '.join(others)}." if others else ""
    return replace(
        told,
        meaning=f"self.{first.name} of {kind.name} is a plain {type(first.value).__name__}: the "
        f"{len(inside)} {what} in it are no parts of the model, and parameters() does not find "
        f"them.{same}",
        cure=f"Write self.{first.name} = {right} around it{deeper}.{keys}{both}",
        place=_place(file, first.line),
    )


def _plain_tensors(
    told: Explained, kind: ast.ClassDef, file: str, held: list[_Attribute]
) -> Explained | None:
    """Weights that are plain tensors: which of them are meant to learn, nobody sees."""
    found = [
        one
        for one in held
        if type(one.value) is Tensor and one.value.is_floating_point() and one.line is not None
    ]
    if not found:
        return None
    names = [f"self.{one.name}" for one in found]
    listed = " and ".join([", ".join(names[:MOST_NAMED][:-1]), names[:MOST_NAMED][-1]])
    listed = listed.removeprefix(" and ") + (" and more" if len(names) > MOST_NAMED else "")
    are = "is a plain tensor" if len(names) == 1 else "are plain tensors"
    return replace(
        told,
        meaning=f"{kind.name} has no parameters: {listed} {are}, which a model does not register.",
        cure=f"Write nn.Parameter(...) around each that is to be trained: {names[0]} = "
        f"nn.Parameter({_written(kind, found[0])}). What is not to be trained becomes a buffer: "
        "self.register_buffer(name, tensor).",
        place=_place(file, found[0].line),
        sure=False,
    )


def _attributes(part: nn.Module, kind: ast.ClassDef) -> Iterator[_Attribute]:
    """What a part keeps in plain attributes."""
    for name, value in vars(part).items():
        if not name.startswith("_"):
            lines = [one.lineno for one in _setting(kind, name)]
            yield _Attribute(name, value, lines[0] if len(lines) == 1 else None)


def _setting(kind: ast.ClassDef, name: str) -> list[ast.Assign]:
    return [
        one
        for one in ast.walk(kind)
        if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == f"self.{name}"
    ]


def _written(kind: ast.ClassDef, one: _Attribute) -> str:
    """What an attribute is given, as it is written, if that is short."""
    text = ast.unparse(_setting(kind, one.name)[0].value)
    return text if len(text) <= 60 and "requires_grad" not in text else "..."


def _entries(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else list(value)


def _modules_in(value: Any, depth: int = _DEPTH) -> list[Any]:
    """The modules and parameters that a list, a dict or a tuple holds, or those inside of it."""
    if isinstance(value, nn.Module | nn.Parameter):
        return [value] if depth < _DEPTH else []
    if not isinstance(value, list | tuple | dict) or not depth:
        return []
    return [found for one in _entries(value) for found in _modules_in(one, depth - 1)]


def _container(value: Any, inside: Any) -> str:
    kind = "Parameter" if isinstance(inside, nn.Parameter) else "Module"
    nested = any(isinstance(one, list | tuple | dict) for one in _entries(value))
    kind = "Module" if nested else kind
    return f"{kind}Dict" if isinstance(value, dict) else f"{kind}List"


def _has_other_keys(value: Any) -> bool:
    return isinstance(value, dict) and not all(isinstance(one, str) for one in value)


def _listed(names: list[str], rest: list[tuple[_Attribute, list[Any]]]) -> str:
    lines = [f" (line {one.line})" if one.line is not None else "" for one, _ in rest]
    told = [f"{name}{line}" for name, line in zip(names, lines, strict=False)]
    return f"{' and '.join(told)} {'holds' if len(told) == 1 else 'hold'} some"


def _right(one: _Attribute, inside: list[Any]) -> str:
    return f"nn.{_container(one.value, inside[0])}(...)"


def _place(file: str, line: int | None) -> str:
    return f"{file_name(file)}, line {line}" if line is not None else ""
