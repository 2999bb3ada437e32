"""The exercise that counts the parameters of a module that it is given."""

from typing import Any

import torch
from torch import nn

from grader.engine.lived import lived
from grader.engine.task import Case, Inputs, Rng, Task, case
from grader.tasks.modules.nets import attributes, drawn_sizes, quietly


class CountParams(Task):
    """Return a pair of ints: how many numbers the parameters of model hold that require grad, and
    how many all its parameters hold. A parameter that stands in the model under several names
    counts once; two that share memory are two. Buffers do not count. Leave model as it is."""

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
        case("weights that share memory", kind="one memory"),
        case("a model in use", kind="lived"),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {"sizes": drawn_sizes(rng)}

    def observe(self, count, sizes, kind):
        model = quietly(lambda: _counted(kind, *sizes))
        modules = list(model.modules())
        before = attributes(modules)
        result = count(model)
        found = {"the model has the attributes that it had": attributes(modules) == before}
        if isinstance(result, tuple | list) and len(result) == 2:
            return {"trainable": result[0], "total": result[1], **found}
        return {"answer": result, **found}


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
    if kind == "one memory":
        model.head.weight = nn.Parameter(model.middle.weight.detach())
        model.last.weight = nn.Parameter(torch.ones(3 * d, c)[d : 2 * d])
    if kind == "lived":
        model.outer = nn.Sequential(nn.Sequential(nn.Linear(d, d)), nn.Linear(d, d))
        lived(model, "grad", "frozen", "mode", "tied")
    done: nn.Module = model
    return done
