"""The start page as HTML: where you are, what to go on with, what comes back, all of the course."""

from __future__ import annotations

import functools
from datetime import date
from pathlib import Path

from jinja2 import Environment, PackageLoader, Template

from grader.diagnosis.messages import say
from grader.notebook import records
from grader.notebook.progress import address
from grader.notebook.whereabouts import Step, whereabouts
from grader.start.reviewing import NOTEBOOK


def start_page(workspace: Path, base_url: str, scheme: str = "") -> str:
    """The page for a workspace that a Jupyter server at `base_url` serves.

    `scheme` is "dark" or "light", or "" for the system's.
    """

    def link(step: Step) -> str:
        return f"{base_url}lab/tree/{address(str(step.place), step.cell)}"

    found = whereabouts(workspace, date.today())
    return _template().render(
        at=found,
        scheme=scheme,
        link=link,
        review=f"{base_url}lab/tree/{NOTEBOOK}",
        minutes=sum(step.minutes for step in found.review),
        notes=[*records.untold(), *([say("progress.visible")] if found.only_visible else [])],
        away=any(step.place is None for step in found.steps),
        lab=f"{base_url}lab",
    )


@functools.cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("grader.start"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("start.html")
