"""Sentences for exercises whose module is to stay as it is: what their effects mean there."""

from __future__ import annotations


def left_alone(module: str, instead: str) -> dict[str, str]:
    """What is said of an effect on a module. `module` is how the exercise calls it, `instead` a
    sentence on what to do."""
    return {
        "SIDE.requires_grad": f"You changed requires_grad of a parameter of {module} or of an "
        f"argument, and left it changed. {instead}",
        "SIDE.grad": f"You changed a .grad that lay in {module} or in an argument. What lies there "
        f"belongs to the caller's training. {instead}",
        "SIDE.training": f"You left a part of {module} in another mode than it came in, train or "
        f"eval. {instead}",
    }
