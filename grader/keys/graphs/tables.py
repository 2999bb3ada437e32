"""References and mistakes of the exercises that predict."""

from collections.abc import Callable

import torch
from torch import Tensor

from grader.trusted.key import Key


class WillItRaiseKey(Key, task="will_it_raise"):
    def reference(expression: str, x: Tensor, retain_graph: bool) -> bool:
        y = eval(expression, {"x": x.detach().clone().requires_grad_()})
        y.backward(retain_graph=retain_graph)
        try:
            y.backward()
        except RuntimeError:
            return False
        return True

    def always_raises():
        """You answer False always. A second pass fails only where a node needs a tensor it saved;
        adding saves nothing, and a leaf has no node at all."""
        return False

    def never_raises():
        """You answer True always. A node that saved tensors, such as that of a product, cannot run
        a second time once they are freed."""
        return True

    def every_non_leaf_raises(expression, retain_graph):
        """You take every computed tensor for one that raises. Only nodes that saved something do:
        x + 1, -x and x.sum() can run backward again."""
        return expression == "x" or retain_graph

    def retain_graph_ignored(expression, x):
        """You did not use retain_graph. If the first pass keeps the saved tensors, the second one
        finds them."""
        return WillItRaiseKey.reference(expression, x, False)


def _flags(expression: str, x: Tensor, c: Tensor, no_grad: bool) -> tuple[bool, bool]:
    with torch.set_grad_enabled(not no_grad):
        value = eval(expression, {"x": x, "c": c, "torch": torch})
    return value.requires_grad, value.is_leaf


def _pretend(text: str) -> Callable[..., tuple[bool, bool]]:
    """The flags under the belief that expressions containing `text` hand requires_grad on."""

    def believed(expression: str, x: Tensor, c: Tensor, no_grad: bool) -> tuple[bool, bool]:
        if text in expression and not no_grad:
            return True, False
        return _flags(expression, x, c, no_grad)

    return believed


class RequiresGradTableKey(Key, task="requires_grad_table"):
    reference = _flags

    def everything_from_x(expression, x, c, no_grad):
        """You let everything computed from x require grad. Comparisons, argmax and integer casts
        have no gradient, so their results do not."""
        if any(text in expression for text in (">", "==", "argmax", "long")) and not no_grad:
            return True, False
        return _flags(expression, x, c, no_grad)

    def comparison_requires_grad(expression, x, c, no_grad):
        """You let a comparison require grad. Its result is boolean, and only floating point and
        complex tensors can."""
        if any(text in expression for text in (">", "==")) and not no_grad:
            return True, False
        return _flags(expression, x, c, no_grad)

    def argmax_requires_grad(expression, x, c, no_grad):
        """You let argmax require grad. It returns an integer position, which has no derivative."""
        return _pretend("argmax")(expression, x, c, no_grad)

    def cast_requires_grad(expression, x, c, no_grad):
        """You let .long() require grad. A cast to integers cuts the graph."""
        return _pretend("long")(expression, x, c, no_grad)

    def computed_is_never_leaf(expression, x, c, no_grad):
        """You take every computed tensor for a non-leaf. A tensor that does not require grad is a
        leaf, even if an operation made it."""
        requires_grad, _ = _flags(expression, x, c, no_grad)
        return requires_grad, expression in ("x", "c")

    def no_grad_ignored(expression, x, c):
        """You did not use no_grad. Inside it nothing is recorded: results do not require grad."""
        return _flags(expression, x, c, False)
