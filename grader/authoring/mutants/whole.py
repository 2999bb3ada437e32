"""The mutants of many exercises: reports, their sum in a line, and the list brought up to date."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path

from grader.authoring.mutants import survivors
from grader.authoring.mutants.report import NAMINGS, Report, reasons_for
from grader.authoring.mutants.running import Bench
from grader.authoring.subject import Subject
from grader.engine.catalogue import written


def reports(
    exercises: Sequence[str], course: Path, jobs: int = 1, *, named: bool = True
) -> Iterator[Report]:
    """What becomes of all mutants of each exercise, `jobs` exercises at once."""
    report = partial(report_on, course=course, named=named)
    if jobs == 1:
        yield from map(report, exercises)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(report, exercises)


def report_on(exercise: str, course: Path, *, named: bool = True) -> Report:
    """What becomes of all mutants of one exercise; unless `named`, killed ones have no names."""
    task = written()[exercise]
    lists = survivors.read(task.chapter), survivors.read(survivors.EVERYWHERE)
    tried = tuple(Bench(Subject(task, course)).tried(named=named))
    return Report(exercise, tried, reasons_for(task, *lists))


def summary(of: Sequence[Report]) -> str:
    """`150 mutants: 121 killed (30 own, 12 fact, 40 generic, 39 plain), 29 equivalent, 0 alive`."""
    names = sum((report.names() for report in of), Counter[str]())
    killed = sum(names.values())
    named = ", ".join(f"{names[kind]} {kind}" for kind in NAMINGS if names[kind])
    equivalent = sum(len(report.equivalent) for report in of)
    alive = sum(len(report.alive) for report in of)
    how = f" ({named})" if named and not names["unnamed"] else ""
    return (
        f"{killed + equivalent + alive} mutants: {killed} killed{how}, {equivalent} equivalent, "
        f"{alive} alive"
    )


def write(of: Sequence[Report]) -> list[Path]:
    """Add those alive to the lists of their chapters, without a reason, and take out the idle."""
    paths = []
    chapter_of = {report.exercise: written()[report.exercise].chapter for report in of}
    for chapter, group in groupby(of, key=lambda report: chapter_of[report.exercise]):
        own = {report.exercise: report for report in group}
        kept = []
        for reason in survivors.read(chapter):
            idle = own[reason.exercise].idle if reason.exercise in own else []
            mutants = tuple(one for one in reason.mutants if one not in idle)
            kept += [replace(reason, mutants=mutants)] if mutants else []
        for report in own.values():
            alive = tuple(dict.fromkeys(one.id for one in report.alive))
            kept += [survivors.Reason(report.exercise, "", alive)] if alive else []
        order = [task.id for task in written().values() if task.chapter == chapter]
        survivors.write(chapter, kept, order)
        paths.append(survivors.path(chapter))
    return paths
