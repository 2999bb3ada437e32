"""Each explained error by a title, the symptoms one searches by, and where a lesson explains it."""

from __future__ import annotations

from grader.errors.index.around import AROUND
from grader.errors.index.around_training import AROUND_TRAINING
from grader.errors.index.autograd import AUTOGRAD
from grader.errors.index.beyond import BEYOND
from grader.errors.index.entry import Entry
from grader.errors.index.models import MODELS
from grader.errors.index.parts import PARTS
from grader.errors.index.programs import PROGRAMS
from grader.errors.index.values import VALUES

__all__ = ["INDEX", "Entry"]

INDEX: dict[str, Entry] = (
    AUTOGRAD | PROGRAMS | VALUES | MODELS | PARTS | AROUND | AROUND_TRAINING | BEYOND
)
