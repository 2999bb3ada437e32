"""References and mistakes of the exercises on data parallel training."""

import math

import torch
from torch import Tensor, nn

from grader.trusted.key import Key

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

    def weights_rounded_down(grads, sizes):
        """n // sum(sizes) is 0 for every rank but one that has all samples. Divide with /."""
        some, counts = _filled(grads, sizes)
        return _weighted(some, [n // sum(sizes) for n in counts])

    def first_rank(grads):
        """You returned the gradient of the first rank. Every rank has samples of its own, and all
        of them belong to the batch."""
        return grads[0].clone()

    def last_rank(grads):
        """You returned the gradient of the last rank: what you add up is lost in the loop. All
        ranks belong to the batch."""
        return grads[-1].clone()

    def first_with_samples(grads, sizes):
        """You returned the gradient of the first rank that has samples. All ranks belong to the
        batch."""
        return _filled(grads, sizes)[0][0].clone()

    def one_for_each_rank(grads, sizes):
        """You returned the average once for every rank. It is right; return it once."""
        return [DdpAverageKey.reference(grads, sizes) for _ in grads]

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


class GlobalBatchKey(Key, task="global_batch"):
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
        """The batch is right. In the learning rate you divided with //, which rounds down. Divide
        with /."""
        batch = per_rank * world * accum
        return batch, base_lr * (batch // base_batch)

    def exchanged(per_rank, world, accum, base_lr, base_batch):
        """Your two results are exchanged. Return the batch first, and then the learning rate."""
        return tuple(
            reversed(GlobalBatchKey.reference(per_rank, world, accum, base_lr, base_batch))
        )


Replicas = list[nn.Module]


def _synced(replicas, mean=None, over=None, seen=None, shared=False, frozen=False, nobody=False):
    """Give every parameter the average. `over` is the number to divide by, from the gradients that
    are there and the number of ranks; `seen` says which ranks get it."""
    every = zip(*(replica.parameters() for replica in replicas), strict=True)
    for same in every:
        if not (frozen or same[0].requires_grad):
            continue
        grads = [p.grad for p in same if p.grad is not None]
        if not grads and not nobody:
            continue
        total = torch.stack(grads).sum(0) if grads else torch.zeros_like(same[0])
        average = total / (over(grads, len(same)) if over else len(same))
        for rank, p in enumerate(same):
            if seen is None or seen(rank, p):
                p.grad = average if shared else average.clone()


class SyncGradsKey(Key, task="sync_grads"):
    def reference(replicas: Replicas) -> None:
        for parameters in zip(*(list(r.parameters()) for r in replicas), strict=True):
            if parameters[0].requires_grad and any(p.grad is not None for p in parameters):
                held = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
                for p in parameters:
                    p.grad = torch.stack(held).mean(0)

    def left_as_it_was(replicas):
        """You left all three bugs in: the sum is divided by the number of ranks that used a
        parameter, one tensor is handed to all, and an old .grad of what does not require grad is
        averaged too. Divide by the number of all ranks, give every replica a copy of its own, and
        leave alone what does not require grad."""
        _synced(replicas, over=lambda grads, world: len(grads), shared=True, frozen=True)

    def divided_by_those_who_used_it(replicas):
        """You divided by the number of ranks that have a gradient. A rank that did not use a
        parameter has a gradient of zeros, and its samples count: divide by the number of ranks."""
        _synced(replicas, over=lambda grads, world: len(grads))

    def divided_by_those_who_used_it_and_shared(replicas):
        """You divided by the number of ranks that have a gradient, and handed one tensor to all
        replicas. Divide by the number of ranks, and give every replica a copy."""
        _synced(replicas, over=lambda grads, world: len(grads), shared=True)

    def divided_by_those_who_used_it_frozen_too(replicas):
        """You divided by the number of ranks that have a gradient, and averaged the old .grad of
        parameters that do not require grad as well. Divide by the number of ranks, and leave those
        alone."""
        _synced(replicas, over=lambda grads, world: len(grads), frozen=True)

    def one_tensor_for_all(replicas):
        """The averages are right. All replicas hold one and the same tensor: what one of them
        does to its .grad in place, such as clipping, happens to all. Give each a copy."""
        _synced(replicas, shared=True)

    def one_tensor_for_all_frozen_too(replicas):
        """All replicas hold one and the same tensor: give each a copy. And leave parameters alone
        that do not require grad: their .grad is an old one."""
        _synced(replicas, shared=True, frozen=True)

    def frozen_too(replicas):
        """You averaged the .grad of parameters that do not require grad as well. It is an old one,
        of a step before they were frozen: leave it alone."""
        _synced(replicas, frozen=True)

    def summed(replicas):
        """You added the gradients up and did not divide. The losses are means, and every rank has
        as many samples: divide by the number of ranks."""
        _synced(replicas, over=lambda grads, world: 1)

    def only_where_it_was_used(replicas):
        """You wrote the average to the replicas that had a gradient, and left None at the others.
        They would step differently from then on: every replica gets the average."""
        _synced(replicas, seen=lambda rank, p: p.grad is not None)

    def only_rank_0(replicas):
        """You wrote the average to the first replica alone: that is reduce. All-reduce gives it to
        every one."""
        _synced(replicas, seen=lambda rank, p: rank == 0)

    def all_but_rank_0(replicas):
        """You wrote the average to all replicas but the first. Every one gets it."""
        _synced(replicas, seen=lambda rank, p: rank > 0)

    def rank_0_copied(replicas):
        """You gave all replicas the gradients of the first: that is broadcast. Average over all."""
        for same in zip(*(replica.parameters() for replica in replicas), strict=True):
            for p in same[1:]:
                if p.requires_grad:
                    p.grad = None if same[0].grad is None else same[0].grad.clone()

    def zeros_where_nobody_used_it(replicas):
        """Where no replica used a parameter you wrote zeros. Its .grad stays None everywhere: an
        optimizer skips None, while weight decay and momentum move a parameter whose .grad is 0."""
        _synced(replicas, nobody=True)

    def skipped_where_one_lacks_it(replicas):
        """You left a parameter alone as soon as one rank had no gradient. A rank that did not use
        it counts as zeros: average over all ranks."""
        for same in zip(*(replica.parameters() for replica in replicas), strict=True):
            if same[0].requires_grad and all(p.grad is not None for p in same):
                average = torch.stack([p.grad for p in same]).mean(0)
                for p in same:
                    p.grad = average.clone()

    def overwritten_on_the_way(replicas):
        """You wrote the average of the ranks so far into a replica before all of them were added
        up. Compute the average first, and write it afterwards."""
        for same in zip(*(replica.parameters() for replica in replicas), strict=True):
            if same[0].requires_grad and any(p.grad is not None for p in same):
                for p in same:
                    held = [torch.zeros_like(q) if q.grad is None else q.grad for q in same]
                    p.grad = torch.stack(held).mean(0)

    def nothing_done(replicas):
        """Every .grad is as it was before: you computed averages and wrote them nowhere, or
        averaged something else than .grad. Write to .grad, for the parameters of every replica."""
