"""Exercises that walk over a module that they are given: names, and counts."""

from typing import Any

import torch
from torch import nn

from grader.engine.lived import lived
from grader.engine.task import Case, Inputs, Rng, Task, case
from grader.tasks.modules.nets import quietly


def _sizes(rng: Rng) -> list[int]:
    """Four sizes, no two of them alike."""
    primes = torch.tensor([3, 5, 7, 11, 13])
    return [int(one) for one in primes[rng.permutation(5)[:4]]]


class NamedLeafs(Task):
    """Return the names of those modules in model that have no children, in the order in which
    named_modules() gives them: full names such as "stem.0", and "" for a model that has no children
    itself. A module that stands in the model under several names is listed under the first alone.
    An empty nn.Sequential has no children, and a name that holds None is no child. Leave model as
    it is."""

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
        case("a part that was taken out", kind="taken out"),
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
        model.once = nn.Sequential(model.stem[2])  # its one child has another name first
    if kind == "empty":
        model.stem.insert(1, nn.Sequential())
        model.rest = nn.ModuleList()
    if kind == "own parameter":
        model.stem.scale = nn.Parameter(torch.ones(d))
        model.header = nn.Tanh()  # a name that begins as another does
        model.register_buffer("count", torch.zeros(()))
    if kind == "taken out":
        model.head.adapter = nn.Linear(c, c)
        model.head.adapter = None  # the name stays, in _modules
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
    for frozen in (model.body[0].weight, model.middle.bias):
        frozen.requires_grad_(False)
    if kind.startswith("tied"):
        model.head.weight = model.middle.weight
    if kind.endswith("frozen"):
        model.head.weight.requires_grad_(False)
    if kind == "own":
        model.temperature = nn.Parameter(torch.ones(()))
        model.body.empty = nn.Parameter(torch.ones(0, d))
        model.body.shift = nn.Parameter(torch.ones(d), requires_grad=False)
        model.norms = nn.Sequential(nn.LayerNorm(c), nn.LayerNorm(c))  # with the same numbers
        model.eval()
    if kind == "lived":
        model.outer = nn.Sequential(nn.Sequential(nn.Linear(d, d)), nn.Linear(d, d))
        lived(model, "grad", "frozen", "mode", "tied")
    done: nn.Module = model
    return done
