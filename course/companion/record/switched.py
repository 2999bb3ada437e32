"""Where recording is switched off, and who of torch did it: a checkpoint, or a distribution."""

from __future__ import annotations

import os
from types import CodeType, FrameType, FunctionType

import torch

from course.companion.places import own_frame

CHECKPOINT = "checkpoint"
DRAWN = "drawn"
"""sample() of a distribution that has no rsample()."""
DRAWN_ANEW = "drawn anew"
"""sample() of a distribution that has one."""
BEFORE = "before"
"""Whoever did it before the watch began."""
_MODE_FILES = ("grad_mode.py", "_contextlib.py")
_DECORATORS = {"decorate_context"}
_FIRST = 1 << 30
"""No instruction: the place of code without it is its first line, that of its decorator."""
_DISTRIBUTIONS = os.path.join("torch", "distributions", "")

Off = tuple[CodeType, int, str]
"""The own code in which recording was switched off, the instruction, and who did it."""


class Offs:
    """The blocks that recording is off in, from the outermost to the innermost."""

    def __init__(self) -> None:
        self._now: list[Off] = []
        self._outside: list[Off] = []
        """The same of what lies around an enable_grad."""

    def begin(self, frame: FrameType) -> None:
        """Note that a watch begins in this frame, maybe with recording off."""
        own = own_frame(frame) or frame
        self._now = [] if torch.is_grad_enabled() else [(own.f_code, own.f_lasti, BEFORE)]
        self._outside = []

    def switch(self, on: bool, frame: FrameType) -> None:
        """Note that a frame of torch switches recording on or off."""
        own = own_frame(frame) or frame
        code, instruction = own.f_code, own.f_lasti
        leaving, outer = False, frame
        while outer.f_back is not None and outer.f_code.co_filename.endswith(_MODE_FILES):
            leaving = leaving or outer.f_code.co_name == "__exit__"
            decorated = outer.f_locals.get("func") if outer.f_code.co_name in _DECORATORS else None
            if isinstance(decorated, FunctionType):
                code, instruction = decorated.__code__, _FIRST
            outer = outer.f_back
        if on:
            self._outside = [] if leaving else self._now
            self._now = []
        elif leaving:
            self._now = self._now[:1] or self._outside
        else:
            self._now.append((code, instruction, _by(outer)))

    def decisive(self) -> Off | None:
        """The one of these blocks that has to go; None if nobody was seen to begin one.

        A distribution made of others, such as a mixture, draws from them: the outermost is called.
        In a block of the reader's own, that block cuts whatever is called there.
        """
        own = [one for one in self._now if not one[2].startswith(DRAWN)]
        return own[-1] if own else next(iter(self._now), None)


def _by(frame: FrameType) -> str:
    """Who does it in this frame; nothing where that is the reader's own code."""
    file = frame.f_code.co_filename
    if file.endswith("checkpoint.py"):
        return CHECKPOINT
    if _DISTRIBUTIONS not in file or not frame.f_code.co_name.startswith("sample"):
        return ""
    distribution = frame.f_locals.get("self")
    return DRAWN_ANEW if getattr(distribution, "has_rsample", False) is True else DRAWN
