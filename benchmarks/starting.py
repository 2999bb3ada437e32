"""What starting costs: the first grade of a day, a student's server, and the small commands.

Everything is started cold, one thing after the other, and all of it again: medians. Processor
seconds are those of a command and of every process that it started. Where the machine does other
work, compare processor seconds; the clock's seconds need two processors that are free.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import resource
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.grading import ROOT, STOCK, Chapter, verdict
from benchmarks.memory import Student

_SUBREAPER = 36  # prctl's PR_SET_CHILD_SUBREAPER: what a command leaves is waited for here
_LAY = "from grader.notebook.folder.workspace import lay"


@dataclass(frozen=True)
class Spent:
    """Seconds by the clock, and of processors."""

    wall: float
    cpu: float


def command(cwd: Path, *words: str) -> Spent:
    """What a Python command takes, with every process that it starts."""
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    before, started = _of_children(), time.perf_counter()
    with (cwd / "said.txt").open("wb") as said:
        done = subprocess.run(
            [sys.executable, *words], cwd=cwd, env=environment, stdout=said, stderr=said
        )
    wall = time.perf_counter() - started
    if done.returncode:
        sys.exit((cwd / "said.txt").read_text()[-3000:])
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    return Spent(wall, _of_children() - before)


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def graded(chapter: Chapter, *words: str, settings: str | None = None) -> Spent:
    """What a command takes to grade a class of one."""
    course = chapter.a_class(1, settings)
    try:
        return command(course, *words, chapter.name)
    finally:
        shutil.rmtree(course)


def server(place: Path) -> Spent:
    """A student's server until it answers, and what lays the lessons before it."""
    laid = command(place, "-c", _LAY)
    started = time.perf_counter()
    student = Student(place / f"student-{time.monotonic_ns()}")
    try:
        student.wait()
        wall = time.perf_counter() - started
        times = psutil.Process(student.pid).cpu_times()
        cpu = times.user + times.system + times.children_user + times.children_system
    finally:
        student.end()
    return Spent(laid.wall + wall, laid.cpu + cpu)


def measures(chapter: Chapter, place: Path) -> dict[str, Callable[[], Spent]]:
    """What is measured, by name."""
    grade = ("-m", "grader.cli", "grade")
    autograde = ("-m", "nbgrader", "autograde")
    return {
        "python -c 'import torch, IPython'": lambda: command(place, "-c", "import torch, IPython"),
        "autograd-course grade, one submission": lambda: graded(chapter, *grade),
        "nbgrader autograde with the judge": lambda: graded(chapter, *autograde),
        "nbgrader autograde as shipped": lambda: graded(chapter, *autograde, settings=STOCK),
        "autograd-course doctor": lambda: command(place, "-m", "grader.cli", "doctor"),
        "autograd-course progress": lambda: command(place, "-m", "grader.cli", "progress"),
        "a student's server": lambda: server(place),
    }


def report(console: Console, found: dict[str, list[Spent]]) -> None:
    """A table, and the ratios against their targets."""
    table = Table("", "s", "processor s")
    for name, each in found.items():
        wall = statistics.median(one.wall for one in each)
        table.add_row(name, f"{wall:.2f}", f"{statistics.median(one.cpu for one in each):.2f}")
    console.print(table)
    walls = [statistics.median(one.wall for one in each) for each in found.values()]
    torch, *ours, stock = walls[:4]
    for name, wall in zip(("grade", "autograde with the judge"), ours, strict=True):
        console.print(f"{verdict(wall < stock)} {name}: {wall / stock:.2f} times nbgrader, below 1")
        console.print(
            f"{verdict(wall <= 3 * torch)} {wall / torch:.2f} times the imports, target 3"
        )


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--chapter", default="01-graphs")
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args(argv)
    ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, 1, 0, 0, 0)
    console = Console()
    with tempfile.TemporaryDirectory(prefix="start-") as folder:
        place = Path(folder, "here")
        place.mkdir()
        what = measures(Chapter(arguments.chapter, Path(folder)), place)
        found: dict[str, list[Spent]] = {name: [] for name in what}
        for _ in range(arguments.repeat):
            for name, measure in what.items():
                found[name].append(measure())
        report(console, found)


if __name__ == "__main__":
    main()
