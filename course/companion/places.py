"""Where in somebody's code something happened: a file and a line, and whose code it is."""

from __future__ import annotations

import itertools
import linecache
import os
import re
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType

import torch

_LIBRARIES = tuple(
    {
        os.path.dirname(torch.__file__) + os.sep,
        *(sysconfig.get_path(name) + os.sep for name in ("stdlib", "purelib", "platlib")),
        os.path.dirname(os.path.dirname(__file__)) + os.sep + "companion" + os.sep,
    }
)
_KNOWN: dict[str, bool] = {}
_CELL = re.compile(r"ipykernel_\d+|<ipython-input-(\d+)")


def is_library(filename: str) -> bool:
    """Whether a file belongs to Python or to something that was installed."""
    known = _KNOWN.get(filename)
    if known is None:
        known = _KNOWN[filename] = filename.startswith(_LIBRARIES) or (
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
        return f"{self._file}, line {self.line}"

    @property
    def _file(self) -> str:
        if _CELL.search(self.file):
            return _cell(self.file)
        name = Path(self.file).name
        return name if not name.startswith("<") else self.file


def _cell(filename: str) -> str:
    """`cell [3]`, if IPython remembers which cell it was."""
    shell = sys.modules.get("IPython")
    running = shell.get_ipython() if shell is not None else None
    numbers = getattr(getattr(running, "compile", None), "_filename_map", {})
    return f"cell [{numbers[filename]}]" if filename in numbers else "your cell"
