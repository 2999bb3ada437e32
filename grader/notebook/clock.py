"""Stops what does not come to an end: one call of an answer in a learner's own notebook."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

from grader.diagnosis.messages import say

SECONDS = 20.0
"""How long one call may take unless a learner gives it more."""

_AGAIN = 2.0
"""After how many seconds a stop is tried again: an answer may catch the first."""

_IMPORT = 120.0
"""How long a stop waits for parts of torch to be imported: not all can be a second time."""


@dataclass
class Clock:
    """Whether the time of the call that it watched was up."""

    seconds: float | None
    is_up: bool = False


@contextlib.contextmanager
def limited(seconds: float | None) -> Iterator[Clock]:
    """Raise KeyboardInterrupt in the code inside once its seconds are over; None is no limit.

    Only the main thread of a process on Linux or macOS can be interrupted by a timer. Elsewhere the
    code goes on, and a line says how to stop it.
    """
    clock = Clock(seconds)
    if seconds is None:
        yield clock
    elif hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
        with _interrupted(clock, seconds):
            yield clock
    else:
        with _told(seconds):
            yield clock


@contextlib.contextmanager
def _interrupted(clock: Clock, seconds: float) -> Iterator[None]:
    importing: set[str] = set()
    latest = time.monotonic() + seconds + _IMPORT

    def stop(number: int, frame: FrameType | None) -> None:
        halves = _being_imported()
        if any(half.partition(".")[0] == "torch" for half in halves) and time.monotonic() < latest:
            return  # tried again after _AGAIN
        clock.is_up = True
        importing.update(halves)
        raise KeyboardInterrupt

    handler: Any = signal.signal(signal.SIGALRM, stop)
    before, interval = signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if importing:
            _forget(importing - ({*sys.modules} - _being_imported()))
        if before:  # somebody else's timer goes on from where it was
            signal.setitimer(signal.ITIMER_REAL, before, interval)


def _being_imported() -> set[str]:
    """The modules whose own code runs at this moment."""
    specs = {name: getattr(module, "__spec__", None) for name, module in [*sys.modules.items()]}
    return {name for name, spec in specs.items() if getattr(spec, "_initializing", False)}


def _forget(halves: set[str]) -> None:
    """Let packages be imported anew whose import was stopped: Python keeps the parts that ended."""
    for name in [*sys.modules]:
        if any(name == half or name.startswith(f"{half}.") for half in halves):
            del sys.modules[name]


@contextlib.contextmanager
def _told(seconds: float) -> Iterator[None]:
    out = sys.stderr
    told = say("CHECK.running", seconds=seconds)
    timer = threading.Timer(seconds, lambda: print(told, file=out, flush=True))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
