"""Counts what the ledger, the gradebook and the collected folders say of one assignment."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from grader.engine.refusal import Refusal
from grader.judge.batch.desk import Desk
from grader.judge.books.needs import Cause, Need, joined
from grader.judge.books.register import Handed, Register, read_register
from grader.judge.books.standing import Standing, standings
from grader.judge.books.strangers import class_list, strangers
from grader.judge.books.tables import VerdictRow
from grader.report.counted import (
    HALF,
    ByHand,
    ExerciseFigures,
    Figures,
    Kind,
    Learner,
    Made,
    PlainCell,
    Shared,
    State,
    in_order,
    shared,
)
from grader.report.raised import raised_in


class NothingGraded(Refusal):
    """There is nothing to report on yet."""


def count(desk: Desk, assignment: str) -> Figures:
    """The figures of one assignment. Raises NotReleased and NothingGraded."""
    register = read_register(desk.course, assignment)
    standing = standings(desk.ledger, assignment)
    if not standing:
        raise NothingGraded(
            f"No submission of {assignment} was judged yet.", f"autograd-course grade {assignment}"
        )
    handed_in = desk.students(assignment)
    unknown = strangers(class_list(desk.course), handed_in)
    unknown = {name: why for name, why in unknown.items() if name not in standing}
    collected = set(handed_in) - set(unknown)  # whoever is nobody in the class was not graded
    read = {name: one for name, one in standing.items() if not one.unread}
    exercises = tuple(_exercises(read, register))
    everybody = sorted(collected | set(standing) | set(register.people))
    learners = [_learner(name, standing, register, name in collected) for name in everybody]
    figures = Figures(
        assignment,
        register.points,
        tuple(learners),
        exercises,
        tuple(_plain(desk, standing, register)),
        tuple(_by_hand(register, exercises)),
        max(one.sittings[0].at for one in standing.values()),
        tuple(sorted(_older_cases(standing))),
        _needs(standing, unknown),
    )
    return _with_reasons(figures)


def kind_of(exercise: str, code: str) -> Kind:
    """What a finding with this code is, in this exercise."""
    head, _, name = code.partition(".")
    if head == exercise and name:
        return Kind.MISTAKE
    return {"ERROR": Kind.ERROR, "SIDE": Kind.EFFECT, "CHECK": Kind.UNANSWERED}.get(head, Kind.SIGN)


def _exercises(standing: Mapping[str, Standing], register: Register) -> Iterator[ExerciseFigures]:
    """The exercises in the order of the newest grading that had all of them."""
    rows: dict[str, list[VerdictRow]] = defaultdict(list)
    for one in sorted(standing.values(), key=lambda one: one.sittings[0].id, reverse=True):
        for row in one.verdicts.values():
            rows[row.exercise].append(row)
    for exercise, verdicts in rows.items():
        yield _exercise(exercise, verdicts, register)


def _exercise(exercise: str, rows: Sequence[VerdictRow], register: Register) -> ExerciseFigures:
    from grader.engine.catalogue import tasks  # it loads torch

    task = tasks().get(exercise)
    cell = register.cells.get(exercise)
    counted = Counter(map(_outcome, rows))
    return ExerciseFigures(
        exercise,
        task.title if task else exercise,
        cell.points if cell else float(task.points) if task else 0.0,
        counted["right"],
        counted["partly"],
        counted["wrong"],
        counted["not attempted"],
        counted["could not check"],
        sum(row.credit for row in rows) / len(rows),
        in_order(_made(exercise, rows)),
    )


def _outcome(row: VerdictRow) -> str:
    return "partly" if row.outcome == "wrong" and row.credit > 0 else row.outcome


def _made(exercise: str, rows: Iterable[VerdictRow]) -> Iterator[Made]:
    """Each finding with everybody in whose answer it is; a learner counts once for each."""
    messages: dict[str, dict[str, str]] = defaultdict(dict)
    for row in rows:
        for finding in row.findings:
            messages[finding["code"]].setdefault(row.student, finding["message"])
    for code, by_learner in messages.items():
        message = Counter(by_learner.values()).most_common(1)[0][0]
        yield Made(kind_of(exercise, code), exercise, code, message, tuple(sorted(by_learner)))


def _learner(
    name: str, standing: Mapping[str, Standing], register: Register, collected: bool
) -> Learner:
    one = standing.get(name)
    row = register.rows.get(name, Handed())
    person = register.people.get(name)
    learner = Learner(
        name,
        person.full_name if person else "",
        State.WAITING if collected else State.MISSING,
        row.score,
        row.penalty,
        row.seconds_late,
    )
    if one is None:
        return learner
    verdicts = [] if one.unread else list(one.verdicts.values())
    return replace(
        learner,
        state=State.UNREAD if one.unread else State.JUDGED,
        credit={row.exercise: row.credit for row in verdicts},
        outcomes={row.exercise: _outcome(row) for row in verdicts},
        plain={} if one.unread else _plain_scores(one, row),
        waiting=row.waiting,
        isolation=_weakest(one),
        notes=tuple(note for row in one.sittings for note in (*row.repairs, *row.incidents)),
    )


def _weakest(standing: Standing) -> str:
    """The isolation of a grading; that of the newest, unless one was without any."""
    levels = [sitting.isolation for sitting in standing.sittings]
    return "none" if "none" in levels else levels[0]


def _plain(desk: Desk, standing: Mapping[str, Standing], register: Register) -> Iterator[PlainCell]:
    """The instructor's own tests, counted over those whose notebook was run."""
    ran = {name: one for name, one in standing.items() if not one.unread}
    sittings = (sitting for one in standing.values() for sitting in one.sittings)
    names = {name for sitting in sittings for name in sitting.plain}
    cells = [cell for cell in register.cells.values() if cell.name in names]
    errors: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for found in raised_in(desk, register.assignment, ran, {cell.notebook for cell in cells}):
        errors[found.cell].append((found.error, found.learner))
    for cell in cells:
        rows = (register.rows.get(name, Handed()) for name in ran)
        scores = [row.marks[cell.name].score for row in rows if cell.name in row.marks]
        full = sum(score >= cell.points for score in scores)
        none = sum(score <= 0 < cell.points for score in scores)
        yield PlainCell(
            cell.name,
            cell.points,
            sum(scores) / len(scores) if scores else 0.0,
            full,
            len(scores) - full - none,
            none,
            shared(errors[cell.name]),
        )


def _plain_scores(standing: Standing, row: Handed) -> dict[str, float]:
    names = {name for sitting in standing.sittings for name in sitting.plain}
    return {name: mark.score for name, mark in row.marks.items() if name in names}


def _needs(standing: Mapping[str, Standing], unknown: Mapping[str, str]) -> tuple[Shared, ...]:
    noted = [
        (str(need), name)
        for name, one in standing.items()
        for need in joined(need for sitting in one.sittings for need in sitting.needs)
    ]
    nobody = [(str(Need(Cause.UNKNOWN_STUDENT, why)), name) for name, why in unknown.items()]
    return shared([*noted, *nobody])


def _by_hand(register: Register, exercises: Sequence[ExerciseFigures]) -> Iterator[ByHand]:
    waiting = Counter(name for row in register.rows.values() if row.graded for name in row.waiting)
    for cell in register.cells.values():
        if cell.by_hand or waiting[cell.name]:
            yield ByHand(cell.name, cell.points, waiting[cell.name])


def _older_cases(standing: Mapping[str, Standing]) -> Iterator[str]:
    """Who was judged on hidden cases that were drawn anew since."""
    newest = max(sitting.secret_version for one in standing.values() for sitting in one.sittings)
    for name, one in standing.items():
        if any(sitting.secret_version < newest for sitting in one.sittings):
            yield name


def _with_reasons(figures: Figures) -> Figures:
    learners = (
        replace(one, reasons=tuple(_reasons(figures, one)))
        if one.state is State.JUDGED and figures.share(one) < HALF
        else one
        for one in figures.learners
    )
    return replace(figures, learners=tuple(learners))


def _reasons(figures: Figures, learner: Learner) -> Iterator[str]:
    yield f"earned {figures.earned(learner):.3g} of {figures.most:g} points"
    missing = [name for name, outcome in learner.outcomes.items() if outcome == "not attempted"]
    if missing:
        yield f"did not attempt {', '.join(missing)}"
    mistakes = [made.code for made in figures.mistakes if learner.name in made.learners]
    if mistakes:
        yield f"made {', '.join(mistakes)}"
