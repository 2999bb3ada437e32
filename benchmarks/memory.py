"""What an active student takes of a machine's memory: a server, and a kernel that has checked.

Every student is a JupyterLab server and one kernel, as a hub starts them, without the hub: the
servers are `jupyter lab`, not `jupyterhub-singleuser`. Memory is the proportional set size (PSS):
a page that several processes share counts for each of them in part, so that sums are right.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import json
import os
import platform
import secrets
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import urllib3
import websocket
from rich.console import Console
from rich.table import Table

from grader.notebook.texts import notebooks

ROOT = Path(__file__).resolve().parent.parent
LESSON = "01-graphs"
CHECK = """\
from grader import check

def two_path_grad(x, w):
    return w + 1, x + 2 * w + 1

check("two_path_grad", two_path_grad)
"""
_PATIENCE = 600.0


@dataclass(frozen=True)
class Use:
    """MiB of the server and of its kernel, as PSS."""

    server: float
    kernel: float


class Student:
    """One JupyterLab server in a folder of its own, and one kernel in it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._token, self._port = secrets.token_hex(16), _free_port()
        self._http = urllib3.PoolManager(headers={"Authorization": f"token {self._token}"})
        search = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
        names = ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR", "AUTOGRAD_COURSE_DATA")
        # Short names: the path of a kernel's socket has at most 107 characters.
        own = {name: str(folder / str(number)) for number, name in enumerate(names)}
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"),
                *("--ip=127.0.0.1", f"--port={self._port}", "--ServerApp.port_retries=0"),
                f"--IdentityProvider.token={self._token}",
                "--KernelManager.transport=ipc",
            ],
            cwd=folder,
            env=os.environ
            | own
            | {"PATH": search, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._kernel = ""

    def wait(self) -> None:
        """Until the server answers."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                if self._http.request("GET", self._at("/api/status"), retries=False).status == 200:
                    return
            time.sleep(0.2)
        raise TimeoutError("a server did not start")

    def open(self) -> None:
        """Load the page as a browser's first request does, and start a kernel."""
        self._http.request("GET", self._at("/lab"))
        answer = self._http.request("POST", self._at("/api/kernels"), body=b"{}")
        self._kernel = json.loads(answer.data)["id"]

    def run(self, code: str) -> None:
        """Run code in the kernel, and wait for it. Raises RuntimeError if it raised."""
        address = f"ws://127.0.0.1:{self._port}/api/kernels/{self._kernel}/channels"
        asked = uuid.uuid4().hex
        message = {
            "header": {"msg_id": asked, "msg_type": "execute_request", "version": "5.3"},
            "parent_header": {},
            "metadata": {},
            "content": {"code": code, "silent": False},
            "channel": "shell",
        }
        with contextlib.closing(
            websocket.create_connection(
                address, timeout=_PATIENCE, header=[f"Authorization: token {self._token}"]
            )
        ) as wire:
            wire.send(json.dumps(message))
            while True:
                answer = json.loads(wire.recv())
                parent = answer["parent_header"].get("msg_id")
                if answer["msg_type"] == "execute_reply" and parent == asked:
                    break
        if answer["content"]["status"] != "ok":
            raise RuntimeError("\n".join(answer["content"]["traceback"]))

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._process.pid

    def use(self) -> Use:
        """What both take now."""
        kernels = psutil.Process(self._process.pid).children(recursive=True)
        return Use(_pss(self._process.pid), sum(_pss(one.pid) for one in kernels))

    def end(self) -> None:
        """End the server, and its kernel with it."""
        family = [
            psutil.Process(self._process.pid),
            *psutil.Process(self._process.pid).children(recursive=True),
        ]
        for one in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.terminate()
        _, alive = psutil.wait_procs(family, timeout=10)
        for one in alive:
            one.kill()
        self._process.wait()

    def _at(self, path: str) -> str:
        return f"http://127.0.0.1:{self._port}{path}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _pss(pid: int) -> float:
    """MiB of one process."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


def lesson() -> str:
    """Everything that a lesson runs, as one cell: its pictures and widgets bring more modules."""
    cells = notebooks.read(ROOT / "course" / "lessons" / f"{LESSON}.md").cells
    code = [
        cell.source
        for cell in cells
        if cell.cell_type == "code" and "raises-exception" not in cell.metadata.get("tags", [])
    ]
    return "\n".join(f"get_ipython().run_cell({source!r})" for source in code)


STEPS = (
    ("server and kernel, nothing run", "pass"),
    ("torch imported", "import torch"),
    ("one exercise checked", CHECK),
    (f"lesson {LESSON} run as well", lesson()),
)


def measure(count: int, place: Path) -> list[tuple[str, list[Use]]]:
    """So many students at once, after each step."""
    students: list[Student] = []
    try:
        students.extend(Student(place / f"{count}-{number}") for number in range(count))
        for student in students:
            student.wait()
            student.open()
        found = []
        for name, code in STEPS:
            for student in students:
                student.run(code)
            found.append((name, [student.use() for student in students]))
        return found
    finally:
        for student in students:
            student.end()


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--students", type=int, nargs="*", default=[1, 5, 10])
    arguments = parser.parse_args(argv)
    console = Console()
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}"
        for name in ("torch", "jupyterlab", "ipykernel")
    )
    console.print(f"Python {platform.python_version()}, {versions}. MiB of PSS for each student.")
    table = Table("students at once", "after", "server", "kernel", "both", "all together")
    with tempfile.TemporaryDirectory(prefix="memory-") as place:
        for count in arguments.students:
            for name, uses in measure(count, Path(place)):
                server = sum(use.server for use in uses) / count
                kernel = sum(use.kernel for use in uses) / count
                cells = (server, kernel, server + kernel, count * (server + kernel))
                table.add_row(str(count), name, *(f"{cell:,.0f}" for cell in cells))
    console.print(table)


if __name__ == "__main__":
    main()
