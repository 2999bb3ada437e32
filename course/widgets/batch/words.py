"""Every state of the picture of batches as one sentence."""

from __future__ import annotations

from collections import Counter

from course.widgets.batch.reader import Plan, Reading
from course.widgets.frame.words import listed


def numbers(these: tuple[int, ...] | list[int]) -> str:
    """``4``, ``4 and 2``, ``4, 2 and 9``."""
    return listed([str(one) for one in these])


def whose(reading: Reading) -> str:
    """``epoch 1``, or ``epoch 1, rank 0``."""
    return f"epoch {reading.epoch}" + ("" if reading.rank is None else f", rank {reading.rank}")


def before(plan: Plan) -> str:
    """Nothing has been read."""
    return (
        f"the dataset has {plan.count} samples, with the numbers 0 to {plan.count - 1}. "
        "Nothing has been read."
    )


def begun(plan: Plan, reading: Reading) -> str:
    """The sampler has given its numbers."""
    told = "" if reading.told is None else f" with sampler.set_epoch({reading.told})"
    return (
        f"{whose(reading)} begins{told}. {plan.sampler} gives {len(reading.order)} numbers: "
        f"{numbers(reading.order)}. No sample has been read yet."
    )


def read(plan: Plan, reading: Reading, index: int) -> str:
    """One batch has been read, and after the last one of an epoch, what came of it."""
    batch = reading.batches[index]
    shape = "shape" if len(batch.shapes) == 1 else "shapes"
    plural = "sample" if len(batch.numbers) == 1 else "samples"
    told = (
        f"{whose(reading)}, batch {index + 1} of {len(reading.batches)}: {plural} "
        f"{numbers(batch.numbers)} are read, and collate makes {shape} {listed(batch.shapes)}."
    ).replace(f"{plural} {batch.numbers[0]} are read", f"{plural} {batch.numbers[0]} is read")
    return f"{told} {_end(plan, reading)}".strip() if _is_last(plan, reading, index) else told


def _is_last(plan: Plan, reading: Reading, index: int) -> bool:
    """Whether this batch ends an epoch, for all ranks."""
    ranks = [one for one in plan.readings if one.epoch == reading.epoch]
    return reading is ranks[-1] and index == len(reading.batches) - 1


def _end(plan: Plan, reading: Reading) -> str:
    """Which samples an epoch left out, and which it read twice."""
    ranks = [one for one in plan.readings if one.epoch == reading.epoch]
    times = Counter(n for one in ranks for batch in one.batches for n in batch.numbers)
    absent = [n for n in range(plan.count) if n not in times]
    twice = [n for n, count in sorted(times.items()) if count > 1]
    told = []
    if absent:
        told.append(f"Left out in this epoch: {numbers(absent)}.")
    if twice:
        told.append(f"Read more than once: {numbers(twice)}.")
    return " ".join(told) or "Every sample was read once."
