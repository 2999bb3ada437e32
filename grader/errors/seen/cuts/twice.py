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
    a, b = _given(call, "a", "b")
    if (p := _power(call, 2)) is not None:
        return f"Write it out: ({a}[:, None] - {b}){_norm(p)}."
    return (
        f"Compute it by a product of matrices, which has one: torch.cdist({a}, {b}, {_MM}). More "
        "than 25 rows are computed so by themselves."
    )


def _pdist(call: ast.Call | None) -> str:
    (x,) = _given(call, "x")
    if (p := _power(call, 1)) is not None:
        return (
            f"Write it out: i, j = torch.triu_indices(len({x}), len({x}), 1), and "
            f"({x}[i] - {x}[j]){_norm(p)}."
        )
    return (
        f"Compute all distances by a product of matrices, d = torch.cdist({x}, {x}, {_MM}), and "
        "take each pair once: d[torch.ones_like(d).triu(1).bool()]."
    )


def _given(call: ast.Call | None, *names: str) -> list[str]:
    """The tensors of a call as they can stand in a formula, or names for them."""
    args = call.args[: len(names)] if call is not None else []
    return [source.in_brackets(one) for one in args] if len(args) == len(names) else list(names)


def _power(call: ast.Call | None, place: int) -> str | None:
    """The p of a distance, by name or by its place, if it is another one than 2."""
    given = call.args[place : place + 1] if call is not None else []
    given += [one.value for one in call.keywords if one.arg == "p"] if call is not None else []
    if not given or ast.unparse(given[0]) in ("2", "2.0"):
        return None
    number = isinstance(given[0], ast.Constant)
    return ast.unparse(given[0]) if number else source.in_brackets(given[0])


def _norm(p: str) -> str:
    return f".abs().pow({p}).sum(-1).pow(1 / {p})"


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
