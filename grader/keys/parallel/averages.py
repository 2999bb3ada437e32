"""References and mistakes of the exercises on what one step of data parallel training sees."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from grader.trusted.key import Key, mistake, raises

Grads = list[Tensor]
Sizes = list[int]


def _filled(grads: Grads, sizes: Sizes) -> tuple[Grads, Sizes]:
    """Without the ranks that have no samples."""
    pairs = [(g, n) for g, n in zip(grads, sizes, strict=True) if n]
    return [g for g, _ in pairs], [n for _, n in pairs]


def _weighted(grads: Grads, weights: list[float]) -> Tensor:
    terms = [g * w for g, w in zip(grads, weights, strict=True)]
    return torch.stack(terms).sum(0)


class DdpAverageKey(Key, task="ddp_average"):
    def reference(grads: Grads, sizes: Sizes) -> Tensor:
        some, counts = _filled(grads, sizes)
        each = [g.unsqueeze(0).repeat_interleave(n, 0) for g, n in zip(some, counts, strict=True)]
        return torch.cat(each).mean(0)  # of every sample the mean of its shard, and their mean

    def summed(grads):
        """You added the gradients up. Each is the gradient of a mean: the mean over all samples is
        no sum of means. Give every rank its share of the samples as its weight."""
        return torch.stack(grads).sum(0)

    def plain_average(grads):
        """You averaged the gradients, each counting the same. That is right for shards of one size
        alone: here a sample of a small shard counts for more, and a rank without samples counts
        as well. Weigh every rank by its number of samples."""
        return torch.stack(grads).mean(0)

    def divided_by_sizes(grads, sizes):
        """You divided every gradient by its number of samples. Each is a mean already: multiply it
        by that number, which gives the sum over its samples, and divide by the number of all."""
        some, counts = _filled(grads, sizes)
        return _weighted(some, [1 / n / sum(sizes) for n in counts])

    def averaged_two_by_two(grads):
        """You averaged two by two as you went: the last rank counts half, the one before a quarter.
        Weigh every rank by its number of samples, and divide once at the end."""
        total = grads[0]
        for grad in grads[1:]:
            total = (total + grad) / 2
        return total.clone()

    def plain_average_without_the_empty(grads, sizes):
        """You averaged the gradients of the ranks that have samples, each counting the same. A
        sample of a small shard counts for more then. Weigh every rank by its number of samples."""
        return torch.stack(_filled(grads, sizes)[0]).mean(0)

    def divided_by_ranks_as_well(grads, sizes):
        """You weighed every rank by its share of the samples, and then divided by the number of
        ranks as well. The weights n / sum(sizes) add up to 1 already."""
        some, counts = _filled(grads, sizes)
        return _weighted(some, [n / sum(sizes) for n in counts]) / len(grads)

    def divided_by_samples_alone(grads, sizes):
        """You added up the gradients and divided by the number of all samples. Each of them is a
        mean already, so multiply it by its number of samples first."""
        return torch.stack(_filled(grads, sizes)[0]).sum(0) / sum(sizes)

    def never_divided(grads, sizes):
        """You multiplied every gradient by its number of samples and added them up: that is the
        gradient of the sum over the batch. Divide by the number of all samples."""
        some, counts = _filled(grads, sizes)
        return _weighted(some, list(counts))

    def divided_by_ranks(grads, sizes):
        """You multiplied every gradient by its number of samples, and divided the sum by the number
        of ranks. Divide by the number of all samples, sum(sizes)."""
        some, counts = _filled(grads, sizes)
        return _weighted(some, list(counts)) / len(grads)

    def times_the_world_size(grads, sizes):
        """You multiplied by the number of ranks. That belongs to a loss whose gradients DDP divides
        by it afterwards. Here nobody divides: the weights are n / sum(sizes)."""
        some, counts = _filled(grads, sizes)
        return _weighted(some, [n * len(grads) / sum(sizes) for n in counts])

    def divided_by_ranks_with_samples(grads, sizes):
        """You multiplied every gradient by its number of samples, and divided the sum by the number
        of ranks that have any. Divide by the number of all samples, sum(sizes)."""
        some, counts = _filled(grads, sizes)
        return _weighted(some, list(counts)) / len(some)

    def weights_against_the_largest(grads, sizes):
        """You divided by the largest of the sizes. Divide by their sum: then the weights add up to
        1."""
        some, counts = _filled(grads, sizes)
        return _weighted(some, [n / max(sizes) for n in counts])

    def weights_upside_down(grads, sizes):
        """You divided every gradient by its number of samples. It is a mean over them already:
        multiply, and divide by the number of all samples at the end."""
        some, counts = _filled(grads, sizes)
        weights = [1 / n for n in counts]
        return _weighted(some, [w / sum(weights) for w in weights])

    def each_divided_by_its_size(grads, sizes):
        """You divided every gradient by its number of samples, and added them up. Each is a mean
        over them already: multiply, and divide by the number of all samples at the end."""
        some, counts = _filled(grads, sizes)
        return _weighted(some, [1 / n for n in counts])

    def each_divided_by_its_size_and_the_ranks(grads, sizes):
        """You divided every gradient by its number of samples, and averaged over the ranks that
        have any. Each is a mean over its samples already: multiply, and divide by the number of all
        samples at the end."""
        some, counts = _filled(grads, sizes)
        return _weighted(some, [1 / n / len(some) for n in counts])

    def each_divided_by_its_size_and_all_ranks(grads, sizes):
        """You divided every gradient by its number of samples, and averaged over all ranks. Each is
        a mean over its samples already: multiply, and divide by the number of all samples at the
        end."""
        some, counts = _filled(grads, sizes)
        return _weighted(some, [1 / n / len(grads) for n in counts])

    def softmax_of_the_sizes(grads, sizes):
        """Your weights are the softmax of the sizes, which gives the largest shard too much. The
        weight of a rank is its share of the samples, n / sum(sizes)."""
        weights = torch.tensor(sizes, dtype=torch.float64).softmax(0).tolist()
        return _weighted(grads, weights)

    def empty_ranks_counted_as_one(grads, sizes):
        """You counted a rank without samples as one sample, as max(n, 1) does: the sum of your
        weights is less than 1. It has none: divide by sum(sizes)."""
        counts = [max(n, 1) for n in sizes]
        return _weighted(grads, [n / sum(counts) for n in counts])

    def weights_along_the_last_axis(grads, sizes):
        """You multiplied the stacked gradients by the sizes as they are: these line up with the
        last axis of a gradient, and not with the ranks. Give the weights as many axes of length 1
        behind: sizes.view(-1, 1, 1) for matrices."""
        stacked = torch.stack(grads)
        weights = stacked.new_tensor(sizes)
        if stacked.ndim == 1 or stacked.shape[-1] != len(sizes):
            return DdpAverageKey.reference(grads, sizes)
        return (stacked * weights).sum(0) / weights.sum()

    @raises("must match the size|out of range")
    def weights_for_one_axis(grads, sizes):
        """You gave the sizes one axis of length 1 behind the ranks: that fits gradients of one
        dimension alone. A gradient may have any shape: sizes.view(-1, *[1] * grads[0].ndim), or a
        loop that multiplies one by one."""
        weights = torch.stack(grads).new_tensor(sizes)
        return (weights[:, None] * torch.stack(grads)).sum(0) / weights.sum()

    @raises("must match the size")
    def weights_for_three_axes_at_most(grads, sizes):
        """Your result is right for gradients of up to two dimensions. A gradient may have any
        shape, as that of a convolution's weight has four: sizes.view(-1, *[1] * grads[0].ndim), or
        a loop that multiplies one by one."""
        stacked = torch.stack(grads)
        weights = stacked.new_tensor(sizes)
        axes = min(stacked.ndim, 3) - 1
        return (stacked * weights.view(-1, *[1] * axes)).sum(0) / weights.sum()

    def zeros_taken_for_empty(grads, sizes):
        """You took a gradient of zeros for that of a rank without samples, and did not count its
        samples. Samples may give zeros, too: how many there are stands in sizes."""
        pairs = [(g, n) for g, n in zip(grads, sizes, strict=True) if bool(g.any())]
        return _weighted([g for g, _ in pairs], [n / sum(n for _, n in pairs) for _, n in pairs])

    def first_share_alone(grads, sizes):
        """You returned the share of the first rank that has samples: does a loop end after its
        first round? Add up the shares of all ranks."""
        some, counts = _filled(grads, sizes)
        return some[0] * (counts[0] / sum(sizes))

    def share_of_rank_0_alone(grads, sizes):
        """You returned the share of rank 0: does a loop end after its first round? Add up the
        shares of all ranks."""
        return grads[0] * (sizes[0] / sum(sizes))

    def each_divided_by_its_share(grads, sizes):
        """You divided every gradient by its share of the samples, n / sum(sizes). The share is its
        weight: multiply."""
        some, counts = _filled(grads, sizes)
        return _weighted(some, [sum(sizes) / n for n in counts])

    def last_rank_left_out(grads, sizes):
        """You left out the last rank. Go through all of them: range(len(grads)) ends with the last
        one."""
        shares = [g * (n / sum(sizes)) for g, n in zip(grads, sizes, strict=True)]
        return torch.stack([torch.zeros_like(grads[0]), *shares[:-1]]).sum(0)

    def last_rank_left_out_of_a_sum(grads, sizes):
        """You left out the last rank. Go through all of them: range(len(grads)) ends with the last
        one."""
        return sum(g * n for g, n in zip(grads[:-1], sizes[:-1], strict=True)) / sum(sizes)

    def weights_rounded_down(grads, sizes):
        """Your weights are whole numbers, as n // sum(sizes) or an integer dtype makes them: 0 for
        every rank but one that has all samples. Divide with /, and keep the fractions."""
        some, counts = _filled(grads, sizes)
        return _weighted(some, [n // sum(sizes) for n in counts])

    def first_rank(grads):
        """You returned the gradient of the first rank. Every rank has samples of its own, and all
        of them belong to the batch."""
        return grads[0].clone()

    def last_rank(grads):
        """You returned the gradient of the last rank. A loop that sets its result anew in each
        round ends with that; add up over all ranks."""
        return grads[-1].clone()

    def first_with_samples(grads, sizes):
        """You returned the gradient of the first rank that has samples. All ranks belong to the
        batch."""
        return _filled(grads, sizes)[0][0].clone()

    def one_for_each_rank(grads, sizes):
        """You returned the average once for every rank. It is right; return it once."""
        return [DdpAverageKey.reference(grads, sizes) for _ in grads]

    def lists_emptied(grads, sizes):
        """The result is right, and the lists are others than before: you took out what was in
        them, or put something else in its place. They belong to the caller: go through both by
        zip."""
        found = DdpAverageKey.reference(grads, sizes)
        grads.clear()
        return found

    def empty_ranks_taken_out(grads, sizes):
        """The result is right, and you took the ranks without samples out of the lists. They belong
        to the caller: a rank whose size is 0 adds nothing by itself."""
        found = DdpAverageKey.reference(grads, sizes)
        for rank in reversed([rank for rank, n in enumerate(sizes) if not n]):
            del grads[rank], sizes[rank]
        return found

    def gradients_overwritten(grads, sizes):
        """The result is right, and you wrote into the gradients you were given: you multiplied one
        in place, or added the others up in it. They belong to the caller. g * n is a new tensor,
        and a sum can begin with torch.zeros_like(grads[0])."""
        some, counts = _filled(grads, sizes)
        for g, n in zip(some, counts, strict=True):
            g *= n / sum(sizes)
        return torch.stack(some).sum(0)


def _lr(batch: float, base_lr: float, base_batch: int) -> float:
    return base_lr * batch / base_batch


def _rounded(places: int) -> Callable[..., Any]:
    """The learning rate in so many places behind the point."""

    def wrong(
        per_rank: int, world: int, accum: int, base_lr: float, base_batch: int
    ) -> tuple[int, float]:
        batch = per_rank * world * accum
        return batch, round(_lr(batch, base_lr, base_batch), places)

    return mistake(
        f"lr_in_{places}_places",
        "The batch is right. You rounded the learning rate, and a small one has few places left, "
        "or is 0. In proportion means all of its digits: leave round() out.",
        wrong,
    )


class GlobalBatchKey(Key, task="global_batch"):
    families = tuple(map(_rounded, range(1, 4)))

    def reference(
        per_rank: int, world: int, accum: int, base_lr: float, base_batch: int
    ) -> tuple[int, float]:
        batch = math.prod((per_rank, world, accum))
        return batch, _lr(batch, base_lr, base_batch)

    def world_left_out(per_rank, accum, base_lr, base_batch):
        """You left out the ranks: each of them reads samples of its own, and their gradients are
        averaged before the step. Multiply by world."""
        return per_rank * accum, _lr(per_rank * accum, base_lr, base_batch)

    def accumulation_left_out(per_rank, world, base_lr, base_batch):
        """You left out the accumulation: a rank reads accum batches before one step. Multiply by
        accum."""
        return per_rank * world, _lr(per_rank * world, base_lr, base_batch)

    def one_batch_of_one_rank(per_rank, base_lr, base_batch):
        """You took the batch that one rank reads at once for the whole. All ranks, and all
        accumulated batches, have a part in one step: multiply by world and by accum."""
        return per_rank, _lr(per_rank, base_lr, base_batch)

    def accumulation_divides(per_rank, world, accum, base_lr, base_batch):
        """You divided by accum. Accumulation makes a batch larger: every rank reads accum batches
        before one step. Multiply."""
        batch = per_rank * world // accum
        return batch, _lr(batch, base_lr, base_batch)

    def world_divides(per_rank, world, accum, base_lr, base_batch):
        """You divided by world, as if the ranks shared the samples of one batch of per_rank. Each
        of them reads per_rank samples: multiply."""
        batch = per_rank * accum // world
        return batch, _lr(batch, base_lr, base_batch)

    def added_up(per_rank, world, accum, base_lr, base_batch):
        """You added the ranks and the accumulated batches up. Every one of world ranks reads accum
        batches: that is a product of three numbers."""
        batch = per_rank * (world + accum)
        return batch, _lr(batch, base_lr, base_batch)

    def all_added_up(per_rank, world, accum, base_lr, base_batch):
        """You added three numbers up. Every one of world ranks reads accum batches of per_rank
        samples: multiply them."""
        batch = per_rank + world + accum
        return batch, _lr(batch, base_lr, base_batch)

    def batch_as_a_float(per_rank, world, accum, base_lr, base_batch):
        """Both numbers are right, and the batch is a float. An int is asked for: a product of ints
        is one, and `/` makes a float of them."""
        batch = per_rank * world * accum
        return float(batch), _lr(batch, base_lr, base_batch)

    def batch_without_accumulation(per_rank, world, accum, base_lr, base_batch):
        """The learning rate is right. In the batch accum is missing: a step sees the accumulated
        batches too."""
        return per_rank * world, _lr(per_rank * world * accum, base_lr, base_batch)

    def batch_without_the_ranks(per_rank, world, accum, base_lr, base_batch):
        """The learning rate is right. In the batch world is missing: a step sees the samples of all
        ranks."""
        return per_rank * accum, _lr(per_rank * world * accum, base_lr, base_batch)

    def batch_of_one_rank_at_once(per_rank, world, accum, base_lr, base_batch):
        """The learning rate is right, and the batch is what one rank reads at once. A step sees the
        samples of all ranks, and all accumulated batches."""
        return per_rank, _lr(per_rank * world * accum, base_lr, base_batch)

    def lr_upside_down(per_rank, world, accum, base_lr, base_batch):
        """The batch is right. You divided the learning rate where you should multiply it: twice the
        samples, twice the learning rate."""
        batch = per_rank * world * accum
        return batch, base_lr * base_batch / batch

    def lr_by_the_root(per_rank, world, accum, base_lr, base_batch):
        """The batch is right. You scaled the learning rate by the square root, which is another
        rule. The linear rule is asked for: in proportion to the batch."""
        batch = per_rank * world * accum
        return batch, base_lr * math.sqrt(batch / base_batch)

    def lr_as_it_was(per_rank, world, accum, base_lr):
        """The batch is right. You returned the recipe's learning rate as it was; it belongs to the
        recipe's batch. Multiply it by batch / base_batch."""
        return per_rank * world * accum, base_lr

    def lr_never_smaller(per_rank, world, accum, base_lr, base_batch):
        """The batch is right. Where it is smaller than the recipe's, you leave the learning rate as
        it is. In proportion means both ways: half the samples, half the learning rate."""
        batch = per_rank * world * accum
        return batch, max(base_lr, _lr(batch, base_lr, base_batch))

    def lr_as_an_int(per_rank, world, accum, base_lr, base_batch):
        """Both numbers are right, and the learning rate is an int where it comes out whole. A float
        is asked for, whatever it is."""
        batch = per_rank * world * accum
        lr = _lr(batch, base_lr, base_batch)
        return batch, int(lr) if lr.is_integer() else lr

    def lr_by_ranks(per_rank, world, accum, base_lr):
        """The batch is right. You multiplied the learning rate by the number of ranks alone. What
        counts is how your batch compares with the recipe's: batch / base_batch."""
        return per_rank * world * accum, base_lr * world

    def lr_by_ranks_and_accumulation(per_rank, world, accum, base_lr):
        """The batch is right. You multiplied the learning rate by world * accum, as if the recipe's
        batch were per_rank. Multiply by batch / base_batch."""
        return per_rank * world * accum, base_lr * world * accum

    def lr_not_divided(per_rank, world, accum, base_lr):
        """The batch is right. You multiplied the learning rate by it, and did not divide by the
        recipe's batch."""
        batch = per_rank * world * accum
        return batch, base_lr * batch

    def lr_times_the_recipes_batch(per_rank, world, accum, base_lr, base_batch):
        """The batch is right. You multiplied the recipe's learning rate by the recipe's batch, and
        not by yours. Multiply by batch / base_batch."""
        return per_rank * world * accum, base_lr * base_batch

    def lr_of_one_batch_of_one_rank(per_rank, world, accum, base_lr, base_batch):
        """The batch is right. You scaled the learning rate by per_rank, the batch that one rank
        reads at once. Scale it by all samples that one step sees."""
        return per_rank * world * accum, _lr(per_rank, base_lr, base_batch)

    def lr_without_accumulation(per_rank, world, accum, base_lr, base_batch):
        """The batch is right. In the learning rate accum is missing: a step sees the accumulated
        batches too."""
        return per_rank * world * accum, _lr(per_rank * world, base_lr, base_batch)

    def lr_without_ranks(per_rank, world, accum, base_lr, base_batch):
        """The batch is right. In the learning rate world is missing: a step sees the samples of all
        ranks."""
        return per_rank * world * accum, _lr(per_rank * accum, base_lr, base_batch)

    def lr_in_whole_steps(per_rank, world, accum, base_lr, base_batch):
        """The batch is right. For the learning rate you rounded batch / base_batch down, as // and
        int() do. Divide with /, and leave it as it is."""
        batch = per_rank * world * accum
        return batch, base_lr * (batch // base_batch)

    def exchanged(per_rank, world, accum, base_lr, base_batch):
        """Your two results are exchanged. Return the batch first, and then the learning rate."""
        return tuple(
            reversed(GlobalBatchKey.reference(per_rank, world, accum, base_lr, base_batch))
        )
