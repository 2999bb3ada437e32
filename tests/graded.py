"""A class whose verdicts and grades are written down, not reached: nothing of it was judged."""

import warnings
from dataclasses import replace
from datetime import timedelta

from nbgrader.api import Gradebook
from sqlalchemy.exc import SAWarning

from grader.judge.ledger import Circumstances, Ledger, Notes
from grader.verdict import CaseOutcome, Finding, Outcome, Verdict
from tests import classroom
from tests.classroom import ASSIGNMENT, DUE, POINTS

ONE, TWO = classroom.EXERCISES
CASES = (CaseOutcome("5 numbers", True, False), CaseOutcome("one number", False, False))
FOLLOWED = "You followed only the path from w through `a = x + w`."
WHEN = Circumstances(ASSIGNMENT, "", "a" * 64, 1, "cpu", "full", {"torch": "2.13.0"})
NOTES = Notes((ASSIGNMENT,), (), (), classroom.PLAIN)


def right(exercise):
    return Verdict(exercise, Outcome.RIGHT, 1.0, (), CASES)


def untouched(exercise):
    return Verdict(exercise, Outcome.NOT_ATTEMPTED, 0.0, (), CASES)


def wrong(exercise, code, message="A sentence.", credit=0.0):
    return Verdict(exercise, Outcome.WRONG, credit, (Finding(code, message),), CASES)


def judge(folder, student, *verdicts, notes=NOTES, collected=True, **when):
    """Append one grading, and collect a submission for it."""
    ledger = Ledger(f"sqlite:///{folder}/verdicts.db")
    ledger.append(replace(WHEN, student=student, **when), verdicts, notes)
    ledger.close()
    if collected:
        (folder / "submitted" / student / ASSIGNMENT).mkdir(parents=True, exist_ok=True)


def grade(folder, student, scores=None, *, late=timedelta(), penalty=None, waits=(), **person):
    """Lay what a graded submission leaves in the gradebook: automatic scores by cell."""
    with warnings.catch_warnings(), opened(folder) as gradebook:
        warnings.simplefilter("ignore", SAWarning)  # nbgrader's own
        gradebook.update_or_create_student(student, **person)
        gradebook.update_or_create_submission(
            ASSIGNMENT, student, timestamp=DUE - timedelta(days=1) if not late else DUE + late
        )
        row = gradebook.find_submission_notebook(ASSIGNMENT, ASSIGNMENT, student)
        row.late_submission_penalty = penalty
        for grade in row.grades:
            grade.auto_score = (scores or {}).get(grade.name, None if grade.name in waits else 0.0)
            grade.needs_manual_grade = grade.name in waits
        gradebook.db.commit()


def opened(folder):
    return Gradebook(f"sqlite:///{folder}/gradebook.db", "autograd-course")


def lay(folder):
    """A class of eight, one of each kind."""
    classroom.course(folder, [])
    judge(folder, "ada", right(ONE), right(TWO))
    grade(folder, "ada", POINTS, first_name="Ada", last_name="L.", waits=("explain", "sketch"))
    judge(folder, "bob", wrong(ONE, f"{ONE}.first_path_only", FOLLOWED), right(TWO))
    grade(folder, "bob", POINTS | {ONE: 0, "count": 1.5})
    judge(folder, "cleo", wrong(ONE, f"{ONE}.first_path_only", FOLLOWED), untouched(TWO))
    grade(folder, "cleo", {"triple": 4}, late=timedelta(hours=5), penalty=1.0)
    half = wrong(
        TWO, "RATIO.twice", "`w1` is 2 times the right answer. Was it added up twice?", 0.5
    )
    judge(folder, "dan", wrong(ONE, "ERROR.raised", "two_path_grad raised KeyError."), half)
    grade(folder, "dan", {TWO: 5}, penalty=0.0)
    nothing = [replace(untouched(name), cases=()) for name in (ONE, TWO)]
    cannot = "The notebook cannot be read, since it ends too early. Nothing in it was graded."
    judge(folder, "eve", *nothing, notes=replace(NOTES, repairs=(cannot,)))
    grade(folder, "eve")
    judge(folder, "fay", right(ONE), right(TWO), isolation="none")
    grade(folder, "fay", POINTS)
    (folder / "submitted" / "gus" / ASSIGNMENT).mkdir(parents=True)
    with opened(folder) as gradebook:
        gradebook.add_student("hal", first_name="Hal", last_name="9000")
    return folder
