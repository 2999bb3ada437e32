"""Reference and mistakes of the exercise on padded sequences."""

import torch
import torch.nn.functional as F
from torch import Tensor

from grader.trusted.families import norms
from grader.trusted.key import Key, raises

Axes = tuple[int, ...]


def _put(rows: Tensor, mask: Tensor, x: Tensor) -> Tensor:
    """Rows, one for each real position, in zeros of x's shape."""
    return torch.zeros_like(x).index_put((mask,), rows)


def _emptied(x: Tensor, mask: Tensor) -> Tensor:
    return x.masked_fill(~mask[..., None], 0)


def _done(xh: Tensor, mask: Tensor, w: Tensor, b: Tensor) -> Tensor:
    return _emptied(xh * w + b, mask)


def _masked(change, x, mask, w, b, eps):
    rows = change.of_batch(x[mask], (0,), eps)
    return _put(change.affine(rows, w, b), mask, x)


def _over(axes: Axes, x: Tensor, mask: Tensor, w: Tensor, b: Tensor, eps: float) -> Tensor:
    """Means of the real positions over other axes of (N, T, D)."""
    here = mask[..., None].to(x.dtype).expand_as(x)
    z, count = _emptied(x, mask), here.sum(axes, keepdim=True).clamp_min(1)
    centred = _emptied(z - z.sum(axes, keepdim=True) / count, mask)
    var = (centred**2).sum(axes, keepdim=True) / count
    return _done(centred / (var + eps).sqrt(), mask, w, b)


def _by(
    mean: Tensor, var: Tensor, x: Tensor, mask: Tensor, w: Tensor, b: Tensor, eps: float
) -> Tensor:
    return _done((_emptied(x, mask) - mean) / (var + eps).sqrt(), mask, w, b)


class MaskedBatchNormKey(Key, task="masked_batch_norm"):
    def reference(x: Tensor, mask: Tensor, w: Tensor, b: Tensor, eps: float) -> Tensor:
        return _put(F.batch_norm(x[mask], None, None, w, b, True, 0.0, eps), mask, x)

    def zeros_in_the_statistics(x, mask, w, b, eps):
        """You set the padding to 0 with a product and averaged over all positions. The zeros are
        counted, so every feature is drawn towards 0; and inf times 0 is nan. Average over x[mask],
        the real positions alone."""
        here = mask.unsqueeze(-1)
        x = x * here
        mean, var = x.mean((0, 1)), x.var((0, 1), correction=0)
        return ((x - mean) / (var + eps).sqrt() * w + b) * here

    def zeros_filled_in(x, mask, w, b, eps):
        """You set the padding to 0 and averaged over all positions. The zeros are counted in mean
        and variance: average over x[mask], the real positions alone."""
        z = _emptied(x, mask)
        return _done(norms.Forward().of_batch(z, (0, 1), eps), mask, w, b)

    def padding_in_the_statistics(x, mask, w, b, eps):
        """You averaged over all positions, padding included, and used the mask for the result
        alone. Mean and variance are those of the real positions: of x[mask]."""
        return _done(norms.Forward().of_batch(x, (0, 1), eps), mask, w, b)

    def zeros_in_the_variance(x, mask, w, b, eps):
        """The mean is right. In the variance padding joins in: where you set x to 0, x - mean is
        -mean, and its square is summed. Set x - mean to 0 at padding, or work on x[mask]."""
        z, n = _emptied(x, mask), mask.sum()
        mean = z.sum((0, 1)) / n
        return _by(mean, ((z - mean) ** 2).sum((0, 1)) / n, x, mask, w, b, eps)

    def all_positions_counted_in_the_variance(x, mask, w, b, eps):
        """The mean is right. You divided the sum of squares by N * T, all positions. Divide by the
        number of real ones, mask.sum()."""
        rows = x[mask]
        var = ((rows - rows.mean(0)) ** 2).sum(0) / mask.numel()
        return _by(rows.mean(0), var, x, mask, w, b, eps)

    def all_positions_counted_in_the_mean(x, mask, w, b, eps):
        """For the mean you divided the sum by N * T, all positions. Divide by the number of real
        ones, mask.sum(), as you do for the variance."""
        rows = x[mask]
        mean = rows.sum(0) / mask.numel()
        return _by(mean, ((rows - mean) ** 2).mean(0), x, mask, w, b, eps)

    def all_positions_counted(x, mask, w, b, eps):
        """You summed over the real positions and divided by N * T, all positions, for mean and
        variance. Divide by the number of real ones, mask.sum()."""
        rows = x[mask]
        mean = rows.sum(0) / mask.numel()
        return _by(mean, ((rows - mean) ** 2).sum(0) / mask.numel(), x, mask, w, b, eps)

    def sequences_counted(x, mask, w, b, eps):
        """You averaged over every sequence, and then over the sequences, so that a position of a
        short one counts for more. Every real position counts the same: average over x[mask]."""
        real = [row[here] for row, here in zip(x, mask, strict=True) if here.any()]
        mean = torch.stack([one.mean(0) for one in real]).mean(0)
        var = torch.stack([((one - mean) ** 2).mean(0) for one in real]).mean(0)
        return _by(mean, var, x, mask, w, b, eps)

    def variances_averaged(x, mask, w, b, eps):
        """The mean is right. For the variance you averaged those of the sequences, each around its
        own mean: how far the sequences lie apart is missing. Take that of x[mask]."""
        real = [row[here] for row, here in zip(x, mask, strict=True) if here.any()]
        var = torch.stack([one.var(0, correction=0) for one in real]).mean(0)
        return _by(x[mask].mean(0), var, x, mask, w, b, eps)

    def every_sequence_by_itself(x, mask, w, b, eps):
        """You averaged over the positions of every sequence by itself: that is InstanceNorm. Here
        a feature has one mean and one variance for the whole batch."""
        return _over((1,), x, mask, w, b, eps)

    def every_place_by_itself(x, mask, w, b, eps):
        """You averaged over the batch alone, so that every place in a sequence has a mean of its
        own. Average over batch and places together."""
        return _over((0,), x, mask, w, b, eps)

    def places_as_channels(x, mask, w, b, eps):
        """You averaged over the axes 0 and 2, as BatchNorm does for (N, C, L). In (N, T, D) the
        features are the last axis: average over 0 and 1."""
        return _over((0, 2), x, mask, w, b, eps)

    def every_position_by_itself(x, mask, w, b, eps):
        """You averaged over the features of every position: that is LayerNorm. Here every feature
        has a mean and a variance over the real positions of the batch."""
        return _over((2,), x, mask, w, b, eps)

    def all_features_together(x, mask, w, b, eps):
        """You averaged over all real numbers, the features together. Every feature has a mean and a
        variance of its own: mean(0) of x[mask]."""
        return _over((0, 1, 2), x, mask, w, b, eps)

    def padding_is_b(x, mask, w, b, eps):
        """The real positions are right. At padding you return b, which was added there as well. Set
        the result to 0 there, at the end."""
        return _emptied(_over((0, 1), x, mask, torch.ones_like(w), 0 * b, eps), mask) * w + b

    def padding_normalised(x, mask, w, b, eps):
        """The real positions are right. At padding you return what the formula makes of it. The
        result is 0 there."""
        rows = x[mask]
        return (x - rows.mean(0)) / (rows.var(0, correction=0) + eps).sqrt() * w + b

    def padding_as_it_was(x, mask, w, b, eps):
        """The real positions are right. At padding you return what x holds there. The result is 0
        there: write into zeros, not into a copy of x."""
        return x.index_put((mask,), MaskedBatchNormKey.reference(x, mask, w, b, eps)[mask])

    def padding_zeroed_by_a_product(x, mask, w, b, eps):
        """Mean and variance are right. You multiplied the result by the mask, and inf times 0 is
        nan. Use masked_fill or torch.where, or write the real rows into zeros."""
        return MaskedBatchNormKey.padding_normalised(x, mask, w, b, eps) * mask[..., None]

    def emptied_by_products(x, mask, w, b, eps):
        """You divide by the number of real positions, which is right, and empty the padding by a
        product with the mask: inf times 0 is nan, and that goes into the mean. Use masked_fill or
        torch.where, or take x[mask]."""
        here = mask[..., None]
        z, n = x * here, mask.sum()
        mean = z.sum((0, 1)) / n
        var = (((z - mean) * here) ** 2).sum((0, 1)) / n
        return ((z - mean) / (var + eps).sqrt() * w + b) * here

    def padding_hidden_in_the_variance(x, mask, w, b, eps):
        """All values are right, and a gradient is nan. You squared the padding's distance from the
        mean and then replaced it, in the variance: a gradient of 0 comes back, and meets inf in the
        square. Replace the padding of x before you compute, or work on x[mask]."""
        n, z = mask.sum(), _emptied(x, mask)
        mean = z.sum((0, 1)) / n
        var = _emptied((x - mean) ** 2, mask).sum((0, 1)) / n
        return _done((x - mean) / (var + eps).sqrt(), mask, w, b)

    def padding_hidden_at_the_end(x, mask, w, b, eps):
        """All values are right, and a gradient is nan. You computed with the padding and replaced
        the result: a gradient of 0 comes back, and meets inf in the product with w. Replace the
        padding of x before you compute, or work on x[mask]."""
        y = MaskedBatchNormKey.padding_normalised(x, mask, w, b, eps)
        return _emptied(y, mask)

    def mask_inverted(x, mask, w, b, eps):
        """You normalised the padding by its own statistics and left 0 at the real positions. mask
        is True where a position is real."""
        return _put(norms.Forward().of_batch(x[~mask], (0,), eps) * w + b, ~mask, x)

    def first_positions_of_each(x, mask, w, b, eps):
        """You took the first positions of every sequence for real, as many as the mask counts in
        it. Padding may stand in front or in the middle: the mask says which position is real."""
        here = torch.arange(mask.shape[1], device=mask.device) < mask.sum(1, keepdim=True)
        return MaskedBatchNormKey.reference(x, here, w, b, eps)

    def from_the_first_to_the_last(x, mask, w, b, eps):
        """You took for real all that stands between the first real position of a sequence and its
        last one. Padding may stand in the middle: the mask says which position is real."""
        begun = mask.cumsum(1) > 0
        here = begun & (mask.flip(1).cumsum(1).flip(1) > 0)
        return MaskedBatchNormKey.reference(x, here, w, b, eps)

    def real_rows_alone(x, mask, w, b, eps):
        """You returned the real positions as rows. They are right; write them into zeros of x's
        shape, by mask."""
        return MaskedBatchNormKey.reference(x, mask, w, b, eps)[mask]

    def found_by_their_values(x, mask, w, b, eps):
        """You took for real what is not 0. Padding may hold anything, and a real position may hold
        zeros: the mask says which is which."""
        found = (x != 0).any(-1)
        y = _put(norms.Forward().of_batch(x[found], (0,), eps) * w + b, found, x)
        return y * mask[..., None]

    def mask_ignored_in_a_batch_norm(x, w, b, eps):
        """You never used the mask: padding is averaged, and normalised as if it were real."""
        return norms.Forward().of_batch(x, (0, 1), eps) * w + b

    def statistics_are_constants(x, mask, w, b, eps):
        """All values are right, and the gradient that reaches x is not: you computed mean and
        variance without recording. They depend on x: leave out detach() and no_grad()."""
        rows = x[mask].detach()
        return _by(rows.mean(0), rows.var(0, correction=0), x, mask, w, b, eps)

    def result_detached(x, mask, w, b, eps):
        """The values are right, and nothing reaches x, w and b: you cut the result off the graph.
        Leave out detach(), .data and no_grad()."""
        return MaskedBatchNormKey.reference(x, mask, w, b, eps).detach()

    @raises("a leaf Variable that requires grad")
    def x_overwritten(x, mask, w, b, eps):
        """You wrote into x, which belongs to the caller, and a leaf that requires grad refuses.
        masked_fill without the underscore makes a new tensor."""
        x.masked_fill_(~mask[..., None], 0)
        return MaskedBatchNormKey.reference(x, mask, w, b, eps)

    families = (
        *norms.forward(_masked, mean="the mean", var="the variance"),
        *norms.of_batch(_masked),
        *norms.root_and_square(_masked),
    )
    pairs = norms.pairs_of_forward(_masked, mean="the mean", var="the variance")
