"""Reference and mistakes of the exercise that cuts a dataset into parts."""

import math
from itertools import accumulate, pairwise
from typing import Any

import torch
from torch import Generator, Tensor
from torch.utils.data import random_split

from grader.trusted.key import Key, raises

Parts = list[Tensor]


def _floors(n: int, fracs: list[float]) -> list[int]:
    return [math.floor(n * frac) for frac in fracs]


def _sizes(n: int, fracs: list[float]) -> list[int]:
    floors = _floors(n, fracs)
    return [size + (k < n - sum(floors)) for k, size in enumerate(floors)]


def _cut(order: Tensor, sizes: list[int]) -> Parts:
    ends = [0, *accumulate(sizes)]
    return [order[start:end] for start, end in pairwise(ends)]


def _drawn(n: int, generator: Generator) -> Tensor:
    return torch.randperm(n, generator=generator)


def reference(n: int, fracs: list[float], generator: Generator) -> Parts:
    numbers: Any = range(n)
    parts: list[Any] = random_split(numbers, _sizes(n, fracs), generator)
    return [torch.tensor(list(part.indices), dtype=torch.int64) for part in parts]


class SplitIndicesKey(Key, task="split_indices"):
    reference = reference

    def not_shuffled(n, fracs, generator):
        """Your parts are neighbours in the order of the set. Sets often lie sorted, by class or by
        day: draw an order with torch.randperm, and cut that."""
        return _cut(torch.arange(n), _sizes(n, fracs))

    def shuffled_inside(n, fracs, generator):
        """You cut first, and shuffled inside of each part: the first part holds the first numbers
        always. Shuffle all numbers, and cut after that."""
        parts = _cut(torch.arange(n), _sizes(n, fracs))
        return [part[_drawn(len(part), generator)] for part in parts]

    def one_order_for_each_part(n, fracs, generator):
        """Your parts overlap: you drew an order for each of them. A sample that is in training and
        test makes the test too good. Draw one order, and cut it."""
        return [_drawn(n, generator)[:size] for size in _sizes(n, fracs)]

    def from_the_start_each_time(n, fracs, generator):
        """Your parts overlap: each begins at the start of the same order. A sample that is in
        training and test makes the test too good. Begin where the part before ends."""
        order = _drawn(n, generator)
        return [order[:size] for size in _sizes(n, fracs)]

    def with_replacement(n, fracs, generator):
        """Some numbers come twice and others not at all: you drew each by itself. torch.randperm
        gives each number once."""
        return _cut(torch.randint(n, (n,), generator=generator), _sizes(n, fracs))

    def rest_left_out(n, fracs, generator):
        """Numbers are missing: rounding down leaves some over, and you gave them to no part. Give
        one each to the first parts."""
        return _cut(_drawn(n, generator), _floors(n, fracs))

    def rest_to_the_last(n, fracs, generator):
        """You gave all that rounding down leaves over to the last part. It goes one each to the
        first parts."""
        sizes = _floors(n, fracs)
        sizes[-1] += n - sum(sizes)
        return _cut(_drawn(n, generator), sizes)

    def rest_to_the_first(n, fracs, generator):
        """You gave all that rounding down leaves over to the first part. It goes one each to the
        first parts."""
        sizes = _floors(n, fracs)
        sizes[0] += n - sum(sizes)
        return _cut(_drawn(n, generator), sizes)

    def rest_to_the_last_parts(n, fracs, generator):
        """You gave what rounding down leaves over one each to the last parts. It goes to the first
        ones."""
        return _cut(_drawn(n, generator), _sizes(n, fracs[::-1])[::-1])

    def rest_from_the_second_part_on(n, fracs, generator):
        """You gave what rounding down leaves over one each to the parts from the second on. It
        begins at the first."""
        sizes = _floors(n, fracs)
        for k in range(n - sum(sizes)):
            sizes[(k + 1) % len(sizes)] += 1
        return _cut(_drawn(n, generator), sizes)

    def rest_to_the_largest_remainders(n, fracs, generator):
        """You gave what rounding down leaves over to the parts that lost most by it. It goes one
        each to the first parts."""
        sizes = _floors(n, fracs)
        lost = sorted(range(len(fracs)), key=lambda k: sizes[k] - n * fracs[k])
        for k in lost[: n - sum(sizes)]:
            sizes[k] += 1
        return _cut(_drawn(n, generator), sizes)

    def parts_of_one_size(n, fracs, generator):
        """Your parts are of one size, as tensor_split makes them: fracs is not used. Part k has
        floor(n * fracs[k]) numbers, and what is left over goes one each to the first parts."""
        return list(_drawn(n, generator).tensor_split(len(fracs)))

    def rounded(n, fracs, generator):
        """You rounded the sizes to the nearest number, and they need not add up to n. Round down,
        and give what is left over one each to the first parts."""
        return _cut(_drawn(n, generator), [round(n * frac) for frac in fracs])

    def rounded_and_filled_up(n, fracs, generator):
        """You rounded the sizes to the nearest number, and gave what that leaves over to the first
        parts. Round down first: what is left over is then another number."""
        sizes = [round(n * frac) for frac in fracs]
        for k in range(n - sum(sizes)):
            sizes[k] += 1
        return _cut(_drawn(n, generator), sizes)

    def rounded_and_the_first_made_to_fit(n, fracs, generator):
        """You rounded the sizes to the nearest number, and the first part takes what that leaves
        over or lacks. Round down, and give what is left over one each to the first parts."""
        sizes = [round(n * frac) for frac in fracs]
        return _cut(_drawn(n, generator), [sizes[0] + n - sum(sizes), *sizes[1:]])

    def rounded_and_the_last_made_to_fit(n, fracs, generator):
        """You rounded the sizes to the nearest number, and the last part takes what that leaves
        over or lacks. Round down, and give what is left over one each to the first parts."""
        sizes = [round(n * frac) for frac in fracs[:-1]]
        return _cut(_drawn(n, generator), [*sizes, n - sum(sizes)])

    def rounded_up(n, fracs, generator):
        """You rounded the sizes up, so the last part comes out short. Round down, and give what is
        left over one each to the first parts."""
        return _cut(_drawn(n, generator), [math.ceil(n * frac) for frac in fracs])

    def cut_at_fractions(n, fracs, generator):
        """You cut the order at the sums of the fractions, rounded down. The sizes are rounded down
        each by itself, and what is left over goes one each to the first parts."""
        ends = [0, *(math.floor(n * total + 1e-9) for total in accumulate(fracs))]
        sizes = [end - start for start, end in pairwise(ends)]
        return _cut(_drawn(n, generator), sizes)

    def generator_ignored(n, fracs, generator):
        """You drew from torch's own random state, or from Python's or NumPy's: other numbers of the
        program change, and the same seed gives other parts. Hand generator on to torch.randperm."""
        return _cut(torch.randperm(n), _sizes(n, fracs))

    def seeded_anew(n, fracs, generator):
        """Every call gives the same parts: you set a seed of your own, of a generator that you made
        or of the one that you are given. Draw from the given one as it comes."""
        return _cut(_drawn(n, Generator().manual_seed(0)), _sizes(n, fracs))

    def torch_seeded(n, fracs, generator):
        """You seeded torch itself: every random number of the program after it is another one. Draw
        from the generator that you are given."""
        torch.manual_seed(0)
        return _cut(torch.randperm(n), _sizes(n, fracs))

    def torch_seeded_alike(n, fracs, generator):
        """You seeded torch itself with the generator's seed: every random number of the program
        after it is another one, and a second call gives the same parts. Draw from the generator."""
        torch.manual_seed(generator.initial_seed())
        return _cut(torch.randperm(n), _sizes(n, fracs))

    def generator_restarted(n, fracs, generator):
        """Every call gives the same parts: you begin at the generator's seed again, with it or with
        another one of that seed, or put it back when you are done. Draw from it as it comes, and
        leave it where it is then."""
        return _cut(_drawn(n, Generator().manual_seed(generator.initial_seed())), _sizes(n, fracs))

    def fracs_edited(n, fracs, generator):
        """You wrote into fracs, which belongs to whoever called you. Put the sizes into a list of
        your own."""
        parts = reference(n, fracs, generator)
        fracs[:] = [len(part) for part in parts]
        return parts

    def lists_returned(n, fracs, generator):
        """Your parts are lists. int64 tensors are asked for."""
        return [part.tolist() for part in reference(n, fracs, generator)]

    def of_int32(n, fracs, generator):
        """Your parts are tensors of dtype int32. int64 is asked for, in which torch counts
        positions: leave the dtype that torch.randperm gives."""
        return [part.int() for part in reference(n, fracs, generator)]

    def counted_from_one(n, fracs, generator):
        """Your numbers go from 1 to n. They go from 0 to n - 1, as positions do."""
        return [part + 1 for part in reference(n, fracs, generator)]

    def cut_at_rounded_fractions(n, fracs, generator):
        """You cut the order at the sums of the fractions, rounded to the nearest number. The sizes
        are rounded down each by itself, and what is left over goes one each to the first parts."""
        ends = [0, *(round(n * total) for total in accumulate(fracs))]
        return _cut(_drawn(n, generator), [end - start for start, end in pairwise(ends)])

    def first_part_alone(n, fracs, generator):
        """You returned the first part and no other. Look for a `return` inside the loop."""
        return reference(n, fracs, generator)[:1]

    def sorted_parts(n, fracs, generator):
        """Your parts hold what they should, and each is sorted, up or down. That would do for a
        shuffling loader; here the order is left as it was drawn."""
        return [part.sort().values for part in reference(n, fracs, generator)]

    def sorted_parts_but_the_first(n, fracs, generator):
        """Your first part is right, and the others are sorted. The numbers of every part stay in
        the order that was drawn."""
        first, *others = reference(n, fracs, generator)
        return [first, *(part.sort().values for part in others)]

    @raises(r"split_with_sizes expects|sum exactly")
    def sizes_too_small(n, fracs, generator):
        """Your sizes do not add up to n, and split refuses them. Round each down, and give what is
        left over one each to the first parts."""
        return list(_drawn(n, generator).split(_floors(n, fracs)))
