"""What a notebook calls for chapter 7's picture: explore_norms(x, layer, ...)."""

from __future__ import annotations

from torch import Tensor, nn

from course.widgets.frame.notice import Notice
from course.widgets.frame.player import Player
from course.widgets.norm.picture import NormPicture
from course.widgets.norm.reader import measure

MOST_NUMBERS = 128
MOST_SAMPLES = 6


def explore_norms(x: Tensor, *layers: nn.Module) -> Player | Notice:
    """See which values of ``x`` a layer averages, and which samples have influence on which.

    The layers run for real, each in the mode it is in, on copies: means and variances are those
    that torch saved for the backward pass or keeps as running statistics, and every influence is a
    derivative that autograd computed.

    Args:
        x: a block of shape (N, C, H, W), of at most 6 samples and 128 numbers.
        layers: BatchNorm2d, InstanceNorm2d, LayerNorm or GroupNorm layers that take ``x``.

    Returns:
        The live picture, or a notice that says why there is none.

    Raises:
        ValueError: if ``x`` does not suit a layer, in torch's own words.
    """
    if x.ndim != 4 or not 0 < x.numel() <= MOST_NUMBERS or len(x) > MOST_SAMPLES:
        return Notice(
            f"A picture stays readable up to {MOST_SAMPLES} samples and {MOST_NUMBERS} numbers, of "
            f"shape (N, C, H, W). This tensor has shape {tuple(x.shape)}."
        )
    if not layers:
        return Notice("Name a layer to look at: explore_norms(x, torch.nn.BatchNorm2d(4)).")
    return Player(NormPicture([measure(layer, x) for layer in layers]), "layer", fallback_step=1)
