"""What a model kept of an earlier call and returned, without a look at what it was given."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from torch import Tensor, nn

from course.companion.finding import Finding, found
from course.companion.places import Place
from course.companion.record.calls import Record
from course.companion.surroundings import Surroundings
from grader.errors.seen.reading import source


def told(
    findings: Sequence[Finding], around: Surroundings, record: Record | None, loss: Tensor | None
) -> list[Finding]:
    """The same, where a value ends unused since a model answers from what it has kept."""
    end = record.source_of(loss) if record is not None and loss is not None else None
    if record is None or end is None or not any(one.code == "dropped" for one in findings):
        return list(findings)
    before = record.before([end])
    kept = [
        (name, place)
        for name, value, place in _kept(around)
        if not value.requires_grad and (record.source_of(value) or 0) < 0
        if record.source_of(value) in before
    ]
    if len(kept) != 1:
        return list(findings)
    name, place = kept[0]
    return [_named(one, name, place) if one.code == "dropped" else one for one in findings]


def _named(one: Finding, kept: str, place: Place) -> Finding:
    words = {"kept": kept, "at": str(one.place)}
    return found("dropped_cached", sure=False, place=place, tensor=one.tensor, **words)


def _kept(around: Surroundings) -> Iterator[tuple[str, Tensor, Place]]:
    """The tensors that a model's method returns where it has them already, with its line."""
    for name, model in around.models.items():
        for path, part in model.named_modules():
            owner = f"{name}.{path}" if path else name
            for method, first in source.methods(type(part)):
                for attribute, line in _returned(method):
                    for key, value in _values(part, attribute):
                        file = source.file_of(type(part))
                        yield f"{owner}.{attribute}{key}", value, Place(file, first + line - 1)


def _returned(method: ast.FunctionDef) -> Iterator[tuple[str, int]]:
    """`if self.adj is not None: return self.adj`, or that of an entry: attribute and line."""
    for node in ast.walk(method):
        if not isinstance(node, ast.If) or not isinstance(node.body[-1], ast.Return):
            continue
        value = node.body[-1].value
        inside = value.value if isinstance(value, ast.Subscript) else value
        if not isinstance(inside, ast.Attribute) or source.spelled(inside.value) != "self":
            continue
        if source.reads(node.test, f"self.{inside.attr}"):
            yield inside.attr, node.body[-1].lineno


def _values(part: nn.Module, attribute: str) -> Iterator[tuple[str, Tensor]]:
    value = getattr(part, attribute, None)
    if isinstance(value, Tensor):
        yield "", value
    for key, one in value.items() if isinstance(value, dict) else ():
        if isinstance(one, Tensor):
            yield f"[{key!r}]", one
