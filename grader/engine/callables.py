"""What was handed to check: whether the exercise can call it, and whether it was written at all."""

from __future__ import annotations

import dis
import inspect
from collections.abc import Sequence
from types import FunctionType
from typing import Any

from grader.engine.task import Task
from grader.engine.text import type_name


def cannot_call(task: Task, functions: Sequence[Any]) -> tuple[str, dict[str, object]] | None:
    """Why the answer cannot be called at all, as a message code with its values."""
    names = task.functions
    call = ", ".join((f'"{task.id}"', *names))
    if len(functions) != len(names):
        return "CHECK.missing", {"functions": " and ".join(names), "call": call}
    for name, wanted, function in zip(names, task.arguments, functions, strict=True):
        if not callable(function):
            kind = type_name(type(function))
            return "CHECK.not_callable", {"function": name, "type": kind, "call": call}
        signature = _signature(function)
        if signature is not None and not _binds(signature, wanted):
            return "CHECK.arguments", {
                "function": name,
                "wanted": f"({', '.join(wanted)})",
                "received": _written(signature),
            }
    return None


def takes(function: Any, wanted: Sequence[str]) -> bool:
    """Whether a function can be called with these arguments, so far as its signature tells."""
    if _is_plain(function) and function.__code__.co_argcount == len(wanted):
        return True
    signature = _signature(function)
    return signature is None or _binds(signature, wanted)


def _is_plain(function: Any) -> bool:
    """Whether a function's code says what it takes: nothing by name alone, and no decorator's word
    for it. Making a signature takes a hundred times as long."""
    if type(function) is not FunctionType or vars(function):
        return False
    return not function.__code__.co_kwonlyargcount


def _binds(signature: inspect.Signature, wanted: Sequence[str]) -> bool:
    try:
        signature.bind(*wanted)
    except TypeError:
        return False
    return True


def _signature(function: Any) -> inspect.Signature | None:
    """None for what is built in C, or made to deceive: only the call itself can tell."""
    try:
        return inspect.signature(function)
    except Exception:
        return None


def _written(signature: inspect.Signature) -> str:
    """A signature without its defaults and annotations, which are the learner's own objects."""
    empty = inspect.Parameter.empty
    return str(
        inspect.Signature(
            [p.replace(default=empty, annotation=empty) for p in signature.parameters.values()]
        )
    )


def is_stub(function: Any) -> bool:
    """Whether a function does nothing: its body is `pass`, `...`, or a docstring alone."""
    if not inspect.isfunction(function):
        return False
    steps = list(dis.get_instructions(function))
    names = {step.opname for step in steps}
    constants = [step.argval for step in steps if step.opname in ("LOAD_CONST", "RETURN_CONST")]
    nothing = {"RESUME", "RETURN_CONST", "LOAD_CONST", "RETURN_VALUE", "NOP"}
    return names <= nothing and all(constant is None for constant in constants)
