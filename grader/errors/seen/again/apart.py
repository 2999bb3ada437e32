"""Two losses of two optimizers that share a result which a net of one of them computed.

Detached, that result would train that net no longer: it is computed anew, of what went into it.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from grader.errors.seen.again import graph
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frame, held
from grader.errors.seen.reading.lookup import looked_up


@dataclass(frozen=True)
class Turns:
    """The optimizers that step about a backward that failed, in the code around it."""

    frame: Frame
    scope: ast.AST
    first: int
    """The line of the backward before the failing one."""

    @property
    def are_taken(self) -> bool:
        """Whether anything steps or is emptied between the two passes."""
        inside = source.calls(self.scope, "step", "zero_grad")
        return any(self.first <= line <= self.frame.line for line, _ in inside)

    @property
    def earlier(self) -> tuple[str, torch.optim.Optimizer] | None:
        """The optimizer that steps between them."""
        lines = [one for one in self._steps() if self.first <= one[0] < self.frame.line]
        return lines[0][1:] if lines else None

    @property
    def later(self) -> tuple[str, torch.optim.Optimizer] | None:
        """The one that steps behind the failing pass."""
        lines = [one for one in self._steps() if one[0] >= self.frame.line]
        return lines[0][1:] if lines else None

    def _steps(self) -> list[tuple[int, str, torch.optim.Optimizer]]:
        found = []
        for node in ast.walk(self.scope):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr == "step":
                of = node.args[0] if node.args else node.func.value
                value = looked_up(of, self.frame)
                if isinstance(value, torch.optim.Optimizer):
                    found.append((node.lineno, ast.unparse(of), value))
        return sorted(found, key=lambda one: one[0])


def stepped(frame: Frame, scope: ast.AST, first: int) -> str | None:
    """The call of an optimizer's that steps between two passes: `optimizer.first_step()`."""
    for node in ast.walk(scope):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        is_between = first <= node.lineno < frame.line and "step" in node.func.attr
        if is_between and isinstance(looked_up(node.func.value, frame), torch.optim.Optimizer):
            return source.spelled(node)
    return None


def anew(turns: Turns, name: str, hanging: Mapping[str, Tensor]) -> str | None:
    """The cure where a loss trains what the shared result was computed by; None elsewhere."""
    earlier, later = turns.earlier, turns.later
    if earlier is None or later is None or earlier[1] is later[1]:
        return None
    if (text := _again(turns, name, hanging, later[1])) is not None:
        return (
            f"This loss trains what {later[0]} holds, through {name}: do not detach {name}, but "
            f"compute one for this loss alone, of what is not to be trained by it: own = {text}, "
            f"and own in the place of {name} in this loss."
        )
    if (text := _again(turns, name, hanging, earlier[1])) is not None:
        return (
            f"The first loss trains what {earlier[0]} holds, through {name}: do not detach {name}, "
            f"but give that loss one of its own, own = {text}, and own in the place of {name} "
            f"there. Compute {name} and this loss behind {earlier[0]}.step(), from the updated "
            "weights."
        )
    return None


def _again(
    turns: Turns, name: str, hanging: Mapping[str, Tensor], optimizer: torch.optim.Optimizer
) -> str | None:
    """The call that made the shared result, of a detached input that the optimizer has no part in.

    None where the optimizer has no part in the result itself.
    """
    mine = {id(one) for one in held(optimizer)}
    if not _has_part(hanging[name], mine):
        return None
    made = [
        one
        for one in _assigned(turns, name)
        if isinstance(one.value, ast.Call) and one.lineno < turns.frame.line
    ]
    if not made:
        return None
    value = copy.deepcopy(made[-1].value)
    inputs = [
        node
        for node in ast.walk(value)
        if isinstance(node, ast.Name)
        and node.id in hanging
        and node.id != name
        and graph.leaves(graph.nodes(hanging[node.id].grad_fn))
    ]
    if not inputs or any(_has_part(hanging[one.id], mine) for one in inputs):
        return None
    return ast.unparse(Detached({one.id for one in inputs}).visit(value))


class Detached(ast.NodeTransformer):
    """Puts detach() behind names."""

    def __init__(self, names: set[str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """`fake.detach()` for `fake`."""
        if node.id not in self.names:
            return node
        return ast.Call(ast.Attribute(node, "detach", ast.Load()), [], [])


def _has_part(value: Tensor, held: set[int]) -> bool:
    return any(id(one) in held for one in graph.leaves(graph.nodes(value.grad_fn)))


def _assigned(turns: Turns, name: str) -> Iterator[ast.Assign]:
    for one in source.assigned(turns.frame.source or turns.scope, name):
        if isinstance(one, ast.Assign) and not isinstance(one.targets[0], ast.Tuple | ast.List):
            yield one
