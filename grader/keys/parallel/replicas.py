"""Reference and mistakes of the exercise that gives all replicas the average of the gradients."""

from typing import ClassVar

import torch
from torch import nn

from grader.trusted.key import Key

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


def _average(same):
    """Give one parameter of all replicas the average, if it learns and somebody used it."""
    held = [torch.zeros_like(p) if p.grad is None else p.grad for p in same]
    if same[0].requires_grad and any(p.grad is not None for p in same):
        for p in same:
            p.grad = torch.stack(held).mean(0)


class SyncGradsKey(Key, task="sync_grads"):
    sentences: ClassVar = {
        "NONE.gradient": "{path} is None, and should not be. Your function did not write it, or "
        "took it away."
    }

    def reference(replicas: Replicas) -> None:
        for parameters in zip(*(list(r.parameters()) for r in replicas), strict=True):
            _average(parameters)

    def left_as_it_was(replicas):
        """You left all three bugs in: the sum is divided by the number of ranks that used a
        parameter, all share one memory, and an old .grad of what does not require grad is averaged
        too. Divide by the number of all ranks, give every replica a copy of its own, and
        leave alone what does not require grad."""
        _synced(replicas, over=lambda grads, world: len(grads), shared=True, frozen=True)

    def divided_by_those_who_used_it(replicas):
        """You divided by the number of ranks that have a gradient. A rank that did not use a
        parameter has a gradient of zeros, and its samples count: divide by the number of ranks."""
        _synced(replicas, over=lambda grads, world: len(grads))

    def divided_by_those_who_used_it_and_shared(replicas):
        """You divided by the number of ranks that have a gradient, and the replicas' gradients
        share one memory. Divide by the number of ranks, and give every replica a copy."""
        _synced(replicas, over=lambda grads, world: len(grads), shared=True)

    def divided_by_those_who_used_it_frozen_too(replicas):
        """You divided by the number of ranks that have a gradient, and averaged the old .grad of
        parameters that do not require grad as well. Divide by the number of ranks, and leave those
        alone."""
        _synced(replicas, over=lambda grads, world: len(grads), frozen=True)

    def one_tensor_for_all(replicas):
        """The averages are right, and the replicas' gradients share one memory: what one of them
        does to its .grad in place, such as clipping, happens to all. Give each a copy."""
        _synced(replicas, shared=True)

    def one_tensor_for_all_frozen_too(replicas):
        """The replicas' gradients share one memory: give each a copy. And leave parameters alone
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

    def parameters_averaged_as_well(replicas):
        """The gradients are right, and you gave every parameter new memory, by .data for one, with
        an average of the parameters perhaps. The replicas are copies, and stay equal if they take
        equal steps: leave the parameters alone."""
        SyncGradsKey.reference(replicas)
        for replica in replicas:
            for p in replica.parameters():
                p.data = p.data.clone()

    def greatest_entries(replicas):
        """You took the greatest of the ranks' entries. The average is asked for."""
        for same in zip(*(replica.parameters() for replica in replicas), strict=True):
            grads = [p.grad for p in same if p.grad is not None]
            if grads and same[0].requires_grad:
                for p in same:
                    p.grad = torch.stack(grads).amax(0)

    def first_parameter_alone(replicas):
        """You synchronised the first parameter that has a gradient, and no other. Look for a return
        or a break that ends the loop after its first round."""
        for same in zip(*(replica.parameters() for replica in replicas), strict=True):
            if same[0].requires_grad and any(p.grad is not None for p in same):
                _average(same)
                return

    def stopped_at_frozen(replicas):
        """You stop at the first parameter that does not require grad, and leave all behind it as
        they are: a return or a break ends the loop. Write continue."""
        for same in zip(*(replica.parameters() for replica in replicas), strict=True):
            if not same[0].requires_grad:
                return
            _average(same)

    def stopped_at_unused(replicas):
        """You stop at the first parameter that no replica used, and leave all behind it as they
        are: a return or a break ends the loop. Write continue."""
        for same in zip(*(replica.parameters() for replica in replicas), strict=True):
            if all(p.grad is None for p in same):
                return
            _average(same)

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

    def first_gradient_for_all(replicas):
        """You gave all replicas the gradient of the first rank that has one. The average over all
        ranks is asked for: each of them has seen samples of its own."""
        for same in zip(*(list(r.parameters()) for r in replicas), strict=True):
            grads = [p.grad for p in same if p.grad is not None]
            if same[0].requires_grad and grads:
                for p in same:
                    p.grad = grads[0].clone()

    def zeros_where_nobody_used_it(replicas):
        """Where no replica used a parameter you wrote zeros. Its .grad stays None everywhere: an
        optimizer skips None, while weight decay and momentum move a parameter whose .grad is 0."""
        _synced(replicas, nobody=True)

    def skipped_where_rank_0_lacks_it(replicas):
        """You left a parameter alone where the first rank had no gradient. Others may have one: ask
        all ranks, and count None as zeros."""
        for same in zip(*(replica.parameters() for replica in replicas), strict=True):
            if same[0].requires_grad and same[0].grad is not None:
                grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in same]
                for p in same:
                    p.grad = torch.stack(grads).mean(0)

    def skipped_where_one_lacks_it(replicas):
        """You left a parameter alone as soon as one rank had no gradient. A rank that did not use
        it counts as zeros: average over all ranks."""
        for same in zip(*(replica.parameters() for replica in replicas), strict=True):
            if same[0].requires_grad and all(p.grad is not None for p in same):
                average = torch.stack([p.grad for p in same]).mean(0)
                for p in same:
                    p.grad = average.clone()

    def overwritten_on_the_way(replicas):
        """You wrote an average into one replica, and then computed that of the next one: it reads
        what you wrote in the place of a gradient. Compute the average once, and write it into all
        afterwards."""
        for same in zip(*(replica.parameters() for replica in replicas), strict=True):
            if same[0].requires_grad and any(p.grad is not None for p in same):
                for p in same:
                    held = [torch.zeros_like(q) if q.grad is None else q.grad for q in same]
                    p.grad = torch.stack(held).mean(0)

    def nothing_done(replicas):
        """Every .grad is as it was before: you computed averages and wrote them nowhere, or
        averaged something else than .grad, or your loop met no parameter, as with recurse=False.
        Write to .grad, for all that parameters() gives of every replica."""
