"""Other right answers to the exercises of chapter 13."""

import math

import torch
import torch.nn.functional as F


def average_by_running_sum(grads, sizes):
    total = torch.zeros_like(grads[0])
    for g, n in zip(grads, sizes, strict=True):
        total += n * g
    return total / sum(sizes)


def average_by_weights(grads, sizes):
    weights = torch.tensor(sizes, dtype=grads[0].dtype, device=grads[0].device) / sum(sizes)
    return torch.tensordot(weights, torch.stack(grads), 1)


def average_of_two_at_a_time(grads, sizes):
    mean, seen = None, 0
    for g, n in zip(grads, sizes, strict=True):
        if n:
            seen += n
            mean = g.clone() if mean is None else mean + (g - mean) * (n / seen)
    return mean


def plan_by_factor(per_rank, world, accum, base_lr, base_batch):
    batch = per_rank * world * accum
    factor = batch / base_batch
    return batch, base_lr * factor


def plan_per_sample(per_rank, world, accum, base_lr, base_batch):
    per_sample = base_lr / base_batch
    return accum * world * per_rank, per_sample * (accum * world * per_rank)


def sync_by_copying(replicas):
    for parameters in zip(*(replica.parameters() for replica in replicas), strict=True):
        if not parameters[0].requires_grad:
            continue
        present = [p.grad for p in parameters if p.grad is not None]
        if present:
            mean = sum(g / len(replicas) for g in present)
            for p in parameters:
                if p.grad is None:
                    p.grad = mean.clone()
                else:
                    p.grad.copy_(mean)


def sync_by_name(replicas):
    tables = [dict(replica.named_parameters()) for replica in replicas]
    for name, first in tables[0].items():
        if first.requires_grad and any(table[name].grad is not None for table in tables):
            total = torch.zeros_like(first)
            for table in tables:
                if table[name].grad is not None:
                    total += table[name].grad
            for table in tables:
                table[name].grad = total / len(tables)


def sync_in_one_flat_tensor(replicas):
    lists = [list(replica.parameters()) for replica in replicas]
    used = [
        i
        for i, p in enumerate(lists[0])
        if p.requires_grad and any(one[i].grad is not None for one in lists)
    ]
    flat = [
        torch.cat(
            [
                (torch.zeros_like(one[i]) if one[i].grad is None else one[i].grad).flatten()
                for i in used
            ]
        )
        for one in lists
    ]
    mean = torch.stack(flat).mean(0)
    for one in lists:
        pieces = mean.clone().split([one[i].numel() for i in used])
        for i, piece in zip(used, pieces, strict=True):
            one[i].grad = piece.view_as(one[i])


def sync_by_parts_of_one_tensor(replicas):
    """Each replica has entries of its own, in one storage."""
    for parameters in zip(*(replica.parameters() for replica in replicas), strict=True):
        present = [p.grad for p in parameters if p.grad is not None]
        if present and parameters[0].requires_grad:
            mean = torch.stack(present).sum(0) / len(replicas)
            copies = torch.stack([mean] * len(replicas), -1).unbind(-1)
            for p, copy in zip(parameters, copies, strict=True):
                p.grad = copy


def ring_by_dict(rank, world, x):
    chunks = dict(enumerate(x.tensor_split(world)))
    for step in range(2 * (world - 1)):
        got = yield chunks[(rank - step) % world]
        index = (rank - step - 1) % world
        chunks[index] = got if step >= world - 1 else chunks[index] + got
    return torch.cat([chunks[i] for i in range(world)])


def ring_that_begins_one_before(rank, world, x):
    """It ends the first half with the chunk of its own number whole."""
    out = x.clone()
    chunks = out.tensor_split(world)
    for step in range(1, world):
        got = yield chunks[(rank - step) % world]
        chunks[(rank - step - 1) % world].add_(got)
    for step in range(world - 1):
        got = yield chunks[(rank - step) % world]
        chunks[(rank - step - 1) % world].copy_(got)
    return out


def ring_that_adds_into_what_came(rank, world, x):
    """What arrives is a copy, so that it may be written into."""
    chunks = list(x.tensor_split(world))
    for step in range(world - 1):
        got = yield chunks[(rank - step) % world]
        index = (rank - step - 1) % world
        chunks[index] = got.add_(chunks[index])
    for step in range(world - 1):
        chunks[(rank - step) % world] = yield chunks[(rank + 1 - step) % world]
    return torch.cat(chunks)


def mlp_by_rank(x, w1s, b1s, w2s, b2):
    y = b2
    for w1, b1, w2 in zip(w1s, b1s, w2s, strict=True):
        y = y + torch.relu(x @ w1.T + b1) @ w2.T
    return y


def mlp_with_a_share_of_the_bias(x, w1s, b1s, w2s, b2):
    parts = [
        F.linear(F.linear(x, w1, b1).clamp_min(0), w2, b2 / len(w1s))
        for w1, b1, w2 in zip(w1s, b1s, w2s, strict=True)
    ]
    return torch.stack(parts).sum(0)


def schedule_by_rows(stages, micro):
    rows = []
    for stage in range(stages):
        before, between = [""] * stage, [""] * (2 * (stages - 1 - stage))
        forward = [f"F{m}" for m in range(micro)]
        backward = [f"B{m}" for m in reversed(range(micro))]
        rows.append(before + forward + between + backward + before)
    return rows


def schedule_by_ticks(stages, micro):
    half = stages + micro - 1
    rows = [[] for _ in range(stages)]
    for tick in range(2 * half):
        for stage in range(stages):
            forward, backward = tick - stage, 2 * half - 1 - tick - stage
            if 0 <= forward < micro:
                rows[stage].append(f"F{forward}")
            elif 0 <= backward < micro:
                rows[stage].append(f"B{backward}")
            else:
                rows[stage].append("")
    return rows


def bytes_by_walking(model, x):
    y = model(x)
    own = {t.untyped_storage().data_ptr() for t in model.state_dict(keep_vars=True).values()}
    found, waiting, seen = {}, [y.grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        for name in dir(node):
            if name.startswith("_saved_") and isinstance(getattr(node, name), torch.Tensor):
                storage = getattr(node, name).untyped_storage()
                found[storage.data_ptr()] = storage.nbytes()
        waiting.extend(parent for parent, _ in node.next_functions)
    return sum(size for place, size in found.items() if place not in own)


def bytes_by_sets(model, x):
    """A storage is known by its place, and every place is looked at once."""
    storages = {}

    def pack(t):
        storages[t.untyped_storage().data_ptr()] = t.untyped_storage()
        return t

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        y = model(x)
    for t in [*model.parameters(), *model.buffers()]:
        storages.pop(t.untyped_storage().data_ptr(), None)
    del y
    return sum(len(storage) for storage in storages.values())


def shard_by_slices(t, world):
    flat = t.detach().reshape(-1)
    size = -(-flat.numel() // world)
    shards = []
    for rank in range(world):
        shard = torch.zeros(size, dtype=t.dtype, device=t.device)
        piece = flat[rank * size : (rank + 1) * size]
        shard[: len(piece)] = piece
        shards.append(shard)
    return shards


def gather_into_zeros(shards, shape):
    out = torch.empty(len(shards) * len(shards[0]), dtype=shards[0].dtype, device=shards[0].device)
    for rank, shard in enumerate(shards):
        out[rank * len(shard) : (rank + 1) * len(shard)] = shard
    return out[: math.prod(shape)].reshape(shape)


def shard_by_index(t, world):
    flat = t.detach().flatten()
    size = math.ceil(len(flat) / world)
    padded = torch.cat([flat, flat.new_zeros(size * world - len(flat))])
    return [padded[torch.arange(size, device=t.device) + r * size] for r in range(world)]


def gather_by_concatenating(shards, shape):
    return torch.cat(tuple(shards)).narrow(0, 0, math.prod(shape)).view(shape)


ANSWERS = {
    "ddp_average": [
        (average_by_running_sum,),
        (average_by_weights,),
        (average_of_two_at_a_time,),
    ],
    "global_batch": [(plan_by_factor,), (plan_per_sample,)],
    "sync_grads": [
        (sync_by_copying,),
        (sync_by_name,),
        (sync_in_one_flat_tensor,),
        (sync_by_parts_of_one_tensor,),
    ],
    "ring_all_reduce": [
        (ring_by_dict,),
        (ring_that_begins_one_before,),
        (ring_that_adds_into_what_came,),
    ],
    "tensor_parallel": [(mlp_by_rank,), (mlp_with_a_share_of_the_bias,)],
    "micro_batch_pipeline": [(schedule_by_rows,), (schedule_by_ticks,)],
    "activation_memory": [(bytes_by_walking,), (bytes_by_sets,)],
    "shard_params": [
        (shard_by_slices, gather_into_zeros),
        (shard_by_index, gather_by_concatenating),
    ],
}
