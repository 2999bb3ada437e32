"""A layer that is to share another one's parameter, turned or scaled."""

from __future__ import annotations

import ast
from dataclasses import replace

from torch import Tensor, nn

from grader.errors.explanation import Explained
from grader.errors.seen.again import graph
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up


def read(frames: Frames, told: Explained, attribute: str, value: Tensor) -> Explained | None:
    """The expression in `__init__` that computes from one parameter of the same model."""
    frame = frames.last
    if frame.code_name != "__init__" or not isinstance(frame.names.get("self"), nn.Module):
        return None
    leaves = graph.leaves(graph.nodes(value.grad_fn))
    mine = {id(one) for one in frame.names["self"].parameters()}
    statement = _assigning(frame, attribute)
    if len(leaves) != 1 or not mine.issuperset(map(id, leaves)) or statement is None:
        return None
    whole = ast.unparse(statement.targets[0])
    layer, text = whole.removesuffix(f".{attribute}"), ast.unparse(statement.value)
    called = f'torch.func.functional_call({layer}, {{"{attribute}": {text}}}, (x,))'
    if isinstance(looked_up(ast.parse(layer, mode="eval").body, frame), nn.Linear):
        called = f"F.linear(x, {text}, {layer}.bias)"
    return replace(
        told,
        meaning=f"{whole} is to be a parameter, and {text} is computed from another one: it is a "
        "result, of the values of now, and a layer cannot share it.",
        cure=f"Take this line out, and compute it in forward, each time from the parameter as it "
        f"is then: {called} in the place of {layer}(x). A parameter of the same shape is shared as "
        "it is, without an operation on it.",
        place=frame.place,
    )


def _assigning(frame: Frame, attribute: str) -> ast.Assign | None:
    for node in ast.walk(frame.source) if frame.source is not None else ():
        if isinstance(node, ast.Assign) and node.lineno == frame.line:
            is_it = source.spelled(node.targets[0]).endswith(f".{attribute}")
            return node if is_it else None
    return None
