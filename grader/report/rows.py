"""The figures as lists of dicts: what a table, a CSV file or a data frame is made of."""

from __future__ import annotations

from typing import Any

from grader.report.counted import Figures, Learner

Row = dict[str, Any]


def exercise_rows(figures: Figures) -> list[Row]:
    """A row for each exercise, in the assignment's order."""
    return [
        {
            "exercise": one.id,
            "title": one.title,
            "points": one.points,
            "judged": one.judged,
            "attempted": one.attempted,
            "right": one.right,
            "partly right": one.partly,
            "wrong": one.wrong,
            "could not be checked": one.could_not_check,
            "not attempted": one.not_attempted,
            "mean credit": round(one.mean_credit, 4),
        }
        for one in figures.exercises
    ]


def finding_rows(figures: Figures) -> list[Row]:
    """A row for each finding in each exercise, the most frequent first; `kind` says what it is."""
    return [
        {
            "exercise": one.exercise,
            "kind": one.kind.value,
            "code": one.code,
            "learners": one.count,
            "sentence": one.message,
            "who": "; ".join(one.learners),
        }
        for one in figures.made
    ]


def plain_rows(figures: Figures) -> list[Row]:
    """A row for each test of the instructor's own, and one for each error that it raised."""
    rows: list[Row] = []
    for cell in figures.plain:
        counts = {
            "points": cell.points,
            "run": cell.run,
            "passed": cell.passed,
            "partly passed": cell.partly,
            "failed": cell.failed,
            "pass rate": round(cell.pass_rate, 4),
            "mean score": round(cell.mean_score, 4),
        }
        rows.append({"test": cell.name, "error": ""} | counts | {"learners": "", "who": ""})
        rows += [
            {"test": cell.name, "error": one.sentence}
            | dict.fromkeys(counts, "")
            | {"learners": one.count, "who": "; ".join(one.learners)}
            for one in cell.errors
        ]
    return rows


def learner_rows(figures: Figures) -> list[Row]:
    """A row for each learner, with the credit of each exercise and the score of each test of the
    instructor's own; blank where there is none."""
    return [_learner_row(figures, one) for one in figures.learners]


def _learner_row(figures: Figures, one: Learner) -> Row:
    about = {
        "learner": one.name,
        "name": one.full_name,
        "state": one.state.value,
        "score": round(one.final, 4),
        "points": figures.points,
        "late penalty": round(one.penalty, 4),
        "hours late": round(one.seconds_late / 3600, 2),
        "waits for a person": "; ".join(one.waiting),
        "isolation": one.isolation,
        "needs a hand": "; ".join(one.reasons),
    }
    own = {each.name: one.plain.get(each.name, "") for each in figures.plain}
    return about | {each.id: one.credit.get(each.id, "") for each in figures.exercises} | own
