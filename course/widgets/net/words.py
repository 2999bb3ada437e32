"""Every state of a net's picture as one sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable

from course.widgets.frame.values import number
from course.widgets.frame.words import listed
from course.widgets.net.model import Item, Net, View

MOST_NAMES = 4


def norm_of(norms: Iterable[float | None]) -> float | None:
    """The norm of all the numbers of several gradients together; None where there is none."""
    known = [norm for norm in norms if norm is not None]
    return math.sqrt(sum(norm**2 for norm in known)) if known else None


def start(net: Net, view: View) -> str:
    """Step 0 of a view: what was recorded."""
    boxes = sum(not item.is_outside for item in view.items)
    count = sum(len(item.nodes) for item in view.items if not item.is_outside)
    opening = " Open a box that holds more by a click, or by its name in the list."
    return (
        f"{view.name}: {counted(count, 'node')} in {counted(boxes, 'box', 'boxes')}."
        f"{opening if any(item.opens for item in view.items) else ''} An operation without "
        f"parameters stands with the module whose result it takes.{unreached(net)}"
    )


def called(item: Item) -> str:
    """A box's name in a sentence; a module that has only a number is called `Linear 5`."""
    return f"{item.word} {item.name}" if item.word and item.name.isdecimal() else item.name


def turn(net: Net, view: View, index: int) -> str:
    """The turn of one box: what it receives, what it sends, and to whom."""
    item = view.items[index]
    if item.is_outside:
        return f"backward runs what lies outside, in {called(item)}."
    nodes = "1 node" if len(item.nodes) == 1 else f"{len(item.nodes):,} nodes"
    said = [f"backward runs {called(item)} ({nodes})"]
    for source, target in view.edges:
        if target == index:
            norm = norm_of(net.between(view.items[source], item))
            sent = "sends nothing" if norm is None else f"sends a gradient of norm {number(norm)}"
            said.append(f"{sent} to {called(view.items[source])}")
    weights = weights_of(net, item)
    if weights:
        norm = norm_of(weights.values())
        which = "one parameter" if len(weights) == 1 else f"{len(weights):,} parameters together"
        said.append(f"sends one of norm {number(norm or 0.0)} to {which}")
    return listed(said) + "."


def end(net: Net) -> str:
    """The last step: what was reached, and what was not."""
    return f"done: a gradient reached {counted(net.reached, 'parameter')}.{unreached(net)}"


def unreached(net: Net) -> str:
    """Which parameters no gradient reaches."""
    said = ""
    if net.unreached:
        more = len(net.unreached) - MOST_NAMES
        names = [*net.unreached[:MOST_NAMES], *([f"{more} more"] if more > 0 else [])]
        verb = "is" if len(net.unreached) == 1 else "are"
        said = (
            f" {listed(names)} {verb} not reached: no recorded way leads to the result from "
            f"{'it' if len(net.unreached) == 1 else 'them'}."
        )
    if net.frozen:
        said += f" {counted(net.frozen, 'parameter')} {'do' if net.frozen > 1 else 'does'} not "
        said += "require grad."
    return said


def weights_of(net: Net, item: Item) -> dict[str, float | None]:
    """The gradients that the nodes of a box send to parameters, by the parameters' names."""
    found: dict[str, list[float | None]] = {}
    for index in sorted(item.nodes):
        for name, norm in net.nodes[index].weights.items():
            found.setdefault(name or "a leaf", []).append(norm)
    return {name: norm_of(norms) for name, norms in found.items()}


def counted(count: int, one: str, several: str = "") -> str:
    """``1 node``, ``2,048 nodes``."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"
