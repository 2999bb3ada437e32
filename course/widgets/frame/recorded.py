"""All steps of a picture as data, for a page that plays them without a kernel."""

from __future__ import annotations

import os
from typing import Any, Protocol

from course.widgets.frame.svg import Picture

MIME = "application/vnd.autograd-course.steps+json"
"""The form of an output that holds a picture's steps."""


class Shown(Protocol):
    """A picture's player: what it plays, and what it shows at first."""

    label: str
    first_choice: int
    first_step: int

    def steps(self) -> list[tuple[str, list[Picture]]]:
        """Every choice, and the picture of each of its steps."""

    def fallback(self) -> Picture:
        """The picture for pages without a kernel."""


def wanted() -> bool:
    """Whether outputs are to hold every step beside the picture: ``AUTOGRAD_COURSE_STEPS`` is set.

    So it is where the book is made. A notebook of a learner's holds the one picture alone.
    """
    return bool(os.environ.get("AUTOGRAD_COURSE_STEPS"))


def bundle(shown: Shown) -> dict[str, Any]:
    """Every step as JSON under `MIME`.

    ``choices`` names the choices; ``frames`` has, for each, the SVG and the sentence of every step;
    ``still`` is the picture that stands where nothing can be stepped.
    """
    steps = shown.steps()
    return {
        MIME: {
            "label": shown.label,
            "first": [shown.first_choice, shown.first_step],
            "choices": [name for name, _ in steps],
            "frames": [[_frame(picture) for picture in pictures] for _, pictures in steps],
            "still": _frame(shown.fallback()),
        }
    }


def _frame(picture: Picture) -> list[str]:
    return [picture.live(), picture.sentence]
