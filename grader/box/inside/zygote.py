"""The process that has imported everything and is forked once per box.

It holds no secret, reads nothing that a box wrote, and never runs a submission's code. The judge
talks to it over one socket: the settings first, then one message per box, with the box's five file
descriptors. Several processes may hold the judge's end of it. Each box has a status socket of its
own, on which the zygote says that it started (with handles to signal it by) and how it ended; a box
whose judge closes its end of that is killed.

A box is forked as soon as cells can run. What only cells need that draw is imported when the judge
says that there will be some. What makes later boxes cheaper is done when nobody asked for a while,
and at the latest before the second: one submission never waits for it.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import json
import os
import random
import select
import shutil
import signal
import socket
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, NoReturn

from grader.box.both import syscalls
from grader.box.both.channel import read_message, write_frame
from grader.box.both.settings import WORK, Level, Settings
from grader.box.inside.loop import Loop
from grader.box.inside.sandbox import enter
from grader.box.inside.warm import warm, warm_more, warm_pictures

if TYPE_CHECKING:
    from grader.box.inside.shell import BoxShell

MAX_MESSAGE = 128 * 1024
_IDLE = 1000.0
"""Milliseconds without a request, after which there is time for work ahead."""
_NO_STREAMS = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (0, 1, 2)]


@dataclass
class _Child:
    """A box as its parent sees it: the process, and the init of its pid namespace if it has one."""

    status: socket.socket
    worker: int
    init: int | None
    wait_status: int | None = None
    killed: bool = False

    def kill(self) -> None:
        """End it: whoever asked for it is gone."""
        self.killed = True
        if self.wait_status is None:
            os.kill(self.worker, signal.SIGKILL)
        if self.init is not None:
            os.kill(self.init, signal.SIGKILL)


class Zygote:
    """Forks boxes on request, reaps them, and tells the judge how they ended."""

    def __init__(
        self,
        control: socket.socket,
        judge: int,
        settings: Settings,
        shell: BoxShell | None,
        handler: ModuleType | None,
        ahead: Iterator[None],
    ) -> None:
        """`ahead` makes later boxes cheaper, a step each time that the next of it is asked for."""
        self.control, self.judge, self.settings = control, judge, settings
        self.shell, self.handler = shell, handler
        self._ahead = ahead
        self._has_work = False  # there is some once the first box is forked
        self._can_draw = False
        self._asked: list[tuple[bytes, list[int]]] = []
        self.children: list[_Child] = []
        self.sleep = shutil.which("sleep", path="/usr/bin:/bin")
        self.own_pids = os.open("/proc/self/ns/pid", os.O_RDONLY)
        self.woken, self.waker = os.pipe()
        os.set_blocking(self.waker, False)

    def serve(self) -> None:
        """Until the judge goes away; as pid 1 of its namespace the zygote takes all boxes along."""
        signal.set_wakeup_fd(self.waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        while True:
            ready = self._ready()
            if self.woken in ready:
                os.read(self.woken, 4096)
                self._reap()
            for child in self.children:
                if child.status.fileno() in ready:
                    child.kill()
            if self.judge in ready:
                break
            if self.control.fileno() in ready:
                message, fds = syscalls.receive_with_files(self.control, MAX_MESSAGE, 8)
                if not message:  # whoever lets go does not wait for work ahead
                    break
                self._asked.append((message, fds))
            if self._has_work and (self._asked or not ready):
                self._has_work = next(self._ahead, self) is not self
            elif self._asked:
                message, fds = self._asked.pop(0)
                self._serve(json.loads(message), fds)
        self._finish()

    def _ready(self) -> set[int]:
        """The descriptors on which something happened; none if nothing did for a while.

        Where a box is asked for, that is no while at all.
        """
        poll = select.poll()
        for fd in (self.control.fileno(), self.judge, self.woken):
            poll.register(fd, select.POLLIN)
        for child in self.children:
            if not child.killed:
                poll.register(child.status, 0)  # whether the judge has closed its end
        patience = 0.0 if self._asked else _IDLE if self._has_work else None
        return {fd for fd, _ in poll.poll(patience)}

    def _finish(self) -> None:
        """The judge is gone or has closed: so must the boxes be, and what they have on disk."""
        if self.settings.folder is None:
            return  # pid 1 of the namespace ends: the kernel kills the rest
        for child in self.children:
            os.kill(child.worker, signal.SIGKILL)
            os.waitpid(child.worker, 0)
        self._sweep(everything=True)
        shutil.rmtree(self.settings.folder, ignore_errors=True)

    def _serve(self, request: dict[str, object], fds: list[int]) -> None:
        if "home" in request:
            self._open(request, fds)
        elif self.shell is not None and not self._can_draw:
            self._can_draw = True
            warm_pictures(self.shell)

    def _open(self, request: dict[str, object], fds: list[int]) -> None:
        status = socket.socket(fileno=fds[0])
        try:
            child = self._fork(request, status, fds[1:])
        except OSError as error:
            _tell(status, {"error": f"{error.strerror or error}"})
            status.close()
        else:
            self.children.append(child)
            self._has_work = True
            leader = child.worker if child.init is None else child.init
            handles = [os.pidfd_open(leader), os.pidfd_open(child.worker)]
            with contextlib.suppress(OSError):
                socket.send_fds(status, [b'{"started": true}'], handles)
            for handle in handles:
                os.close(handle)
        finally:
            for fd in fds[1:]:
                os.close(fd)

    def _fork(self, request: dict[str, object], status: socket.socket, fds: list[int]) -> _Child:
        init = None
        if self.settings.level is Level.FULL:
            # The next children are born into a new pid namespace. Its init sleeps: a process of its
            # own, so that the box's is an ordinary one, which signals end as they should.
            syscalls.unshare(syscalls.CLONE_NEWPID)
        try:
            if self.settings.level is Level.FULL:
                assert self.sleep is not None
                init = os.posix_spawn(
                    self.sleep, ["sleep", "infinity"], {}, file_actions=_NO_STREAMS
                )
            worker = os.fork()
            if worker == 0:
                self._become_box(request, fds)
        except OSError:
            if init is not None:
                os.kill(init, signal.SIGKILL)
            raise
        finally:
            if self.settings.level is Level.FULL:
                syscalls.setns(self.own_pids, syscalls.CLONE_NEWPID)
        return _Child(status, worker, init)

    def _become_box(self, request: dict[str, object], fds: list[int]) -> NoReturn:
        """The child's whole life. It must never return into the zygote's loop."""
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _keep_only(fds)
            self.control.detach()
            for child in self.children:
                child.status.detach()
            _live(self.settings, request, self.shell, self.handler)
        except BaseException:
            os.write(2, traceback.format_exc().encode(errors="replace"))
            os._exit(70)
        finally:
            os._exit(0)

    def _reap(self) -> None:
        while True:
            try:
                pid, wait_status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            for child in self.children:
                if pid == child.worker:
                    child.wait_status = wait_status
                    if child.init is not None:
                        os.kill(child.init, signal.SIGKILL)
                elif pid == child.init:
                    child.init = None
        for child in [c for c in self.children if c.wait_status is not None and c.init is None]:
            self.children.remove(child)
            self._sweep()
            _tell(child.status, {"ended": child.wait_status})
            child.status.close()

    def _sweep(self, everything: bool = False) -> None:
        """Where there are no walls at all: kill what ended boxes left behind.

        Elsewhere it is the kernel that does: with the init of the box's pid namespace, with the
        cold worker's zygote, or by never letting a second process start.
        """
        if self.settings.level is not Level.NONE:
            return
        boxes = set() if everything else {child.worker for child in self.children}
        while strays := set(_children()) - boxes:
            for pid in strays:
                os.kill(pid, signal.SIGKILL)
            for pid in strays:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, 0)


def _children() -> list[int]:
    with open("/proc/thread-self/children") as file:
        return [int(pid) for pid in file.read().split()]


def _tell(status: socket.socket, message: dict[str, object]) -> None:
    with contextlib.suppress(OSError):  # the judge may have closed its end
        status.send(json.dumps(message).encode())


def _keep_only(fds: list[int]) -> None:
    """Requests, replies, output and errors become descriptors 3, 4, 1 and 2; all others close."""
    above = [os.dup(os.dup2(fd, 100 + i)) for i, fd in enumerate(fds)]
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 0)
    for target, fd in zip((3, 4, 1, 2), above, strict=True):
        os.dup2(fd, target, inheritable=target < 3)
    for fd in map(int, os.listdir("/proc/self/fd")):
        if fd > 4:
            with contextlib.suppress(OSError):  # the listing's own is closed already
                os.close(fd)


def _live(
    settings: Settings,
    request: dict[str, object],
    shell: BoxShell | None,
    handler: ModuleType | None,
) -> None:
    home, uid = str(request["home"]), request["uid"]
    try:
        assert uid is None or isinstance(uid, int)
        enter(settings, uid, home)
    except BaseException as error:
        ((header, _),) = read_message(3)
        write_frame(4, {"nonce": header["nonce"], "refused": f"{type(error).__name__}: {error}"})
        return
    os.environ.update(HOME=home, PWD=home)
    if home != WORK:  # the zygote's own folder is closed to what was forked from it
        os.environ.update(TMPDIR=home, MPLCONFIGDIR=f"{home}/.matplotlib")
    faulthandler.enable(file=2)  # a crash in C code says where, too
    sys.path.append(home)  # last: a file beside the notebook takes no module's place
    random.seed(0)  # Python seeds it anew in every forked child
    Loop(3, 4, shell, None if handler is None else handler.reply).serve()


def main() -> None:
    """`control` and the judge's pidfd are inherited; the settings come first.

    Modules named after these are imported while the settings are still on their way.
    """
    gc.disable()  # it would look through what is imported again and again, and find nothing
    control = socket.socket(fileno=int(sys.argv[1]))
    judge = int(sys.argv[2])
    for fd in (control.fileno(), judge):
        os.set_inheritable(fd, False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for name in sys.argv[3:]:
            import_module(name)
        settings = Settings.from_json(control.recv(MAX_MESSAGE))
        if settings.level in (Level.FULL, Level.COLD):
            # Killing bubblewrap, which waits outside for this process, ends it and every box.
            syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
        shell: BoxShell | None = None
        handler: ModuleType | None = None
        ahead: Iterator[None] = iter(())
        if not settings.bare:
            shell, handler = warm(settings.limits.output, settings.handler)
            if settings.level is not Level.COLD:  # which forks one box only
                ahead = warm_more(shell, handler)
        elif settings.handler is not None:
            handler = import_module(settings.handler)
        zygote = Zygote(control, judge, settings, shell, handler, ahead)
    except BaseException as error:
        text = "".join(traceback.format_exception_only(error)).strip()
        with contextlib.suppress(OSError):  # the judge may be gone
            control.send(json.dumps({"refused": text}).encode())
        raise
    gc.enable()
    syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)
    control.send(b'{"ready": true}')
    zygote.serve()
    os._exit(0)  # to take apart all that was imported takes a fifth of a second
