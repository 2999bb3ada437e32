"""The notebook of a workspace in which what is due is asked again."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from grader.notebook import files
from grader.notebook.texts import places

NOTEBOOK = str(places.REVIEW)

_TEXT = """\
# Review

What did not go well the first time comes back here, after 1, 3, 7 and 21 days: questions one by
one, and exercises from their starting code. Together it is at most ten minutes a day.

Run the cell below with Shift+Enter."""

_CODE = "from course.review import review\n\nreview()"


def lay_notebook(workspace: Path) -> None:
    """Put the notebook into a workspace, where there is none.

    A folder that cannot be written does not keep anybody's server from starting.
    """
    place = workspace / NOTEBOOK
    if not place.exists():
        with contextlib.suppress(OSError):
            files.write(place, json.dumps(_notebook(), indent=1).encode())


def _notebook() -> dict[str, object]:
    text = {"cell_type": "markdown", "id": "review", "metadata": {}, "source": _TEXT}
    code: dict[str, object] = {
        "cell_type": "code",
        "execution_count": None,
        "id": "ask",
        "metadata": {},
        "outputs": [],
        "source": _CODE,
    }
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    return {
        "cells": [text, code],
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
