"""torch's own warnings under a watch, told of the line that they are about."""

from __future__ import annotations

import os
import sys
import warnings
from types import FrameType
from typing import Any

from course.companion.places import own_frame

_installed: list[Any] = []
"""What showed warnings before, once for each watch that is entered."""


def begin() -> None:
    """From now on a warning that torch places inside a watch is placed at the reader's line.

    torch names the line of Python that called it, and under a watch that is the watch's own.
    """
    _installed.append(getattr(warnings, "_showwarnmsg", None))
    if len(_installed) == 1 and _installed[0] is not None:
        vars(warnings)["_showwarnmsg"] = _show


def end() -> None:
    """Show warnings as before, if this ends the last watch that began."""
    before = _installed.pop()
    if not _installed and vars(warnings).get("_showwarnmsg") is _show:
        vars(warnings)["_showwarnmsg"] = before


def _show(message: Any) -> None:
    """Show a warning, or, if a watch called what warned, give it anew at the reader's line.

    Given anew, it meets the filters and the list of what was shown before of the reader's module,
    as it would have without a watch.
    """
    before = _installed[0] if _installed else None
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename != _WATCHING:
        frame = frame.f_back
    inside, frame = frame, own_frame(frame)
    if message.filename != _WATCHING or inside is None or frame is None:
        if before is not None:
            before(message)
        return
    text = str(message.message)
    inside.f_globals.get("__warningregistry__", {}).clear()  # the watch's line does not count
    vars(warnings)["onceregistry"].pop((text, message.category), None)
    warnings.warn_explicit(
        message.message,
        message.category,
        frame.f_code.co_filename,
        frame.f_lineno,
        frame.f_globals.get("__name__"),
        frame.f_globals.setdefault("__warningregistry__", {}),
    )


_WATCHING = os.path.join(os.path.dirname(__file__), "watching.py")
