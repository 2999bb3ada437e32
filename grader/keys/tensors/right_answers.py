"""Other right answers to the exercises of chapter 9."""

import math

import torch
import torch.nn.functional as F


def flatten_by_sizes(x):
    return x.reshape(x.shape[0], math.prod(x.shape[1:]))


def flatten_by_copy(x):
    return x.contiguous().view(x.shape[0], math.prod(x.shape[1:]))


def flatten_by_steps(x):
    while x.ndim > 2:
        x = x.flatten(-2)
    return x


def flatten_by_writing(x):
    y = x.new_zeros(x.shape[0], math.prod(x.shape[1:]))
    for i in range(len(x)):
        y[i] = x[i].flatten()
    return y


def heads_by_unflatten(x, heads):
    return x.unflatten(2, (heads, -1)).permute(0, 2, 1, 3)


def heads_by_slices(x, heads):
    d = x.shape[2] // heads
    return torch.stack([x[:, :, h * d : (h + 1) * d] for h in range(heads)], dim=1)


def heads_by_split(x, heads):
    parts = x.split(x.shape[-1] // heads, dim=-1)
    return torch.cat([part[:, None] for part in parts], dim=1)


def heads_by_view_of_transposed(x, heads):
    n, t, d = x.shape
    return x.transpose(1, 2).view(n, heads, d // heads, t).transpose(2, 3)


def heads_by_einsum(x, heads):
    n, t, d = x.shape
    return torch.einsum("nthd->nhtd", x.reshape(n, t, heads, d // heads))


def pick_by_pairs(logits, y):
    return logits[torch.arange(len(y), device=y.device), y.long()]


def pick_by_diagonal(logits, y):
    return logits[:, y.long()].diagonal()


def pick_by_one_hot(logits, y):
    here = F.one_hot(y.to(torch.int64), logits.shape[1]) == 1
    return logits.masked_fill(~here, 0.0).sum(-1)


def pick_by_loop(logits, y):
    return torch.stack([row[label] for row, label in zip(logits, y.tolist(), strict=True)])


def drop_by_positions(x, q):
    (kept,) = torch.where(x > torch.quantile(x, q))
    return x[kept]


def drop_by_masked_select(x, q):
    return torch.masked_select(x, x.gt(torch.quantile(x, q)))


def drop_by_lower_neighbour(x, q):
    """The numbers above the quantile are those above its lower neighbour."""
    return x[x > x.quantile(q, interpolation="lower")]


def drop_by_rank(x, q):
    """The lower neighbour of the quantile stands at this place of the sorted numbers."""
    threshold = x.sort().values[math.floor(q * (len(x) - 1))]
    kept = [number for number in x if number > threshold]
    return torch.stack(kept) if kept else x[:0]


def root_of_the_positive(x):
    y = torch.zeros_like(x)
    positive = x > 0
    y[positive] = x[positive].sqrt()
    return y


def root_masked_twice(x):
    absent = x <= 0
    return x.masked_fill(absent, 4.0).sqrt().masked_fill(absent, 0.0)


def root_by_flat_positions(x):
    flat = x.reshape(-1)
    (positive,) = (flat > 0).nonzero(as_tuple=True)
    roots = flat.new_zeros(len(flat)).index_add(0, positive, flat[positive].pow(0.5))
    return roots.view(x.shape)


def root_of_relu(x):
    """relu sends back 0 itself where x is not positive, and not 0 times what arrives."""
    return x.relu().sqrt()


class _Root(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.clamp(min=0).sqrt()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return torch.where(y > 0, 0.5 * g / y, 0)


def root_by_function(x):
    return _Root.apply(x)


def absmax_by_flatten(x):
    return x.abs().amax(-1, keepdim=True).reshape(-1, 1)


def absmax_by_both_ends(x):
    rows = x.reshape(-1, x.shape[-1])
    return torch.cat([rows, -rows], dim=1).amax(1).unsqueeze(1)


def absmax_by_norm(x):
    return torch.linalg.vector_norm(x, ord=torch.inf, dim=-1).reshape(-1, 1)


def absmax_by_loop(x):
    rows = x.reshape(-1, x.shape[-1])
    return torch.stack([row.abs().max() for row in rows])[:, None]


def topk_by_sort(x, k):
    order = x.abs().argsort(dim=1, descending=True)
    y = torch.zeros_like(x)
    return y.scatter(1, order[:, :k], x.gather(1, order[:, :k]))


def topk_by_rank(x, k):
    rank = x.abs().argsort(1, descending=True).argsort(1)
    return torch.where(rank < k, x, 0)


def topk_by_rows(x, k):
    mask = torch.zeros_like(x, dtype=torch.bool)
    for row, kept in zip(x, mask, strict=True):
        kept[row.abs().topk(k).indices] = True
    return x.masked_fill(~mask, 0)


def remove_by_mask(t, i):
    keep = torch.ones(len(t), dtype=torch.bool, device=t.device)
    keep[i] = False
    return t[keep]


def remove_by_list(t, i):
    kept = list(range(len(t)))
    del kept[i]
    return t[kept]


def remove_by_unbind(t, i):
    parts = list(t.split(1))
    parts.pop(i)
    return torch.cat(parts) if parts else t[:0]


def sum_by_torch(g, shape):
    return g.sum_to_size(shape)


def sum_by_padding(g, shape):
    padded = (1,) * (g.ndim - len(shape)) + shape
    for axis, length in enumerate(padded):
        if length != g.shape[axis]:
            g = g.sum(axis, keepdim=True)
    return g.reshape(shape)


def sum_by_autograd(g, shape):
    b = torch.zeros(shape, dtype=g.dtype, device=g.device).requires_grad_()
    return torch.autograd.grad(b + torch.zeros_like(g), b, g)[0]


def sum_by_two_sums(g, shape):
    in_front = list(range(g.ndim - len(shape)))
    g = g.sum(in_front) if in_front else g
    stretched = [axis for axis, length in enumerate(shape) if length == 1]
    return g.sum(stretched, keepdim=True) if stretched else g


ANSWERS = {
    "flatten_batch": [
        (flatten_by_sizes,),
        (flatten_by_copy,),
        (flatten_by_steps,),
        (flatten_by_writing,),
    ],
    "split_heads": [
        (heads_by_unflatten,),
        (heads_by_slices,),
        (heads_by_split,),
        (heads_by_einsum,),
        (heads_by_view_of_transposed,),
    ],
    "onehot_gather": [
        (pick_by_pairs,),
        (pick_by_diagonal,),
        (pick_by_one_hot,),
        (pick_by_loop,),
    ],
    "drop_lowest": [
        (drop_by_positions,),
        (drop_by_masked_select,),
        (drop_by_lower_neighbour,),
        (drop_by_rank,),
    ],
    "safe_sqrt_where": [
        (root_of_the_positive,),
        (root_masked_twice,),
        (root_by_flat_positions,),
        (root_by_function,),
        (root_of_relu,),
    ],
    "row_absmax": [
        (absmax_by_flatten,),
        (absmax_by_both_ends,),
        (absmax_by_norm,),
        (absmax_by_loop,),
    ],
    "topk_mask": [(topk_by_sort,), (topk_by_rank,), (topk_by_rows,)],
    "remove_at": [(remove_by_mask,), (remove_by_list,), (remove_by_unbind,)],
    "sum_to_shape": [
        (sum_by_torch,),
        (sum_by_padding,),
        (sum_by_autograd,),
        (sum_by_two_sums,),
    ],
}
