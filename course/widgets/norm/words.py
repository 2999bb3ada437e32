"""Every state of the normalization picture as one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from course.widgets.frame.values import number
from course.widgets.frame.words import listed
from course.widgets.norm.reader import Group, Measured

AXES = ("N", "C", "H", "W")


def coordinates(shape: Sequence[int], entry: int) -> tuple[int, ...]:
    """Where a flat index stands in a block."""
    where: list[int] = []
    for size in reversed(shape):
        entry, here = divmod(entry, size)
        where.append(here)
    return tuple(reversed(where))


def places(measured: Measured, group: Group) -> list[list[int]]:
    """The positions that a group takes up along each axis."""
    found = [coordinates(measured.shape, entry) for entry in group.entries]
    return [sorted({where[axis] for where in found}) for axis in range(4)]


def averaged_axes(measured: Measured, group: Group) -> dict[str, str]:
    """How far a group extends along each axis: ``all``, ``part of``, or ``""`` for one place."""
    return {
        name: "" if len(taken) == 1 < size else "all" if len(taken) == size else "part of"
        for name, size, taken in zip(AXES, measured.shape, places(measured, group), strict=True)
    }


def axes(measured: Measured, group: Group) -> str:
    """The axes that a group extends along: ``N, H and W``, ``part of C, H and W``."""
    told = averaged_axes(measured, group)
    return listed([f"part of {n}" if how == "part of" else n for n, how in told.items() if how])


def where(measured: Measured, group: Group) -> str:
    """Which entries a group holds: ``channel 0 of every sample``, ``channels 0 and 1 of sample
    2``."""
    samples, channels, rows, columns = places(measured, group)
    n, c, h, w = measured.shape
    parts = []
    if len(rows) < h or len(columns) < w:
        parts.append("one row or column")
    if len(channels) < c:
        parts.append(_numbered("channel", channels))
    elif len(samples) < n:
        parts.append("every channel")
    parts.append("every sample" if len(samples) == n else _numbered("sample", samples))
    return " of ".join(parts)


def _numbered(kind: str, taken: Sequence[int]) -> str:
    return f"{kind}{'s' if len(taken) > 1 else ''} {listed([str(i) for i in taken])}"


def before(measured: Measured) -> str:
    """The block as it goes in."""
    n, c, h, w = measured.shape
    return (
        f"x has shape ({n}, {c}, {h}, {w}): a row for each of {n} samples, a column for each of "
        f"{c} channels, and {h} x {w} numbers in each place. {measured.name} has not run yet."
    )


def normalised(measured: Measured, group: Group) -> str:
    """One group, its statistics, and where they come from."""
    mean, variance = number(group.mean), number(max(group.variance, 0.0))
    if measured.remembered:
        return (
            f"for {where(measured, group)} the layer remembers the running mean {mean} and the "
            f"running variance {variance}. Nothing is averaged: each of these {len(group.entries)} "
            "outputs depends on its own input alone."
        )
    return (
        f"the {len(group.entries)} values of {where(measured, group)} are averaged together, over "
        f"{axes(measured, group)}. Their mean is {mean} and their variance {variance}; the outputs "
        "are written in their places."
    )


def influence(measured: Measured, sample: int) -> str:
    """Whose outputs a sample has influence on, and what the other mode would give."""
    column = [row[sample] for row in measured.influence]
    reached = [i for i, strength in enumerate(column) if strength > 0]
    strengths = listed([number(column[i]) for i in reached])
    if reached == [sample]:
        told = f"sample {sample} has influence on its own output alone, of strength {strengths}"
    elif not reached:
        told = f"sample {sample} has influence on no output"
    else:
        told = (
            f"sample {sample} has influence on the outputs of "
            f"{_numbered('sample', reached)}, of strength {strengths}"
        )
    if measured.mode_difference == 0:
        mode = "Training and eval mode give the same outputs."
    else:
        apart = number(measured.mode_difference)
        mode = f"Between training and eval mode the outputs differ by up to {apart}."
    return f"{told} (column {sample} of the table). {mode}"
