"""Runs an answer under watch: what it returned, printed, warned, changed and raised.

Whatever the answer does to the interpreter's state (grad mode, default dtype, seeds, output
streams) is noticed, reported as an effect and undone, so that the next check starts clean.
"""

from __future__ import annotations

import contextlib
import io
import linecache
import random
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from grader.observation import Observation, Raised, record
from grader.task import Case, Inputs, Task, place

KEPT_OUTPUT = 4096


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
        return "".join(self.kept) + more


def observe(
    task: Task, functions: Sequence[Callable[..., Any]], inputs: Inputs, case: Case
) -> Watched:
    """Let `task` call `functions` on private copies of `inputs` and record what happens.

    Raises nothing that the answer raises: exceptions are part of the observation, and so is an
    interrupt from the keyboard.
    """
    effects: dict[str, str] = {}
    watched = [_watch(function, effects) for function in functions]
    out = _Head(KEPT_OUTPUT)
    device = _device_of(inputs, case)
    private = place(inputs, case.dtype, device)
    values: Mapping[str, Any] = {}
    error: Raised | None = None
    interrupted = False
    with _clean_state(effects), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            try:
                result = task.observe(*watched, **private)
                parts = result if type(result) is dict else {"answer": result}
                values = {name: record(part) for name, part in parts.items()}
            except KeyboardInterrupt:
                interrupted = True
            except (Exception, SystemExit) as raised:
                error = describe(raised)
    kept = {name: text for name, text in effects.items() if name not in task.allows}
    return Watched(
        Observation(values, kept, error),
        out.text(),
        tuple(dict.fromkeys(str(w.message).split("\n")[0][:500] for w in caught)),
        interrupted,
    )


def _device_of(inputs: Inputs, case: Case) -> str:
    tensors = (value for value in inputs.values() if isinstance(value, torch.Tensor))
    first = next(tensors, None)
    return str(first.device) if first is not None else case.device or "cpu"


def describe(error: BaseException) -> Raised:
    """An exception as data: the type's name, its text, and the learner's line that raised it."""
    kind = type(error)
    known = kind.__module__ == "builtins" or kind.__module__.split(".")[0] in ("torch", "pickle")
    try:
        message = BaseException.__str__(error) if known else str(error)
    except Exception as broken:
        message = f"(its text cannot be read: {type(broken).__name__})"
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if f.name != "_call" and not _is_library(f.filename)]
    line = ""
    if own:
        last = own[-1]
        source = (last.line or linecache.getline(last.filename, last.lineno or 0)).strip()
        line = f"line {last.lineno}, in {last.name}: {source}" if source else ""
    inside = any(f.name == "_call" and f.filename == __file__ for f in frames)
    return Raised(kind.__name__, message[:2000], known, inside, line)


def _is_library(filename: str) -> bool:
    here = __file__.rpartition("watch.py")[0]
    return filename.startswith((here, "<frozen")) or "site-packages" in filename


def _watch(function: Callable[..., Any], effects: dict[str, str]) -> Callable[..., Any]:
    """The answer, with the state of its arguments compared before and after every call."""
    if isinstance(function, type):
        return function

    def _call(*args: Any, **kwargs: Any) -> Any:
        before = [_state(value) for value in _flat((*args, *kwargs.values()))]
        try:
            return function(*args, **kwargs)
        finally:
            for state in before:
                for name, text in state.changes():
                    effects.setdefault(name, text)

    _call.__name__ = getattr(function, "__name__", "answer")
    return _call


def _flat(values: Sequence[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, torch.Tensor | torch.nn.Module):
            yield value
        elif isinstance(value, list | tuple):
            yield from _flat(value)
        elif isinstance(value, dict):
            yield from _flat(list(value.values()))


def _state(value: torch.Tensor | torch.nn.Module) -> _TensorState | _ModuleState:
    return _ModuleState(value) if isinstance(value, torch.nn.Module) else _TensorState(value)


class _TensorState:
    """An input tensor as it was before the call."""

    def __init__(self, tensor: torch.Tensor, what: str = "an input") -> None:
        self.tensor, self.what = tensor, what
        self.value = tensor.detach().clone()
        self.version = None if tensor.is_inference() else tensor._version
        self.requires_grad = tensor.requires_grad
        self.grad = tensor.grad if tensor.is_leaf else None
        self.grad_version = None if self.grad is None else self.grad._version

    def changes(self) -> Iterator[tuple[str, str]]:
        now = self.tensor
        if now.shape != self.value.shape or not _same(now.detach(), self.value):
            yield "input", f"{self.what} has other values after the call"
        elif self.version is not None and now._version != self.version:
            yield "input", f"{self.what} was written to in place"
        if now.requires_grad != self.requires_grad:
            yield "requires_grad", f"requires_grad of {self.what} is now {now.requires_grad}"
        grad = now.grad if now.is_leaf else None
        if grad is not self.grad or (grad is not None and grad._version != self.grad_version):
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
        for state in self.tensors:
            yield from state.changes()
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


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    if one.is_meta or one.dtype != other.dtype:
        return one.dtype == other.dtype
    if torch.equal(one, other):
        return True
    both_nan = (one != one) & (other != other)
    return bool(((one == other) | both_nan).all())


@contextlib.contextmanager
def _clean_state(effects: dict[str, str]) -> Iterator[None]:
    """Run in grad mode, outside inference mode, in float32 by default; note and undo changes."""
    dtype, rng = torch.get_default_dtype(), _rng_state()
    streams = sys.stdout, sys.stderr
    anomaly = torch.is_anomaly_enabled()
    tracer = sys.gettrace()
    limit = sys.getrecursionlimit()
    torch.set_default_dtype(torch.float32)
    try:
        with torch.inference_mode(False), torch.enable_grad():
            yield
            if torch.is_inference_mode_enabled():
                effects["inference_mode"] = "inference mode was left on"
            elif not torch.is_grad_enabled():
                effects["grad_mode"] = "gradient recording was left switched off"
    finally:
        if torch.get_default_dtype() != torch.float32:
            effects["default_dtype"] = f"the default dtype is now {torch.get_default_dtype()}"
        if torch.is_anomaly_enabled() != anomaly:
            effects["anomaly"] = "anomaly detection was switched"
            torch.set_anomaly_enabled(anomaly)
        if not _same_rng(rng, _rng_state()):
            effects["rng"] = "the random generators moved on"
            _restore_rng(rng)
        torch.set_default_dtype(dtype)
        sys.stdout, sys.stderr = streams
        if sys.gettrace() is not tracer:
            sys.settrace(tracer)
        if sys.getrecursionlimit() != limit:
            sys.setrecursionlimit(limit)


def _rng_state() -> dict[str, Any]:
    state: dict[str, Any] = {"torch": torch.get_rng_state(), "python": random.getstate()}
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        state["numpy"] = numpy.random.get_state()
    return state


def _same_rng(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return (
        torch.equal(one["torch"], other["torch"])
        and one["python"] == other["python"]
        and (
            "numpy" not in one
            or (
                one["numpy"][2] == other["numpy"][2]
                and (one["numpy"][1] == other["numpy"][1]).all()
            )
        )
    )


def _restore_rng(state: dict[str, Any]) -> None:
    torch.set_rng_state(state["torch"])
    random.setstate(state["python"])
    if "numpy" in state:
        sys.modules["numpy"].random.set_state(state["numpy"])
