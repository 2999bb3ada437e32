"""How a box ended, from what is known of it afterwards."""

from __future__ import annotations

from grader.box.both.ended import Cause, Ended, from_wait_status
from grader.box.both.limits import MIB, Limits
from grader.box.outside.watchdog import Guard

_SENTENCES = {
    Cause.MEMORY: "It used more than {memory:,} MiB of memory.",
    Cause.PROCESSES: "It ran {processes} processes and threads at once, as many as a box may.",
    Cause.FILES: "It kept more than {files:,} MiB of files.",
    Cause.CLOSED: "The box was closed.",
    Cause.LOST: "The process that boxes are forked from is gone.",
}


def ending(
    cause: Cause | None, sentence: str, wait_status: int | None, guard: Guard, limits: Limits
) -> Ended:
    """The end of a box: the judge's own reason if it had one, else what the system says."""
    if cause is None:
        cause = guard.stopped
    if cause is None and guard.killed_for_memory():
        cause = Cause.MEMORY
    if cause is None:
        if wait_status is not None:
            return from_wait_status(wait_status)
        cause = Cause.LOST
    told = _SENTENCES.get(cause, "").format(
        memory=limits.memory // MIB, files=limits.files // MIB, processes=limits.processes
    )
    return Ended(cause, sentence or told)
