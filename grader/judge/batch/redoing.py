"""Remembers who is still to be graded again, so that a --force run that was stopped can go on."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path

from grader.judge.batch.desk import Desk
from grader.judge.sitting.papers import Round
from grader.notebook import files


class Redoing:
    """By student, the number of the newest grading at the time when a new one was asked for.

    It lies in a hidden file beside the graded submissions. Who has a newer grading is done with.
    """

    def __init__(self, desk: Desk, round_: Round) -> None:
        self._desk, self._assignment = desk, round_.assignment
        course = desk.course
        step = Path(course.root) / course.autograded_directory
        self._file = step / f".{round_.assignment}.force.json"
        self._since = self._read()

    def begin(self, students: Iterable[str]) -> None:
        """Ask for these to be graded again; who was asked for before is taken up from there."""
        newest = self._newest()
        asked = {student: newest.get(student, 0) for student in students}
        was_stopped = any(self.is_due(student) for student in asked)
        self._since = asked | self._since if was_stopped else self._since | asked
        self._write()

    def is_due(self, student: str) -> bool:
        """Whether a student is to be graded whatever was graded before."""
        if student not in self._since:
            return False
        rows = self._desk.ledger.sittings(self._assignment, student)
        return not rows or rows[-1].id <= self._since[student]

    def end(self, students: Iterable[str]) -> None:
        """Forget these: they were all looked at."""
        if self._since:
            self._since = {name: at for name, at in self._since.items() if name not in students}
            self._write()

    def _newest(self) -> dict[str, int]:
        rows = self._desk.ledger.sittings(self._assignment)
        return {row.student: row.id for row in rows}

    def _read(self) -> dict[str, int]:
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(self._file.read_text())
            if isinstance(found, dict):
                return {str(name): int(at) for name, at in found.items()}
        return {}

    def _write(self) -> None:
        if self._since:
            files.write(self._file, json.dumps(self._since, indent=1).encode(), 0o600)
        else:
            self._file.unlink(missing_ok=True)
