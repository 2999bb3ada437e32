"""Where a nan or an inf is born: the first node that gets good numbers and hands on bad ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from course.widgets.frame.values import Value
from course.widgets.graph.model import Graph, Ran, Send, Step
from course.widgets.graph.walk import is_leaf_node, walk

Bad = Literal["", "inf", "nan"]
Where = Literal["forward", "seen", "node", "sum"]
RANK: dict[str, int] = {"": 0, "inf": 1, "nan": 2}


@dataclass(frozen=True)
class Birth:
    """A box in which something bad is born: in the forward pass, in its node, or in the sum of
    what was sent to it. ``seen`` is a bad value of the forward pass whose inputs were not kept.

    ``received`` is the worst that the node got, and ``slope`` what it sends for a gradient of
    ones, where that could be asked. ``product`` is ``inf · 0`` or ``0 · inf``, what arrived times
    the slope, where that makes every nan that was sent.
    """

    box: int
    bad: Bad
    where: Where
    received: Bad = ""
    slope: Value | None = None
    product: str = ""


def worst(values: Sequence[Value | None]) -> Bad:
    """The worst that these values hold; what is not known counts as good."""
    found: list[Bad] = [value.bad for value in values if value is not None]
    return max(found, key=RANK.__getitem__, default="")


def births(graph: Graph, root: Any) -> dict[int, Birth]:
    """Each birth by the number of the step in which it happens, in the graph's first program.

    ``root`` is the ``grad_fn`` that the graph was read from; its nodes are asked for their slopes
    and left as they are.
    """
    operations = [node for node in walk([root]) if not is_leaf_node(node)]
    boxes = [index for index, box in enumerate(graph.boxes) if box.kind == "tensor"]
    nodes = dict(zip(boxes, operations, strict=True))
    found: dict[int, Birth] = {}
    waiting: dict[int, list[Send]] = {}
    for number, step in enumerate(graph.programs[0].steps):
        birth = _in_step(graph, step, nodes, waiting)
        if birth is not None and not (birth.where == "seen" and found):
            found[number] = birth
    return found


def _in_step(
    graph: Graph, step: Step, nodes: dict[int, Any], waiting: dict[int, list[Send]]
) -> Birth | None:
    if step.kind == "forward":
        return _forward(graph, step.box)
    if step.kind not in ("backward", "accumulate") or step.ran is None:
        return None
    received = worst(step.ran.received)
    sent = waiting.pop(step.box, [])
    for send in step.ran.sends:
        waiting.setdefault(graph.edges[send.edge].source, []).append(send)
    if sent and RANK[received] > RANK[worst([send.value for send in sent])]:
        return Birth(step.box, received, "sum")
    handed_on = worst([send.value for send in step.ran.sends])
    if RANK[handed_on] <= RANK[received]:
        return None
    slope = _slope(nodes[step.box], step.ran)
    product = _product(step.ran, slope) if handed_on == "nan" else ""
    return Birth(step.box, handed_on, "node", received, slope, product)


def _forward(graph: Graph, index: int) -> Birth | None:
    """A value that is worse than every input that is known."""
    inputs = [graph.boxes[edge.source] for edge in graph.inputs(index)]
    bad = worst(graph.boxes[index].values)
    known = all(value is not None for box in inputs for value in box.values)
    before = worst([value for box in inputs for value in box.values])
    if RANK[bad] <= RANK[before]:
        return None
    return Birth(index, bad, "forward" if known else "seen", before)


def _slope(node: Any, ran: Ran) -> Value | None:
    """What the node sends to its first input for a gradient of ones.

    Asked of torch's own nodes with one output, which answer the same way every time.
    """
    if len(ran.received) != 1 or isinstance(node, torch.autograd.function.BackwardCFunction):
        return None
    meta = node._input_metadata[0]
    ones = torch.ones(tuple(meta.shape), dtype=meta.dtype, device=meta.device)
    with torch.no_grad():
        answer = node(ones)
    first = answer[0] if isinstance(answer, tuple) else answer
    return Value.of(first) if isinstance(first, torch.Tensor) else None


def _product(ran: Ran, slope: Value | None) -> str:
    """Which product made the nan, by comparing number with number."""
    sent = next((send.value for send in ran.sends if send.value is not None), None)
    got = ran.received[0]
    if slope is None or sent is None or got is None:
        return ""
    if slope.numbers is None or sent.numbers is None or got.numbers is None:
        return ""
    if not slope.shape == sent.shape == got.shape:
        return ""
    rows = zip(got.numbers, slope.numbers, sent.numbers, strict=True)
    made = {_factors(g, s) for g, s, out in rows if out != out}
    return made.pop() if len(made) == 1 else ""


def _factors(arrived: Any, slope: Any) -> str:
    if abs(arrived) == math.inf and slope == 0:
        return "inf · 0"
    return "0 · inf" if arrived == 0 and abs(slope) == math.inf else ""
