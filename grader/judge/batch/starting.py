"""What the processes that judge are forked from, and one zygote for all: begun before the rest."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from multiprocessing import forkserver
from types import FrameType
from typing import TYPE_CHECKING

from grader.box.both.ended import BoxRefused
from grader.box.both.settings import Level
from grader.box.outside import sharing
from grader.box.outside.boxes import plan_for
from grader.box.outside.host import Host, Lent

if TYPE_CHECKING:  # where a zygote is only begun, nothing of nbgrader's is needed yet
    from grader.judge.sitting.papers import Round


# Never forked from this process, which has threads. A fork server imports torch once for them all.
METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
_Handler = Callable[[int, FrameType | None], None] | signal.Handlers


def begin(isolation: str | None) -> None:
    """Begin what takes longest, beside all that its caller still has to load and to read.

    That is the fork server, and a zygote if one of the strongest level may be wanted.
    """
    if isolation in (None, "auto", Level.FULL.value):
        sharing.begin()
    begin_fork_server()


def begin_fork_server() -> None:
    """Start it deaf to Ctrl-C, which is for this process: while it imports it would die of it."""
    if METHOD == "forkserver":
        context = multiprocessing.get_context(METHOD)
        context.set_forkserver_preload(["grader.judge.sitting.loaded"])
        with on_ctrl_c(signal.SIG_IGN):
            forkserver.ensure_running()


@contextlib.contextmanager
def on_ctrl_c(handler: _Handler) -> Iterator[None]:
    """Have Ctrl-C do this, where it is the main thread that is asked for it."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Ctrl-C interrupts the main thread, and only there can a handler be set
        return
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Loan:
    """The zygote that some workers share. Safe to use from several threads.

    Each box belongs to the worker that asked for it, which alone has its descriptors.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = False
        self._zygote: Host | None = None
        self._lent: Lent | None = None

    def of(self, round_: Round) -> Lent | None:
        """What a worker of this round borrows; None where each has to start its own.

        Where no box can be made, each says so in its own time.
        """
        with self._lock, contextlib.suppress(BoxRefused):
            if not self._asked:
                self._asked = True
                plan = plan_for(round_.limits, round_.isolation, gpu=round_.device != "cpu")
                if plan.level is not Level.COLD:
                    self._zygote = sharing.own_zygote(plan)
                    self._lent = self._zygote.lend()
        return self._lent

    def close(self) -> None:
        """End the zygote, and every box with it."""
        with self._lock:
            if self._lent is not None:
                self._lent.close()
            if self._zygote is not None:
                self._zygote.close()
