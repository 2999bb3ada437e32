"""Scores of several classes and the numbers of the classes, both flattened."""

from __future__ import annotations

from torch import Tensor

from grader.errors.seen.reading.frames import Frame
from grader.errors.seen.shapes.aligned import Operand


def of_classes(frame: Frame, left: Operand, right: Operand) -> tuple[str, str] | None:
    """What is said, and the cure, where one row of numbers has `classes` for each of the other."""
    small, large = sorted((left, right), key=lambda side: side.shape)
    if len(small.shape) != 1 or len(large.shape) != 1 or large.shape[0] % small.shape[0]:
        return None
    classes = large.shape[0] // small.shape[0]
    found = {
        (scores, numbers)
        for scores, whole in _of_size(frame, large.shape[0])
        for numbers, target in _of_size(frame, small.shape[0])
        if whole.dim() > 1
        and whole.shape[1] == classes
        and (whole.shape[0], *whole.shape[2:]) == _without_one(target)
    }
    if len({numbers for _, numbers in found}) != 1:
        return None
    scores, numbers = min(found)
    value = frame.names[numbers]
    spelled = numbers if tuple(value.shape) == _without_one(value) else f"{numbers}.squeeze(1)"
    spelled = f"{spelled}.long()" if value.is_floating_point() else spelled
    return (
        f"{large.name} has {large.shape[0]} entries and {small.name} {small.shape[0]}: {scores} "
        f"holds {classes} classes for each number of {numbers}.",
        f"Give each class numbers of its own before both are flattened: {numbers} = "
        f"F.one_hot({spelled}, {classes}).movedim(-1, 1), with F from torch.nn.functional. Where "
        "one class excludes the others, take softmax(1) of the scores.",
    )


def _of_size(frame: Frame, size: int) -> list[tuple[str, Tensor]]:
    return [
        (name, value)
        for name, value in frame.names.items()
        if isinstance(value, Tensor) and value.numel() == size and value.dim() > 1
    ]


def _without_one(target: Tensor) -> tuple[int, ...]:
    """A shape without a dimension of one channel."""
    shape = tuple(target.shape)
    return (shape[0], *shape[2:]) if len(shape) > 2 and shape[1] == 1 else shape
