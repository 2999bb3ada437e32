"""A custom Function written in the old way, as an object with methods: which, and what to write."""

from __future__ import annotations

import ast
from dataclasses import replace

import torch

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frames, file_name, own_class
from grader.errors.seen.reading.lookup import looked_up


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The class whose object the failing line calls, with its methods as static ones."""
    frame = frames.last
    for call in failing.on_line(frame):
        if not isinstance(call, ast.Call):
            continue
        made = call.func.func if isinstance(call.func, ast.Call) else None
        one = looked_up(call.func, frame)
        kind = looked_up(made, frame) if made is not None else type(one)
        if not isinstance(kind, type) or not issubclass(kind, torch.autograd.Function):
            continue
        if (found := own_class(kind)) is None:
            continue
        tree, file = found
        methods = {each.name: each for each in tree.body if isinstance(each, ast.FunctionDef)}
        forward, backward = methods.get("forward"), methods.get("backward")
        if forward is None or backward is None:
            return None
        own = {key: repr(value) for key, value in getattr(one, "__dict__", {}).items()}
        if isinstance(call.func, ast.Call):
            own = _given(methods.get("__init__"), call.func)
        return _told(told, tree, call, (forward, backward), own, file)
    return None


def _told(
    told: Explained,
    tree: ast.ClassDef,
    call: ast.Call,
    methods: tuple[ast.FunctionDef, ast.FunctionDef],
    own: dict[str, str],
    file: str,
) -> Explained:
    kind, (forward, backward) = tree.name, methods
    others = {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}
    written = {name for method in methods for name in _written(method)}
    saved = {name for name in _written(forward) if name in _read(backward)}
    kept = dict.fromkeys([*_read(forward), *_read(backward)])
    settings = [name for name in kept if name not in written and name not in others]
    heads = [f"{each.name}({_arguments(each, each is forward, settings)})" for each in methods]
    values = [own.get(name, name) for name in settings]
    applied = f"{kind}.apply({', '.join([*map(ast.unparse, call.args), *values])})"
    also = ""
    if settings:
        verb = "becomes an argument" if len(settings) == 1 else "become arguments"
        also = (
            f" {' and '.join(settings)} of self {verb} of forward, which begins with "
            f"{'; '.join(f'ctx.{name} = {name}' for name in settings)}; and backward returns "
            f"{', '.join(['None'] * len(settings))} behind the gradients."
        )
    if saved:
        also += " What forward keeps for backward goes through ctx, a tensor by save_for_backward."
    counts = sorted(written - saved)
    if counts:
        also += f" Leave out self.{', self.'.join(counts)}: no object is left that could keep it."
    return replace(
        told,
        meaning=f"{ast.unparse(call.func)} is an object of {kind}, whose forward and backward are "
        "methods of that object. Torch takes static methods alone, with ctx in the place of self.",
        cure=f"Put @staticmethod above {' and '.join(heads)}, write ctx for self in them, and call "
        f"{applied} in the place of {ast.unparse(call)}.{also}",
        place=f"{file_name(file)}, line {forward.lineno}",
    )


def _given(init: ast.FunctionDef | None, made: ast.Call) -> dict[str, str]:
    """What the call that makes an object gives to its attributes, as it is written there."""
    names = [one.arg for one in init.args.args[1:]] if init is not None else []
    given = dict(zip(names, map(ast.unparse, made.args), strict=False))
    given |= {one.arg: ast.unparse(one.value) for one in made.keywords if one.arg}
    found: dict[str, str] = {}
    for one in ast.walk(init) if init is not None else ():
        for target in one.targets if isinstance(one, ast.Assign) else ():
            for each in target.elts if isinstance(target, ast.Tuple) else [target]:
                value = source.value_of(one, source.spelled(each))
                if isinstance(each, ast.Attribute) and isinstance(value, ast.Name):
                    found |= {each.attr: given[value.id]} if value.id in given else {}
    return found


def _arguments(method: ast.FunctionDef, is_forward: bool, settings: list[str]) -> str:
    names = ["ctx", *[one.arg for one in method.args.args[1:]]]
    return ", ".join([*names, *settings] if is_forward else names)


def _written(method: ast.FunctionDef) -> list[str]:
    """The attributes of self that a method gives values."""
    return [one.attr for one in _of_self(method) if isinstance(one.ctx, ast.Store)]


def _read(method: ast.FunctionDef) -> list[str]:
    """The attributes of self that a method reads, but for torch's own."""
    own = torch.autograd.Function
    found = [one.attr for one in _of_self(method) if isinstance(one.ctx, ast.Load)]
    return [name for name in found if not hasattr(own, name) and name != "saved_tensors"]


def _of_self(method: ast.FunctionDef) -> list[ast.Attribute]:
    first = method.args.args[0].arg if method.args.args else "self"
    return [
        one
        for one in ast.walk(method)
        if isinstance(one, ast.Attribute) and ast.unparse(one.value) == first
    ]
