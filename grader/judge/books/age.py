"""Whether a gradebook is one of the nbgrader that runs here."""

from __future__ import annotations

from nbgrader.api import Base
from sqlalchemy import create_engine, inspect
from sqlalchemy.engine import URL, make_url

from grader.engine.refusal import Refusal
from grader.judge.books.databases import reaching


class OlderGradebook(Refusal):
    """An older nbgrader made the gradebook, and its tables lack what this one asks for."""


def require_current(address: str | URL) -> None:
    """See that the gradebook, where there is one, has every column that nbgrader will ask for.

    It is asked before nbgrader opens it: that would make the missing tables, and `nbgrader db
    upgrade` then fails on them. Raises OlderGradebook and Unreachable.
    """
    url = make_url(address)
    engine = create_engine(url)
    try:
        with reaching(url):
            missing = sorted(_missing(inspect(engine).get_multi_columns()))
    finally:
        engine.dispose()
    if missing:
        name, lacks = url.database or "in memory", " and no ".join(missing[:3])
        raise OlderGradebook(
            f"An older nbgrader made the gradebook {name}: it has no {lacks}.",
            "In the class's folder: nbgrader db upgrade. It keeps a copy of a gradebook.db beside "
            "it, and grades stay as they are.",
        )


def _missing(columns: object) -> set[str]:
    """What the tables of a gradebook lack; nothing where there are none yet."""
    assert isinstance(columns, dict)
    there = {table: {column["name"] for column in found} for (_, table), found in columns.items()}
    if "assignment" not in there:
        return set()
    lacking = set()
    for name, table in Base.metadata.tables.items():
        if name not in there:
            lacking.add(f"table {name}")
        else:
            lacking |= {
                f"column {name}.{column}" for column in {*table.columns.keys()} - there[name]
            }
    return lacking
