"""Tells whether a folder's name can be a student's: asked once, where submissions are listed."""

from __future__ import annotations

_LONGEST = 200  # what the ledger has room for


def cannot_be(name: str) -> str | None:
    """Why a student cannot have this name, as half a sentence, or None."""
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
    if len(name) > _LONGEST:
        return f"the name of its folder is longer than {_LONGEST} characters"
    return None
