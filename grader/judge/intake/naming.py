"""Which names an assignment, a learner, and the folder of a class may have."""

from __future__ import annotations

import re
from pathlib import Path

from grader.engine.refusal import Refusal
from grader.judge.intake.printable import quote

PATTERNS = "*?[]"
"""What nbgrader, which looks for folders by patterns, does not read as itself."""
_LONGEST = 128  # nbgrader's column for a name
_LONGEST_FOLDER = 200  # bytes, with room for what the exchange adds
_LONGEST_COLLECTED = 200  # what the ledger has room for


class BadName(Refusal):
    """A name that nbgrader cannot work with."""


def require_assignment(name: str) -> str:
    """The name, if it can be an assignment's. Raises BadName.

    Spaces and parentheses are fine. A plus sign separates the parts of a name in the exchange, and
    a pattern would stand for other assignments, too.
    """
    why = _why_not(name)
    if why is None:
        return name
    bad = {*PATTERNS, *"+/\\"}
    better = re.sub("-+", "-", "".join("-" if c in bad or not c.isprintable() else c for c in name))
    better = better[:_LONGEST].strip(" .-").strip()
    if _why_not(better) is not None:
        better = "hw-1"
    raise BadName(
        f"No assignment can be called {quote(name) or 'nothing'}: {why}.",
        f"Rename its folder and its notebook, in solutions/ first: {better}",
    )


def _why_not(name: str) -> str | None:
    if "+" in name:
        return "nbgrader allows no + in a name, which separates the parts of a submission's name"
    found = sorted(set(name) & set(PATTERNS))
    if found:
        return f"nbgrader reads {' and '.join(found)} as a pattern"
    if not name or name != name.strip() or name.startswith(".") or len(name) > _LONGEST:
        return f"a name has 1 to {_LONGEST} characters, no space at its ends and no dot before it"
    if not name.isprintable() or set(name) & set("/\\"):
        return "it holds a character that no folder's name should"
    return None


def require_folder(folder: Path) -> None:
    """See that nbgrader's own commands find what lies in a class's folder. Raises BadName."""
    found = sorted(set(str(folder)) & set(PATTERNS))
    if found:
        raise BadName(
            f"nbgrader reads {' and '.join(found)} in the path {folder} as a pattern, and finds "
            "nothing there.",
            "Move the class into a folder whose path has none of them: "
            f"{re.sub(f'[{re.escape(PATTERNS)}]+', '-', str(folder))}",
        )


def why_no_student(name: str) -> str | None:
    """Why nobody can be listed under this id; None if somebody can."""
    if not name:
        return "no id"
    if len(name) > _LONGEST or len(name.encode(errors="replace")) > _LONGEST_FOLDER:
        return f"the id is longer than {_LONGEST} characters, or {_LONGEST_FOLDER} bytes"
    if not name.isprintable() or set(name) & set("/\\"):
        return "the id holds a character that no folder's name should"
    if name.startswith("."):
        return "the id begins with a dot, and hidden folders are not collected"
    if "," in name:
        return "nbgrader reads a comma in the id as the end of one id and the beginning of another"
    found = sorted(set(name) & set(PATTERNS))
    return f"nbgrader reads {' and '.join(found)} in the id as a pattern" if found else None


def cannot_be(name: str) -> str | None:
    """Why a collected folder cannot be a student's, as half a sentence, or None."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return "the name of its folder is not UTF-8"
    if name.startswith("."):
        return "the name of its folder begins with a dot"
    if not name.isprintable():
        return "the name of its folder holds characters that do not show"
    if name != name.strip():
        return "the name of its folder begins or ends with a space"
    if len(name) > _LONGEST_COLLECTED:
        return f"the name of its folder is longer than {_LONGEST_COLLECTED} characters"
    return None
