"""A lesson that was run, as a page of the book: its links, its outputs, its pictures."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from book import links, pictures
from book.words import without_paths
from course.quiz.live import TO_RUN
from course.widgets.frame import recorded
from grader.engine.refusal import Refusal
from grader.notebook.texts import places
from grader.notebook.texts.cells import Notebook, headings

_WIDGET = "application/vnd.jupyter.widget-view+json"


class LessonFailed(Refusal):
    """A cell of a lesson raised where it was not to."""


@dataclass(frozen=True)
class LessonPage:
    """A page as a notebook, and beside it the scripts with its pictures' steps, by name."""

    notebook: Notebook
    scripts: dict[str, str] = field(default_factory=dict)


def page(executed: Notebook, name: str) -> LessonPage:
    """The page of the lesson of this name from its run. Raises LessonFailed, and DeadLink."""
    notebook = copy.deepcopy(executed)
    notebook.metadata.pop("widgets", None)
    made = LessonPage(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            source = links.in_the_book(cell.source, places.lesson(name))
            cell.source = "\n".join([*_labels(cell, name), source])
        elif cell.cell_type == "code":
            _must_have_run(cell, name)
            cell.outputs = [
                shown for output in cell.outputs if (shown := _shown(output, name, made.scripts))
            ]
    return made


def _labels(cell: Any, name: str) -> Iterator[str]:
    found = headings(cell)
    if found and cell.source.startswith("# "):
        yield f"({links.lesson(name)})="
    if found:
        yield f"({links.lesson(name, cell.id)})="


def _must_have_run(cell: Any, name: str) -> None:
    meant = "raises-exception" in cell.metadata.get("tags", ())
    for output in cell.outputs:
        if output.output_type == "error" and not meant:
            raise LessonFailed(
                f"A cell of the lesson {name} raised {output.ename}: {output.evalue}",
                f"The cell begins with: {cell.source.splitlines()[0]}",
            )


def _shown(output: Any, name: str, scripts: dict[str, str]) -> Any:
    """An output as the page shows it; None for one that is live only."""
    if output.output_type == "stream":
        output.text = without_paths(output.text)
        return output
    if output.output_type == "error":
        output.traceback = [without_paths(line) for line in output.traceback]
        return output
    if _WIDGET in output.data:
        return None
    if recorded.MIME in output.data:
        picture = f"{name}-{len(scripts) + 1}"
        made = pictures.stepped(output.data[recorded.MIME], picture)
        scripts[picture] = made.script
        output.data = {"text/html": made.page}
    elif "text/html" in output.data:
        html = output.data["text/html"].replace(TO_RUN, "")
        output.data = {"text/html": without_paths(pictures.themed(html))}
    return output
