"""What a process needs to grade one course: its forms, its secrets, its submissions."""

from __future__ import annotations

import glob
import re
from collections.abc import Mapping
from pathlib import Path

from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange.default.exchange import Exchange
from sqlalchemy.engine import URL
from traitlets.config import Config

from grader.engine.refusal import Refusal
from grader.judge.batch.settings import Grading
from grader.judge.books.databases import close_to_others
from grader.judge.books.ledger import Circumstances, Ledger, Notes, Secret
from grader.judge.books.reading import NoGradebook
from grader.judge.books.strangers import class_list
from grader.judge.intake.course import course_directory
from grader.judge.intake.form import Form, read_forms
from grader.judge.intake.misplaced import Looked, misplaced
from grader.judge.intake.naming import cannot_be
from grader.judge.sitting.papers import Marked, Paper, Round
from grader.judge.sitting.reading import Place, read_paper

_ANYBODY = "\0"
"""Stands for a student in a path: no file system allows it in a name."""


class NoSubmission(Refusal):
    """There is no submission where one was asked for."""


class Desk:
    """The settings, forms, submissions and ledger of one course. Close it when done."""

    def __init__(self, course: CourseDirectory, config: Config, **settings: object) -> None:
        """`config` is what nbgrader_config.py says; `settings` replace those of its Grading."""
        self.course, self.config = course, config
        self.grading = Grading(config=config, **settings)
        self._ledger: Ledger | None = None

    @classmethod
    def at(cls, folder: Path, **settings: object) -> Desk:
        """The desk of the course in a folder, with the settings that lie in it."""
        course = course_directory(folder)
        return cls(course, course.config, **settings)

    @property
    def ledger(self) -> Ledger:
        """The course's record of secrets and verdicts."""
        if self._ledger is None:
            beside = Path(self.course.root) / "verdicts.db"
            self._ledger = Ledger(
                self.grading.ledger_url or URL.create("sqlite", database=str(beside))
            )
        return self._ledger

    def close(self) -> None:
        """Let go of the ledger."""
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None

    def round(self, assignment: str, *, reseed: bool = False, version: int | None = None) -> Round:
        """An assignment as it is to be judged now.

        Raises NoForm, and KeyError for a `version` of the secret that does not exist.
        """
        close_to_others(self.course.db_url, shared=self.course.groupshared)
        return Round(
            assignment,
            self._forms(assignment),
            self._secret(assignment, reseed, version),
            self.grading.limits(),
            self.grading.isolation,
            self.grading.device,
            self._ignored(),
            handling=self.grading.handling_seconds,
        )

    def students(self, assignment: str, step: str = "") -> list[str]:
        """Everybody of whom a submission was collected, or has come to a later `step`, by name."""
        return [name for name in self._names(assignment, step) if cannot_be(name) is None]

    def refused(self, assignment: str) -> dict[str, str]:
        """The folders among the submissions whose name cannot be a student's, and why."""
        found = {name: cannot_be(name) for name in self._names(assignment)}
        return {name: why for name, why in found.items() if why is not None}

    def misplaced(self, assignment: str) -> dict[str, str]:
        """What lies among the submissions where none is looked for, and what to say of each."""
        root, step = Path(self.course.root), Path(self.course.root, self.course.submitted_directory)
        if self.folder(assignment, "anybody") != step / "anybody" / assignment:
            return {}  # the class has a structure of its own
        try:
            students = class_list(self.course).students
        except NoGradebook:
            students = frozenset()
        source = root / self.course.source_directory
        every = [path.name for path in source.iterdir()] if source.is_dir() else []
        left_out = self.course.student_id_exclude.split(",")
        looked = Looked(
            step,
            assignment,
            self._forms(assignment),
            [name for name in every if name != assignment],
            students,
            {*self._names(assignment), *left_out},
        )
        return misplaced(looked)

    def place(self, assignment: str, student: str) -> Place:
        """Where a submission lies."""
        root = Path(self.course.root)
        return Place(
            student,
            assignment,
            self.folder(assignment, student),
            root,
            root / self.course.submitted_directory,
            Path(Exchange(config=self.config).root) / self.course.course_id / "inbound",
        )

    def paper(self, round_: Round, student: str) -> Paper:
        """One submission, read from its folder in this process, with no limit on time."""
        return read_paper(self.place(round_.assignment, student), round_.forms)

    def folder(self, assignment: str, student: str) -> Path:
        """Where a submission lies."""
        return Path(self.course.format_path(self.course.submitted_directory, student, assignment))

    def record(self, round_: Round, paper: Paper, marked: Marked, token: str = "") -> Notes:
        """Append a judged submission to the ledger, all of it or nothing."""
        graded = marked.graded.values()
        notes = Notes(
            tuple(marked.graded),
            (*(one for repairs in marked.repairs.values() for one in repairs), *paper.doubts),
            tuple(incident for one in graded for incident in one.incidents),
            tuple(name for one in graded for name in one.plain),
            token,
            tuple(need for one in graded for need in one.needs),
        )
        circumstances = Circumstances(
            round_.assignment,
            paper.student,
            paper.digest,
            round_.secret.version,
            round_.device,
            marked.isolation,
            dict(marked.versions),
        )
        verdicts = [verdict for one in graded for verdict in one.verdicts.values()]
        self.ledger.append(circumstances, verdicts, notes)
        return notes

    def _names(self, assignment: str, step: str = "") -> list[str]:
        """What the folders are called in which a submission may lie, as it came or at a step."""
        # Nothing but the student is a pattern, whatever the assignment and the path are called.
        step = step or self.course.submitted_directory
        anybody = self.course.format_path(step, _ANYBODY, assignment).split(_ANYBODY)
        folders = glob.glob("*".join(map(glob.escape, anybody)), include_hidden=True)
        shape = re.compile("(?P<student>.+)".join(map(re.escape, anybody)), re.DOTALL)
        matches = (shape.fullmatch(folder) for folder in folders)
        left_out = set(self.course.student_id_exclude.split(","))
        return sorted({match["student"] for match in matches if match} - left_out)

    def _forms(self, assignment: str) -> Mapping[str, Form]:
        theirs = self.config.Autograde.get("exclude_overwriting", {})
        return read_forms(self.course, assignment, theirs.get(assignment, ()))

    def _secret(self, assignment: str, reseed: bool, version: int | None) -> Secret:
        if version is None:
            return self.ledger.secret(assignment, reseed=reseed)
        return self.ledger.secret_of_version(assignment, version)

    def _ignored(self) -> str:
        """What nbgrader's IgnorePattern takes off stderr, by its settings."""
        settings = self.config.IgnorePattern
        return str(settings.get("pattern", "")) if settings.get("enabled", False) else ""
