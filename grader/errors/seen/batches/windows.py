"""Samples of a batch that differ in length: slices that run past the end of what they cut."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from torch.utils.data import Dataset, Subset

from grader.errors.explanation import Explained
from grader.errors.index import INDEX
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frames, file_name, own_function
from grader.errors.seen.reading.sized import computed

_ENTRY = re.compile(r"at entry (\d+)")
_MOST = 100_000
"""Of how many samples the last whole one is searched for."""


class _Slice(NamedTuple):
    """A slice that `__getitem__` returns a part of: its text, what it cuts, its end, its line."""

    text: str
    holder: str
    length: int
    end: ast.expr
    line: int


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """A Dataset whose last samples are short, since `__len__` counts windows that do not fit."""
    fetched = frames.given("fetch")
    numbers = fetched.get("possibly_batched_index")
    dataset = getattr(fetched.get("self"), "dataset", None)
    if not isinstance(dataset, Dataset) or not isinstance(numbers, list | tuple):
        return None
    if isinstance(dataset, Subset):
        numbers, dataset = [dataset.indices[number] for number in numbers], dataset.dataset
    method = getattr(type(dataset), "__getitem__", None)
    if (code := own_function(method)) is None or not hasattr(type(dataset), "__len__"):
        return None
    tree, file, first = code
    function = tree.body[0] if isinstance(tree, ast.Module) else tree
    if not isinstance(function, ast.FunctionDef) or len(function.args.args) != 2:
        return None
    count, known = len(dataset), _Known(function, vars(dataset))  # type: ignore[arg-type]
    for one in _slices(function, known):
        beyond = {number: known.beyond(one, number) for number in numbers}
        entries = [int(entry) for entry in _ENTRY.findall(message)]
        short = any(beyond[numbers[entry]] for entry in entries if entry < len(numbers))
        if None in beyond.values() or not short:
            continue
        whole = next((n for n in range(count, max(0, count - _MOST), -1) if known.fits(one, n)), 0)
        if not whole or whole == count:
            continue
        kind = type(dataset).__name__
        return replace(
            told,
            meaning=f"The last samples of {kind} are short: {one.text} runs past the end of "
            f"{one.holder}, which has {one.length} entries. __len__ says {count} samples, and "
            f"{whole} are whole.",
            cure=f"Let __len__ count the whole ones alone: return {_counted(function, one, whole)}."
            " Padding would train on entries that are no data.",
            place=f"{file_name(file)}, line {first + one.line - 1}",
            section=INDEX["sample_index"].section,
        )
    return None


class _Known:
    """What the numbers of a `__getitem__` are, for a sample of a given number."""

    def __init__(self, function: ast.FunctionDef, attributes: Mapping[str, Any]) -> None:
        self._function, self._attributes = function, attributes
        self.me, self.index = (one.arg for one in function.args.args)

    def attribute(self, node: ast.AST) -> Any:
        """The value of `self.name`, or None."""
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == self.me:
            return self._attributes.get(node.attr)
        return None

    def number(self, node: ast.AST, sample: int, depth: int = 0) -> int | None:
        """A whole number that is computed of the sample's, constants and attributes of self."""
        if isinstance(node, ast.Constant):
            return node.value if type(node.value) is int else None
        if isinstance(node, ast.Name):
            made = source.assigned(self._function, node.id)
            if node.id == self.index and not made:
                return sample
            if len(made) == 1 and isinstance(made[0], ast.Assign) and depth < 8:
                single = isinstance(made[0].targets[0], ast.Name)
                return self.number(made[0].value, sample, depth + 1) if single else None
            return None
        if isinstance(node, ast.BinOp):
            sides = [self.number(one, sample, depth) for one in (node.left, node.right)]
            return computed(node.op, sides[0], sides[1])
        value = self.attribute(node)
        return value if type(value) is int else None

    def beyond(self, one: _Slice, sample: int) -> bool | None:
        """Whether a sample's slice ends behind the end; None where that is not known."""
        end = self.number(one.end, sample) if type(sample) is int else None
        return None if end is None or end < 0 else end > one.length

    def fits(self, one: _Slice, count: int) -> bool:
        """Whether the last of so many samples is whole."""
        return self.beyond(one, count - 1) is False


def _slices(function: ast.FunctionDef, known: _Known) -> Iterator[_Slice]:
    """The slices of attributes of self in a `__getitem__`."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Subscript):
            continue
        cut = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) else node.slice
        if not isinstance(cut, ast.Slice) or cut.upper is None:
            continue
        holder = known.attribute(node.value)
        if holder is not None and hasattr(holder, "__len__"):
            text = ast.unparse(node.value)
            yield _Slice(ast.unparse(node), text, len(holder), cut.upper, node.lineno)


def _counted(function: ast.FunctionDef, one: _Slice, whole: int) -> str:
    """`len(self.x) - (self.size + self.horizon) + 1` where the end is the number and a rest."""
    index = function.args.args[1].arg
    parts, rest = [one.end], []
    while parts:
        part = parts.pop()
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Add):
            parts += [part.right, part.left]
        else:
            rest.append(source.in_brackets(part))
    mentioned = [node.id for node in ast.walk(one.end) if isinstance(node, ast.Name)]
    if rest.count(index) != 1 or mentioned.count(index) != 1:
        return str(whole)
    rest.remove(index)
    added = " + ".join(rest)
    added = f"({added})" if len(rest) > 1 else added
    return f"len({one.holder}) - {added} + 1" if added else str(whole)
