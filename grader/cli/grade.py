"""`autograd-course grade`: what an instructor types, and what they read."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from grader.cli import graded
from grader.cli.follow import Follow, Tries, follow_until_stopped
from grader.cli.place import INTERRUPTED, find_class
from grader.engine.refusal import Refusal
from grader.judge.intake.naming import require_assignment
from grader.judge.intake.printable import quote, quote_name

if TYPE_CHECKING:
    from grader.judge.batch.desk import Desk
    from grader.judge.batch.filing import Filing
    from grader.judge.batch.pool import Crew, Line
    from grader.judge.sitting.papers import Round

_errors = Console(highlight=False, soft_wrap=True, stderr=True)

Assignment = Annotated[
    str,
    typer.Argument(help="Such as 01-graphs.", show_default=False, callback=require_assignment),
]
Course = Annotated[
    Path | None,
    typer.Option("--course", help="The class's folder.", show_default="the one you are in"),
]
Jobs = Annotated[
    int | None,
    typer.Option(min=1, help="Processes that judge.", show_default="one per processor"),
]
Students = Annotated[
    list[str] | None,
    typer.Option(help="Only these, separated by commas.", show_default="everybody"),
]
Force = Annotated[bool, typer.Option("--force", help="Grade again what was graded before.")]
Reseed = Annotated[
    bool, typer.Option("--reseed", help="Draw new hidden cases, and grade everybody on them.")
]
Isolation = Annotated[
    str | None,
    typer.Option(
        help="auto, full, cold, landlock, or none: submissions then run with your rights.",
        show_default="as nbgrader_config.py says, else auto",
    ),
]
GpuJobs = Annotated[
    int | None,
    typer.Option(min=1, help="Grade on the GPU, so many at once.", show_default="on the processor"),
]
NewStudents = Annotated[
    bool,
    typer.Option("--new-students", help="Who is nobody in the class becomes a student of it."),
]
Scheduler = Annotated[
    str | None,
    typer.Option(help="Judge on this Dask cluster, tcp://host:8786.", show_default="this machine"),
]


class CannotGrade(Refusal):
    """What was asked for cannot be done here."""


def grade(
    assignment: Assignment,
    course: Course = None,
    jobs: Jobs = None,
    students: Students = None,
    force: Force = False,
    reseed: Reseed = False,
    isolation: Isolation = None,
    gpu_jobs: GpuJobs = None,
    scheduler: Scheduler = None,
    new_students: NewStudents = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
    following: Follow = False,
    tries: Tries = None,
) -> None:
    """Grade the collected submissions of an assignment, in boxes they cannot leave.

    What is graded already stays as it is: a run that was stopped is taken up by running it again.
    It ends with status 0 if all are graded, 1 if it was refused, and 3 if some need a person.
    """
    # Before torch is imported, here and in the workers: each would take every processor.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    _refuse_contradictions(jobs, gpu_jobs, scheduler)
    if tries is not None and not following:
        raise CannotGrade("--tries counts what arrives.", "Add --follow, or leave it out.")
    if scheduler is None and gpu_jobs is None:
        from grader.judge.batch.starting import begin  # before what this process loads

        begin(isolation)
    desk = desk_for(course, isolation, gpu_jobs)
    if following:
        if students or force or reseed:
            raise CannotGrade(
                "--follow grades what arrives, of everybody and once.",
                "Leave out --students, --force and --reseed, or type them without --follow.",
            )
        if scheduler is None:
            find_isolation(desk)
        judging = partial(judging_for, desk, jobs, gpu_jobs, scheduler)
        follow_until_stopped(desk, judging, lambda: [assignment], tries, as_json)
    chosen = chosen_students(desk, assignment, students)
    started = time.monotonic()
    if scheduler is None:  # the machines of a cluster find theirs
        find_isolation(desk)
    round_ = desk.round(assignment, reseed=reseed)
    unknown = {} if new_students else unknown_students(desk, assignment)
    with opened(desk, round_) as filing:
        from grader.judge.batch.pool import Batch, refused

        crew = crew_of(jobs, gpu_jobs, scheduler)
        try:
            batch = Batch(desk, filing, round_, crew, force=force, strangers=unknown)
            gc.freeze()  # to look for garbage in all that is loaded takes as long as three filings
            lines = list(watched(batch.lines(chosen), len(chosen), assignment, quiet=as_json))
            lines += refused(desk, assignment) if students is None else []
        except KeyboardInterrupt:
            _errors.print("[bold red]Stopped.[/] What is graded already stays graded.")
            _errors.print("The same command, typed again, grades the rest.")
            raise typer.Exit(INTERRUPTED) from None
        finally:
            crew.close()
    found = graded.Outcome(assignment, round_.secret.version, lines)
    if as_json:
        graded.print_json(found)
    else:
        graded.print_report(found, desk, time.monotonic() - started)
    raise typer.Exit(NEED_A_PERSON if found.needs else 0)


NEED_A_PERSON = 3
"""The exit status of grading that is done and leaves something to a person."""


def _refuse_contradictions(jobs: int | None, gpu_jobs: int | None, scheduler: str | None) -> None:
    """Raises CannotGrade if two of these say how many submissions are judged at once."""
    if scheduler is not None and (jobs is not None or gpu_jobs is not None):
        raise CannotGrade(
            "--jobs and --gpu-jobs count processes of this machine, and --scheduler judges on "
            "others.",
            "Leave one of them out.",
        )
    if jobs is not None and gpu_jobs is not None:
        raise CannotGrade(
            "--jobs grades on the processor, and --gpu-jobs on the GPU.", "Leave one of them out."
        )


def desk_for(course: Path | None, isolation: str | None, gpu_jobs: int | None = None) -> Desk:
    """The desk of a class, with what was asked for on the command line. Raises a Refusal."""
    from grader.judge.batch.desk import Desk
    from grader.judge.batch.settings import ISOLATION

    settings: dict[str, Any] = {}
    if isolation is not None:
        if isolation not in ISOLATION:
            raise typer.BadParameter(f"--isolation is one of {', '.join(ISOLATION)}")
        settings["isolation"] = isolation
    if gpu_jobs is not None:
        _require_gpu()
        settings["device"] = "cuda"
    return Desk.at(find_class(course), **settings)


def find_isolation(desk: Desk) -> None:
    """Find once, here, how submissions are walled in; without a way, refuse before anything else.

    Raises BoxRefused.
    """
    if desk.grading.isolation == "auto":
        from grader.box.outside.probe import probe

        desk.grading.isolation = probe().require().value


def _require_gpu() -> None:
    import torch

    if not torch.cuda.is_available():
        raise CannotGrade(
            "--gpu-jobs asks for a GPU, and torch finds none here.",
            "Leave it out: every exercise is graded the same on the processor. Or look at what "
            "autograd-course doctor says of the GPU.",
        )


def chosen_students(desk: Desk, assignment: str, students: list[str] | None) -> list[str]:
    """Those named, or everybody of whom a submission was collected. Raises NoSubmission."""
    from grader.judge.batch.desk import NoSubmission

    there = desk.students(assignment)
    if students is None:
        if not there:
            place = desk.folder(assignment, "*")
            odd = ", ".join(map(quote_name, desk.refused(assignment)))
            raise NoSubmission(
                f"No submission of {assignment} was collected: there is no {place}"
                + (f" but what cannot be a student's: {odd}." if odd else ".")
                + "".join(f" {told}" for told in desk.misplaced(assignment).values()),
                f"nbgrader collect {assignment}, or nbgrader zip_collect {assignment}",
            )
        return there
    named = [name for entry in students for name in _names(entry, there)]
    chosen = [name for name in dict.fromkeys(named) if name in there]
    missing = ", ".join(quote(name) for name in dict.fromkeys(named) if name not in there)
    if not chosen:
        raise NoSubmission(
            f"There is no submission of {assignment} by {missing or 'nobody named'}.",
            f"Submissions lie in {desk.folder(assignment, 'STUDENT')}.",
        )
    if missing:
        _errors.print(f"[yellow]There is no submission of {assignment} by {escape(missing)}.[/]")
    return chosen


def unknown_students(desk: Desk, assignment: str) -> Mapping[str, str]:
    """Who handed in and is nobody in the class, with what to say of each."""
    from grader.judge.books.strangers import class_list, strangers

    return strangers(class_list(desk.course), desk.students(assignment))


def _names(entry: str, known: Collection[str]) -> list[str]:
    """What --students names: one student whose id holds a comma, or several with commas between.

    The longest id that somebody has is taken, from the left.
    """
    parts = entry.split(",")
    found = []
    while parts:
        whole = next(
            (size for size in range(len(parts), 1, -1) if ",".join(parts[:size]).strip() in known),
            1,
        )
        found.append(",".join(parts[:whole]).strip())
        parts = parts[whole:]
    return [name for name in found if name]


@contextmanager
def opened(desk: Desk, round_: Round) -> Iterator[Filing]:
    """The assignment's places."""
    from grader.judge.batch.filing import Filing
    from grader.judge.books.gradebook import Book

    book = Book(desk.course)
    try:
        yield Filing(desk, book, round_)
    finally:
        book.close()
        desk.close()


def crew_of(jobs: int | None, gpu_jobs: int | None, scheduler: str | None) -> Crew:
    """Who judges: processes of this machine, or a cluster's."""
    if scheduler is not None:
        from grader.judge.batch.cluster import Cluster

        return Cluster(scheduler)
    from grader.judge.batch.workers import Workers

    return Workers(gpu_jobs or jobs or len(os.sched_getaffinity(0)))


@contextmanager
def judging_for(
    desk: Desk, jobs: int | None, gpu_jobs: int | None = None, scheduler: str | None = None
) -> Iterator[Callable[[str, list[str]], Iterator[Line]]]:
    """Who judges, made once for many small batches: a function that grades some students."""
    from grader.judge.batch.pool import Batch

    crew = crew_of(jobs, gpu_jobs, scheduler)

    def graded_anew(assignment: str, students: list[str]) -> Iterator[Line]:
        round_ = desk.round(assignment)
        unknown = unknown_students(desk, assignment)
        with opened(desk, round_) as filing:
            yield from Batch(desk, filing, round_, crew, strangers=unknown).lines(students)

    try:
        yield graded_anew
    finally:
        crew.close()


def watched(lines: Iterator[Line], total: int, assignment: str, *, quiet: bool) -> Iterator[Line]:
    """The same lines, with a bar of how many are done."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=_errors,
        disable=quiet,
    )
    with bar:
        task = bar.add_task(escape(assignment), total=total)
        for line in lines:
            yield line
            bar.advance(task)
