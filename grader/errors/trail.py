"""The way an error went: files and functions, outermost first, as one line that patterns read."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable

_STEP = re.compile(r'File "([^"\n]+)", line \d+, in (\S+)')
_READ = 20_000
"""How much of a text is searched: a worker's error carries its traceback as text."""


def of_error(error: BaseException) -> str:
    """The trail of an error that was caught; behind it, that of the worker which raised it."""
    steps = traceback.walk_tb(error.__traceback__)
    own = ((one.f_code.co_filename, one.f_code.co_name) for one, _ in steps)
    return _joined([*own, *_steps(str(error))])


def in_text(text: str) -> str:
    """The trail that a pasted traceback shows; nothing where there is none."""
    return _joined(_steps(text))


def _steps(text: str) -> list[tuple[str, str]]:
    return _STEP.findall(text[-_READ:])


def _joined(steps: Iterable[tuple[str, str]]) -> str:
    """`train.py:step > torch/optim/adam.py:__init__`."""
    return " > ".join(f"{_short(file)}:{function}" for file, function in steps)


def _short(file: str) -> str:
    """A library's file from its package on; any other by its name alone."""
    plain = file.replace("\\", "/")
    _, installed, inside = plain.rpartition("/site-packages/")
    return inside if installed else plain.rpartition("/")[2]
