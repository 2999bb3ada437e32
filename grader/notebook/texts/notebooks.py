"""Text to notebook: how a MyST Markdown file becomes the same .ipynb, byte for byte, everywhere."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import nbformat

from grader.engine.refusal import Refusal
from grader.notebook import files
from grader.notebook.texts import links, places, way
from grader.notebook.texts.cells import LONGEST_ID, Cell, Notebook, cut, grade_id, headings, slug

_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


class BrokenText(Refusal):
    """A text that cannot be read as a notebook."""


class TextBehind(Refusal):
    """A built notebook holds changes that its text, the source, does not."""


def read(text: Path) -> Notebook:
    """The notebook that a MyST Markdown text stands for, in full.

    Links to exercises lead to where they stand, a lesson ends with the way on, and in
    a chapter's solutions the sections of its exercises are written out. Raises BrokenText.
    """
    return _read(text, lambda cells: in_full(cells, text))


def as_it_stands(text: Path) -> Notebook:
    """The notebook that JupyterLab makes of a text, with nothing written out. Raises BrokenText."""
    return _read(text, iter)


Amend = Callable[[list[Cell]], Iterable[Cell]]


def from_text(text: str, amend: Amend = iter) -> Notebook:
    """The notebook of a MyST Markdown text: no outputs, fixed metadata, ids that follow names.

    `amend` changes the cells before they get their ids. Raises ValueError as `assembled` does.
    """
    import jupytext  # where notebooks are only compared, as a student's server does, it is not used

    return assembled(amend([_cell(cell) for cell in jupytext.reads(text, fmt="md:myst").cells]))


def assembled(cells: Iterable[Cell]) -> Notebook:
    """The notebook of these cells.

    A cell with an nbgrader `grade_id` takes that as its id. Any other takes the heading it stands
    under, and a number from the second on, so that an edit moves few ids. Raises ValueError if two
    cells have one grade_id.
    """
    cells = list(cells)
    named = [cell | {"id": name} for cell, name in zip(cells, _ids(cells), strict=True)]
    return nbformat.from_dict(
        {"cells": named, "metadata": _METADATA, "nbformat": 4, "nbformat_minor": 5}
    )


def in_full(cells: list[Cell], text: Path) -> list[Cell]:
    """The cells of a text as its notebook has them: each place leads on, each link somewhere.

    Raises ValueError for what cannot be told.
    """
    folder = text.absolute().parent
    if folder.parent.name == "solutions":
        from grader.notebook.texts import sections  # it loads torch

        page = PurePosixPath("exercises", folder.name, f"{text.stem}.ipynb")
        chapter = sections.chapter_of(text.stem) if text.stem == folder.name else None
        if chapter is not None:
            # A class's folder holds no lessons: chapters and lessons are those that run here.
            cells = list(sections.written_out(cells, chapter, way.of_course()))
    else:
        page = places.lesson(text.stem)
        on = way.of_course(folder).from_lesson(text.stem)
        cells = [part for cell in cells for part in _by_headings(cell)]
        cells += [_cell_of_links(on)] if on else []
    return [links.resolved(cell, page) for cell in cells]


def _by_headings(cell: Cell) -> Iterator[Cell]:
    """A cell cut so that each heading begins one, and links can lead to it."""
    return cut(cell, [start for start, _ in headings(cell, "2,6")])


def _cell_of_links(source: str) -> Cell:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def completed(notebook: Notebook, text: Path) -> Notebook:
    """A notebook in full that may hold the cells of its text as they stand. Raises ValueError."""
    cells = [_cell(cell) for cell in notebook.cells]
    full = in_full(cells, text)
    return notebook if full == cells else assembled(full)


def to_bytes(notebook: Notebook) -> bytes:
    """The notebook as nbformat and nbgrader write it: sorted keys, one final newline."""
    written: str = nbformat.writes(notebook, version=4)
    return (written.rstrip("\n") + "\n").encode()


def build(text: Path, target: Path) -> Notebook:
    """Write the notebook of `text` beside it, dated like the text, so that the pair agrees.

    Raises TextBehind rather than overwrite cells that somebody changed in the notebook alone.
    """
    notebook = read(text)
    if target.exists() and target.stat().st_mtime > text.stat().st_mtime + 1:
        _must_agree(notebook, text, target)
    files.write(target, to_bytes(notebook))
    stat = text.stat()
    os.utime(target, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    return notebook


def sources(content: bytes) -> list[tuple[str, str]]:
    """Type and source of each cell of a notebook file. Raises ValueError if it is none.

    Empty cells are left out: JupyterLab adds one whenever the last cell is run.
    """
    try:
        cells = nbformat.reads(content.decode(), as_version=4).cells
        return [(cell.cell_type, cell.source) for cell in cells if cell.source.strip()]
    except (AttributeError, KeyError, TypeError, nbformat.ValidationError) as error:
        raise ValueError(f"not a notebook: {error}") from error


def _read(text: Path, amend: Amend) -> Notebook:
    import jupytext.myst  # as above

    try:
        return from_text(text.read_text(encoding="utf-8"), amend)
    except (ValueError, jupytext.myst.MystMetadataParsingError) as error:
        raise BrokenText(
            f"{text} cannot be read as a notebook: {error}",
            "Mend the line it names. The format is MyST Markdown as jupytext writes it.",
        ) from error


def _cell(cell: Any) -> Cell:
    plain = {"cell_type": cell.cell_type, "metadata": cell.metadata, "source": cell.source}
    return plain | ({"execution_count": None, "outputs": []} if cell.cell_type == "code" else {})


def _must_agree(notebook: Notebook, text: Path, target: Path) -> None:
    known = [sources(to_bytes(one)) for one in (notebook, as_it_stands(text))]
    try:
        if sources(target.read_bytes()) in known:
            return
    except ValueError:
        return  # not a notebook any more: nothing in it to lose
    keep = f"jupytext --to md:myst {target}"
    if known[0] != known[1]:
        keep = f"make its change in {text} as well, then delete {target}"
    raise TextBehind(
        f"{target} was changed after {text}, and the two differ.",
        f"Keep the notebook: {keep}\nKeep the text:     delete {target}",
    )


def _ids(cells: list[Cell]) -> Iterator[str]:
    taken = _checked([name for name in map(grade_id, cells) if name])
    under = "start"
    for cell in cells:
        found = headings(cell)
        name = grade_id(cell) or _free(slug(found[0][1]) if found else under, taken)
        taken.add(name)
        yield name
        if found:
            under = slug(found[-1][1])


def _checked(grade_ids: list[str]) -> set[str]:
    for name in grade_ids:
        if not re.fullmatch(rf"[A-Za-z0-9_-]{{1,{LONGEST_ID}}}", name):
            raise ValueError(
                f"the grade_id {name!r} must be letters, digits, - and _, at most {LONGEST_ID}"
            )
        if grade_ids.count(name) > 1:
            raise ValueError(f"two cells have the grade_id {name!r}")
    return set(grade_ids)


def _free(stem: str, taken: set[str]) -> str:
    if stem not in taken:
        return stem
    number = 2
    while f"{stem}-{number}" in taken:
        number += 1
    return f"{stem}-{number}"
