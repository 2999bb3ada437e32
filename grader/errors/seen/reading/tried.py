"""Whether a call of torch's runs on what the failing one was given: tried on copies of it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

MOST_NUMBERS = 4_000_000
"""How many numbers the copies may hold: more would take the reader's time and memory."""


def gives(function: Callable[..., Any], *given: Any, **words: Any) -> Any:
    """What a function of torch's gives for copies of these, or None where it raises.

    Nothing is recorded, no random number is taken from the reader's, and no warning is shown.
    """
    everything = [*given, *words.values()]
    if sum(one.numel() for part in everything for one in _tensors(part)) > MOST_NUMBERS:
        return None
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("error")  # a loss that broadcasts warns, and is no cure
            named = {key: _copied(one) for key, one in words.items()}
            return function(*map(_copied, given), **named)
    except Exception:  # it is no cure, whatever it says
        return None


def _copied(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach().clone()
    if type(value) in (list, tuple):
        return type(value)(map(_copied, value))
    return value


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    return [one for one in value if isinstance(one, Tensor)] if type(value) in (list, tuple) else []
