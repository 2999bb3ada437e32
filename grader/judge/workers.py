"""Judges submissions in processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from multiprocessing.connection import Connection, wait

from grader.judge.papers import Marked, Paper, Round

# Never forked from this process, which has threads. A fork server imports torch once for them all.
_METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"


class Workers:
    """As many processes as there are jobs, each with boxes of its own."""

    def __init__(self, jobs: int) -> None:
        self.slots = jobs
        self._start()

    def submit(self, round_: Round, paper: Paper) -> Future[Marked]:
        """Have one submission judged."""
        try:
            return self._pool.submit(judge, round_, paper)
        except BrokenExecutor as error:  # noticed now: the same as if it had come back
            lost: Future[Marked] = Future()
            lost.set_exception(error)
            return lost

    def renew(self) -> None:
        """New processes, after one of the old ones was lost."""
        self.close()
        self._start()

    def close(self) -> None:
        """End the processes, whatever they are doing, and their boxes with them."""
        self._leash.close()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _start(self) -> None:
        context = multiprocessing.get_context(_METHOD)
        if _METHOD == "forkserver":
            context.set_forkserver_preload(["grader.judge.examiner"])
        theirs, self._leash = context.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(
            self.slots, mp_context=context, initializer=_begin, initargs=(theirs,)
        )


def judge(round_: Round, paper: Paper) -> Marked:
    """What a worker does. It loads torch there: the process that sends the work needs none."""
    from grader.judge.examiner import examine

    return examine(round_, paper)


def _begin(leash: Connection) -> None:
    """Leave Ctrl-C to the process that started this one, and end when that lets go or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(leash,), daemon=True).start()


def _end_with(leash: Connection) -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([leash, parent.sentinel])
    from grader.judge.examiner import own_examiner

    own_examiner().close()
    os._exit(0)
