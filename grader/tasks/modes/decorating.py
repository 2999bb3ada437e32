"""The exercise that writes a decorator: recording off for the length of a call."""

import contextlib
import functools
from typing import Any

import torch
from torch import Tensor

from grader.engine.observation import flags
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.modes.nets import Interrupted, Unwell


class DecoratedInfer(Task):
    """Write a decorator: no_graph(fn) returns a function of the same name that takes the arguments
    of fn, runs fn without recording, and returns what it returns. Afterwards recording is as it was
    before the call, also if fn raises or is interrupted; its exception passes through. fn may use
    enable_grad for a part of its own. What it returns must be usable in recorded computations
    later."""

    id = "decorated_infer"
    signatures = ("no_graph(fn) -> function",)
    title, points, difficulty, minutes = "Spot the bug: off, and never on again", 6, 3, 10
    prerequisites = ("mode_probe",)
    hints = (
        "Read section 4.2, on whole functions. Which lines of a function run after its `return`, "
        "and which after an exception?",
        "Call the decorated function with something that makes fn raise, and look at "
        "torch.is_grad_enabled() afterwards. Then call it inside a no_grad block.",
        "A `with` block ends by itself, whatever happens inside. Put the call of fn into one, in a "
        "wrapper that has functools.wraps(fn) above it.",
    )
    CASES = (
        case("an ordinary call", what="returns", visible=True),
        case("a call inside no_grad", what="returns", recording=False),
        case("fn raises", what="raises"),
        case("fn records a part", what="records"),
        case("float32", what="returns", dtype=F32),
        case("fn uses a weight", what="weighs"),
        case("fn calls itself", what="recurses"),
        case("fn takes two tensors", what="takes two"),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {"x": rng.apart(0.5, 2.0, 3), "scale": float(rng.uniform(2.0, 3.0))}

    def observe(self, no_graph, x, scale, what, recording=True):
        inside: list[str] = []
        kept: list[Tensor] = []
        raised: list[type[BaseException]] = []
        weight = x.clone().requires_grad_()

        def scaled(t, *, by):
            inside.append("on" if torch.is_grad_enabled() else "off")
            if what == "raises":
                raised.append(Interrupted if raised else Unwell)
                raise raised[-1]("fn is meant to fail here")
            if what == "weighs":
                kept.append(weight * t)
                return kept[0] * by
            if what == "recurses" and len(inside) == 1:
                return decorated(t, by=by)
            if what == "records":
                with torch.enable_grad():
                    return t * by
            return t * by

        def summed(t, u, by=1.0):
            inside.append("on" if torch.is_grad_enabled() else "off")
            return t * by + u

        fn, given = (summed, (x, x.detach() + 1)) if what == "takes two" else (scaled, (x,))
        returned: list[Tensor] = []

        @functools.wraps(fn)
        def noted(*args, **kwargs):
            returned.append(fn(*args, **kwargs))
            return returned[-1]

        x.requires_grad_()
        ended, result = "it returned", None
        with torch.set_grad_enabled(True):
            decorated = no_graph(noted)
            left_on = torch.is_grad_enabled()
        with torch.set_grad_enabled(recording):
            try:
                result = decorated(*given, by=scale)
            except Unwell:
                ended = "the error of fn came out"
            after = "on" if torch.is_grad_enabled() else "off"
            itself = result is None or any(result is one for one in returned)
            once_more = {}
            if kept:
                once_more["result of a second call"] = decorated(x, by=scale + 1)
                with torch.no_grad():
                    weight.mul_(2)
                once_more["result of the first call, with twice the weight"] = decorated(
                    x, by=scale
                )
        if what == "raises":
            with torch.set_grad_enabled(recording), contextlib.suppress(Interrupted):
                try:
                    decorated(x, by=scale)
                finally:
                    left = "on" if torch.is_grad_enabled() else "off"
                    once_more = {"recording after an interrupt": left}
        return {
            "result": result,
            **flags("result", result, "requires_grad"),
            "ended": ended,
            "recording while fn ran": inside,
            "recording afterwards": after if left_on else "off, as soon as fn is decorated",
            "keeps its name": getattr(decorated, "__name__", "") == fn.__name__,
            "returned": "what fn returned" if itself else "another object",
            "usable later": what == "raises" or _can_be_saved(result, x),
            **({"recorded with the weight": kept[0].requires_grad} if kept else {}),
            **once_more,
        }


def _can_be_saved(result: Any, x: Tensor) -> bool:
    """Whether a recorded multiplication can save the result."""
    try:
        return isinstance(result * x, Tensor)
    except (RuntimeError, TypeError):
        return False
