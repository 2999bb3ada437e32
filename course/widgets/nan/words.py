"""What a step of the search says beside what the graph's own picture says."""

from __future__ import annotations

from collections.abc import Mapping

from course.widgets.frame.words import listed
from course.widgets.graph.model import Graph
from course.widgets.graph.words import Words
from course.widgets.nan.search import Birth, worst


def flag(birth: Birth) -> str:
    """The flag at the box: ``nan born here``."""
    return f"{birth.bad} {'seen first' if birth.where == 'seen' else 'born here'}"


def told(birth: Birth) -> str:
    """The sentence of the step in which something is born."""
    if birth.where == "forward":
        return f"Here {birth.bad} is born, in the forward pass: nothing as bad went in."
    if birth.where == "seen":
        return (
            f"Here {birth.bad} is seen first. What went in was not kept, so it may have been born "
            "before."
        )
    if birth.where == "sum":
        return f"Here {birth.bad} is born, in the sum of the gradients that arrive."
    text = f"Here {birth.bad} is born"
    if birth.slope is None:
        return f"{text}: what arrived was {birth.received or 'finite'}."
    text += f". For a gradient of 1 this node sends {birth.slope.words()}"
    return f"{text}, and {birth.product} is nan." if birth.product else f"{text}."


def verdict(graph: Graph, births: Mapping[int, Birth]) -> str:
    """The sentence of the last step: every birth, in the order of the passes."""
    if not births:
        return _nothing_born(graph)
    words = Words(graph)
    places = {
        "forward": "forward in {}",
        "seen": "forward in {} or before",
        "node": "in {}",
        "sum": "in the sum that arrives at {}",
    }
    born = [
        f"{birth.bad} {places[birth.where].format(words.node(birth.box))}"
        for birth in births.values()
    ]
    return f"Born were, in this order: {', then '.join(born)}."


def _nothing_born(graph: Graph) -> str:
    """That all is finite, as far as it is known, or which tensors were not from the start on."""
    given = [box for box in graph.boxes if box.kind != "tensor" and worst(box.values)]
    if given:
        names = [box.name or f"a {box.kind}" for box in given]
        return f"Nothing worse was born than what came in with {listed(names)}."
    if any(None in box.values for box in graph.boxes):
        return (
            "Every number of the backward pass is finite, and so is what was kept of the forward "
            "pass."
        )
    return "Every number of both passes is finite."
