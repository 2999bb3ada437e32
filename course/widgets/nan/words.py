"""What a step of the search says beside what the graph's own picture says."""

from __future__ import annotations

from collections.abc import Mapping

from course.widgets.graph.model import Graph
from course.widgets.graph.words import Words
from course.widgets.nan.search import Birth


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
    words = Words(graph)
    if not births:
        return "Every number of both passes is finite."
    places = {
        "forward": "forward in {}",
        "seen": "forward in {} or before",
        "node": "in {}",
        "sum": "in the sum that arrives at {}",
    }
    listed = [
        f"{birth.bad} {places[birth.where].format(words.node(birth.box))}"
        for birth in births.values()
    ]
    return f"Born were, in this order: {', then '.join(listed)}."
