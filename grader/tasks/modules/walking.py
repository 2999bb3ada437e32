"""Exercises that walk over a module that they are given: names, counts, calls."""

from typing import Any

import torch
from torch import Tensor, nn

from grader.engine.lived import lived
from grader.engine.observation import gradient
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.modules.nets import quietly


def _sizes(rng: Rng) -> list[int]:
    """Four sizes, no two of them alike."""
    primes = torch.tensor([3, 5, 7, 11, 13])
    return [int(one) for one in primes[rng.permutation(5)[:4]]]


class NamedLeafs(Task):
    """Return the names of those modules in model that have no children, in the order in which
    named_modules() gives them: full names such as "stem.0", and "" for a model that has no children
    itself. A module that stands in the model under several names is listed under the first alone.
    An empty nn.Sequential has no children. Leave model as it is."""

    id = "named_leafs"
    signatures = ("leaf_names(model) -> names",)
    title, points, difficulty, minutes = "The modules that hold no modules", 5, 1, 6
    hints = (
        "Read section 10.3, on names. Which method goes through all levels, and which through one "
        "alone?",
        "named_modules() gives pairs of name and module, the model itself first. Ask each module "
        "whether it has children.",
        "children() is an iterator, which is true even if it is empty: turn it into a list, or "
        "take its first element with a default.",
    )
    CASES = (
        case("a net with two levels", kind="nested", visible=True),
        case("a single layer", kind="layer", visible=True),
        case("an activation under two names", kind="twice"),
        case("an empty Sequential", kind="empty"),
        case("a parameter beside the parts", kind="own parameter"),
        case("a model in use", kind="lived"),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {"sizes": _sizes(rng)}

    def observe(self, leaf_names, sizes, kind):
        return {"names": leaf_names(quietly(lambda: _named(kind, *sizes)))}


def _named(kind: str, a: int, b: int, c: int, d: int) -> nn.Module:
    """A model for each question about names. What is drawn decides how many layers it has."""
    if kind == "layer":
        return nn.Linear(a, b)
    many = [layer for _ in range(1 + a % 3) for layer in (nn.Linear(b, b), nn.Tanh())]
    model: Any = nn.Sequential()
    model.stem = nn.Sequential(nn.Linear(a, b), nn.Sequential(*many), nn.ReLU())
    model.drop = nn.Dropout(0.1)
    model.head = nn.Linear(b, c)
    if kind == "twice":
        model.again = model.stem[2]
        model.shared = model.stem[1]
    if kind == "empty":
        model.stem.insert(1, nn.Sequential())
        model.rest = nn.ModuleList()
    if kind == "own parameter":
        model.stem.scale = nn.Parameter(torch.ones(d))
        model.register_buffer("count", torch.zeros(()))
    if kind == "lived":
        lived(model, "grad", "frozen", "mode", "twice")
        model = lived(model, "nested")
    done: nn.Module = model
    return done


class CountParams(Task):
    """Return a pair of ints: how many numbers the parameters of model hold that require grad, and
    how many all its parameters hold. A parameter that stands in the model under several names
    counts once. Buffers do not count. Leave model as it is."""

    id = "count_params"
    signatures = ("count(model) -> (trainable, total)",)
    title, points, difficulty, minutes = "How many parameters?", 4, 1, 6
    hints = (
        "Read section 10.3, on names and counts. Does parameters() list a shared parameter once or "
        "twice? And does it list buffers?",
        "Compare with a model small enough to count by hand: nn.Linear(3, 5) holds 20 numbers.",
        "numel() says how many numbers a tensor holds, requires_grad whether it is trained. Two "
        "sums over the parameters do it.",
    )
    CASES = (
        case("a convolution, a norm, a frozen layer", kind="plain", visible=True),
        case("one weight under two names", kind="tied", visible=True),
        case("a frozen weight under two names", kind="tied and frozen"),
        case("a number and nothing on the model itself", kind="own"),
        case("no parameters", kind="none"),
        case("a model in use", kind="lived"),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {"sizes": _sizes(rng)}

    def observe(self, count, sizes, kind):
        result = count(quietly(lambda: _counted(kind, *sizes)))
        if isinstance(result, tuple | list) and len(result) == 2:
            return {"trainable": result[0], "total": result[1]}
        return {"answer": result}


def _counted(kind: str, a: int, b: int, c: int, d: int) -> nn.Module:
    """A model for each question about counts."""
    if kind == "none":
        return nn.Sequential(nn.ReLU(), nn.BatchNorm1d(a, affine=False))
    body = nn.Sequential(nn.Conv1d(a, b, 2), nn.BatchNorm1d(b), nn.ReLU())
    model: Any = nn.Sequential()
    model.body, model.middle = body, nn.Linear(c, c)
    model.head, model.last = nn.Linear(c, c), nn.Linear(c, d, bias=False)
    model.middle.bias.requires_grad_(False)
    if kind.startswith("tied"):
        model.head.weight = model.middle.weight
    if kind.endswith("frozen"):
        model.head.weight.requires_grad_(False)
    if kind == "own":
        model.temperature = nn.Parameter(torch.ones(()))
        model.body.empty = nn.Parameter(torch.ones(0, d))
        model.body.shift = nn.Parameter(torch.ones(d), requires_grad=False)
        model.eval()
    if kind == "lived":
        model.outer = nn.Sequential(nn.Sequential(nn.Linear(d, d)), nn.Linear(d, d))
        lived(model, "grad", "frozen", "mode", "tied")
    done: nn.Module = model
    return done


class HookableCall(Task):
    """layers is a list of modules. Feed x through them, the first one first, each given what the
    one before it returned, and return what the last returned: x itself where the list is empty.
    Hooks that are registered on the modules must run, as they do in nn.Sequential. A module may
    stand in the list several times, and runs as often. Leave the modules as they are."""

    id = "hookable_call"
    signatures = ("run_through(layers, x) -> y",)
    title, points, difficulty, minutes = "A call, with everything around it", 5, 1, 5
    hints = (
        "Read section 10.4, on what a call does. Which of the two runs hooks: layer(x) or "
        "layer.forward(x)?",
        "Register a forward hook that prints on one layer, and run your function. Does it print?",
        "One loop, in which x becomes what the layer makes of it. With an empty list the loop does "
        "not run, and x is what it was.",
    )
    CASES = (
        case("three layers", order=(0, 1, 2), visible=True),
        case("no layer", order=(), visible=True),
        case("a layer twice", order=(0, 1, 0, 2)),
        case("one layer in float32", order=(1,), dtype=F32),
        case("layers in use", order=(2, 0, 1), used=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        drawn = {f"w{i}": rng.apart(0.5, 1.0, 3, 3) for i in range(3)}
        return {**drawn, "x": rng.apart(0.5, 1.0, 7, 3), "v": rng.apart(1.0, 2.0, 7, 3)}

    def observe(self, run_through, x, v, w0, w1, w2, order, used=False):
        parts = [_Counted(w) for w in (w0, w1, w2)]
        if used:
            parts[1].train(mode=False)
        modules = [lived(nn.Sequential(p), "grad", "frozen") if used else p for p in parts]
        seen: list[str] = []
        for number, module in enumerate(modules):
            module.register_forward_pre_hook(lambda m, args, n=number: seen.append(f"into {n}"))
            module.register_forward_hook(lambda m, args, y: 2 * y)
            module.register_full_backward_hook(_tripled)
        y = run_through([modules[i] for i in order], x.requires_grad_())
        observed = {"y": y, "gradient of x": gradient(y, x, v)}
        runs = [part.runs for part in parts]
        return observed | {"hooks that ran": list(seen), "runs of each module": runs}


def _tripled(module: nn.Module, grads: Any, given: Any) -> tuple[Tensor]:
    """A backward hook that multiplies the gradient of what went in by three."""
    return (3 * grads[0],)


class _Counted(nn.Module):
    """Multiplies by a matrix, in eval mode by its double, and counts its runs."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight.clone())
        self.runs = 0

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3) to (N, 3)."""
        self.runs += 1
        return (x @ self.weight).tanh() * (1 if self.training else 2)
