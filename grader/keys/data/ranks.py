"""Reference and mistakes of the exercise on a rank's share of a set."""

import itertools
import random
from collections.abc import Callable

import torch
from torch import Generator
from torch.utils.data.distributed import DistributedSampler

from grader.trusted.families.pairs import formula, of_formula
from grader.trusted.key import Key


def _order(n: int, shuffle: bool, seed: int) -> list[int]:
    if not shuffle:
        return list(range(n))
    numbers: list[int] = torch.randperm(n, generator=Generator().manual_seed(seed)).tolist()
    return numbers


def _padded(order: list[int], world: int) -> list[int]:
    length = -(-len(order) // world) * world
    return list(itertools.islice(itertools.cycle(order), length))


def _block(order: list[int], world: int, rank: int) -> list[int]:
    size = len(order) // world
    return order[rank * size : (rank + 1) * size]


def _every_so_many(order: list[int], world: int, rank: int) -> list[int]:
    return order[rank::world]


def _filled(order: list[int], world: int, rest: list[int]) -> list[int]:
    """The order, and of the rest over and over what makes its length a multiple of world."""
    return [*order, *itertools.islice(itertools.cycle(rest), -len(order) % world)]


@formula
def _read(
    n: int,
    world: int,
    rank: int,
    shuffle: bool,
    seed: int,
    epoch: int,
    seed_of: Callable[[int, int, int], int] = lambda seed, epoch, rank: seed + epoch,
    longer: Callable[[list[int], int], list[int]] = _padded,
    share: Callable[[list[int], int, int], list[int]] = _every_so_many,
) -> list[int]:
    """What a rank reads: the order from its seed, made longer, and shared out."""
    return share(longer(_order(n, shuffle, seed_of(seed, epoch, rank)), world), world, rank)


def _right(n, world, rank, shuffle, seed, epoch):
    return _read(n, world, rank, shuffle, seed, epoch)


def blocks(n, world, rank, shuffle, seed, epoch):
    """You gave each rank a block of neighbours. The entries go round: rank r takes r, r + world,
    r + 2 * world."""
    return _read(n, world, rank, shuffle, seed, epoch, share=_block)


def not_padded(n, world, rank, shuffle, seed, epoch):
    """Some ranks have fewer numbers than others. In training the others would wait for
    gradients that never come: make the order longer first, by repeating it from its beginning."""
    return _read(n, world, rank, shuffle, seed, epoch, longer=lambda order, world: order)


def cut_off(n, world, rank, shuffle, seed, epoch):
    """You left out what makes no full round. That is drop_last=True: here the order is made longer,
    and nothing is lost."""

    def shorter(order, world):
        return order[: len(order) // world * world]

    return _read(n, world, rank, shuffle, seed, epoch, longer=shorter)


def padded_with_the_last(n, world, rank, shuffle, seed, epoch):
    """You filled up with the last entry. Repeat the order from its beginning."""

    def longer(order, world):
        return _filled(order, world, order[-1:])

    return _read(n, world, rank, shuffle, seed, epoch, longer=longer)


def padded_with_zeros(n, world, rank, shuffle, seed, epoch):
    """You filled up with the number 0. Repeat the order from its beginning."""

    def longer(order, world):
        return _filled(order, world, [0])

    return _read(n, world, rank, shuffle, seed, epoch, longer=longer)


def padded_with_the_first(n, world, rank, shuffle, seed, epoch):
    """You filled up with the first entry over and over. Repeat the order from its beginning: its
    second entry comes second."""

    def longer(order, world):
        return _filled(order, world, order[:1])

    return _read(n, world, rank, shuffle, seed, epoch, longer=longer)


def padded_in_order(n, world, rank, shuffle, seed, epoch):
    """You filled up with 0, 1, 2 and so on. Repeat the order that was drawn, from its
    beginning."""

    def longer(order, world):
        return _filled(order, world, list(range(n)))

    return _read(n, world, rank, shuffle, seed, epoch, longer=longer)


def padded_from_the_end(n, world, rank, shuffle, seed, epoch):
    """You filled up with the end of the order. Repeat it from its beginning."""

    def longer(order, world):
        missing = -len(order) % world
        rest = (order * (missing // len(order) + 1))[-missing:] if missing else []
        return order + rest

    return _read(n, world, rank, shuffle, seed, epoch, longer=longer)


def repeated_once(n, world, rank, shuffle, seed, epoch):
    """You repeated the order once, and with fewer samples than ranks that is too little: some ranks
    come out empty. Go on until the length is a multiple of world."""

    def longer(order, world):
        return order + order[: -len(order) % world]

    return _read(n, world, rank, shuffle, seed, epoch, longer=longer)


def a_round_too_many(n, world, rank, shuffle, seed, epoch):
    """You make the order longer even where its length is a multiple of world already."""

    def longer(order, world):
        return list(itertools.islice(itertools.cycle(order), (len(order) // world + 1) * world))

    return _read(n, world, rank, shuffle, seed, epoch, longer=longer)


def epoch_ignored(n, world, rank, shuffle, seed, epoch):
    """Every epoch has the same order: you left out the epoch. The generator's seed is seed + epoch,
    for which set_epoch is there."""
    return _read(n, world, rank, shuffle, seed, epoch, seed_of=lambda seed, epoch, rank: seed)


def seed_ignored(n, world, rank, shuffle, seed, epoch):
    """You took the epoch alone for the generator's seed. It is seed + epoch."""
    return _read(n, world, rank, shuffle, seed, epoch, seed_of=lambda seed, epoch, rank: epoch)


def rank_for_the_seed(n, world, rank, shuffle, seed, epoch):
    """You took the rank for the generator's seed. All ranks draw one order, from seed + epoch, and
    take different entries of it."""
    return _read(n, world, rank, shuffle, seed, epoch, seed_of=lambda seed, epoch, rank: rank)


def seed_times_epoch(n, world, rank, shuffle, seed, epoch):
    """You multiplied seed and epoch. In epoch 0 every seed would give the same order: it is
    seed + epoch."""
    return _read(
        n, world, rank, shuffle, seed, epoch, seed_of=lambda seed, epoch, rank: seed * epoch
    )


def order_of_each_rank(n, world, rank, shuffle, seed, epoch):
    """Your order depends on the rank, so that ranks read some samples twice and others not at all.
    All ranks draw one order, from seed + epoch, and take different entries of it."""
    return _read(
        n, world, rank, shuffle, seed, epoch, seed_of=lambda seed, epoch, rank: seed + epoch + rank
    )


def never_shuffled(n, world, rank, shuffle, seed, epoch):
    """You never shuffle. With shuffle=True the order is torch.randperm(n)."""
    return _read(n, world, rank, False, seed, epoch)


def always_shuffled(n, world, rank, shuffle, seed, epoch):
    """You always shuffle. With shuffle=False the order is 0 to n - 1."""
    return _read(n, world, rank, True, seed, epoch)


def in_order_in_epoch_0(n, world, rank, shuffle, seed, epoch):
    """In epoch 0 you do not shuffle: `if epoch` takes 0 for no epoch. Every epoch has an order of
    its own, the first one too. Ask for shuffle alone."""
    return _read(n, world, rank, shuffle and bool(epoch), seed, epoch)


def in_order_with_seed_0(n, world, rank, shuffle, seed, epoch):
    """Where seed + epoch is 0 you do not shuffle: 0 is a seed like any other. Ask for shuffle
    alone."""
    return _read(n, world, rank, shuffle and bool(seed + epoch), seed, epoch)


_PARTS = (
    blocks,
    not_padded,
    cut_off,
    padded_with_the_last,
    padded_with_zeros,
    padded_with_the_first,
    padded_in_order,
    padded_from_the_end,
    repeated_once,
    a_round_too_many,
    epoch_ignored,
    seed_ignored,
    rank_for_the_seed,
    seed_times_epoch,
    order_of_each_rank,
    never_shuffled,
    always_shuffled,
    in_order_in_epoch_0,
)


class DistributedSamplerKey(Key, task="distributed_sampler"):
    def reference(n: int, world: int, rank: int, shuffle: bool, seed: int, epoch: int) -> list[int]:
        sampler = DistributedSampler(range(n), world, rank, shuffle, seed)  # type: ignore[arg-type,var-annotated]
        sampler.set_epoch(epoch)
        return list(sampler)

    families = _PARTS
    pairs = tuple(of_formula(_right, *_PARTS))

    def share_repeated(n, world, rank, shuffle, seed, epoch):
        """Where a share is too short you repeated a number of the share itself, or the first of
        all. The order of all numbers is made longer first, from its beginning, and shared out
        then."""
        order = _order(n, shuffle, seed + epoch)
        share = order[rank::world]
        return share + (share or order)[: -(-n // world) - len(share)]

    def epochs_drawn_in_turn(n, world, rank, shuffle, seed, epoch):
        """Your generator starts with seed, and draws an order for every epoch up to this one. Each
        epoch has a generator of its own, whose seed is seed + epoch."""
        generator = Generator().manual_seed(seed)
        order = list(range(n))
        for _ in range(epoch + 1 if shuffle else 0):
            order = torch.randperm(n, generator=generator).tolist()
        return _padded(order, world)[rank::world]

    def share_sorted(n, world, rank, shuffle, seed, epoch):
        """Your share holds the right numbers, and you sorted them. They stay in the order that was
        drawn."""
        return sorted(_padded(_order(n, shuffle, seed + epoch), world)[rank::world])

    def shares_shuffled(n, world, rank, shuffle, seed, epoch):
        """You cut first and shuffled each rank's share: a rank sees the same samples in every
        epoch. Shuffle all numbers, and share them out after that."""
        share = _padded(list(range(n)), world)[rank::world]
        order = _order(len(share), shuffle, seed + epoch)
        return [share[i] for i in order]

    def padded_before_shuffling(n, world, rank, shuffle, seed, epoch):
        """You made the list longer before you shuffled it. Shuffle the n numbers, and repeat that
        order from its beginning."""
        numbers = _padded(list(range(n)), world)
        order = _order(len(numbers), shuffle, seed + epoch)
        return [numbers[i] for i in order][rank::world]

    def torch_seeded(n, world, rank, shuffle, seed, epoch):
        """Your numbers are right, and you seeded torch itself: every random number of the program
        after it is another one. Make a generator of your own, and hand it to torch.randperm."""
        torch.manual_seed(seed + epoch)
        order = torch.randperm(n).tolist() if shuffle else list(range(n))
        return _padded(order, world)[rank::world]

    def torch_seeded_for_shuffling(n, world, rank, shuffle, seed, epoch):
        """Your numbers are right, and you seeded torch itself: every random number of the program
        after it is another one. Make a generator of your own, and hand it to torch.randperm."""
        order = list(range(n))
        if shuffle:
            torch.manual_seed(seed + epoch)
            order = torch.randperm(n).tolist()
        return _padded(order, world)[rank::world]

    def shuffled_by_python(n, world, rank, shuffle, seed, epoch):
        """You shuffled with a generator of Python's, whose numbers are others. The order is
        torch.randperm(n) with a torch.Generator, seeded with seed + epoch."""
        order = list(range(n))
        if shuffle:
            random.Random(seed + epoch).shuffle(order)
        return _padded(order, world)[rank::world]

    def counted_from_one(n, world, rank, shuffle, seed, epoch):
        """You counted the ranks from 1. They begin at 0: rank 0 takes the first entry."""
        return _padded(_order(n, shuffle, seed + epoch), world)[(rank - 1) % world :: world]

    def counted_from_one_and_from_behind(n, world, rank, shuffle, seed, epoch):
        """You counted the ranks from 1. They begin at 0: rank 0 takes the first entry, and with
        rank - 1, which counts from the end, it gets the last one alone."""
        return _padded(_order(n, shuffle, seed + epoch), world)[rank - 1 :: world]

    def step_of_rank(n, world, rank, shuffle, seed, epoch):
        """Your step is the rank. Each rank goes on by world, the number of ranks."""
        return _padded(_order(n, shuffle, seed + epoch), world)[rank :: max(1, rank)]

    def everything(n, world, rank, shuffle, seed, epoch):
        """Every rank gets the whole set. Share it out: the entries r, r + world and so on for rank
        r."""
        return _padded(_order(n, shuffle, seed + epoch), world)

    def tensor_returned(n, world, rank, shuffle, seed, epoch):
        """You returned a tensor. A list of ints is asked for: tolist() makes one."""
        order = _padded(_order(n, shuffle, seed + epoch), world)
        return torch.tensor(order)[rank::world]
