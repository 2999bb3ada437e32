"""The book's search knows a pasted error by its pattern, whatever names and shapes it holds.

Sphinx's own search finds headings, and pages that hold every word. An error that somebody pastes
whole holds words of their program, which no page has.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from book import links
from course.symptoms.page import errors
from grader.errors import EXPLANATIONS
from grader.notebook.texts.cells import slug

_HOOK = Path(__file__).parent / "static" / "search.js"
FILE = "search-errors.js"


def script() -> str:
    """What the search page runs: the patterns of all errors in the index, and who asks them."""
    patterns = {one.code: one for one in EXPLANATIONS}
    table = [
        {
            "types": patterns[entry.code].type_names,
            "pattern": patterns[entry.code].pattern,
            "named": bool(patterns[entry.code].where),
            "title": entry.name,
            "anchor": f"#{nodes.make_id(links.index(slug(entry.heading)))}",
        }
        for entry in errors()
    ]
    return f"const EXPLAINED = {json.dumps(table)};\n{_HOOK.read_text(encoding='utf-8')}"


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx, whose extension this is."""
    app.connect("html-page-context", _add)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _add(app: Sphinx, page: str, *_: Any) -> None:
    if page == "search":
        app.add_js_file(FILE)
