"""A cell of an RNN that is given another number of features: what they are made of."""

from __future__ import annotations

import ast

from torch import nn

from grader.errors.explanation import Explained
from grader.errors.seen.modules.fed import Fed, remade
from grader.errors.seen.modules.made import spelled
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up
from grader.errors.seen.reading.sized import shape_of

_SHOWN = 4
"""How many parts of a joined input are told."""


def read(frames: Frames, told: Explained, one: Fed) -> Explained | None:
    """The cell's call, the number of features that it was made for, and that which arrives."""
    assert isinstance(one.layer, nn.RNNCellBase)
    features, shape = one.layer.input_size, one.shape
    if not shape or shape[-1] == features:
        return None
    frame, given = frames.last, "an input"
    parts = ""
    for call in failing.calls(frame, *_called(frames, one.layer)):
        if call.args and looked_up(call.func, frame) is one.layer:
            given = ast.unparse(call.args[0])
            parts = _joined(frame, call.args[0])
    said = (
        f"{spelled(frames, one.layer)} is given {given} of the shape {shape}, (batch, features), "
        f"and was made for {features} features{parts and f'. {given} joins {parts}'}."
    )
    return remade(frames, told, one.layer, said, (0, "input_size", shape[-1]))


def _called(frames: Frames, layer: nn.Module) -> tuple[str, ...]:
    """The name that a call of the layer has: `cell` of `self.cell`."""
    return (spelled(frames, layer).rpartition(".")[2],)


def _joined(frame: Frame, given: ast.expr) -> str:
    """The parts that a joined input is made of, with the features of each."""
    tree = frame.source
    made = source.assigned(tree, ast.unparse(given)) if tree is not None else []
    before = [one for one in made if one.lineno < frame.line]  # type: ignore[attr-defined]
    value = source.value_of(before[-1], ast.unparse(given)) if before else given
    if not isinstance(value, ast.Call) or failing.name_of(value) not in ("cat", "hstack", "concat"):
        return ""
    listed = value.args[0] if value.args else None
    if not isinstance(listed, ast.List | ast.Tuple) or len(listed.elts) > _SHOWN:
        return ""
    sizes = [shape_of(one, frame) for one in listed.elts]
    if not all(sizes):
        return ""
    told = [
        f"{size[-1]} of {ast.unparse(one)}"
        for one, size in zip(listed.elts, sizes, strict=True)
        if size
    ]
    return " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)
