"""Reads any bytes as the cells of a notebook: what cannot be read is counted, nothing is raised."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from grader.judge.intake.printable import quote
from grader.judge.intake.repairs import Repair, repair

MOST_BYTES = 32 * 1024 * 1024
"""The largest notebook that is read."""

_MOST_VALUES = 2_000_000  # of a JSON text: each costs up to a hundred bytes once it is read
# The last quote may be missing: a pattern that could fail would be tried again from every quote.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_TYPES = {"code": "code", "markdown": "markdown", "raw": "raw", "heading": "markdown"}


@dataclass(frozen=True)
class SubmittedCell:
    """One cell of a submission, as far as it can be read. `source` is None if it cannot."""

    type: str
    source: str | None
    id: str | None = None
    grade_id: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    attachments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """The cells found, the language the notebook claims, and what an instructor should know."""

    cells: tuple[SubmittedCell, ...] = ()
    language: str | None = None
    repairs: tuple[Repair, ...] = ()
    readable: bool = True


def read(raw: bytes) -> Reading:
    """The cells of a notebook file of any version, from any bytes."""
    if len(raw) > MOST_BYTES:
        return Reading(
            repairs=(repair("notebook_too_large", limit=f"{MOST_BYTES // 2**20} MiB"),),
            readable=False,
        )
    if not raw.strip(b"\0 \r\n\t"):
        reason = "it holds no text" if raw else "the file is empty"
        return Reading(repairs=(repair("not_a_notebook", reason=reason),), readable=False)
    text, whole = _decoded(raw)
    repairs = [] if whole else [repair("broken_text")]
    try:
        notebook = _parsed(raw, text)
    except (ValueError, RecursionError, MemoryError) as error:
        return Reading(repairs=(repair("not_a_notebook", reason=_reason(error)),), readable=False)
    if not isinstance(notebook, dict):
        return Reading(
            repairs=(repair("not_a_notebook", reason="it is not a JSON object"),), readable=False
        )
    version = notebook.get("nbformat")
    if isinstance(version, int | float) and version < 4:
        repairs.append(repair("old_format", found=f"{version:g}"))
    cells = list(map(_cell, _listed(notebook)))
    found = tuple(cell for cell in cells if cell is not None)
    if len(found) < len(cells):
        repairs.append(repair("unreadable_cells", count=len(cells) - len(found)))
    return Reading(found, _language(notebook), tuple(repairs))


def _decoded(raw: bytes) -> tuple[str, bool]:
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return raw.decode(encoding), True
    except UnicodeDecodeError:
        return raw.decode(encoding, errors="replace"), False


def _parsed(raw: bytes, text: str) -> Any:
    if _values(raw) > _MOST_VALUES:
        raise ValueError("it holds more values than any notebook does")
    # A number of 5,000 digits is an error to int and not to float; NaN is no JSON, but it is met.
    return json.loads(text, parse_int=float, parse_constant=lambda name: None)


def _values(raw: bytes) -> int:
    """How many values a JSON text holds at most; what stands inside strings does not count."""
    marks = (b",", b"[", b"{")
    count = sum(map(raw.count, marks))
    if count <= _MOST_VALUES:
        return count
    count = end = 0
    for string in _STRING.finditer(raw):
        count += 1 + sum(raw.count(mark, end, string.start()) for mark in marks)
        end = string.end()
        if count > _MOST_VALUES:
            return count
    return count + sum(raw.count(mark, end) for mark in marks)


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"its JSON is broken in line {error.lineno}"
    return str(error) if isinstance(error, ValueError) else "it is nested too deeply"


def _listed(notebook: Mapping[str, Any]) -> Iterator[Any]:
    """The cells of a notebook of version 4 or of the versions before, which had worksheets."""
    cells = notebook.get("cells")
    if isinstance(cells, list):
        yield from cells
    sheets = notebook.get("worksheets")
    for sheet in sheets if isinstance(sheets, list) else []:
        if isinstance(sheet, dict) and isinstance(sheet.get("cells"), list):
            yield from sheet["cells"]


def _cell(cell: Any) -> SubmittedCell | None:
    if not isinstance(cell, dict):
        return None
    kind = cell.get("cell_type")
    if not isinstance(kind, str) or kind not in _TYPES:
        return None
    source = _text(cell.get("source", cell.get("input")))
    if kind == "heading" and source is not None:
        source = f"# {source}"
    metadata = _dict(cell.get("metadata"))
    settings = _dict(metadata.get("nbgrader"))
    return SubmittedCell(
        _TYPES[kind],
        source,
        _name(cell.get("id")),
        _name(settings.get("grade_id")),
        settings,
        {_whole(name): kinds for name, kinds in _dict(cell.get("attachments")).items()},
    )


def _text(source: Any) -> str | None:
    if isinstance(source, list) and all(isinstance(part, str) for part in source):
        source = "".join(source)
    return _whole(source) if isinstance(source, str) else None


def _whole(text: str) -> str:
    """The text without lone surrogates, which can be written in JSON and in no file."""
    return _SURROGATE.sub("\ufffd", text)


def _name(value: Any) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= 200 else None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _language(notebook: Mapping[str, Any]) -> str | None:
    metadata = _dict(notebook.get("metadata"))
    named = _dict(metadata.get("kernelspec")).get("language")
    language = named or _dict(metadata.get("language_info")).get("name")
    return quote(language) if isinstance(language, str) else None
