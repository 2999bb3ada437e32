"""The exercise that cuts a dataset into parts at random."""

from typing import Any

import torch
from torch import Tensor

from grader.engine.task import Case, Inputs, Rng, Task, case
from grader.engine.text import type_name


class SplitIndices(Task):
    """Cut the numbers 0 to n - 1 at random into as many parts as fracs has entries, and return a
    list of int64 tensors of one axis each. Part k has floor(n * fracs[k]) numbers, and the numbers
    that are then left over go one each to the first parts. Every number is in one part. Which
    numbers a part holds is drawn from generator and nothing else, so that a generator with the same
    seed gives the same parts; torch's own random state stays as it was. The entries of fracs add up
    to 1."""

    id = "split_indices"
    signatures = ("random_parts(n, fracs, generator) -> parts",)
    title, points, difficulty, minutes = "Training, validation, test", 6, 2, 12
    hints = (
        "Read section 11.5, on splitting. How often may a number occur in all parts together, and "
        "how many random orders does that take?",
        "Draw one order of all numbers, and cut it. Work out the sizes first, and see how many "
        "numbers they leave over.",
        "torch.randperm takes a generator. split of a tensor takes a list of sizes.",
    )
    CASES = (
        case("23 by 0.5, 0.25 and 0.25", n=23, fracs=[0.5, 0.25, 0.25], visible=True),
        case("two left over", n=23, fracs=[0.7, 0.2, 0.1], visible=True),
        case("none left over", n=24, fracs=[0.5, 0.375, 0.125]),
        case("four parts", n=31, fracs=[0.25, 0.25, 0.25, 0.25]),
        case("four parts of three sizes", n=21, fracs=[0.125, 0.375, 0.25, 0.25]),
        case("a large last part", n=29, fracs=[0.125, 0.25, 0.625]),
        case("a drawn number of samples", fracs=[0.5, 0.25, 0.25]),
        case("parts of many numbers", n=53, fracs=[0.5, 0.25, 0.25]),
        case("one number", n=1, fracs=[0.5, 0.25, 0.25]),
        case("one part", n=13, fracs=[1.0]),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        n = {} if "n" in case.params else {"n": int(rng.integers(20, 60).item())}
        return {"seed": int(rng.integers(0, 10**6).item()), **n}

    def observe(self, random_parts, n, fracs, seed):
        kept = []

        def parts(seed: int, generator: torch.Generator | None = None) -> list[Any]:
            generator = generator or torch.Generator().manual_seed(seed)
            own = list(fracs)
            given = random_parts(n, own, generator)
            kept.append(own == list(fracs))
            if not isinstance(given, list | tuple | Tensor):
                what = "None" if given is None else f"a {type_name(type(given))}"
                raise TypeError(f"{what} is no list of parts")
            return [given] if isinstance(given, Tensor) else list(given)

        first, again, other = parts(seed), parts(seed), parts(seed + 1)
        generator = torch.Generator().manual_seed(seed)
        twice = [_numbers(parts(seed, generator)) for _ in range(2)]
        numbers = [number for part in _numbers(first) for number in part]
        found = {
            "sizes": [len(part) for part in _numbers(first)],
            "kinds of the parts": [_kind(part) for part in first],
            "numbers that are in no part": sorted(set(range(n)) - set(numbers)),
            "numbers that are in a part twice, or in two": sorted(
                {number for number in numbers if numbers.count(number) > 1}
            ),
            "the same seed gives the same parts": _numbers(first) == _numbers(again),
            "fracs is as it was": all(kept),
        }
        if n == 1:
            return found
        return found | {
            "another seed gives other parts": _numbers(first) != _numbers(other),
            "the generator's next draw gives other parts": twice[0] != twice[1],
            "parts whose numbers come in order": _sorted(_numbers(first)),
            **_held(_numbers(first), n),
        }


def _numbers(parts: list[Any]) -> list[list[int]]:
    return [part.flatten().tolist() if isinstance(part, Tensor) else list(part) for part in parts]


def _sorted(parts: list[list[int]]) -> list[int]:
    """Which parts come in order, up or down, of those that chance alone does not sort."""
    return [
        k
        for k, part in enumerate(parts)
        if len(part) > 12 and part in (sorted(part), sorted(part, reverse=True))
    ]


def _held(parts: list[list[int]], n: int) -> dict[str, bool]:
    """Whether each part holds a range of neighbours, as a cut of 0, 1, 2, … does; and whether it
    does if 0 follows the last number, as in a cut that begins anywhere."""
    if len(parts) < 2:
        return {}
    held = [set(part) for part in parts if len(part) > 2]
    lacking = [sum((number + 1) % n not in numbers for number in numbers) for numbers in held]
    return {
        "each part holds neighbours": all(
            numbers == set(range(min(numbers), max(numbers) + 1)) for numbers in held
        ),
        "each part holds neighbours on a circle": all(count < 2 for count in lacking),
    }


def _kind(part: Any) -> str:
    if not isinstance(part, Tensor):
        return type(part).__name__
    return f"{part.dtype} tensor" + ("" if part.ndim == 1 else f" of {part.ndim} axes")
