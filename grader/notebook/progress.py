"""The learner's record as a table: how far every lesson and exercise is, with the way to it."""

from __future__ import annotations

import html
import posixpath
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from urllib.parse import quote

from grader.diagnosis.messages import say
from grader.notebook.folder.contents import workspace_above
from grader.notebook.folder.whereabouts import Part, Step, Whereabouts, whereabouts
from grader.notebook.notes import Text, note
from grader.notebook.record import records


def progress() -> Text:
    """How far you are: lessons by their questions, exercises by their best credit.

    In a notebook of a workspace each is a link to its place.
    """
    here = Path.cwd()
    workspace = workspace_above(here)
    found, told = _known_of(workspace)
    text = "\n".join([*_lines(found, "review()"), *told])
    return Text(text, _page(found, here, workspace or here) + "".join(note(one) for one in told))


def in_terminal(workspace: Path | None) -> str:
    """The same of a workspace for a terminal, where nobody can call `review()`."""
    found, told = _known_of(workspace)
    return "\n".join([*_lines(found, "see the start page, autograd-course open"), *told])


def _known_of(workspace: Path | None) -> tuple[Whereabouts, list[str]]:
    """Where the learner is, and what has to be told of the record."""
    found = whereabouts(workspace, date.today())
    return found, [*records.untold(), *([say("progress.visible")] if found.only_visible else [])]


def _lines(found: Whereabouts, how: str) -> Iterator[str]:
    if found.next is not None:
        yield f"Go on with: {found.next.title}"
    if found.review:
        yield f"To review today: {_due(found)}: {how}"
    for part in found.parts:
        yield _heading(part)
        for step in (*part.lessons, *part.exercises):
            points = f" ({step.points})" if step.points else ""
            name = step.name if step.points else step.title
            yield f"  {step.state.value + ' ' + step.said:<30} {name}{points}"


def _heading(part: Part) -> str:
    points = f": {part.earned:g} of {part.points} points" if part.points else ""
    return f"{part.title}{points}"


def _due(found: Whereabouts) -> str:
    number, minutes = len(found.review), sum(step.minutes for step in found.review)
    things = "one thing" if number == 1 else f"{number} things"
    return f"{things}, about {minutes} minute{'s' * (minutes != 1)}"


def _page(found: Whereabouts, here: Path, workspace: Path) -> str:
    lead = ""
    if found.next is not None:
        lead += f"<p><strong>Go on with</strong> {_link(found.next, here, workspace)}</p>"
    if found.review:
        due = _due(found)
        lead += f"<p><strong>To review today</strong>: {due}. <code>review()</code> asks.</p>"
    rows = "".join(_rows(part, here, workspace) for part in found.parts)
    return f"{lead}<table>{rows}</table>"


def _rows(part: Part, here: Path, workspace: Path) -> str:
    head = f"<tr><th colspan='2' style='text-align:left'>{html.escape(_heading(part))}</th></tr>"
    return head + "".join(
        f"<tr><td style='{_CELL}'>{step.state.value} {html.escape(step.said)}</td>"
        f"<td style='{_CELL}'>{_link(step, here, workspace)}{_id(step)}</td></tr>"
        for step in (*part.lessons, *part.exercises)
    )


def _link(step: Step, here: Path, workspace: Path) -> str:
    """A step's title, as a link from a notebook in the folder `here`."""
    title = html.escape(step.title)
    if step.place is None:
        return title
    link = way_to(address(str(step.place), step.cell), here, workspace)
    return f"<a href='{html.escape(link)}'>{title}</a>"


def _id(step: Step) -> str:
    """The name that `check` and `hint` know an exercise by."""
    return f" <code>{html.escape(step.name)}</code>" if step.points else ""


def way_to(address: str, here: Path, workspace: Path) -> str:
    """An address in the workspace as a link from a folder `here` of it."""
    return posixpath.relpath(address, here.relative_to(workspace).as_posix())


def address(path: str, cell: str) -> str:
    """A link to a notebook's cell: by its id, which JupyterLab finds before anything is drawn."""
    return quote(path) + (f"#cell-id={quote(cell)}" if cell else "")


_CELL = "text-align:left;padding:.1em 1.2em .1em 0"
