"""A target that does not fit its scores: what the two shapes say together."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.batches import compared
from grader.errors.seen.reading import failing
from grader.errors.seen.reading.frames import Frames
from grader.errors.seen.shapes import headed

_COLOURS = (3, 4)
_TWO = 2

Said = tuple[str, str]
"""Meaning and cure."""


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The shapes of the scores and of the target, and what brings one to the other."""
    if (column := compared.read_pairs(frames, told)) is not None:
        return column
    for function in compared.LOSSES:
        names = frames.given(function)
        scores, target = names.get("input"), names.get("target")
        if isinstance(scores, Tensor) and isinstance(target, Tensor):
            s = frames.name_of(scores) or compared.written(frames, 0) or "scores"
            t = frames.name_of(target) or compared.written(frames) or "target"
            of_classes = function in ("cross_entropy", "nll_loss")
            rules = _OF_CLASSES if of_classes else _OF_PROBABILITIES
            shapes = f"{t} has the shape {_of(target)}, and {s} {_of(scores)}."
            for rule in rules:
                if (said := rule(scores, target, s, t)) is not None:
                    place = _cut(frames) if rule is _lost_batch else ""
                    if rule is _one_column and (made := compared.made_once(frames, t)) is not None:
                        line, place = made
                        once = f" {t} is used by other lines too: once is enough, at line {line}, "
                        how = "unsqueeze" if scores.dim() > target.dim() else "squeeze"
                        said = said[0], f"{said[1]}{once}{t} = {t}.{how}(-1) behind it."
                    return replace(told, meaning=f"{shapes} {said[0]}", cure=said[1], place=place)
            wanted = (len(scores), *scores.shape[2:]) if of_classes and scores.dim() > 1 else None
            asked = f" This loss takes class numbers of the shape {wanted}." if wanted else ""
            plain = replace(told, meaning=f"{shapes}{asked}")
            return headed.read(frames, plain, scores, target) or plain
    return None


def _of(tensor: Tensor) -> tuple[int, ...]:
    return tuple(tensor.shape)


def _swapped(scores: Tensor, target: Tensor, s: str, t: str) -> Said | None:
    """Class numbers where the scores belong, and the other way round."""
    if scores.is_floating_point() or not target.is_floating_point() or target.dim() < 2:
        return None
    return (
        f"{s} holds whole numbers, as classes are, and {t} floats, as scores are: they are the "
        "wrong way round.",
        f"The prediction comes first, and {s} second: F.cross_entropy(prediction, {s}), and so "
        "for nll_loss.",
    )


def _one_score(scores: Tensor, target: Tensor, s: str, t: str) -> Said | None:
    """One score for each sample, where a class needs a column of its own."""
    if scores.dim() != 1 or _of(scores) != _of(target) or target.is_floating_point():
        return None
    return (
        f"{s} holds one score for each sample, and this loss wants one for each class, in columns.",
        f"For two classes one score is enough, with another loss: "
        f"F.binary_cross_entropy_with_logits({s}, {t}.float()), nn.BCEWithLogitsLoss. To keep this "
        "one, give the last layer as many outputs as there are classes, and leave squeeze out.",
    )


def _channel(scores: Tensor, target: Tensor, s: str, t: str) -> Said | None:
    """Class numbers with a channel of one more: (N, 1, H, W), (N, H, W, 1) or (N, 1)."""
    wanted = (len(scores), *scores.shape[2:])
    for at in (1, target.dim() - 1):
        shape = _of(target)
        if target.dim() != len(wanted) + 1 or shape[at] != 1:
            continue
        if shape[:at] + shape[at + 1 :] == wanted:
            return (
                f"Class numbers have no channel: {wanted} is wanted.",
                f"Take the dimension of 1 out: {t}.squeeze({at}).",
            )
    return None


def _one_hot(scores: Tensor, target: Tensor, s: str, t: str) -> Said | None:
    """A vector for each sample or pixel with a single 1, and not a class number."""
    classes, wanted = scores.shape[1] if scores.dim() > 1 else 0, (len(scores), *scores.shape[2:])
    for at in (1, target.dim() - 1):
        shape = _of(target)
        if target.dim() != len(wanted) + 1 or shape[at] != classes:
            continue
        if shape[:at] + shape[at + 1 :] == wanted and _is_one_hot(target, at):
            return (
                f"Dimension {at} of {t} has one entry for each of the {classes} classes, a 1 in "
                "one of them: one-hot rows, and not class numbers.",
                f"Give the class numbers: {t}.argmax({at}).",
            )
    return None


def _is_one_hot(target: Tensor, at: int) -> bool:
    with torch.no_grad():
        values = target.detach()
        ones = bool(((values == 0) | (values == 1)).all())
        return ones and bool((values.sum(at) == 1).all())


def _picture(scores: Tensor, target: Tensor, s: str, t: str) -> Said | None:
    """A mask that was read as a picture: three or four colours where a class number belongs."""
    shape, wanted = _of(target), (len(scores), *scores.shape[2:])
    for at, entry in ((target.dim() - 1, f"{t}[..., 0]"), (1, f"{t}[:, 0]")):
        if scores.dim() != 4 or target.dim() != 4 or shape[at] not in _COLOURS:
            continue
        if shape[:at] + shape[at + 1 :] == wanted:
            return (
                f"Dimension {at} holds {shape[at]} numbers for each pixel: a picture's colours, "
                f"where one class number belongs, {wanted}.",
                f"If all its channels are the same, take one of them: {entry}"
                f"{'' if target.dtype == torch.int64 else '.long()'}. If a colour stands for a "
                "class, turn colours into class numbers when you load the mask: for number, "
                "colour in enumerate(colours): classes[(mask == colour).all(-1)] = number.",
            )
    return None


def _classes_last(scores: Tensor, target: Tensor, s: str, t: str) -> Said | None:
    """Scores (batch, length, classes) beside class numbers (batch, length)."""
    if scores.dim() > 2 and _of(scores)[:-1] == _of(target):
        moved = f"{s}.transpose(1, 2)" if scores.dim() == 3 else f"{s}.movedim(-1, 1)"
        return (
            f"The {scores.shape[-1]} classes stand last in {s}, and this loss looks for them in "
            "dimension 1.",
            f"Move them there: {moved}, with {t} as it is. Or flatten both: "
            f"{s}.reshape(-1, {scores.shape[-1]}) with {t}.reshape(-1).",
        )
    return None


def _flat_scores(scores: Tensor, target: Tensor, s: str, t: str) -> Said | None:
    """One of the two was flattened, and the other was not."""
    if scores.dim() == 2 and target.numel() == len(scores):
        return (
            f"{s} has a row for each of the {target.numel()} class numbers, in one dimension.",
            f"Flatten the target as well: {t}.reshape(-1).",
        )
    if scores.dim() == 3 and scores.shape[0] * scores.shape[1] == target.numel():
        return (
            f"{t} was flattened, and {s} was not.",
            f"Flatten both: {s}.reshape(-1, {scores.shape[-1]}) with {t}.reshape(-1).",
        )
    return None


def _other_size(scores: Tensor, target: Tensor, s: str, t: str) -> Said | None:
    """Images of which the net has made smaller ones."""
    if scores.dim() == 4 and target.dim() == 3 and len(scores) == len(target):
        size = tuple(target.shape[1:])
        return (
            f"The images have another size than the target's {size}.",
            f"Bring the scores to it: F.interpolate({s}, size={t}.shape[1:], "
            'mode="bilinear"). Or resize the mask where it is loaded, by nearest neighbours: '
            "between two class numbers lies no class.",
        )
    return None


def _lost_batch(scores: Tensor, target: Tensor, s: str, t: str) -> Said | None:
    """More rows than samples: a view has cut samples into pieces."""
    rows, samples = len(scores), len(target) if target.dim() else 0
    if scores.dim() == 2 and target.dim() == 1 and samples and rows != samples:
        if rows % samples == 0:
            return (
                f"There are {rows // samples} rows for each sample.",
                "A view(-1, features) in the net has cut each sample into several rows, because "
                "features is too small: write x.flatten(1) there, and make the Linear behind it "
                "for the number that arrives. If the rows are positions of a sequence, give each "
                "its own class number, or take one row for each sample.",
            )
        return (
            f"{rows} rows of scores beside {samples} class numbers.",
            "Look at what has changed the number of rows: a view(-1, features) in the net, a "
            "target of another batch, or a batch dimension that stands second in one of them.",
        )
    return None


def _cut(frames: Frames) -> str:
    """The one view(-1, features) of the reader's files."""
    return frames.the_one_line(
        lambda node: (
            isinstance(node, ast.Call)
            and failing.name_of(node) in ("view", "reshape")
            and len(node.args) == 2
            and ast.unparse(node.args[0]) == "-1"
        )
    )


def _one_column(scores: Tensor, target: Tensor, s: str, t: str) -> Said | None:
    """(N, 1) beside (N,), or the other way round."""
    shape, other = _of(scores), _of(target)
    if shape == (*other, 1):
        return (
            f"{s} has a last dimension of 1 more.",
            f"Give both one shape: {s}.squeeze(-1), or {t}.unsqueeze(-1).",
        )
    if other == (*shape, 1):
        return (
            f"{t} has a last dimension of 1 more.",
            f"Give both one shape: {t}.squeeze(-1).",
        )
    if len(shape) == 4 and len(other) == 3 and shape == (other[0], 1, *other[1:]):
        return f"{t} has no channel.", f"Give it one: {t}.unsqueeze(1).float()."
    return None


def _class_numbers(scores: Tensor, target: Tensor, s: str, t: str) -> Said | None:
    """Class numbers in a loss of probabilities, of rows or of pixels."""
    if scores.dim() < 2 or scores.shape[1] == 1 or _of(target) != _without_classes(scores):
        return None
    classes = scores.shape[1]
    if target.is_floating_point():
        values = target.detach()
        whole = bool((values == values.round()).all()) and bool((values >= 0).all())
        highest = float(values.max())
        if not whole or highest >= classes or (highest <= 1 and classes != _TWO):
            return None
        t = f"{t.removesuffix('.float()')}.long()"
    one, place, moved = "column", "row", ""
    if scores.dim() > 2:
        one, moved = "channel", ".movedim(-1, 1)"
        place = "pixel" if scores.dim() == 4 else "place"
    return (
        f"This loss wants a 0 or a 1 for each of the {classes} {one}s, and {t} holds one class "
        f"number for each {place}.",
        f"If each {place} has one class, use F.cross_entropy({s}, {t}) with scores, without a "
        "softmax or sigmoid. If each may have several, use "
        f"F.one_hot({t}, {classes}){moved}.float().",
    )


def _without_classes(scores: Tensor) -> tuple[int, ...]:
    """The shape of one class number for each place that scores of the classes are given for."""
    return (len(scores), *scores.shape[2:])


Rule = Callable[[Tensor, Tensor, str, str], Said | None]
_OF_CLASSES: tuple[Rule, ...] = (
    *(
        _swapped,
        _one_score,
        _one_hot,
        _channel,
        _picture,
        _classes_last,
        _flat_scores,
        _other_size,
        _lost_batch,
    ),
)
_OF_PROBABILITIES: tuple[Rule, ...] = (_one_column, _class_numbers)
