"""Keeps of what a learner's cells displayed what a page may show; the judge's words stay whole."""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbformat import from_dict

from grader.judge.intake.cells import is_test, number_of
from grader.judge.intake.drawings import drawing
from grader.judge.intake.form import Notebook
from grader.judge.intake.pictures import KINDS, SVG, bitmap_in, picture
from grader.judge.pages.safe_html import graders_html, learners_html, picture_tag

MOST_KEPT = 1024 * 1024
MOST_KEPT_OF_CELL = 512 * 1024
"""How many characters of output are kept of a notebook and of one cell, pictures included."""

_MOST_DRAWN = 8 * MOST_KEPT  # with the judge's own words, which have no limit here
_MOST_OF_A_KIND = {"display_data": 200, "error": 20}
_LONGEST_TEXT = 100_000
_LONGEST_NUMBER = 40
_LONGEST_NAME = 200
_MOST_LINES = 100
_MORE = "\n… The rest is not kept.\n"
_DRAWN_BY_NBCONVERT = {"image/png", "image/jpeg"}
_SHOWN_AS_PICTURE = "A picture that this cell displayed"

Output = dict[str, Any]
SafeHtml = Callable[[str], str]
Drawn = tuple[str, str] | None
"""A mime type and what is shown of it, or nothing."""


def clean(notebook: Notebook, trusted: Collection[int] = ()) -> Notebook:
    """A copy of a graded notebook whose outputs can be shown to anybody.

    Text, sanitised HTML, Markdown and pictures are kept, up to the limits above; scripts, widgets
    and all else go. The outputs of the cells in `trusted`, by index, are the judge's own and stay
    as they are. nbgrader reads the same score from a cell before and after.
    """
    room = _Room(MOST_KEPT)
    cells = [
        _clean_cell(cell, room) if index not in trusted else dict(cell)
        for index, cell in enumerate(notebook.cells)
    ]
    return from_dict(dict(notebook) | {"cells": cells})


def showable(notebook: Notebook) -> Notebook:
    """The same for a notebook from a folder, of which nobody can say who wrote what.

    It is for the moment before it is drawn: what stands under a test keeps the marks of a verdict,
    and if the notebook was cleaned before nothing in it changes.
    """
    room = _Room(_MOST_DRAWN)
    cells = [
        _clean_cell(cell, room, graders_html if is_test(cell) else learners_html)
        for cell in notebook.cells
    ]
    return from_dict(dict(notebook) | {"cells": cells})


def _clean_cell(cell: Any, room: _Room, safe_html: SafeHtml = learners_html) -> dict[str, Any]:
    kept = dict(cell)
    if cell.cell_type == "code":
        count = cell.get("execution_count")
        kept["execution_count"] = count if type(count) is int and count >= 0 else None
        kept["outputs"] = _clean_outputs(cell.get("outputs", []), room, safe_html)
    return kept


@dataclass
class _Room:
    """How many characters may still be kept, and what makes HTML inert."""

    left: int
    safe_html: SafeHtml = learners_html
    noted: bool = False

    def take(self, size: int) -> bool:
        """Whether there is room for so many, which is then gone."""
        if size > self.left:
            return False
        self.left -= size
        return True

    def html(self, text: str) -> Drawn:
        """Inert HTML, if there is anything to see in it."""
        cleaned = self.safe_html(text)
        shows = re.sub(r"<(?!img[^>]* src=)[^>]*>|&nbsp;|\s", "", cleaned)
        return ("text/html", cleaned) if shows else None

    def shortened(self, text: str, longest: int = _LONGEST_TEXT) -> str:
        """The text as far as there is room, and never longer than anybody reads."""
        kept = text[: min(longest, self.left)]
        self.left -= len(kept)
        if kept == text or (self.noted and not kept):
            return kept
        self.noted = True
        return kept + _MORE


def _clean_outputs(outputs: object, whole: _Room, safe_html: SafeHtml) -> list[Output]:
    """What is kept of the outputs of one cell, as long as there is room in the notebook."""
    share = min(whole.left, MOST_KEPT_OF_CELL)
    room = _Room(share, safe_html)
    kept: list[Output] = []
    seen, dropped = Counter[str](), 0
    for output in outputs if isinstance(outputs, Sequence) else ():
        kind = str(output.get("output_type")) if isinstance(output, Mapping) else ""
        seen[kind] += 1
        # Only displays and later errors may be left out: by all else nbgrader scores.
        is_one_too_many = kind in _MOST_OF_A_KIND and seen[kind] > _MOST_OF_A_KIND[kind]
        cleaned = (
            _CLEANERS[kind](output, room) if kind in _CLEANERS and not is_one_too_many else None
        )
        if cleaned is None:
            dropped += 1
        elif not _joined(kept, cleaned):
            kept.append(cleaned)
    if dropped:
        kept.append(_stream("stdout", f"Outputs of this cell that are not kept: {dropped}.\n"))
    whole.left -= share - room.left
    return kept


def _joined(kept: list[Output], output: Output) -> bool:
    """Join what a cell wrote piece by piece to one stream."""
    last = kept[-1] if kept else {}
    same = all(last.get(key) == output.get(key) for key in ("output_type", "name"))
    if output["output_type"] != "stream" or not same:
        return False
    last["text"] += output["text"]
    return True


def _stream(name: object, text: str) -> Output:
    named = "stderr" if name == "stderr" else "stdout"
    return {"output_type": "stream", "name": named, "text": text}


def _clean_stream(output: Mapping[str, Any], room: _Room) -> Output:
    # Even an empty stream stays: nbgrader takes stderr for a failure, whatever it says.
    return _stream(output.get("name"), room.shortened(_text(output.get("text"))))


def _clean_error(output: Mapping[str, Any], room: _Room) -> Output:
    lines = output.get("traceback")
    lines = [_text(line) for line in lines] if isinstance(lines, list) else []
    if len(lines) > _MOST_LINES:
        half = _MOST_LINES // 2
        lines = [*lines[:half], _MORE, *lines[-half:]]
    return {
        "output_type": "error",
        "ename": _text(output.get("ename"))[:_LONGEST_NAME],
        "evalue": room.shortened(_text(output.get("evalue")), 2000),
        "traceback": [room.shortened(line) for line in lines],
    }


def _clean_display(output: Mapping[str, Any], room: _Room) -> Output | None:
    data = _shown(output.get("data"), room)
    if not data:
        return None
    metadata = _sizes(output.get("metadata"), data)
    return {"output_type": "display_data", "data": data, "metadata": metadata}


def _clean_result(output: Mapping[str, Any], room: _Room) -> Output:
    # nbgrader reads a score in a result's text: a number stays one, and all else stays none.
    data = output.get("data")
    text = _text(data.get("text/plain")) if isinstance(data, Mapping) else ""
    number = _number(text)
    kept = _shown(data, room) if number is None else {"text/plain": number}
    if isinstance(data, Mapping) and "text/plain" in data:
        kept.setdefault("text/plain", _MORE if text else "")
    return {
        "output_type": "execute_result",
        "data": kept,
        "metadata": _sizes(output.get("metadata"), kept),
        "execution_count": None,
    }


_CLEANERS: dict[str, Callable[[Mapping[str, Any], _Room], Output | None]] = {
    "stream": _clean_stream,
    "error": _clean_error,
    "display_data": _clean_display,
    "execute_result": _clean_result,
}


def _number(text: str) -> str | None:
    """The text of a number, shorter if nobody would read it all; None of any other text."""
    value = number_of(text)
    if value is None:
        return None
    return text if len(text) <= _LONGEST_NUMBER else repr(value)


def _shown(data: object, room: _Room) -> dict[str, str]:
    """The plain text of a display, and the best that a page can show of its other forms."""
    if not isinstance(data, Mapping):
        return {}
    kept: dict[str, str] = {}
    for mime, drawn in (("text/html", room.html), *_FORMS):
        if mime in data:
            made = drawn(_text(data[mime]))
            if made is not None and room.take(len(made[1])):
                kept[made[0]] = made[1]
                break
    plain = _text(data.get("text/plain")) or (_json(data) if not kept else "")
    if plain:
        kept["text/plain"] = room.shortened(plain)
    return kept


def _svg(text: str) -> Drawn:
    """An SVG as an image, in which a browser runs no script and fetches nothing."""
    kept = drawing(text, bitmap_in)
    if kept is None:
        return None
    content = base64.b64encode(kept.encode()).decode()
    return "text/html", picture_tag(SVG, content, _SHOWN_AS_PICTURE)


def _picture(mime: str) -> Callable[[str], Drawn]:
    def drawn(text: str) -> Drawn:
        content = picture(mime, text)
        if content is None:
            return None
        if mime in _DRAWN_BY_NBCONVERT:
            return mime, content
        return "text/html", picture_tag(mime, content, _SHOWN_AS_PICTURE)

    return drawn


def _markdown(text: str) -> Drawn:
    return ("text/markdown", text) if text.strip() else None


def _latex(text: str) -> Drawn:
    """A formula as Markdown, in which it is drawn."""
    return "text/markdown", text if "$" in text or "\\begin" in text else f"$${text.strip()}$$"


# After HTML, the best first, as nbconvert chooses.
_FORMS: list[tuple[str, Callable[[str], Drawn]]] = [
    ("text/markdown", _markdown),
    (SVG, _svg),
    ("text/latex", _latex),
    *((mime, _picture(mime)) for mime in KINDS),
]


def _json(data: Mapping[str, Any]) -> str:
    """Data that has no text of its own, as text."""
    value = data.get("application/json")
    if value is None:
        return ""
    try:
        return json.dumps(value, indent=1, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return ""


def _sizes(metadata: object, data: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """How large pictures are shown, in pixels: plots for fine screens say so here."""
    kept: dict[str, dict[str, int]] = {}
    for mime in data:
        sizes = metadata.get(mime) if isinstance(metadata, Mapping) else None
        if mime in KINDS and isinstance(sizes, Mapping):
            named = {key: sizes.get(key) for key in ("width", "height")}
            kept[mime] = {k: v for k, v in named.items() if type(v) is int and 0 < v < 10_000}
    return kept


def _text(value: object) -> str:
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        value = "".join(value)
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""
