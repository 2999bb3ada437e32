"""What is done with one submission in a process of its own: plain data in, plain data out.

Whatever a learner sent is touched in here and nowhere else, so that it can be given a time limit,
and the process that writes gets finished results.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from grader.judge.books.gradebook import Notebook
from grader.judge.books.rows import Recorded
from grader.judge.sitting.papers import Marked, Paper, Round
from grader.judge.sitting.reading import Place, read_paper
from grader.judge.sitting.tidying import set_aside

T_co = TypeVar("T_co", covariant=True)

Pause = Callable[[], AbstractContextManager[None]]
"""Stops a submission's clock meanwhile: what the machine needs to start is nobody's fault."""


class Errand(Protocol[T_co]):
    """One step of grading one submission."""

    @property
    def student(self) -> str:
        """Whose submission it is."""
        ...

    def __call__(self, round_: Round, pause: Pause) -> T_co:
        """Do it, in the process of a worker."""
        ...


@dataclass(frozen=True)
class Read:
    """Read what was handed in."""

    place: Place

    @property
    def student(self) -> str:
        """Whose submission it is."""
        return self.place.student

    def __call__(self, round_: Round, pause: Pause) -> Paper:
        """The submission as a paper."""
        return read_paper(self.place, round_.forms)


@dataclass(frozen=True)
class ReadAndTidy:
    """Read what was handed in, and move out of its folder what must not be copied."""

    place: Place

    @property
    def student(self) -> str:
        """Whose submission it is."""
        return self.place.student

    def __call__(self, round_: Round, pause: Pause) -> tuple[Paper, tuple[str, ...]]:
        """The submission as a paper, and what was moved. Raises OSError."""
        paper = read_paper(self.place, round_.forms)
        return paper, tuple(map(str, set_aside(self.place, paper)))


@dataclass(frozen=True)
class Judge:
    """Run and judge a paper; `with_texts`, the normalised notebooks come back as well."""

    paper: Paper
    with_texts: bool = False

    @property
    def student(self) -> str:
        """Whose submission it is."""
        return self.paper.student

    def __call__(self, round_: Round, pause: Pause) -> Marked:
        """The marked submission. Raises BoxRefused."""
        with pause():
            from grader.judge.sitting.examiner import examine  # torch, which only judging needs

        return examine(round_, self.paper, pause, with_texts=self.with_texts)


@dataclass(frozen=True)
class Fetch:
    """Read the graded notebooks that an earlier run left in a folder."""

    student: str
    folder: Path

    def __call__(self, round_: Round, pause: Pause) -> Mapping[str, Notebook] | None:
        """The notebooks, or None if they are damaged."""
        with pause():
            import nbformat

            from grader.judge.pages.clean import showable

        try:
            return {
                name: showable(nbformat.read(self.folder / f"{name}.ipynb", as_version=4))
                for name in round_.forms
            }
        except (OSError, ValueError):
            return None


@dataclass(frozen=True)
class Draw:
    """Draw the feedback pages of graded notebooks; `plain`, with every text as it stands."""

    student: str
    notebooks: Mapping[str, Notebook]
    recorded: Mapping[str, Recorded]
    plain: bool = False

    def __call__(self, round_: Round, pause: Pause) -> Mapping[str, bytes]:
        """The pages by the names of the notebooks."""
        with pause():
            from grader.judge.pages.feedback import feedback_page  # nbconvert: slow to load

        pages = {
            name: feedback_page(notebook, self.recorded[name], round_.forms[name], plain=self.plain)
            for name, notebook in self.notebooks.items()
        }
        return {name: page.encode(errors="replace") for name, page in pages.items()}


class OutOfTime(Exception):
    """A submission took all the `seconds` that it may take."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds

    def __str__(self) -> str:
        return f"it took longer than the {self.seconds:g} s that a submission has in all"


class ErrandFailed(Exception):
    """An errand raised; the text says what."""


@dataclass
class Clock:
    """What one submission may still take in all its errands together, in seconds."""

    whole: float
    left: float

    @classmethod
    def of(cls, round_: Round) -> Clock:
        """The time of one submission: what its code may take, and what handling it may."""
        whole = round_.limits.submission + round_.handling
        return cls(whole, whole)

    def spend(self, seconds: float) -> None:
        """Take off what an errand took."""
        self.left = max(0.0, self.left - seconds)
