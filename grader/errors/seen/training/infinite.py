"""Gradients that are not finite: whose, and which operations of the loss are steep at 0."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.again import graph
from grader.errors.seen.in_place import buffers
from grader.errors.seen.reading.frames import Frames, file_name

_STEEP = {
    "SqrtBackward0": ("sqrt", "(x + 1e-12).sqrt()"),
    "AcosBackward0": ("acos", "x.clamp(-1 + 1e-6, 1 - 1e-6).acos()"),
    "AsinBackward0": ("asin", "x.clamp(-1 + 1e-6, 1 - 1e-6).asin()"),
}
"""Nodes with an infinite slope where their result is finite: the call, and a safe form."""
_BROKEN = {
    "LogBackward0": ("log", "(x + 1e-12).log()"),
    "RsqrtBackward0": ("rsqrt", "(x + 1e-12).rsqrt()"),
    "ReciprocalBackward0": ("reciprocal", "(x + 1e-12).reciprocal()"),
}
"""Nodes whose result is infinite there too, so that a finite loss has it taken out."""
_TAKES_OUT = ("WhereBackward", "MaskedFill", "MaskedSelect", "IndexBackward")
_END = {"acos": "1 or -1", "asin": "1 or -1"}


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The parameters with nan or inf, and the steep operations in front of a finite loss."""
    bad = [
        (f"{name}.{path}", "nan" if bool(one.grad.isnan().any()) else "inf")
        for name, model in frames.modules()
        for path, one in model.named_parameters()
        if one.grad is not None and one.grad.layout == torch.strided and not _is_finite(one.grad)
    ]
    losses = [(name, one) for name, one in frames.tensors() if _is_loss(one)]
    if not bad or not losses:
        return None
    name, loss = losses[0]
    if not _is_finite(loss):
        return replace(
            told,
            meaning=f"{name} is {loss.item():g} already, and so are the gradients that it gives, "
            f"such as that of {bad[0][0]}.",
            cure=f"Look at what {name} is made of, line by line, with torch.isfinite(...).all().",
        )
    names = list(dict.fromkeys(_names(loss)))
    taken = any(one.startswith(_TAKES_OUT) for one in names)
    known = _STEEP | _BROKEN if taken else _STEEP
    steep = [key for key in names if key in known]
    places = {key: sorted(set(_lines(frames, known[key][0]))) for key in steep}
    if not steep:
        return None
    said = f"{name} is finite, and the gradient of {bad[0][0]} holds {bad[0][1]}."
    if len(steep) == 1:
        call, safe = known[steep[0]]
        return replace(
            told,
            meaning=f"{said} One operation on the way to {name} has a slope that is infinite where "
            f"it is given {_END.get(call, '0')}: {call}, which one number of many is enough for. "
            "What it gives there need not count: 0 times infinity is nan.",
            cure=f"Keep away from that point: {safe} in the place of x.{call}(). "
            "torch.autograd.set_detect_anomaly(True) shows the line of the forward pass.",
            place=places[steep[0]][0] if len(places[steep[0]]) == 1 else "",
            sure=False,
        )
    listed = " and ".join(
        f"{known[key][0]} ({', '.join(places[key][:2])})" if places[key] else known[key][0]
        for key in steep[:3]
    )
    return replace(
        told,
        meaning=f"{said} These operations on the way to {name} have an infinite slope at the end "
        f"of what they take: {listed}.",
        cure="torch.autograd.set_detect_anomaly(True) shows which. Keep it away from that point: "
        + ", or ".join(f"{known[key][1]} for x.{known[key][0]}()" for key in steep[:2])
        + ".",
        sure=False,
    )


def _is_loss(one: Tensor) -> bool:
    return one.grad_fn is not None and one.numel() == 1 and not one.is_meta


def _is_finite(values: Tensor) -> bool:
    return bool(torch.isfinite(values.detach()).all())


def _names(loss: Tensor) -> Iterator[str]:
    """What the nodes of a loss are called; a power counts as a root where it is one."""
    for node in graph.nodes(loss.grad_fn):
        power: Any = getattr(node, "_saved_exponent", None)
        is_root = isinstance(power, float | int) and 0 < power < 1
        yield "SqrtBackward0" if node.name() == "PowBackward0" and is_root else node.name()


def _lines(frames: Frames, call: str) -> Iterator[str]:
    """The lines of the reader's own code that make such a call."""
    for tree, file, first in buffers.code_of(frames):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name == call or (call == "sqrt" and _is_root(node)):
                    yield f"{file_name(file)}, line {first + node.lineno - 1}"
            elif isinstance(node, ast.BinOp) and call == "sqrt" and _is_half(node):
                yield f"{file_name(file)}, line {first + node.lineno - 1}"


def _is_root(node: ast.Call) -> bool:
    exponent = node.args[-1] if node.args else None
    is_pow = getattr(node.func, "attr", "") == "pow"
    return is_pow and isinstance(exponent, ast.Constant) and _is_below_1(exponent.value)


def _is_half(node: ast.BinOp) -> bool:
    exponent = node.right
    power = isinstance(node.op, ast.Pow) and isinstance(exponent, ast.Constant)
    return power and _is_below_1(getattr(exponent, "value", None))


def _is_below_1(value: object) -> bool:
    return isinstance(value, float) and 0 < value < 1
