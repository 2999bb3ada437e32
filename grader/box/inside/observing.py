"""Replies to the judge inside a box: what does the learner's function do on these inputs?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from grader.engine import state
from grader.engine.callables import takes
from grader.engine.catalogue import PUBLIC_SEED, find, tasks
from grader.engine.task import Case, Task, draw_inputs, place
from grader.engine.watch import observe
from grader.engine.wire import pack, pack_observation, unpack

Reply = tuple[dict[str, Any], bytes]


def warm() -> None:
    """Reply once, so that no box is the first to do what every reply does."""
    task = next(iter(tasks().values()))
    case = next(iter(task.cases()))
    header = {
        "exercise": task.id,
        "functions": list(task.functions),
        "case": case.name,
        "dtype": str(case.dtype).removeprefix("torch."),
    }
    inputs = pack(draw_inputs(task, case, PUBLIC_SEED, "cpu"))
    reply(header, inputs, dict.fromkeys(task.functions, lambda *given: given))


def reply(header: Mapping[str, Any], body: bytes, namespace: Mapping[str, Any]) -> Reply:
    """The reply to one question.

    The header names the exercise, the functions that answer it, and the case's name, dtype and
    device; the body holds the inputs.
    The reply's header says `{"state": "seen"}` with the observation as its body, or why nothing
    could be called: missing, not_callable, arguments; or that it was interrupted.
    """
    task = find(header["exercise"])
    names = header["functions"]
    functions = [namespace.get(name) for name in names]
    for name, wanted, function in zip(names, task.arguments, functions, strict=True):
        why = _cannot_call(function, wanted)
        if why is not None:
            return {"state": why, "function": name}, b""
    case = Case(header["case"], dtype=getattr(torch, header["dtype"]), device=header.get("device"))
    with state.defaults():  # as where a learner checks it: cells may have set others
        watched = _watch(task, functions, body, case)
    if watched is None:
        return {"state": "interrupted"}, b""
    return {"state": "seen"}, watched


def _watch(task: Task, functions: list[Any], body: bytes, case: Case) -> bytes | None:
    inputs = unpack(body, believed=True)
    if case.device not in (None, "cpu", "meta"):
        inputs = place(inputs, case.dtype, case.device)
    watched = observe(task, functions, inputs, case)
    return None if watched.interrupted else pack_observation(watched.observation)


def _cannot_call(function: Any, wanted: tuple[str, ...]) -> str | None:
    if function is None:
        return "missing"
    if not callable(function):
        return "not_callable"
    return None if takes(function, wanted) else "arguments"
