"""What a notebook calls for chapter 5's picture: explore_hooks(model, x)."""

from __future__ import annotations

import torch
from torch import nn

from course.widgets.frame.notice import Notice
from course.widgets.frame.player import Player
from course.widgets.hook.picture import HookPicture
from course.widgets.hook.recorder import UnsuitableError, record

MOST_LAYERS = 4
MOST_CALLS = 80


def explore_hooks(model: nn.Sequential, x: torch.Tensor, at: str | None = None) -> Player | Notice:
    """See which hook is called when in one forward and one backward pass, with which tensors.

    Hooks of ten kinds are registered on copies of ``model`` and ``x``, and the copies are run:
    once with hooks that observe, and once for each choice, in which one hook gives ten times what
    it was called with. Your model, your tensor and the random state stay as they are.

    Args:
        model: up to four layers, each from one tensor to one tensor.
        x: a batch for it.
        at: the name of the layer whose hooks may change something; the last one if None.

    Returns:
        The live picture, or a notice that says why there is none.
    """
    if not isinstance(model, nn.Sequential) or not 0 < len(model) <= MOST_LAYERS:
        return Notice(f"The timeline is drawn for an nn.Sequential of 1 to {MOST_LAYERS} layers.")
    if not isinstance(x, torch.Tensor) or not x.is_floating_point():
        return Notice("x must be a tensor of floating point numbers: hooks follow its gradient.")
    names = [name for name, _ in model.named_children()]
    where = names[-1] if at is None else at
    if where not in names:
        return Notice(f"The model has no layer {where!r}: its layers are {', '.join(names)}.")
    try:
        timeline = record(model, x, where)
    except UnsuitableError as error:
        return Notice(f"There is no timeline of this model: {error}.")
    except RuntimeError as error:
        first = str(error).split("\n")[0].split(". ")[0]
        return Notice(
            f"The model raises under hooks: {first}.",
            ("A layer that works in place next to a full backward hook is refused: use "
             "inplace=False.",) if "inplace" in first else (),
        )  # fmt: skip
    if len(timeline.runs[0].events) > MOST_CALLS:
        return Notice(
            f"Hooks are called {len(timeline.runs[0].events)} times here, and a timeline stays "
            f"readable up to {MOST_CALLS}: take fewer layers."
        )
    return Player(HookPicture(timeline), label="hooks")
