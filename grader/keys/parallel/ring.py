"""Reference and mistakes of the exercise on all-reduce around a ring."""

from collections.abc import Generator
from typing import Any

import torch
from torch import Tensor

from grader.trusted.key import Key, raises

Run = Generator[Any, Any, Any]


def _ring(
    rank: int,
    world: int,
    x: Tensor,
    first: int = 0,
    add: bool = True,
    back: int = 1,
    put: int | None = None,
    second: int = 1,
    add_again: bool = False,
    collect: int = -1,
    hand_round: int = -1,
    forward: bool = True,
) -> Run:
    """All-reduce with something changed: which chunk comes first (`first`), and in the second half
    (`second`); whether chunks are added or replaced; how far back the chunk lies that is received
    (`back`, and `put` in the second half); how many steps more than `world` the halves have;
    whether sums are sent on."""
    put = back if put is None else put
    chunks = [chunk.clone() for chunk in x.tensor_split(world)]
    for step in range(world + collect):
        sent = chunks[(rank + first - (step if forward else 0)) % world]
        got = yield sent
        to = (rank + first - back - (step if forward else 0)) % world
        chunks[to] = chunks[to] + got if add else got
    for step in range(world + hand_round):
        got = yield chunks[(rank + second - step) % world]
        to = (rank + second - put - step) % world
        chunks[to] = chunks[to] + got if add_again else got
    return torch.cat(chunks)


class RingAllReduceKey(Key, task="ring_all_reduce"):
    def reference(rank: int, world: int, x: Tensor) -> Run:
        chunks = list(x.tensor_split(world))
        mine = rank
        held = chunks[mine]
        for _ in range(world - 1):
            got = yield held
            mine = (mine - 1) % world
            held = chunks[mine] + got
        chunks[mine] = held
        for _ in range(world - 1):
            held = yield held
            mine = (mine - 1) % world
            chunks[mine] = held
        return torch.cat(chunks)

    def own_chunks_handed_round(rank, world, x):
        """What you hand round are no sums: chunk c is that of rank c alone. Either you put what you
        got in the place of the chunk in the first half, and should add it; or you began the second
        half with chunk `rank`, and the one that is whole here is rank + 1, modulo world."""
        return (yield from _ring(rank, world, x, add=False))

    def added_in_the_second_half(rank, world, x):
        """In the second half you added what you got. It is the whole sum of a chunk already: put it
        in the place of what is there."""
        return (yield from _ring(rank, world, x, add_again=True))

    def second_half_begins_one_before(rank, world, x):
        """In the second half you began with chunk rank - 1. What this rank owns whole is the chunk
        it added to last: rank + 1, modulo world."""
        return (yield from _ring(rank, world, x, second=-1))

    def added_to_what_was_sent(rank, world, x):
        """You added what you got to the chunk that you sent. The rank before sent its own number
        of chunk, one less than yours: in step t you send chunk r - t and get chunk r - t - 1."""
        return (yield from _ring(rank, world, x, back=0))

    def added_one_too_far(rank, world, x):
        """You added what you got to the wrong chunk, one too far on: if you send chunk r - t, the
        rank before sends chunk r - t - 1, and that is where it belongs."""
        return (yield from _ring(rank, world, x, back=-1))

    def added_to_what_was_sent_at_first(rank, world, x):
        """In the first half you added what you got to the chunk that you sent. The rank before sent
        its own number of chunk, one less than yours: in step t you send chunk r - t and get chunk
        r - t - 1."""
        return (yield from _ring(rank, world, x, back=0, put=1))

    def added_one_too_far_at_first(rank, world, x):
        """In the first half you added what you got to the wrong chunk, one too far on: if you send
        chunk r - t, the rank before sends chunk r - t - 1, and that is where it belongs."""
        return (yield from _ring(rank, world, x, back=-1, put=1))

    def put_where_it_was_sent_from(rank, world, x):
        """In the second half you put what you got in the place of the chunk that you sent. The rank
        before sends the chunk before: if you send chunk r + 1 - t, it belongs to r - t."""
        return (yield from _ring(rank, world, x, put=0))

    def put_one_too_far(rank, world, x):
        """In the second half you put what you got into the wrong chunk, one too far on: if you send
        chunk r + 1 - t, the rank before sends chunk r - t, and that is where it belongs."""
        return (yield from _ring(rank, world, x, put=-1))

    def same_chunk_in_every_step(rank, world, x):
        """In the first half you sent the same chunk in every step. Send what you have added to in
        the step before: that is how a sum comes to be."""
        return (yield from _ring(rank, world, x, forward=False))

    def one_step_too_many(rank, world, x):
        """The first half has world - 1 steps; you took one more, so that a rank's own part comes
        back to it and is added twice."""
        return (yield from _ring(rank, world, x, collect=0))

    def one_step_too_many_in_both(rank, world, x):
        """Each half has world - 1 steps; you took world. In the first half a rank's own part comes
        back to it then, and is added twice."""
        return (yield from _ring(rank, world, x, collect=0, hand_round=0))

    def one_step_too_few(rank, world, x):
        """The first half has world - 1 steps; you took one less, so that every sum lacks a rank."""
        return (yield from _ring(rank, world, x, collect=min(-1, max(-2, -world))))

    def handed_round_once_too_often(rank, world, x):
        """The sums are right. In the second half you took world steps; after world - 1 every rank
        has every chunk."""
        return (yield from _ring(rank, world, x, hand_round=0))

    def handed_round_too_few(rank, world, x):
        """In the second half you took a step less than world - 1: every rank lacks one whole
        chunk."""
        return (yield from _ring(rank, world, x, hand_round=min(-1, max(-2, -world))))

    def stopped_after_the_first_half(rank, world, x):
        """You stopped after the first half: every rank has one chunk whole, and parts of sums in
        the others. Hand the whole ones round in world - 1 steps more."""
        return (yield from _ring(rank, world, x, hand_round=-world))

    def whole_tensors_sent(rank, world, x):
        """The sum is right, and you sent the whole tensor in every step: with many ranks that is
        far more than each has to send. Send one chunk in a step."""
        total = held = x
        for _ in range(world - 1):
            held = yield held
            total = total + held
        return total.clone()

    def running_totals_sent(rank, world, x):
        """You sent on the total that you had so far, and the next rank added it to its own: some
        ranks are counted several times. Send one chunk in a step, and in the second half put what
        comes in its place."""
        total = x.clone()
        for _ in range(world - 1):
            total = total + (yield total)
        return total

    def own_tensor_in_every_step(rank, world, x):
        """You sent your own tensor in every step, so that a rank gets that of the one before it
        again and again. Send on what you have added to, one chunk in a step."""
        total = x.clone()
        for _ in range(world - 1):
            total = total + (yield x)
        return total

    def only_the_neighbour(rank, world, x):
        """You added up this rank and the one before it alone. Hand on what you get."""
        return x + (yield x) if world > 1 else x.clone()

    def only_the_neighbour_and_itself(rank, world, x):
        """You added up this rank and the one before it alone, in one step. Hand on what you get,
        one chunk in each of 2 * (world - 1) steps: a ring of one has none."""
        return x + (yield x)

    def averaged(rank, world, x):
        """You divided by the number of ranks. The sum is asked for."""
        return (yield from _ring(rank, world, x)) / world

    def one_chunk_returned(rank, world, x):
        """You returned one chunk. Put all of them together, in their order: torch.cat(chunks)."""
        chunks = (yield from _ring(rank, world, x)).tensor_split(world)
        return chunks[(rank + 1) % world]

    def list_of_chunks(rank, world, x):
        """You returned the chunks as a list. Put them together: torch.cat(chunks)."""
        return list((yield from _ring(rank, world, x)).tensor_split(world))

    def sums_not_put_away(rank, world, x):
        """In the second half you did not keep what you got, so that this rank has one chunk whole
        and parts of sums in the others. Put each whole chunk where it belongs."""
        chunks = [chunk.clone() for chunk in x.tensor_split(world)]
        for step in range(world - 1):
            got = yield chunks[(rank - step) % world]
            chunks[(rank - step - 1) % world] += got
        for step in range(world - 1):
            yield chunks[(rank + 1 - step) % world]
        return torch.cat(chunks)

    def chunks_in_the_order_of_arrival(rank, world, x):
        """You put the chunks together in the order in which they arrived. Put each where it stands
        in x."""
        chunks = list((yield from _ring(rank, world, x)).tensor_split(world))
        order = [(rank + 1 - step) % world for step in range(world)]
        return torch.cat([chunks[i] for i in order])

    def turned_to_the_finished_chunk(rank, world, x):
        """You put the chunks together beginning with the one that this rank finished. Put each
        where it stands in x: chunk 0 comes first on every rank."""
        return _turned((yield from _ring(rank, world, x)), world, rank + 1)

    def turned_to_the_own_chunk(rank, world, x):
        """You put the chunks together beginning with the chunk of this rank's number. Put each
        where it stands in x: chunk 0 comes first on every rank."""
        return _turned((yield from _ring(rank, world, x)), world, rank)

    @raises("must match the size")
    def counted_up_at_first(rank, world, x):
        """In the first half you count the chunks up from step to step. The rank before you sends
        the chunk before yours, and what you add to comes out mixed. Count down: in step t you send
        chunk r - t and get chunk r - t - 1."""
        chunks = [chunk.clone() for chunk in x.tensor_split(world)]
        for step in range(world - 1):
            got = yield chunks[(rank + step) % world]
            to = (rank + step + 1) % world
            chunks[to] = chunks[to] + got
        return (yield from _handed_round(rank, world, chunks, -1))

    @raises("must match the size")
    def counted_up(rank, world, x):
        """You count the chunks up from step to step. The rank before you sends the chunk before
        yours, and what you add to comes out mixed. Count down: in step t you send chunk r - t and
        get chunk r - t - 1."""
        chunks = [chunk.clone() for chunk in x.tensor_split(world)]
        for step in range(world - 1):
            got = yield chunks[(rank + step) % world]
            to = (rank + step + 1) % world
            chunks[to] = chunks[to] + got
        return (yield from _handed_round(rank, world, chunks, 1))

    def equal_chunks(rank, world, x):
        """You cut x into chunks of n // world numbers, and what is left over is in none.
        x.tensor_split(world) gives the first chunks one number more."""
        size = len(x) // world
        return (yield from _ring_of(rank, world, list(x[: size * world].tensor_split(world))))

    def x_overwritten(rank, world, x):
        """You wrote into x: `+=` on a chunk that tensor_split gives does, for it is a view, and so
        does copying the sum into x at the end. Clone the chunks, or write chunk = chunk + got, and
        return a new tensor."""
        chunks = list(x.tensor_split(world))
        for step in range(world - 1):
            got = yield chunks[(rank - step) % world]
            chunks[(rank - step - 1) % world] += got
        for step in range(world - 1):
            chunks[(rank - step) % world][:] = yield chunks[(rank + 1 - step) % world]
        return torch.cat(chunks)

    @raises("index out of range")
    def cut_by_chunk(rank, world, x):
        """You cut x by chunk, or into pieces of one size, rounded up: there may be fewer of them
        than ranks. tensor_split(world) gives as many, some of them empty."""
        chunks = list(x.chunk(world))
        return (yield from _ring_of(rank, world, chunks))

    def not_a_generator(x):
        """Your function has no yield in it, so it can send nothing and gets nothing. In `got =
        yield piece` the piece goes to the next rank."""
        return x.clone()


def _turned(total: Tensor, world: int, first: int) -> Tensor:
    """The chunks of a sum, beginning with another one."""
    chunks = list(total.tensor_split(world))
    return torch.cat([chunks[(first + i) % world] for i in range(world)])


def _handed_round(rank: int, world: int, chunks: list[Tensor], way: int) -> Run:
    """The second half, in which the numbers of the chunks go down (-1) or up."""
    for step in range(world - 1):
        got = yield chunks[(rank + 1 + way * step) % world]
        chunks[(rank + (0 if way < 0 else 2) + way * step) % world] = got
    return torch.cat(chunks)


def _ring_of(rank: int, world: int, chunks: list[Tensor]) -> Run:
    for step in range(world - 1):
        got = yield chunks[(rank - step) % world]
        chunks[(rank - step - 1) % world] = chunks[(rank - step - 1) % world] + got
    for step in range(world - 1):
        chunks[(rank - step) % world] = yield chunks[(rank + 1 - step) % world]
    return torch.cat(chunks)
