"""Reference and mistakes of the exercise that makes a run repeatable."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy
import torch

from grader.trusted.key import Key, mistake, raises


def _seed(n: int, *libraries: str) -> None:
    """Seed the generators of the libraries that are named."""
    if "random" in libraries:
        random.seed(n)
    if "numpy" in libraries:
        numpy.random.seed(n)
    if "torch" in libraries:
        torch.default_generator.manual_seed(n)  # without a look at every kind of device


_CAUSES = {
    "random": "random.seed(n) seeds Python's; random.Random(n) is a generator of its own.",
    "numpy": "numpy.random.seed(n) seeds NumPy's global one; numpy.random.default_rng(n) is a "
    "generator of its own.",
    "torch": "torch.manual_seed(n) seeds torch's, also on every GPU; "
    "torch.Generator().manual_seed(n) is a generator of its own, and torch.seed() draws a seed.",
}


def _only(*libraries: str) -> Callable[..., Any]:
    others = [name for name in _CAUSES if name not in libraries]
    seeded = " and ".join(libraries)
    left = " and ".join(others)
    word = "repeats" if len(libraries) == 1 else "repeat"
    said = f"Of the three, {seeded} {word}, and {left} {'goes' if len(others) == 1 else 'go'} on."
    sentence = " ".join((said, *(_CAUSES[name] for name in others)))
    return mistake(f"{'_and_'.join(libraries)}_alone", sentence, lambda n: _seed(n, *libraries))


def _constant(*libraries: str) -> Callable[..., Any]:
    """The seed of some libraries does not depend on n."""
    names = " and ".join(libraries)
    sentence = (
        f"What {names} draws is the same here for two numbers n: you seed with a number that is "
        "not n. Then two runs with other seeds can be one run."
    )

    def seeded(n: int) -> None:
        _seed(n, *_CAUSES)
        _seed(1, *libraries)

    return mistake(f"one_seed_for_{'_and_'.join(libraries)}", sentence, seeded)


def _cut(*libraries: str) -> Callable[..., Any]:
    """Some libraries get a seed that does not hold all of n."""
    larger = ", or larger than 32 bits hold, of which torch on a CPU keeps the lower ones"
    sentence = (
        f"What {' and '.join(libraries)} draws is the same for two seeds that are 2**31 apart. "
        f"You make n smaller before you seed{larger if 'torch' in libraries else ''}. Seed "
        "with n itself."
    )

    def seeded(n: int) -> None:
        _seed(n, *_CAUSES)
        _seed(n % 2**31, *libraries)

    return mistake(f"seed_cut_for_{'_and_'.join(libraries)}", sentence, seeded)


def _smaller(way: str, smaller: Callable[[int], int]) -> Iterator[Callable[..., Any]]:
    """Some libraries, or all, are seeded with a smaller number, the same for several n."""
    for count in (1, 2, 3):
        for libraries in itertools.combinations(_CAUSES, count):

            def seeded(n: int, libraries: tuple[str, ...] = libraries) -> None:
                _seed(n, *_CAUSES)
                _seed(smaller(n), *libraries)

            yield mistake(
                f"seed_{way}_for_{'_and_'.join(libraries)}",
                f"What {' and '.join(libraries)} draws is the same for several n: what you seed "
                "with is the same for them, as n % 1000 and n // 2 are. Seed with n itself.",
                seeded,
            )


class SeedEverythingKey(Key, task="seed_everything"):
    families = (
        _only("torch"),
        _only("random"),
        _only("numpy"),
        _only("random", "torch"),
        _only("numpy", "torch"),
        _only("random", "numpy"),
        _constant("random"),
        _constant("numpy"),
        _constant("torch"),
        _cut("torch"),
        _cut("numpy"),
        _cut("numpy", "torch"),
        *_smaller("modulo_997", lambda n: n % 997),
        *_smaller("modulo_1000", lambda n: n % 1000),
        *_smaller("modulo_65536", lambda n: n % 65536),
        *_smaller("halved", lambda n: n // 2),
    )

    def reference(n: int) -> None:
        _seed(n, *_CAUSES)

    def nothing_seeded(n):
        """None of the three repeats. Generators that you make and drop (random.Random(n),
        numpy.random.default_rng(n), torch.Generator()) leave the global ones as they are; seeding
        without n, as random.seed() or torch.seed(), draws a seed anew; and what is seeded in the
        first call alone goes on in all others."""

    def one_seed_for_all(n):
        """The numbers repeat, and they are the same for every n. Seed with n."""
        _seed(1, *_CAUSES)

    def one_seed_for_torch_alone(n):
        """torch repeats, and draws the same for every n: you seed it with a number that is not n.
        random and numpy go on: random.seed(n) and numpy.random.seed(n) are missing."""
        _seed(1, "torch")

    def nothing_for_zero(n):
        """With the seed 0 you seed nothing, as under `if n`, which takes 0 for no seed. 0 is a seed
        like any other."""
        if n:
            _seed(n, *_CAUSES)

    def default_for_zero(n):
        """With the seed 0 you seed with another number, as `n or 42` does, or max(n, 1). 0 is a
        seed like any other."""
        _seed(n or 42, *_CAUSES)

    def seed_cut_to_31_bits(n):
        """You make n smaller before you seed, and two seeds that are 2**31 apart then give the
        same. Seed with n itself."""
        _seed(n % 2**31, *_CAUSES)

    def one_seed_by_default(n):
        """You seed with a number that is not n, Python's generator and NumPy's alike. Then two runs
        with other seeds share it: seed with n."""
        _seed(n, "torch")
        _seed(1, "random", "numpy")

    def hash_of_a_text(n):
        """You seed with hash() of a text, and in another process it is another number: the next run
        of the script does not repeat this one. Seed with n itself."""
        _seed(hash(("seed", n)) % 2**32, *_CAUSES)

    def numpy_by_the_seed_before(n):
        """NumPy's seed comes from what a generator holds before you seed it, as from
        torch.initial_seed() above torch.manual_seed(n). Hand n to all three."""
        numpy.random.seed(torch.initial_seed() % 2**32)
        _seed(n, "random", "torch")

    @raises(r"Seed must be between 0 and 2\*\*32 - 1")
    def beyond_numpys_range(n):
        """NumPy takes seeds from 0 to 2**32 - 1, and you hand it a number that is larger than n.
        Hand over n itself."""
        _seed(n, "random", "torch")
        numpy.random.seed(n + 1)
