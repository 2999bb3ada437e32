"""What a person must see to in one submission: a cause, and a sentence about this submission."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """Why a submission needs a person."""

    NOTHING_RAN = "nothing ran"
    WRONG_NOTEBOOK = "wrong notebook"
    NO_CELLS = "none of the assignment's cells"
    COPY = "a copy holds answers"
    OUT_OF_TIME = "out of time"
    MISSING_PACKAGE = "missing package"
    UNKNOWN_STUDENT = "unknown student"
    NOT_GRADED = "not graded"


@dataclass(frozen=True, order=True)
class Need:
    """One thing that a person must see to."""

    cause: Cause
    sentence: str

    @property
    def stops(self) -> bool:
        """Whether nothing of a notebook was run."""
        return self.cause in (Cause.NOTHING_RAN, Cause.WRONG_NOTEBOOK)

    def plain(self) -> dict[str, str]:
        """As JSON holds it."""
        return {"cause": self.cause.value, "sentence": self.sentence}

    @classmethod
    def read(cls, found: Mapping[str, str]) -> Need:
        """From what `plain` gave."""
        return cls(Cause(found["cause"]), found["sentence"])


def nothing_ran(needs: Iterable[Need], notebooks: Collection[str]) -> bool:
    """Whether none of a submission's notebooks was run: each that was not is one need."""
    return sum(need.stops for need in needs) >= len(notebooks)
