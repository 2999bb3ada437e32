"""Takes out everything that is stored about one person. Nothing else of this course deletes."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from grader.classroom.people import Class, Stored
from grader.engine.refusal import Refusal
from grader.judge.books import person
from grader.judge.books.databases import alone, first_line, without_traces
from grader.notebook import files


class CannotErase(Refusal):
    """Something about a person could not be taken out."""


@dataclass(frozen=True)
class Erased:
    """How many rows of each database are gone, the places that are, and what else was noticed.

    `in_files` says whether an SQLite file could not be written anew, and so still holds old bytes.
    """

    gradebook: int
    log: int
    stored: Stored
    in_files: bool


def erase(of: Class, student: str) -> Erased:
    """Take a person out of a class whose id it knows: exchange and files, then log and gradebook.

    The gradebook's list comes last: whoever is killed before can do the same again. Raises
    CannotErase, and what a verdict log raises that cannot be written.
    """
    stored = of.stored(student)
    for place in stored.places:
        _remove(place)
    if of.stored(student).places:
        raise CannotErase(
            "Somebody writes about this person just now: a grading, or who hands in.",
            "See that nobody does, and start this again.",
        )
    try:
        log = of.desk.ledger.erase(student)
        with alone(of.engine, "gradebook") as connection:
            gradebook = person.erase(connection, student)
    except DBAPIError as error:
        raise CannotErase(
            f"The databases cannot be written: {first_line(error.orig)}.",
            "See that nobody grades or has formgrader open, and start this again. The files are "
            "gone already.",
        ) from error
    return Erased(gradebook, log, stored, _left_in_files(of))


def _left_in_files(of: Class) -> bool:
    try:
        without_traces(of.engine)
        of.desk.ledger.without_traces()
    except DBAPIError:
        return True
    return False


def _remove(place: Path) -> None:
    """Delete one file, link or folder. Raises CannotErase if it is still there."""
    with contextlib.suppress(FileNotFoundError):
        files.remove(place)
    if os.path.lexists(place):
        raise CannotErase(
            f"{place} cannot be deleted.",
            "Make it yours to delete, and start this again: the rest goes then. The exchange's "
            "folders are their owners': delete those as root.",
        )
