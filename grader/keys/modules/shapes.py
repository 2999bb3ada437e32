"""Reference and mistakes of the exercise on the size of an image on its way through a net."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from grader.trusted.families.pairs import every_two
from grader.trusted.key import Key, mistake


@dataclass(frozen=True)
class _Way:
    """What happens to a side of an image, and what its sides and channels make together."""

    kernel: int = 5
    taken_off: int = 1
    padded: int = 2
    padded_again: int = 0
    halved: Callable[[float], float] = math.floor
    first_pool: int = 2
    second_pool: int = 2
    second_convolution: bool = True
    channels: int = 16
    other_side: bool = True


def _inputs(way: _Way, height: int, width: int, padding: int) -> int:
    def side(n: float) -> int:
        n = way.halved((n + way.padded * padding - way.kernel + way.taken_off) / way.first_pool)
        if way.second_convolution:
            n = n + way.padded_again * padding - way.kernel + way.taken_off
        return int(way.halved(n / way.second_pool))

    return way.channels * side(height) * (side(width) if way.other_side else side(height))


def _last_image(height: int, width: int, padding: int) -> tuple[int, int, int]:
    """Channels and sides of what is flattened, seen by running it."""
    stages = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=padding),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.MaxPool2d(2),
    )
    with torch.no_grad():
        _, channels, rows, columns = stages(torch.zeros(1, 1, height, width)).shape
    return channels, rows, columns


def _by_a_dry_run(height: int, width: int, padding: int) -> int:
    return math.prod(_last_image(height, width, padding))


_WRONG: dict[str, tuple[_Way, str]] = {
    "one_less_is_taken_off": (
        _Way(taken_off=0),
        "You took 5 off each side. A kernel of 5 fits into n places at n - 4 positions: n - 5 + 1.",
    ),
    "nothing_is_taken_off": (
        _Way(kernel=1),
        "Your convolutions leave the sides as they are. Without padding a kernel of 5 takes 4 off "
        "each side.",
    ),
    "padding_on_one_side": (
        _Way(padded=1),
        "You added the padding once. It is put on at both ends of a side: twice.",
    ),
    "padding_counted_twice": (
        _Way(padded=4),
        "You added four times the padding. It is put on at both ends of a side: twice.",
    ),
    "padding_forgotten": (
        _Way(padded=0),
        "You left out the padding. It adds twice its number to each side, before the first "
        "convolution.",
    ),
    "padding_in_both_convolutions": (
        _Way(padded_again=2),
        "You gave the padding to the second convolution too. The first alone has it.",
    ),
    "rounded_up": (
        _Way(halved=math.ceil),
        "You rounded up where a side is odd. Pooling by 2 leaves out what does not fill a window: "
        "it rounds down.",
    ),
    "rounded_to_the_nearest": (
        _Way(halved=round),
        "You rounded to the nearest number. Pooling by 2 leaves out what does not fill a window: "
        "it rounds down.",
    ),
    "second_pooling_forgotten": (
        _Way(second_pool=1),
        "You left out the second pooling. It halves each side once more.",
    ),
    "first_pooling_forgotten": (
        _Way(first_pool=1),
        "You left out the first pooling. It halves each side, before the second convolution.",
    ),
    "second_convolution_forgotten": (
        _Way(second_convolution=False),
        "You left out the second convolution, which takes 4 off each side again.",
    ),
    "channels_of_the_first": (
        _Way(channels=6),
        "You multiplied by the 6 channels of the first convolution. The image that is flattened "
        "has the 16 of the second.",
    ),
    "one_channel": (
        _Way(channels=1),
        "You left out the channels: the numbers of all 16 are flattened into one row.",
    ),
    "channels_of_both": (
        _Way(channels=96),
        "You multiplied by 6 and by 16. The second convolution makes 16 channels out of the 6, and "
        "those alone are left.",
    ),
    "height_twice": (
        _Way(other_side=False),
        "You took the height for both sides. An image need not be square: work out the width by "
        "itself.",
    ),
}


def _mistakes() -> Iterator[Callable[..., Any]]:
    for name, (way, sentence) in _WRONG.items():
        yield mistake(
            name,
            sentence,
            lambda height, width, padding, way=way: _inputs(way, height, width, padding),
        )


class LenetShapesKey(Key, task="lenet_shapes"):
    reference = _by_a_dry_run
    families = tuple(_mistakes())
    # Padding left out before the first convolution and put on before the second is four times it.
    pairs = tuple(p for p in every_two(_inputs, _WRONG) if p.name.count("padding") < 2)

    def rounded_once(height, width, padding):
        """You rounded once, at the end. Each pooling rounds down: use // in both places."""

        def side(n):
            return ((n + 2 * padding - 4) / 2 - 4) / 2

        return int(16 * side(height) * side(width))

    def any_padding_keeps_the_size(height, width, padding):
        """You took a padding for one that keeps the sides as they are, which for a kernel of 5 is 2
        alone. A side becomes n + 2 * padding - 4."""

        def side(n):
            return ((n if padding else n - 4) // 2 - 4) // 2

        return 16 * side(height) * side(width)

    def second_pool_of_the_area(height, width, padding):
        """You divided the number of all pixels by 4 at the second pooling, and rounded that. It
        rounds down each side by itself: halve both, and multiply then."""

        def side(n):
            return (n + 2 * padding - 4) // 2 - 4

        return 16 * (side(height) * side(width) // 4)

    def sides_added(height, width, padding):
        """You added the sides. A channel of the last image holds height times width numbers."""
        channels, rows, columns = _last_image(height, width, padding)
        return channels * (rows + columns)

    def width_twice(height, width, padding):
        """You took the width for both sides. An image need not be square: work out the height by
        itself."""
        return _by_a_dry_run(width, width, padding)

    def as_a_float(height, width, padding):
        """You returned a float, and nn.Linear wants an int: divide with //."""
        return float(_by_a_dry_run(height, width, padding))

    def shape_of_the_last_image(height, width, padding):
        """You returned the shape of the last image. The product of its sizes is asked for, one
        int."""
        return _last_image(height, width, padding)
