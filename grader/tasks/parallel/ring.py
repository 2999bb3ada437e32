"""The exercise on all-reduce: every rank runs the answer, and hands pieces to the next one."""

from collections.abc import Iterator, Sequence
from types import GeneratorType
from typing import Any

import torch
from torch import Tensor

from grader.engine.task import F32, Case, Inputs, Rng, Task, case


class RingAllReduce(Task):
    """Write what every rank of a ring runs. x, of shape (n,), is this rank's tensor; world is the
    number of ranks. `got = yield piece` sends piece to rank + 1 (the last rank to rank 0) and gives
    a copy of what rank - 1 sent in the same step. Return the sum of all ranks' tensors. Cut x by
    x.tensor_split(world) into one chunk for each rank, and send one chunk in each step: world - 1
    steps in which sums are collected, then world - 1 in which they are handed round. A ring of one
    sends nothing. Leave x as it is."""

    id = "ring_all_reduce"
    signatures = ("ring(rank, world, x) -> total",)
    title, points, difficulty, minutes = "All-reduce around a ring", 10, 4, 25
    prerequisites = ("ddp_average",)
    hints = (
        "Read the section on the ring. Which chunk does a rank send first, and which chunk does "
        "it get at that moment?",
        "Write down the three ranks of a ring of three on paper: who holds which part of which "
        "chunk after each step. What a rank has added to last is what it sends next.",
        "In step t of the first half, rank r sends chunk r - t and adds what it gets to chunk "
        "r - t - 1, both modulo world. After that it owns chunk r + 1 whole: begin the second half "
        "with it, and put what comes in its place instead of adding.",
    )
    CASES = (
        case("3 ranks, 6 numbers", world=3, n=6, visible=True),
        case("3 ranks, 7 numbers", world=3, n=7, visible=True),
        case("5 ranks, 13 numbers", world=5, n=13),
        case("2 ranks", world=2, n=5),
        case("fewer numbers than ranks", world=5, n=3),
        case("one rank", world=1, n=5),
        case("float32", world=4, n=11, dtype=F32),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {"xs": rng.apart(0.5, 1.5, case["world"], case["n"])}

    def observe(self, ring, xs):
        before, tensors = xs.clone(), [x.clone() for x in xs]
        ranks = [ring(rank, len(xs), x) for rank, x in enumerate(tensors)]
        if not all(isinstance(one, GeneratorType) for one in ranks):
            return {"what ring(rank, world, x) is": "no generator: there is no yield in it"}
        results, sent = run_ring(ranks)
        pairs = zip(tensors, before, strict=True)
        kept = [torch.equal(x, old) and not x.requires_grad for x, old in pairs]
        totals = {f"total on rank {rank}": total for rank, total in enumerate(results)}
        return {**totals, "numbers sent in each step": sent, "x is as it was": all(kept)}


def run_ring(ranks: Sequence[Iterator[Any]]) -> tuple[list[Any], list[int | None]]:
    """Let all ranks run until they return: what each returned, and how many numbers all of them
    sent in each step (None where something else than tensors was sent). A rank that goes on for
    too long has no result."""
    world = len(ranks)
    results: list[Any] = [None] * world
    received: list[Any] = [None] * world
    running, sent = set(range(world)), []
    for _ in range(4 * world + 5):
        pieces: list[Any] = [None] * world
        for rank in sorted(running):
            try:
                piece = ranks[rank].send(received[rank])  # type: ignore[attr-defined]
                pieces[rank] = piece.clone() if isinstance(piece, Tensor) else piece
            except StopIteration as stop:
                results[rank] = stop.value
                running.discard(rank)
        if not running:
            break
        tensors = [piece for piece in pieces if piece is not None]
        whole = all(isinstance(piece, Tensor) for piece in tensors)
        sent.append(sum(piece.numel() for piece in tensors) if whole else None)
        received = pieces[-1:] + pieces[:-1]
    return results, sent
