"""What a class costs on one machine: everybody at once signs in, works, and hands in.

A real JupyterHub with real Unix users, made for this run and gone after it; only root can make one.
Each step is taken by all students at the same moment, and the next begins when the last of them has
done it: a class that comes in together, at its worst. The hub starts up to 100 servers side by side
(JupyterHub's concurrent_spawn_limit), so that it staggers nobody here; the processors do. Memory is
the proportional set size: what processes share is counted once, in equal parts.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from tests.hub.rooms import COURSE, FOLDER, Classroom, Person, classroom
from tests.project.test_newcomer import kernel

CHAPTER = "01-graphs"
NOTEBOOK = f"exercises/{CHAPTER}/{CHAPTER}.ipynb"
ASSIGNMENT = {"course_id": COURSE, "assignment_id": CHAPTER}
_MIB = 2**20
_SAMPLE = 5.0  # seconds between two looks at the memory of everything


def answer(name: str) -> str:
    """A right answer that names its author."""
    return f"def two_path_grad(x, w):\n    return w + 1, x + 2 * w + 1\n# {name}"


class Student:
    """One student's way through the class; each step raises where it did not work."""

    def __init__(self, room: Classroom, name: str) -> None:
        self.room, self.name = room, name
        self.person = Person(room, name)

    def sign_in(self) -> None:
        self.person.sign_in(self.room.password(self.name))
        self.token = self.person.token(note="benchmark")

    def start(self) -> None:
        """Start the server, and read what the hub tells a waiting browser until it is ready."""
        asked = self.person.hub("POST", f"users/{self.name}/server", json={})
        assert asked.status_code in (201, 202), asked.text
        progress = f"users/{self.name}/server/progress"
        told = self.person.hub("GET", progress, stream=True, timeout=300).iter_lines()
        events = (json.loads(line[6:]) for line in told if line.startswith(b"data: "))
        assert any(event.get("ready") for event in events), f"no server for {self.name}"

    def fetch(self) -> None:
        said = self.person.post("assignments/fetch", **ASSIGNMENT)
        assert said["success"], said["value"]

    def check(self) -> None:
        """Write one answer, save the notebook, and run its check in a kernel."""
        notebook = self.person.contents(NOTEBOOK)
        cells = {
            one["metadata"].get("nbgrader", {}).get("grade_id"): one for one in notebook["cells"]
        }
        cells["two_path_grad_answer"]["source"] = answer(self.name)
        self.person.contents(NOTEBOOK, notebook)
        server = f"{self.room.address}/user/{self.name}", self.token
        with kernel(server, NOTEBOOK) as execute:
            for cell in ("imports", "two_path_grad_answer", "two_path_grad"):
                shown = execute(cells[cell]["source"])
        assert "data-outcome='right'" in json.dumps(shown), shown

    def validate(self) -> None:
        """Run the whole notebook, as the button does: all exercises but one are not written."""
        said = self.person.post("assignments/validate", path=NOTEBOOK)
        assert said["success"], said["value"]
        failed = [one["source"] for one in said["value"]["failed"]]
        assert failed, said
        assert not any('"two_path_grad"' in source for source in failed), failed

    def submit(self) -> None:
        said = self.person.post("assignments/submit", **ASSIGNMENT)
        assert said["success"], said["value"]


STEPS: dict[str, Callable[[Student], None]] = {
    "sign in": Student.sign_in,
    "start a server": Student.start,
    "fetch": Student.fetch,
    "open, answer, run a check": Student.check,
    "validate": Student.validate,
    "submit": Student.submit,
}


def seconds(step: Callable[[Student], None], student: Student) -> float:
    """How long a step took one student."""
    started = time.perf_counter()
    step(student)
    return time.perf_counter() - started


class Memory:
    """The processes of a classroom: what each holds, and the most that all held together."""

    def __init__(self, room: Classroom) -> None:
        self._view, self.peak = psutil.Process(room.view.pid), 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def stop(self) -> float:
        """The peak in MiB."""
        self._over.set()
        self._thread.join()
        return self.peak

    def each(self) -> dict[str, list[float]]:
        """MiB of every process now, by what it is."""
        found: dict[str, list[float]] = {}
        for process in self._view.children(recursive=True):
            try:
                held = process.memory_full_info().pss / _MIB
                found.setdefault(_kind(process), []).append(held)
            except psutil.Error:  # it ended while it was looked at
                continue
        return found

    def _look(self) -> None:
        while not self._over.wait(_SAMPLE):
            self.peak = max(self.peak, sum(map(sum, self.each().values())))


def _kind(process: psutil.Process) -> str:
    words = " ".join(process.cmdline())
    if "ipykernel_launcher" in words:
        return "a kernel with torch"
    if "jupyterhub.singleuser" in words:
        of_the_grader = process.cwd() == f"{FOLDER}/course"
        return "the grader's server" if of_the_grader else "a student's server"
    if "configurable-http-proxy" in words:
        return "proxy"
    return "hub" if "jupyterhub" in words else "others"


def work(console: Console, room: Classroom, memory: Memory, size: int) -> dict[str, list[float]]:
    """Every step by all students, as a table of seconds; what each process held with kernels up."""
    students = [Student(room, f"student-{number}") for number in range(1, size + 1)]
    table = Table("step", "median s", "slowest s", "all done after s")
    held: dict[str, list[float]] = {}
    with ThreadPoolExecutor(size) as together:
        for name, step in STEPS.items():
            started = time.perf_counter()
            took = list(together.map(seconds, [step] * size, students))
            whole = time.perf_counter() - started
            table.add_row(name, *(f"{s:.2f}" for s in (statistics.median(took), max(took), whole)))
            if step is Student.check:
                held = memory.each()
    console.print(table)
    return held


def collected(room: Classroom, instructor: Person, size: int) -> int:
    """Collect, and count the students whose own notebook has arrived."""
    said = instructor.formgrader("POST", f"assignment/{CHAPTER}/collect").json()
    assert said["success"], said
    arrived = 0
    for number in range(1, size + 1):
        name = f"student-{number}"
        path = room.path(f"{FOLDER}/course/submitted/{name}/{CHAPTER}/{CHAPTER}.ipynb")
        arrived += path.exists() and _signed(path, name)
    return arrived


def _signed(path: Path, name: str) -> bool:
    cells = json.loads(path.read_text())["cells"]
    return any("".join(cell["source"]) == answer(name) for cell in cells)


def report(console: Console, held: dict[str, list[float]], peak: float) -> None:
    """Memory as a table."""
    table = Table("memory (PSS)", "processes", "median MiB", "largest MiB", "together MiB")
    for kind, sizes in sorted(held.items(), key=lambda one: -sum(one[1])):
        cells = statistics.median(sizes), max(sizes), sum(sizes)
        table.add_row(kind, str(len(sizes)), *(f"{mib:,.0f}" for mib in cells))
    console.print(table)
    console.print(f"{peak:,.0f} MiB at most for everything together, seen every {_SAMPLE:.0f} s")


def main() -> None:
    """Measure, print two tables, and fail if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--students", type=int, default=20)
    size = parser.parse_args().students
    if os.geteuid() != 0:
        sys.exit("Accounts are root's to make: start this as root.")
    console = Console()
    processors = len(os.sched_getaffinity(0))
    with classroom(students=size) as room:
        instructor = room.person("instructor")
        released = instructor.formgrader("POST", f"assignment/{CHAPTER}/release").json()
        assert released["success"], released
        console.print(f"{size} students at once, {processors} processors")
        memory = Memory(room)
        try:
            held = work(console, room, memory, size)
        finally:
            peak = memory.stop()
        report(console, held, peak)
        arrived = collected(room, instructor, size)
    whole = arrived == size
    console.print(
        f"{'✓' if whole else '✗'} {arrived} of {size} submissions collected, each its own"
    )
    sys.exit(not whole)


if __name__ == "__main__":
    main()
