"""Mistakes of calling a module: its forward by hand, past the hooks that stand on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from grader.trusted.key import mistake

Mistakes = tuple[Callable[..., Any], ...]


def past_hooks(reference: Callable[..., Any], call: str = "model(x)") -> Mistakes:
    """The right answer, computed while the modules that it is given have no forward hooks."""

    def forward_called(*given: Any) -> Any:
        hooks = [one._forward_hooks for one in given if isinstance(one, nn.Module)]
        standing = [dict(one) for one in hooks]
        for one in hooks:
            one.clear()
        try:
            return reference(*given)
        finally:
            for one, before in zip(hooks, standing, strict=True):
                one.update(before)

    called = call.partition("(")[0]
    sentence = (
        f"A hook that stands on {called} did not run: you called its forward, or its parts one by "
        f"one. Call it as a whole: {call} runs its hooks as well."
    )
    return (mistake("forward_called", sentence, forward_called),)
