"""Makes boxes for one pool: keeps a zygote, has it fork, puts each fork under watch."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import socket
import tempfile
import threading
from pathlib import Path

from grader.box.both.ended import BoxEnded, BoxRefused
from grader.box.both.settings import WORK, Level
from grader.box.both.syscalls import receive_with_files
from grader.box.outside.box import Box, Pipes
from grader.box.outside.cgroups import Group, Groups
from grader.box.outside.host import CURES, Host, Lent, Plan, ZygoteLost
from grader.box.outside.process import Gone, Process
from grader.box.outside.sharing import zygote
from grader.box.outside.users import next_user
from grader.box.outside.watchdog import Census, Guard, Watchdog

_TRIES = 3


class Maker:
    """Makes the boxes of one plan, and ends them all. Safe to use from several threads."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.living: set[Box] = set()
        self._lock = threading.Lock()
        self._host: Host | Lent | None = None
        self._closed = False
        self._drawing: Host | Lent | None = None
        self._watchdog = Watchdog()
        self._groups: Groups | None = None
        with contextlib.suppress(OSError):  # the watchdog bounds memory instead
            self._groups = Groups(plan.limits)

    def make(self) -> Box:
        """A box that has walled itself in and waits for work. Raises BoxRefused."""
        cure = CURES[self.plan.level]
        box: Box | None = None
        try:
            box = self._start()
            box.put({})
            # Only now, walled in, has it a /proc of its own.
            box.guard.count_by(_census(self.plan.level, box.pid))
            with contextlib.suppress(OSError):
                # If the machine runs out of memory, a box goes before anything else.
                Path(f"/proc/{box.pid}/oom_score_adj").write_text("1000")
        except BoxEnded as death:
            what = f"a new box ended at once: {death.ended.sentence} {death.ended.stderr}".strip()
            raise BoxRefused(what, cure) from None
        except OSError as error:
            if box is not None:
                box.close()
            raise BoxRefused(f"a new box cannot be made or watched: {error}", cure) from None
        except BoxRefused as refusal:
            raise BoxRefused(refusal.what, refusal.cure or cure) from None
        except BaseException:
            if box is not None:
                box.close()
            raise
        return box

    def will_draw(self) -> None:
        """Cells will draw: a zygote that makes several boxes imports once what that needs."""
        if self.plan.level is Level.COLD:
            return
        with contextlib.suppress(ZygoteLost, BoxRefused):  # whoever wants a box is told
            host = self._zygote()
            if host is not self._drawing:
                host.will_draw()
                self._drawing = host

    def close(self) -> None:
        """End every box, those in use by other threads too, the zygote and the watch."""
        self._closed = True
        for box in list(self.living):
            box.close()
        self._watchdog.close()
        with self._lock:
            if self._host is not None:
                self._host.close()
                self._host = None
        if self._groups is not None:
            self._groups.close()

    def _start(self) -> Box:
        reason = ""
        for _ in range(_TRIES):
            host = self._zygote()
            try:
                return self._fork(host)
            except ZygoteLost as loss:
                self._forget(host)
                reason = f"{loss} {host.last_stderr()}"
            except BaseException:
                if self.plan.level is Level.COLD:
                    host.close()
                raise
        raise BoxRefused(f"zygotes die as soon as they start: {reason}", "Free some memory.")

    def _zygote(self) -> Host | Lent:
        """The running zygote, or a new one. A cold worker serves one box only."""
        if self._closed:
            raise BoxRefused("the boxes were closed", "")
        if self.plan.level is Level.COLD:
            return Host(self.plan)
        with self._lock:
            if self._host is None or self._host.control.fileno() < 0:  # it never became ready
                self._host = zygote(self.plan)
            return self._host

    def _forget(self, host: Host | Lent) -> None:
        """A zygote that was lost: the next box gets another."""
        with self._lock:
            if self._host is host:
                self._host = None
        host.close()

    def _fork(self, host: Host | Lent) -> Box:
        uid = next_user() if self.plan.level is not Level.NONE else None
        own = _own_folder(host, uid)
        status, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        requests, replies, out, err = (os.pipe() for _ in range(4))
        ours = Pipes(requests[1], replies[0], out[0], err[0])
        given = [requests[0], replies[1], out[1], err[1]]
        try:
            try:
                host.open(own or WORK, uid, [theirs.fileno(), *given])
            finally:
                # Ours must be closed: it is the last one's closing that tells of the zygote's end.
                theirs.close()
                for fd in given:
                    os.close(fd)
            process = _await_start(status, self.plan.limits.start)
        except BaseException:
            status.close()
            ours.close()
            raise
        return self._adopt(host, process, ours, own)

    def _adopt(self, host: Host | Lent, process: Process, pipes: Pipes, own: str | None) -> Box:
        """Put a fresh process into a control group and under watch, before it runs anything."""
        group = self._group_for(process.pid)

        def closed(box: Box) -> None:
            self._watchdog.discard(box.guard)
            self.living.discard(box)
            if group is not None:
                group.remove()
            if own is not None:
                shutil.rmtree(own, ignore_errors=True)
            if self.plan.level is Level.COLD:
                host.close()

        guard = Guard(process, self.plan.limits, group, own)
        box = Box(process, pipes, self.plan.limits, guard, closed)
        self.living.add(box)
        self._watchdog.add(guard)
        if self._closed:  # by another thread, which may not have seen this box
            box.close()
        return box

    def _group_for(self, pid: int) -> Group | None:
        """A control group with this process in it; None where the watchdog must do."""
        if self._groups is None:
            return None
        try:
            group = self._groups.make()
        except OSError:
            return None
        try:
            group.add(pid)
        except OSError:
            group.remove()
            return None
        return group


def _own_folder(host: Host | Lent, uid: int | None) -> str | None:
    """Where there is no wall to mount one behind: a working folder on disk, the box's own."""
    if host.folder is None:
        return None
    try:
        folder = tempfile.mkdtemp(dir=host.folder)
    except FileNotFoundError:
        raise ZygoteLost("its folder is gone") from None
    if uid is not None:
        os.chown(folder, uid, uid)
    return folder


def _await_start(status: socket.socket, seconds: float) -> Process:
    """The box's process, once it is forked. Raises ZygoteLost or BoxRefused."""
    poll = select.poll()
    poll.register(status, select.POLLIN)
    if not poll.poll(seconds * 1000):
        raise BoxRefused("the zygote does not reply", "Is this machine overloaded?")
    try:
        message, fds = receive_with_files(status, 4096, 2)
    except OSError as error:
        raise ZygoteLost(str(error)) from None
    if len(fds) != 2:
        if not message:
            raise ZygoteLost("it closed its socket")
        raise BoxRefused(f"a box cannot be forked: {json.loads(message)['error']}", "")
    try:
        return Process(fds[0], fds[1], status)
    except Gone:
        for fd in fds:
            os.close(fd)
        raise ZygoteLost("a box was gone before it began") from None


def _census(level: Level, pid: int) -> Census:
    """The box's own /proc, entered from outside; the process alone where it has none."""
    own = level in (Level.FULL, Level.COLD)
    folder = f"/proc/{pid}/root/proc" if own else "/proc"
    proc = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return Census(proc, None if own else [str(pid)])
    except OSError:
        os.close(proc)
        raise
