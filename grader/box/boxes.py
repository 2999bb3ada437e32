"""The pool that makes boxes: one zygote, forked once per submission."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import select
import socket
import tempfile
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

from grader.box.box import Box, Handles
from grader.box.cgroups import Group, Groups
from grader.box.ended import BoxEnded, BoxRefused
from grader.box.host import CURES, Host, Plan, ZygoteLost
from grader.box.limits import Limits
from grader.box.sandbox import WORK
from grader.box.settings import Level
from grader.box.users import user_for
from grader.box.watchdog import Census, Watchdog


class Boxes:
    """Makes boxes; use it as a context manager. Safe to use from several threads.

    `isolation` is "auto" (the strongest level this machine allows), "full", "cold", "landlock" or
    "none". `handler` names a module whose `answer` serves `Box.call`; `visible` are further folders
    to import it from. `bare` boxes know no IPython and no torch and start at once: for trying what the walls hold.
    Raises BoxRefused, with the cure, where no box can be made.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        isolation: str = "auto",
        *,
        handler: str | None = "grader.box.observing",
        visible: Iterable[str | Path] = (),
        gpu: bool = False,
        bare: bool = False,
    ) -> None:
        limits = limits or Limits()
        if isolation == "auto":
            from grader.box.probe import probe

            level = probe().require()
        else:
            level = Level(isolation)
        folders = tuple(str(Path(folder).resolve()) for folder in visible)
        self.plan = Plan(level, limits, handler, folders, gpu, bare)
        self._lock = threading.Lock()
        self._host: Host | None = None
        self._watchdog = Watchdog()
        self._maker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="next-box")
        self._spares: list[Box] = []
        self._living: set[Box] = set()
        self._numbers = itertools.count()
        self._groups: Groups | None = None
        with contextlib.suppress(OSError):
            self._groups = Groups(limits)

    @property
    def level(self) -> Level:
        """The level of isolation in force."""
        return self.plan.level

    def __enter__(self) -> Boxes:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every box and the zygote."""
        self._maker.shutdown(cancel_futures=True)
        for box in list(self._living):
            box.close()
        self._watchdog.close()
        with self._lock:
            if self._host is not None:
                self._host.close()
                self._host = None
        if self._groups is not None:
            self._groups.close()

    def open(self, files: Mapping[str, bytes] | None = None) -> Box:
        """A new box with these files in its working folder. Raises BoxRefused, ValueError."""
        box = self._take_spare()
        self._maker.submit(self._make_spare)
        if box is not None:
            with contextlib.suppress(BoxEnded):  # its zygote died while it waited
                return _filled(box, files or {})
        return _filled(self._ready(), files or {})

    def _take_spare(self) -> Box | None:
        with self._lock:
            return self._spares.pop() if self._spares else None

    def _make_spare(self) -> None:
        """Make the next box while the present ones work. What fails here, `open` will report."""
        if len(self._spares) < max(1, (len(self._living) + 1) // 2):
            with contextlib.suppress(BoxRefused):
                box = self._ready()
                with self._lock:
                    self._spares.append(box)

    def _ready(self) -> Box:
        """A box that has walled itself in and waits for work."""
        box: Box | None = None
        try:
            box = self._make()
            box.put({})
            # Only now, walled in, has it a /proc of its own.
            box.count_by(_census(self.level, box.pid))
            with contextlib.suppress(OSError):
                # If the machine runs out of memory, a box goes before anything else.
                Path(f"/proc/{box.pid}/oom_score_adj").write_text("1000")
        except BoxEnded as death:
            what = f"a new box ended at once: {death.ended.sentence} {death.ended.said}".strip()
            raise BoxRefused(what, CURES[self.level]) from None
        except BoxRefused as refusal:
            raise BoxRefused(refusal.what, refusal.cure or CURES[self.level]) from None
        except BaseException:
            if box is not None:
                box.close()
            raise
        return box

    def _make(self) -> Box:
        said = ""
        for _ in range(3):
            host = self._zygote()
            try:
                return self._fork(host)
            except ZygoteLost as loss:
                said = f"{loss} {host.said()}"
                self._forget(host)
        raise BoxRefused(f"zygotes die as soon as they start: {said}", "Free some memory.")

    def _zygote(self) -> Host:
        """The running zygote, or a new one. A cold worker serves one box only."""
        if self.plan.level is Level.COLD:
            return Host(self.plan)
        with self._lock:
            if self._host is None:
                self._host = Host(self.plan)
            return self._host

    def _forget(self, host: Host) -> None:
        """A zygote that was lost: the next box gets another."""
        with self._lock:
            if self._host is host:
                self._host = None
        host.close()

    def _fork(self, host: Host) -> Box:
        number = next(self._numbers)
        uid = user_for(number) if self.level is not Level.NONE else None
        home, made = WORK, None
        if host.folder is not None:
            home = made = tempfile.mkdtemp(dir=host.folder)
            if uid is not None:
                os.chown(home, uid, uid)
        status, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pipes = [os.pipe() for _ in range(4)]
        requests, replies, out, err = pipes
        given = [requests[0], replies[1], out[1], err[1]]
        try:
            host.open(home, uid, [theirs.fileno(), *given])
            leader, worker = _await_start(status, host.plan.limits.start)
        except BaseException:
            status.close()
            for fd in (requests[1], replies[0], out[0], err[0]):
                os.close(fd)
            raise
        finally:
            theirs.close()
            for fd in given:
                os.close(fd)
        handles = Handles(leader, worker, status, requests[1], replies[0], out[0], err[0])
        return self._adopt(host, handles, made)

    def _adopt(self, host: Host, handles: Handles, made: str | None) -> Box:
        """Put a fresh process under watch and into a control group, before it runs anything."""
        pid = _pid_of(handles.worker)
        group: Group | None = None
        if self._groups is not None:
            group = self._groups.make()
            group.add(pid)
        alone = host if self.level is Level.COLD else None

        def closed(box: Box) -> None:
            self._watchdog.discard(box)
            self._living.discard(box)
            if alone is not None:
                alone.close()

        box = Box(handles, pid, self.plan.limits, group, made, closed)
        self._living.add(box)
        self._watchdog.add(box)
        return box


def _filled(box: Box, files: Mapping[str, bytes]) -> Box:
    try:
        box.put(files)
    except BaseException:
        box.close()
        raise
    return box


def _await_start(status: socket.socket, seconds: float) -> tuple[int, int]:
    """Handles of the box's leader and worker. Raises ZygoteLost or BoxRefused."""
    poll = select.poll()
    poll.register(status, select.POLLIN)
    if not poll.poll(seconds * 1000):
        raise BoxRefused("the zygote does not answer", "Is this machine overloaded?")
    try:
        message, fds, _, _ = socket.recv_fds(status, 4096, 2, socket.MSG_CMSG_CLOEXEC)
    except OSError as error:
        raise ZygoteLost(str(error)) from None
    if len(fds) == 2:
        return fds[0], fds[1]
    if not message:
        raise ZygoteLost("it closed its socket")
    raise BoxRefused(f"a box cannot be forked: {json.loads(message)['error']}", "")


def _pid_of(handle: int) -> int:
    """The process id behind a handle, as this process sees it."""
    for line in Path(f"/proc/self/fdinfo/{handle}").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "Pid":
            return int(value)
    raise ZygoteLost("a box ended before it began")


def _census(level: Level, pid: int) -> Census:
    """The box's own /proc, entered from outside; the process alone where it has none."""
    own = level in (Level.FULL, Level.COLD)
    folder = f"/proc/{pid}/root/proc" if own else "/proc"
    return Census(os.open(folder, os.O_RDONLY | os.O_DIRECTORY), None if own else [str(pid)])
