"""A notebook of which nothing is run: no cell earns a point, and it says why."""

from __future__ import annotations

from nbformat.v4 import new_markdown_cell

from grader.diagnosis.verdict import Outcome, Verdict
from grader.engine.catalogue import tasks
from grader.judge.intake.cells import is_test
from grader.judge.intake.form import Notebook
from grader.judge.sitting.checks import check_in
from grader.judge.sitting.papers import Graded
from grader.judge.sitting.scores import error, judged_outputs


class NotRun(Verdict):
    """The verdict on an exercise of a notebook of which nothing was run."""

    @property
    def headline(self) -> str:
        """The outcome in one sentence."""
        return "Not run: the notebook begins with the reason."


def not_run(notebook: Notebook, why: str) -> Graded:
    """An assignment without a submission: nothing of it is run, and no cell earns a point.

    It begins with the reason, for whoever reads its page.
    """
    notebook.cells.insert(0, new_markdown_cell(f"**{why}**", id="not-run"))
    graded = Graded(notebook, ran=False)
    for index, cell in enumerate(notebook.cells):
        check = check_in(cell)
        if check is not None:
            functions = tasks()[check.exercise].functions
            verdict = NotRun(check.exercise, Outcome.NOT_ATTEMPTED, functions=functions)
            cell.outputs = judged_outputs(verdict, 0.0)
            graded.verdicts[cell.metadata.nbgrader.grade_id] = verdict
            graded.trusted.add(index)
        elif is_test(cell):
            cell.outputs = [error("NotRun", why)]
    return graded
