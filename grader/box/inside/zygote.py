"""The process that has imported everything and is forked once per box.

It holds no secret, reads nothing that a box wrote, and never runs a submission's code. The judge
talks to it over one socket: the settings first, then one message per box, with the box's five file
descriptors. Each box has a status socket of its own, on which the zygote says that it started (with
handles to signal it by) and how it ended.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import random
import select
import shutil
import signal
import socket
import sys
import traceback
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, NoReturn

from grader.box.both import syscalls
from grader.box.both.channel import read_frame, write_frame
from grader.box.both.settings import WORK, Level, Settings
from grader.box.inside.loop import Loop
from grader.box.inside.sandbox import enter
from grader.box.inside.warm import require_single_thread, settle, warm

if TYPE_CHECKING:
    from grader.box.inside.shell import BoxShell

MAX_MESSAGE = 128 * 1024


@dataclass
class _Child:
    """A box as its parent sees it: the process, and the init of its pid namespace if it has one."""

    status: socket.socket
    worker: int
    init: int | None
    wait_status: int | None = None


class Zygote:
    """Forks boxes on request, reaps them, and tells the judge how they ended."""

    def __init__(
        self,
        control: socket.socket,
        judge: int,
        settings: Settings,
        shell: BoxShell | None,
        handler: ModuleType | None,
    ) -> None:
        self.control, self.judge, self.settings = control, judge, settings
        self.shell, self.handler = shell, handler
        self.children: list[_Child] = []
        self.sleep = shutil.which("sleep", path="/usr/bin:/bin")
        self.own_pids = os.open("/proc/self/ns/pid", os.O_RDONLY)
        self.woken, self.waker = os.pipe()
        os.set_blocking(self.waker, False)

    def serve(self) -> None:
        """Until the judge goes away; as pid 1 of its namespace the zygote takes all boxes along."""
        signal.set_wakeup_fd(self.waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        poll = select.poll()
        for fd in (self.control.fileno(), self.judge, self.woken):
            poll.register(fd, select.POLLIN)
        while True:
            ready = {fd for fd, _ in poll.poll()}
            if self.woken in ready:
                os.read(self.woken, 4096)
                self._reap()
            if self.control.fileno() in ready:
                message, fds, _, _ = socket.recv_fds(
                    self.control, MAX_MESSAGE, 8, socket.MSG_CMSG_CLOEXEC
                )
                if not message:
                    break
                self._open(json.loads(message), fds)
            elif self.judge in ready:
                break
        self._finish()

    def _finish(self) -> None:
        """The judge is gone or has closed: so must the boxes be, and what they have on disk."""
        if self.settings.folder is None:
            return  # pid 1 of the namespace ends: the kernel kills the rest
        for child in self.children:
            os.kill(child.worker, signal.SIGKILL)
            os.waitpid(child.worker, 0)
        self._sweep(everything=True)
        shutil.rmtree(self.settings.folder, ignore_errors=True)

    def _open(self, request: dict[str, object], fds: list[int]) -> None:
        status = socket.socket(fileno=fds[0])
        try:
            child = self._fork(request, status, fds[1:])
        except OSError as error:
            _tell(status, {"error": f"{error.strerror or error}"})
            status.close()
        else:
            self.children.append(child)
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
                init = os.posix_spawn(self.sleep, ["sleep", "infinity"], {})
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
        header, _ = read_frame(3)
        write_frame(4, {"nonce": header["nonce"], "refused": f"{type(error).__name__}: {error}"})
        return
    os.environ.update(HOME=home, PWD=home)
    if home != WORK:
        os.environ["TMPDIR"] = home
    faulthandler.enable(file=2)  # a crash in C code says where, too
    sys.path.append(home)  # last: a file beside the notebook takes no module's place
    random.seed(0)  # Python seeds it anew in every forked child
    Loop(3, 4, shell, None if handler is None else handler.reply).serve()


def main() -> None:
    """`control` and the judge's pidfd are inherited; the settings come first."""
    control = socket.socket(fileno=int(sys.argv[1]))
    judge = int(sys.argv[2])
    for fd in (control.fileno(), judge):
        os.set_inheritable(fd, False)
    settings = Settings.from_json(control.recv(MAX_MESSAGE))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        shell = None
        if settings.bare:
            handler = None if settings.handler is None else import_module(settings.handler)
        else:
            shell, handler = warm(settings.limits.output, settings.handler)
            require_single_thread()
            settle()
        zygote = Zygote(control, judge, settings, shell, handler)
    except BaseException as error:
        text = "".join(traceback.format_exception_only(error)).strip()
        control.send(json.dumps({"refused": text}).encode())
        raise
    syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)
    control.send(b'{"ready": true}')
    zygote.serve()
