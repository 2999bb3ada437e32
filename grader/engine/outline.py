"""What the course consists of, read from the text of its tasks: torch takes a second to import."""

from __future__ import annotations

import ast
import functools
import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One exercise: its id, its chapter, and what it says of itself."""

    id: str
    chapter: str
    title: str
    points: int
    minutes: int


def outline() -> tuple[Entry, ...]:
    """Every exercise, chapter by chapter, in the order of its chapter's list."""
    import grader.tasks  # its tasks import the engine

    found = []
    for module in pkgutil.iter_modules(grader.tasks.__path__, "grader.tasks."):
        package = importlib.import_module(module.name)
        said = dict(_said(Path(next(iter(package.__path__)))))
        for name in package.EXERCISES:
            if name in said:  # else its task is not written yet, as `prove` says
                values = said[name]
                said_of = (values[field] for field in ("title", "points", "minutes"))
                found.append(Entry(name, package.CHAPTER, *said_of))
    return tuple(sorted(found, key=lambda entry: entry.chapter))


def _said(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """For every task below a folder, by its id, what its class sets to plain values."""
    for path in sorted(folder.rglob("*.py")):
        status = path.stat()
        yield from _read(path, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=512)
def _read(path: Path, _changed: int, _size: int) -> tuple[tuple[str, dict[str, Any]], ...]:
    """The same of one module, read once as long as it does not change: parsing takes longest."""
    classes = (one for one in ast.parse(path.read_bytes()).body if isinstance(one, ast.ClassDef))
    values = [
        {name: value for line in one.body for name, value in _set_by(line)} for one in classes
    ]
    return tuple((one["id"], one) for one in values if "id" in one)


def _set_by(line: ast.stmt) -> Iterator[tuple[str, Any]]:
    if not isinstance(line, ast.Assign):
        return
    for target in line.targets:
        pairs = [(target, line.value)]
        if isinstance(target, ast.Tuple) and isinstance(line.value, ast.Tuple):
            pairs = list(zip(target.elts, line.value.elts, strict=True))
        for name, value in pairs:
            if isinstance(name, ast.Name) and isinstance(value, ast.Constant):
                yield name.id, value.value
