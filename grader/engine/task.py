"""The public half of an exercise: how inputs are drawn and how the answer is called and watched."""

from __future__ import annotations

import ast
import hashlib
import inspect
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any, ClassVar

import torch

from grader.engine.observation import named

Inputs = dict[str, Any]
"""Named tensors, numbers and strings: never modules or callables, which `observe` builds itself."""

F32 = torch.float32
"""The dtype of one case at least in every exercise; the others are in float64."""

AUTOGRAD = frozenset({"requires_grad", "grad"})
"""Traces that calling autograd leaves on a tensor, for tasks in which that is fair. They do not
cover the parameters of a module."""

TRAINING = frozenset({"parameters", "parameters.grad", "parameters.emptied", "buffers"})
"""What training a module changes of it."""

ANOTHER = "meta"
"""The device of the case in which a device of another kind is pretended."""


@dataclass(frozen=True)
class Case:
    """One draw of inputs.

    `params` are the sizes and choices `Task.draw` reads; `symbols` are counts a gradient may be
    wrong by (`{"N": 7}`: a sum for a mean); `scale` is the size of values below which a difference
    is rounding; `device` None means the course's device.
    """

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    dtype: torch.dtype = torch.float64
    device: str | None = None
    weight: float = 1.0
    visible: bool = False
    symbols: Mapping[str, int] = field(default_factory=dict)
    scale: float = 1.0

    def __getitem__(self, name: str) -> Any:
        return self.params[name]


def case(name: str, *, dtype: torch.dtype = torch.float64, **params: Any) -> Case:
    """Write a case in one line: the settings of Case by their names, all else as its params."""
    known = {k: params.pop(k) for k in ("weight", "visible", "symbols", "scale") if k in params}
    return Case(name=name, params=params, dtype=dtype, **known)


class Rng:
    """Draws float64 and int64 CPU tensors, the same on every machine, from a text seed."""

    def __init__(self, *seed: object) -> None:
        digest = hashlib.sha256("\0".join(map(str, seed)).encode()).digest()
        self.generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))

    def normal(self, *shape: int) -> torch.Tensor:
        """Standard normal values of the given shape."""
        return torch.randn(shape, generator=self.generator, dtype=torch.float64)

    def uniform(self, low: float, high: float, *shape: int) -> torch.Tensor:
        """Values in [low, high) of the given shape."""
        unit = torch.rand(shape, generator=self.generator, dtype=torch.float64)
        return low + (high - low) * unit

    def apart(self, low: float, high: float, *shape: int) -> torch.Tensor:
        """Values of random sign with magnitude in [low, high): none near zero, none alike."""
        sign = 1 - 2 * self.integers(0, 2, *shape)
        return self.uniform(low, high, *shape) * sign

    def integers(self, low: int, high: int, *shape: int) -> torch.Tensor:
        """int64 values in [low, high)."""
        return torch.randint(low, high, shape, generator=self.generator)

    def permutation(self, n: int) -> torch.Tensor:
        """The numbers 0..n-1 in random order, int64."""
        return torch.randperm(n, generator=self.generator)


class Task:
    """One exercise's public half. Subclass it in `grader/tasks/`; the docstring is its statement.

    `signatures` are what the learner writes (`"jacobian(f, x) -> J"`, `"class MyLinear(n)"`).
    `CASES` are the draws that are checked, visible ones first.
    `allows` names effects a right answer may have: `input`, `requires_grad` and `grad` of tensors;
    `parameters`, `parameters.requires_grad`, `parameters.grad`, `parameters.emptied` (a .grad that
    was there is gone), `buffers`, `parts` and `training` of modules; `hooks` of either;
    `grad_mode`, `rng`, ... `meta` adds a case on another device, in which only
    an error about devices counts.
    """

    id: ClassVar[str]
    signatures: ClassVar[tuple[str, ...]]
    title: ClassVar[str]
    points: ClassVar[int]
    difficulty: ClassVar[int]
    minutes: ClassVar[int]
    prerequisites: ClassVar[tuple[str, ...]] = ()
    hints: ClassVar[tuple[str, ...]]
    allows: ClassVar[frozenset[str]] = frozenset()
    accepts_numbers: ClassVar[bool] = False
    meta: ClassVar[bool] = True
    CASES: ClassVar[Sequence[Case]] = ()

    registry: ClassVar[dict[str, Task]] = {}

    def __init_subclass__(cls) -> None:
        known = Task.registry.get(cls.id)
        if known is not None and type(known).__module__ != cls.__module__:
            raise ValueError(f"two exercises are called {cls.id!r}: rename one of them")
        Task.registry[cls.id] = cls()

    def cases(self) -> Sequence[Case]:
        """The draws that are checked; the first is visible."""
        return self.CASES

    def draw(self, rng: Rng, case: Case) -> Inputs:
        """Draw the inputs of one case: float64 tensors on the CPU, cast afterwards.

        Those params of the case that `observe` names are inputs too, and need not be returned.
        """
        raise NotImplementedError

    def observe(self, *functions: Any, **inputs: Any) -> Any:
        """Call the answer and name what is to be compared: a dict, or one value.

        Override it with the functions by position and the inputs by name: what `draw` returns, a
        part of it as `**given` where it is handed on together, and params of the case, with a
        default if not every case has them. As it stands, the one function is called with those of
        the inputs that are its arguments, and what it returns is called as in `signatures`.
        """
        (function,), (names,) = functions, self.arguments
        return named(function(*(inputs[name] for name in names)), *returned(self.signatures[0]))

    @property
    def chapter(self) -> str:
        """`"01-graphs"`: the CHAPTER of the module or package the task stands in."""
        name = type(self).__module__
        while "CHAPTER" not in vars(sys.modules[name]):
            name = name.rpartition(".")[0]
        return str(vars(sys.modules[name])["CHAPTER"])

    @property
    def statement(self) -> str:
        """What the learner is asked, from the class docstring."""
        return " ".join((type(self).__doc__ or "").split())

    @cached_property
    def functions(self) -> tuple[str, ...]:
        """The names the learner defines, in the order `check` takes them."""
        return tuple(signature_of(text)[0] for text in self.signatures)

    @cached_property
    def arguments(self) -> tuple[tuple[str, ...], ...]:
        """The argument names of each function."""
        return tuple(signature_of(text)[1] for text in self.signatures)

    @cached_property
    def inputs(self) -> frozenset[str]:
        """The inputs that `observe` names."""
        return frozenset(inspect.signature(self.observe).parameters)

    def meta_case(self) -> Case:
        """The first case once more, with the inputs on the CPU: what the answer makes there
        without asking for their device is put on the meta device, and cannot be combined."""
        first = self.cases()[0]
        return replace(first, name="another device", device=ANOTHER, visible=False)


def signature_of(text: str) -> tuple[str, tuple[str, ...]]:
    """Name and argument names of `"f(x, w) -> dx"` or `"class Net(n)"`.

    Defaults mark optional arguments and are dropped with them.
    """
    head = text.removeprefix("class ").split(" -> ")[0]
    call = ast.parse(f"def {head}: ...").body[0]
    assert isinstance(call, ast.FunctionDef)
    names = [argument.arg for argument in call.args.args]
    return call.name, tuple(names[: len(names) - len(call.args.defaults)])


@cache
def returned(text: str) -> tuple[str, ...]:
    """The names of what is returned: `("dx", "dw")` of `"f(x, w) -> (dx, dw)"`."""
    return tuple(name.strip() for name in text.partition(" -> ")[2].strip("()").split(","))


def draw_inputs(task: Task, case: Case, seed: str, device: str) -> Inputs:
    """The inputs of one case from one seed, cast to the case's dtype and moved to its device."""
    inputs = {name: value for name, value in case.params.items() if name in task.inputs}
    inputs |= task.draw(Rng(seed, task.id, case.name), case)
    return place(inputs, case.dtype, device_of(case, device))


def device_of(case: Case, device: str) -> str:
    """Where the inputs of a case lie, with `device` for the course's."""
    return "cpu" if case.device == ANOTHER else case.device or device


def place(inputs: Inputs, dtype: torch.dtype, device: str) -> Inputs:
    """Fresh copies of the inputs with floating tensors in `dtype`, all tensors on `device`."""
    return {name: _placed(value, dtype, device) for name, value in inputs.items()}


def _placed(value: Any, dtype: torch.dtype, device: str) -> Any:
    if isinstance(value, torch.Tensor):
        to = dtype if value.dtype.is_floating_point else value.dtype
        return value.detach().to(device, to, copy=True).contiguous()
    if isinstance(value, list | tuple):
        return type(value)(_placed(item, dtype, device) for item in value)
    if isinstance(value, dict):
        return {name: _placed(item, dtype, device) for name, item in value.items()}
    return value
