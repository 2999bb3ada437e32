"""Exercises on who depends on what: the mode of a layer, and one sample on another."""

import torch
from torch import Tensor, nn

from grader.engine.lived import lived, with_grad
from grader.engine.task import AUTOGRAD, F32, Case, Inputs, Rng, Task, case
from grader.tasks.hooks.models import Halving
from grader.tasks.norms.inputs import EPS, activations, affine


def asked(name: str, *pairs: tuple[str, tuple[int, ...]], visible: bool = False) -> Case:
    return case(name, pairs=list(pairs), visible=visible)


class TrainOrEval(Task):
    """layer is the text of a single layer, such as "nn.BatchNorm1d(3)", with no other layer in it,
    and shape the shape of a random input that fits it. The layer is new, and it is called in
    training mode and after that in eval mode, on one and the same input. Return "raises" if one of
    the two calls raises, "equal" if they give equal values, and "different" if not."""

    id = "train_or_eval"
    signatures = ("mode_matters(layer, shape) -> word",)
    title, points, difficulty, minutes = "Does the mode matter?", 5, 2, 10
    hints = (
        "Read the section on train against eval. Which layers keep running statistics, and which "
        "draw random numbers?",
        "A layer without running statistics has nothing else to use in eval mode. And some layers "
        "refuse to take a variance of one value, counted as each of them counts.",
        'To let torch decide: eval(layer, {"nn": nn}) makes the layer, and torch.randn(shape) an '
        "input. Catch ValueError around both calls.",
    )
    allows = frozenset({"rng"})
    CASES = (
        asked(
            "four layers",
            ("nn.BatchNorm1d(3)", (7, 3)),
            ("nn.LayerNorm(3)", (7, 3)),
            ("nn.Dropout(0.5)", (7, 3)),
            ("nn.BatchNorm1d(3)", (1, 3)),
            visible=True,
        ),
        asked(
            "layers that normalise samples",
            ("nn.GroupNorm(3, 6)", (7, 6, 2, 5)),
            ("nn.InstanceNorm2d(3)", (7, 3, 2, 5)),
            ("nn.InstanceNorm2d(3, track_running_stats=True)", (7, 3, 2, 5)),
            ("nn.RMSNorm(5)", (7, 5)),
        ),
        asked(
            "a batch of one",
            ("nn.BatchNorm2d(3)", (1, 3, 2, 5)),
            ("nn.BatchNorm2d(3)", (1, 3, 1, 1)),
            ("nn.LayerNorm(3)", (1, 3)),
            ("nn.GroupNorm(1, 3)", (1, 3)),
            visible=True,
        ),
        asked(
            "BatchNorm with other settings",
            ("nn.BatchNorm2d(3, track_running_stats=False)", (7, 3, 2, 5)),
            ("nn.BatchNorm2d(3, affine=False)", (7, 3, 2, 5)),
            ("nn.BatchNorm2d(3, momentum=None)", (7, 3, 2, 5)),
            ("nn.BatchNorm1d(3, track_running_stats=False)", (1, 3)),
            visible=True,
        ),
        asked(
            "Dropout",
            ("nn.Dropout(0.0)", (7, 3)),
            ("nn.Dropout(1.0)", (7, 3)),
            ("nn.Dropout2d(0.5)", (7, 3, 2, 5)),
            ("nn.Identity()", (7, 3)),
        ),
        asked(
            "one value for each mean",
            ("nn.InstanceNorm2d(3)", (7, 3, 1, 1)),
            ("nn.BatchNorm2d(3)", (7, 3, 1, 1)),
            ("nn.GroupNorm(3, 3)", (1, 3)),
            ("nn.LayerNorm(1)", (7, 1)),
        ),
        asked(
            "a few values for each mean",
            ("nn.BatchNorm2d(3)", (1, 3, 1, 5)),
            ("nn.BatchNorm2d(3)", (1, 3, 5, 1)),
            ("nn.InstanceNorm2d(3)", (2, 3, 1, 5)),
            ("nn.InstanceNorm2d(3)", (2, 3, 5, 1)),
            ("nn.GroupNorm(3, 3)", (7, 3)),
            ("nn.BatchNorm2d(3, momentum=1.0)", (7, 3, 2, 5)),
            ("nn.Linear(3, 2)", (7, 3)),
            visible=True,
        ),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {"seed": int(rng.integers(0, 2**31))}

    def observe(self, mode_matters, pairs, seed):
        words = {}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for layer, shape in pairs:
                words[f"{layer} on {shape}"] = mode_matters(layer, shape)
        return words


class CrossSampleInfluence(Task):
    """Return a matrix of shape (N, N) whose entry [i, j] says how strongly output i depends on
    input j: the root of the sum of squares of the derivatives of all entries of module(x)[i] with
    respect to all entries of x[j]. x has shape (N, d), and so has module(x). The module stays in
    the mode it comes in. Leave it as it is: its parameters, their .grad included, and its
    buffers."""

    id = "cross_sample_influence"
    signatures = ("influence(module, x) -> matrix",)
    title, points, difficulty, minutes = "Who influences whom?", 8, 4, 18
    prerequisites = ("train_or_eval",)
    hints = (
        "Read the section on the influence of one sample on another. Which shape has the Jacobian "
        "of module(x) with respect to x, and which two of its axes count samples?",
        "torch.autograd.functional.jacobian gives shape (N, d, N, d). Compare the buffers of the "
        "module before and after you called it.",
        "Square the Jacobian, sum over both axes of length d, and take the root. Call a deep copy "
        "of the module, or put its buffers back when you are done.",
    )
    allows = AUTOGRAD | {"buffers", "parameters"}  # they are observed
    CASES = (
        case("BatchNorm in training", kind="batch", training=True, visible=True),
        case("BatchNorm in eval mode", kind="batch", training=False),
        case("LayerNorm in training", kind="layer", training=True, visible=True),
        case("BatchNorm without running statistics", kind="untracked", training=False),
        case("GroupNorm in eval mode", kind="group", training=False),
        case("one row, LayerNorm", kind="layer", training=True, rows=1),
        case("BatchNorm in training, float32", kind="batch", training=True, dtype=F32),
        case("a net in the middle of training", kind="batch", training=True, in_use=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {
            "x": activations(rng, case.params.get("rows", 3), 6),
            **affine(rng, 6),
            "rm": rng.apart(0.5, 1.5, 6),
            "rv": rng.uniform(3.0, 4.0, 6),
        }

    def observe(self, influence, x, w, b, rm, rv, kind, training, in_use=False):
        # Without the sine, the influence of i on j would be that of j on i.
        module = nn.Sequential(_layer(kind, w, b, rm, rv), _Sine()).train(training)
        if in_use:
            module.append(Halving())  # which will be in the other mode
            module, x = lived(module, "grad", "frozen", "mode", "hooked"), with_grad(x)
        kept = _Kept(module)
        return {"matrix": influence(module, x), **kept.changes(module)}


class _Kept:
    """What of a module is to be as it was, in words that a learner knows."""

    def __init__(self, module: nn.Module) -> None:
        self.buffers = {name: buffer.clone() for name, buffer in module.named_buffers()}
        self.grads = {
            name: None if p.grad is None else p.grad.clone()
            for name, p in module.named_parameters()
        }
        self.learning = [p.requires_grad for p in module.parameters()]
        self.values = [p.detach().clone() for p in module.parameters()]

    def changes(self, module: nn.Module) -> dict[str, str]:
        """For each of its parts, whether it is as it was."""
        now = dict(module.named_buffers())
        same = {name: _same(now.get(name), old) for name, old in self.buffers.items()}
        counted = [ok for name, ok in same.items() if name.endswith("num_batches_tracked")]
        tracked = [ok for name, ok in same.items() if not name.endswith("num_batches_tracked")]
        grads = [_same(p.grad, self.grads[name]) for name, p in module.named_parameters()]
        learning = [p.requires_grad for p in module.parameters()] == self.learning
        values = map(_same, list(module.parameters()), self.values)
        return {
            "running statistics": _word(all(tracked)),
            "num_batches_tracked": _word(all(counted)),
            ".grad of the parameters": _word(all(grads)),
            "requires_grad of the parameters": _word(learning),
            "the parameters": _word(all(values)),
        }


def _same(one: Tensor | None, other: Tensor | None) -> bool:
    if one is None or other is None:
        return one is other
    return torch.equal(one, other)


def _word(kept: bool) -> str:
    return "as it was" if kept else "changed"


class _Sine(nn.Module):
    """Multiplies by a number and takes the sine."""

    def forward(self, x: Tensor) -> Tensor:
        """Of x's shape."""
        return (0.4 * x).sin()


def _layer(kind: str, w: Tensor, b: Tensor, rm: Tensor, rv: Tensor) -> nn.Module:
    """A layer on rows of 6 with the given weights and, where it keeps some, statistics."""
    layer: nn.Module
    if kind == "layer":
        layer = nn.LayerNorm(6, EPS)
    elif kind == "group":
        layer = nn.GroupNorm(2, 6, EPS)
    else:
        layer = nn.BatchNorm1d(6, EPS, track_running_stats=kind == "batch")
    layer.to(w)
    given = {"weight": w, "bias": b, "running_mean": rm, "running_var": rv}
    with torch.no_grad():
        for name, tensor in (*layer.named_parameters(), *layer.named_buffers()):
            if name in given:
                tensor.copy_(given[name])
    return layer
