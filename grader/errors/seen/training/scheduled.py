"""A scheduler at its end: the steps that it was made for, beside the batches that there are."""

from __future__ import annotations

import ast
from dataclasses import replace

from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import DataLoader

from grader.errors.explanation import Explained
from grader.errors.seen.reading import opening, sized, source
from grader.errors.seen.reading.frames import Frames, file_name, is_library

_MADE = ("OneCycleLR",)


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """Epochs for batches, a floored division, or a state that was at its end when it was loaded."""
    scheduler = frames.given("get_lr").get("self")
    total = getattr(scheduler, "total_steps", None)
    if not isinstance(scheduler, LRScheduler) or not isinstance(total, int):
        return None
    loaders = [
        (name, len(one))
        for name, one in opening.opened(frames.variables(), is_library)
        if isinstance(one, DataLoader) and _has_length(one)
    ]
    made = _made_at(frames)
    if len({count for _, count in loaders}) != 1 or not _goes_through(frames, loaders):
        return replace(told, meaning=f"{told.meaning} It was made for {total}.", place=made)
    name, batches = loaders[0]
    if (grouped := _by_groups(frames, total, name, batches)) is not None:
        return replace(told, meaning=grouped[0], cure=grouped[1], place=made)
    cure = f"Make it with total_steps=epochs * len({name}), and step it once a batch."
    if total < batches:
        said = (
            f"It was made for {total} steps, and one epoch of {name} has {batches} batches: it was "
            "told the epochs, and is stepped for every batch."
        )
        cure += " Or step it once an epoch, outside of the loop over batches."
    elif total % batches:
        said = (
            f"It was made for {total} steps, which is no whole number of epochs: {name} has "
            f"{batches} batches, and a last one that is smaller counts too, while a division by // "
            "leaves it out."
        )
    else:
        said = (
            f"It was made for {total} steps, {total // batches} epochs of {batches} batches, and "
            "these are over: training goes on after the end that it was made for, often from a "
            "saved state."
        )
        cure = (
            f"To train more epochs, make it for all of them at the start, total_steps=epochs * "
            f"len({name}). A loaded state brings the old number of steps and its curve with it: to "
            "go on after its end, make a new scheduler and do not load the old one's state."
        )
    return replace(told, meaning=said, cure=cure, place=made)


def _by_groups(frames: Frames, total: int, name: str, batches: int) -> tuple[str, str] | None:
    """What to say where a step comes every so many batches: `if i % 4 == 0`, perhaps at the end."""
    for frame in frames.own:
        for node in ast.walk(frame.source) if frame.source is not None else ():
            if not isinstance(node, ast.If) or not (
                node.body[0].lineno <= frame.line <= (node.body[-1].end_lineno or 0)
            ):
                continue
            for by in _divisors(node.test):
                size = sized.number(by, frame)
                if size is not None and 1 < size < batches:
                    rest = isinstance(node.test, ast.BoolOp) and batches % size > 0
                    return _of_groups(total, (name, batches), (source.in_brackets(by), size), rest)
    return None


def _divisors(test: ast.expr) -> list[ast.expr]:
    """The n of each `i % n` in a condition."""
    nodes = (one for one in ast.walk(test) if isinstance(one, ast.BinOp))
    return [one.right for one in nodes if isinstance(one.op, ast.Mod)]


def _of_groups(
    total: int, loader: tuple[str, int], every: tuple[str, int], rest: bool
) -> tuple[str, str]:
    (name, batches), (by, size) = loader, every
    whole, steps = batches // size, batches // size + rest
    every_ = by if by == str(size) else f"{by} = {size}"
    said = f"It was made for {total} steps. {name} has {batches} batches, and {every_} of them"
    said += f" make a step: {whole} in an epoch"
    said += f", and the {batches % size} that are left one more." if rest else "."
    if total % whole == 0 and rest:
        said += f" {total} are {total // whole} epochs of {whole}, as a division by // counts them."
    elif total % steps == 0:
        said += f" {total} are {total // steps} epochs, and training goes on after them."
    counted = _count(name, by, rest)
    cure = f"Count the steps as they are made, total_steps=epochs * ({counted})."
    return said, cure


def _count(name: str, by: str, rest: bool) -> str:
    return f"-(-len({name}) // {by})" if rest else f"len({name}) // {by}"


def _goes_through(frames: Frames, loaders: list[tuple[str, int]]) -> bool:
    """Whether the step stands in a loop over one of the loaders, of this or an outer frame."""
    names = {name.rpartition(".")[2] for name, _ in loaders}
    return any(
        isinstance(node, ast.For)
        and node.lineno <= frame.line <= (node.end_lineno or 0)
        and any(
            getattr(one, "attr", getattr(one, "id", "")) in names for one in ast.walk(node.iter)
        )
        for frame in frames.own
        for node in (ast.walk(frame.source) if frame.source is not None else ())
    )


def _has_length(loader: DataLoader[object]) -> bool:
    try:
        return len(loader) > 0
    except TypeError:
        return False


def _made_at(frames: Frames) -> str:
    """The one line of the frames' files that makes such a scheduler."""
    found = set()
    for tree, file in frames.files():
        for node in ast.walk(tree):
            function = node.func if isinstance(node, ast.Call) else None
            if getattr(function, "attr", getattr(function, "id", "")) in _MADE:
                found.add(f"{file_name(file)}, line {node.lineno}")  # type: ignore[attr-defined]
    return found.pop() if len(found) == 1 else ""
