"""The exercise that makes a run repeatable."""

import builtins
import contextlib
import itertools
import os
import random
from collections.abc import Iterator
from typing import Any

import numpy
import torch

from grader.engine.task import Case, Inputs, Rng, Task, case

LIBRARIES = ("random", "numpy", "torch")

_random, _numpy, _torch = random.random, numpy.random.rand, torch.rand
"""Taken before any answer runs, which could put others in their place."""

_DEFAULTS = [1, 2, 3, 7, 10, 42, 100, 123, 1234, 1337, 12345, *range(2020, 2031), 2**32 - 1]
"""What stands in for a seed where somebody takes 0 for none."""


class SeedEverything(Task):
    """Seed the three generators that a training commonly draws from, so that what is drawn after
    seed_everything(n) is the same every time, also in the next process: Python's random, NumPy's
    global one (numpy.random.*) and torch's default one. 0 <= n < 2**32, and another n gives other
    numbers. What you return is not used."""

    id = "seed_everything"
    signatures = ("seed_everything(n) -> None",)
    title, points, difficulty, minutes = "The same run again", 5, 1, 6
    hints = (
        "Read the section on seeds. How many generators are there, and does one know of the "
        "others?",
        "Draw a number from each of the three after a seed, seed again, and draw again. Which of "
        "them differ?",
        "Each library has a function of its own: random and numpy.random call it seed, torch calls "
        "it manual_seed. A generator that you make and drop is a fourth one.",
    )
    allows = frozenset({"rng", "deterministic"})
    CASES = (
        case("a seed below a hundred", low=3, high=97, visible=True),
        case("0", low=0, high=1),
        case("the largest", low=2**32 - 1, high=2**32),
        case("a large seed", low=2**31, high=2**32 - 3),
        case("two seeds far apart", low=2**31 + 5, high=2**32 - 3, apart=2**31),
        case("two seeds that end alike", low=10**6 + 5, high=2**31, apart=10**6),
        case("a seed that was used before", low=3, high=97, before=True, visible=True),
        case("many seeds", low=2**31 + 5, high=2**32 - 3, many=True),
        case("in two processes", low=3, high=97, processes=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        n = int(rng.integers(case["low"], case["high"]))
        return {"n": n, "others": _DEFAULTS if n == 0 else [n - case.params.get("apart", 1)]}

    def observe(self, seed_everything, n, others, before=False, many=False, processes=False):
        others = _many(n) if many else others
        environment, backend = {**os.environ}, torch.backends.cudnn
        flags = backend.deterministic, backend.benchmark
        try:
            if before:
                seed_everything(n)
            runs = []
            for count, seed in enumerate((n, n, *others)):
                _draw(5)
                with _other_hashes() if processes and count == 1 else contextlib.nullcontext():
                    seed_everything(seed)
                runs.append(_draw(7))
        finally:
            for name in os.environ.keys() - environment.keys():
                del os.environ[name]
            os.environ.update(environment)
            backend.deterministic, backend.benchmark = flags
        return {
            **{f"{name} repeats": runs[0][name] == runs[1][name] for name in LIBRARIES},
            **{
                f"{name} differs with another seed": _all_unlike([run[name] for run in runs[1:]])
                for name in LIBRARIES
            },
        }


@contextlib.contextmanager
def _other_hashes() -> Iterator[None]:
    """hash() of texts gives other numbers here, as it does in every other process."""
    hashed = builtins.hash
    builtins.hash = lambda one: hashed((one, 1) if _holds_a_text(one) else one)
    try:
        yield
    finally:
        builtins.hash = hashed


def _holds_a_text(one: Any) -> bool:
    inside = isinstance(one, tuple | frozenset) and any(map(_holds_a_text, one))
    return inside or isinstance(one, str | bytes)


def _many(n: int) -> list[int]:
    """Seeds whose distances from one another hold every number up to 10,501, and large ones: so any
    number up to that is found with which somebody makes seeds smaller. The near ones are the marks
    of a ruler by B. Wichmann (1963), which needs few of them."""
    steps = [1] * 29 + [30] + [59] * 29 + [119] * 58 + [60] * 30 + [1] * 29
    far = [2**power for power in range(14, 31)] + [10**5, 10**6]
    return [n - distance for distance in [*itertools.accumulate(steps), *far]]


def _all_unlike(drawn: list[list[Any]]) -> bool:
    """Whether no two of some rows of numbers are the same."""
    return len(set(map(tuple, drawn))) == len(drawn)


def _draw(count: int) -> dict[str, list[Any]]:
    """That many numbers from the generator of each library."""
    return {
        "random": [_random() for _ in range(count)],
        "numpy": _numpy(count).tolist(),
        "torch": _torch(count, dtype=torch.float64).tolist(),
    }
