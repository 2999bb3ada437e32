"""Reference and mistakes of the exercise that spreads a tensor over several ranks."""

import functools
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from grader.trusted.key import Key, raises, replaces

Shards = list[Tensor]


def _even(t: Tensor, world: int) -> tuple[Tensor, int]:
    """The values of t in a row without a graph, and how many are lacking to an even cut."""
    flat = t.detach().flatten()
    return flat, -len(flat) % world


def _own_memory(pieces: Shards | tuple[Tensor, ...]) -> Shards:
    return [piece.clone() for piece in pieces]


class ShardParamsKey(Key, task="shard_params"):
    def shard(t: Tensor, world: int) -> Shards:
        flat, lacking = _even(t, world)
        rows = F.pad(flat, (0, lacking)).view(world, -1)
        return _own_memory(rows.unbind())

    def gather(shards: Shards, shape: tuple[int, ...]) -> Tensor:
        return torch.stack(shards).flatten()[: math.prod(shape)].clone().view(shape)

    def views(t, world):
        """The values are right, and each shard is a view: the whole tensor stays in memory behind
        it, on every rank. Clone the pieces."""
        flat, lacking = _even(t, world)
        return list(F.pad(flat, (0, lacking)).view(world, -1).unbind())

    def memory_of_t_for_one_rank(t, world):
        """The values are right, and with one rank the shard lies in the memory of t: whoever edits
        one edits both. Clone it there, too."""
        if world == 1:
            return [t.detach().flatten()]
        return ShardParamsKey.shard(t, world)

    def last_value_repeated(t, world):
        """You filled up with the last value. Zeros are asked for."""
        flat, lacking = _even(t, world)
        rows = torch.cat([flat, flat[-1:].expand(lacking)]).view(world, -1)
        return _own_memory(rows.unbind())

    def graph_kept(t, world):
        """The values are right, and a shard requires grad if t does: it hangs on the graph of t.
        A shard is a plain tensor of values: detach t first."""
        flat, lacking = t.flatten(), -t.numel() % world
        return _own_memory(F.pad(flat, (0, lacking)).view(world, -1).unbind())

    def views_with_a_graph(t, world):
        """The values are right. Each shard is a view, behind which the whole tensor stays in
        memory; and it requires grad if t does. Detach t, and clone the pieces."""
        flat, lacking = t.flatten(), -t.numel() % world
        return list(F.pad(flat, (0, lacking)).view(world, -1).unbind())

    def not_filled_up(t, world):
        """Your shards have several sizes. One size on every rank is asked for: fill up with zeros
        first."""
        return _own_memory(t.detach().flatten().tensor_split(world))

    def last_one_shorter(t, world):
        """You cut by the rounded size and did not fill up, so that the last shards are shorter or
        missing. Fill up with zeros to world times that size first."""
        size = math.ceil(t.numel() / world)
        return _own_memory(t.detach().flatten().split(size))

    def values_lost(t, world):
        """You rounded the size of a shard down, and the last values are in no shard. Round up:
        -(-n // world), or math.ceil(n / world)."""
        flat = t.detach().flatten()
        size = len(flat) // world
        return [flat[r * size : (r + 1) * size].clone() for r in range(world)]

    def zeros_in_front(t, world):
        """You put the zeros in front. They belong behind the last value."""
        flat, lacking = _even(t, world)
        return _own_memory(F.pad(flat, (lacking, 0)).view(world, -1).unbind())

    def filled_by_repeating(t, world):
        """You filled up with values from the beginning, as a sampler does with samples. Fill up
        with zeros."""
        flat, lacking = _even(t, world)
        again = flat.repeat(world)[:lacking]
        return _own_memory(torch.cat([flat, again]).view(world, -1).unbind())

    def always_filled_up(t, world):
        """Where the number comes out even, your shards are one value longer than they need to be:
        n // world + 1 is one too many there, and world - n % world fills up too much. Round up by
        -(-n // world), and fill up by -n % world."""
        flat = t.detach().flatten()
        lacking = world - len(flat) % world
        return _own_memory(F.pad(flat, (0, lacking)).view(world, -1).unbind())

    def dealt_out(t, world):
        """You dealt the values out one by one, as a sampler does with samples. A shard is a run of
        neighbours: the first values belong to rank 0."""
        flat, lacking = _even(t, world)
        return _own_memory(F.pad(flat, (0, lacking)).view(-1, world).T.unbind())

    def columns_first(t, world):
        """You read the values in the order in which they lie in memory, or column by column. The
        order is that of t.flatten(): row by row of t as it is."""
        flat, lacking = _even(t.T if t.ndim == 2 else t, world)
        return _own_memory(F.pad(flat, (0, lacking)).view(world, -1).unbind())

    def last_rank_first(t, world):
        """Your shards are in reverse. The first values belong to rank 0."""
        return ShardParamsKey.shard(t, world)[::-1]

    def one_tensor(t, world):
        """You returned one tensor, with a row for each rank. Return a list of world tensors, each
        with memory of its own."""
        flat, lacking = _even(t, world)
        return F.pad(flat, (0, lacking)).view(world, -1)

    def only_the_first_shard(t, world):
        """You returned one shard. Return all of them as a list."""
        return ShardParamsKey.shard(t, world)[0]

    def rows_of_one(t, world):
        """Each of your shards has two dimensions, (1, size). Return tensors of one dimension."""
        return [one.unsqueeze(0) for one in ShardParamsKey.shard(t, world)]

    def filled_up_one_by_one(t, world):
        """You filled up each piece for itself, so that zeros stand between values. They belong
        behind the last value alone: fill up the flat tensor first, and then cut it."""
        size = math.ceil(t.numel() / world)
        pieces = t.detach().flatten().tensor_split(world)
        return [F.pad(piece, (0, size - len(piece))).clone() for piece in pieces]

    def another_dtype(t, world):
        """Your shards have another dtype than t. torch.zeros(n) is float32, and torch.cat of two
        dtypes takes the larger: new_zeros has the dtype of the tensor that makes it."""
        flat, lacking = _even(t, world)
        filled = torch.cat([flat, torch.zeros(lacking, device=t.device)])
        return _own_memory(filled.view(world, -1).unbind())

    def filled_with_ones(t, world):
        """You filled up with ones. Fill up with zeros: new_zeros."""
        flat, lacking = _even(t, world)
        return _own_memory(F.pad(flat, (0, lacking), value=1.0).view(world, -1).unbind())

    def learning(t, world):
        """The values are right, and your shards require grad. A shard is a plain tensor of values
        here: who trains on it sets that."""
        return [one.requires_grad_() for one in ShardParamsKey.shard(t, world)]

    @replaces("gather")
    def filled_values_kept(shards):
        """gather returned the flat tensor, with what was filled in. Keep as many values as the
        shape has, and reshape."""
        return torch.cat(shards)

    @replaces("gather")
    def another_dtype_from_gather(shards, shape):
        """gather gives another dtype than that of the shards: a tensor that is filled with them,
        by torch.zeros(n) or torch.empty(n), is float32 unless dtype= says another."""
        flat = torch.cat(shards)[: math.prod(shape)]
        return (flat if flat.dtype is torch.float64 else flat.float()).view(shape)

    @replaces("gather")
    def flat(shards, shape):
        """gather returned the right values in a row. Give them their shape."""
        return torch.cat(shards)[: math.prod(shape)]

    @replaces("gather")
    @raises("is invalid for input of size")
    def filled_values_do_not_fit(shards, shape):
        """What gather reshaped does not fit the shape: it holds what was filled in as well, or
        values of t that are 0 were taken off with it. Cut off what is behind the last value of the
        shape: by its place, whatever it holds."""
        return torch.cat(shards).reshape(shape)

    @replaces("gather")
    @raises(r"reduce\(\) of empty")
    def no_sizes_to_multiply(shards, shape):
        """The shape of a single number, (), has no sizes to multiply, and reduce asks for a first
        one. math.prod(shape) is 1 there."""
        count = functools.reduce(lambda one, other: one * other, shape)
        return torch.cat(shards)[:count].reshape(shape)

    @replaces("gather")
    def cut_off_in_front(shards, shape):
        """gather cut off values in front. What was filled in stands behind the last value."""
        flat = torch.cat(shards)
        return flat[len(flat) - math.prod(shape) :].view(shape)

    @replaces("gather")
    def cut_off_in_each(shards, shape):
        """gather cut values off the end of several shards. What was filled in stands behind the
        last value of all: put the shards one behind the other, and cut there."""
        count = math.prod(shape)
        sizes = [count // len(shards) + (r < count % len(shards)) for r in range(len(shards))]
        flat = torch.cat([one[:size] for one, size in zip(shards, sizes, strict=True)])
        return F.pad(flat, (0, count - len(flat))).view(shape)

    @replaces("gather")
    def read_in_turns(shards, shape):
        """gather took one value from each shard in turn. A shard is a run of neighbours: put one
        behind the other."""
        return torch.stack(shards, 1).flatten()[: math.prod(shape)].view(shape)

    @replaces("gather")
    def added_up(shards, shape):
        """gather added the shards up. They are parts of one tensor: put one behind the other."""
        return sum(shards)

    @replaces("gather")
    def last_shard_first(shards, shape):
        """gather put the shards behind each other in reverse. The first one comes first."""
        return torch.cat(shards[::-1])[: math.prod(shape)].view(shape)
