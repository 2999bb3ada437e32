"""Where in somebody's code something happened: a file and a line, and whose code it is."""

from __future__ import annotations

import itertools
import linecache
import os
import sysconfig
from dataclasses import dataclass
from types import CodeType, FrameType

import torch

from grader.errors.seen.reading.frames import file_name

_LIBRARIES = tuple(
    {
        os.path.dirname(torch.__file__) + os.sep,
        *(sysconfig.get_path(name) + os.sep for name in ("stdlib", "purelib", "platlib")),
        os.path.dirname(os.path.dirname(__file__)) + os.sep + "companion" + os.sep,
    }
)
LIBRARY: dict[str, bool] = {}
"""Whether a file is a library's, as far as it was asked."""


def is_library(filename: str) -> bool:
    """Whether a file belongs to Python or to something that was installed."""
    known = LIBRARY.get(filename)
    if known is None:
        known = LIBRARY[filename] = filename.startswith(_LIBRARIES) or (
            filename.startswith("<frozen") or "site-packages" in filename
        )
    return known


def own_frame(frame: FrameType | None) -> FrameType | None:
    """The nearest frame, this one or above, that is nobody's library."""
    while frame is not None and is_library(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


@dataclass(frozen=True, order=True)
class Place:
    """A line of a file."""

    file: str
    line: int

    @classmethod
    def of(cls, code: CodeType, instruction: int) -> Place:
        """The line of an instruction of some code."""
        found = next(itertools.islice(code.co_positions(), instruction // 2, None), (None,))
        return cls(code.co_filename, found[0] or code.co_firstlineno)

    @property
    def text(self) -> str:
        """The line as it is written, or nothing if its file cannot be read."""
        return linecache.getline(self.file, self.line).strip()

    def __str__(self) -> str:
        return f"{file_name(self.file)}, line {self.line}"


def written(code: CodeType, instruction: int) -> str:
    """The expression that an instruction stands for, if it stands in one line; else its begin."""
    at = next(itertools.islice(code.co_positions(), instruction // 2, None), None)
    if at is None or at[0] is None or at[2] is None:
        return ""
    line = linecache.getline(code.co_filename, at[0]).encode()
    return line[at[2] : at[3] if at[0] == at[1] else None].decode(errors="replace")
