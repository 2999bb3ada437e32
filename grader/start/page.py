"""The start page as HTML: where you are, what to go on with, what comes back, all of the course."""

from __future__ import annotations

import base64
import functools
import hashlib
from datetime import date
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, Template
from markupsafe import Markup

from grader.diagnosis.messages import say
from grader.notebook.folder.whereabouts import Step, whereabouts
from grader.notebook.progress import address
from grader.notebook.record import records
from grader.start.reviewing import NOTEBOOK

TEMPLATES = Path(__file__).with_name("templates")


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
        script=Markup(script()),  # our own file
    )


@functools.cache
def script() -> str:
    """The one script that the page runs."""
    return (TEMPLATES / "start.js").read_text(encoding="utf-8")


def policy() -> str:
    """What the page may do, as a header: run this script and no other, and ask its own server."""
    digest = base64.b64encode(hashlib.sha256(script().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "connect-src 'self'; frame-ancestors 'self'; base-uri 'none'"
    )


@functools.cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("start.html")
