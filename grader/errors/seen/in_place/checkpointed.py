"""A reentrant checkpoint whose arguments require no grad: it records nothing of its block."""

from __future__ import annotations

import ast
from dataclasses import replace

from grader.errors.explanation import Explained
from grader.errors.index import INDEX
from grader.errors.seen.again import kept
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frames, file_name

_CHECKPOINTS = ("checkpoint", "checkpoint_sequential")


def read(frames: Frames, told: Explained) -> Explained | None:
    """The call of checkpoint that may have cut the way of what is trainable; None without one."""
    trainable = any(
        one.requires_grad for _, module in frames.modules() for one in module.parameters()
    )
    calls = _reentrant(frames)
    if not trainable or not calls:
        return None
    place, argument = calls[0]
    return replace(
        told,
        meaning="checkpoint with use_reentrant=True records nothing where none of the tensors "
        "that it is given requires grad, as behind a frozen embedding or for the data itself. "
        "The trainable parameters inside of its block do not count.",
        cure=f"Pass use_reentrant=False to this checkpoint{_or_input(argument)}.",
        place=place,
        section=INDEX["warned_reentrant"].section,
        sure=_warned(),
    )


def _or_input(argument: str) -> str:
    if not argument.isidentifier():
        return ""
    return (
        f". Where it has to be the reentrant one, call {argument}.requires_grad_() before the first"
    )


def _warned() -> bool:
    """Whether torch has warned of it: Python keeps what it showed in the module that warned."""
    from torch.utils import checkpoint  # the module, and not the function of that name

    shown = getattr(checkpoint, "__warningregistry__", {})
    return any(
        isinstance(key, tuple) and "None of the inputs have requires_grad" in str(key[0])
        for key in shown
    )


def _reentrant(frames: Frames) -> list[tuple[str, str]]:
    """Lines that call a reentrant checkpoint, each with the first argument of its block."""
    found: dict[str, str] = {}
    for tree, file, first in _code(frames):
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in _CHECKPOINTS and _is_reentrant(node):
                place = f"{file_name(file)}, line {first + node.lineno - 1}"
                at = 1 if name == "checkpoint" else 2
                argument = ast.unparse(node.args[at]) if len(node.args) > at else ""
                found.setdefault(place, argument)
    return list(found.items())


def _is_reentrant(node: ast.Call) -> bool:
    """Said to be, or, in torch up to 2.13, not said to be anything."""
    said = [one.value for one in node.keywords if one.arg == "use_reentrant"]
    return not said or (isinstance(said[0], ast.Constant) and said[0].value is True)


def _code(frames: Frames) -> list[tuple[ast.AST, str, int]]:
    """The forward of every part of the models, and what the frames' files know by name."""
    kinds = {type(part): None for _, model in frames.modules() for part in model.modules()}
    forwards = [code for kind in kinds if (code := source.own_code(kind)) is not None]
    return [*forwards, *kept.code_of(frames)]
