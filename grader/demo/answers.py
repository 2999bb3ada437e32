"""What learners write into the cell of one exercise: right, wrong, unfinished, broken."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from grader.demo.typed import typed
from grader.diagnosis.verdict import Verdict
from grader.engine.task import Task
from grader.notebook.checking import verdict_on
from grader.trusted.key import Mistake


@dataclass(frozen=True)
class ReleasedExercise:
    """One exercise of a release: its task, its cell as released and as solved.

    `imported` are the import lines that stand in the notebook already.
    """

    task: Task
    released: str
    solved: str
    imported: tuple[str, ...] = ()


def mistaken(exercise: ReleasedExercise, mistake: Mistake) -> str:
    """An answer that makes a named mistake. Raises CannotBeTyped."""
    source = typed(exercise.task, mistake, imported=exercise.imported)
    for name in exercise.task.functions:
        source = _with_docstring(source, name, _docstring(exercise.released, name))
    return source


def misspelled(exercise: ReleasedExercise) -> str:
    """The solution with a typo: the last letter of the last variable it reads stands twice."""
    function = _last_function(exercise)
    names = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    ]
    last = max(names, key=lambda name: (name.lineno, name.col_offset))
    lines = exercise.solved.splitlines()
    at = last.end_col_offset
    assert at is not None
    line = lines[last.lineno - 1].encode()  # offsets of ast are counted in bytes
    lines[last.lineno - 1] = (line[:at] + line[at - 1 : at] + line[at:]).decode()
    return "\n".join(lines)


def unreturned(exercise: ReleasedExercise) -> str | None:
    """The solution that forgets to return its result, or None where it ends in no return."""
    last = _last_function(exercise).body[-1]
    if not isinstance(last, ast.Return) or last.value is None:
        return None
    lines = exercise.solved.splitlines()
    lines[last.lineno - 1] = lines[last.lineno - 1].replace("return ", "answer = ", 1)
    return "\n".join(lines)


def unparsable(exercise: ReleasedExercise) -> str:
    """The solution with a parenthesis that is never closed, so that the cell defines nothing."""
    head, closing, rest = exercise.solved.partition("):")
    return head + closing.removeprefix(")") + rest


def _last_function(exercise: ReleasedExercise) -> ast.FunctionDef:
    """The answer's function, or the last method of its class."""
    (answer,) = (
        node
        for node in ast.parse(exercise.solved).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and node.name == exercise.task.functions[-1]
    )
    if isinstance(answer, ast.FunctionDef):
        return answer
    return [node for node in answer.body if isinstance(node, ast.FunctionDef)][-1]


def _definitions(source: str) -> Iterator[tuple[str, int, ast.FunctionDef | ast.ClassDef]]:
    """Name, first line counted from 0, and node of what a cell defines."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name, _first_line(node), node


def _first_line(node: ast.stmt) -> int:
    """Where a statement begins, decorators and all, counted from 0."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)]) - 1


def _docstring(source: str, name: str) -> list[str]:
    """The lines of a function's docstring as they stand in the release."""
    for found, _, node in _definitions(source):
        if found == name and ast.get_docstring(node) is not None:
            first = node.body[0]
            return source.splitlines()[first.lineno - 1 : first.end_lineno]
    return []


def _with_docstring(source: str, name: str, docstring: list[str]) -> str:
    lines = source.splitlines()
    for found, _, node in _definitions(source):
        if found == name:
            at = _first_line(node.body[0])
            lines[at:at] = docstring
    return "\n".join(lines)


def checked(exercise: ReleasedExercise, source: str) -> Verdict:
    """What `check` says of a cell's source, which must be the course's own: it is run here."""
    namespace: dict[str, Any] = {}
    exec(compile("\n".join((*exercise.imported, source)), exercise.task.id, "exec"), namespace)
    return verdict_on(exercise.task, [namespace[name] for name in exercise.task.functions])
