"""Pictures of a page: the recorded steps that its script plays, and the form without a script.

What every picture of a page says once, its style, stands in the book's style sheet. The steps of a
picture lie in a file of their own, which the page asks for when its reader comes to it. They are a
script, not JSON: a page that is read from a folder may load no other kind of file.
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from typing import Any

_STYLE = re.compile(r"<style>[^<]*\.(?:ag|cq)-?[^<]*</style>\s*")
_BETWEEN_TAGS = re.compile(r"(?<=>)(?=<)")


@dataclass(frozen=True)
class Stepped:
    """One picture that can be stepped: its HTML, and the script that holds its steps."""

    page: str
    script: str


def stepped(steps: dict[str, Any], name: str) -> Stepped:
    """A picture from what `course.widgets.frame.recorded` recorded of it, under a name of its own.

    Without a script the page shows the one picture that a notebook without a kernel shows.
    """
    choice, step = steps["first"]
    first, _ = steps["frames"][choice][step]
    about = {
        "name": name,
        "label": steps["label"],
        "choices": steps["choices"],
        "counts": [len(frames) for frames in steps["frames"]],
        "first": [choice, step],
        "sentence": steps["frames"][choice][step][1],
    }
    svg, sentence = steps["still"]
    still = (
        f'<div class="ag-stage"><p class="ag-sentence">{html.escape(sentence)}</p>'
        f'<div class="ag-frame">{svg}</div></div>'
    )
    page = (
        f'<div class="ag-player" data-steps="{html.escape(json.dumps(about))}">'
        f"<template>{first}</template></div><noscript>{still}</noscript>"
    )
    return Stepped(page, _script(steps["frames"], name))


def _script(frames: list[list[list[str]]], name: str) -> str:
    """The steps as a script. Frames share most of their elements: each stands there once."""
    parts: dict[str, int] = {}
    packed = [
        [
            [[parts.setdefault(part, len(parts)) for part in _BETWEEN_TAGS.split(svg)], sentence]
            for svg, sentence in choice
        ]
        for choice in frames
    ]
    content = json.dumps({"parts": list(parts), "frames": packed}, separators=(",", ":"))
    return f"(window.autogradSteps ??= {{}})[{json.dumps(name)}] = {content};\n"


def themed(page: str) -> str:
    """An output's HTML without the styles that the book has once, and in the page's colours."""
    return _STYLE.sub("", page).replace('class="ag-static"', 'class="ag-live"')
