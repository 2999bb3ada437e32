"""Marks a graded cell that this version of the course cannot judge: a person decides on it."""

from __future__ import annotations

from typing import Any

_MARK = "left_to_a_person"


def leave(cell: Any) -> None:
    """Leave a graded cell to a person: what it earned before stays, and else it has no score."""
    cell.metadata[_MARK] = True


def is_left(cell: Any) -> bool:
    """Whether a graded cell was left to a person."""
    return cell.metadata.get(_MARK) is True
