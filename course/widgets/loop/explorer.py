"""What a notebook calls for chapter 6's picture: explore_loop()."""

from __future__ import annotations

from course.widgets.frame.player import Player
from course.widgets.loop.model import MakeOptimizer, runs_of, standard_runs
from course.widgets.loop.picture import LoopPicture


def explore_loop(make: MakeOptimizer | None = None, name: str = "make([p])") -> Player:
    """Step through a training loop line by line, and see what each line reads and writes.

    Two numbers p are trained on a loss that is a valley, by a real torch optimizer. Without an
    argument, the choices are four optimizers with the lines in the usual order, then plain SGD with
    the lines in other orders.

    Args:
        make: gives an optimizer for a list of parameters, such as
            ``lambda ps: torch.optim.SGD(ps, lr=0.3)``; the choices are then the orders.
        name: what to call that optimizer in the picture.

    Returns:
        The live picture.
    """
    planned = standard_runs() if make is None else runs_of(make, name)
    return Player(LoopPicture(planned), "loop", fallback_step=4)
