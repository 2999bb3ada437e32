"""Finds right answers to an exercise in the texts of the course, where they are installed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from grader.notebook.texts.cells import source_of, without_marks
from grader.notebook.texts.home import HOME, PACKAGE


def has_solutions(chapter: str, root: Path = HOME) -> bool:
    """Whether the chapter's model answers are installed here; on a class's side they are not."""
    return _text(chapter, root).is_file()


def solution_source(chapter: str, exercise: str, root: Path = HOME) -> str | None:
    """The code of the cell that answers the exercise, or None where there are no solutions."""
    text = _text(chapter, root)
    if not text.is_file():
        return None
    from grader.notebook.texts.notebooks import read

    source = source_of(read(text), f"{exercise}_answer")
    return None if source is None else without_marks(source)


def other_answers(exercise: str, package: Path = PACKAGE) -> list[str]:
    """Other right answers to the exercise, as code that stands by itself; none on a class's side.

    Each is a function or class that a proof of the exercise runs, named after how it goes about it.
    """
    return [
        answer
        for path in sorted(package.glob("keys/*/right_answers.py"))
        for answer in _answers(path.read_text(encoding="utf-8"), exercise)
    ]


_DEFINITIONS = (ast.FunctionDef, ast.ClassDef)


def _answers(text: str, exercise: str) -> Iterator[str]:
    """The answers that a text lists under an exercise, as far as no other part of it is needed."""
    tree = ast.parse(text)
    defined = {one.name: one for one in tree.body if isinstance(one, _DEFINITIONS)}
    own = {name for line in tree.body if isinstance(line, ast.Assign) for name in _names(line)}
    for names in _listed(tree, exercise):
        parts = [defined[name] for name in names if name in defined]
        used = {name for part in parts for name in _names(part)}
        if len(parts) == len(names) and not used & ((own | {*defined, "print"}) - {*names}):
            imports = "\n".join(_imports(tree, used))
            written = [*([imports] if imports else []), *(_lines(text, part) for part in parts)]
            yield "\n\n\n".join(written)


def _lines(text: str, part: ast.FunctionDef | ast.ClassDef) -> str:
    """A definition as it is written, with its decorators."""
    first = min([part.lineno, *(one.lineno for one in part.decorator_list)])
    return "\n".join(text.splitlines()[first - 1 : part.end_lineno])


def _imports(tree: ast.Module, used: set[str]) -> Iterator[str]:
    """The imports that names come from, but for torch, which every exercise notebook imports."""
    for line in tree.body:
        if isinstance(line, ast.Import | ast.ImportFrom):
            wanted = [one for one in line.names if (one.asname or one.name.split(".")[0]) in used]
            source = ast.unparse(type(line)(**{**vars(line), "names": wanted})) if wanted else ""
            if source not in ("", "import torch"):
                yield source


def _listed(tree: ast.Module, exercise: str) -> Iterator[list[str]]:
    """The names of the functions of each answer in the dict ANSWERS."""
    tables = [line.value for line in tree.body if isinstance(line, ast.Assign)]
    for table in (table for table in tables if isinstance(table, ast.Dict)):
        for key, value in zip(table.keys, table.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == exercise:
                for answer in value.elts if isinstance(value, ast.List) else ():
                    yield [part.id for part in ast.walk(answer) if isinstance(part, ast.Name)]


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _text(chapter: str, root: Path) -> Path:
    return root / "solutions" / chapter / f"{chapter}.md"
