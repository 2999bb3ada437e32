"""Finds in a cell's errors the packages that are not there where submissions run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from grader.judge.books.needs import Cause
from grader.judge.sitting.happened import Incident

_MISSING = re.compile(r"No module named '(\w{1,60})'")


def missing_packages(outputs: Iterable[Any]) -> Iterator[Incident]:
    """An incident for each package that a cell asked for in vain; a part of a package is none."""
    for output in outputs:
        if output.output_type == "error" and output.ename == "ModuleNotFoundError":
            found = _MISSING.fullmatch(output.evalue)
            if found:
                yield Incident(
                    f"There is no package {found[1]} where submissions run. If it belongs to the "
                    "assignment, install it, and grade again with --force.",
                    "There are no packages {names} where submissions run. Install those that "
                    "belong to the assignment, and grade again with --force.",
                    Cause.MISSING_PACKAGE,
                    name=found[1],
                )
