"""The exercise that writes a dataset: samples by their number, transformed when they are read."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from grader.engine.task import F32, Case, Inputs, Rng, Task, case


class DatasetClass(Task):
    """Pairs(X, y, transform) is a dataset of the rows of X, of shape (n, d), and the numbers in y,
    of shape (n,). It has the length n. Its item i is the pair (transform(row i of X), y[i]), or
    (row i of X, y[i]) if transform is None; any other is called, one that counts as false too.
    Negative numbers count from the end, as in a list, and a number that no sample has raises
    IndexError. transform runs anew each time an item is read, once and never before, and it may
    change in place what it is given: X and y stay as they are."""

    id = "dataset_class"
    signatures = ("class Pairs(X, y, transform)",)
    title, points, difficulty, minutes = "A dataset of pairs", 6, 2, 10
    hints = (
        "Read section 11.2. Which two methods make an object a dataset, and when is each of them "
        "called?",
        "Keep the three arguments in __init__, and do the work when an item is read. Then try a "
        "transform that writes into its row, row.mul_(2), and look at X.",
        "A row of a tensor is a view of it: hand transform a clone. Indexing a tensor raises "
        "IndexError by itself where there is no such row.",
    )
    CASES = (
        case("a transform that writes into its row", rows=7, kind="in place", visible=True),
        case("no transform", rows=7, kind="none", visible=True),
        case("a transform that returns less of the row", rows=11, kind="cut"),
        case("one row", rows=1, kind="in place"),
        case("a transform that counts as false", rows=3, kind="false"),
        case("float32", rows=5, kind="in place", dtype=F32),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        n = case["rows"]
        return {"X": rng.apart(0.5, 2.0, n, 3), "y": rng.permutation(n) + 10}

    def observe(self, Pairs, X, y, kind):
        transform = _Counting(kind)
        before = X.clone(), y.clone()
        pairs = Pairs(X, y, None if kind == "none" else transform)
        found: dict[str, Any] = {"calls of transform after Pairs(X, y, transform)": transform.calls}
        found["length"] = len(pairs)
        middle = len(X) // 2
        found["an item"] = pairs[middle]
        found["the same item again"] = pairs[middle]
        found["the last item, by -1"] = pairs[-1]
        found["the first item, by -n"] = pairs[-len(X)]
        found["calls of transform after four items"] = transform.calls
        found["number n"] = _ending(lambda: pairs[len(X)])
        found["number -n - 1"] = _ending(lambda: pairs[-len(X) - 1])
        if found["number n"] == "IndexError":  # else a loop over it would not end
            found["all items, by a loop"] = [
                item for item, _ in zip(pairs, range(99), strict=False)
            ]
        transform.calls = 0  # what the loader reads depends on nothing that was read before
        loader = DataLoader(pairs, batch_size=3, generator=torch.Generator())
        found["the first batch of a DataLoader"] = next(iter(loader))
        found["X and y afterwards"] = X, y
        return found | {"X and y are as before": _same((X, y), before)}


class _Counting:
    """A transform whose result depends on how often it was called before."""

    def __init__(self, kind: str) -> None:
        self.kind, self.calls = kind, 0

    def __bool__(self) -> bool:
        """A container of steps that can be called counts as false as long as it is empty."""
        return self.kind != "false"

    def __call__(self, row: Tensor) -> Tensor:
        self.calls += 1
        if self.kind == "cut":
            return row[1:] * self.calls
        return row.mul_(3).add_(self.calls)


def _ending(read: Callable[[], Any]) -> str:
    """How reading an item ends that is not there."""
    try:
        item = read()
    except IndexError:
        return "IndexError"
    except Exception:
        return "another error"
    return "None" if item is None else "an item"


def _same(now: tuple[Tensor, ...], before: tuple[Tensor, ...]) -> bool:
    return all(torch.equal(one, other) for one, other in zip(now, before, strict=True))
