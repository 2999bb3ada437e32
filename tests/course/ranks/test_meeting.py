"""Which call of one rank meets which of the other, as lesson 13 says."""

import signal
import subprocess
import sys
from datetime import timedelta
from threading import Thread

import pytest
import torch
import torch.distributed as dist

from tests.conftest import environment


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


PAIRS = """
import os, sys
from pathlib import Path

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

folder = Path(sys.argv[1])


class Branches(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.left, self.right = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)

    def forward(self, x, both):
        return self.left(x) + (self.right(x) if both else 0)


def rank_0_uses_all(rank):
    ddp = DistributedDataParallel(Branches())
    ddp(torch.ones(4, 3), rank == 0).sum().backward()


def sizes_differ(rank):
    dist.all_reduce(torch.ones(3000 if rank else 1000))


for pair in (rank_0_uses_all, sizes_differ):
    ranks = []
    for rank in range(2):
        ranks.append(os.fork())
        if not ranks[-1]:
            store = dist.FileStore(str(folder / pair.__name__), 2)
            dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
            try:
                pair(rank)
                told = "it ended"
            except RuntimeError as error:
                told = str(error)
            (folder / f"{pair.__name__}-{rank}").write_text(told)
            os._exit(0)
    for rank, process in enumerate(ranks):
        _, status = os.waitpid(process, 0)
        ended = os.waitstatus_to_exitcode(status)
        (folder / f"{pair.__name__}-{rank}-ended").write_text(str(ended))
"""


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Reads what a rank of a pair of processes wrote, of which each ends when it is through."""
    folder = tmp_path_factory.mktemp("ranks")
    command = [sys.executable, "-c", PAIRS, str(folder)]
    env = environment(OMP_NUM_THREADS="1")
    subprocess.run(command, cwd=folder, env=env, check=True, timeout=120)
    return lambda name: (folder / name).read_text() if (folder / name).exists() else None


def test_a_rank_that_used_all_parameters_waits_for_one_that_did_not(pairs):
    assert pairs("rank_0_uses_all-1") == "it ended"
    assert "remote worker" in pairs("rank_0_uses_all-0")  # which is no more


def test_gloo_may_kill_a_process_where_the_sizes_of_two_calls_differ(pairs):
    assert int(pairs("sizes_differ-0-ended")) == -signal.SIGABRT
    assert pairs("sizes_differ-0") is None
