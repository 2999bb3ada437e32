"""Runs an answer under watch: what it returned, printed, warned, changed and raised.

Whatever the answer changes of its inputs or of torch's settings is reported as an effect, and the
settings are put back, so that the next check starts clean.
"""

from __future__ import annotations

import contextlib
import io
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from grader.engine import raising, state
from grader.engine.observation import Observation, Raised, record_all
from grader.engine.task import Case, Inputs, Task, place
from grader.engine.text import plain_text, text_of

KEPT_OUTPUT = 4096
KEPT_WARNINGS = 20


@dataclass(frozen=True)
class Watched:
    """An observation, with what was printed and warned on the way (which never counts)."""

    observation: Observation
    printed: str = ""
    warned: tuple[str, ...] = ()
    interrupted: bool = False


class _Head(io.TextIOBase):
    """A text stream that keeps its first characters and counts the rest."""

    def __init__(self, keep: int) -> None:
        self.kept, self.room, self.dropped = [""], keep, 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        part = text[: self.room]
        if part:
            self.kept.append(part)
            self.room -= len(part)
        self.dropped += len(text) - len(part)
        return len(text)

    def text(self) -> str:
        more = f"\n… and {self.dropped:,} more characters" if self.dropped else ""
        return plain_text("".join(self.kept)) + more


def observe(
    task: Task, functions: Sequence[Callable[..., Any]], inputs: Inputs, case: Case
) -> Watched:
    """Let `task` call `functions` on private copies of `inputs` and record what happens.

    Raises nothing that the answer raises: exceptions are part of the observation, and so is an
    interrupt from the keyboard.
    """
    effects: dict[str, str] = {}
    watched = [
        _watch(function, names, effects)
        for function, names in zip(functions, task.arguments, strict=True)
    ]
    out = _Head(KEPT_OUTPUT)
    warned: dict[str, None] = {}
    private = place(inputs, case.dtype, _device_of(inputs, case))
    values: dict[str, Any] = {}
    error: Raised | None = None
    interrupted = False
    try:
        with (
            _heard(warned),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(out),
            state.exit_raises(),
            state.watched(effects),
        ):
            result = task.observe(*watched, **private)
        values = record_all(_parts(result))
    except KeyboardInterrupt:
        interrupted = True
    except BaseException as raised:  # SystemExit too, and what a learner derives from it
        error = raising.describe(raised, any(isinstance(f, type) for f in functions))
    kept = {name: text for name, text in effects.items() if name not in task.allows}
    return Watched(Observation(values, kept, error), out.text(), tuple(warned), interrupted)


def _parts(result: Any) -> Mapping[str, Any]:
    """The named values that an `observe` gave, or its one value under the name `answer`."""
    if type(result) is dict and all(type(name) is str for name in result):
        return result
    return {"answer": result}


def _device_of(inputs: Inputs, case: Case) -> str:
    tensors = (value for value in inputs.values() if isinstance(value, torch.Tensor))
    first = next(tensors, None)
    return str(first.device) if first is not None else case.device or "cpu"


@contextlib.contextmanager
def _heard(warned: dict[str, None]) -> Iterator[None]:
    """Collect warnings instead of printing them, and undo what is done to the filters.

    torch gives some warnings once in a process; here each is heard every time.
    """
    always = torch.is_warn_always_enabled()

    def keep(message: Warning | str, *_: Any, **__: Any) -> None:
        if len(warned) < KEPT_WARNINGS:
            text = text_of(message).split(" (Triggered internally at")[0]
            warned[text.strip().split("\n")[0][:500]] = None

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = keep
        torch.set_warn_always(True)
        try:
            yield
        finally:
            torch.set_warn_always(always)


def _watch(
    function: Callable[..., Any], names: Sequence[str], effects: dict[str, str]
) -> Callable[..., Any]:
    """The answer, with the state of its arguments compared before and after every call."""
    if isinstance(function, type):
        return function
    limit = sys.getrecursionlimit()

    def answer(*args: Any, **kwargs: Any) -> Any:
        spoken = dict(zip(names, args, strict=False)) | kwargs
        before = [_state(value, name) for name, value in _flat(spoken)]
        modes = state.Modes()
        try:
            return function(*args, **kwargs)
        finally:
            # Under a very low limit no Python function could be called below, and a mode that was
            # left on would see the comparison.
            if sys.getrecursionlimit() != limit:
                sys.setrecursionlimit(limit)
            modes.restore(effects)
            for state_ in before:
                for effect, text in state_.changes():
                    effects.setdefault(effect, text)

    return answer


def _flat(values: Mapping[Any, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    """Every tensor and module among some arguments, with what to call it."""
    for name, value in values.items():
        spoken = within or f"`{name}`"
        if isinstance(value, torch.Tensor | torch.nn.Module):
            yield spoken, value
        elif isinstance(value, list | tuple):
            yield from _flat(dict(enumerate(value)), f"an entry of {spoken}")
        elif isinstance(value, dict):
            yield from _flat(value, f"an entry of {spoken}")


def _state(value: torch.Tensor | torch.nn.Module, name: str) -> _TensorState | _ModuleState:
    if isinstance(value, torch.nn.Module):
        return _ModuleState(value)
    return _TensorState(value, name)


class _TensorState:
    """An input tensor as it was before the call."""

    def __init__(self, tensor: torch.Tensor, what: str) -> None:
        self.tensor, self.what = tensor, what
        self.value = tensor.detach().clone()
        self.version = _version(tensor)
        self.requires_grad = tensor.requires_grad
        self.grad = tensor.grad if tensor.is_leaf else None
        self.grad_version = _version(self.grad)

    def changes(self) -> Iterator[tuple[str, str]]:
        now = self.tensor
        if not _same(now.detach(), self.value):
            yield "input", f"{self.what} has other values after the call"
        elif _version(now) != self.version:
            yield "input", f"{self.what} was written to in place"
        if now.requires_grad != self.requires_grad:
            yield "requires_grad", f"requires_grad of {self.what} is now {now.requires_grad}"
        grad = now.grad if now.is_leaf else None
        if grad is not self.grad or _version(grad) != self.grad_version:
            yield "grad", f".grad of {self.what} was changed"


class _ModuleState:
    """An input module as it was before the call: parameters, buffers, modes and hooks."""

    def __init__(self, module: torch.nn.Module) -> None:
        self.module = module
        self.tensors = [
            _TensorState(tensor, f"`{name}`")
            for name, tensor in (*module.named_parameters(), *module.named_buffers())
        ]
        self.training = {name: m.training for name, m in module.named_modules()}
        self.hooks = count_hooks(module)

    def changes(self) -> Iterator[tuple[str, str]]:
        for state_ in self.tensors:
            yield from state_.changes()
        now = {name: m.training for name, m in self.module.named_modules()}
        if now != self.training:
            changed = [n or "the model" for n in now if now[n] != self.training.get(n)]
            yield "training", f"training flags changed: {', '.join(changed)}"
        left = count_hooks(self.module) - self.hooks
        if left:
            yield "hooks", f"{left} hooks more than before the call"


def count_hooks(module: torch.nn.Module) -> int:
    """How many hooks are registered on a module and all its submodules."""
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return sum(len(getattr(m, kind)) for m in module.modules() for kind in kinds)


def _version(tensor: torch.Tensor | None) -> int | None:
    """How often a tensor was written to in place; inference tensors do not count."""
    return None if tensor is None or tensor.is_inference() else tensor._version


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    if (one.shape, one.dtype, one.device, one.layout) != (
        other.shape,
        other.dtype,
        other.device,
        other.layout,
    ):
        return False
    if one.is_meta or torch.equal(one, other):
        return True
    both_nan = (one != one) & (other != other)
    return bool(((one == other) | both_nan).all())
