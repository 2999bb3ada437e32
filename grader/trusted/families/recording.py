"""Mistakes with the switches of recording: left off for the rest of the program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from grader.trusted.key import mistake

Mistakes = tuple[Callable[..., Any], ...]


def left_off(reference: Callable[..., Any]) -> Mistakes:
    """The right answer, after which nothing is recorded any more."""

    def recording_left_off(*given: Any) -> Any:
        found = reference(*given)
        torch.set_grad_enabled(False)
        return found

    sentence = (
        "Your function left recording switched off, so that nothing after it is recorded: "
        "torch.set_grad_enabled(False) stays in force. `with torch.no_grad():` ends by itself."
    )
    return (mistake("recording_left_off", sentence, recording_left_off),)
