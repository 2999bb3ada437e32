"""The node at which anomaly detection stopped: the line that made it, and what cures its nan."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from grader.errors.explanation import Explained
from grader.errors.seen.again import graph
from grader.errors.seen.again.passes import start_of
from grader.errors.seen.reading.frames import Frames, file_name, is_library

_NODE = re.compile(r"Function '(\w+)' returned nan")
_FRAME = re.compile(r'File "([^"]+)", line (\d+)')
_ABOVE_0 = (
    "For a distance a small number keeps it away: d2.clamp(min=1e-12).sqrt(); clamp(min=0) lets 0 "
    "through. To leave zeros out, replace them in front of the root, "
    "torch.where(d2 > 0, d2, 1.0).sqrt(), and take the result out by a second torch.where behind "
    "it."
)
_ROOT = (
    "A root has no finite slope at 0: infinity, and nan where that is multiplied by 0.",
    f"Never give it 0. {_ABOVE_0}",
)
_POWER = (
    "A power below 1 has no finite slope at 0. A square has the slope 0 there, and makes nan of "
    "the inf that a root behind it sends: anomaly detection passes over inf.",
    f"Never give the root 0. {_ABOVE_0}",
)
_HYPOTENUSE = (
    "torch.hypot divides by its result, also where that is 0.",
    "Never give it two zeros; or take torch.stack([a, b]).norm(dim=0), which sends 0 from there.",
)
_LOGARITHM = (
    "A logarithm has no finite slope at 0: infinity, and nan where that is multiplied by 0.",
    "Never give it 0: x.clamp(min=1e-12).log(). Of probabilities that a softmax or a sigmoid made, "
    "use log_softmax or logsigmoid of the scores.",
)
_QUOTIENT = (
    "A division by 0 has no finite slope.",
    "Never divide by 0: x / n.clamp(min=1). To leave such entries out, replace the divisor first, "
    "torch.where(n > 0, n, 1.0); a torch.where behind the division alone does not help.",
)
_OF_NODE = {
    "SqrtBackward0": _ROOT,
    "RsqrtBackward0": _ROOT,
    "PowBackward0": _POWER,
    "HypotBackward0": _HYPOTENUSE,
    "LogBackward0": _LOGARITHM,
    "DivBackward0": _QUOTIENT,
    "ReciprocalBackward0": _QUOTIENT,
}


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """What the node of the message cannot be given, and where the reader's code made it."""
    named = _NODE.search(message)
    if named is None:
        return None
    place = _made_at(frames, named[1])
    meaning, cure = _OF_NODE.get(named[1], ("", ""))
    if not meaning and not place:
        return None
    return replace(
        told,
        meaning=f"{told.meaning} {meaning}".strip(),
        cure=cure or told.cure,
        place=place,
    )


def _made_at(frames: Frames, name: str) -> str:
    """The one line of the reader's code at which nodes of this name were made, or nothing."""
    _, root = start_of(frames)
    if root is None or root.grad_fn is None:
        return ""
    places = {_place(node) for node in graph.nodes(root.grad_fn) if node.name() == name}
    return places.pop() if len(places) == 1 else ""


def _place(node: Any) -> str:
    """The innermost own line of the forward pass, which anomaly detection writes into a node."""
    lines = _FRAME.findall("".join(node.metadata.get("traceback_", ())))
    own = [(file, line) for file, line in lines if not is_library(file)]
    return f"{file_name(own[-1][0])}, line {own[-1][1]}" if own else ""
