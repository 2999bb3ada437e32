"""A gradient whose graph a custom Function's backward cut, where it is differentiated again."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.sections import Section
from grader.errors.seen.again import graph
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frame, Frames, file_name
from grader.errors.seen.reading.lookup import looked_up

_CUTS = ("detach", "item", "numpy", "tolist", "no_grad")


def read(frames: Frames, told: Explained, frame: Frame, call: ast.Call) -> Explained | None:
    """The Functions that a recorded gradient went through, and the lines of theirs that cut.

    None if it went through none: then its slope is constant.
    """
    whole = next((one for one in _started(call, frame)), None)
    nodes = graph.nodes(whole.grad_fn) if whole is not None and whole.grad_fn is not None else []
    kinds = {
        getattr(type(one), "_forward_cls", type(None)).__name__
        for one in nodes
        if isinstance(one, torch.autograd.function.BackwardCFunction)
    }
    if not kinds:
        return None
    found = [one for kind in sorted(kinds) for one in sorted(_cuts(frames, kind))]
    names = " and ".join(f"{kind}.backward" for kind in sorted(kinds))
    if not found:
        return replace(
            told,
            meaning="The gradient you differentiate has no graph. It went through "
            f"{names}: that computed it without recording, or its slope is constant.",
            cure="Compute it there by recorded operations of ctx.saved_tensors and the incoming "
            "gradient. If the slope is meant to be constant, its derivative is 0.",
            place=frame.place,
            section=Section("08-functions", "Second derivatives"),
            sure=False,
        )
    every = "; ".join(f"{one[1]}: {one[2]}" for one in found[:3])
    recorded = (
        " Where backward computes the forward again and differentiates that, do it from the saved "
        "tensors themselves, under torch.enable_grad(), and pass create_graph=True to that "
        "torch.autograd.grad."
    )
    return replace(
        told,
        meaning=f"The gradient you differentiate has no graph: {names} computed it, and cut it "
        f"there ({every}).",
        cure="Compute it by recorded operations of ctx.saved_tensors and the incoming gradient, "
        f"without what cuts.{recorded if any(one[3] for one in found) else ''}",
        place=found[0][1],
        section=Section("08-functions", "Second derivatives"),
        sure=len(kinds) == 1,
    )


def _started(call: ast.Call, frame: Frame) -> Iterator[Tensor]:
    """The tensors that a call of grad differentiates."""
    outputs = [one.value for one in call.keywords if one.arg == "outputs"]
    for given in (*call.args[:1], *outputs):
        for one in ast.walk(given):
            value = looked_up(one, frame)
            if isinstance(value, Tensor) and value.grad_fn is not None:
                yield value


def _cuts(frames: Frames, kind: str) -> Iterator[tuple[int, str, str, bool]]:
    """The lines of a Function's backward that cut: each with its place, why, and if a grad."""
    for tree, file in frames.files():
        for method in source.methods_of(tree, kind, "backward"):
            for node in ast.walk(method):
                line = getattr(node, "lineno", 0)
                place = f"{file_name(file)}, line {line}"
                if isinstance(node, ast.Attribute) and node.attr == "data":
                    yield line, place, ".data has no graph", False
                if not isinstance(node, ast.Call):
                    continue
                name = str(getattr(node.func, "attr", getattr(node.func, "id", "")))
                if name in _CUTS:
                    yield line, place, f"{name}()", False
                given = {one.arg for one in node.keywords}
                if name == "grad" and not given & {"create_graph", None}:
                    yield line, place, "grad() without create_graph=True", True
