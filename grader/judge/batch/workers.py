"""Judges submissions in processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait

from grader.box.outside import sharing
from grader.box.outside.host import Lent
from grader.judge.batch.starting import METHOD, Loan, begin_fork_server, on_ctrl_c
from grader.judge.sitting.papers import Marked, Paper, Round

_LAST_CALL = 30.0
"""Seconds in which a worker that is let go must have ended its boxes."""


class Workers:
    """As many processes as there are jobs, each with boxes of its own, forked from one zygote."""

    def __init__(self, jobs: int) -> None:
        self.slots = jobs
        self._pool: ProcessPoolExecutor | None = None
        begin_fork_server()

    def submit(self, round_: Round, paper: Paper) -> Future[Marked]:
        """Have one submission judged."""
        try:
            with _ctrl_c_waits():  # a process that is not quite started could not be ended
                return self._running(round_).submit(judge, round_, paper)
        except BrokenExecutor as error:  # noticed now: the same as if it had come back
            lost: Future[Marked] = Future()
            lost.set_exception(error)
            return lost

    def renew(self) -> None:
        """New processes, after one of the old ones was lost."""
        self.close()

    def close(self) -> None:
        """End the processes, whatever they are doing, and their boxes with them."""
        if self._pool is not None:
            self._leash.close()
            self._loan.close()
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def _running(self, round_: Round) -> ProcessPoolExecutor:
        if self._pool is None:
            context = multiprocessing.get_context(METHOD)
            theirs, self._leash = context.Pipe(duplex=False)
            self._loan = Loan()
            self._pool = ProcessPoolExecutor(
                self.slots,
                mp_context=context,
                initializer=_begin,
                initargs=(theirs, self._loan.of(round_)),
            )
        return self._pool


@contextmanager
def _ctrl_c_waits() -> Iterator[None]:
    pressed = threading.Event()
    try:
        with on_ctrl_c(lambda number, frame: pressed.set()):
            yield
    finally:
        if pressed.is_set():
            signal.raise_signal(signal.SIGINT)


def judge(round_: Round, paper: Paper) -> Marked:
    """What a worker does. It loads torch there: the process that sends the work needs none."""
    from grader.judge.sitting.examiner import examine

    return examine(round_, paper)


def _begin(leash: Connection, lent: Lent | None) -> None:
    """Leave Ctrl-C to the process that started this one, and end when that lets go or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if lent is not None:
        sharing.borrow(lent)
    threading.Thread(target=_end_with, args=(leash,), daemon=True).start()


def _end_with(leash: Connection) -> None:
    """End this process whatever it is doing, and its boxes first if they can be ended in time."""
    wait([leash])  # the other end is closed: by that process, or by the kernel if it was killed
    late = threading.Timer(_LAST_CALL, os._exit, (1,))  # a zygote ends by itself, too
    late.daemon = True
    late.start()
    try:
        from grader.judge.sitting.examiner import own_examiner

        own_examiner().close()
    finally:
        os._exit(0)
