"""Exercises on the outputs that forward hooks are given: replaced, or made into two numbers."""

from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor, nn

from grader.engine.lived import computed, lived
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.hooks.models import (
    Net,
    UsedNet,
    hook_of_others,
    in_use,
    linear,
    passes_on,
    weights,
)


class ScaleForward(Task):
    """From now on, calling module gives s times what it gave before, and gradients flow through the
    factor. What module(...) gives counts, with the hooks that stand on it already: they go on
    getting the output as it was. Where it is a tuple of tensors, every one of them is multiplied,
    and it stays a tuple. Return the handle: after handle.remove() the module is as it was."""

    id = "scale_forward"
    signatures = ("scale_output(module, s) -> handle",)
    title, points, difficulty, minutes = "A louder layer", 6, 2, 8
    hints = (
        "Read section 5.4, on forward hooks: when are they called, with what, and what becomes of "
        "what they return?",
        "Print type(output) in a hook of a module whose forward ends in `return a, b`.",
        "Return a new output from the hook: the product, or a tuple of products. Do not multiply "
        "in place, for the layer may need its output in the backward pass.",
    )
    allows = frozenset({"hooks"})
    CASES = (
        case("7 rows", rows=7, visible=True),
        case("one row, s below 0", rows=1, sign=-1),
        case("a tuple of three tensors", rows=7, several=True, visible=True),
        case("float32", rows=5, dtype=F32),
        case("a module in use, called twice", rows=7, used=True),
        case("another hook stands on it already", rows=7, hooked=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {
            "x": rng.apart(0.3, 1.0, case["rows"], 3),
            "weight": rng.apart(0.3, 0.9, 5, 3),
            "gy": rng.apart(0.5, 1.0, case["rows"], 5),
            "s": case.params.get("sign", 1) * float(rng.uniform(1.6, 1.9)),
        }

    def observe(self, scale_output, x, weight, gy, s, several=False, used=False, hooked=False):
        module: nn.Module = _Layer(weight, several)
        if used:
            module = lived(nn.Sequential(module, nn.Tanh()), "grad", "frozen", "mode")
        if hooked:
            module.register_forward_hook(lambda module, args, output: output + 1)
            module.eval()  # what is registered holds in both modes
        x.requires_grad_()
        before = _held(module)
        handle = scale_output(module, s)
        if used:
            scale_output(_Layer(weight, several), 2 * s)  # which is nothing to this module
            module(x)
        y = module(x)
        outputs = y if isinstance(y, tuple | list) else (y,)
        traced = [t for t in outputs if isinstance(t, Tensor) and t.requires_grad]
        starts = [gy if t.shape == gy.shape else torch.ones_like(t) for t in traced]
        dx = torch.autograd.grad(traced, x, starts)[0] if traced else None
        found = {"module(x)": y, "module(x) is a tuple": isinstance(y, tuple), "dx": dx}
        if used:
            with torch.no_grad():
                found["module(x) while nothing is recorded"] = module(x)
        if hasattr(handle, "remove") and not isinstance(handle, Collection):
            handle.remove()
            found |= {"handle": "can be removed", "module(x) after remove()": module(x)}
            if hooked:
                new = _held(module) - before
                found["an attribute forward on the module"] = "forward" in new
                found["another attribute stays on the module"] = bool(new - {"forward"})
            return found
        return {**found, "handle": handle}


def _held(module: nn.Module) -> set[str]:
    """The names of all that stands on the module itself."""
    return {*vars(module), *module._parameters, *module._buffers, *module._modules}


class _Layer(nn.Module):
    """tanh of a product, of which its gradient needs the output; or that, its sigmoid and its
    sine."""

    def __init__(self, weight: Tensor, several: bool) -> None:
        super().__init__()
        self.weight, self.several = nn.Parameter(weight.clone()), several

    def forward(self, x: Tensor) -> Any:
        """(N, 3) to (N, 5), once or three times."""
        y = (x @ self.weight.T).tanh()
        return (y, y.sigmoid(), y.sin()) if self.several else y


class StatsHook(Task):
    """Run model(x) once, on this very model in the mode it is in, and return a dict: for each
    submodule without submodules of its own, by the name that named_modules() gives it, a list of
    pairs (mean, std) of plain Python numbers, one pair for each of its calls, in order; the list of
    one that is never called is empty. Both are taken over all entries of the output; std is that of
    the population, which divides by the number of entries. A model without submodules has one
    entry, its own. Leave no hook behind, also if a forward raises; then let the exception pass."""

    id = "stats_hook"
    signatures = ("activation_stats(model, x) -> stats",)
    title, points, difficulty, minutes = "Numbers in place of activations", 6, 2, 10
    prerequisites = ("capture_features",)
    hints = (
        "Read section 5.4, on collecting features. What does a dict of whole outputs keep alive?",
        "Compute the two numbers inside the hook, while the output is what the layer returned. "
        "Which modules have no children?",
        "item() makes a Python number. std() divides by one less than the number of entries "
        "unless correction=0 is passed.",
    )
    CASES = (
        case("7 rows", rows=7, visible=True),
        case("one row", rows=1),
        case("11 rows in float32", rows=11, dtype=F32),
        case("a model in use, then a layer that raises", rows=7, kind="in use"),
        case("a model that is one layer", rows=7, kind="one layer"),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {"x": rng.apart(0.3, 1.0, case["rows"], 5), **weights(rng, 5, 3, 11, 1)}

    def observe(self, activation_stats, x, kind="", **net):
        if kind != "in use":
            model = linear(net["m1"]) if kind == "one layer" else Net(**net)
            return {"stats": activation_stats(model, x)}
        model, raising = UsedNet(**net), in_use(UsedNet(**net, broken=True))
        return {
            "stats": activation_stats(in_use(model), computed(x)),
            "the model ran": model.ran,
            "the hook from before": hook_of_others(model),
            "when a layer raises": passes_on(lambda: activation_stats(raising, x)),
        }
