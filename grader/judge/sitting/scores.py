"""What stands under a graded cell: a verdict with its number, or the result of a test."""

from __future__ import annotations

from typing import Any

from nbformat import from_dict
from nbformat.v4 import new_output
from nbgrader.utils import determine_grade

from grader.diagnosis.verdict import Verdict
from grader.judge.intake.cells import Cell, is_test, result_of
from grader.judge.sitting.happened import Happened, Incident


def judged_outputs(verdict: Verdict, points: float) -> list[Any]:
    """What nbgrader reads as the score, and what the learner reads: a number and the verdict."""
    page = {"text/html": verdict._repr_html_(), "text/plain": str(verdict)}
    score = {"text/plain": repr(round(points * verdict.credit, 6))}
    # new_output would validate each: that takes longer than comparing most answers.
    return [
        from_dict({"output_type": "display_data", "metadata": {}, "data": page}),
        from_dict(
            {
                "output_type": "execute_result",
                "metadata": {},
                "data": score,
                "execution_count": None,
            }
        ),
    ]


def keep_in_range(cell: Cell, happened: Happened) -> None:
    """A plain graded cell whose result is a number, and no score, earns nothing.

    nbgrader reads nan and what is below 0 as full marks.
    """
    result = result_of(cell)
    try:
        score, most = determine_grade(cell)
    except (ValueError, KeyError, TypeError):
        score, most = None, 0.0
    if score is None or not 0.0 <= score <= most or (score and not (result or 0.0) >= 0.0):
        name = cell.metadata.nbgrader.grade_id
        sentence = f"The result of {name} is no score between 0 and its points."
        several = "The results of {names} are no scores between 0 and their points."
        happened.note(Incident(sentence, several, name=name))
        cell.outputs = [error("NoScore", sentence)]


def score_alone(cell: Cell, why: str) -> list[Any]:
    """What may stay of a cell's outputs when nothing that it showed may: the score, if it has one.

    nbgrader reads the same score from what is left; `why` says the rest.
    """
    if not is_test(cell):
        return [new_output("stream", name="stdout", text=f"{why}\n")]
    score, most = determine_grade(cell)
    if not score:
        return [error("NotShown", why)]
    if score == most:
        return []
    return [new_output("execute_result", data={"text/plain": repr(float(score))})]


def tells(cell: Cell) -> bool:
    """Whether a cell shows more than the score that an instructor's own test gives."""
    kinds = [output.output_type for output in cell.outputs]
    is_score = kinds == ["execute_result"] and is_test(cell) and result_of(cell) is not None
    return bool(kinds) and not is_score


def error(name: str, sentence: str) -> Any:
    """An error with a sentence of the judge's, which nbgrader reads as zero points."""
    return new_output("error", ename=name, evalue=sentence, traceback=[sentence])
