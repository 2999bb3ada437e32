"""Exercises that change leaves: their values in place, and the flag that freezes them."""

from typing import Any

import torch
from torch import Tensor, nn

from grader.engine.observation import flags
from grader.engine.task import F32, Case, Inputs, Rng, Task, case


class SafeUpdate(Task):
    """Change w, a leaf that requires grad, to w - lr * g in place: the same tensor, in the same
    memory, still a leaf that requires grad. Leave g and w.grad alone. A graph that saved the old
    values of w must be able to notice that they are gone. What you return is not used."""

    id = "safe_update"
    signatures = ("sgd_inplace(w, g, lr) -> None",)
    title, points, difficulty, minutes = "Spot the bug: a step that goes nowhere", 8, 2, 8
    hints = (
        "Read section 2.6, on changing a leaf. What does `w = ...` change: the tensor, or what the "
        "name w stands for?",
        "Try w -= lr * g and read the error: which of its conditions can you lift for the length "
        "of one line: that w is a leaf, that it requires grad, that torch records?",
        "Work in place while torch.no_grad() is in force. It keeps the edit out of the graph, and "
        "autograd still counts it, which .data would prevent.",
    )
    allows = frozenset({"input"})
    CASES = (
        case("5 numbers", shape=(5,), visible=True),
        case("a matrix", shape=(3, 5)),
        case("a matrix with transposed memory", shape=(5, 3), transposed=True),
        case("one number", shape=()),
        case("float32", shape=(7,), dtype=F32),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        drawn = {name: rng.apart(0.5, 3.0, *case["shape"]) for name in ("w", "g", "old_grad")}
        return {**drawn, "lr": float(rng.uniform(0.1, 0.3))}

    def observe(self, sgd_inplace, w, g, old_grad, lr, transposed=False):
        if transposed:
            w = w.T.contiguous().T.clone()
        w.requires_grad_()
        w.grad = old_grad
        memory = w.untyped_storage().data_ptr()
        one = torch.ones_like(g).requires_grad_()
        before = (w * one).sum()
        sgd_inplace(w, g, lr)
        return {
            "w": w,
            **flags("w", w, "is_leaf", "requires_grad"),
            "w.shares_memory": w.untyped_storage().data_ptr() == memory,
            "g": g,
            "a graph recorded before": _notices(before, one),
        }


def _notices(result: Tensor, factor: Tensor) -> str:
    """Whether the pass to the other factor of a product, which needs w, finds that w was changed.
    The flag of w has no say in it."""
    try:
        torch.autograd.grad(result, factor)
    except RuntimeError as error:
        if "modified by an inplace operation" in str(error):
            return "notices the update"
    return "does not notice"


class FlagSetter(Task):
    """Set requires_grad to False for every parameter of module whose name, as in
    named_parameters(), holds a match of the regular expression pattern anywhere (re.search).
    Return the list of these names, also of those that were frozen before. Leave everything else
    as it is, every .grad included."""

    id = "flag_setter"
    signatures = ("freeze_where(module, pattern) -> names",)
    title, points, difficulty, minutes = "Spot the bug: frozen by name", 5, 2, 6
    hints = (
        "Read section 2.5, on freezing. Print p.requires_grad of every parameter after the call: "
        "did anything change?",
        "Python lets you set an attribute of any name on a parameter. Compare the spelling with "
        "that of the flag.",
        "The method requires_grad_(False) cannot be misspelled in silence. Collect the name in the "
        "same loop.",
    )
    allows = frozenset({"parameters.requires_grad"})
    CASES = (
        case("encoder", pattern="encoder", visible=True),
        case("all biases, one frozen before", pattern="bias$", frozen="head.bias", visible=True),
        case(
            "the head, another frozen before",
            pattern=r"^head\.",
            frozen="encoder.bias",
            visible=True,
        ),
        case("nothing matches", pattern="conv|norm"),
        case("weights, two of them tied", pattern="weight", tied=True),
        case("two patterns in one", pattern="norm|bias"),
        case(
            "parts in parts, one of them under two names",
            pattern=r"scale|stack\.0|again",
            frozen="stack.1.bias",
            nested=True,
        ),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {"weight": rng.apart(0.5, 1.0, 3, 5)}

    def observe(self, freeze_where, weight, pattern, frozen="", tied=False, nested=False):
        module = _nested(weight) if nested else _flat(weight, tied)
        for name, parameter in module.named_parameters():
            parameter.grad = torch.ones_like(parameter)
            parameter.requires_grad_(name != frozen)
        names = freeze_where(module, pattern)
        if isinstance(names, list | tuple | set) and all(isinstance(name, str) for name in names):
            names = sorted(names)
        observed: dict[str, Any] = {"names": names}
        for name, parameter in module.named_parameters():
            observed |= flags(name, parameter, "requires_grad")
        return observed


def _flat(weight: Tensor, tied: bool) -> nn.Module:
    module = nn.Module()
    module.encoder, module.head = _Layer(weight), _Layer(weight + 1)
    module.decoder = _Layer(weight + 2)
    if tied:
        module.decoder.weight = module.encoder.weight
    return module


def _nested(weight: Tensor) -> nn.Module:
    """Parameters on three levels, names in capitals, a part in eval mode under two names."""
    module = nn.Module()
    module.scale, module.SCALE = nn.Parameter(weight[0].clone()), nn.Parameter(weight[1].clone())
    module.stack = nn.Sequential(nn.Sequential(_Layer(weight)), _Layer(weight + 1).eval())
    module.again = module.stack[1]
    return module


class _Layer(nn.Module):
    """Parameters and a buffer from given numbers, without drawing random ones."""

    mean: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight.clone())
        self.bias = nn.Parameter(weight[:, 0].clone())
        self.register_buffer("mean", weight.mean(1))
