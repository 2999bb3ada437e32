"""How long a learner waits for `check`: the first one in a process, each later one, the import."""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent

TIMED = """
import time, sys
import torch
{before}
wall, cpu = time.perf_counter(), time.process_time()
{timed}
print(time.perf_counter() - wall, time.process_time() - cpu)
{after}
"""

IMPORT = TIMED.format(before="", timed="from grader import check", after="")

FIRST = TIMED.format(
    before="""
from grader import check
from grader.trusted.key import key_of
from grader.engine.catalogue import find
task = find(sys.argv[1])
functions = key_of(task).answer(task.functions)
""",
    timed="verdict = check(task.id, *functions)",
    after="assert verdict.passed, verdict",
)


@dataclass(frozen=True)
class Times:
    """Seconds that the same thing took, each time it was done: on the clock, and of processors."""

    wall: tuple[float, ...]
    cpu: tuple[float, ...]

    def __add__(self, other: Times) -> Times:
        return Times(self.wall + other.wall, self.cpu + other.cpu)

    def cells(self) -> tuple[str, str, str]:
        """Median and worst on the clock, and the median of processors, in milliseconds."""
        if not self.wall:
            return "–", "–", "–"
        shown = statistics.median(self.wall), max(self.wall), statistics.median(self.cpu)
        middle, worst, cpu = (f"{seconds * 1e3:,.0f}" for seconds in shown)
        return middle, worst, cpu

    def against(self, target_ms: int) -> str:
        """Whether the median on the clock keeps within a target."""
        kept = statistics.median(self.wall) * 1e3 < target_ms
        return f"{'✓' if kept else '✗'} {target_ms:,}"


def in_fresh_processes(program: str, *arguments: str, repeat: int) -> Times:
    """What a program measures in as many processes of their own."""
    found = Times((), ())
    for _ in range(repeat):
        command = [sys.executable, "-c", program, *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        wall, cpu = map(float, done.stdout.split())
        found += Times((wall,), (cpu,))
    return found


def timed(action: Callable[[], object], repeat: int) -> Times:
    """What some runs take."""
    found = Times((), ())
    for _ in range(repeat):
        wall, cpu = time.perf_counter(), time.process_time()
        action()
        found += Times((time.perf_counter() - wall,), (time.process_time() - cpu,))
    return found


def checks(repeat: int) -> Iterable[tuple[str, Times, Times]]:
    """For every exercise what a check takes that passes, after one that is not counted.

    And what one takes of each named mistake, done once: there are thousands.
    """
    from grader import check
    from grader.engine.catalogue import tasks
    from grader.trusted.key import key_of

    def checking(exercise: str, functions: list[Callable[..., object]]) -> Callable[[], object]:
        return lambda: check(exercise, *functions)

    for task in tasks().values():
        key = key_of(task)
        right = checking(task.id, list(key.answer(task.functions)))
        right()
        failing = Times((), ())
        for wrong in key.mistakes(task.functions):
            functions = key.answer_with(wrong, task.functions)
            failing += timed(checking(task.id, functions), 1)
        yield task.id, timed(right, repeat), failing


def main() -> None:
    """Measure, and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=9, help="runs of each later check")
    parser.add_argument("--fresh", type=int, default=5, help="processes for each first check")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as record:
        os.environ["AUTOGRAD_COURSE_DATA"] = record
        measure(arguments.repeat, arguments.fresh)


def measure(repeat: int, fresh: int) -> None:
    """Measure everything and print it as it comes."""
    import torch

    from grader import exercises

    console = Console()
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    console.print(
        f"Python {platform.python_version()}, torch {torch.__version__}, {platform.system()} on "
        f"{os.cpu_count()} processors, {torch.get_num_threads()} threads in torch, load {load}. "
        "All times in milliseconds."
    )
    columns = ("median", "worst", "processor time", "target")
    start = Table("In a fresh process", *columns)
    times = in_fresh_processes(IMPORT, repeat=fresh)
    start.add_row("from grader import check, after torch", *times.cells(), times.against(150))
    first_of = {exercise.chapter: exercise.id for exercise in reversed(exercises())}
    for _, exercise in sorted(first_of.items()):
        times = in_fresh_processes(FIRST, exercise, repeat=fresh)
        start.add_row(f"first check: {exercise}", *times.cells(), times.against(2000))
    console.print(start)

    later = Table("Later checks", *columns, "of a mistake: median", "worst")
    every = Times((), ())
    for exercise, passing, failing in checks(repeat):
        every += passing
        later.add_row(exercise, *passing.cells(), passing.against(100), *failing.cells()[:2])
    later.add_section()
    later.add_row("all of them", *every.cells(), every.against(100))
    console.print(later)


if __name__ == "__main__":
    main()
