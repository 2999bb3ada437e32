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


def learner_rows(figures: Figures) -> list[Row]:
    """A row for each learner, with the credit of each exercise; blank where there is no verdict."""
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
    return about | {each.id: one.credit.get(each.id, "") for each in figures.exercises}
