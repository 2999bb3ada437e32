"""Every state of the pipeline picture as one sentence."""

from __future__ import annotations

from course.widgets.frame.words import listed
from course.widgets.pipeline.schedules import FORWARD, Schedule, Work


def before(schedule: Schedule) -> str:
    """What is about to run."""
    stages, micro = _many(schedule.stages, "stage"), _many(schedule.micro, "micro-batch")
    return (
        f"{schedule.name}: {stages}, and a batch in {micro}. A forward and a backward pass of one "
        "micro-batch through one stage take one tick each. Nothing has run yet."
    )


def tick(schedule: Schedule, number: int) -> str:
    """What every stage does in a tick, and how many places were idle up to it."""
    works = schedule.at(number)
    busy = [_does(works[s]) for s in range(schedule.stages) if s in works]
    waiting = [str(s) for s in range(schedule.stages) if s not in works]
    parts = [*busy]
    if waiting:
        word = "stages" if len(waiting) > 1 else "stage"
        parts.append(f"{word} {listed(waiting)} {'wait' if len(waiting) > 1 else 'waits'}")
    places, idle = schedule.stages * (number + 1), schedule.idle(number + 1)
    told = f"in tick {number} {listed(parts)}. "
    if number + 1 < schedule.ticks:
        return told + f"So far {idle} of {places} places were idle."
    most = max(map(schedule.most_kept, range(schedule.stages)))
    return told + (
        f"The batch is done: {idle} of {places} places were idle, {idle / places:.0%}. No stage "
        f"kept more than {_many(most, 'micro-batch')} at once."
    )


def _does(work: Work) -> str:
    way = "forward" if work.kind == FORWARD else "back"
    return f"stage {work.stage} takes micro-batch {work.micro} {way}"


def _many(count: int, word: str) -> str:
    plural = f"{word}es" if word.endswith("ch") else f"{word}s"
    return f"{count} {word if count == 1 else plural}"
