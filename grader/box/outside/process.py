"""The process of one box, as the judge sees it: signals to it, and how it ended."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
from pathlib import Path

_LAST_WORD = 10.0  # seconds in which a killed box must be gone


class Gone(Exception):
    """The process was gone before it could be held."""


class Process:
    """Two processes of a box, by handles (pidfds): a process id could come to name another one.

    `leader` takes everything of the box along when it is killed; `worker` runs the submission.
    """

    def __init__(self, leader: int, worker: int, status: socket.socket) -> None:
        self.leader, self.worker, self._status = leader, worker, status
        self.pid = _pid_of(worker)

    def interrupt(self) -> None:
        """What Ctrl-C does. When this returns, the signal is pending or delivered."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.worker, signal.SIGINT)

    def kept_waiting(self) -> float:
        """Seconds for which the worker could have run and had no processor; 0 if nobody counts."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[1]) / 1e9
        return 0.0

    def kill(self) -> None:
        """End the box."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.leader, signal.SIGKILL)

    def wait(self) -> int | None:
        """The worker's wait status once all of the box is gone; None if the zygote is gone too."""
        poll = select.poll()
        poll.register(self._status, select.POLLIN)
        if not poll.poll(_LAST_WORD * 1000):
            return None
        try:
            message = self._status.recv(4096)
        except OSError:
            return None
        status = json.loads(message or b"{}").get("ended")
        return status if isinstance(status, int) else None

    def close(self) -> None:
        """Let go."""
        self._status.close()
        os.close(self.leader)
        os.close(self.worker)


def _pid_of(handle: int) -> int:
    """The process id behind a handle, as this process sees it. Raises Gone."""
    for line in Path(f"/proc/self/fdinfo/{handle}").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "Pid" and int(value) > 0:
            return int(value)
    raise Gone
