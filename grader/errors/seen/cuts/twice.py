"""A second derivative that torch has no formula of: the call, and another that has one."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace

from grader.errors.explanation import Explained
from grader.errors.seen.in_place import buffers
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frames, file_name

_MM = 'compute_mode="use_mm_for_euclid_dist"'


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The one call whose backward was differentiated, and how else it is written."""
    for node, (name, cure_of) in _OTHERS.items():
        if node not in message:
            continue
        found = [
            (call, f"{file_name(file)}, line {first + call.lineno - 1}")
            for tree, file, first in buffers.code_of(frames)
            for call in ast.walk(tree)
            if isinstance(call, ast.Call) and _name(call) == name
            if _MM not in ast.unparse(call).replace("'", '"')
        ]
        places = {place for _, place in found}
        call, place = found[0] if len(places) == 1 else (None, "")
        return replace(
            told,
            meaning=f"A gradient that is differentiated again, as a penalty on a gradient is, went "
            f"through {name}(), and torch has no formula of its second derivative.",
            cure=cure_of(call),
            place=place,
        )
    return None


def _cdist(call: ast.Call | None) -> str:
    given = call.args[:2] if call is not None else []
    a, b = map(source.in_brackets, given) if len(given) == 2 else ("a", "b")
    power = next((one.value for one in call.keywords if one.arg == "p"), None) if call else None
    if power is not None and ast.unparse(power) not in ("2", "2.0"):
        p = ast.unparse(power)
        return f"Write it out: ({a}[:, None] - {b}).abs().pow({p}).sum(-1).pow(1 / {p})."
    return (
        f"Compute it by a product of matrices, which has one: torch.cdist({a}, {b}, {_MM}). More "
        "than 25 rows are computed so by themselves."
    )


def _pdist(call: ast.Call | None) -> str:
    x = ast.unparse(call.args[0]) if call is not None and call.args else "x"
    return (
        f"Compute all distances by a product of matrices, d = torch.cdist({x}, {x}, {_MM}), and "
        "take each pair once: d[torch.ones_like(d).triu(1).bool()]."
    )


def _attention(call: ast.Call | None) -> str:
    return (
        "Compute the first gradient's forward pass inside of `with sdpa_kernel(SDPBackend.MATH):`, "
        "both names from torch.nn.attention: that way has one."
    )


_OTHERS: dict[str, tuple[str, Callable[[ast.Call | None], str]]] = {
    "_cdist_backward": ("cdist", _cdist),
    "_pdist_backward": ("pdist", _pdist),
    "_scaled_dot_product": ("scaled_dot_product_attention", _attention),
}
"""By the name in the message: the function, and its cure."""


def _name(call: ast.Call) -> str:
    return str(getattr(call.func, "attr", getattr(call.func, "id", "")))
