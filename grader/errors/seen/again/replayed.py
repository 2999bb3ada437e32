"""Results put away with their graphs, which are used again after a step changed the weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.again import graph, kept
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frames

MOST_NODES = 2000


def read(
    frames: Frames, told: Explained, root: Tensor, refusing: list[Any], step: str, what: str
) -> Explained | None:
    """What holds the results whose graph saved a weight as it was before the step."""
    below, bad = set(graph.nodes(root.grad_fn)), set(refusing)
    old: dict[int, bool] = {}
    holders: dict[str, None] = {}
    for path, one in kept.opened_each(frames):
        if one is not root and one.grad_fn in below:
            if id(one) not in old:
                old[id(one)] = bool(bad & set(graph.nodes(one.grad_fn)[:MOST_NODES]))
            if old[id(one)]:
                holders[path.split("[")[0]] = None
    filled = ((one, put) for one in holders if (put := kept.put_at(frames, one)) is not None)
    own = frames.last.source
    older = (
        (one, place)
        for one, (_, place) in filled
        if own is None or not source.assigned(own, one)  # else it begins anew in every pass
    )
    holder, place = next(older, ("", ""))
    if not holder:
        return None
    return replace(
        told,
        meaning=f"{holder} holds results with their graphs, from before this step: {step}.step() "
        f"has changed {what} since, and their graphs saved it as it was.",
        cure=f"Keep in {holder} what they were computed from, such as states and actions, and "
        "compute them anew from that in every step, with the weights of then, in front of the "
        "loss.",
        place=place,
        sure=False,
    )
