"""What a person must see to in one submission: a cause, and a sentence about this submission."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """Why a submission needs a person."""

    NOTHING_RAN = "nothing ran"
    WRONG_NOTEBOOK = "wrong notebook"
    NO_CELLS = "none of the assignment's cells"
    COPY = "a copy holds answers"
    OUT_OF_TIME = "out of time"
    PART_NOT_RUN = "part not run"
    MISSING_PACKAGE = "missing package"
    ANOTHER_VERSION = "another version's exercise"
    ANOTHER_RELEASE = "another release"
    UNKNOWN_STUDENT = "unknown student"
    MISPLACED = "misplaced"
    NOT_GRADED = "not graded"


_CAUSES = {cause.value: cause for cause in Cause}


@dataclass(frozen=True)
class Need:
    """One thing that a person must see to."""

    cause: Cause
    sentence: str

    @property
    def stops(self) -> bool:
        """Whether nothing of a notebook was run."""
        return self.cause in (Cause.NOTHING_RAN, Cause.WRONG_NOTEBOOK)

    def __str__(self) -> str:
        return f"{self.cause.value}: {self.sentence}"

    @classmethod
    def read(cls, text: str) -> Need | None:
        """From its text, or None if that is another's."""
        cause, _, sentence = text.partition(": ")
        return cls(_CAUSES[cause], sentence) if cause in _CAUSES else None


def joined(needs: Iterable[Need]) -> list[Need]:
    """The same with one for each cause, which says everything once."""
    sentences: dict[Cause, list[str]] = {}
    for need in needs:
        sentences.setdefault(need.cause, []).append(need.sentence)
    return [Need(cause, " ".join(dict.fromkeys(told))) for cause, told in sentences.items()]


def nothing_ran(needs: Iterable[Need], notebooks: Collection[str]) -> bool:
    """Whether none of a submission's notebooks was run: each that was not is one need."""
    return sum(need.stops for need in needs) >= len(notebooks)
