"""The program of a question: its text with the numbers written in, which is what runs."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from typing import Any


def written(program: Callable[[], Any]) -> tuple[str, Callable[[], Any]]:
    """The text of a function of no arguments, and the function that this very text makes.

    A number (or a tuple of numbers) that `program` takes from the function around it is written
    in as a literal, a `str` as the code that it holds. So what is shown is what runs. Raises
    ValueError for anything else that it takes from there: a reader could not run the text.
    """
    taken = inspect.getclosurevars(program).nonlocals
    for name, value in taken.items():
        if not isinstance(value, int | float | str | tuple):
            raise ValueError(f"the program shown needs {name}, which is no number: {value!r}")
    source = textwrap.dedent(inspect.getsource(program))
    source = _with_literals(source, {name: _literal(value) for name, value in taken.items()})
    namespace = dict(program.__globals__)
    exec(compile(source, "<the program of a question>", "exec"), namespace)
    made: Callable[[], Any] = namespace[program.__name__]
    return source, made


def body(source: str) -> str:
    """The lines inside a function's text, its final `return x` shown as `x`."""
    definition = ast.parse(source).body[0]
    assert isinstance(definition, ast.FunctionDef)
    lines = source.splitlines()
    last = definition.body[-1]
    if isinstance(last, ast.Return) and last.value is not None:
        row = last.lineno - 1
        lines[row] = lines[row].replace("return ", "", 1)
    return textwrap.dedent("\n".join(lines[definition.body[0].lineno - 1 : last.end_lineno]))


def _literal(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


def _with_literals(source: str, literals: Mapping[str, str]) -> str:
    """The source with each of these names replaced by what it stands for."""
    lines = [line.encode() for line in source.splitlines()]  # columns are counted in bytes
    places = [
        (node.lineno - 1, node.col_offset, node.end_col_offset, node.id)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Name) and node.id in literals
    ]
    for row, start, end, name in sorted(places, reverse=True):
        line = lines[row]
        if line[start:end] != name.encode():  # Python 3.11 gives no places inside of an f-string
            raise ValueError(f"{name} stands where it cannot be written in: {line.decode()!r}")
        lines[row] = line[:start] + literals[name].encode() + line[end:]
    return b"\n".join(lines).decode()
