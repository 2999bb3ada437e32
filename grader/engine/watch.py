"""Runs an answer under watch: what it returned, printed, warned, changed and raised.

Whatever the answer changes of its inputs or of torch's settings is reported as an effect, and the
settings are put back, so that the next check starts clean.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from grader.engine import elsewhere, raising, state
from grader.engine.observation import Observation, Raised, record_all
from grader.engine.task import ANOTHER, Case, Inputs, Task, device_of, place
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
    pretended = case.device == ANOTHER
    watched = [
        _watch(function, names, effects, elsewhere.Elsewhere if pretended else nullcontext)
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
        error = elsewhere.misplaced(values) if pretended else None
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
    return str(first.device) if first is not None else device_of(case, "cpu")


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
    function: Callable[..., Any],
    names: Sequence[str],
    effects: dict[str, str],
    around: Callable[[], AbstractContextManager[Any]],
) -> Callable[..., Any]:
    """The answer, with what its arguments and torch's modes are compared before and after a call.

    What the exercise puts back by itself, such as a generator or the grad mode of a block in which
    it calls the answer, is read before.
    """
    if isinstance(function, type):
        return function

    def answer(*args: Any, **kwargs: Any) -> Any:
        spoken = dict(zip(names, args, strict=False)) | kwargs
        before = [_state(value, name) for name, value in _flat(spoken)]
        devices = any(isinstance(value, torch.device) for value in spoken.values())
        try:
            with state.watched_call(effects), around() if before or devices else nullcontext():
                return function(*args, **kwargs)
        finally:
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
        self.hooks = _hooks_on(tensor)

    def changes(self) -> Iterator[tuple[str, str]]:
        now, kept = self.tensor, self.value
        if now.shape != kept.shape:
            shapes = f"{tuple(now.shape)}, and was {tuple(kept.shape)}"
            yield "input", f"the shape of {self.what} is now {shapes}"
        elif now.dtype != kept.dtype:
            yield "input", f"the dtype of {self.what} is now {now.dtype}"
        elif not _same(now.detach(), kept):
            yield "input", f"{self.what} has other values after the call"
        elif _version(now) != self.version:
            yield "input", f"{self.what} was written to in place"
        if now.requires_grad != self.requires_grad:
            yield "requires_grad", f"requires_grad of {self.what} is now {now.requires_grad}"
        grad = now.grad if now.is_leaf else None
        if grad is not self.grad or _version(grad) != self.grad_version:
            word = "emptied" if self.is_emptied() else "changed"
            yield "grad", f".grad of {self.what} was {word}"
        hooks = _hooks_on(now)
        if hooks - self.hooks:
            yield "hooks", f"{self.what} has {len(hooks - self.hooks)} more than before the call"
        elif self.hooks - hooks:
            yield "hooks", f"{self.what} has {len(self.hooks - hooks)} fewer than before the call"

    def is_emptied(self) -> bool:
        """Whether a gradient that was there is gone, or zero."""
        now = self.tensor.grad
        return self.grad is not None and (now is None or (not now.is_meta and not bool(now.any())))


class _ModuleState:
    """An input module as it was before the call: parameters, buffers, parts, modes and hooks.

    What an answer may do to a tensor, it may not therefore do to a module's parameters: their
    effects have names of their own.
    """

    def __init__(self, module: torch.nn.Module) -> None:
        self.module = module
        self.parameters = _states(module.named_parameters())
        self.buffers = _states(module.named_buffers())
        self.parts = _parts_of(module)
        self.training = {name: m.training for name, m in module.named_modules()}
        self.hooks = _hooks_of(module)

    def changes(self) -> Iterator[tuple[str, str]]:
        found: dict[str, list[str]] = {}
        for state_ in self.parameters:
            for effect, text in state_.changes():
                name = _OF_PARAMETERS[effect]
                if effect == "grad" and state_.is_emptied():
                    name = "parameters.emptied"
                found.setdefault(name, []).append(text)
        for state_ in self.buffers:
            for _, text in state_.changes():
                found.setdefault("buffers", []).append(text)
        for effect, texts in found.items():
            yield effect, "; ".join(texts[:4]) + ("; …" if len(texts) > 4 else "")
        parts = _parts_of(self.module)
        if parts != self.parts:
            yield "parts", "; ".join(_changes_of(self.parts, parts))
        now = {name: m.training for name, m in self.module.named_modules()}
        changed = [n or "the model" for n in now if now[n] != self.training.get(n, now[n])]
        if changed:
            yield "training", f"training flags changed: {', '.join(changed)}"
        hooks = _hooks_of(self.module)
        if hooks - self.hooks:
            yield "hooks", f"{len(hooks - self.hooks)} hooks more than before the call"
        elif self.hooks - hooks:
            yield "hooks", f"{len(self.hooks - hooks)} hooks fewer than before the call"


def _changes_of(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Which parts of a module are others, new or gone, four of each kind by name."""
    kinds = {
        "another object": [n for n in before if n in now and before[n] != now[n]],
        "added": [n for n in now if n not in before],
        "taken out": [n for n in before if n not in now],
    }
    for kind, names in kinds.items():
        if names:
            yield f"{', '.join(f'`{n}`' for n in names[:4])}: {kind}"


_OF_PARAMETERS = {
    "input": "parameters",
    "requires_grad": "parameters.requires_grad",
    "grad": "parameters.grad",
    "hooks": "hooks",
}


def _states(named: Iterator[tuple[str, torch.Tensor]]) -> list[_TensorState]:
    return [_TensorState(tensor, f"`{name}`") for name, tensor in named]


def _parts_of(module: torch.nn.Module) -> dict[str, int]:
    """By name, which objects the modules, parameters and buffers of a module are."""
    kinds = (module.named_modules, module.named_parameters, module.named_buffers)
    return {n: id(part) for kind in kinds for n, part in kind(remove_duplicate=False) if n}


def _hooks_of(module: torch.nn.Module) -> set[tuple[int, str, int]]:
    """The hooks that are registered on a module and all its submodules."""
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    places = [(m, kind) for m in module.modules() for kind in kinds]
    return {(id(one), kind, hook) for one, kind in places for hook in getattr(one, kind) or ()}


def _hooks_on(tensor: torch.Tensor) -> set[tuple[str, int]]:
    """The hooks that are registered on a tensor."""
    kinds = ("_backward_hooks", "_post_accumulate_grad_hooks")
    return {(kind, hook) for kind in kinds for hook in getattr(tensor, kind) or ()}


def _version(tensor: torch.Tensor | None) -> int | None:
    """How often a tensor was written to in place; inference tensors do not count."""
    return None if tensor is None or tensor.is_inference() else tensor._version


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two tensors of one shape and dtype hold the same, on one device."""
    if one.device != other.device or one.layout != other.layout:
        return False
    if one.is_meta or torch.equal(one, other):
        return True
    both_nan = (one != one) & (other != other)
    return bool(((one == other) | both_nan).all())
