"""The form of an assignment: its trusted cells, onto which a submission's answers are laid."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Assignment, Gradebook, MissingEntry, SourceCell
from nbgrader.api import Notebook as NotebookRow
from nbgrader.coursedir import CourseDirectory
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.utils import find_all_files

from grader.engine.refusal import Refusal
from grader.judge.books.reading import reading

Notebook = Any


class NoForm(Refusal):
    """There is no assignment of this name to grade against, or its two halves disagree."""


@dataclass(frozen=True)
class FormCell:
    """One cell as the instructor made it.

    `source` is the gradebook's text, hidden tests included, and `released` what the learner was
    given; `settings` are nbgrader's settings as released. The text of a cell that is not `locked`
    is the learner's to change: an answer if it has a grade_id, else any cell of the release.
    """

    id: str
    type: str
    source: str
    released: str
    locked: bool
    metadata: Mapping[str, Any]
    grade_id: str | None = None
    settings: Mapping[str, Any] | None = None
    attachments: Mapping[str, Any] | None = None

    @property
    def graded(self) -> bool:
        """Whether the cell earns points."""
        settings = self.settings or {}
        return bool(settings.get("grade") or settings.get("task"))

    @property
    def is_signpost(self) -> bool:
        """Whether the cell only leads somewhere: text that is locked and earns nothing. Work is
        no other for want of it, or for a second one."""
        return self.locked and self.type == "markdown" and not self.graded

    @property
    def hides(self) -> bool:
        """Whether the learner was given less of the cell than is run."""
        return self.source != self.released


@dataclass(frozen=True)
class Form:
    """The trusted notebook of an assignment, with the files that belong beside it.

    `siblings` are the names of the assignment's other notebooks. `others` are the names of the
    cells in every other notebook of the class, by what a person calls it.
    """

    assignment: str
    name: str
    cells: tuple[FormCell, ...]
    metadata: Mapping[str, Any]
    files: Mapping[str, bytes]
    siblings: frozenset[str] = frozenset()
    others: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def notebook(self) -> Notebook:
        """A fresh notebook of nbformat 4.5: the assignment as nobody has touched it."""
        return as_notebook([as_cell(cell) for cell in self.cells], self.metadata)


def as_cell(cell: FormCell, source: str | None = None, attachments: Any = None) -> Any:
    """A notebook cell from a cell of a form, with a learner's text if there is one."""
    text = cell.source if source is None else source
    return plain_cell(
        cell.type, cell.id, text, cell.metadata, cell.attachments if source is None else attachments
    )


def plain_cell(
    kind: str, name: str, source: str, metadata: Mapping[str, Any], attachments: Any = None
) -> Any:
    """A notebook cell with nothing on it but its text."""
    cell: dict[str, Any] = {"cell_type": kind, "id": name, "metadata": metadata, "source": source}
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    elif attachments:
        cell["attachments"] = attachments
    return cell


def as_notebook(cells: list[Any], metadata: Mapping[str, Any]) -> Notebook:
    """A notebook of nbformat 4.5 that shares nothing with what it is made from."""
    return nbformat.from_dict(
        {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    )


def read_forms(
    course: CourseDirectory, assignment: str, own_files: Collection[str] = ()
) -> dict[str, Form]:
    """The form of each notebook of an assignment, by name.

    Cells come from the release in their order; the gradebook gives the points, and the text of each
    locked cell. The files in the source folder are the assignment's, but for `own_files`, which a
    learner may change (nbgrader's Autograde.exclude_overwriting). Raises NoForm, NoGradebook and
    Unreachable.
    """
    with reading(course) as gradebook:
        try:
            rows = list(gradebook.find_assignment(assignment).notebooks)
        except MissingEntry:
            rows = []
        if not rows:
            known = ", ".join(sorted(one.name for one in gradebook.assignments if one.notebooks))
            raise NoForm(
                f"The gradebook knows no notebook of the assignment {assignment}."
                + f" It knows {known}." * bool(known),
                _CURE,
            )
        files = _files(course, assignment, own_files)
        names = {row.name for row in rows}
        others = _other_cells(gradebook, assignment)
        return {
            row.name: Form(
                assignment,
                row.name,
                *_merged(_release(course, assignment, row.name), row),
                files,
                frozenset(names - {row.name}),
                {other: cells for other, cells in others.items() if other != f"{row.name}.ipynb"},
            )
            for row in rows
        }


def _other_cells(gradebook: Gradebook, assignment: str) -> dict[str, frozenset[str]]:
    """The names of every assignment's cells: by assignment, or by notebook in this one."""
    found: dict[str, set[str]] = defaultdict(set)
    query = gradebook.db.query(Assignment.name, NotebookRow.name, SourceCell.name)
    query = query.join(NotebookRow, SourceCell.notebook_id == NotebookRow.id)
    query = query.join(Assignment, NotebookRow.assignment_id == Assignment.id)
    for whose, notebook, cell in query:
        found[f"{notebook}.ipynb" if whose == assignment else whose].add(cell)
    return {name: frozenset(cells) for name, cells in sorted(found.items())}


_CURE = "Release it first: make exercises, or nbgrader generate_assignment."


def _folder(course: CourseDirectory, step: str, assignment: str) -> Path:
    return Path(course.format_path(step, ".", assignment))


def _files(
    course: CourseDirectory, assignment: str, own_files: Collection[str]
) -> Mapping[str, bytes]:
    """The files beside the notebooks, by nbgrader's own rule; the release's without a source."""
    folder = _folder(course, course.source_directory, assignment)
    if not folder.is_dir():
        folder = _folder(course, course.release_directory, assignment)
    found = find_all_files(str(folder), [*course.ignore, "*.ipynb"])
    paths = {Path(file).relative_to(folder).as_posix(): Path(file) for file in sorted(found)}
    return {name: path.read_bytes() for name, path in paths.items() if name not in own_files}


def _release(course: CourseDirectory, assignment: str, name: str) -> Notebook:
    path = _folder(course, course.release_directory, assignment) / f"{name}.ipynb"
    try:
        notebook = nbformat.read(path, as_version=4)
    except FileNotFoundError as error:
        raise NoForm(f"There is no release at {path}.", _CURE) from error
    except (ValueError, nbformat.ValidationError, nbformat.reader.NotJSONError) as error:
        raise NoForm(f"{path} cannot be read as a notebook: {error}", _CURE) from error
    upgrade = MetadataValidator()
    for cell in notebook.cells:
        upgrade.upgrade_cell_metadata(cell)
    return notebook


def _merged(release: Notebook, row: Any) -> tuple[tuple[FormCell, ...], Mapping[str, Any]]:
    rows = {source.name: source for source in row.source_cells}
    points = {cell.name: cell.max_score for cell in (*row.grade_cells, *row.task_cells)}
    cells = tuple(
        _form_cell(cell, number, rows, points) for number, cell in enumerate(release.cells, 1)
    )
    ids = [cell.grade_id for cell in cells if cell.grade_id]
    if sorted(ids) != sorted(rows):
        differing = ", ".join(sorted(set(ids) ^ set(rows)) or ["one cell twice"])
        raise NoForm(f"The release and the gradebook of {row.name} differ: {differing}.", _CURE)
    metadata = dict(release.metadata)
    if row.kernelspec and json.loads(row.kernelspec):
        metadata["kernelspec"] = json.loads(row.kernelspec)
    return cells, metadata


def _form_cell(
    cell: Any, number: int, rows: Mapping[str, Any], points: Mapping[str, float]
) -> FormCell:
    metadata = json.loads(json.dumps(cell.metadata))
    given = FormCell(
        id=cell.get("id") or f"cell-{number}",
        type=cell.cell_type,
        source=cell.source,
        released=cell.source,
        locked=False,
        metadata=metadata,
        attachments=json.loads(json.dumps(cell.get("attachments"))),
    )
    settings = metadata.get("nbgrader") or {}
    if not any(settings.get(flag) for flag in ("grade", "solution", "locked", "task")):
        # A course that an old nbgrader made has such cells without a grade_id, for which nbgrader's
        # autograde then asks.
        metadata.pop("nbgrader", None)
        return given
    row = rows.get(settings["grade_id"])
    if row is None:
        return replace(given, grade_id=settings["grade_id"])
    trusted = settings | {"checksum": row.checksum, "cell_type": row.cell_type}
    if row.checksum is None:  # a task cell has none, and nbgrader's schema no null
        del trusted["checksum"]
    if row.name in points:
        trusted["points"] = points[row.name]
    return replace(
        given,
        type=row.cell_type,
        source=row.source if row.locked else cell.source,
        locked=bool(row.locked),
        metadata=metadata | {"nbgrader": trusted},
        grade_id=row.name,
        settings=settings,
    )
