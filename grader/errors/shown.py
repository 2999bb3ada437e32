"""How explanations look in a notebook: one box, words beside colours, a link to the lesson."""

from __future__ import annotations

import html
from collections.abc import Sequence

from grader.errors.sections import Section

SURE, LIKELY = "#D55E00", "#0072B2"
_BOX = "border-left:4px solid {hue};padding:4px 12px;margin:6px 0;line-height:1.5;max-width:80ch"


def box(title: str, blocks: Sequence[str], notes: Sequence[str] = (), hue: str = LIKELY) -> str:
    """A box with a first line, blocks of HTML, and notes below."""
    head = f"<p><strong>{html.escape(title)}</strong></p>" if title else ""
    below = "".join(f"<p><em>Note.</em> {html.escape(note)}</p>" for note in notes)
    return f'<div role="note" style="{_BOX.format(hue=hue)}">{head}{"".join(blocks)}{below}</div>'


def paragraph(word: str, text: str) -> str:
    """A paragraph that begins with a word in bold."""
    head = f"<strong>{html.escape(word)}.</strong> " if word else ""
    return f"<p>{head}{html.escape(text)}</p>"


def code(text: str) -> str:
    """Code in a line."""
    return f"<code>{html.escape(text)}</code>" if text else ""


def link(section: Section) -> str:
    """A link to a section, where a workspace lies around the current folder; else its name."""
    name = html.escape(str(section)[0].upper() + str(section)[1:])
    target = section.link
    return f'<p><a href="{html.escape(target)}">{name}</a></p>' if target else f"<p>{name}</p>"
