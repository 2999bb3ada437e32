"""Lays a made-up class into a folder: settings, release, gradebook, submissions, and the truth."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from grader.authoring import releases
from grader.demo.answers import ReleasedExercise
from grader.demo.learners import DUE, MadeUpLearner, made_up
from grader.demo.typed import import_lines
from grader.engine.catalogue import tasks
from grader.engine.refusal import Refusal
from grader.notebook.files import put_in_place
from grader.notebook.texts import notebooks
from grader.notebook.texts.cells import grade_id, without_marks

TRUTH = "truth.json"
"""Who made which mistake where: the mark of a folder that was made here, too."""
_MADE_BY = "autograd-course demo"
_SETTINGS = """
# This class is made up. It keeps to this folder, whatever stands above: its gradebook, its verdicts
# and an exchange of its own.
c.CourseDirectory.pop("db_url", None)
c.Grading.pop("ledger_url", None)
c.Exchange.root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "exchange")
"""
_WRITTEN_AT = "%Y-%m-%d %H:%M:%S.%f UTC"


class CannotMakeClass(Refusal):
    """A class cannot be laid where it was asked for, or of that assignment."""


@dataclass(frozen=True)
class Assignment:
    """One released assignment: its notebook, and what its cells ask for."""

    name: str
    notebook: Any
    exercises: tuple[ReleasedExercise, ...]
    written: str
    model_answer: str


def make(course: Path, folder: Path, name: str, size: int, seed: int) -> list[MadeUpLearner]:
    """Lay a class of `size` learners who handed in one assignment of the course into a folder.

    A folder that an earlier call made is replaced. Raises CannotMakeClass for any other that is
    not empty, and for an assignment that does not exist; and what releases.generate raises.
    """
    folder = folder.absolute()
    text = _text(course, name)
    refuse(folder)
    try:
        return _make(course, text, folder, size, seed)
    except OSError as error:
        raise CannotMakeClass(
            f"{folder} cannot be written: {error.strerror}: {error.filename or folder}.",
            "Make room, or name another folder: autograd-course demo DIR",
        ) from error


def _make(course: Path, text: Path, folder: Path, size: int, seed: int) -> list[MadeUpLearner]:
    """Make it beside its place, and put it there once it is whole."""
    name = text.stem
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as kept:
        made = Path(kept) / folder.name
        _lay_course(course, text, made)
        assignment = read(made, name)
        learners = made_up(assignment.exercises, assignment.model_answer, size, seed)
        _enrol(made, name, learners)
        for learner in learners:
            hand_in(made, assignment, learner)
        (made / TRUTH).write_text(json.dumps(truth(name, seed, learners), indent=1) + "\n")
        put_in_place(made, folder)
    return learners


def refuse(folder: Path) -> None:
    """Raises CannotMakeClass if a folder holds what no demo made."""
    if not os.path.lexists(folder):
        return
    if folder.is_symlink() or not folder.is_dir():
        raise CannotMakeClass(f"{folder} is no folder.", "Name another: autograd-course demo DIR")
    if any(folder.iterdir()) and not is_demo(folder):
        raise CannotMakeClass(
            f"{folder} holds something that no demo made, and a demo would replace it.",
            "Name a folder that is empty or does not exist yet: autograd-course demo DIR",
        )


def is_demo(folder: Path) -> bool:
    """Whether a demo made the folder."""
    try:
        found = json.loads((folder / TRUTH).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.get("made_by") == _MADE_BY


def truth(name: str, seed: int, learners: Sequence[MadeUpLearner]) -> dict[str, Any]:
    """What each learner did, as plain data: a report on the class should find the same."""
    return {
        "made_by": _MADE_BY,
        "about": "Every learner is made up. A report should count these mistakes, and no others.",
        "assignment": name,
        "seed": seed,
        "due": f"{DUE} UTC",
        "learners": {
            learner.id: {
                "handed_in": learner.handed_in and f"{learner.handed_in} UTC",
                "late": learner.late,
                "habit": learner.habit,
                "exercises": {
                    exercise: {
                        "outcome": work.outcome.value,
                        "mistake": work.mistake,
                        "how": work.how,
                    }
                    for exercise, work in learner.works.items()
                }
                if learner.handed_in
                else {},
            }
            for learner in learners
        },
    }


def read(course: Path, name: str) -> Assignment:
    """A released assignment, with the solutions to it; both lie in the course."""
    notebook: Any = nbformat.read(course / "exercises" / name / f"{name}.ipynb", as_version=4)
    cells = {grade_id(cell): cell for cell in notebook.cells}
    solution = notebooks.read(course / "solutions" / name / f"{name}.md")
    solved = {grade_id(cell): cell.source for cell in solution.cells}
    imported = tuple(
        line
        for cell in notebook.cells
        if cell.cell_type == "code" and grade_id(cell) == "imports"
        for line in import_lines(cell.source)
    )
    exercises = tuple(
        ReleasedExercise(task, cells[answer].source, without_marks(solved[answer]), imported)
        for task, answer in ((task, f"{task.id}_answer") for task in tasks().values())
        if task.id in cells
    )
    written = next((one for one, cell in cells.items() if one and _is_written(cell)), "")
    return Assignment(name, notebook, exercises, written, _without_marking(solved.get(written, "")))


def _text(course: Path, name: str) -> Path:
    known = {text.stem: text for text in releases.texts(course)}
    if name not in known:
        raise CannotMakeClass(
            f"There is no assignment {name!r}.", f"These are there: {', '.join(known)}."
        )
    return known[name]


def _lay_course(course: Path, text: Path, folder: Path) -> None:
    """What an instructor has before the first submission: settings, solution and release."""
    ours = shutil.ignore_patterns("*.ipynb", ".*")
    shutil.copytree(text.parent, folder / "solutions" / text.stem, ignore=ours)
    settings = (course / "nbgrader_config.py").read_text(encoding="utf-8")
    (folder / "nbgrader_config.py").write_text(settings + _SETTINGS, encoding="utf-8")
    (folder / "exchange").mkdir()
    (folder / "exchange").chmod(0o777)  # nbgrader asks for it
    for _ in releases.generate(folder):
        pass


def _enrol(folder: Path, name: str, learners: Sequence[MadeUpLearner]) -> None:
    """Enter the due date, and everybody who is in the class, whether they hand in or not."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{folder}/gradebook.db", "autograd-course") as gradebook:
        gradebook.update_or_create_assignment(name, duedate=DUE)
        for learner in learners:
            first, _, last = learner.id.partition("-")
            gradebook.update_or_create_student(learner.id, first_name=first.title(), last_name=last)


def hand_in(folder: Path, assignment: Assignment, learner: MadeUpLearner) -> None:
    """What `nbgrader collect` brings of one learner: a notebook, and the exchange's receipt."""
    if learner.handed_in is None:
        return
    notebook = nbformat.from_dict(assignment.notebook)
    cells = {grade_id(cell): cell for cell in notebook.cells}
    for exercise, work in learner.works.items():
        cells[f"{exercise}_answer"].source = work.source
    if learner.written:
        cells[assignment.written].source = learner.written
    if learner.habit == "deleted":
        notebook.cells.remove(cells[assignment.exercises[-1].task.id])
    name = f"my {assignment.name}" if learner.habit == "renamed" else assignment.name
    place = folder / "submitted" / learner.id / assignment.name
    place.mkdir(parents=True)
    (place / f"{name}.ipynb").write_bytes(notebooks.to_bytes(notebook))
    (place / "timestamp.txt").write_text(learner.handed_in.strftime(_WRITTEN_AT))
    secret = hashlib.sha512(f"{learner.id} {learner.handed_in}".encode()).hexdigest()
    (place / "submission_secret.txt").write_text(secret)


def _is_written(cell: Any) -> bool:
    about = cell.metadata.get("nbgrader", {})
    return bool(cell.cell_type == "markdown" and about.get("grade") and about.get("solution"))


def _without_marking(model_answer: str) -> str:
    """A model answer without its heading and without how it is marked."""
    answer = model_answer.partition("**Marking.**")[0].replace("**A model answer.**", "")
    return " ".join(answer.split())
