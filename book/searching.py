"""Lets the book's search find an error by its text, pasted whole or in part.

Sphinx's search finds a heading by its words, and an index entry by its words; of other text it wants
every word on one page, and gives the page. So every text of an error becomes an index entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

PAGE = "errors"
_OF_TORCH = re.compile(r"\w+(?:Error|Warning|Exit): ")


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx, whose extension this is."""
    app.connect("doctree-read", _mark)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _mark(app: Sphinx, doctree: nodes.document) -> None:
    if app.env.docname != PAGE:
        return
    for section in list(doctree.findall(nodes.section)):
        entries = [("single", text, section["ids"][0], "main", None) for text in _texts(section)]
        if entries:
            section.insert(0, addnodes.index(entries=entries))


def _texts(section: nodes.section) -> Iterator[str]:
    """What torch says at the error of a section: each text, and the beginning of the first."""
    found = [
        paragraph.astext()
        for paragraph in section.children
        if isinstance(paragraph, nodes.paragraph) and isinstance(paragraph[0], nodes.literal)
    ]
    texts = [text for text in found if _OF_TORCH.match(text)]
    yield from texts
    if texts:
        type_name = texts[0].partition(": ")[0]
        title = next(iter(section.findall(nodes.title))).astext()
        yield f"{type_name}: {title}"
