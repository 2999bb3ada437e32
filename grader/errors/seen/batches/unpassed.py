"""A collate_fn that the reader has written, and that the failing DataLoader was not given."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from types import FunctionType
from typing import Any, NamedTuple

from torch.utils.data import DataLoader, Subset, default_collate

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing, opening
from grader.errors.seen.reading.frames import Frames, is_library, own_function

_JOINS = {"default_collate", "stack", "pad_sequence", "cat"}
"""What a collate_fn calls."""


class _Written(NamedTuple):
    """A collate_fn, and who has it: a loader, or nobody."""

    name: str
    holder: str


def read(frames: Frames, told: Explained) -> Explained:
    """The same explanation, with the function that is written already in front of its cure."""
    fetcher = frames.given("fetch").get("self")
    if getattr(fetcher, "collate_fn", None) is not default_collate:
        return told
    found = _of_loaders(frames, _base(getattr(fetcher, "dataset", None))) or _of_nobody(frames)
    if found is None:
        return told
    said = f"as {found.holder} has it" if found.holder else "which is written and passed to nobody"
    cure = told.cure[:1].lower() + told.cure[1:]
    return replace(
        told,
        cure=f"Pass collate_fn={found.name} to this DataLoader, {said}. Else {cure}",
        place=_loader(frames) or told.place,
    )


def _base(dataset: Any) -> Any:
    while isinstance(dataset, Subset):
        dataset = dataset.dataset
    return dataset


def _of_loaders(frames: Frames, dataset: Any) -> _Written | None:
    """The collate_fn of another loader over samples of the same class."""
    for name, one in opening.opened(frames.variables(), is_library):
        if not isinstance(one, DataLoader) or not isinstance(one.collate_fn, FunctionType):
            continue
        own = own_function(one.collate_fn) is not None
        if own and type(_base(one.dataset)) is type(dataset):
            full = one.collate_fn.__qualname__
            called = full if "<locals>" not in full else one.collate_fn.__name__
            return _Written(called, name)
    return None


def _of_nobody(frames: Frames) -> _Written | None:
    """The one function of one argument that joins samples, and that no line uses."""
    found = [
        function.name
        for tree, _ in frames.files()
        for function in tree.body
        if isinstance(function, ast.FunctionDef)
        and len(function.args.args) == 1
        and set(_called(function)) & _JOINS
        and _goes_through(function)
        and not any(isinstance(one, ast.Name) and one.id == function.name for one in ast.walk(tree))
    ]
    return _Written(found[0], "") if len(found) == 1 else None


def _called(function: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            yield failing.name_of(node)


def _goes_through(function: ast.FunctionDef) -> bool:
    """Whether it goes through its argument, as through a list of samples."""
    given = function.args.args[0].arg
    loops = (one for one in ast.walk(function) if isinstance(one, ast.comprehension | ast.For))
    return any(given in ast.unparse(one.iter) for one in loops)


def _loader(frames: Frames) -> str:
    """The one line that makes a DataLoader without a collate_fn."""
    return frames.the_one_line(
        lambda node: (
            isinstance(node, ast.Call)
            and failing.name_of(node) == "DataLoader"
            and not any(one.arg == "collate_fn" for one in node.keywords)
        )
    )
