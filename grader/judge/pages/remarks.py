"""What the judge says beside a result about how far it can be trusted."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from nbformat.v4 import new_output

from grader.judge.intake.form import Notebook

FORGEABLE = (
    "This cell was run by nbgrader's own rule, inside the submission's process. A submission can "
    "read it and forge its result."
)
UNWALLED = "Graded without isolation, as the instructor asked."
_STYLE = "border-left:6px solid #7F7F7F;padding:.2em .8em;font-size:13px;max-width:52em"


def remark(notebook: Notebook, plain: Collection[str], judged: Collection[str], level: str) -> None:
    """Add to graded cells, by grade_id, what their reader should know of how they were run.

    That a test can be forged is for its instructor; a page for learners leaves it out.
    """
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if cell.cell_type == "code" and name in plain:
            cell.outputs.append(_output(FORGEABLE))
        if cell.cell_type == "code" and level == "none" and (name in plain or name in judged):
            cell.outputs.append(_output(UNWALLED))


def for_learners(outputs: Iterable[Any]) -> list[Any]:
    """A cell's outputs without what its instructor alone should read."""
    return [one for one in outputs if one.get("data", {}).get("text/plain") != FORGEABLE]


def remark_in(output: Any) -> Any | None:
    """The remark that an output is, made anew: whatever else the output holds is not in it."""
    text = output.get("data", {}).get("text/plain")
    return _output(text) if text in (FORGEABLE, UNWALLED) else None


def _output(sentence: str) -> Any:
    page = f"<div style='{_STYLE}'>ⓘ {sentence}</div>"
    return new_output("display_data", data={"text/html": page, "text/plain": sentence})
