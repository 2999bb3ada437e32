"""What a command says, instead of a traceback, about something its reader can put right."""

from __future__ import annotations


class Refusal(Exception):
    """A command stops here: what happened and to what, then what to do about it."""

    def __init__(self, what: str, cure: str) -> None:
        super().__init__(what, cure)
        self.what, self.cure = what, cure

    def __str__(self) -> str:
        return f"{self.what}\n{self.cure}"
