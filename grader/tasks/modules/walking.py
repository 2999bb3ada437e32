"""The exercise that walks over a module that it is given, for names."""

from typing import Any

import torch
from torch import nn

from grader.engine.lived import lived
from grader.engine.task import Case, Inputs, Rng, Task, case
from grader.tasks.modules.nets import attributes, drawn_sizes, quietly


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
        case("a layer with a layer inside", kind="adapter"),
        case("a model in use", kind="lived"),
        case("a part that was taken out", kind="taken out"),
        case("modules of other kinds", kind="other kinds"),
        case("a name that holds None, and nothing else", kind="nothing"),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {"sizes": drawn_sizes(rng)}

    def observe(self, leaf_names, sizes, kind):
        model = quietly(lambda: _named(kind, *sizes))
        modules = list(model.modules())
        before, known = _parts(model), attributes(modules)
        found = {"names": leaf_names(model)}
        found["the model has the parts that it had"] = _parts(model) == before
        found["the model has the attributes that it had"] = attributes(modules) == known
        return found


class _Shift(nn.Module):
    """A layer of another module than torch's."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(width))


class _Square(nn.Module):
    """A module that is not torch's, and has no parameters."""


def _parts(model: nn.Module) -> list[list[tuple[str, nn.Module | None]]]:
    """What stands under each name of every module, None too."""
    return [list(module._modules.items()) for module in model.modules()]


def _named(kind: str, a: int, b: int, c: int, d: int) -> nn.Module:
    """A model for each question about names. What is drawn decides how many layers it has."""
    if kind == "layer":
        return nn.Linear(a, b)
    if kind == "nothing":
        empty = nn.Module()
        empty.register_module("head", None)
        return empty
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
    if kind in ("adapter", "taken out"):
        model.head.adapter = nn.Linear(c, c)
    if kind == "taken out":
        model.head.adapter = None  # the name stays, in _modules
    if kind == "other kinds":
        model.stem.insert(1, nn.Identity())
        model.shift, model.square = _Shift(b), _Square()
        model.tables, model.words = nn.ModuleDict(), nn.ParameterList([torch.ones(d)])
    if kind == "lived":
        lived(model, "grad", "frozen", "mode", "twice")
        model = lived(model, "nested")
    done: nn.Module = model
    return done
