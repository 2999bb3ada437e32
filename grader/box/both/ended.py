"""Why a box stopped, or could not start: the causes and the exceptions that carry them."""

from __future__ import annotations

import enum
import os
import signal
from dataclasses import dataclass

from grader.engine.refusal import Refusal


class Cause(enum.Enum):
    """What ended a box. LOST is the machine's doing, never the submission's: try again."""

    EXITED = "exited"
    KILLED = "killed by a signal"
    MEMORY = "memory limit"
    TIME = "time limit"
    PROCESSES = "too many processes"
    FILES = "too many files"
    PROTOCOL = "protocol violated"
    CLOSED = "closed"
    LOST = "lost"


@dataclass(frozen=True)
class Ended:
    """Why a box ended: the cause, one sentence, and the last lines it wrote to its stderr."""

    cause: Cause
    sentence: str
    stderr: str = ""


class BoxEnded(Exception):
    """The box is gone, and with it all that the submission defined."""

    def __init__(self, ended: Ended) -> None:
        super().__init__(ended.sentence)
        self.ended = ended


class BoxRefused(Refusal):
    """No box can be made here: `what` says why, `cure` what to do about it."""


class CallInterrupted(Exception):
    """The call ran over its time and was interrupted. The box lives on."""


class CallFailed(Exception):
    """The handler raised. `kind` and `text` come from inside the box: not to be shown blindly."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind, self.text = kind, text


def from_wait_status(status: int) -> Ended:
    """What a wait status says of a process that ended on its own."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = f"signal {number}"
        return Ended(Cause.KILLED, f"The process was killed by {name}.")
    code = os.waitstatus_to_exitcode(status)
    return Ended(Cause.EXITED, f"The process exited with status {code}.")
