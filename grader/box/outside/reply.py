"""What a box replied to one question: whether it came in time, and what failed."""

from __future__ import annotations

from dataclasses import dataclass

from grader.box.both.channel import Header
from grader.box.both.ended import CallFailed


@dataclass(frozen=True)
class Reply:
    """Header and body are whatever the box chose to say; `overdue`: its time was up before."""

    header: Header
    body: bytes
    overdue: bool

    @property
    def interrupted(self) -> bool:
        """Whether an interrupt came while the box was at this question, as the box says."""
        return self.header.get("interrupted") is True

    @property
    def late(self) -> bool:
        """Whether the box took too long."""
        return self.overdue or self.interrupted

    @property
    def failure(self) -> CallFailed | None:
        """What was raised, by its type's name and its text, whatever the box made of them."""
        if "failed" not in self.header:
            return None
        failed = self.header["failed"]
        if isinstance(failed, list) and list(map(type, failed)) == [str, str]:
            return CallFailed(failed[0][:200], failed[1][:2000])
        return CallFailed("unknown", "")
