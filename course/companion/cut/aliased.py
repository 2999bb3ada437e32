"""A target network that is the trained network itself, under a second name of one object."""

from __future__ import annotations

import linecache
import re
from collections.abc import Sequence

import torch.nn.functional as F
from torch import nn

from course.companion.finding import Finding, found
from course.companion.places import Place
from course.companion.record.calls import Record
from course.companion.surroundings import Surroundings
from grader.errors.seen.reading import source


def told(findings: Sequence[Finding], around: Surroundings) -> list[Finding]:
    """The same, where one model gave a prediction and its target too: by its names."""
    return [_as_target(one, around) if one.code == "target_with_graph" else one for one in findings]


def _as_target(one: Finding, around: Surroundings) -> Finding:
    """Of a target with a graph: the one model that has two names, and that an optimizer holds."""
    pairs = [each for each in around.aliases() if _is_trained(each[2], around)]
    if len(pairs) != 1:
        return one
    first, other, _ = pairs[0]
    loss = one.sentence.partition(" compares ")[0]
    return found(
        "target_same",
        sure=False,
        place=_given_at(other, around) or one.place,
        one=first,
        other=other,
        loss=loss,
        at=str(one.place),
    )


_COMPARED = {
    *(F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss, F.kl_div, F.cosine_similarity),
    *(F.cross_entropy, F.cosine_embedding_loss),
}


def unrecorded(record: Record, around: Surroundings) -> list[Finding]:
    """A comparison of what a model gives with what it gave itself under its second name."""
    pairs = [each for each in around.twins() if _is_trained(each[2], around)]
    if len(pairs) != 1:
        return []
    first, other, model = pairs[0]
    mine = {record.source_of(one) for one in model.parameters()} - {None}
    for _, call in record.every():
        if call.func not in _COMPARED or call.recorded[:2] != (True, False):
            continue
        both = [record.before([one]) & mine for one in call.sources[:2]]
        if all(both) and _calls_both(call.place, first, other):
            words = {"one": first, "other": other, "loss": f"{call.name}()"}
            return [found("teacher_same", sure=False, place=call.place, **words)]
    return []


def _calls_both(place: Place, first: str, other: str) -> bool:
    """Whether the file of a line calls the model by both names."""
    text = "".join(linecache.getlines(place.file))
    return all(re.search(rf"\b{re.escape(name)}\(", text) for name in (first, other))


def _is_trained(model: nn.Module, around: Surroundings) -> bool:
    return not around.held.isdisjoint(map(id, model.parameters()))


def _given_at(name: str, around: Surroundings) -> Place | None:
    """The one line of the object's class that gives it its second name."""
    owner, _, attribute = name.rpartition(".")
    kind = type(around.named(owner))
    lines = [
        first + one.lineno - 1  # type: ignore[attr-defined]
        for method, first in source.methods(kind)
        for one in source.assigned(method, f"self.{attribute}")
    ]
    return Place(source.file_of(kind), lines[0]) if len(lines) == 1 else None
