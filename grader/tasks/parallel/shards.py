"""The exercise that spreads a tensor over several ranks."""

from operator import is_
from typing import Any

import torch
from torch import Tensor

from grader.engine.lived import with_grad
from grader.engine.observation import flags, shares_memory
from grader.engine.task import F32, Case, Inputs, Rng, Task, case


class ShardParams(Task):
    """shard(t, world) cuts the values of t into world shards of one size, one for each rank: all
    values in the order of t.flatten(), with zeros behind the last where the number does not come
    out even, as few as possible. Return a list of tensors of one dimension and of t's dtype. A
    shard does not require grad, and it has memory of its own: no more than its own values lie in
    its storage. gather(shards, shape) is the way back: the tensor of that shape, without what was
    filled in, whatever it holds. t has at least one value. Leave all arguments as they are."""

    id = "shard_params"
    signatures = ("shard(t, world) -> shards", "gather(shards, shape) -> t")
    title, points, difficulty, minutes = "A parameter in shards", 8, 3, 15
    hints = (
        "Read the section on sharding. How many values does each shard hold, if 7 are to be spread "
        "over 3 ranks?",
        "Round the size of a shard up. Then ask what chunk and slicing give you: tensors of their "
        "own, or views?",
        "Fill up the flat tensor with new zeros, cut it, and clone every piece. On the way back "
        "put the pieces behind each other, keep as many values as the shape has, and reshape.",
    )
    allows = frozenset()
    CASES = (
        case("a matrix of 15 over 4 ranks", shape=(3, 5), world=4, visible=True),
        case("15 over 3: nothing to fill in", shape=(5, 3), world=3, visible=True),
        case("one rank", shape=(7,), world=1),
        case("fewer values than ranks", shape=(3,), world=5),
        case("a tensor of shape ()", shape=(), world=2),
        case("a transposed parameter with a gradient", shape=(5, 3), world=2, used=True),
        case("three dimensions, float32", shape=(2, 3, 5), world=7, dtype=F32),
        case("a parameter of bfloat16", shape=(3, 5), world=4, half=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        size = -(-int(torch.tensor(case["shape"]).prod()) // case["world"])
        return {
            "t": rng.apart(0.5, 1.5, *case["shape"]),
            "rows": rng.apart(0.5, 1.5, case["world"], size),
        }

    def observe(self, shard, gather, t, rows, shape, world, used=False, half=False):
        if used:
            t = with_grad(t.T)
        dtype = t.dtype
        if half:
            t, rows = t.to(torch.bfloat16), rows.to(torch.bfloat16)
        shards = shard(t, world)
        pieces = [row.clone() for row in rows]
        given = list(pieces)
        back = gather(given, tuple(shape))
        found: dict[str, Any] = {"shards": shards, **_memory(shards, t), "t": back}
        if half:
            found |= _in(dtype, shards, back)
        same = len(given) == len(pieces) and all(map(is_, given, pieces))
        return {**found, "the list given to gather is as it was": same}


def _in(dtype: torch.dtype, shards: Any, back: Any) -> dict[str, Any]:
    """The values in the dtype that a case is compared in, and the dtypes that they had."""
    whole = list(shards) if isinstance(shards, list | tuple) else [shards]
    kinds = {str(one.dtype) for one in whole if isinstance(one, Tensor)}
    return {
        "shards": [one.to(dtype) if isinstance(one, Tensor) else one for one in whole],
        "t": back.to(dtype) if isinstance(back, Tensor) else back,
        "dtype of the shards": " and ".join(sorted(kinds)),
        "dtype of what gather gives": str(back.dtype) if isinstance(back, Tensor) else "none",
    }


def _memory(shards: object, t: Tensor) -> dict[str, object]:
    """How many numbers the storages behind some shards hold, whether one of these is t's, and
    whether a shard requires grad."""
    if not isinstance(shards, list | tuple):
        return {}
    tensors = [one for one in shards if isinstance(one, Tensor)]
    held = [one.untyped_storage().nbytes() // one.element_size() for one in tensors]
    learning = next((one for one in tensors if one.requires_grad), (*tensors, None)[0])
    found = {
        "numbers in the storage of each shard": held,
        "a shard lies in the memory of t": any(shares_memory(one, t) for one in tensors),
    }
    return {**found, **(flags("a shard", learning, "requires_grad") if tensors else {})}
