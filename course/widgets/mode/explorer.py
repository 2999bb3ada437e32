"""What a notebook calls for chapter 4's picture: explore_modes()."""

from __future__ import annotations

from course.widgets.frame.player import Player
from course.widgets.mode.picture import ModePicture
from course.widgets.mode.programs import PROGRAMS


def explore_modes(first: str = PROGRAMS[0].title) -> Player:
    """See what every line of a small program makes in four modes, and what autograd saves.

    The lines really run, on the CPU, each program once per mode; flags are read from the tensors,
    bytes are measured by hooks on saved tensors. Your random numbers and your mode stay as they
    are.

    Args:
        first: the title of the program that is shown at first.

    Raises:
        ValueError: if there is no program of that title.
    """
    ordered = sorted(PROGRAMS, key=lambda program: program.title != first)
    if ordered[0].title != first:
        titles = ", ".join(repr(program.title) for program in PROGRAMS)
        raise ValueError(f"There is no program {first!r}. There are {titles}.")
    return Player(ModePicture(ordered), label="program")
