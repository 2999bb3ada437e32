"""What an error means and how to cure it, as data."""

from __future__ import annotations

import re
from dataclasses import dataclass

from grader.errors import shown
from grader.errors.index import INDEX
from grader.errors.sections import Section

BY_FRAMES = r"(?!)"
"""A trail that no error has: `seen.recognised` tells such an error by the line that failed."""


_THROUGH = "Your line"


@dataclass(frozen=True)
class Explanation:
    """One error: the types that carry it, a pattern found in its text, its meaning, its cure.

    Where the text could be anybody's, `where` is a pattern of the error's trail: the files and
    functions that it went through.
    """

    code: str
    type_names: tuple[str, ...]
    pattern: str
    meaning: str
    cure: str
    where: str = ""

    @property
    def title(self) -> str:
        """What an index calls it."""
        return INDEX[self.code].title

    @property
    def symptoms(self) -> tuple[str, ...]:
        """What else one may search by."""
        return INDEX[self.code].symptoms

    @property
    def section(self) -> Section:
        """Where a lesson explains it."""
        return INDEX[self.code].section

    def fits(self, type_name: str, message: str, trail: str = "") -> bool:
        """Whether an error of this type and text, that went this way, is the one explained."""
        return self.reads(type_name, message) and bool(
            not self.where or re.search(self.where, trail)
        )

    def reads(self, type_name: str, message: str) -> bool:
        """Whether an error that is explained may have this type and text."""
        return type_name in self.type_names and bool(re.search(self.pattern, message, re.DOTALL))


@dataclass(frozen=True, repr=False)
class Explained:
    """One error as it happened: what its frames say where they decide, else what its text says."""

    code: str
    title: str
    meaning: str
    cure: str
    section: Section
    sure: bool = True
    """False where the cause is likely and not certain."""
    place: str = ""
    """File and line of the reader's own code that the cause stands in."""
    passed: str = ""
    """The reader's own line that it came through, where a library raised it and no cause is told.

    The traceback ends in the library then.
    """

    @classmethod
    def of(cls, entry: Explanation) -> Explained:
        """What the text alone says."""
        return cls(entry.code, entry.title, entry.meaning, entry.cure, entry.section)

    def __str__(self) -> str:
        where = f" ({self.place})" if self.place else ""
        lines = (f"{self._word}: {self.meaning}{where}", f"Cure: {self.cure}")
        through = (f"{_THROUGH}: {self.passed}",) if self.passed else ()
        return "\n".join((*lines, *through, f"More: {self.section}"))

    __repr__ = __str__

    @property
    def _word(self) -> str:
        return "What it means" if self.sure else "What it probably means"

    def _repr_html_(self) -> str:
        where = f" ({self.place})" if self.place else ""
        return shown.box(
            self.title,
            [
                shown.paragraph(self._word, self.meaning + where),
                shown.paragraph("Cure", self.cure),
                *([shown.paragraph(_THROUGH, self.passed)] if self.passed else ()),
                shown.link(self.section),
            ],
        )
