"""The same program with other numbers, for a question that is asked another time."""

from __future__ import annotations

import ast
import inspect
import random
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

from course.quiz.outcome import Outcome
from course.quiz.outcome import run as run_once

_TRIES = 20
_LARGEST = 1000


def source_of(program: Callable[[], Any]) -> str:
    """The text of a function, without the indentation that it stands under."""
    return textwrap.dedent(inspect.getsource(program))


def redrawn(program: Callable[[], Any], was: Outcome, number: int) -> tuple[str, Outcome] | None:
    """The program's text with other numbers in its tensors, and what it gives; drawn by `number`.

    None where that cannot be: where it gives anything but whole numbers, which can be worked out
    by hand, or the same as before, or is no function of its own text alone.
    """
    if not _is_whole(was) or program.__code__.co_freevars or program.__name__ == "<lambda>":
        return None
    source = source_of(program)
    places = list(_numbers(ast.parse(source)))
    draw = random.Random(number)
    for _ in range(_TRIES if places else 0):
        text = _with_others(source, places, draw)
        outcome = run_once(_made(text, program))
        if _is_whole(outcome) and outcome.text != was.text:
            return text, outcome
    return None


def _numbers(tree: ast.AST) -> Iterator[ast.Constant]:
    """The whole numbers, written as floats, that tensors are made of, one by one or from a list."""
    for node in ast.walk(tree):
        if _makes_tensor(node):
            yield from _whole_floats(node)
        elif isinstance(node, ast.GeneratorExp | ast.ListComp) and _makes_tensor(node.elt):
            yield from _whole_floats(node.generators[0].iter)


def _makes_tensor(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.tensor"


def _whole_floats(tree: ast.AST) -> Iterator[ast.Constant]:
    for part in ast.walk(tree):
        if isinstance(part, ast.Constant) and isinstance(part.value, float):
            yield from [part] * (part.value != 0 and part.value.is_integer())


def _with_others(source: str, places: list[ast.Constant], draw: random.Random) -> str:
    lines = source.splitlines()
    for place in sorted(places, key=lambda one: (one.lineno, one.col_offset), reverse=True):
        others = [value for value in range(2, 8) if value != place.value]
        row, start, end = place.lineno - 1, place.col_offset, place.end_col_offset
        line = lines[row].encode()  # columns are counted in bytes
        fresh = f"{draw.choice(others)}.0".encode()
        lines[row] = (line[:start] + fresh + line[end:]).decode()
    return "\n".join(lines)


def _made(source: str, program: Callable[[], Any]) -> Callable[[], Any]:
    """A function of this text, which sees what the one before it saw."""
    namespace = dict(program.__globals__)
    exec(compile(source, "<a program with other numbers>", "exec"), namespace)
    made: Callable[[], Any] = namespace[program.__name__]
    return made


def _is_whole(outcome: Outcome) -> bool:
    """Whether it gave whole numbers and nothing else, no word, no warning."""
    if outcome.error is not None or outcome.warned or outcome.printed:
        return False
    values = list(_flat(outcome.value))
    return bool(values) and all(
        isinstance(value, float | int)
        and not isinstance(value, bool)
        and abs(value) <= _LARGEST
        and value == int(value)
        for value in values
    )


def _flat(value: Any) -> Iterator[Any]:
    plain = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(plain, list | tuple):
        for item in plain:
            yield from _flat(item)
    else:
        yield plain
