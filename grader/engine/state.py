"""The settings of torch and Python that a learner's code may leave changed: noticed and undone."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from grader.engine.generators import Generators

_C: Any = torch._C
_modules: Any = torch.nn.modules.module
_GLOBAL_HOOKS = (
    "_global_forward_hooks",
    "_global_forward_pre_hooks",
    "_global_backward_hooks",
    "_global_backward_pre_hooks",
)
_NONE = object()


@dataclass(frozen=True)
class Setting:
    """One global setting: how it is read and written, what its change is called, and its default.

    What has no default is left as a notebook has it, and put back to that after every call.
    """

    effect: str
    read: Callable[[], Any]
    write: Callable[[Any], None]
    told: Callable[[Any], str]
    default: Any = _NONE


def _autocast() -> tuple[bool, bool]:
    return torch.is_autocast_enabled("cpu"), torch.is_autocast_enabled("cuda")


def _set_autocast(enabled: tuple[bool, bool]) -> None:
    torch.set_autocast_enabled("cpu", enabled[0])
    torch.set_autocast_enabled("cuda", enabled[1])
    torch.clear_autocast_cache()


def _saved_tensors_hooks() -> Any:
    return _C._autograd._top_saved_tensors_default_hooks(False)


def _drop_saved_tensors_hooks(top: Any) -> None:
    while (now := _saved_tensors_hooks()) is not None and now != top:
        _C._autograd._pop_saved_tensors_default_hooks()


def _global_hooks() -> tuple[frozenset[int], ...]:
    return tuple([frozenset(getattr(_modules, kind)) for kind in _GLOBAL_HOOKS])


def _drop_global_hooks(kept: tuple[frozenset[int], ...]) -> None:
    for kind, ids in zip(_GLOBAL_HOOKS, kept, strict=True):
        hooks = getattr(_modules, kind)
        for added in set(hooks) - ids:
            del hooks[added]


def _deterministic() -> tuple[bool, bool]:
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )


def _set_deterministic(mode: tuple[bool, bool]) -> None:
    torch.use_deterministic_algorithms(mode[0], warn_only=mode[1])


def _anomaly() -> tuple[bool, bool]:
    return torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()


SETTINGS = (
    Setting(
        "hooks",
        _saved_tensors_hooks,
        _drop_saved_tensors_hooks,
        lambda now: "hooks on saved tensors were left on",
    ),
    Setting(
        "hooks",
        _global_hooks,
        _drop_global_hooks,
        lambda now: "hooks on all modules were left on",
    ),
    Setting(
        "default_dtype",
        torch.get_default_dtype,
        torch.set_default_dtype,
        lambda now: f"the default dtype is now {now}",
        torch.float32,
    ),
    Setting(
        "anomaly",
        _anomaly,
        lambda mode: torch.set_anomaly_enabled(*mode),
        lambda now: f"anomaly detection was left {'on' if now[0] else 'off'}",
        (False, True),
    ),
    Setting(
        "deterministic",
        _deterministic,
        _set_deterministic,
        lambda now: "torch.use_deterministic_algorithms was switched",
        (False, False),
    ),
    Setting(
        "autocast",
        _autocast,
        _set_autocast,
        lambda now: "autocast was left on",
        (False, False),
    ),
)


_WITH_DEFAULT = tuple([setting for setting in SETTINGS if setting.default is not _NONE])
_DEFAULTS = [setting.default for setting in _WITH_DEFAULT]


def _read(settings: Sequence[Setting]) -> list[Any]:
    return [setting.read() for setting in settings]


def _write(settings: Sequence[Setting], values: Sequence[Any], others: Sequence[Any]) -> None:
    """Write those of the values that are not the other ones."""
    for setting, value, other in zip(settings, values, others, strict=True):
        if value != other:
            setting.write(value)


class Modes:
    """torch's modes, the default device among them: what is on sees every call of torch."""

    def __init__(self) -> None:
        self.functions: Sequence[Any] = ()
        self.dispatches: Sequence[Any] = ()
        if functions := _C._len_torch_function_stack():
            self.functions = [_C._get_function_stack_at(i) for i in range(functions)]
        if dispatches := _C._len_torch_dispatch_stack():
            self.dispatches = [_C._get_dispatch_stack_at(i) for i in range(dispatches)]
        self.device = getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None)

    def restore(self, effects: dict[str, str] | None = None) -> None:
        """Put back the modes that were on, without calling any operation under those that are."""
        now = Modes()
        if now == self:
            return
        if effects is not None and now.device is not self.device:
            spoken = "cpu" if now.device is None else now.device.device
            effects["default_device"] = f"the default device is now {spoken}"
        elif effects is not None:
            effects["modes"] = "a mode of torch was left on"
        for _ in now.functions:
            _C._pop_torch_function_stack()
        for _ in now.dispatches:
            _C._pop_torch_dispatch_stack(None)
        for mode in self.functions:
            _C._push_on_torch_function_stack(mode)
        for mode in self.dispatches:
            _C._push_on_torch_dispatch_stack(mode)
        torch._GLOBAL_DEVICE_CONTEXT.device_context = self.device

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Modes) or other.device is not self.device:
            return False
        if not (self.functions or self.dispatches or other.functions or other.dispatches):
            return True
        return self._ids() == other._ids()

    def _ids(self) -> tuple[int, ...]:
        return *map(id, self.functions), 0, *map(id, self.dispatches)


def no_inference() -> AbstractContextManager[Any]:
    """Leaves inference mode for a while, where it is on."""
    return torch.inference_mode(False) if torch.is_inference_mode_enabled() else nullcontext()


@contextlib.contextmanager
def defaults() -> Iterator[None]:
    """Run under torch's own defaults, whatever a notebook has set, and set it again afterwards."""
    modes = Modes()
    device = modes.device
    if device is not None:
        torch.set_default_device(None)
    found = _read(_WITH_DEFAULT)
    try:
        _write(_WITH_DEFAULT, _DEFAULTS, found)
        with no_inference(), torch.enable_grad():
            yield
    finally:
        _write(_WITH_DEFAULT, found, _DEFAULTS)
        modes.restore()


@contextlib.contextmanager
def watched(effects: dict[str, str]) -> Iterator[None]:
    """Note in `effects` which settings and random generators the code inside changes; undo it.

    Python's own settings (output streams, recursion limit, tracing) are put back in silence.
    """
    python, modes = _Python(), Modes()
    before = _read(SETTINGS)
    drawn = Generators()
    drawn.keep()
    moved = drawn.moved()
    with torch.inference_mode(False), torch.enable_grad():
        try:
            yield
        finally:
            python.restore()
            modes.restore(effects)
            if torch.is_inference_mode_enabled():
                effects["inference_mode"] = "inference mode was left on"
            elif not torch.is_grad_enabled():
                effects["grad_mode"] = "gradient recording was left switched off"
            now = _read(SETTINGS)
            for setting, value, kept in zip(SETTINGS, now, before, strict=True):
                if value != kept:
                    effects.setdefault(setting.effect, setting.told(value))
                    setting.write(kept)
            if Generators() != moved:
                effects["rng"] = "its state is another one than before"
            drawn.put_back()


@contextlib.contextmanager
def watched_call(effects: dict[str, str]) -> Iterator[None]:
    """Note in `effects` what one call leaves otherwise: modes, recording, random generators.

    Modes and recording are put back. The generators are left where they are, as draws that follow
    may be meant to go on there, and inference mode is left to `watched`: its guard, ended here,
    would put autocast back unread.
    """
    limit, modes, drawn = sys.getrecursionlimit(), Modes(), Generators()
    recording, inference = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
    try:
        yield
    finally:
        # Under a very low limit no Python function could be called below, and a mode that was left
        # on would see what is read here.
        if sys.getrecursionlimit() != limit:
            sys.setrecursionlimit(limit)
        modes.restore(effects)
        if torch.is_inference_mode_enabled() and not inference:
            effects.setdefault("inference_mode", "inference mode was left on")
        elif torch.is_grad_enabled() != recording:
            word = "off" if recording else "on"
            effects.setdefault("grad_mode", f"gradient recording was left switched {word}")
            torch.set_grad_enabled(recording)
        if Generators() != drawn:
            effects.setdefault("rng", "its state is another one than before")


@contextlib.contextmanager
def exit_raises() -> Iterator[None]:
    """Let IPython's exit() raise SystemExit, as Python's does, and not end the kernel."""
    ipython: Any = sys.modules.get("IPython.core.interactiveshell")
    shell = None if ipython is None else ipython.InteractiveShell._instance
    if shell is None:
        yield
        return

    def ask_exit() -> None:
        raise SystemExit

    shell.ask_exit = ask_exit
    try:
        yield
    finally:
        vars(shell).pop("ask_exit", None)


class _Python:
    """Settings of Python that are put back without a word."""

    def __init__(self) -> None:
        self.streams = sys.stdout, sys.stderr
        self.limit = sys.getrecursionlimit()
        self.tracer, self.profiler = sys.gettrace(), sys.getprofile()

    def restore(self) -> None:
        if sys.getrecursionlimit() != self.limit:
            sys.setrecursionlimit(self.limit)
        sys.stdout, sys.stderr = self.streams
        if sys.gettrace() is not self.tracer:
            sys.settrace(self.tracer)
        if sys.getprofile() is not self.profiler:
            sys.setprofile(self.profiler)
