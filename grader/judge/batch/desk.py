"""What a process needs to grade one course: its forms, its secrets, its submissions."""

from __future__ import annotations

import glob
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from nbgrader.coursedir import CourseDirectory
from sqlalchemy.engine import URL
from traitlets.config import Config

from grader.engine.refusal import Refusal
from grader.judge.batch.settings import Grading
from grader.judge.books.ledger import Circumstances, Ledger, Notes, Secret
from grader.judge.intake.course import course_directory
from grader.judge.intake.form import Form, read_forms
from grader.judge.intake.receipts import Receipt, read_receipt
from grader.judge.intake.repairs import repair
from grader.judge.intake.submission import Submitted, read_submission
from grader.judge.sitting.papers import Marked, Paper, Round

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
        return Round(
            assignment,
            self._forms(assignment),
            self._secret(assignment, reseed, version),
            self.grading.limits(),
            self.grading.isolation,
            self.grading.device,
            self._ignored(),
        )

    def students(self, assignment: str) -> list[str]:
        """Everybody of whom a submission was collected, by name."""
        # Nothing but the student is a pattern, whatever the assignment and the path are called.
        step = self.course.submitted_directory
        anybody = self.course.format_path(step, _ANYBODY, assignment).split(_ANYBODY)
        folders = glob.glob("*".join(map(glob.escape, anybody)))
        shape = re.compile("(?P<student>.+)".join(map(re.escape, anybody)))
        matches = (shape.fullmatch(folder) for folder in folders)
        left_out = set(self.course.student_id_exclude.split(","))
        return sorted({match["student"] for match in matches if match} - left_out)

    def paper(self, round_: Round, student: str) -> Paper:
        """One submission, read from its folder; nothing in it can make this fail."""
        folder = self.folder(round_.assignment, student)
        link = self.linked(folder)
        if link is not None:
            left_out = repair("link", found=str(link.relative_to(self.course.root)))
            notebooks = {name: Submitted(None, {}, (left_out,)) for name in round_.forms}
            receipt = Receipt()
        else:
            notebooks = {name: read_submission(folder, form) for name, form in round_.forms.items()}
            receipt = read_receipt(self.course, self.config, round_.assignment, student)
        digest = _digest(notebooks, receipt.files)
        return Paper(student, notebooks, digest, receipt.files, receipt.received, receipt.doubts)

    def folder(self, assignment: str, student: str) -> Path:
        """Where a submission lies."""
        return Path(self.course.format_path(self.course.submitted_directory, student, assignment))

    def linked(self, folder: Path) -> Path | None:
        """The link that stands where a submission's folder should, or one of those above it."""
        step = Path(self.course.root) / self.course.submitted_directory
        between = [path for path in (*reversed(folder.parents), folder) if step in path.parents]
        return next((path for path in between if path.is_symlink()), None)

    def record(self, round_: Round, paper: Paper, marked: Marked, token: str = "") -> Notes:
        """Append a judged submission to the ledger, all of it or nothing."""
        graded = marked.graded.values()
        notes = Notes(
            tuple(marked.graded),
            (*(one for repairs in marked.repairs.values() for one in repairs), *paper.doubts),
            tuple(incident for one in graded for incident in one.incidents),
            tuple(name for one in graded for name in one.plain),
            token,
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


def _digest(notebooks: Mapping[str, Submitted], receipt: Mapping[str, bytes]) -> str:
    """The submission's hash: its notebooks, the files beside them, and when it arrived."""
    whole = hashlib.sha256()
    parts = [(f"receipt/{name}", content) for name, content in receipt.items()]
    for name, submitted in notebooks.items():
        if submitted.notebook is not None:
            parts.append((f"notebook/{name}", submitted.notebook))
        parts += [(f"file/{path}", content) for path, content in submitted.files.items()]
    for name, content in sorted(dict(parts).items()):
        encoded = name.encode(errors="surrogateescape")
        whole.update(len(encoded).to_bytes(8, "big") + encoded)
        whole.update(len(content).to_bytes(8, "big") + content)
    return whole.hexdigest()
