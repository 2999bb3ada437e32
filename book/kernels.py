"""Kernels for lessons, forked from one process that has imported what lessons import.

A kernel of its own takes most of its time for imports. A fork has them already, and is in all else
what `python -m ipykernel_launcher` is: the same module runs it, in a session, an environment and a
folder of its own; PYTHONPATH alone is that of the first. No thread and no gradient has run in the
process it is forked from.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from functools import cache
from typing import Any, NoReturn

import zmq
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets.config import Config

POSSIBLE = hasattr(os, "pidfd_open")
_IMPORTED = (
    "ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell", "ipywidgets",
    "matplotlib.figure", "torch._dynamo", "torch.func",
    "course.widgets", "course.questions", "course.quiz", "grader.notebook.checking",
)  # fmt: skip


def private(folder: str) -> Config:
    """Settings of a kernel that nobody but the owner of `folder`, an empty one, can listen to.

    It has sockets there: a port that is free when it is chosen may be another's when the kernel
    asks for it. Ports, encrypted, where there are no such sockets or their paths are too long.
    """
    place = os.path.join(folder, "kernel")
    if zmq.has("ipc") and len(os.fsencode(f"{place}-5")) <= zmq.IPC_PATH_MAX_LEN:
        return Config({"KernelManager": {"transport": "ipc", "ip": place}})
    encrypted = {"transport_encryption": "auto"} if zmq.has("curve") else {}
    return Config({"KernelManager": encrypted})


class ForkedKernelManager(AsyncKernelManager):
    """Starts the kernel of a notebook as a fork."""

    async def _async_pre_start_kernel(self, **options: Any) -> tuple[list[str], dict[str, Any]]:
        if self.provisioner is None:
            self.provisioner = _Provisioner(kernel_spec=self.kernel_spec, parent=self)
        command, options = await super()._async_pre_start_kernel(**options)
        return command, options


class _Provisioner(LocalProvisioner):
    process: Any = None

    async def launch_kernel(self, cmd: list[str], **options: Any) -> KernelConnectionInfo:
        module = cmd.index("-m") + 1
        self.process = _server().fork(
            cmd[module:], options["env"], options.get("cwd") or os.getcwd()
        )
        self.pid = self.pgid = self.process.pid
        return self.connection_info


class _Fork:
    """A forked process, with the part of `Popen` that a provisioner uses."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid, self._handle = pid, os.pidfd_open(pid)

    def poll(self) -> int | None:
        """0 once it has ended: with what status, its parent alone is told."""
        return 0 if select.select([self._handle], [], [], 0)[0] else None

    def wait(self) -> int:
        select.select([self._handle], [], [])
        os.close(self._handle)
        return 0

    def send_signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            signal.pidfd_send_signal(self._handle, number)


class _Server:
    """The process that kernels are forked from; it ends with the one that asked for it."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            subprocess.Popen(
                [sys.executable, "-c", f"from {__name__} import serve; serve({theirs.fileno()})"],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._file = ours.makefile("rw")

    def fork(self, command: list[str], env: Mapping[str, str], folder: str) -> _Fork:
        print(json.dumps([command, dict(env), str(folder)]), file=self._file, flush=True)
        return _Fork(int(self._file.readline()))


_server = cache(_Server)


def serve(descriptor: int) -> None:
    """Fork a process for each request, until whoever asks has gone."""
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"  # as ipykernel does
    os.environ["JPY_PARENT_PID"] = str(os.getpid())  # whom a kernel does not outlive
    gc.disable()  # it would look through what is imported again and again, and find nothing
    for name in _IMPORTED:
        __import__(name)
    gc.freeze()  # nor need a kernel look through it, and copy what it looks at
    gc.enable()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    wanted = None
    with socket.socket(fileno=descriptor) as asked, asked.makefile("rw") as file:
        for line in file:
            if not (pid := os.fork()):
                wanted = json.loads(line)
                break
            print(pid, file=file, flush=True)
    if wanted:
        _become(*wanted)


def _become(command: list[str], env: Mapping[str, str], folder: str) -> NoReturn:
    import numpy
    import torch

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.environ.clear()
    os.environ.update(env, JPY_PARENT_PID=str(os.getppid()))
    os.chdir(folder)
    sys.path[0] = folder
    sys.argv[:] = command
    torch.seed()
    numpy.random.seed()
    runpy.run_module(command[0], run_name="__main__", alter_sys=True)
    # As Python ends, but that it leaves to the system what all the modules hold: with torch that
    # takes longer than starting a kernel.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
