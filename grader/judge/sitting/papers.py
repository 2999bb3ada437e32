"""What goes to a process that judges, and what comes back: plain data, read without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from grader.box.both.limits import Limits
from grader.diagnosis.verdict import Verdict
from grader.judge.books.ledger import Secret
from grader.judge.books.needs import Cause, Need
from grader.judge.intake.form import Form, Notebook
from grader.judge.intake.submission import Submitted


@dataclass(frozen=True)
class Round:
    """One assignment as it is judged this time: the same for every submission.

    `ignored` is a pattern of what plain graded cells may write to stderr. Unless `hidden`, verdicts
    carry the numbers of hidden cases. `handling` is how many seconds reading, comparing and drawing
    one submission may take, besides what its own code may.
    """

    assignment: str
    forms: Mapping[str, Form]
    secret: Secret
    limits: Limits = field(default_factory=Limits)
    isolation: str = "auto"
    device: str = "cpu"
    ignored: str = ""
    hidden: bool = True
    handling: float = 60.0


@dataclass(frozen=True)
class Paper:
    """One submission as it was handed in: by notebook, with its receipt.

    `digest` tells whether a submission is the one that was graded before.
    """

    student: str
    notebooks: Mapping[str, Submitted]
    digest: str
    receipt: Mapping[str, bytes] = field(default_factory=dict)
    received: datetime | None = None
    doubts: tuple[str, ...] = ()


@dataclass
class Graded:
    """A notebook with outputs, the verdicts by grade_id, and what an instructor should know.

    `trusted` are the indices of the cells whose outputs the judge wrote; `plain` the grade_ids of
    graded cells that ran inside the box by nbgrader's own rule; `needs` are for a person to see
    to; without `ran` nothing of the notebook was run.
    """

    notebook: Notebook
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    incidents: list[str] = field(default_factory=list)
    trusted: set[int] = field(default_factory=set)
    plain: list[str] = field(default_factory=list)
    needs: list[Need] = field(default_factory=list)
    ran: bool = True

    def need(self, cause: Cause, sentence: str) -> None:
        """Add to what a person must see to, once."""
        if Need(cause, sentence) not in self.needs:
            self.needs.append(Need(cause, sentence))


@dataclass(frozen=True)
class Marked:
    """One submission judged, and in what circumstances. `graded` and `repairs` are by notebook.

    `texts` are the notebooks as they were before they ran, where these were asked for. What a
    person must see to is in each notebook's `needs`.
    """

    student: str
    graded: Mapping[str, Graded]
    repairs: Mapping[str, tuple[str, ...]]
    isolation: str
    versions: Mapping[str, str]
    texts: Mapping[str, Notebook] = field(default_factory=dict)
