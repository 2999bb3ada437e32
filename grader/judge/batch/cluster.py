"""Judges submissions on the machines of a Dask cluster, which must be trusted like this one.

They are sent the assignment's secret, and they hold the keys. Submissions are read, and their
feedback is drawn, on this machine.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from grader.judge.batch.errands import Clock, Errand, Judge
from grader.judge.batch.pool import WorkersLost
from grader.judge.batch.workers import Workers
from grader.judge.sitting.papers import Round

if TYPE_CHECKING:
    from distributed import Client

T = TypeVar("T")

_SECONDS_TO_CONNECT = 20


class Cluster:
    """The workers of the scheduler at an address such as tcp://host:8786 or tls://host:8786."""

    def __init__(self, address: str) -> None:
        """Connect to it. Raises WorkersLost."""
        self._address = address
        try:
            from distributed import Client
        except ImportError as error:
            raise WorkersLost(
                "--scheduler needs dask.distributed, which is not installed.",
                "python -m pip install -e '.[scale]' -c constraints.txt",
            ) from error
        try:
            self._client: Client = Client(address, timeout=_SECONDS_TO_CONNECT)
        except (OSError, ValueError) as error:
            raise self._gone(str(error)) from error
        threads: dict[str, int] = self._client.nthreads()
        self.slots = sum(threads.values())
        if not self.slots:
            self._client.close()
            raise WorkersLost(
                f"The scheduler at {address} has no workers.", f"Start some: dask worker {address}"
            )
        self._executor: Any = self._client.get_executor(pure=False)
        self._here = Workers(min(self.slots, len(os.sched_getaffinity(0))), judging=False)

    def submit(self, errand: Errand[T], round_: Round, clock: Clock) -> Future[T]:
        """Have one errand done: judging there, all else here.

        A machine that is lost is Dask's to replace.
        """
        if not isinstance(errand, Judge):
            return self._here.submit(errand, round_, clock)
        if self._client.status != "running":
            raise self._gone(str(self._client.status))
        judged: Future[T] = Future()

        def arrived(done: Future[tuple[float, T]]) -> None:
            error = done.exception()
            if error is not None:
                judged.set_exception(error)
                return
            clock.left, result = done.result()
            judged.set_result(result)

        self._executor.submit(_judge_there, errand, round_, clock).add_done_callback(arrived)
        return judged

    def close(self) -> None:
        """Take back what is not done yet, and leave the cluster."""
        self._executor.shutdown(wait=False)
        self._client.close()
        self._here.close()

    def _gone(self, why: str) -> WorkersLost:
        return WorkersLost(
            f"The scheduler at {self._address} does not answer: {why}",
            "Start it, or look at the address; then start this again: what is graded already stays "
            "graded.",
        )


_there = threading.local()


def _judge_there(errand: Errand[T], round_: Round, clock: Clock) -> tuple[float, T]:
    """Judge on a machine of the cluster, in a process that can be ended; what is left of the time.

    Each thread of Dask's has one such process.
    """
    if not hasattr(_there, "workers"):
        # Dask marks its processes so that they take none along that they started. Ours end by
        # themselves.
        multiprocessing.current_process().daemon = False
        _there.workers = Workers(1)
        atexit.register(_there.workers.close)
    result: T = _there.workers.submit(errand, round_, clock).result()
    return clock.left, result
