"""What every rank of lesson 13 runs: one function for each thing that the lesson shows.

torchrun starts it once on each rank. What the functions return is written as JSON into the folder
that is its one argument.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook
from torch.distributed.device_mesh import init_device_mesh
from torch.nn.functional import mse_loss
from torch.nn.parallel import DistributedDataParallel

Shown = dict[str, Any]


def batch() -> tuple[Tensor, Tensor]:
    """12 samples with 6 features each, and 3 targets for each of them."""
    g = torch.Generator().manual_seed(0)
    return torch.randn(12, 6, generator=g), torch.randn(12, 3, generator=g)


def make_net(seed: int = 0) -> Any:
    """Two linear layers with a ReLU between them, 6 to 8 to 3: 83 parameters."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))


def shard(rank: int) -> tuple[Tensor, Tensor]:
    """The six rows of the batch that a rank sees."""
    x, y = batch()
    return x.chunk(2)[rank], y.chunk(2)[rank]


def off(net: Any) -> float:
    """How far the gradient of the first weight is from that of the whole batch's loss."""
    x, y = batch()
    (whole,) = torch.autograd.grad(mse_loss(net(x), y), net[0].weight)
    return float((net[0].weight.grad - whole).abs().max())


def ranks_apart(net: Any) -> float:
    """How far this rank's parameters are from those of the other."""
    mine = nn.utils.parameters_to_vector(net.parameters()).detach()
    of_all = [torch.empty_like(mine) for _ in range(dist.get_world_size())]
    dist.all_gather(of_all, mine)  # every rank gets what each of them has
    return float((of_all[0] - of_all[1]).abs().max())


def who(rank: int) -> Shown:
    """What torchrun tells a process about itself."""
    names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR")
    return {name: os.environ[name] for name in names}


def by_hand(rank: int) -> Shown:
    """One rank's gradient, added up over all ranks and divided by their number."""
    net, (x, y) = make_net(), shard(rank)
    mse_loss(net(x), y).backward()
    before = off(net)
    for p in net.parameters():
        dist.all_reduce(p.grad)  # in place: now it is the sum over the ranks
        p.grad /= dist.get_world_size()
    return {"off before": before, "off after": off(net)}


def left_alone(rank: int) -> Shown:
    """Rank 1 leaves out the first of two calls. A rank waits for at most three seconds."""
    first, second, raised = torch.tensor(1.0), torch.tensor(10.0), None
    try:
        both = dist.new_group(timeout=timedelta(seconds=3))
        if rank == 0:
            dist.all_reduce(first, group=both)  # should become 2
        dist.all_reduce(second, group=both)  # should become 20
    except RuntimeError as error:
        raised = str(error).rpartition("] ")[2]  # without gloo's file and line
    return {"first": first.item(), "second": second.item(), "raised": raised}


def with_ddp(rank: int) -> Shown:
    """The same by DistributedDataParallel; the ranks begin with other weights."""
    net = make_net(seed=rank)
    apart = ranks_apart(net)
    ddp = DistributedDataParallel(net)
    from_rank_0 = float((net[0].weight - make_net(seed=0)[0].weight).abs().max())
    at_once = []

    def exchange(state, bucket):  # type: ignore[no-untyped-def]
        at_once.append(len(bucket.gradients()))
        return allreduce_hook(state, bucket)  # what DDP does by itself

    ddp.register_comm_hook(None, exchange)
    x, y = shard(rank)
    mse_loss(ddp(x), y).backward()
    gradient = off(net)
    torch.optim.SGD(ddp.parameters(), lr=0.1).step()
    return {
        "apart": apart,
        "from rank 0's": from_rank_0,
        "gradients at once": at_once,
        "gradient off": gradient,
        "apart after a step": ranks_apart(net),
        "first key": next(iter(ddp.state_dict())),
    }


def unequal_shards(rank: int) -> Shown:
    """Eight rows on one rank and four on the other: as it is, and with weighted losses."""
    net, (x, y) = make_net(), batch()
    ddp = DistributedDataParallel(net)
    rows = slice(0, 8) if rank == 0 else slice(8, 12)
    mse_loss(ddp(x[rows]), y[rows]).backward()
    plain = off(net)
    net.zero_grad()
    weight = len(x[rows]) * dist.get_world_size() / len(x)
    (weight * mse_loss(ddp(x[rows]), y[rows])).backward()
    return {"plain": plain, "weighted": off(net)}


def bypassed(rank: int) -> Shown:
    """The wrapped module is called, and not its wrapper."""
    net, (x, y) = make_net(), shard(rank)
    ddp = DistributedDataParallel(net)
    assert ddp.module is net
    mse_loss(ddp.module(x), y).backward()  # should be ddp(x)
    gradient = off(net)
    torch.optim.SGD(ddp.parameters(), lr=0.1).step()
    return {"gradient off": gradient, "apart after a step": ranks_apart(net)}


def accumulated(rank: int) -> Shown:
    """Two micro-batches and one exchange; a pass alone in no_sync; two backward passes of one."""
    net, (x, y) = make_net(), shard(rank)
    ddp = DistributedDataParallel(net)
    with ddp.no_sync():
        (mse_loss(ddp(x[:3]), y[:3]) / 2).backward()
    local = float(net[0].weight.grad.norm())  # not exchanged yet
    (mse_loss(ddp(x[3:]), y[3:]) / 2).backward()
    after = off(net)
    net.zero_grad()
    with ddp.no_sync():
        loss = mse_loss(ddp(x), y)
    loss.backward()  # too late: the forward pass was inside
    forward_inside = off(net)
    net.zero_grad()
    loss = mse_loss(ddp(x), y)
    with ddp.no_sync():
        loss.backward()  # exchanged all the same
    backward_inside = off(net)
    net.zero_grad()
    loss = mse_loss(ddp(x), y) / 2
    loss.backward(retain_graph=True)
    loss.backward()  # not exchanged: ddp(x) prepared one exchange
    second = off(net)
    (net[0].weight.grad,) = torch.autograd.grad(mse_loss(ddp(x), y), net[0].weight)
    return {
        "norm before": local,
        "off": after,
        "off, forward in": forward_inside,
        "off, backward in": backward_inside,
        "off, a second pass": second,
        "off, autograd.grad": off(net),
    }


class Branches(nn.Module):
    """A frozen layer, and three branches, of which a call uses one."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.frozen = nn.Linear(6, 6).requires_grad_(False)
        self.left, self.right, self.spare = (nn.Linear(6, 3) for _ in range(3))

    def forward(self, x: Tensor, branch: str) -> Tensor:
        """The result of that branch."""
        return self.get_submodule(branch)(self.frozen(x))  # type: ignore[no-any-return]


def unused(rank: int, find: bool = False) -> Shown:
    """Rank 0 uses the branch on the left, rank 1 the one on the right."""
    net, (x, y) = Branches(), shard(rank)
    ddp = DistributedDataParallel(net, find_unused_parameters=find)
    branch = "left" if rank == 0 else "right"
    mse_loss(ddp(x, branch), y).backward()
    learning = [(n, p) for n, p in net.named_parameters() if p.requires_grad]
    biases = {n: p.grad for n, p in learning if n.endswith("bias")}
    grads = {name: None if g is None else round(float(g[0]), 4) for name, g in biases.items()}
    try:
        ddp(x, branch)
    except RuntimeError as error:
        return {"grads": grads, "second pass": str(error)}
    return {"grads": grads, "second pass": "runs"}


def unused_found(rank: int) -> Shown:
    """The same, where DDP is told to look for what is not used."""
    return unused(rank, find=True)


def buffers(rank: int) -> Shown:
    """The running mean of a BatchNorm after a forward pass, and what the next ones do to it."""
    norm, (x, _) = nn.BatchNorm1d(6, momentum=1.0), shard(rank)
    mean = norm.running_mean
    assert mean is not None
    mean.fill_(rank)
    ddp = DistributedDataParallel(norm)
    wrapped = mean.clone()
    ddp(x)
    own = mean.clone()
    with torch.no_grad():
        ddp.eval()(x)
    at_next = mean.clone()
    mean.copy_(own)  # each rank has its own again
    with ddp.no_sync():
        ddp(x)  # the pass before this one was not recorded
    after_no_grad = mean.clone()
    ddp(x)  # the pass before this one was in no_sync
    found = {"wrapped": wrapped, "own": own, "at the next pass": at_next}
    found |= {"after no_grad": after_no_grad, "after no_sync": mean}
    return {when: round(float(of[0]), 4) for when, of in found.items()}


def row_parallel(rank: int) -> Shown:
    """Each rank has four of the eight hidden features; all_reduce adds the outputs up."""
    net, (x, y) = make_net(), batch()
    x.requires_grad_()
    own = slice(4 * rank, 4 * rank + 4)
    hidden = torch.relu(x @ net[0].weight[own].T + net[0].bias[own])
    part = hidden @ net[2].weight[:, own].T
    total = part.detach().clone()
    dist.all_reduce(total)  # plain values: autograd knows nothing of the other rank
    out = part + (total - part).detach() + net[2].bias
    mse_loss(out, y).backward()
    assert x.grad is not None
    summand = x.grad.clone()
    dist.all_reduce(x.grad)  # backward, too: each rank has a summand of it
    whole, of_x = torch.autograd.grad(mse_loss(net(x), y), (net[0].weight, x))
    return {
        "output off": float((out - net(x)).abs().max()),
        "own rows off": float((net[0].weight.grad - whole)[own].abs().max()),
        "x's summand off": float((summand - of_x).abs().max()),
        "x's sum off": float((x.grad - of_x).abs().max()),
    }


def two_stages(rank: int) -> Shown:
    """Rank 0 has the first layer, rank 1 the second and the loss."""
    net, (x, y) = make_net(), batch()
    if rank == 0:
        hidden = net[1](net[0](x))
        dist.send(hidden.detach(), dst=1)
        arrived = torch.empty_like(hidden)
        dist.recv(arrived, src=1)
        hidden.backward(arrived)
        return {"first weight off": off(net)}
    received = torch.empty(12, 8)
    dist.recv(received, src=0)
    received.requires_grad_()
    mse_loss(net[2](received), y).backward()
    assert received.grad is not None
    dist.send(received.grad, dst=0)
    return {"sent back": list(received.grad.shape)}


def sharded(rank: int) -> Shown:
    """FSDP: a rank keeps a shard of every parameter and of its gradient."""
    from torch.distributed.fsdp import fully_shard  # a second's import, for whoever shards

    net, (x, y) = make_net(), shard(rank)
    mesh = init_device_mesh("cpu", (dist.get_world_size(),))  # all ranks, in a row
    for part in (net[0], net[2], net):  # a layer by itself is gathered by itself
        fully_shard(part, mesh=mesh)
    mse_loss(net(x), y).backward()
    weight, whole = net[0].weight, make_net()
    of_all = weight.grad.full_tensor()  # gathers the shards of both ranks
    (wanted,) = torch.autograd.grad(mse_loss(whole(batch()[0]), batch()[1]), whole[0].weight)
    return {
        "type": type(weight).__name__,
        "shape": list(weight.shape),
        "kept here": list(weight.to_local().shape),
        "gradient kept here": list(weight.grad.to_local().shape),
        "gradient off": float((of_all - wanted).abs().max()),
    }


SHOWN: tuple[Callable[[int], Shown], ...] = (
    who,
    by_hand,
    left_alone,
    with_ddp,
    unequal_shards,
    bypassed,
    accumulated,
    unused,
    unused_found,
    buffers,
    row_parallel,
    two_stages,
    sharded,
)


def main(folder: str) -> None:
    """Run everything on this rank, in one order on all ranks, and write what it gave."""
    dist.init_process_group("gloo")
    try:
        rank = dist.get_rank()
        shown = {show.__name__: show(rank) for show in SHOWN}
        Path(folder, f"rank{rank}.json").write_text(json.dumps(shown))
    finally:
        dist.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1])
