"""What the caller has: names of tensors, models and optimizers, found in a frame or given."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cached_property
from types import FrameType, FunctionType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from course.companion.places import is_library

MOST_ITEMS = 64


def held(*optimizers: torch.optim.Optimizer | None) -> list[Tensor]:
    """What optimizers hold, over all their groups; nothing of one that is gone."""
    there = [one for one in optimizers if one is not None]
    return [one for this in there for group in this.param_groups for one in group["params"]]


class Surroundings:
    """The variables of a frame and of those above it that are the reader's own."""

    def __init__(
        self,
        frame: FrameType | None,
        model: nn.Module | None = None,
        optimizer: torch.optim.Optimizer | None = None,
    ) -> None:
        self._variables = dict(_variables(frame))
        self.files = [one.f_code.co_filename for one in _frames(frame)]
        """Where the frames' code stands."""
        self._model, self._optimizer = model, optimizer

    @cached_property
    def models(self) -> dict[str, nn.Module]:
        """Models by name, those that are part of another left out."""
        if self._model is not None:
            return {self._called(self._model, "model"): self._model}
        found = {n: one for n, one in self._opened() if isinstance(one, nn.Module)}
        once = {id(one): (name, one) for name, one in reversed(found.items())}
        inner = {id(part) for _, one in once.values() for part in list(one.modules())[1:]}
        names = [(name, one) for key, (name, one) in once.items() if key not in inner]
        return {name: one for name, one in names if not isinstance(one, nn.modules.loss._Loss)}

    @cached_property
    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Optimizers by name."""
        if self._optimizer is not None:
            return {self._called(self._optimizer, "optimizer"): self._optimizer}
        found = {n: one for n, one in self._opened() if isinstance(one, torch.optim.Optimizer)}
        once = {id(one): (name, one) for name, one in reversed(found.items())}
        return dict(once.values())

    @cached_property
    def schedulers(self) -> list[LRScheduler]:
        """What sets learning rates, each once."""
        return [one for _, one in self.named_schedules()]

    def named_schedules(self) -> Iterator[tuple[str, LRScheduler]]:
        """The same, each with its first name."""
        seen: set[int] = set()
        for name, one in self._opened():
            if isinstance(one, LRScheduler) and id(one) not in seen:
                seen.add(id(one))
                yield name, one

    @cached_property
    def parameters(self) -> dict[str, Tensor]:
        """Every parameter of every model, by its full name."""
        return {
            f"{name}.{path}".replace("._orig_mod", ""): parameter
            for name, model in self.models.items()
            for path, parameter in model.named_parameters()
        }

    @property
    def held(self) -> set[int]:
        """The ids of what the optimizers hold."""
        return set(map(id, held(*self.optimizers.values())))

    @cached_property
    def loose(self) -> dict[str, Tensor]:
        """What the optimizers hold beside the models' parameters, where it has a name."""
        known = {id(one) for one in self.parameters.values()}
        others = self.held - known
        return {
            name: one
            for name, one in reversed(list(self.tensors.items()))
            if id(one) in others and name.isidentifier()
        }

    def aliases(self) -> Iterator[tuple[str, str, nn.Module]]:
        """Two names that one object of the reader's, or a model, has for one model, and that."""
        first: dict[tuple[str, int], str] = {}
        parts = [
            (f"{name}.{path}.{key}".replace("..", "."), one)
            for name, model in self.models.items()
            for path, part in model.named_modules()
            for key, one in part._modules.items()
        ]
        for name, one in (*self._opened(), *parts):
            owner = name.rpartition(".")[0]
            if not owner or not isinstance(one, nn.Module):
                continue
            other = first.setdefault((owner, id(one)), name)
            if other != name:
                yield other, name, one

    def twins(self) -> Iterator[tuple[str, str, nn.Module]]:
        """Two variables that are one model, or two names of it that one object has."""
        first: dict[int, str] = {}
        for name, one in self._opened():
            if name.isidentifier() and isinstance(one, nn.Module):
                other = first.setdefault(id(one), name)
                if other != name:
                    yield other, name, one
        yield from self.aliases()

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """Tensors that have a name of their own, or a place in a short list or dict."""
        return {name: one for name, one in self._opened() if isinstance(one, Tensor)}

    @cached_property
    def _names(self) -> dict[int, str]:
        names = {id(one): name for name, one in reversed(self.tensors.items())}
        return names | {id(one): name for name, one in self.parameters.items()}

    def name_of(self, tensor: Tensor, otherwise: str = "the tensor") -> str:
        """What the caller calls a tensor."""
        return self._names.get(id(tensor), otherwise)

    def named(self, name: str) -> Any:
        """What the caller has under a name; None if nothing."""
        return next((one for key, one in self._opened() if key == name), None)

    @cached_property
    def functions(self) -> dict[str, Any]:
        """Functions by name."""
        return {name: one for name, one in self._variables.items() if callable(one)}

    def of_kind(self, kind: type[Any]) -> list[Any]:
        """Every variable of a kind."""
        return [one for one in self._variables.values() if isinstance(one, kind)]

    def _called(self, wanted: object, otherwise: str) -> str:
        return next((name for name, one in self._opened() if one is wanted), otherwise)

    def _opened(self) -> Iterator[tuple[str, Any]]:
        inside: list[tuple[str, Any]] = []
        for name, value in self._variables.items():
            yield name, value
            if isinstance(value, list | tuple) and len(value) <= MOST_ITEMS:
                inside += [(f"{name}[{index}]", one) for index, one in enumerate(value)]
            elif isinstance(value, dict) and len(value) <= MOST_ITEMS:
                inside += [(f"{name}[{key!r}]", one) for key, one in list(value.items())]
            elif name == "self" or isinstance(value, nn.Module) or _is_own(value):
                inside += [(f"{name}.{key}", one) for key, one in list(vars(value).items())]
        yield from inside


def _is_own(value: Any) -> bool:
    """Whether it is an object of a class that the reader wrote, such as a trainer."""
    if isinstance(value, type | FunctionType | ModuleType) or not hasattr(value, "__dict__"):
        return False
    home = sys.modules.get(type(value).__module__)
    file = getattr(home, "__file__", None)
    return home is not None and (home.__name__ == "__main__" or bool(file and not is_library(file)))


def _variables(frame: FrameType | None) -> Iterator[tuple[str, Any]]:
    """The nearest frame's names win."""
    seen: set[str] = set()
    for at in _frames(frame):
        scopes = [at.f_locals] + ([at.f_globals] if at is frame else [])
        for scope in scopes:
            for name, value in list(scope.items()):
                if name not in seen and not name.startswith("_") and name not in ("In", "Out"):
                    seen.add(name)
                    yield name, value


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    """A frame, and those above it that are the reader's own."""
    at: FrameType | None = frame
    while at is not None and (at is frame or at.f_code.co_name not in ("run_code", "<module>")):
        yield at
        at = at.f_back if at.f_code.co_name != "<module>" else None
        if at is not None and at.f_globals.get("__name__", "").partition(".")[0] in _OTHERS:
            return


_OTHERS = {"IPython", "ipykernel", "_pytest", "pytest", "runpy", "pluggy"}
