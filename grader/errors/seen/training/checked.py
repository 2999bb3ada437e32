"""A gradcheck that failed: the dtype of what it was given, and the backward that it compared."""

from __future__ import annotations

import ast
import inspect
from dataclasses import replace

import torch
from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.reading.frames import Frames, file_name, own_function


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """Inputs that are too coarse for finite differences, or the one backward that was checked."""
    given = frames.given("gradcheck") or frames.given("gradgradcheck")
    inputs = given.get("inputs", ())
    every = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    coarse = [one for one in every if isinstance(one, Tensor) and one.dtype == torch.float32]
    if coarse:
        return replace(
            told,
            meaning="gradcheck was given float32, in which finite differences with an eps of "
            f"{given.get('eps', 1e-6)} are noise: this says nothing of your backward yet.",
            cure="Check in float64: the inputs, torch.randn(3, dtype=torch.float64, "
            "requires_grad=True), and a module too, module.double().",
            place=frames.last.place,
        )
    kind = getattr(given.get("func"), "__self__", None)
    backward = inspect.getattr_static(kind, "backward", None) if isinstance(kind, type) else None
    function = getattr(backward, "__func__", backward)
    if (code := own_function(function)) is None:
        return None
    tree, file, first = code
    returns = [node for node in ast.walk(tree) if isinstance(node, ast.Return)]
    if len(returns) != 1 or returns[0].value is None or not isinstance(kind, type):
        return None
    return replace(
        told,
        meaning=f"{kind.__name__}.backward returns {ast.unparse(returns[0].value)}, and finite "
        "differences of its forward give another slope. The text has both: numerical is what "
        "forward does, analytical what backward says.",
        cure="Derive the slope of forward on paper and write that. An entry that is twice too "
        "large, or of the wrong sign, tells which step is missing. "
        "At a kink, as that of ReLU at 0, they differ and nothing is wrong: take other points.",
        place=f"{file_name(file)}, line {first + returns[0].lineno - 1}",
    )
