"""A class of modules that is put together wrongly: which line of it is to change."""

from __future__ import annotations

import ast
import difflib
import re
from dataclasses import replace

from torch import nn

from grader.errors.explanation import Explained
from grader.errors.seen.modules.made import spelled, with_numbers
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames, file_name, own_class
from grader.errors.seen.reading.lookup import looked_up


def read_init(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The `__init__` that makes parts before super().__init__(), or never calls it."""
    for frame in reversed(frames.own):
        me = frame.names.get("self")
        for kind, file in _own_classes(me) if isinstance(me, nn.Module) else ():
            if (found := _of_class(told, kind, file, frame)) is not None:
                return found
    return None


def _own_classes(module: nn.Module) -> list[tuple[ast.ClassDef, str]]:
    """The classes that the reader wrote of a module: its own, and those that it is made from."""
    return [code for one in type(module).__mro__ if (code := own_class(one)) is not None]


def _of_class(told: Explained, kind: ast.ClassDef, file: str, frame: Frame) -> Explained | None:
    """What is wrong in the `__init__` of one class."""
    method = next((one for one in kind.body if getattr(one, "name", "") == "__init__"), None)
    if not isinstance(method, ast.FunctionDef):
        return None
    first = method.body[min(len(method.body) - 1, ast.get_docstring(method) is not None)]
    later = [one for one in method.body if _is_super(one)]
    if not later:
        return replace(
            told,
            meaning=f"{kind.name}.__init__ never calls super().__init__(), which makes room "
            "for parameters and modules.",
            cure=f"Write super().__init__() in front of {ast.unparse(first)[:40]}, as the "
            f"first line of {kind.name}.__init__.",
            place=f"{file_name(file)}, line {method.lineno}",
        )
    if (unbound := _unbound(later[0])) is not None:
        return replace(
            told,
            meaning=f"{unbound} names a class and no object: it sets up nothing of "
            f"{kind.name}, and nn.Module.__init__ never runs.",
            cure="Write super().__init__() in its place, as the first line of "
            f"{kind.name}.__init__.",
            place=f"{file_name(file)}, line {later[0].lineno}",
        )
    if not method.lineno <= frame.line < later[0].lineno or frame.file != file:
        return None
    return replace(
        told,
        meaning=f"{kind.name}.__init__ makes parts before {ast.unparse(later[0])} has made "
        "room for them.",
        cure=f"Move {ast.unparse(later[0])} to the first line of {kind.name}.__init__.",
        place=f"{file_name(file)}, line {later[0].lineno}",
    )


def _is_super(node: ast.stmt) -> bool:
    text = ast.unparse(node)
    return "__init__(" in text and ("super(" in text or ".__init__(self" in text)


def _unbound(statement: ast.stmt) -> str | None:
    """`super(Net).__init__()`, which lacks the object."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Call) and failing.name_of(node) == "super" and len(node.args) == 1:
            return ast.unparse(statement)
    return None


def read_forward(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The method that was to be forward: misspelled, inside of another one, or missing."""
    module = next((names.get("self") for _, names in reversed(frames.within)), None)
    if not isinstance(module, nn.Module):
        return None
    code = own_class(type(module))
    if code is None:
        return _of_parts(frames, told, module)
    kind, file = code
    for method in kind.body:
        for node in ast.walk(method):
            if isinstance(node, ast.FunctionDef) and node.name == "forward" and node is not method:
                return replace(
                    told,
                    meaning=f"forward of {kind.name} is indented too far: it is a function inside "
                    f"of {getattr(method, 'name', 'a method')}, and no method of the class.",
                    cure="Move it to the left, as far as def __init__ is.",
                    place=f"{file_name(file)}, line {node.lineno}",
                )
    names = {one.name: one for one in kind.body if isinstance(one, ast.FunctionDef)}
    close = difflib.get_close_matches("forward", set(names) - {"forward"}, 1, 0.75)
    wrong = next((one for one in (*close, "__call", "call") if one in names), None)
    if wrong is None:
        return None
    return replace(
        told,
        meaning=f"{kind.name} has a method {wrong}, and none that is called forward.",
        cure=f"Rename it: def forward({ast.unparse(names[wrong].args)}).",
        place=f"{file_name(file)}, line {names[wrong].lineno}",
    )


def _of_parts(frames: Frames, told: Explained, module: nn.Module) -> Explained | None:
    if not isinstance(module, nn.ModuleList | nn.ModuleDict):
        return None
    name, frame = spelled(frames, module), frames.last
    values = f"{name}.values()" if isinstance(module, nn.ModuleDict) else name
    argument = next(
        (
            ast.unparse(node.args[0])
            for node in failing.on_line(frame)
            if isinstance(node, ast.Call) and node.args and looked_up(node.func, frame) is module
        ),
        "x",
    )
    x = argument if argument.isidentifier() else "x"
    begun = "" if x == argument else f"{x} = {argument} and "
    return replace(
        told,
        meaning=f"{name} is a {type(module).__name__}: it holds modules, and calls none of them.",
        cure=f"Go through it, {begun}for layer in {values}: {x} = layer({x}), and use {x} in the "
        f"place of {name}({argument}). Or make it nn.Sequential(*layers), which is called.",
        place=frame.place,
    )


_NAMED = re.compile(r"^'(\w+)' object has no attribute '(\w+)'")


def read_missing(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The attribute that a module does not have: a local variable, a near name, or never made."""
    found = _NAMED.search(message)
    module = frames.given("__getattr__").get("self")
    if found is None or not isinstance(module, nn.Module):
        return None
    code = own_class(type(module))
    if code is None:
        if found[2] not in ("weight", "bias"):
            return None
        return _without_weights(frames, told, module, found[1], found[2])
    (kind, file), name = code, found[2]
    local = [
        node.lineno  # type: ignore[attr-defined]
        for method in kind.body
        if isinstance(method, ast.FunctionDef) and method.name == "__init__"
        for node in source.assigned(method, name)
    ]
    if local:
        return replace(
            told,
            meaning=f"{name} is a local variable of {kind.name}.__init__, which is gone when that "
            "ends: self is missing.",
            cure=f"Write self.{name} = there.",
            place=f"{file_name(file)}, line {local[0]}",
        )
    own = [one for one in (*vars(module), *dict(module.named_children())) if one[0] != "_"]
    own += [one for one in vars(type(module)) if one[0] != "_"]
    own += [one for one, _ in module.named_parameters(recurse=False)]
    near = difflib.get_close_matches(name, set(own) - {"training"}, 1, 0.7)
    if near:
        return replace(
            told,
            meaning=f"{kind.name} has no attribute {name}, and one that is called {near[0]}.",
            cure=f"Write {near[0]} in the place of {name}, or make both alike.",
            place=frames.last.place,
            sure=False,
        )
    parts = ", ".join(name for name, _ in module.named_children())
    return replace(
        told,
        meaning=f"{kind.name} makes nothing that is called {name}. Its parts are {parts}."
        if parts
        else f"{kind.name} makes nothing that is called {name}.",
        cure=f"Make it in __init__ of {kind.name}, self.{name} = ..., behind super().__init__(), "
        "or take it out of this line.",
        place=frames.last.place,
    )


def _without_weights(
    frames: Frames, told: Explained, module: nn.Module, kind: str, name: str
) -> Explained:
    """A part of torch's own that has no weight, such as an activation or a Sequential."""
    asked = next(
        (
            ast.unparse(node.value)
            for node in failing.on_line(frames.last)
            if isinstance(node, ast.Attribute) and node.attr == name
        ),
        "m",
    )
    first = f"Ask first: if isinstance({asked}, nn.Linear | nn.Conv2d)."
    parts = [path for path, one in module.named_modules() if name in one._parameters]
    if parts:
        part = with_numbers(asked, parts[0])
        return replace(
            told,
            meaning=f"{asked} is a {kind}, which has no {name} of its own: {part} has one.",
            cure=f"Ask the part that you mean: {part}.{name}. In a loop over all modules: {first}",
            place=frames.last.place,
        )
    return replace(
        told,
        meaning=f"{asked} is a {kind}, which has no {name}. modules() and apply() go through every "
        "part of a model, those without weights too.",
        cure=first,
        place=frames.last.place,
    )
