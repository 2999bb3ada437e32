"""Reference and mistakes of the exercise that keeps the largest numbers of each row."""

import torch
from torch import Tensor

from grader.trusted.families.memory import as_it_lies
from grader.trusted.key import Key, raises


def _by_places(x: Tensor, places: Tensor) -> Tensor:
    return x * torch.zeros_like(x).scatter(1, places, 1.0)


def _squared(x: Tensor) -> Tensor:
    """Squares, rounded to 0 and inf where float32 rounds them: what is asked in it is computed in
    float64 here."""
    return x.detach().square().float()


def _largest(x: Tensor, k: int) -> Tensor:
    return x.detach().abs().sort(dim=1, descending=True, stable=True).indices[:, :k]


def _kept(x: Tensor, k: int) -> Tensor:
    return _by_places(x, _largest(x, k))


class TopkMaskKey(Key, task="topk_mask"):
    families = as_it_lies(_kept, "x")

    def reference(x: Tensor, k: int) -> Tensor:
        return _by_places(x, _largest(x, k))

    def largest_of_all(x, k):
        """You kept the k largest of the whole tensor. Every row is to keep k of its own: topk works
        along the last axis if x has two, so do not flatten it."""
        flat = x.reshape(-1)
        places = flat.detach().abs().topk(k).indices
        return (flat * torch.zeros_like(flat).scatter(0, places, 1.0)).reshape(x.shape)

    def as_many_of_all(x, k):
        """You kept as many numbers as asked for, and took them from the whole tensor: a row of
        large numbers keeps more than k. Every row is to keep k of its own."""
        flat = x.reshape(-1)
        places = flat.detach().abs().topk(k * len(x)).indices
        return (flat * torch.zeros_like(flat).scatter(0, places, 1.0)).reshape(x.shape)

    def largest_with_their_sign(x, k):
        """You kept the k largest numbers, and a negative number of large absolute value is not one
        of them. Look for the largest of x.abs()."""
        return _by_places(x, x.detach().topk(k, dim=1).indices)

    def largest_of_each_column(x, k):
        """You kept the k largest of every column. A row lies along axis 1."""
        places = x.detach().abs().sort(0, descending=True).indices[:k]
        return x * torch.zeros_like(x).scatter(0, places, 1.0)

    @raises("selected index k out of range")
    def largest_of_each_column_by_topk(x, k):
        """You kept the k largest of every column: topk went along axis 0. A row lies along
        axis 1."""
        places = x.detach().abs().topk(k, dim=0).indices
        return x * torch.zeros_like(x).scatter(0, places, 1.0)

    def positions_taken_for_ranks(x, k):
        """You compared what argsort gives with k, as if it were the rank of each number. It says
        which number comes first, second and so on. Set the mask at the positions from topk."""
        return x * (x.detach().abs().argsort(1, descending=True) < k)

    def positions_taken_for_ranks_from_the_smallest(x, k):
        """You compared what argsort gives with D - k, as if it were the rank of each number. It
        says which number is the smallest, the next one and so on. Set the mask at the positions
        from topk."""
        return x * (x.detach().abs().argsort(1) >= x.shape[1] - k)

    def smallest_kept(x, k):
        """You kept the k smallest absolute values. topk looks for the largest by itself; argsort
        puts the smallest first."""
        return _by_places(x, x.detach().abs().argsort(1)[:, :k])

    def k_set_to_zero(x, k):
        """You set the k largest to 0 and kept the others. It is to be the other way round."""
        return x - TopkMaskKey.reference(x, k)

    def threshold_keeps_ties(x, k):
        """You kept what is not below the k-th largest absolute value. Where equal values compete
        for the last place that keeps more than k: set the mask by the positions from topk."""
        ordered = x.detach().abs().sort(1, descending=True).values
        least = ordered[:, k - 1 : k] if k else ordered[:, :1] + 1
        return x * (x.detach().abs() >= least)

    @raises("must match the size of tensor b .0.|out of bounds")
    def threshold_of_none(x, k):
        """You kept what is not below the k-th largest absolute value. For k = 0 there is none, and
        where equal values compete for the last place it keeps more than k. Set the mask by the
        positions from topk."""
        size = x.detach().abs()
        return x * (size >= size.topk(k, dim=1).values[:, -1:])

    @raises(r"kthvalue\(\): selected number k out of range")
    def kth_of_none(x, k):
        """You looked for the k-th largest absolute value by kthvalue, which counts from 1 to D: for
        k = 0 there is none. Set the mask by the positions from topk, which may be none."""
        x.detach().abs().kthvalue(x.shape[1] - k + 1, dim=1)
        return TopkMaskKey.reference(x, k)

    def threshold_drops_the_last(x, k):
        """One number too few is kept in each row. Where you ask what is greater than the k-th
        largest absolute value, that one itself is missing: it is one of the k. Set the mask by the
        positions from topk."""
        ordered = x.detach().abs().sort(1, descending=True).values
        least = ordered[:, k - 1 : k] if k else ordered[:, :1] + 1
        return x * (x.detach().abs() > least)

    def threshold_drops_ties(x, k):
        """You kept what is greater than the next largest absolute value behind the k that stay.
        Where equal values compete for the last place that keeps fewer than k: set the mask by the
        positions from topk."""
        ordered = x.detach().abs().sort(1, descending=True).values
        return x * (x.detach().abs() > ordered[:, k : k + 1]) if k < x.shape[1] else x.clone()

    def one_more(x, k):
        """Every row keeps k + 1 numbers."""
        return TopkMaskKey.reference(x, min(k + 1, x.shape[1]))

    def ranked_by_squares(x, k):
        """You ranked rounded numbers: very small ones are all 0 for you, and very large ones inf,
        as their squares are, or the numbers themselves in a coarser dtype such as float32. Rank by
        x.abs() in x's own dtype."""
        return _by_places(x, _squared(x).topk(k, dim=1).indices)

    def ranked_by_squares_in_a_stable_order(x, k):
        """You ranked rounded numbers: very small ones are all 0 for you, and very large ones inf,
        as their squares are, or the numbers themselves in a coarser dtype such as float32. Rank by
        x.abs() in x's own dtype."""
        places = _squared(x).sort(dim=1, descending=True, stable=True).indices[:, :k]
        return _by_places(x, places)

    def kept_numbers_alone(x, k):
        """You returned the kept numbers alone, of shape (R, k). They are to stand in a tensor of
        x's shape, each in its place: scatter puts them there."""
        return x.gather(1, _largest(x, k))

    def kept_numbers_in_their_order(x, k):
        """You returned the kept numbers alone, of shape (R, k). They are to stand in a tensor of
        x's shape, each in its place: scatter puts them there."""
        return x.gather(1, x.detach().abs().topk(k, dim=1).indices.sort(1).values)

    def whole_row_for_none(x, k):
        """For k = 0 you kept every number: [-0:] is [0:], the whole row. Sort with the largest
        first and take [:k], or use topk."""
        return TopkMaskKey.reference(x, k if k else x.shape[1])

    def absolute_values_alone(x, k):
        """You returned the largest absolute values, of shape (R, k): topk's values. Take its
        positions, and keep x there."""
        return x.abs().topk(k, dim=1).values

    def absolute_values(x, k):
        """You kept absolute values. The numbers are to stay as they are, with their sign."""
        return TopkMaskKey.reference(x, k).abs()

    def ones_kept(x, k):
        """You returned the mask, ones and zeros. Multiply x by it."""
        return torch.zeros_like(x).scatter(1, _largest(x, k), 1.0)

    def a_mask(x, k):
        """You returned the mask. Keep x where it is True, and 0 elsewhere."""
        return torch.zeros_like(x).scatter(1, _largest(x, k), 1.0).bool()

    def minus_infinity_elsewhere(x, k):
        """You filled the others with -inf, as one does in front of a softmax. They are to be 0."""
        here = TopkMaskKey.a_mask(x, k)
        return x.masked_fill(~here, -torch.inf)

    def moved_to_the_front(x, k):
        """The kept numbers stand at the front of each row. They are to stay where they were."""
        places = _largest(x, k)
        kept = x.gather(1, places)
        return torch.cat([kept, torch.zeros_like(x)[:, k:]], dim=1)

    def gradient_to_all(x, k):
        """All values are right, and gradients reach the numbers that are not kept as well. Multiply
        by the mask: then the derivative is 0 there."""
        return x + (TopkMaskKey.reference(x, k) - x).detach()

    @raises("a leaf Variable that requires grad|in-place operation|leaf variable")
    def x_overwritten(x, k):
        """You wrote into x, which belongs to the caller, and a leaf that requires grad refuses.
        Make a new tensor: a product with the mask, where, or masked_fill without underscore."""
        return x.masked_fill_(~TopkMaskKey.a_mask(x, k), 0)

    @raises("view size is not compatible")
    def viewed(x, k):
        """view never copies, and raises where x lies in memory in another order, as a transposed
        one does. scatter along axis 1 needs no view; reshape copies where it must."""
        rows = torch.arange(len(x), device=x.device)[:, None] * x.shape[1]
        places = (x.detach().abs().topk(k, dim=1).indices + rows).reshape(-1)
        flat = x.view(-1)
        return (flat * torch.zeros_like(flat).scatter(0, places, 1.0)).view(x.shape)

    def values_copied_out(x, k):
        """The numbers are right, and nothing reaches x: you cut the result off the graph. Leave out
        detach() and .data behind x itself, and no_grad() around the product; the mask needs no
        graph."""
        return TopkMaskKey.reference(x, k).detach()
