"""Runs the hub until Ctrl-C, and leaves no process of it behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path
from types import FrameType

from grader.engine.refusal import Refusal
from hub import runtime
from hub.classroom import CHECKOUT, Classroom

GRACE = 7.0
"""Seconds that the hub has for an orderly end: with the rest, Ctrl-C takes less than ten."""

_SUBREAPER = 36  # prctl's PR_SET_CHILD_SUBREAPER


class PortTaken(Refusal):
    """Something else listens where the hub should."""


def run(room: Classroom, ready: Callable[[], None]) -> int:
    """Start the hub, call `ready` once it answers, and wait. Its status, or 0 after Ctrl-C."""
    _require_free(room.port)
    with runtime.made(room) as sockets:
        return _run(room, ready, sockets)


def _run(room: Classroom, ready: Callable[[], None], sockets: Path) -> int:
    # Whatever a server leaves when it ends, a student's own background programs too, becomes a
    # child of this process, where it is found.
    ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, 1, 0, 0, 0)
    hub = subprocess.Popen(
        [str(room.python), "-m", "jupyterhub", "--config", str(_CONFIG)],
        cwd=room.hub,
        env=_environment(room, sockets),
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C comes here, and is passed on once
        umask=0o077,
    )
    asked = _asked_to_end()
    told = False
    try:
        while hub.poll() is None and not asked:
            with contextlib.suppress(subprocess.TimeoutExpired):
                hub.wait(timeout=0.5)
            if not told and _is_up(room.port):
                told = True
                ready()
        if asked:
            print("Ending the classroom.", flush=True)
            hub.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                hub.wait(timeout=GRACE)
    finally:
        _end_descendants()
    return 0 if asked else int(hub.wait())


_CONFIG = Path(__file__).resolve().parent / "jupyterhub_config.py"


def _is_up(port: int) -> bool:
    """Whether the hub behind the proxy is up."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/hub/health", timeout=1) as response:
            return bool(response.status == 200)
    except (OSError, HTTPException):
        return False


def _environment(room: Classroom, sockets: Path) -> dict[str, str]:
    ports = _free_ports(3)
    names = ("AUTOGRAD_CLASSROOM_HUB_PORT", "AUTOGRAD_CLASSROOM_PROXY_PORT")
    kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TERM") if name in os.environ}
    path = os.pathsep.join([str(room.python.parent), os.environ.get("PATH", os.defpath)])
    return {
        **kept,
        "PATH": path,
        "HOME": str(room.hub),
        "AUTOGRAD_CLASSROOM": str(room.record),
        "AUTOGRAD_CLASSROOM_PROGRAM": str(CHECKOUT),
        "AUTOGRAD_CLASSROOM_RUNTIME": str(sockets),
        "AUTOGRAD_CLASSROOM_SERVICE_PORT": str(ports[2]),
        **dict(zip(names, map(str, ports[:2]), strict=True)),
    }


def _asked_to_end() -> list[int]:
    """A list in which a signal appears when somebody asks for the end."""
    asked: list[int] = []

    def ask(number: int, frame: FrameType | None) -> None:
        asked.append(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ask)
    return asked


def _end_descendants() -> None:
    """End every process that came from here, until the kernel says that there is none.

    A look through /proc misses one whose parent ends during it: finding none proves nothing. But
    whoever loses a parent becomes a child of this process: without children, nobody is left.
    """
    until = time.monotonic() + 1.0
    while _has_children():
        deadly = signal.SIGTERM if time.monotonic() < until else signal.SIGKILL
        for pid in _descendants(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, deadly)
        time.sleep(0.05)


def _descendants(top: int) -> Iterator[int]:
    """Every living process below one, by the parents that the kernel knows."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                if state != "Z":
                    parents[int(entry.name)] = int(parent)
    for pid in parents:
        above = pid
        while above in parents and above != top:
            above = parents[above]
        if above == top and pid != top:
            yield pid


def _has_children() -> bool:
    """Whether a child lives, once those that have ended are reaped."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _require_free(port: int) -> None:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortTaken(
                f"Port {port} of this machine is taken.", "Name another: --port 8001"
            ) from error


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
