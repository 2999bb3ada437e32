"""What a loss leads back to: the graph below it, walked once."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from torch import Tensor

from course.companion.record.sizes import nodes


class Reach:
    """The nodes below a loss, and the leaves in which they accumulate."""

    root: Any

    def __init__(self, loss: Tensor) -> None:
        self.root = loss.grad_fn
        self.nodes: list[Any] = nodes([self.root]) if self.root is not None else []

    @cached_property
    def _known(self) -> set[Any]:
        return set(self.nodes)

    @cached_property
    def _above(self) -> dict[Any, list[Any]]:
        above: dict[Any, list[Any]] = {}
        for node in self.nodes:
            for below, _ in node.next_functions:
                if below is not None:
                    above.setdefault(below, []).append(node)
        return above

    @cached_property
    def _ends(self) -> dict[int, Any]:
        return {id(node.variable): node for node in self.nodes if hasattr(node, "variable")}

    @property
    def leaves(self) -> set[int]:
        """The ids of the leaves that gradients accumulate in."""
        return set(self._ends)

    @property
    def found(self) -> list[Tensor]:
        """Those leaves themselves."""
        return [node.variable for node in self._ends.values()]

    def __contains__(self, tensor: Tensor) -> bool:
        if tensor.grad_fn is not None:
            return tensor.grad_fn in self._known
        return id(tensor) in self._ends

    def target(self, tensor: Tensor) -> Any:
        """The node at which a tensor's gradient arrives."""
        if tensor.grad_fn is not None:
            return tensor.grad_fn
        return self._ends.get(id(tensor))

    def leading_to(self, target: Any) -> set[Any]:
        """Every node from which a target is reached, itself included."""
        above = self._above
        found, ahead = {target}, [target]
        while ahead:
            for node in above.get(ahead.pop(), ()):
                if node not in found:
                    found.add(node)
                    ahead.append(node)
        return found
