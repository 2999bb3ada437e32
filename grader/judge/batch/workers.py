"""Does errands in processes of this machine, each within its time."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from grader.box.both.ended import BoxRefused
from grader.box.outside import sharing
from grader.box.outside.host import Lent
from grader.judge.batch.errands import Clock, Errand, ErrandFailed, OutOfTime
from grader.judge.batch.starting import METHOD, Loan, begin_fork_server
from grader.judge.sitting.papers import Round

T = TypeVar("T")

_LAST_CALL = 30.0
"""Seconds in which a worker that is let go must have ended its boxes."""
_TO_START = 300.0
"""Seconds in which a worker must have loaded what it needs."""
_READY, _WAITS, _GOES_ON, _DONE, _FAILED, _REFUSED = range(6)
"""What a worker says, each with a value."""


class WorkerLost(BrokenExecutor):
    """A worker ended; `at_work` if it had begun to handle a submission."""

    def __init__(self, at_work: bool) -> None:
        super().__init__(at_work)
        self.at_work = at_work

    def __str__(self) -> str:
        return "a process that judges ended"


@dataclass(frozen=True)
class _Job:
    errand: Errand[Any]
    round: Round
    clock: Clock
    future: Future[Any]


class Workers:
    """As many processes as there are jobs, each with boxes of its own, forked from one zygote.

    A worker that ends, or that takes longer over a submission than its clock allows, is replaced;
    nobody else's submission notices.
    """

    def __init__(self, jobs: int, *, judging: bool = True) -> None:
        """`judging` says that they need boxes, and so one zygote: not for reading and drawing."""
        self.slots = jobs
        self._judging = judging
        begin_fork_server()
        self._context: Any = multiprocessing.get_context(METHOD)
        self._loan = Loan()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._leashed, self._leash = self._context.Pipe(duplex=False)
        self._closed = False
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(jobs)]
        for thread in self._threads:
            thread.start()

    def submit(self, errand: Errand[T], round_: Round, clock: Clock) -> Future[T]:
        """Have one errand done. It may end in WorkerLost, OutOfTime, BoxRefused, ErrandFailed."""
        future: Future[T] = Future()
        self._jobs.put(_Job(errand, round_, clock, future))
        return future

    def close(self) -> None:
        """End the processes, whatever they are doing, and their boxes with them."""
        if self._closed:
            return
        self._closed = True
        for _ in self._threads:
            self._jobs.put(None)
        self._leash.close()
        self._loan.close()
        for thread in self._threads:
            thread.join()
        self._leashed.close()

    def _work(self) -> None:
        """Give one worker after another what there is to do."""
        worker: _Worker | None = None
        while True:
            job = self._jobs.get()
            if job is None or self._closed:
                break
            try:
                if worker is None:
                    lent = self._loan.of(job.round) if self._judging else None
                    worker = _Worker(self._context, self._leashed, lent)
                result = worker.do(job)
            except (BoxRefused, ErrandFailed) as error:  # the worker is as good as before
                job.future.set_exception(error)
            except BaseException as error:
                if worker is not None:
                    worker.kill()
                worker = None
                job.future.set_exception(error)
            else:
                job.future.set_result(result)
        if worker is not None:
            worker.end()


class _Worker:
    """One process, seen from the thread that sends it errands."""

    def __init__(self, context: Any, leash: Connection, lent: Lent | None) -> None:
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, leash, lent))
        self._process.start()
        theirs.close()  # so that the worker's end is noticed
        self._round: Round | None = None
        self._is_ready = False

    def do(self, job: _Job) -> Any:
        """Have an errand done within its clock, which is charged for it."""
        at_work = False
        try:
            if not self._is_ready:
                self._hear(_TO_START, job)
                self._is_ready = True
            # Forms may be large: a worker keeps those that it was sent last.
            self._pipe.send((None if job.round is self._round else job.round, job.errand))
            self._round, at_work = job.round, True
            return self._await(job)
        except (EOFError, OSError) as error:
            raise WorkerLost(at_work) from error

    def kill(self) -> None:
        """End it at once; its boxes end with it."""
        self._process.kill()
        self.end()

    def end(self) -> None:
        """Let go of a process that ends, or was told to."""
        self._process.join(2 * _LAST_CALL)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._pipe.close()

    def _await(self, job: _Job) -> Any:
        clock, starting = job.clock, 2 * job.round.limits.start
        while True:
            before = time.monotonic()
            said, value = self._hear(clock.left, job)
            clock.spend(time.monotonic() - before)
            if said == _WAITS:
                before = time.monotonic()
                self._hear(starting, job)
                starting = max(0.0, starting - (time.monotonic() - before))
            elif said == _DONE:
                return value
            elif said == _REFUSED:
                raise BoxRefused(*value)
            else:
                raise ErrandFailed(value)

    def _hear(self, seconds: float, job: _Job) -> tuple[int, Any]:
        if not self._pipe.poll(seconds):
            job.clock.spend(job.clock.left)
            raise OutOfTime(job.clock.whole)
        message: tuple[int, Any] = self._pipe.recv()
        return message


def _serve(pipe: Connection, leash: Connection, lent: Lent | None) -> None:
    """What a worker does: one errand after the other, until it is let go."""
    _begin(leash, lent)
    pipe.send((_READY, None))
    round_: Round | None = None

    @contextmanager
    def pause() -> Iterator[None]:
        pipe.send((_WAITS, None))
        try:
            yield
        finally:
            pipe.send((_GOES_ON, None))

    with contextlib.suppress(EOFError, OSError):
        while True:
            sent, errand = pipe.recv()
            round_ = sent or round_
            assert round_ is not None
            pipe.send_bytes(_done(errand, round_, pause))


def _done(errand: Errand[Any], round_: Round, pause: Callable[[], Any]) -> bytes:
    """What there is to say of an errand, whatever came of it."""
    try:
        return pickle.dumps((_DONE, errand(round_, pause)))
    except BoxRefused as refusal:
        return pickle.dumps((_REFUSED, (refusal.what, refusal.cure)))
    except Exception as error:
        return pickle.dumps((_FAILED, f"{type(error).__name__}: {error}"[:2000]))


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
