"""Numbers drawn into the texts of a case, where no answer can know them beforehand."""

from __future__ import annotations

from collections.abc import Iterable

from grader.engine.task import Rng


def numbers(rng: Rng) -> dict[str, object]:
    """`{i}` and `{j}` are two whole numbers from 10 to 99, `{f}` has three places behind the point,
    `{d}` and `{e}` are two digits, the second of them the smaller one."""
    first, second = (int(n) for n in rng.permutation(90)[:2])
    high, low = sorted((int(n) for n in rng.permutation(8)[:2]), reverse=True)
    thousandths = 2 * int(rng.integers(60, 450)) + 1
    return {
        "i": first + 10,
        "j": second + 10,
        "f": f"{thousandths / 1000:.3f}",
        "d": high + 2,
        "e": low + 2,
    }


def filled(texts: Iterable[str], rng: Rng) -> list[str]:
    """The texts with one draw of numbers in their places."""
    drawn = numbers(rng)
    return [text.format(**drawn) for text in texts]
