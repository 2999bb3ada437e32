"""Reference and mistakes of the exercise on a worker's share of a stream."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from grader.trusted.key import Key, raises


class WorkerShareKey(Key, task="worker_share"):
    def reference(stream: Iterable[Any], worker: int, workers: int) -> Iterator[Any]:
        return itertools.islice(stream, worker, None, workers)

    def whole_stream(stream):
        """Every worker gets the whole stream, so that an epoch holds each item once per worker.
        Give each worker its share."""
        yield from stream

    def list_first(stream, worker, workers):
        """Your items are right, and you read the whole stream before you give the first: a stream
        that never ends would never get there. Use a generator, and number the items as they
        come."""
        return iter(list(stream)[worker::workers])

    def list_returned(stream, worker, workers):
        """You returned a list, and read the whole stream for it: a stream that never ends would
        never get there. Write a generator, with yield, or return a generator expression."""
        return list(itertools.islice(stream, worker, None, workers))

    def list_first_lazily(stream, worker, workers):
        """Your items are right, and at the first one you read the whole stream: one that never ends
        would never get there. Number the items as they come."""
        yield from list(stream)[worker::workers]

    def a_block(stream, worker, workers):
        """You cut the stream into blocks of neighbours. For that its end has to be known: take the
        items worker, worker + workers and so on."""
        items = list(stream)
        size = -(-len(items) // workers)
        yield from items[worker * size : (worker + 1) * size]

    def a_block_at_once(stream, worker, workers):
        """You cut the stream into blocks of neighbours, and read all of it for that before you give
        the first. Its end need not come: take the items worker, worker + workers and so on."""
        items = list(stream)
        size = -(-len(items) // workers)
        return iter(items[worker * size : (worker + 1) * size])

    def a_block_rounded_down(stream, worker, workers):
        """You cut the stream into blocks of len // workers neighbours, and read all of it for that
        before you give the first. Its end need not come, and what is left over belongs to nobody:
        take the items worker, worker + workers and so on."""
        items = list(stream)
        size = len(items) // workers
        return iter(items[worker * size : (worker + 1) * size])

    def from_its_first_item_on(stream, worker, workers):
        """You give all items from number worker on. Every so many belongs to this worker: go on in
        steps of workers."""
        return itertools.islice(stream, worker, None)

    def divided_without_the_rest(stream, worker, workers):
        """You compare i // workers with worker: that gives each worker one block of neighbours.
        Compare the rest, i % workers."""
        yield from (item for i, item in enumerate(stream) if i // workers == worker)

    def blocks_in_turn(stream, worker, workers):
        """You give a worker blocks of `workers` neighbours, each worker in its turn: i // workers
        counts blocks. Compare the rest, i % workers."""
        yield from (item for i, item in enumerate(stream) if i // workers % workers == worker)

    def counted_from_one(stream, worker, workers):
        """You counted the workers, or the items, from 1. Both are counted from 0: worker 0 gets
        item 0."""
        yield from itertools.islice(stream, (worker - 1) % workers, None, workers)

    def items_counted_from_one(stream, worker, workers):
        """You count on before you compare: the first item has the number 1 for you. Item 0 belongs
        to worker 0."""
        for i, item in enumerate(stream, 1):
            if i % workers == (worker + 2) % workers:
                yield item

    def every_other_worker(stream, worker, workers):
        """You give the items that belong to the other workers. Keep those whose number has the rest
        worker by workers."""
        yield from (item for i, item in enumerate(stream) if i % workers != worker)

    def step_of_worker(stream, worker, workers):
        """Your step is the worker's number. Each worker goes on by the number of workers."""
        yield from itertools.islice(stream, worker, None, max(1, worker))

    def from_the_beginning(stream, workers):
        """Every worker gets the items 0, workers, 2 * workers and so on. Begin at the worker's own
        number."""
        yield from itertools.islice(stream, 0, None, workers)

    def workers_for_the_end(stream, worker, workers):
        """You gave islice the number of workers for its end. It is the step:
        islice(stream, worker, None, workers)."""
        return itertools.islice(stream, worker, workers)

    def read_anew_for_every_item(stream, worker, workers):
        """You begin to read the stream anew for every item. An iterator can be read once, so what
        you passed over is lost; and of a list you read far more than you have to. Go through the
        stream in one loop."""
        for place in itertools.count(worker, workers):
            found = list(itertools.islice(stream, place, place + 1))
            if not found:
                return
            yield found[0]

    def one_item(stream, worker, workers):
        """You give one item and no more. Look for a `return` or a `break` in the loop."""
        yield from itertools.islice(itertools.islice(stream, worker, None, workers), 1)

    def stopped_at_nothing(stream, worker, workers):
        """You leave out items that count as false, such as 0 and None. Ask about their number
        alone."""
        for item in itertools.islice(stream, worker, None, workers):
            if item:
                yield item

    def stopped_at_none(stream, worker, workers):
        """Your share ends at an item that is None, or leaves it out. None may be an item: next()
        with a default cannot tell it from the end."""
        for item in itertools.islice(stream, worker, None, workers):
            if item is None:
                return
            yield item

    def ended_at_nothing(stream, worker, workers):
        """The stream ends for you at an item that is None, or counts as false, of whichever worker.
        It may be an item like any other: next() with a default cannot tell None from the end."""
        for i, item in enumerate(stream):
            if not item:
                return
            if i % workers == worker:
                yield item

    def iterable_returned(stream, worker, workers):
        """You returned something that can be looped over, and is no iterator: next() does not take
        it, and every loop begins the stream anew. Return iter() of it, or write a generator."""

        class Share:
            def __iter__(self):
                return itertools.islice(stream, worker, None, workers)

        return Share()

    def read_ahead(stream, worker, workers):
        """Your items are right, and you read a whole round of workers items before you give one.
        Give an item as soon as it is read."""
        reader = iter(stream)
        while round_ := list(itertools.islice(reader, workers)):
            yield from round_[worker : worker + 1]

    def whole_rounds(stream, worker, workers):
        """You give an item only if its round of workers items is full. The last round may be
        shorter, and its items belong to somebody as well."""
        reader = iter(stream)
        while len(round_ := list(itertools.islice(reader, workers))) == workers:
            yield round_[worker]

    def one_item_ahead(stream, worker, workers):
        """Your items are right, and you read on to this worker's next item before you give one:
        that is further than you have to. Give an item as soon as it is read."""
        own = itertools.islice(stream, worker, None, workers)
        for item in own:
            yield from _with_the_next_one_read(item, own)

    def skipped_at_once(stream, worker, workers):
        """You skip the items before this worker's first one as soon as share_of is called. Making
        the iterator is to read nothing: let a generator do the skipping."""
        reader = iter(stream)
        for _ in range(worker):
            next(reader, None)
        return itertools.islice(reader, 0, None, workers)

    @raises(r"^(StopIteration)?$")
    def skipped_at_once_by_next(stream, worker, workers):
        """You skip the items before this worker's first one as soon as share_of is called, by
        next(), which raises StopIteration where the stream ends among them. Making the iterator is
        to read nothing: let a generator do the skipping, by islice or a for loop."""
        reader = iter(stream)
        for _ in range(worker):
            next(reader)
        return itertools.islice(reader, 0, None, workers)

    @raises("generator raised StopIteration")
    def next_at_the_end(stream, worker, workers):
        """At the end of the stream next() raises StopIteration, and inside a generator Python makes
        a RuntimeError of that. Go through the stream by a for loop, or catch it and return."""
        reader = iter(stream)
        for _ in range(worker):
            next(reader)
        while True:
            yield next(reader)
            for _ in range(workers - 1):
                next(reader)

    @raises("generator raised StopIteration")
    def next_for_the_others(stream, worker, workers):
        """You pass over the other workers' items by next(), after one of your own. Where the stream
        ends among them it raises StopIteration, of which a generator makes a RuntimeError. Give
        next a default, or number the items."""
        reader = iter(stream)
        for _ in range(worker):
            next(reader, None)
        for item in reader:
            yield item
            for _ in range(workers - 1):
                next(reader)

    @raises(r"unsupported operand type\(s\) for %|not all arguments converted")
    def by_the_item_itself(stream, worker, workers):
        """You divide the item itself. The stream may hold anything, and None has no rest: divide
        its number in the stream, which enumerate gives."""
        yield from (item for item in stream if item % workers == worker)

    @raises("is not subscriptable")
    def indexed(stream, worker):
        """You index the stream. An iterable need not have numbers: it gives its items one after the
        other, to a for loop or to next()."""
        yield stream[worker]

    @raises("has no len")
    def length_asked(stream, worker, workers):
        """You ask the stream for its length. An iterable need not have one, and this one may never
        end: count the items as they come."""
        return iter(range(len(stream)))

    def numbered_pairs(stream, worker, workers):
        """You give pairs of a number and an item. Give the item alone."""
        yield from itertools.islice(enumerate(stream), worker, None, workers)


def _with_the_next_one_read(item: Any, rest: Iterator[Any]) -> Iterator[Any]:
    """An item and all that follow, each given when the one behind it has been read."""
    for following in rest:
        yield item
        item = following
    yield item
