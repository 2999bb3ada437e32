"""What a notebook calls for chapter 13's picture: explore_pipeline(stages, micro)."""

from __future__ import annotations

from course.widgets.frame.notice import Notice
from course.widgets.frame.player import Player
from course.widgets.pipeline.picture import PipelinePicture
from course.widgets.pipeline.schedules import gpipe, one_forward_one_backward, whole_batch

MOST_STAGES, MOST_MICRO = 5, 8


def explore_pipeline(stages: int = 3, micro: int = 4) -> Player | Notice:
    """Step through a batch on its way through some stages, and see who waits.

    Args:
        stages: into how many parts the layers are cut, 1 to 5.
        micro: into how many micro-batches the batch is cut, 1 to 8.

    Returns:
        The live picture, with three schedules to choose from, or a notice that says why there is
        none.
    """
    if not (1 <= stages <= MOST_STAGES and 1 <= micro <= MOST_MICRO):
        return Notice(
            f"A picture stays readable from 1 to {MOST_STAGES} stages, and from 1 to {MOST_MICRO} "
            f"micro-batches. These are {stages} and {micro}."
        )
    makers = (gpipe, one_forward_one_backward, whole_batch)
    schedules = [make(stages, micro) for make in makers]
    return Player(PipelinePicture(schedules), "schedule", fallback_step=stages + micro)
