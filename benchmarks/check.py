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
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent

IMPORT = """
import time
import torch
start = time.perf_counter()
from grader import check
print(time.perf_counter() - start)
"""

FIRST = """
import sys, time
import torch
import grader
from grader.answers import key_of
from grader.checking import find
task = find(sys.argv[1])
functions = key_of(task).answer(task.functions)
start = time.perf_counter()
verdict = grader.check(task.id, *functions)
print(time.perf_counter() - start)
assert verdict.passed, verdict
"""


def in_fresh_processes(program: str, *arguments: str, repeat: int) -> list[float]:
    """What a program measures, in seconds, in as many processes of their own."""
    return [
        float(
            subprocess.run(
                [sys.executable, "-c", program, *arguments],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        for _ in range(repeat)
    ]


def timed(action: Callable[[], object], repeat: int) -> list[float]:
    """Seconds of each of some runs, after one run that is not counted."""
    action()
    found = []
    for _ in range(repeat):
        start = time.perf_counter()
        action()
        found.append(time.perf_counter() - start)
    return found


def checks(repeat: int) -> Iterable[tuple[str, list[float], list[float]]]:
    """For every exercise the seconds of a check that passes, and of one for each named mistake."""
    from grader import check
    from grader.answers import key_of
    from grader.checking import tasks

    for task in tasks().values():
        key = key_of(task)
        assert key is not None
        right = list(key.answer(task.functions))
        passing = timed(lambda: check(task.id, *right), repeat)  # noqa: B023
        failing: list[float] = []
        for wrong in key.mistakes(task.functions):
            functions = list(right)
            functions[task.functions.index(wrong.replaces)] = wrong.function
            failing += timed(lambda: check(task.id, *functions), max(1, repeat // 3))  # noqa: B023
        yield task.id, passing, failing


def milliseconds(seconds: list[float]) -> tuple[str, str]:
    """Median and worst."""
    if not seconds:
        return "–", "–"
    return f"{statistics.median(seconds) * 1e3:.0f}", f"{max(seconds) * 1e3:.0f}"


def against(seconds: list[float], target_ms: int) -> str:
    """Whether the median keeps within a target."""
    kept = statistics.median(seconds) * 1e3 < target_ms
    return f"{'✓' if kept else '✗'} under {target_ms:,} ms"


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
    import torch

    from grader import exercises

    console = Console()
    console.print(
        f"Python {platform.python_version()}, torch {torch.__version__}, {platform.system()}, "
        f"{os.cpu_count()} processors, {torch.get_num_threads()} threads in torch, load "
        f"{os.getloadavg()[0]:.1f} when this began."
    )
    start = Table("", "median ms", "worst ms", "target", title="In a fresh process")
    brought = in_fresh_processes(IMPORT, repeat=fresh)
    start.add_row("import grader, after torch", *milliseconds(brought), against(brought, 150))
    first_of = {exercise.chapter: exercise.id for exercise in reversed(exercises())}
    for chapter, exercise in sorted(first_of.items()):
        seconds = in_fresh_processes(FIRST, exercise, repeat=fresh)
        row = f"first check ({exercise}, {chapter})"
        start.add_row(row, *milliseconds(seconds), against(seconds, 2000))
    console.print(start)

    later = Table(
        "exercise",
        "right: median ms",
        "worst ms",
        "mistakes: median ms",
        "worst ms",
        "target (right)",
        title="Later checks in one process",
    )
    every: list[float] = []
    for exercise, passing, failing in checks(repeat):
        every += passing
        row = (*milliseconds(passing), *milliseconds(failing), against(passing, 100))
        later.add_row(exercise, *row)
    later.add_section()
    later.add_row("all exercises", *milliseconds(every), "", "", against(every, 100))
    console.print(later)


if __name__ == "__main__":
    main()
