"""Who may see which rooms of this package: one allow-list for boxes, one for students' sides.

A folder is the boundary: what is not named here, a new room too, is closed to both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

PACKAGE = Path(__file__).resolve().parent

BOX = ("box/both", "box/inside", "engine", "tasks")
"""What exists beside a submission's code."""

STUDENT_SIDE = ("diagnosis", "engine", "errors", "notebook", "recorded", "start", "tasks")
"""What a student's server has, besides `course` and the sealed answers."""


def parts(rooms: Sequence[str], package: Path = PACKAGE) -> Iterator[Path]:
    """The folders of these rooms, and the `__init__.py` of every package above them."""
    above = {parent for room in rooms for parent in PurePosixPath(room).parents}
    yield from (package / folder / "__init__.py" for folder in sorted(above))
    yield from (package / room for room in rooms)
