"""A flag that cannot be set: of a result, or of whole numbers, such as places that were chosen."""

from __future__ import annotations

import ast
from dataclasses import replace

from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.again import graph
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up

_COMPUTED = (
    "If argmax, a comparison or a rounding made it, its graph is lost, and the flag does not bring "
    "it back: compute from the scores."
)
_SHOWN = 3
_CHOICES = ("argmax", "argmin", "max", "min", "topk", "sort", "argsort", "multinomial")


def read_flag(frames: Frames, told: Explained, message: str) -> Explained | None:
    """`h.requires_grad = False` of a result: what stands there instead."""
    frame = frames.last
    for node in ast.walk(frame.source) if frame.source is not None else ():
        owner: ast.expr | None = None
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
            owner = node.targets[0].value if node.targets[0].attr == "requires_grad" else None
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value if node.func.attr == "requires_grad_" else None
        if owner is None or frames.within or not _reaches(owner, frame):
            continue
        value, name = looked_up(owner, frame), ast.unparse(owner)
        if isinstance(value, Tensor) and value.grad_fn is not None:
            return replace(
                told,
                meaning=f"{name} is a result, of {value.grad_fn.name()}: its flag follows from "
                "what it was computed from.",
                cure=f"Write {name} = {name}.detach(), which cuts it off.",
                place=frame.place,
            )
    return None


def read_set(frames: Frames, told: Explained, message: str) -> Explained | None:
    """`x.requires_grad = True` of a result: what it was computed from, and what stands instead."""
    frame = frames.last
    for owner in _flagged(frame):
        value = looked_up(owner, frame)
        if not isinstance(value, Tensor) or value.grad_fn is None or frames.within:
            continue
        name = ast.unparse(owner)
        behind = graph.leaves(graph.nodes(value.grad_fn))
        known = [key for key in map(frames.name_of, behind[:_SHOWN]) if key]
        made = f"was computed from {' and '.join(known)}" if known else "is a result"
        return replace(
            told,
            meaning=f"{name} {made}, so it requires grad already, and is no leaf: its flag follows "
            "from what it was computed from.",
            cure=f"Leave the line out: torch.autograd.grad(y, {name}) works without it, and "
            f"{name}.retain_grad() in its place keeps {name}.grad. To begin a new graph with its "
            f"values, which {known[0] if known else 'what it was computed from'} gets no gradient "
            f"through: {name} = {name}.detach().requires_grad_().",
            place=frame.place,
        )
    return None


def read_integer(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The tensor of whole numbers whose flag is set, and the scores that it was chosen from."""
    frame = frames.last
    for call in failing.calls(frame, "Parameter"):
        if call.args and not any(one.arg == "requires_grad" for one in call.keywords):
            return _parameter(frame, told, call)
    for owner in _flagged(frame):
        value = looked_up(owner, frame)
        if not isinstance(value, Tensor) or value.is_floating_point() or value.is_complex():
            continue
        name = ast.unparse(owner)
        if (chosen := _chosen(frame, name)) is not None:
            scores, how, line = chosen
            return replace(
                told,
                meaning=f"{name} holds {_dtype(value)}, the places that {how} chose by "
                f"`{line}`: they have no gradient, and a flag gives them none.",
                cure=f"Take the line with the flag out, and compute the loss from {scores} in the "
                f"place of {name}{_in_call(frame, name, scores)}.",
                place=frame.place,
            )
        return replace(
            told,
            meaning=f"{name} holds {_dtype(value)}, which has no gradient.",
            cure=f"Write {name} = {name}.float().requires_grad_(). {_COMPUTED}",
            place=frame.place,
        )
    return None


def _parameter(frame: Frame, told: Explained, call: ast.Call) -> Explained:
    """`nn.Parameter(...)` of whole numbers: a weight, or something that is kept."""
    given, kept = ast.unparse(call.args[0]), "name"
    for one in ast.walk(frame.source) if frame.source is not None else ():
        if isinstance(one, ast.Assign) and one.lineno == frame.line:
            kept = ast.unparse(one.targets[0]).rpartition(".")[2]
    return replace(
        told,
        meaning=f"{given} holds whole numbers, and a parameter requires grad.",
        cure=f"If it is to be trained, make it floating: nn.Parameter(({given}).float()). If it is "
        f'a table or a count that is kept: self.register_buffer("{kept}", {given}).',
        place=frame.place,
    )


def _flagged(frame: Frame) -> list[ast.expr]:
    """What the failing line sets the flag of, by a call or by an assignment."""
    calls = failing.calls(frame, "requires_grad_")
    found = [one.func.value for one in calls if isinstance(one.func, ast.Attribute)]
    nodes = (one for one in failing.on_line(frame) if isinstance(one, ast.Assign))
    targets = [target for one in nodes for target in one.targets]
    flags = [one for one in targets if isinstance(one, ast.Attribute)]
    return found + [one.value for one in flags if one.attr == "requires_grad"]


def _chosen(frame: Frame, name: str) -> tuple[str, str, str] | None:
    """The scores that a name's places were chosen from, by what, and the statement."""
    found = source.assigned(frame.source, name) if frame.source is not None else []
    made = [one for one in found if isinstance(one, ast.Assign) and one.lineno < frame.line]
    if not made:
        return None
    for call in ast.walk(made[-1].value):
        if isinstance(call, ast.Call) and failing.name_of(call) in _CHOICES:
            scores = failing.argument(call, 0, "input")
            if scores is not None:
                return ast.unparse(scores), failing.name_of(call), ast.unparse(made[-1])
    return None


def _in_call(frame: Frame, name: str, scores: str) -> str:
    """The first later line that hands a name to a call, with the scores in its place."""
    for node in ast.walk(frame.source) if frame.source is not None else ():
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        given = [ast.unparse(one) for one in node.value.args]
        if node.lineno > frame.line and name in given:
            changed = ", ".join(scores if one == name else one for one in given)
            return f": {ast.unparse(node.targets[0])} = {ast.unparse(node.value.func)}({changed})"
    return ""


def _dtype(value: Tensor) -> str:
    return str(value.dtype).removeprefix("torch.")


def _reaches(node: ast.expr | ast.stmt, frame: Frame) -> bool:
    return node.lineno <= frame.line <= (node.end_lineno or node.lineno)
