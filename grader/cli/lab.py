"""Starts JupyterLab in a workspace, on a port that is known to be free."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import zmq
from tornado.netutil import bind_sockets

from grader.engine.refusal import Refusal
from grader.start.paths import LABEXTENSIONS, PAGE

FIRST_PORT = 8888

FOR_CLASSES = tuple(
    f"nbgrader.server_extensions.{name}"
    for name in ("assignment_list", "course_list", "formgrader", "validate_assignment")
)
"""Extensions that nbgrader switches on everywhere, and that warn where there is no class."""


class PortTaken(Refusal):
    """Another program listens on the port that was asked for, or only an administrator may."""


def choose_port(asked: int | None) -> int:
    """The port asked for, or the first free one from 8888 on. Raises PortTaken."""
    first = asked or FIRST_PORT
    free: int = next(port for port in (*range(first, first + 100), 0) if _is_free(port))
    if asked is not None and free != asked:
        raise PortTaken(
            f"Port {asked} is taken, or not yours to use.",
            f"Port {free} is free: make course PORT={free}, or autograd-course open --port {free}",
        )
    return free


def command(workspace: Path, port: int, *, browser: bool) -> list[str]:
    """The command line that serves a workspace, and opens its start page."""
    options: dict[str, object] = {
        "ServerApp.root_dir": workspace.resolve(),
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,  # the port was announced: never serve on another
        "ServerApp.open_browser": browser,
        "ServerApp.answer_yes": True,  # the first Ctrl-C stops it, without a question
        "Application.log_level": "ERROR",  # the terminal shows the address, and what is broken
        # No question about news and no request for any; none of nbgrader's buttons for teachers.
        "LabApp.app_settings_dir": Path(__file__).with_name("lab_settings"),
        "LabApp.extra_labextensions_path": LABEXTENSIONS,
        "LabApp.default_url": f"/{PAGE}",
        "ServerApp.jpserver_extensions": "grader.start=True",
    }
    if zmq.has("curve"):  # else other accounts of this machine could read what a kernel sends
        options["KernelManager.transport_encryption"] = "auto"
    if sys.platform != "win32" and os.geteuid() == 0:
        options["ServerApp.allow_root"] = True
    flags = [f"--{name}={value}" for name, value in options.items()]
    flags += [f"--ServerApp.jpserver_extensions={name}=False" for name in FOR_CLASSES]
    return [sys.executable, "-m", "jupyterlab", *flags]


def start(workspace: Path, port: int, *, browser: bool) -> None:
    """Become JupyterLab: this process turns into the server, so that signals reach it."""
    scripts = sysconfig.get_path("scripts")
    path = os.pathsep.join([scripts, os.environ.get("PATH", "")])
    environment = os.environ | {"PATH": path}
    argv = command(workspace, port, browser=browser)
    sys.stdout.flush()
    if sys.platform == "win32":
        raise SystemExit(subprocess.call(argv, env=environment))
    os.execve(argv[0], argv, environment)


def _is_free(port: int) -> bool:
    try:
        sockets = bind_sockets(port, "localhost")
    except (OSError, OverflowError) as error:
        if isinstance(error, OverflowError) or error.errno in (errno.EADDRINUSE, errno.EACCES):
            return False
        raise
    for socket in sockets:
        socket.close()
    return True
