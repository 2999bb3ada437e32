"""What goes wrong with a loss function that an exercise hands over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor, nn

from grader.trusted.key import mistake

Answer = Callable[..., Any]


def of_a_given_loss(reference: Answer, at: int) -> Iterator[Answer]:
    """Mistakes of an answer whose argument number `at` is the loss function.

    A case in which they show has a loss that is no mean squared error, and another one with its
    arguments exchanged.
    """

    def with_loss(changed: Callable[[Answer], Answer]) -> Answer:
        def wrong(*given: Any) -> Any:
            return reference(*given[:at], changed(given[at]), *given[at + 1 :])

        return wrong

    yield mistake(
        "loss_arguments_exchanged",
        "You called loss_fn with the target first. For a mean squared error the order makes no "
        "difference, and for other losses it does: loss_fn(model(x), y).",
        with_loss(lambda loss_fn: lambda prediction, y: loss_fn(y, prediction)),
    )
    yield mistake(
        "own_loss",
        "You computed a mean squared error of your own. Another loss may be handed over: call "
        "loss_fn(model(x), y).",
        with_loss(lambda loss_fn: _mean_square),
    )


def _mean_square(prediction: Tensor, y: Tensor) -> Tensor:
    return nn.functional.mse_loss(prediction, y)
