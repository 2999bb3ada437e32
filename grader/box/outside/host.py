"""One running zygote: starting it, asking it for boxes, ending it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

from grader.box.both.ended import BoxRefused
from grader.box.both.limits import Limits
from grader.box.both.seccomp import Policy, compile_filter
from grader.box.both.settings import Level, Settings
from grader.box.outside import wall

_BOOT = """\
import json, sys
sys.path[:], sys.prefix = json.loads(sys.argv.pop(1))
sys.exec_prefix = sys.prefix
from grader.box.inside.zygote import main
main()
"""


HANDLER = "grader.box.inside.observing"
"""The module that serves a judge's questions."""

# Imported while the settings are still on their way: most of what starting takes.
_AHEAD = ("torch", "IPython.core.interactiveshell")
_TO_END = 2.0
"""Seconds in which a zygote that is told to end has ended."""


class ZygoteLost(Exception):
    """The zygote is gone; another can be started."""


@dataclass(frozen=True)
class Plan:
    """What zygotes of one pool have in common."""

    level: Level
    limits: Limits
    handler: str | None = HANDLER
    visible: tuple[str, ...] = ()
    gpu: bool = False
    bare: bool = False


@dataclass
class Lent:
    """A zygote that another process started and ends. Safe to use from several threads."""

    plan: Plan
    control: socket.socket
    folder: str | None
    _using: threading.Lock = field(default_factory=threading.Lock)

    def __reduce__(self) -> tuple[type[Lent], tuple[Plan, socket.socket, str | None]]:
        return Lent, (self.plan, self.control, self.folder)

    def open(self, home: str, uid: int | None, fds: list[int]) -> None:
        """Ask for a box. Raises ZygoteLost."""
        ask(self.control, self._using, {"home": home, "uid": uid}, fds)

    def will_draw(self) -> None:
        """Have it import what cells need that draw. Raises ZygoteLost."""
        ask(self.control, self._using, {"draws": True})

    def last_stderr(self) -> str:
        """Nothing: whoever started it knows."""
        return ""

    def close(self) -> None:
        """Ask for no more."""
        with self._using:
            self.control.close()


class Host:
    """One running zygote. Safe to use from several threads."""

    def __init__(self, plan: Plan) -> None:
        """Start it. It loads what it needs while others wait for nothing. Raises BoxRefused."""
        self.plan = plan
        self._using = threading.Lock()
        self._settling = threading.Lock()
        self._told = self._is_ready = False
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 -- closed with the zygote
        self._last_stderr = ""
        self.folder: str | None = None
        if plan.level in (Level.LANDLOCK, Level.NONE):
            self.folder = tempfile.mkdtemp(prefix="autograd-box-")
            os.chmod(self.folder, 0o711)
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        judge = os.pidfd_open(os.getpid())
        try:
            self.process = self._start(theirs, judge)
        except OSError as error:
            self.control.close()
            self._log.close()
            self._remove_folder()
            raise BoxRefused(f"bubblewrap cannot be started: {error}", INSTALL_BWRAP) from None
        finally:
            theirs.close()
            os.close(judge)

    def serves(self, plan: Plan) -> bool:
        """Whether it makes boxes of this plan: until it is told its limits it may have any."""
        with self._settling:
            if not self._told and plan.level is not Level.COLD:
                like = replace(self.plan, limits=plan.limits, handler=plan.handler)
                self.plan = plan if like == plan else self.plan
            return self.plan == plan

    def tell(self) -> None:
        """Send its settings. Whoever asks for a box from now on is served. Raises BoxRefused."""
        with self._settling:
            if not self._told:
                self.control.settimeout(self.plan.limits.start)
                settings = self._settings().to_json()
                with contextlib.suppress(OSError):  # it ended: `ready` says why
                    self.control.send(settings)
                self._told = True

    def ready(self) -> None:
        """Wait until it can make boxes. Raises BoxRefused."""
        self.tell()
        with self._settling:
            if not self._is_ready:
                self._await_ready()
                self._is_ready = True

    def open(self, home: str, uid: int | None, fds: list[int]) -> None:
        """Ask for a box. Raises ZygoteLost, and BoxRefused if the zygote never became ready."""
        self.ready()
        ask(self.control, self._using, {"home": home, "uid": uid}, fds)

    def will_draw(self) -> None:
        """Have it import what cells need that draw. Raises ZygoteLost, BoxRefused."""
        self.ready()
        ask(self.control, self._using, {"draws": True})

    def last_stderr(self) -> str:
        """The last lines it wrote to its stderr."""
        with self._using:
            if not self._log.closed:
                self._log.seek(0)
                self._last_stderr = self._log.read().decode(errors="replace").strip()[-1000:]
            return self._last_stderr

    def lend(self) -> Lent:
        """What other processes ask for boxes with. Raises BoxRefused."""
        self.tell()
        return Lent(self.plan, self.control.dup(), self.folder)

    def close(self) -> None:
        """End it, and with it every box, whoever else holds its socket."""
        self.last_stderr()
        with self._using, contextlib.suppress(OSError):
            self.control.send(b"")  # nobody's closing tells of the end while others hold it
        try:  # a bubblewrap that is killed leaves what it started for somebody else to bury
            self.process.wait(_TO_END if self._is_ready else 0)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(PermissionError):  # a bubblewrap that is setuid root
                self.process.kill()
            self.process.wait()
        with self._using:
            self.control.close()
            self._log.close()
        self._remove_folder()

    def _remove_folder(self) -> None:
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, theirs: socket.socket, judge: int) -> subprocess.Popen[bytes]:
        plan = self.plan
        passed = [theirs.fileno(), judge]
        files: tuple[int, ...] = ()
        if self.folder is None:
            files = wall.open_files()
            prefix = wall.command(
                plan.level, plan.limits, plan.visible, gpu=plan.gpu, files=(files[0], files[1])
            )
            environment = {"PATH": "/usr/bin:/bin"}  # bubblewrap clears it and sets the zygote's
            paths = wall.search_path(plan.visible)
            program, home = wall.interpreter(), wall.seen(sys.prefix)
        else:
            library = Path(self.folder) / "library"
            wall.copy_visible(library / "grader")
            prefix = []
            programs = [str(Path(sys.executable).parent)]
            environment = wall.environment(self.folder, self.folder, programs)
            paths = [str(library), *plan.visible, *wall.library_paths()]
            program, home = sys.executable, sys.prefix
        boot = json.dumps([paths, home])
        python = [program, "-P", "-s", "-S", "-B", "-c", _BOOT, boot]
        ahead = () if plan.bare else _AHEAD
        try:
            return subprocess.Popen(
                [*prefix, *python, *map(str, passed), *ahead],
                pass_fds=[*passed, *files],
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._log,
                start_new_session=True,
            )
        finally:
            for fd in files:
                os.close(fd)

    def _settings(self) -> Settings:
        plan = self.plan
        bare_machine = plan.level is Level.LANDLOCK
        program = b""
        if plan.level is not Level.NONE:
            try:
                program = compile_filter(Policy(gpu=plan.gpu, walled=not bare_machine))
            except (ImportError, RuntimeError) as error:
                raise BoxRefused(f"seccomp is missing: {error}", INSTALL_SECCOMP) from None
        readable: tuple[str, ...] = ()
        if bare_machine:
            readable = (f"{self.folder}/library", *wall.landlock_readable(plan.visible))
        return Settings(
            level=plan.level,
            limits=plan.limits,
            seccomp=program,
            handler=plan.handler,
            bare=plan.bare,
            gpu=plan.gpu,
            readable=readable,
            folder=self.folder,
        )

    def _await_ready(self) -> None:
        poll = select.poll()
        poll.register(self.control, select.POLLIN)
        if not poll.poll(self.plan.limits.start * 1000):
            self.close()
            raise BoxRefused("the zygote did not start in time", "Is this machine overloaded?")
        try:
            reply = self.control.recv(65536)
        except OSError:
            reply = b""
        if reply != b'{"ready": true}':
            self.close()
            raise BoxRefused(self._why(reply), CURES[self.plan.level])

    def _why(self, reply: bytes) -> str:
        if reply:
            return f"the zygote cannot be used: {json.loads(reply)['refused']}"
        return self.last_stderr() or f"it exited with status {self.process.returncode}"


def ask(
    control: socket.socket,
    using: threading.Lock,
    request: Mapping[str, object],
    fds: Sequence[int] = (),
) -> None:
    """Ask something of the zygote at the other end. Raises ZygoteLost."""
    try:
        with using:
            socket.send_fds(control, [json.dumps(request).encode()], fds)
    except OSError as error:
        raise ZygoteLost(str(error)) from None


INSTALL_BWRAP = "Install bubblewrap: apt-get install bubblewrap, or dnf install bubblewrap"
INSTALL_SECCOMP = (
    "Install libseccomp and its binding: apt-get install libseccomp2 (or dnf install libseccomp), "
    f"then {sys.executable} -m pip install pyseccomp"
)
ALLOW_NAMESPACES = (
    "Let ordinary users make user namespaces (sysctl kernel.unprivileged_userns_clone=1, "
    "kernel.apparmor_restrict_unprivileged_userns=0, user.max_user_namespaces=10000); in a "
    "container, start it so that it may make namespaces"
)
CURES = {
    Level.FULL: ALLOW_NAMESPACES,
    Level.COLD: ALLOW_NAMESPACES,
    Level.LANDLOCK: "Use Linux 5.13 or newer with Landlock enabled (the boot parameter lsm=)",
    Level.NONE: "Read what Python said and repair the installation",
}
