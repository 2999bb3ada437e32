"""Solution texts in their short form: an exercise stands there as its id, its text and its answer.

    ## two_path_grad

    Let `y = ...`

    ```{code-cell} ipython3
    def two_path_grad(x, w):
    ```

A section under an exercise's id holds one code cell, the solution. What the task says already is
written around it: the heading with number and title, the line of points and minutes, the cell that
checks, nbgrader's metadata. A written answer keeps nbgrader's metadata in the text, which holds its
points, and beside it `minutes`. Sections of any other kind stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from grader.engine.catalogue import Chapter, chapters, tasks
from grader.engine.task import Task
from grader.notebook.texts.cells import Cell, cut, grade_id, headings
from grader.notebook.texts.way import Way


@dataclass
class Section:
    """What stands under one heading of the second level, and the heading itself."""

    heading: str
    cells: list[Cell] = field(default_factory=list)

    @property
    def is_marked(self) -> bool:
        """Whether nbgrader's metadata stand in the text already, as in a text of the long form."""
        return any("nbgrader" in cell["metadata"] for cell in self.cells)

    @property
    def statement(self) -> str:
        """What is asked: the prose above the first code cell, without its heading."""
        above = [cell["source"] for cell in self.cells[: self._first_code()]]
        return "\n\n".join(above).partition("\n")[2].strip()

    @property
    def answers(self) -> list[Cell]:
        """The code cells but those that check: in a section that is whole, the solution alone."""
        call = f'check("{self.heading}"'
        code = (cell for cell in self.cells if cell["cell_type"] == "code")
        return [cell for cell in code if not cell["source"].startswith(call)]

    def _first_code(self) -> int:
        kinds = [cell["cell_type"] for cell in self.cells]
        return kinds.index("code") if "code" in kinds else len(kinds)


def chapter_of(name: str) -> Chapter | None:
    """The chapter whose solution text has this name; an instructor's own assignment has none."""
    return next((chapter for chapter in chapters() if chapter.name == name), None)


def sections(cells: Iterable[Cell], exercises: Sequence[str]) -> list[Section]:
    """The cells by heading; what stands above the first heading comes under "".

    A Markdown cell that holds the heading of an exercise is cut at its headings.
    """
    found = [Section("")]
    for cell in (part for whole in cells for part in _parts(whole, exercises)):
        names = [name for _, name in headings(cell, "2")]
        if names:
            found.append(Section(names[0]))
        found[-1].cells.append(cell)
    return [section for section in found if section.cells]


def written_out(cells: Iterable[Cell], chapter: Chapter, way: Way) -> Iterator[Cell]:
    """The cells of a chapter's solution text in full, as nbgrader releases them.

    Where a text has an introduction, the way back to the lessons stands below it, and at the end
    the way on, unless all was written out already. Raises ValueError for an exercise without
    exactly one solution cell.
    """
    found = sections(cells, chapter.exercises)
    short = any(one.heading in chapter.exercises and not one.is_marked for one in found)
    leads = short and found[0].heading == ""
    placed = {grade_id(cell) for one in found for cell in one.cells}
    back, on = way.back(chapter.name), way.on(chapter.name)
    if leads and back and "way_back" not in placed:
        found[0].cells.insert(1, _signpost("way_back", back))
    yield from _exercises(found, chapter)
    if leads and on and "way_on" not in placed:
        yield _signpost("way_on", on)


def _signpost(name: str, source: str) -> Cell:
    """A cell of links that stays as it is."""
    cell: Cell = {"cell_type": "markdown", "metadata": {}, "source": source}
    marked = _marked(cell, name)
    marked["metadata"]["nbgrader"] |= {"grade": False}
    del marked["metadata"]["nbgrader"]["points"]
    return marked


def _exercises(found: Sequence[Section], chapter: Chapter) -> Iterator[Cell]:
    known = tasks()
    number = 0
    for section in found:
        if section.heading in chapter.exercises and not section.is_marked:
            number += 1
            yield from _exercise(section, number, known[section.heading])
        elif _by_hand(section) is not None:
            number += 1
            yield from _written(section, number)
        else:
            yield from section.cells


def _exercise(section: Section, number: int, task: Task) -> Iterator[Cell]:
    if len(section.answers) != 1:
        raise ValueError(
            f"the section {task.id!r} holds {len(section.answers)} code cells besides its check, "
            "and one is the solution"
        )
    line = (
        f"{_points(task.points)} · about {task.minutes} minutes · difficulty {task.difficulty} "
        f'of 5 · stuck? run `hint("{task.id}")`'
    )
    (answer,) = section.answers
    for cell in _titled(section, answer, f"{number}. {task.title}", line):
        if cell is answer:
            yield _marked(answer, f"{task.id}_answer", solution=True)
            call = ", ".join([f'"{task.id}"', *task.functions])
            yield _marked(_code(f"check({call})"), task.id, points=task.points)
        elif cell["cell_type"] != "code":
            yield cell


def _written(section: Section, number: int) -> Iterator[Cell]:
    answer = _by_hand(section)
    assert answer is not None
    metadata = dict(answer["metadata"])
    line = (
        f"{_points(metadata['nbgrader']['points'])} · about {metadata.pop('minutes')} minutes · "
        "read and graded by a person"
    )
    for cell in _titled(section, answer, f"{number}. {section.heading}", line):
        yield answer | {"metadata": metadata} if cell is answer else cell


def _by_hand(section: Section) -> Cell | None:
    """The answer that a person grades, where its minutes say that its section is a short one."""
    short = (cell for cell in section.cells if {"minutes", "nbgrader"} <= set(cell["metadata"]))
    return next(short, None)


def _titled(section: Section, answer: Cell, title: str, line: str) -> Iterator[Cell]:
    """The cells of a section with a title for its heading, and a line beneath what is asked."""
    above = section.cells[: next(i for i, cell in enumerate(section.cells) if cell is answer)]
    asked = next((cell for cell in reversed(above) if cell["cell_type"] == "markdown"), None)
    for place, cell in enumerate(section.cells):
        source = cell["source"]
        if place == 0:
            start, heading = headings(cell, "2")[0]
            source = source[:start] + source[start:].replace(heading, title, 1)
        if cell is asked:
            source += f"\n\n*{line}*"
        yield cell if source == cell["source"] else cell | {"source": source}


def _marked(cell: Cell, grade_id: str, *, solution: bool = False, points: int = 0) -> Cell:
    mark = {
        "grade": not solution,
        "grade_id": grade_id,
        "locked": not solution,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
    if not solution:
        mark["points"] = points
    return cell | {"metadata": cell["metadata"] | {"nbgrader": mark}}


def _code(source: str) -> Cell:
    empty: Cell = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    return empty | {"source": source}


def _points(points: int) -> str:
    return f"{points} point{'' if points == 1 else 's'}"


def _parts(cell: Cell, exercises: Sequence[str]) -> Iterator[Cell]:
    found = headings(cell, "2")
    starts = [start for start, _ in found]
    return cut(cell, starts if any(name in exercises for _, name in found) else [])
