"""What a notebook calls for chapter 11's picture: explore_batches(loader, ...)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch.utils.data import DataLoader

from course.widgets.batch.picture import BatchPicture
from course.widgets.batch.reader import record
from course.widgets.frame.notice import Notice
from course.widgets.frame.player import Player

MOST_SAMPLES = 20
MOST_RANKS = 3


def explore_batches(*loaders: DataLoader[Any] | Sequence[DataLoader[Any]]) -> Player | Notice:
    """See how the numbers of a dataset become batches, over two epochs.

    Each loader is read for real, by a twin without workers; generators, and the epoch of a sampler
    that has one, are put back afterwards.

    Args:
        loaders: loaders of a dataset of at most 20 samples, one choice each. A list of up to 3
            loaders is one choice: the ranks that share a dataset.

    Returns:
        The live picture, or a notice that says why there is none.

    Raises:
        TypeError: if a loader has no batch sampler that cuts a sampler's numbers.
    """
    groups = [[one] if isinstance(one, DataLoader) else list(one) for one in loaders]
    if not groups or not all(groups):
        return Notice("Name a loader to look at: explore_batches(DataLoader(data, batch_size=3)).")
    for group in groups:
        dataset: Any = group[0].dataset
        count = len(dataset)
        if not 0 < count <= MOST_SAMPLES or len(group) > MOST_RANKS:
            return Notice(
                f"A picture stays readable up to {MOST_SAMPLES} samples and {MOST_RANKS} ranks. "
                f"This is {count} samples, and loaders for {len(group)}."
            )
    return Player(BatchPicture([record(group) for group in groups]), "loader", fallback_step=2)
