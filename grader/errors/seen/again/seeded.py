"""Two passes of one step that are each given a gradient to start from: one pass from both."""

from __future__ import annotations

import ast
import re
from dataclasses import replace

from grader.errors.explanation import Explained
from grader.errors.seen.again import starts
from grader.errors.seen.reading import failing
from grader.errors.seen.reading.frames import Frames

_ADDED = re.compile(
    r"(?P<add>[Aa]dd) (?:the losses|them)(?: and call backward once:|,) \(a \+ b\)\.backward\(\)"
)
_ONE_CALL = "torch.autograd.backward([a, b], [v, w])"


def fitting(frames: Frames, told: Explained) -> Explained:
    """A cure that says to add losses, as it is for results that are no losses.

    What is started from v is no number: results of several shapes cannot be added.
    """
    frame = frames.last
    here = next((one for one in failing.calls(frame, "backward") if _seed(one)), None)
    if here is None or not _ADDED.search(told.cure):
        return told
    scope = starts.around(frame)
    passes = [
        node
        for node in (ast.walk(scope) if scope is not None else ())
        if isinstance(node, ast.Call)
        and failing.name_of(node) == "backward"
        and node.lineno < here.lineno
    ]
    before = max(passes, key=lambda node: node.lineno, default=None)
    text = f"{_ONE_CALL}, where v and w are what each is given"
    if before is not None and _seed(before) and _seed(here):
        results = [ast.unparse(one.func.value) for one in (before, here)]  # type: ignore[attr-defined]
        seeds = [_seed(one) for one in (before, here)]
        text = f"torch.autograd.backward([{', '.join(results)}], [{', '.join(seeds)}])"
    return replace(told, cure=_ADDED.sub(lambda one: _begun(one["add"]) + text, told.cure))


def _begun(add: str) -> str:
    return f"{'G' if add[0] == 'A' else 'g'}o back from both at once: "


def _seed(call: ast.Call) -> str:
    """What a call of backward is given to start from, as it is written."""
    given = failing.passed(call, 0, "gradient") if isinstance(call.func, ast.Attribute) else None
    return ast.unparse(given) if given is not None else ""
