"""One change to the text of a right answer, and what it is called."""

from __future__ import annotations

import ast
import copy
import difflib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ARROW = " → "
_SHARED = ast.expr_context | ast.operator | ast.unaryop | ast.cmpop | ast.boolop


@dataclass(frozen=True)
class Change:
    """A part of a syntax tree (a node, or a list of statements), and what stands there instead.

    `called` is what it is called, if not by the lines that differ.
    """

    operator: str
    part: ast.AST | list[ast.stmt]
    instead: ast.AST | list[ast.stmt]
    called: str = ""


@dataclass(frozen=True)
class Mutant:
    """A right answer with one change.

    `id` is the operator with the lines that went and those that came, so that an edit elsewhere in
    the answer leaves it as it is: `"drop method: y = x.detach() → y = x"`.
    """

    id: str
    operator: str
    source: str


def mutated(tree: ast.Module, changes: Iterator[Change]) -> Iterator[Mutant]:
    """The mutants of a text, each once, in the order of its changes."""
    before = ast.unparse(tree)
    known, counts = {before}, dict[str, int]()
    for change in changes:
        # A copy that meets the part finds that it was copied already: as what stands there instead.
        changed = copied(tree, {id(change.part): change.instead})
        try:
            after = ast.unparse(ast.fix_missing_locations(changed))
            with warnings.catch_warnings(action="ignore", category=SyntaxWarning):
                compile(after, "<mutant>", "exec")  # calling a number is a mutant like another
        except (SyntaxError, ValueError):  # `return` in place of a value, `break` out of place
            continue
        if after in known:
            continue
        known.add(after)
        name = f"{change.operator}: {change.called or _difference(before, after)}"
        counts[name] = counts.get(name, 0) + 1
        again = f" ({counts[name]})" if counts[name] > 1 else ""
        yield Mutant(name + again, change.operator, after)


def copied(tree: ast.AST, instead: Mapping[int, object] | None = None) -> Any:
    """A copy of a tree, with others in place of the parts of some ids.

    What Python shares among all trees, such as the one `ast.Load`, stays shared: a library that
    hangs each node on its parent, as IPython's for tracebacks, has hung a tree of its own there.
    """
    shared = {id(node): node for node in ast.walk(tree) if isinstance(node, _SHARED)}
    return copy.deepcopy(tree, {**shared, **(instead or {})})


def _difference(before: str, after: str) -> str:
    """The lines that differ, without their indentation."""
    one, other = (_lines(text) for text in (before, after))
    gone: list[str] = []
    came: list[str] = []
    for what, i, j, k, m in difflib.SequenceMatcher(a=one, b=other, autojunk=False).get_opcodes():
        if what != "equal":
            gone += one[i:j]
            came += other[k:m]
    return f"{_spoken(gone)}{ARROW}{_spoken(came)}"


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def _spoken(lines: Sequence[str]) -> str:
    return " ; ".join(lines) or "nothing"
