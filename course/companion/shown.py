"""How the companion looks in a notebook: one box, colours beside words, links to lessons."""

from __future__ import annotations

import html
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from grader.errors.sections import Section

if TYPE_CHECKING:
    from course.companion.finding import Finding

_BOX = "border-left:4px solid {hue};padding:4px 12px;margin:6px 0;line-height:1.5;max-width:80ch"
_SURE, _LIKELY = "#D55E00", "#0072B2"


def box(title: str, blocks: Sequence[str], notes: Sequence[str] = (), hue: str = _LIKELY) -> str:
    """A box with a first line, blocks of HTML, and notes below."""
    head = f"<p><strong>{html.escape(title)}</strong></p>" if title else ""
    below = "".join(f"<p><em>Note.</em> {html.escape(note)}</p>" for note in notes)
    return f'<div role="note" style="{_BOX.format(hue=hue)}">{head}{"".join(blocks)}{below}</div>'


def found(finding: Finding) -> str:
    """One finding."""
    hue = _SURE if finding.sure else _LIKELY
    word = "" if finding.sure else "<strong>Probably.</strong> "
    where = ""
    if finding.place is not None:
        where = f"<p>{html.escape(str(finding.place))}: {code(finding.place.text)}</p>"
    return (
        f'<div style="{_BOX.format(hue=hue)}"><p>{word}{html.escape(finding.sentence)}</p>'
        f"{where}<p><strong>Cure.</strong> {html.escape(finding.cure)}</p>"
        f"<p>{link(finding.kind.section)}</p></div>"
    )


def code(text: str) -> str:
    """Code in a line."""
    return f"<code>{html.escape(text)}</code>" if text else ""


def link(section: Section) -> str:
    """A link to a section, where the notebook that runs lies in a workspace; else its name."""
    name = html.escape(str(section)[0].upper() + str(section)[1:])
    target = _target(section)
    return f'<a href="{html.escape(target)}">{name}</a>' if target else name


def _target(section: Section) -> str:
    """The way from the running notebook to a lesson's file, or nothing if there is none."""
    session = os.environ.get("JPY_SESSION_NAME", "")
    if not session.endswith(".ipynb"):
        return ""
    home = Path(session).parent
    anchor = f"#{section.anchor}" if section.heading else ""
    for up, folder in enumerate((home, *home.parents[:4])):
        lesson = folder / "lessons" / f"{section.lesson}.ipynb"
        if lesson.is_file():
            return "../" * up + f"lessons/{section.lesson}.ipynb{anchor}"
    return ""
