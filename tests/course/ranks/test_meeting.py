"""Which call of one rank meets which of the other, as lesson 13 says."""

from datetime import timedelta
from threading import Thread

import pytest
import torch
import torch.distributed as dist


def found(*calls_of_the_ranks):
    """What the calls of two ranks leave of 1, or None where one of them waited in vain."""
    store, results = dist.HashStore(), {}

    def run(rank, calls):
        group = dist.ProcessGroupGloo(store, rank, 2, timedelta(seconds=1))
        tensors = [torch.ones(size) for _, size in calls]
        try:
            kinds = [getattr(group, kind) for kind, _ in calls]
            for work in [kind([t]) for kind, t in zip(kinds, tensors, strict=True)]:
                work.wait()
        except RuntimeError:
            results[rank] = None
        else:
            results[rank] = [t.tolist() for t in tensors]

    ranks = [Thread(target=run, args=each) for each in enumerate(calls_of_the_ranks)]
    for rank in ranks:
        rank.start()
    for rank in ranks:
        rank.join()
    return [results[rank] for rank in range(2)]


SUM, LONGER, CAST = ("allreduce", 1), ("allreduce", 2), ("broadcast", 1)


def test_calls_of_one_kind_and_size_meet_by_their_order():
    assert found([CAST, SUM], [CAST, SUM]) == [[[1], [2]]] * 2


@pytest.mark.parametrize("left_out", [CAST, LONGER])
def test_a_call_that_is_left_out_is_not_skipped_to_find_one_that_fits(left_out):
    assert found([left_out, SUM], [SUM]) == [None, None]
