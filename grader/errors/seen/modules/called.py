"""A forward that was called with another number of arguments than it takes."""

from __future__ import annotations

import ast
from dataclasses import replace

from torch import nn

from grader.errors.explanation import Explained
from grader.errors.seen.modules.made import spelled
from grader.errors.seen.reading import failing
from grader.errors.seen.reading.frames import Frames, file_name, own_class
from grader.errors.seen.reading.lookup import looked_up


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """What the forward asks for beside what the call gave."""
    names = frames.given("_call_impl")
    module, given, words = names.get("self"), names.get("args"), names.get("kwargs")
    if not isinstance(module, nn.Module) or not isinstance(given, tuple) or words:
        return None
    call = next(
        (
            node
            for node in failing.on_line(frames.last)
            if isinstance(node, ast.Call) and looked_up(node.func, frames.last) is module
        ),
        None,
    )
    if isinstance(module, nn.Sequential):
        return _sequential(frames, told, module, call)
    code = own_class(type(module))
    forward = _forward(code[0]) if code is not None else None
    if code is None or forward is None:
        return None
    arguments = [one.arg for one in forward.args.args[1:]]
    wanted = arguments[: len(arguments) - len(forward.args.defaults)]
    kind, place = code[0].name, f"{file_name(code[1])}, line {forward.lineno}"
    said = (
        f"forward of {kind} takes {', '.join(arguments) or 'nothing'} behind self, and the call "
        f"gives {len(given)}."
    )
    if call is None:
        inside = next(
            (one["self"] for _, one in frames.within if isinstance(one.get("self"), nn.Sequential)),
            None,
        )
        if inside is None:
            return None
        return replace(
            told,
            meaning=f"{said} {spelled(frames, inside)} is a Sequential, which gives each part one.",
            cure="Call the parts yourself, in a loop in forward, and give this one all that it "
            f"takes: layer({', '.join(wanted)}).",
            place=place,
        )
    one = given[0] if len(given) == 1 else None
    if isinstance(one, tuple | list) and len(one) == len(wanted):
        text = ast.unparse(call.args[0])
        return replace(
            told,
            meaning=f"{said} {text} is a {type(one).__name__} of {len(one)}, which counts as one.",
            cure=f"A star hands them over one by one: {ast.unparse(call.func)}(*{text}).",
            place=frames.last.place,
        )
    lacking = wanted[len(given) :]
    if lacking:
        return replace(
            told,
            meaning=f"{said} {', '.join(lacking)} is missing.",
            cure=f"Give it in the call, {ast.unparse(call.func)}({', '.join(wanted)}); or, if it "
            f"may be left out, write {lacking[0]}=None in def forward.",
            place=frames.last.place,
        )
    return replace(
        told,
        meaning=said,
        cure=f"Take the rest out of the call, or name it in def forward of {kind}.",
        place=place,
    )


def _forward(kind: ast.ClassDef) -> ast.FunctionDef | None:
    found = [one for one in kind.body if isinstance(one, ast.FunctionDef) and one.name == "forward"]
    return found[0] if found else None


def _sequential(
    frames: Frames, told: Explained, module: nn.Sequential, call: ast.Call | None
) -> Explained | None:
    """Several arguments for a Sequential: which of its parts take them."""
    if call is None or len(call.args) < 2:
        return None
    several = set()
    for part in module:
        code = own_class(type(part))
        forward = _forward(code[0]) if code is not None else None
        if forward is not None and len(forward.args.args) - 1 == len(call.args):
            several.add(type(part).__name__)
    if len(several) != 1:
        return None
    (kind,) = several
    first, *rest = (ast.unparse(one) for one in call.args)
    name, others = ast.unparse(call.func), ", ".join(rest)
    return replace(
        told,
        meaning=f"{name} is a Sequential: it takes one value and hands it from part to part. "
        f"{others} has no place in it, and each {kind} in it wants that too.",
        cure=f"Call its parts yourself: for layer in {name}: {first} = layer({first}, {others}) if "
        f"isinstance(layer, {kind}) else layer({first}).",
        place=frames.last.place,
    )
