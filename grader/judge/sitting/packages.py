"""Finds in a cell's errors the packages that are not there where submissions run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from grader.judge.books.needs import Cause, Need

_MISSING = re.compile(r"No module named '(\w{1,60})'")


def missing_packages(outputs: Iterable[Any]) -> Iterator[Need]:
    """A need for each package that a cell asked for in vain; a part of a package is none."""
    for output in outputs:
        if output.output_type == "error" and output.ename == "ModuleNotFoundError":
            found = _MISSING.fullmatch(output.evalue)
            if found:
                yield Need(
                    Cause.MISSING_PACKAGE,
                    f"There is no package {found[1]} where submissions run. If it belongs to the "
                    "assignment, install it, and grade again with --force.",
                )
