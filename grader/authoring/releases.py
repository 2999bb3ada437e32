"""Solutions to releases: what a learner gets is cut from the solutions by nbgrader itself."""

from __future__ import annotations

import logging
import os
import re
import sysconfig
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.authoring import parts
from grader.engine.catalogue import tasks
from grader.engine.refusal import Refusal
from grader.judge.intake.course import environment_kept, settings_of
from grader.judge.intake.naming import require_assignment, require_folder
from grader.notebook.files import put_in_place
from grader.notebook.texts import notebooks


class ReleaseFailed(Refusal):
    """nbgrader could not cut a release from a solution."""


class StrayNotebook(Refusal):
    """A notebook without a text lies beside a solution, and nbgrader would release it too."""


@dataclass(frozen=True)
class Release:
    """One generated assignment: its name, and whether its files differ from those before."""

    name: str
    changed: bool


def texts(course: Path) -> list[Path]:
    """The text of every solution of the course: solutions/NAME/NAME.md, by name."""
    return sorted(text for text in course.glob("solutions/*/*.md") if text.stem == text.parent.name)


def generate(course: Path, leave: Collection[str] = ()) -> Iterator[Release]:
    """Build every solution's notebook and release it with nbgrader's `generate_assignment`.

    This makes or updates the rows of the gradebook as well. Before the first release, every
    exercise is seen to be whole and every notebook is built. A release that fails leaves the one
    before in place and stops no other: it is told at the end. Assignments to `leave` stay as they
    are. Raises BadName, PartsMissing, BrokenText, TextBehind, StrayNotebook and
    ReleaseFailed.
    """
    require_folder(course.resolve())
    for text in texts(course):
        require_assignment(text.stem)
    parts.require(course)
    wanted = [text for text in texts(course) if text.stem not in leave]
    for text in wanted:
        notebooks.build(text, text.with_suffix(".ipynb"))
        _no_strays(text)
    failed: list[ReleaseFailed] = []
    for text in wanted:
        try:
            with tempfile.TemporaryDirectory(dir=course, prefix=".release-") as folder:
                _generate_assignment(course, text, Path(folder))
                changed = _install(Path(folder) / text.stem, course / "exercises" / text.stem)
        except ReleaseFailed as error:
            failed.append(error)
        else:
            yield Release(text.stem, changed)
    if failed:
        cures = dict.fromkeys(one.cure for one in failed)
        raise ReleaseFailed("\n".join(one.what for one in failed), "\n".join(cures))


def leftovers(course: Path) -> list[Path]:
    """Releases whose folder in solutions is gone: an instructor's own may hold no text."""
    kept = {folder.name for folder in (course / "solutions").glob("*/")}
    return sorted(p for p in (course / "exercises").glob("*/") if p.name not in kept)


def leaks(solution: Any, release: Any) -> list[str]:
    """Lines that only a solution's secret regions hold and that its release shows all the same.

    Secret are the regions nbgrader cuts out, and the whole of a solution cell without a region.
    """
    secret: set[str] = set()
    public: set[str] = set()
    for cell in solution.cells:
        hidden, shown = _regions(cell)
        secret |= hidden
        public |= shown
    visible = {line.strip() for cell in release.cells for line in cell.source.splitlines()}
    return sorted((secret - public) & visible)


_MARKERS = ("SOLUTION", "HIDDEN TESTS", "MARK SCHEME")


def _regions(cell: Any) -> tuple[set[str], set[str]]:
    lines = [line.strip() for line in cell.source.splitlines()]
    solution = cell.metadata.get("nbgrader", {}).get("solution", False)
    if solution and not any("BEGIN SOLUTION" in line for line in lines):
        return set(lines) - {""}, set()
    hidden: set[str] = set()
    shown: set[str] = set()
    inside = False
    for line in lines:
        if any(f"{edge} {marker}" in line for edge in ("BEGIN", "END") for marker in _MARKERS):
            inside = "BEGIN" in line
        elif line:
            (hidden if inside else shown).add(line)
    return hidden, shown


def _no_strays(text: Path) -> None:
    for notebook in sorted(text.parent.rglob("*.ipynb")):
        if ".ipynb_checkpoints" not in notebook.parts and not notebook.with_suffix(".md").exists():
            raise StrayNotebook(
                f"{notebook} has no text beside it, and nbgrader would release it as it is.",
                "Delete it, move it out of solutions, or open and save it in JupyterLab from the "
                "project's root, which writes its text.",
            )


def _generate_assignment(course: Path, text: Path, destination: Path) -> None:
    from nbgrader.converters import GenerateAssignment
    from nbgrader.converters.base import NbGraderException
    from nbgrader.coursedir import CourseDirectory

    name = text.stem
    settings = settings_of(course)
    settings.CourseDirectory.root = str(course.resolve())
    settings.CourseDirectory.release_directory = str(destination.resolve())
    settings.CourseDirectory.assignment_id = name
    log = logging.Logger(f"generate_assignment {name}", logging.WARNING)
    said = _Said()
    log.addHandler(said)
    coursedir = CourseDirectory(config=settings, log=log)
    converter = GenerateAssignment(coursedir=coursedir, config=settings, log=log)
    converter.force = True
    gradebook = course / "gradebook.db"
    is_new = not gradebook.exists()
    try:
        with environment_kept():
            # nbgrader runs `alembic` by name to make a gradebook.
            scripts = sysconfig.get_path("scripts")
            os.environ["PATH"] = os.pathsep.join([scripts, os.environ.get("PATH", "")])
            converter.start()
        if is_new and gradebook.exists() and not coursedir.groupshared:
            gradebook.chmod(0o600)  # hidden tests are in it
    except NbGraderException as error:
        raise _failure(text, said, error) from error


def _failure(text: Path, said: _Said, error: Exception) -> ReleaseFailed:
    """Why an assignment could not be released, and what to do about it."""
    if any("submissions associated with it" in line for line in said.lines):
        return ReleaseFailed(
            f"{text.stem} stays as it was released: submissions of it stand in the gradebook, and "
            "nbgrader adds no cell under them and takes none away.",
            "Finish the term with what was handed out: it is graded as it is. For another class, "
            "autograd-course class make.",
        )
    why = next((line for line in reversed(said.lines) if re.match(r"\w+Error: ", line)), "")
    unknown = ", ".join(_unknown_sections(text)) if "in a non-solution cell" in why else ""
    if unknown:
        cure = f"No exercise of this version of the course is called {unknown}: see to {text}."
    else:
        cure = f"See to {text}."
    return ReleaseFailed(
        f"nbgrader could not release {text.stem}: {why or said.tail() or error}", cure
    )


def _unknown_sections(text: Path) -> list[str]:
    """Headings that have the form of an exercise's id, and are none."""
    named = re.findall(r"^## ([a-z][a-z0-9_]*)$", text.read_text(encoding="utf-8"), re.MULTILINE)
    return [name for name in named if name not in tasks()]


class _Said(logging.Handler):
    """Keeps what nbgrader logs, to be shown only if it fails."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += record.getMessage().splitlines()

    def tail(self) -> str:
        return "\n".join(self.lines[-12:])


def _install(made: Path, target: Path) -> bool:
    if _contents(made) == _contents(target):
        return False
    put_in_place(made, target)
    return True


def _contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
