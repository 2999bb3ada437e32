"""What grading a class costs: nbgrader as shipped, the judge, and the bare floor under both.

Every submission solves the whole chapter, in a text of its own. Seconds per submission run from the
collected folder to the gradebook and the feedback page: from the first submission that is finished
to the last, so that starting up is shown apart. Everything is measured in one run, one thing after
the other: compare the ratios, not the seconds, with those of another machine.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# Before torch is imported: here as in a box it computes with one thread.
os.environ["OMP_NUM_THREADS"] = "1"

import nbformat
import psutil
from rich.console import Console
from rich.table import Table

from grader.authoring import releases
from grader.notebook.texts import notebooks

ROOT = Path(__file__).resolve().parent.parent
STOCK = """\
c = get_config()
c.CourseDirectory.course_id = "autograd-course"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", "*.md"]
"""
_SAMPLE = 1.0  # seconds between two looks at the memory
_MARKERS = re.compile(r"^ *### (BEGIN|END) SOLUTION\n", re.MULTILINE)


@dataclass(frozen=True)
class Cost:
    """What a class cost: seconds per submission and of start-up, and memory at its peak in MiB."""

    each: float
    start_up: float
    memory: float


class Chapter:
    """A released chapter, and classes of submissions that solve it."""

    def __init__(self, name: str, place: Path) -> None:
        self.name, self.place = name, place
        self._made = 0
        self.released = place / "released"
        shutil.copytree(
            ROOT / "solutions" / name,
            self.released / "solutions" / name,
            ignore=shutil.ignore_patterns("*.ipynb"),
        )
        shutil.copy(ROOT / "nbgrader_config.py", self.released)
        list(releases.generate(self.released))
        text = self.released / "solutions" / name / f"{name}.md"
        self._answers = {
            cell.id: _MARKERS.sub("", cell.source)
            for cell in notebooks.read(text).cells
            if cell.metadata.get("nbgrader", {}).get("solution")
        }

    def a_class(self, size: int, settings: str | None = None) -> Path:
        """A course with so many submissions; `settings` in the place of nbgrader_config.py."""
        self._made += 1
        course = self.place / f"class-{self._made}"
        shutil.copytree(self.released, course)
        if settings is not None:
            (course / "nbgrader_config.py").write_text(settings)
        for number in range(size):
            folder = course / "submitted" / f"student-{number:05}" / self.name
            folder.mkdir(parents=True)
            nbformat.write(self.solved(number), folder / f"{self.name}.ipynb")
            (folder / "timestamp.txt").write_text("2026-01-10 09:00:00.000000 UTC")
        return course

    def solved(self, number: int) -> nbformat.NotebookNode:
        """The release with every answer in it. No two have one text, so that none is known.

        What their boxes reply is the same, as of two right answers in three."""
        path = self.released / "exercises" / self.name / f"{self.name}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.id in self._answers:
                sign = "#" if cell.cell_type == "code" else "\n\nSigned"
                cell.source = f"{self._answers[cell.id]}\n{sign} {number}"
        return notebook


class Watch:
    """Looks at a process and all that it starts: its proportional set size at its peak."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.peak = 0.0
        self._process, self._over = process, threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def stop(self) -> float:
        """The peak in MiB."""
        self._over.set()
        self._thread.join()
        return self.peak

    def _look(self) -> None:
        while not self._over.wait(_SAMPLE):
            try:
                family = psutil.Process(self._process.pid)
                pids = [family.pid, *(child.pid for child in family.children(recursive=True))]
            except psutil.NoSuchProcess:
                return
            self.peak = max(self.peak, sum(map(_proportional, pids)))


def _proportional(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it ended, or it is a box of another user
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


def run(course: Path, *command: str, first: Sequence[Path] = ()) -> tuple[float, float]:
    """Run a command in a course, `first` before our packages: seconds, and memory at its peak."""
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    packages = os.pathsep.join(map(str, [*first, ROOT]))
    environment = os.environ | {"PATH": path, "PYTHONPATH": packages}
    started = time.perf_counter()
    with (course / "said.txt").open("ab") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=course, env=environment, stdout=said, stderr=said
        )
        watch = Watch(process)
        status = process.wait()
        seconds = time.perf_counter() - started
        memory = watch.stop()
    if status:
        sys.exit((course / "said.txt").read_text()[-3000:])
    return seconds, memory


def between(course: Path, step: str, pattern: str) -> float:
    """Seconds per file, from the first of a folder's files that was written to the last."""
    times = sorted(path.stat().st_mtime for path in (course / step).glob(pattern))
    return (times[-1] - times[0]) / (len(times) - 1)


def by_nbgrader(chapter: Chapter, size: int, first: Sequence[Path] = ()) -> Cost:
    """nbgrader as shipped: `autograde`, then `generate_feedback`."""
    course = chapter.a_class(size, STOCK)
    grading, one = run(course, "nbgrader", "autograde", chapter.name, first=first)
    pages, other = run(course, "nbgrader", "generate_feedback", chapter.name, first=first)
    each = between(course, "autograded", "*/*/*.ipynb") + between(course, "feedback", "*/*/*.html")
    return Cost(each, grading + pages - size * each, max(one, other))


def by_the_judge(chapter: Chapter, size: int, jobs: int) -> Cost:
    """The judge, with so many jobs."""
    course = chapter.a_class(size)
    seconds, memory = run(course, "grader.cli", "grade", chapter.name, "--jobs", str(jobs))
    each = between(course, "feedback", "*/*/*.html")
    shutil.rmtree(course)
    return Cost(each, seconds - size * each, memory)


class Inside:
    """One submission's cells and the judge's questions on them, run in a box and without one."""

    def __init__(self, chapter: Chapter) -> None:
        from grader.judge.sitting.checks import check_in
        from grader.judge.sitting.judging import Judge

        self.steps: list[str | list[tuple[dict[str, object], bytes]]] = []
        judge = Judge(b"s" * 32)
        for cell in chapter.solved(0).cells:
            check = check_in(cell)
            if check is not None:
                self.steps.append(judge.questions(check.exercise, check.functions))
            elif cell.cell_type == "code":
                self.steps.append(cell.source)

    def in_boxes(self, times: int) -> list[float]:
        """Seconds for each time in a fresh box: open it, run the cells, ask, close it."""
        from grader.box.outside.boxes import Boxes

        found = []
        with Boxes(handler="grader.box.inside.observing") as boxes:
            for _ in range(times + 1):
                started = time.perf_counter()
                with boxes.open({}) as box:
                    for step in self.steps:
                        if isinstance(step, str):
                            box.run_cell(step)
                        else:
                            for reply in box.calls(step):
                                if isinstance(reply, Exception):
                                    raise reply
                found.append(time.perf_counter() - started)
        return found[1:]  # the first one waits for the zygote

    def bare(self, times: int) -> list[float]:
        """Seconds for each time in a forked process, without a sandbox and without a judge."""
        from grader.box.inside.warm import warm

        shell, handler = warm(2**20, "grader.box.inside.observing")
        assert handler is not None
        found = []
        for _ in range(times):
            started = time.perf_counter()
            child = os.fork()
            if child == 0:
                for step in self.steps:
                    if isinstance(step, str):
                        shell.run(step)
                    else:
                        for header, body in step:
                            handler.reply(header, body, shell.user_ns)
                os._exit(0)
            os.waitpid(child, 0)
            found.append(time.perf_counter() - started)
        return found


def verdict(kept: bool) -> str:
    return "✓" if kept else "✗"


def compare(
    console: Console, chapter: Chapter, stock: int, size: int, unbounded: Path | None
) -> None:
    """Both sides and the floor, as a table, and the ratios against their targets."""
    one_side = by_nbgrader(chapter, stock)
    alone = None if unbounded is None else by_nbgrader(chapter, stock, [unbounded])
    ours = {jobs: by_the_judge(chapter, size, jobs) for jobs in (1, 2)}
    inside = Inside(chapter)
    boxed = statistics.median(inside.in_boxes(20))
    bare = statistics.median(inside.bare(20))
    table = Table("", "s per submission", "times faster", "start-up s", "peak memory MiB")
    table.add_row("nbgrader as shipped, with the course's libraries", *_cells(one_side, one_side))
    if alone is not None:
        table.add_row("nbgrader with libraries of its own choice", *_cells(alone, one_side))
    for jobs, cost in ours.items():
        table.add_row(f"the judge, --jobs {jobs}", *_cells(cost, one_side))
    table.add_row("inside a box, without the judge", f"{boxed:.3f}")
    table.add_row("the bare floor: fork, cells, calls", f"{bare:.3f}")
    console.print(table)
    for other in filter(None, (one_side, alone)):
        faster = other.each / ours[2].each
        said = "its own" if other is alone else "our"
        console.print(
            f"{verdict(faster >= 60)} {faster:.1f} times nbgrader with {said} libraries, with two "
            "jobs; target 60"
        )
    console.print(
        f"{verdict(boxed <= 3 * bare)} {boxed / bare:.2f} times the floor inside the box, target 3"
    )


def _cells(cost: Cost, stock: Cost) -> Sequence[str]:
    faster = f"{stock.each / cost.each:.1f}"
    return f"{cost.each:.3f}", faster, f"{cost.start_up:.1f}", f"{cost.memory:,.0f}"


def curve(console: Console, chapter: Chapter, sizes: Sequence[int]) -> None:
    """The cost per submission and the memory as the class grows."""
    table = Table("submissions", "s per submission", "start-up s", "peak memory MiB")
    found = {}
    for size in sizes:
        found[size] = cost = by_the_judge(chapter, size, 2)
        cells = f"{cost.each:.3f}", f"{cost.start_up:.1f}", f"{cost.memory:,.0f}"
        table.add_row(f"{size:,}", *cells)
    console.print(table)
    if {100, 1000} <= set(sizes):
        slower = found[1000].each / found[100].each
        console.print(f"{verdict(slower <= 1.2)} {slower:.2f} times the cost at 100, target 1.2")
        grown = found[1000].memory / found[100].memory
        console.print(f"{verdict(grown <= 1.1)} {grown:.2f} times the memory at 100: flat is 1")
    most = max(cost.memory for cost in found.values())
    console.print(f"{verdict(most < 2048)} {most:,.0f} MiB at most, target 2,048")


def main() -> None:
    """Measure, and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--chapter", default="01-graphs")
    parser.add_argument("--stock", type=int, default=6, help="submissions for nbgrader as shipped")
    parser.add_argument("--size", type=int, default=40, help="submissions for the judge")
    parser.add_argument(
        "--curve", type=int, nargs="*", default=[10, 100, 1000], help="sizes of classes"
    )
    parser.add_argument(
        "--unbounded",
        type=Path,
        help="a folder with the libraries that nbgrader has where this course bounds none: "
        'pip install --target FOLDER "jsonschema[format-nongpl]"',
    )
    arguments = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="autograd-course-bench-") as place:
        chapter = Chapter(arguments.chapter, Path(place))
        if arguments.stock:
            compare(console, chapter, arguments.stock, arguments.size, arguments.unbounded)
        if arguments.curve:
            curve(console, chapter, arguments.curve)


if __name__ == "__main__":
    main()
