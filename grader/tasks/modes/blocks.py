"""Exercises on the modes themselves: asking for them, and switching recording off for a part."""

import contextlib
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from grader.engine.lived import with_grad
from grader.engine.observation import flags, gradient, named
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.modes.nets import Interrupted, Unwell

MODES: dict[str, tuple[Callable[[], Any], ...]] = {
    "recording": (torch.enable_grad,),
    "no_grad": (torch.no_grad,),
    "inference mode": (torch.inference_mode,),
    "enable_grad in inference mode": (torch.inference_mode, torch.enable_grad),
}
RESULTS = ("grad_enabled", "inference", "requires_grad")


class ModeProbe(Task):
    """Call fn() once and return three truth values: whether the switch for recording is on where
    probe was called, which enable_grad turns on inside inference mode too; whether inference mode
    is on there; and whether the result of fn() requires grad. Leave both modes as you found them,
    also if fn switches recording off or on, or raises. Its exception passes through."""

    id = "mode_probe"
    signatures = ("probe(fn) -> (grad_enabled, inference, requires_grad)",)
    title, points, difficulty, minutes = "Which mode am I in?", 6, 2, 8
    hints = (
        "Read section 4.2, on the three modes. torch has a function that answers each of the first "
        "two questions.",
        "fn may switch recording itself. When do you have to ask, and what must be undone "
        "afterwards?",
        "torch.set_grad_enabled(flag) is a context manager: whatever happens inside its block, it "
        "puts recording back where it ends.",
    )
    CASES = (
        case("with recording and without", modes=("recording", "no_grad"), visible=True),
        case(
            "inference mode",
            modes=("inference mode", "enable_grad in inference mode"),
            visible=True,
        ),
        case(
            "fn returns a constant",
            modes=("recording", "no_grad", "inference mode"),
            what="constant",
        ),
        case(
            "fn switches recording", modes=("recording", "no_grad"), what="switches", visible=True
        ),
        case(
            "fn switches recording and raises",
            modes=("recording", "no_grad"),
            what="raises",
            visible=True,
        ),
        case(
            "fn switches recording and is interrupted",
            modes=("recording", "no_grad"),
            what="is interrupted",
        ),
        case("fn returns a leaf", modes=("recording", "no_grad"), what="leaf"),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {"x": rng.apart(0.5, 2.0, 3)}

    def observe(self, probe, x, modes, what=""):
        observed: dict[str, Any] = {}
        for mode in modes:
            called = _Called(x.clone().requires_grad_(what != "constant"), what)
            with contextlib.ExitStack() as blocks:
                for block in MODES[mode]:
                    blocks.enter_context(block())
                try:
                    observed[mode] = named(probe(called), *RESULTS)
                except (Unwell, Interrupted):
                    observed[mode] = "the error of fn"
                observed[f"{mode}, afterwards"] = _modes()
            observed[f"{mode}, calls of fn"] = called.count
        return observed


def _modes() -> str:
    recording = "on" if torch.is_grad_enabled() else "off"
    return f"recording {recording}, inference mode {torch.is_inference_mode_enabled()}"


class _Called:
    """A function to probe, which counts its calls."""

    def __init__(self, x: Tensor, what: str) -> None:
        self.x, self.what, self.count = x, what, 0

    def __call__(self) -> Tensor:
        self.count += 1
        if self.what in ("switches", "raises", "is interrupted"):
            torch.set_grad_enabled(not torch.is_grad_enabled())
        if self.what in ("raises", "is interrupted"):
            raise (Unwell if self.what == "raises" else Interrupted)("fn is meant to fail here")
        return self.x if self.what in ("constant", "leaf") else self.x * 2


class PartialNoGrad(Task):
    """x has shape (N, d). Return x with each row divided by its length plus eps, where the length
    is the square root of the sum of squares of the row. For autograd the length is a constant: the
    gradient that reaches x is the one that arrives, divided by length + eps. A row may be all
    zeros. Leave x as it is."""

    id = "partial_no_grad"
    signatures = ("detached_norm(x, eps) -> y",)
    title, points, difficulty, minutes = "Spot the bug: too much in the block", 8, 2, 8
    hints = (
        "Read section 4.3, on constants. What belongs inside the block: what autograd should take "
        "for a constant, or everything?",
        "Print y.requires_grad, and the requires_grad of the lengths. Which of them should be "
        "True?",
        "Compute only the lengths inside the block, one for each row, in shape (N, 1). Divide "
        "outside of it.",
    )
    CASES = (
        case("7 rows", rows=7, visible=True),
        case("one row", rows=1),
        case("rows of zeros among them", rows=7, zeros=(1, 4), visible=True),
        case("a transposed x", rows=5, transposed=True),
        case("7 rows in float32", rows=7, dtype=F32),
        case("a leaf with an old .grad", rows=7, leaf=True),
        case("x does not require grad", rows=7, wanted=False),
        case("as many rows as columns", rows=3),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        rows = case["rows"]
        x = rng.apart(0.3, 1.0, rows, 3)
        for row in case.params.get("zeros", ()):
            x[row] = 0
        return {
            "x": x.T if case.params.get("transposed") else x,
            "v": rng.apart(1.0, 2.0, rows, 3),
            "eps": float(rng.uniform(0.2, 0.4)),
        }

    def observe(self, detached_norm, x, v, eps, transposed=False, leaf=False, wanted=True):
        x = with_grad(x) if leaf else x.requires_grad_(wanted)
        y = detached_norm(x if leaf else x.T if transposed else x.clone(), eps)
        return {"y": y, **flags("y", y, "requires_grad"), "grad": _to(x, y, v, transposed)}


def _to(x: Tensor, y: Any, v: Tensor, transposed: bool) -> Tensor | None:
    """The gradient of x in the shape the answer was given it."""
    grad = gradient(y, x, v)
    return grad.T if transposed and grad is not None else grad
