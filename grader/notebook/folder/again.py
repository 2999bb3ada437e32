"""An exercise once more from its starting code, in a notebook of its own."""

from __future__ import annotations

import json
import os
import posixpath
import re
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

from grader.notebook import files
from grader.notebook.texts import places

FOLDER = PurePosixPath("review")

_ROOT = Path(__file__).resolve().parents[3]
_RELEASES = (
    _ROOT / "exercises",
    _ROOT / "autograd_course" / "exercises",
)  # a checkout's, a wheel's
_LINK = re.compile(r"\]\(([^)\s]*)\)")

Cell = dict[str, Any]


def lay(workspace: Path, chapter: str, exercise: str, day: date) -> PurePosixPath | None:
    """Lay the exercise into the workspace's folder `review`, named after the day.

    One that lies there from earlier that day stays. Returns its place; None where the chapter's
    release is not to be found, or does not hold the exercise, or the folder cannot be written.
    """
    place = FOLDER / f"{day}-{exercise}.ipynb"
    if (workspace / place).exists():
        return place
    try:
        release = json.loads(_released(chapter).read_bytes())
        page = places.exercises(chapter)
        cells = list(_section(release["cells"], exercise, page))
        if not cells:
            return None
        cells.insert(0, _way_back(workspace, page, places.fetched(chapter), day=day))
        content = json.dumps(release | {"cells": cells}, indent=1).encode()
        files.write(workspace / place, content)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return place


def _way_back(workspace: Path, *own: PurePosixPath, day: date) -> Cell:
    """What stands first: what this is, where the learner's answer lies, and the way back."""
    place = next((one for one in own if (workspace / one).is_file()), None)
    kept = f" in [its notebook]({posixpath.relpath(place, FOLDER)})" if place else ""
    text = (
        f"# Review of {day.day} {day:%B %Y}\n\nThis exercise has come back. Write it once more, "
        f"from its starting code, and run the check. Your earlier answer is kept{kept}."
    )
    if (workspace / places.REVIEW).is_file():
        text += f"\n\nBack to [what is due]({posixpath.relpath(places.REVIEW, FOLDER)})."
    return {"cell_type": "markdown", "id": "way_back", "metadata": {}, "source": text}


def _released(chapter: str) -> Path:
    """A chapter's release: the course's own, or what a class's server names."""
    named = os.environ.get("AUTOGRAD_COURSE_RELEASES")
    folders = (Path(named),) if named else _RELEASES
    return next((one for one in folders if one.is_dir()), folders[0]) / chapter / f"{chapter}.ipynb"


def _section(cells: Sequence[Cell], exercise: str, page: PurePosixPath) -> Iterator[Cell]:
    """What imports, and everything under the exercise's heading, as ordinary cells."""
    headings = [at for at, cell in enumerate(cells) if _text(cell).startswith("## ")]
    at = next((at for at, cell in enumerate(cells) if _grade_id(cell) == exercise), None)
    if at is None:
        return
    first = max((heading for heading in headings if heading < at), default=at)
    end = min((heading for heading in headings if heading > at), default=len(cells))
    for cell in (*(c for c in cells[:first] if _grade_id(c) == "imports"), *cells[first:end]):
        source = _text(cell)
        if cell["cell_type"] == "markdown":
            source = _LINK.sub(lambda found: f"]({_from_here(found[1], page)})", source)
        yield cell | {"metadata": {}, "source": source}


def _from_here(link: str, page: PurePosixPath) -> str:
    """A link of the exercise notebook as one of a notebook in `review`."""
    path, mark, fragment = link.partition("#")
    if re.match(r"[a-z]+:|/", link):
        return link
    target = posixpath.join(page.parent, path) if path else str(page)
    return posixpath.relpath(target, FOLDER) + mark + fragment


def _text(cell: Cell) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def _grade_id(cell: Cell) -> str | None:
    name = cell.get("metadata", {}).get("nbgrader", {}).get("grade_id")
    return name if isinstance(name, str) else None
