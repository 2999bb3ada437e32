"""References and mistakes of the exercises on batches and steps."""

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils import data

from grader.trusted.key import Key, raises


class StepsPerEpochKey(Key, task="steps_per_epoch"):
    def reference(n: int, b: int, drop_last: bool) -> int:
        numbers: Any = range(n)
        return len(data.DataLoader(numbers, batch_size=b, drop_last=drop_last))

    def always_floor(n, b):
        """You count the full batches alone. Without drop_last what is left over makes one batch
        more."""
        return n // b

    def always_ceil(n, b):
        """You count the batch of what is left over even where drop_last leaves it out."""
        return -(-n // b)

    def exchanged(n, b, drop_last):
        """You have it the wrong way round: with drop_last what is left over makes no batch, and
        without it, it makes one."""
        return -(-n // b) if drop_last else n // b

    def one_more(n, b, drop_last):
        """You add a batch even where nothing is left over. Add 1 if n % b is not 0."""
        return n // b if drop_last else n // b + 1

    def one_less_with_drop_last(n, b, drop_last):
        """With drop_last you take a batch off even where the last one is full. Then it stays: count
        the full batches, n // b."""
        return -(-n // b) - (1 if drop_last else 0)

    def one_less_with_drop_last_and_not_below_zero(n, b, drop_last):
        """With drop_last you take a batch off even where the last one is full. Then it stays: count
        the full batches, n // b."""
        return max(0, -(-n // b) - (1 if drop_last else 0))

    def none_of_few_samples(n, b, drop_last):
        """With fewer samples than a batch holds you give no batch. Without drop_last what there is
        makes one."""
        return 0 if n < b else n // b if drop_last else -(-n // b)

    def at_least_one(n, b, drop_last):
        """You give at least one step. With fewer samples than a batch holds, drop_last leaves none,
        and a set without samples has none anyway."""
        return max(1, n // b if drop_last else -(-n // b))

    def at_least_one_of_something(n, b, drop_last):
        """You give at least one step where there are samples. With fewer of them than a batch
        holds, drop_last leaves no batch."""
        return max(min(n, 1), n // b if drop_last else -(-n // b))

    def kept_where_half_full(n, b, drop_last):
        """With drop_last you keep some last batches that are not full, those that lack few samples
        or less than half, for instance. A last batch stays only where it is full: n // b."""
        full, left = divmod(n, b)
        return full + (left > 0 and (not drop_last or 2 * left >= b))

    def one_left_over_dropped(n, b, drop_last):
        """Without drop_last you leave out a last batch of few samples, of one for instance. However
        few are left over, they make a batch: round up."""
        full, left = divmod(n, b)
        return full + (left > 1 and not drop_last)

    def rounded(n, b, drop_last):
        """You round n / b to the nearest whole number. However little is left over, it makes a
        batch: round up."""
        return n // b if drop_last else round(n / b)

    def truncated(n, b, drop_last):
        """For n = 0 you give a batch, and there is none: max(1, ...) gives one, for example, and so
        does int((n - 1) / b) + 1, where int() rounds -1 / b to 0. -(-n // b) rounds up for every
        n."""
        return n // b if drop_last else int((n - 1) / b) + 1

    def quotient(n, b):
        """You return n / b itself. There is no part of a batch: what is left over makes a whole
        one, or none."""
        return n / b

    def floats_returned(n, b, drop_last):
        """Your numbers are right, and they are floats. Ints are asked for, which `//` of ints
        gives, and int()."""
        return float(n // b if drop_last else -(-n // b))

    def left_over(n, b, drop_last):
        """You return how many samples are left over. Asked for is the number of batches: n // b,
        and one more if something is left over and kept."""
        return n % b

    def samples(n, b, drop_last):
        """You return how many samples an epoch reads. Asked for is the number of batches."""
        return n - n % b if drop_last else n


class _Batches:
    """The right batch sampler, from torch's own parts; its subclasses are mistakes."""

    def __init__(
        self, n: int, size: int, drop_last: bool, generator: torch.Generator | None
    ) -> None:
        self.n, self.size, self.drop_last, self.generator = n, size, drop_last, generator

    def order(self) -> list[int]:
        """The order of an epoch."""
        numbers: list[int] = torch.randperm(self.n, generator=self.generator).tolist()
        return numbers

    def __iter__(self) -> Iterator[Any]:
        return iter(data.BatchSampler(self.order(), self.size, self.drop_last))

    def __len__(self) -> int:
        return len(data.BatchSampler(range(self.n), self.size, self.drop_last))


class _Once(_Batches):
    """One iterator, made at the start: it can be read once."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.batches = super().__iter__()

    def __iter__(self) -> Iterator[Any]:
        return self.batches


class _OnceWithRest(_Once):
    """The same, and what is left over is always a batch: as it was given, but for the length."""

    def __init__(self, n: int, size: int, drop_last: bool, generator: torch.Generator) -> None:
        super().__init__(n, size, False, generator)
        self.drop_last = drop_last


class _Dealt(_Batches):
    """The order is dealt out to the batches one by one."""

    def __iter__(self) -> Iterator[Any]:
        order, count = self.order(), len(self)
        return iter([order[k::count][: self.size] for k in range(count)])


class _OrderedOnce(_Batches):
    """One order, drawn at the start."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.kept = super().order()

    def order(self) -> list[int]:
        return self.kept


class _DrawnAtTheStartToo(_Batches):
    """An order is drawn at the start, and none of the epochs has it."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.order()


class _DrawnForTheLength(_Batches):
    """An order is drawn each time the length is asked."""

    def __len__(self) -> int:
        self.order()
        return super().__len__()


class _PutBack(_Batches):
    """The generator is put back to its start before an order is drawn."""

    def order(self) -> list[int]:
        assert self.generator is not None
        self.generator.manual_seed(self.generator.initial_seed())
        return super().order()


class _KeptFromTheFirst(_Batches):
    """One order, drawn at the first reading."""

    kept: list[int] | None = None

    def order(self) -> list[int]:
        self.kept = super().order() if self.kept is None else self.kept
        return self.kept


class _FirstDrawnAtTheStart(_Batches):
    """The first order is drawn at the start, and each that follows when reading begins."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.waiting = [super().order()]

    def order(self) -> list[int]:
        return self.waiting.pop() if self.waiting else super().order()


class _DrawnAhead(_Batches):
    """An order is drawn at the start, and the next one whenever an epoch has been read."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.following = self.order()

    def __iter__(self) -> Iterator[Any]:
        for i in range(len(self)):
            yield self.following[i * self.size : (i + 1) * self.size]
        self.following = self.order()


class _OneOrder(_Batches):
    """The order is kept on self, and every loop goes by the one that was drawn last."""

    def __iter__(self) -> Iterator[Any]:
        self.last = self.order()
        for i in range(len(self)):
            yield self.last[i * self.size : (i + 1) * self.size]


class _OneOrderDrawnAtTheStartToo(_OneOrder, _DrawnAtTheStartToo):
    """The same, with an order at the start that no epoch has."""


class _Even(_Batches):
    """As many lists as there should be, of nearly one size."""

    def whole(self) -> list[int]:
        """What is cut."""
        return self.order()

    def __iter__(self) -> Iterator[Any]:
        parts = torch.tensor(self.whole()).tensor_split(max(1, len(self)))
        return iter([part.tolist() for part in parts if len(part)])


class _EvenOfFullOnes(_Even):
    """The same, and with drop_last what is left over is cut off first."""

    def whole(self) -> list[int]:
        """The order, or what makes full batches of it."""
        order = self.order()
        return order[: len(self) * self.size] if self.drop_last else order


class _Sampled(_Batches):
    """The order is that of torch's RandomSampler."""

    def __iter__(self) -> Iterator[Any]:
        sampler = data.RandomSampler(range(self.n), generator=self.generator)
        return iter(data.BatchSampler(sampler, self.size, self.drop_last))


class _Listed(_Batches):
    """A list stands for the iterator."""

    def __iter__(self) -> Any:
        return list(super().__iter__())


class _InOrder(_Batches):
    def order(self) -> list[int]:
        return list(range(self.n))


class _Shuffled(_Batches):
    """The batches stay the same, and come in another order."""

    def __iter__(self) -> Iterator[Any]:
        batches = list(data.BatchSampler(range(self.n), self.size, self.drop_last))
        order = torch.randperm(len(batches), generator=self.generator).tolist()
        return iter([batches[i] for i in order])


class _Replaced(_Batches):
    """Numbers are drawn with replacement."""

    def order(self) -> list[int]:
        drawn = torch.randint(self.n, (self.n,), generator=self.generator)
        numbers: list[int] = drawn.tolist()
        return numbers


class _Tensors(_Batches):
    def __iter__(self) -> Iterator[Any]:
        return (torch.tensor(batch) for batch in super().__iter__())


class _OfTensors(_Batches):
    def __iter__(self) -> Iterator[Any]:
        return ([torch.tensor(i) for i in batch] for batch in super().__iter__())


class _Kept(_Batches):
    """What is left over is always a batch."""

    def __iter__(self) -> Iterator[Any]:
        return iter(data.BatchSampler(self.order(), self.size, False))


class _KeptAndCounted(_Kept):
    def __len__(self) -> int:
        return -(-self.n // self.size)


class _Dropped(_Batches):
    """What is left over is never a batch."""

    def __iter__(self) -> Iterator[Any]:
        return iter(data.BatchSampler(self.order(), self.size, True))

    def __len__(self) -> int:
        return self.n // self.size


class _LastDropped(_Batches):
    """With drop_last the last batch goes, full or not."""

    def __iter__(self) -> Iterator[Any]:
        batches = list(data.BatchSampler(self.order(), self.size, False))
        return iter(batches[:-1] if self.drop_last else batches)


class _Flat(_Batches):
    def __iter__(self) -> Iterator[Any]:
        return iter(self.order())


class _WithoutLength:
    def __init__(self, *given: Any) -> None:
        self.batches = _Batches(*given)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.batches)


class _Remaining(_Batches):
    """The length is that of what the last loop has left to give."""

    given = 0

    def __iter__(self) -> Iterator[Any]:
        self.given = 0
        for batch in super().__iter__():
            self.given += 1
            yield batch

    def __len__(self) -> int:
        return super().__len__() - self.given


class _OfFullOnes(_Batches):
    """With drop_last the numbers that are left over are never drawn."""

    def order(self) -> list[int]:
        n = self.n // self.size * self.size if self.drop_last else self.n
        numbers: list[int] = torch.randperm(n, generator=self.generator).tolist()
        return numbers


class _Samples(_Batches):
    def __len__(self) -> int:
        return self.n


class _CountedUp(_Batches):
    def __len__(self) -> int:
        return -(-self.n // self.size)


class _CountedDown(_Batches):
    def __len__(self) -> int:
        return self.n // self.size


class _Strided(_Batches):
    """Every so many-th number of the order, where neighbours are asked for."""

    def __iter__(self) -> Iterator[Any]:
        order, count = self.order(), -(-self.n // self.size)
        batches = [order[i::count] for i in range(count)]
        return iter([b for b in batches if not self.drop_last or len(b) == self.size])


class _StridedDown(_Batches):
    """The same with as many batches as the length says: with drop_last they are longer."""

    def __iter__(self) -> Iterator[Any]:
        order, count = self.order(), len(self)
        return iter([order[i::count] for i in range(count)])


class _Inverted(_Batches):
    """What is left over makes a batch with drop_last alone."""

    def __iter__(self) -> Iterator[Any]:
        return iter(data.BatchSampler(self.order(), self.size, not self.drop_last))


class _Inside(_Batches):
    """Neighbours make a batch, and are shuffled inside of it."""

    def __iter__(self) -> Iterator[Any]:
        for batch in data.BatchSampler(range(self.n), self.size, self.drop_last):
            order = torch.randperm(len(batch), generator=self.generator).tolist()
            yield [batch[i] for i in order]


class _FilledUp(_Batches):
    """A short batch is filled up with numbers from the beginning of the order."""

    def __iter__(self) -> Iterator[Any]:
        order = self.order()
        for batch in data.BatchSampler(order, self.size, self.drop_last):
            yield batch + order[: self.size - len(batch)]


class _FullAlone(_Batches):
    """What is left over never makes a batch, and counts."""

    def __iter__(self) -> Iterator[Any]:
        return iter(data.BatchSampler(self.order(), self.size, True))


class _OrderOfOrders(_Batches):
    """The order of an epoch is drawn among the places of the one before."""

    def order(self) -> list[int]:
        before = getattr(self, "last", list(range(self.n)))
        self.last = [before[i] for i in super().order()]
        return self.last


class _OneOrderOfOrders(_Batches):
    """The same, and every loop goes by the order that was made last."""

    def __iter__(self) -> Iterator[Any]:
        self.last = [getattr(self, "last", range(self.n))[i] for i in self.order()]
        for i in range(len(self)):
            yield self.last[i * self.size : (i + 1) * self.size]


class _ShuffledTwice(_Batches):
    """The numbers are shuffled, and the batches after that."""

    def __iter__(self) -> Iterator[Any]:
        batches = list(super().__iter__())
        order = torch.randperm(len(batches), generator=self.generator).tolist()
        return iter([batches[i] for i in order])


class _SortedBatches(_Batches):
    def __iter__(self) -> Iterator[Any]:
        return map(sorted, super().__iter__())


class _Seeded(_Batches):
    def __iter__(self) -> Iterator[Any]:
        if self.generator is not None:
            self.generator.manual_seed(0)
        return super().__iter__()


class _Restarted(_Batches):
    """Every epoch draws from a new generator with the seed of the given one."""

    def order(self) -> list[int]:
        seed = torch.initial_seed() if self.generator is None else self.generator.initial_seed()
        new = torch.Generator().manual_seed(seed)
        numbers: list[int] = torch.randperm(self.n, generator=new).tolist()
        return numbers


class _OnePlace(_Batches):
    """The object is its own iterator: all loops over it share one place."""

    def __iter__(self) -> Iterator[Any]:
        self.rest = list(super().__iter__())
        return self

    def __next__(self) -> Any:
        if not self.rest:
            raise StopIteration
        return self.rest.pop(0)


class _FirstAlone(_Batches):
    def __iter__(self) -> Iterator[Any]:
        return iter(list(super().__iter__())[:1])


class BatchSamplerKey(Key, task="batch_sampler"):
    reference = _Batches

    def read_once(n, size, drop_last, generator):
        """Your batches can be read once: __iter__ hands out one iterator, made at the start, and
        after the first epoch it is used up. Make the batches in __iter__, which every loop calls
        anew."""
        return _Once(n, size, drop_last, generator)

    def dealt_out(n, size, drop_last, generator):
        """You dealt the order out to the batches one by one. Cut it: the first size numbers make
        the first batch."""
        return _Dealt(n, size, drop_last, generator)

    def read_once_with_the_rest(n, size, drop_last, generator):
        """Your batches can be read once, and drop_last leaves nothing out. Make the batches in
        __iter__, which every loop calls anew, and leave out a short one there."""
        return _OnceWithRest(n, size, drop_last, generator)

    @raises(r"has no len")
    def length_missing(n, size, drop_last, generator):
        """Your class has no length: len() asks for the method __len__. Return the number of batches
        in an epoch."""
        return _WithoutLength(n, size, drop_last, generator)

    def ordered_at_the_start(n, size, drop_last, generator):
        """Every epoch has the same order: it is drawn once, when the object is made. Draw in
        __iter__, which every loop calls anew."""
        return _OrderedOnce(n, size, drop_last, generator)

    def put_back_every_epoch(n, size, drop_last, generator):
        """Every epoch has the same order: you put the generator back to its start before you draw,
        by its seed or its state. Draw from it as it comes, and leave it where it is then."""
        return _PutBack(n, size, drop_last, generator)

    def order_of_the_first_epoch(n, size, drop_last, generator):
        """Every epoch has the same order: you keep that of the first. Draw anew whenever reading
        begins, into a name of __iter__."""
        return _KeptFromTheFirst(n, size, drop_last, generator)

    def first_order_at_the_start(n, size, drop_last, generator):
        """Your first order is drawn when the object is made. Draw it when reading begins, as all
        others: until then somebody else may draw from the generator."""
        return _FirstDrawnAtTheStart(n, size, drop_last, generator)

    def next_order_drawn_ahead(n, size, drop_last, generator):
        """Your first order is drawn when the object is made, and the next when an epoch ends: after
        one that is left early the same order comes again. Draw whenever reading begins."""
        return _DrawnAhead(n, size, drop_last, generator)

    def drawn_for_the_length(n, size, drop_last, generator):
        """len() draws an order, and moves the generator on: so it is where it reads an epoch to
        count the lists. Work the number out from n and size."""
        return _DrawnForTheLength(n, size, drop_last, generator)

    def drawn_at_the_start_too(n, size, drop_last, generator):
        """You draw an order that no epoch has, in __init__ or in __len__ for one: it moves the
        generator on. Draw in __iter__ alone."""
        return _DrawnAtTheStartToo(n, size, drop_last, generator)

    def one_order_on_self(n, size, drop_last, generator):
        """You keep the order on self, where all loops read it: a loop that begins replaces the
        order of one that is not done. Keep it in a name of __iter__ alone."""
        return _OneOrder(n, size, drop_last, generator)

    def one_order_on_self_drawn_at_the_start_too(n, size, drop_last, generator):
        """You draw an order that no epoch has, in __init__ for one: it moves the generator on. And
        you keep the order on self, where a loop that begins replaces that of one that is not done.
        Draw in __iter__ alone, into a name of that method."""
        return _OneOrderDrawnAtTheStartToo(n, size, drop_last, generator)

    def parts_of_nearly_one_size(n, size, drop_last, generator):
        """You cut the order into parts of nearly one size, as tensor_split does. Every list holds
        size numbers, and what is left over makes a shorter last one, or none."""
        return _Even(n, size, drop_last, generator)

    def parts_of_nearly_one_size_of_full_ones(n, size, drop_last, generator):
        """You cut the order into parts of nearly one size, as tensor_split does. Every list holds
        size numbers, and what is left over makes a shorter last one, or none."""
        return _EvenOfFullOnes(n, size, drop_last, generator)

    def batches_sorted(n, size, drop_last, generator):
        """Your batches hold the right numbers, each batch sorted. They stay in the order that was
        drawn."""
        return _SortedBatches(n, size, drop_last, generator)

    def seeded_every_epoch(n, size, drop_last, generator):
        """You set the generator's seed at the start of every epoch, to 0: each has the same order,
        whatever seed the generator came with. Draw from it as it comes."""
        return _Seeded(n, size, drop_last, generator)

    def restarted_every_epoch(n, size, drop_last, generator):
        """Every epoch has the same order: each draws from a generator that starts with the given
        one's seed. Draw from the given one as it comes."""
        return _Restarted(n, size, drop_last, generator)

    def order_of_random_sampler(n, size, drop_last, generator):
        """Your order is RandomSampler's, which draws once more at the end of every epoch: from the
        second epoch on the orders are others. Draw each by torch.randperm yourself."""
        return _Sampled(n, size, drop_last, generator)

    @raises(r"non-iterator")
    def list_for_an_iterator(n, size, drop_last, generator):
        """Your __iter__ returns something that is no iterator, such as a list. Return iter() of it,
        or yield the batches one by one."""
        return _Listed(n, size, drop_last, generator)

    def in_order(n, size, drop_last, generator):
        """Your numbers come in order. Draw the order of each epoch with torch.randperm."""
        return _InOrder(n, size, drop_last, generator)

    def batches_shuffled(n, size, drop_last, generator):
        """You shuffle the batches, and the same samples meet in one always. Shuffle the numbers,
        and cut after that."""
        return _Shuffled(n, size, drop_last, generator)

    def with_replacement(n, size, drop_last, generator):
        """Some numbers come twice in an epoch, and others not at all: you drew each by itself.
        torch.randperm gives each number once."""
        return _Replaced(n, size, drop_last, generator)

    def rest_kept(n, size, drop_last, generator):
        """Your batches ignore drop_last: with it, what is left over makes no batch. Your length is
        right."""
        return _Kept(n, size, drop_last, generator)

    def rest_kept_and_counted(n, size, drop_last, generator):
        """You ignore drop_last: with it, what is left over makes no batch, and does not count in
        the length."""
        return _KeptAndCounted(n, size, drop_last, generator)

    def rest_always_dropped(n, size, drop_last, generator):
        """You leave out what is left over even where drop_last is False: then it makes a shorter
        last batch."""
        return _Dropped(n, size, drop_last, generator)

    def last_always_dropped(n, size, drop_last, generator):
        """With drop_last you leave out the last batch even where it is full. Leave it out only if
        it is shorter than size."""
        return _LastDropped(n, size, drop_last, generator)

    def tensors_for_lists(n, size, drop_last, generator):
        """Your batches are tensors. Lists of ints are asked for: tolist() makes one."""
        return _Tensors(n, size, drop_last, generator)

    def lists_of_tensors(n, size, drop_last, generator):
        """Your batches are lists of tensors of shape (). Lists of ints are asked for: tolist() of
        the whole order makes one."""
        return _OfTensors(n, size, drop_last, generator)

    @raises(r"not iterable")
    def numbers_for_batches(n, size, drop_last, generator):
        """You give single numbers, as a sampler does. A batch sampler gives lists of size
        numbers."""
        return _Flat(n, size, drop_last, generator)

    def length_in_samples(n, size, drop_last, generator):
        """Your length is the number of samples. It is the number of lists in an epoch."""
        return _Samples(n, size, drop_last, generator)

    def length_of_what_is_left(n, size, drop_last, generator):
        """Your length is another one after an epoch: it counts what the last loop has left to give.
        It is the number of lists in an epoch, always."""
        return _Remaining(n, size, drop_last, generator)

    def left_over_numbers_never_drawn(n, size, drop_last, generator):
        """With drop_last you draw an order of those numbers alone that fill whole batches: the last
        samples of the set are never read. Draw an order of all n numbers, and leave out what is
        left over of it."""
        return _OfFullOnes(n, size, drop_last, generator)

    def length_with_the_rest(n, size, drop_last, generator):
        """Your length counts a batch of what is left over even where drop_last leaves it out."""
        return _CountedUp(n, size, drop_last, generator)

    def length_without_the_rest(n, size, drop_last, generator):
        """Your length counts the full batches alone. Without drop_last what is left over is one
        more."""
        return _CountedDown(n, size, drop_last, generator)

    def strided(n, size, drop_last, generator):
        """Your batches take every so many-th number of the order. A batch takes neighbours of it:
        the first size numbers, then the next."""
        return _Strided(n, size, drop_last, generator)

    def one_place_for_all_loops(n, size, drop_last, generator):
        """Your __iter__ returns self, which keeps the place of a loop: two loops at once take
        batches from each other. Every loop needs an iterator of its own: let __iter__ yield the
        batches, or return iter() of a list of them."""
        return _OnePlace(n, size, drop_last, generator)

    def strided_by_the_length(n, size, drop_last, generator):
        """Your batches take every so many-th number of the order, and with drop_last they hold more
        than size. A batch takes neighbours of it: the first size numbers, then the next."""
        return _StridedDown(n, size, drop_last, generator)

    def drop_last_inverted(n, size, drop_last, generator):
        """You have drop_last the wrong way round: what is left over makes a batch where it is
        False, and none where it is True. Your length is right."""
        return _Inverted(n, size, drop_last, generator)

    def shuffled_inside_of_batches(n, size, drop_last, generator):
        """You cut first, and shuffled inside of each batch: the same neighbours meet in one always.
        Shuffle all numbers, and cut after that."""
        return _Inside(n, size, drop_last, generator)

    def short_batch_filled_up(n, size, drop_last, generator):
        """You filled the last batch up with numbers from the beginning of the order, which come
        twice in an epoch then. It is shorter than the others, and stays so."""
        return _FilledUp(n, size, drop_last, generator)

    def full_batches_alone(n, size, drop_last, generator):
        """Your length is right, and you give the full batches alone. Where drop_last is False, what
        is left over makes a shorter last batch."""
        return _FullAlone(n, size, drop_last, generator)

    def order_of_the_order_before(n, size, drop_last, generator):
        """You shuffle the order of the epoch before: from the second epoch on it is another one
        than torch.randperm gives. Take what it gives as the order itself."""
        return _OrderOfOrders(n, size, drop_last, generator)

    def one_order_of_the_order_before(n, size, drop_last, generator):
        """You shuffle the order of the epoch before, and all loops go by one order: from the second
        epoch on it is another one than torch.randperm gives, and a loop that begins changes the
        rest of one that is not done. Take what it gives as the order of this loop alone."""
        return _OneOrderOfOrders(n, size, drop_last, generator)

    def batches_shuffled_as_well(n, size, drop_last, generator):
        """You shuffle the batches after the numbers, by a second order that is drawn. One order is
        drawn, and cut from its beginning: no other random number."""
        return _ShuffledTwice(n, size, drop_last, generator)

    def first_batch_alone(n, size, drop_last, generator):
        """An epoch gives the first batch and no other. Look for a `return` in the loop: yield goes
        on, return ends it."""
        return _FirstAlone(n, size, drop_last, generator)
