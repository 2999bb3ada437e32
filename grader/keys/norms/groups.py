"""References and mistakes of the exercises on layer and group normalization."""

import torch
import torch.nn.functional as F
from torch import Tensor

from grader.trusted.families import norms, norms_backward
from grader.trusted.key import Key, raises

Axes = tuple[int, ...]
_IN_PLACE = "single memory location|a leaf Variable that requires grad"


def _last(w: Tensor) -> Axes:
    """The dimensions of x that w extends over."""
    return tuple(range(-w.ndim, 0))


def _sized(x: Tensor, w: Tensor) -> Axes:
    """The dimensions of x whose size w has too."""
    return tuple(d for d in range(x.ndim) if x.shape[d] in w.shape)


def _fitting(x: Tensor, w: Tensor) -> Axes:
    """The first dimensions of x, from the left, that are as large as those of w."""
    places = range(x.ndim - w.ndim + 1)
    first = next(i for i in places if x.shape[i : i + w.ndim] == w.shape)
    return tuple(range(first, first + w.ndim))


def _behind_the_samples(x: Tensor, w: Tensor) -> Axes:
    """The dimensions of w, but never the first one of x."""
    return tuple(range(max(1, x.ndim - w.ndim), x.ndim))


def _normalised(x: Tensor, axes: Axes, eps: float) -> Tensor:
    return norms.Forward().of_batch(x, axes, eps)


def _ln(change, x, w, b, eps):
    return change.affine(change.of_batch(x, _last(w), eps), w, b)


def _ln_backward(change, x, gy, w, eps):
    return change.of(x, gy, w, _last(w), eps)


_OVER = {
    "over_the_last_alone": (
        lambda axes, ndim: (-1,),
        "You averaged over the last dimension alone. Where w has two dimensions, it averages over "
        "the last two: count them with w.ndim.",
    ),
    "over_the_batch": (
        lambda axes, ndim: (0,),
        "You averaged over dimension 0, the samples, as BatchNorm does. Here every sample is "
        "treated by itself: average over the last dimensions.",
    ),
    "over_everything": (
        lambda axes, ndim: tuple(range(ndim)),
        "You averaged over all of x. Every sample has a mean and a variance of its own.",
    ),
    "over_all_but_the_first": (
        lambda axes, ndim: tuple(range(1, ndim)),
        "You averaged over all dimensions but the first. Average over the last ones, as many as w "
        "has.",
    ),
}
"""Axes that LayerNorm does not average over, with what that says."""


class LnForwardKey(Key, task="ln_forward"):
    def reference(x: Tensor, w: Tensor, b: Tensor, eps: float) -> Tensor:
        return F.layer_norm(x, w.shape, w, b, eps)

    def batch_axis(x, w, b, eps):
        """You averaged over the batch, as BatchNorm does. LayerNorm averages over the last
        dimensions, those of w, and treats every sample by itself."""
        return _normalised(x, (0,), eps) * w + b

    def brackets_missing_in_one_line(x, w, b, eps):
        """You divided the mean alone and multiplied that by w: quotients and products are computed
        before differences. Put brackets round x - mean."""
        mean = x.mean(_last(w), keepdim=True)
        var = x.var(_last(w), correction=0, keepdim=True)
        return x - mean / (var + eps).sqrt() * w + b

    def first_dimensions(x, w, b, eps):
        """You averaged over the first w.ndim dimensions. LayerNorm averages over the last ones,
        those that w has."""
        return _normalised(x, tuple(range(w.ndim)), eps) * w + b

    def last_dimension_alone(x, w, b, eps):
        """You averaged over the last dimension alone. Where w has two dimensions, it
        averages over the last two: count them with w.ndim."""
        return _normalised(x, (-1,), eps) * w + b

    def variances_averaged(x, w, b, eps):
        """The mean is right. For the variance you averaged those of the last dimension, each around
        its own mean: how far they lie apart is missing. Where w has more dimensions, hand all of
        them to var at once."""
        mean = x.mean(_last(w), keepdim=True)
        var = x.var(-1, correction=0, keepdim=True).mean(_last(w), keepdim=True)
        return (x - mean) / (var + eps).sqrt() * w + b

    def variance_over_the_last_alone(x, w, b, eps):
        """The mean is right. You took the variance over the last dimension alone. Where w has more,
        hand all of them to var as well: dim=tuple(range(-w.ndim, 0))."""
        mean = x.mean(_last(w), keepdim=True)
        return (x - mean) / (x.var(-1, correction=0, keepdim=True) + eps).sqrt() * w + b

    def squares_over_the_last_alone(x, w, b, eps):
        """The mean is right. You took the variance over the last dimension alone. Where w has more,
        hand all of them to var as well: dim=tuple(range(-w.ndim, 0))."""
        centred = x - x.mean(_last(w), keepdim=True)
        return centred / (centred.square().mean(-1, keepdim=True) + eps).sqrt() * w + b

    def dimensions_by_size(x, w, b, eps):
        """You averaged over every dimension whose size stands in w.shape. Here there are as many
        samples as features, and they are averaged too. Count from the end:
        tuple(range(-w.ndim, 0))."""
        return _normalised(x, _sized(x, w), eps) * w + b

    def first_place_that_fits(x, w, b, eps):
        """You looked for w.shape in the shape of x, and took the first place that fits. Here there
        are as many samples as features, and you averaged over the samples. Count from the end:
        tuple(range(-w.ndim, 0))."""
        return _normalised(x, _fitting(x, w), eps) * w + b

    def samples_taken_for_granted(x, w, b, eps):
        """Where w has all dimensions of x you left the first one out. It averages over as many as w
        has, even if none is left for the samples: tuple(range(-w.ndim, 0))."""
        return _normalised(x, _behind_the_samples(x, w), eps) * w + b

    def two_dimensions_at_most(x, w, b, eps):
        """You averaged over the last two dimensions where w has three. It averages over as many as
        w has: tuple(range(-w.ndim, 0))."""
        return _normalised(x, _last(w)[-2:], eps) * w + b

    def one_dimension_after_the_other(x, w, b, eps):
        """You normalised over one dimension after the other. Where w has two, mean and variance are
        those of both at once: hand both to mean and var, dim=(-2, -1)."""
        for dim in _last(w):
            x = _normalised(x, (dim,), eps)
        return x * w + b

    def last_dimension_default_eps(x, w, b):
        """Two things differ: you averaged over the last dimension alone, where w may have two, and
        you used torch's default of 1e-5 in the place of eps."""
        return _normalised(x, (-1,), 1e-5) * w + b

    def whole_sample(x, w, b, eps):
        """You averaged over all dimensions but the first. It averages over those of w: in a
        batch of sequences with w of shape (D,), every position has a mean of its own."""
        return _normalised(x, tuple(range(1, x.ndim)), eps) * w + b

    def behind_the_first(x, w, b, eps):
        """You averaged over the dimensions behind the first, as many as w has. LayerNorm averages
        over the last ones: tuple(range(-w.ndim, 0))."""
        return _normalised(x, tuple(range(1, 1 + w.ndim)), eps) * w + b

    def everything(x, w, b, eps):
        """You averaged over the whole tensor, all samples together. Pass the last dimensions
        to mean and var, with keepdim=True."""
        return _normalised(x, tuple(range(x.ndim)), eps) * w + b

    @raises(r"weight to be of same shape as normalized_shape")
    def shape_without_the_batch(x, w, b, eps):
        """You normalised over x.shape[1:], all dimensions but the first. The shape to hand over is
        that of w: w.shape."""
        return F.layer_norm(x, x.shape[1:], w, b, eps)

    def statistics_are_constants(x, w, b, eps):
        """All values are right, and the gradient that reaches x is not: you computed mean and
        variance without recording. They depend on x: leave out detach() and no_grad()."""
        mean, var = (
            x.detach().mean(_last(w), keepdim=True),
            x.detach().var(_last(w), correction=0, keepdim=True),
        )
        return (x - mean) / (var + eps).sqrt() * w + b

    @raises("must match the size")
    def dimensions_not_kept(x, w, b, eps):
        """Your mean or variance has lost the dimensions that it averages over, so it meets x at the
        wrong end. Pass keepdim=True to mean and var."""
        mean, var = x.mean(_last(w)), x.var(_last(w), correction=0)
        return (x - mean) / (var + eps).sqrt() * w + b

    @raises("view size is not compatible")
    def view_of_scattered_memory(x, w, b, eps):
        """All is right as long as x lies in memory in the order of its axes. view cannot merge axes
        that do not, as in a transposed x. Use reshape, which copies where it must."""
        rows = x.view(-1, w.numel())
        return _normalised(rows, (1,), eps).view(x.shape) * w + b

    @raises(_IN_PLACE)
    def x_overwritten(x, w, b, eps):
        """An operation in place, such as x -= mean, worked on the caller's x. It is no longer what
        it was, and a leaf that requires grad refuses. Compute x - mean instead."""
        y = LnForwardKey.reference(x.clone(), w, b, eps)
        x.mul_(2)
        return y

    def result_detached(x, w, b, eps):
        """The values are right, and nothing reaches x, w and b: you cut the result off the graph.
        Leave out detach(), .data and no_grad()."""
        return LnForwardKey.reference(x, w, b, eps).detach()

    families = (
        *norms.forward(_ln, mean="the mean", var="the variance"),
        *norms.of_batch(_ln),
        *norms.root_and_square(_ln),
    )
    pairs = norms.pairs_of_forward(_ln, mean="the mean", var="the variance", over=_OVER)


class LnBackwardKey(Key, task="ln_backward"):
    def reference(x: Tensor, gy: Tensor, w: Tensor, eps: float) -> Tensor:
        x = x.detach().requires_grad_()
        return torch.autograd.grad(F.layer_norm(x, w.shape, w.detach(), None, eps), x, gy)[0]

    def of_the_root_mean_square(x, gy, w, eps):
        """You differentiated a layer that divides by the root mean square and takes no mean off,
        which is RMSNorm. This one takes the mean off first."""
        x = x.detach().requires_grad_()
        square = x.square().mean(tuple(range(-w.ndim, 0)), keepdim=True)
        return torch.autograd.grad(x / (square + eps).sqrt() * w, x, gy)[0]

    def w_applied_last(x, gy, w, eps):
        """You multiplied by w at the end. In BatchNorm that is right, because w is the
        same all over a channel. Here w differs from entry to entry of what is averaged: multiply
        gy by w before you take means."""
        return _ln_backward(norms_backward.Backward(w="last"), x, gy, w, eps)

    def w_beside_the_mean(x, gy, w, eps):
        """In the term that comes through the mean you multiplied the mean of gy by w. w differs
        from entry to entry of what is averaged: take the mean of gy * w."""
        axes = _last(w)
        right = norms_backward.Backward().of(x, gy, w, axes, eps)
        std = (x.var(axes, correction=0, keepdim=True) + eps).sqrt()
        moved = (gy * w).mean(axes, keepdim=True) - w * gy.mean(axes, keepdim=True)
        return right + moved / std

    def w_beside_the_mean_of_the_product(x, gy, w, eps):
        """In the term that comes through the variance you multiplied the mean of gy * xh by w. w
        differs from entry to entry of what is averaged: take the mean of gy * w * xh."""
        axes = _last(w)
        right = norms_backward.Backward().of(x, gy, w, axes, eps)
        std = (x.var(axes, correction=0, keepdim=True) + eps).sqrt()
        xh = (x - x.mean(axes, keepdim=True)) / std
        means = ((t * xh).mean(axes, keepdim=True) for t in (gy * w, gy))
        right_mean, mean = means
        return right + xh * (right_mean - w * mean) / std

    def batch_axis(x, gy, w, eps):
        """You took the means over the batch, as BatchNorm does. Take them over the
        last dimensions, those of w."""
        return norms_backward.Backward().of(x, gy, w, (0,), eps)

    def last_dimension_alone(x, gy, w, eps):
        """You took the means over the last dimension alone. Where w has two, take them
        over the last two."""
        return norms_backward.Backward().of(x, gy, w, (-1,), eps)

    def dimensions_by_size(x, gy, w, eps):
        """You took the means over every dimension whose size stands in w.shape. Here there are as
        many samples as features, and they are averaged too. Count from the end:
        tuple(range(-w.ndim, 0))."""
        return norms_backward.Backward().of(x, gy, w, _sized(x, w), eps)

    def first_place_that_fits(x, gy, w, eps):
        """You looked for w.shape in the shape of x, and took the first place that fits. Here there
        are as many samples as features, and you took the means over the samples. Count from the
        end: tuple(range(-w.ndim, 0))."""
        return norms_backward.Backward().of(x, gy, w, _fitting(x, w), eps)

    def samples_taken_for_granted(x, gy, w, eps):
        """Where w has all dimensions of x you left the first one out. Take the means over as many
        as w has, even if none is left for the samples: tuple(range(-w.ndim, 0))."""
        return norms_backward.Backward().of(x, gy, w, _behind_the_samples(x, w), eps)

    def two_dimensions_at_most(x, gy, w, eps):
        """You took the means over the last two dimensions where w has three. Take them over as many
        as w has: tuple(range(-w.ndim, 0))."""
        return norms_backward.Backward().of(x, gy, w, _last(w)[-2:], eps)

    def whole_sample(x, gy, w, eps):
        """You took the means over all dimensions but the first. Take them over the last
        dimensions, those of w: in a batch of sequences every position stands by itself."""
        return norms_backward.Backward().of(x, gy, w, tuple(range(1, x.ndim)), eps)

    def behind_the_first(x, gy, w, eps):
        """You took the means over the dimensions behind the first, as many as w has. Take them over
        the last ones: tuple(range(-w.ndim, 0))."""
        return norms_backward.Backward().of(x, gy, w, tuple(range(1, 1 + w.ndim)), eps)

    def everything(x, gy, w, eps):
        """You took the means over the whole tensor, all samples together. Take them over the last
        dimensions, those of w."""
        return norms_backward.Backward().of(x, gy, w, tuple(range(x.ndim)), eps)

    def added_to_an_old_grad(x, gy, w, eps):
        """You called backward() on x itself and returned x.grad. x may have a .grad from before,
        and backward() adds to it. Use torch.autograd.grad, or work on x.detach().clone()."""
        F.layer_norm(x.requires_grad_(), w.shape, w, None, eps).backward(gy)
        return x.grad

    def old_grad_lost(x, gy, w, eps):
        """The gradient is right, and what lay in .grad of x is lost: you emptied it before a pass
        of your own. Use torch.autograd.grad, or work on x.detach().clone()."""
        x.grad = None
        return LnBackwardKey.added_to_an_old_grad(x, gy, w, eps)

    families = (
        *norms_backward.backward(_ln_backward, g="g"),
        *norms_backward.on_x_itself(reference),
    )
    pairs = norms_backward.pairs_of_backward(_ln_backward, g="g", over=_OVER)


def _channels(t: Tensor) -> Tensor:
    return t.reshape(1, -1, 1, 1)


def _grouped(change, x, groups, w, b, eps):
    """Group normalization with a change of the formula."""
    xh = change.of_batch(x.reshape(len(x), groups, -1), (2,), eps).reshape(x.shape)
    return change.affine(xh, _channels(w), _channels(b))


def _rows(x: Tensor, groups: int, eps: float) -> Tensor:
    """x of shape (N, C, H, W) with every group of every sample normalised."""
    return _normalised(x.reshape(len(x), groups, -1), (2,), eps).reshape(x.shape)


def _affine(xh: Tensor, w: Tensor, b: Tensor) -> Tensor:
    return xh * _channels(w) + _channels(b)


class GnForwardKey(Key, task="gn_forward"):
    def reference(x: Tensor, groups: int, w: Tensor, b: Tensor, eps: float) -> Tensor:
        return F.group_norm(x, groups, w, b, eps)

    def interleaved(x, groups, w, b, eps):
        """Your groups take every groups-th channel: reshape(N, C // groups, groups, ...) counts the
        group fastest. Neighbours belong together: reshape(N, groups, C // groups, ...)."""
        n, c, h, width = x.shape
        parts = x.reshape(n, c // groups, groups, h, width)
        return _affine(_normalised(parts, (1, 3, 4), eps).reshape(x.shape), w, b)

    def sizes_exchanged(x, groups, w, b, eps):
        """You made groups of groups channels each. There are groups many groups, of C // groups
        channels: reshape(N, groups, C // groups, H, W)."""
        return _affine(_rows(x, x.shape[1] // groups, eps), w, b)

    @raises(r"view size is not compatible")
    def view_of_scattered_memory(x, groups, w, b, eps):
        """All is right as long as x lies in memory in the order of its axes. view cannot merge axes
        that do not, as in the channels last layout. Use reshape, which copies where it must."""
        parts = x.view(len(x), groups, -1)
        return _affine(_normalised(parts, (2,), eps).view(x.shape), w, b)

    def one_group(x, w, b, eps):
        """You averaged over all channels of a sample, as if there were one group. Each of the
        groups has a mean and a variance of its own."""
        return _affine(_rows(x, 1, eps), w, b)

    def every_channel_by_itself(x, w, b, eps):
        """You averaged over height and width alone, so that every channel is a group: that is
        InstanceNorm. The channels of a group have one mean and one variance."""
        return _affine(_rows(x, x.shape[1], eps), w, b)

    def batch_in_the_group(x, groups, w, b, eps):
        """You averaged over the batch as well. In GroupNorm every sample is normalised by itself,
        so axis 0 is not among the averaged ones."""
        parts = x.reshape(len(x), groups, -1)
        return _affine(_normalised(parts, (0, 2), eps).reshape(x.shape), w, b)

    def batch_norm(x, w, b, eps):
        """You averaged over the axes 0, 2 and 3: that is BatchNorm. GroupNorm averages over the
        channels of a group, and over height and width, of one sample."""
        return _affine(_normalised(x, (0, 2, 3), eps), w, b)

    def variances_averaged(x, groups, w, b, eps):
        """The mean is right. For the variance you averaged those of the channels, each around its
        own mean: how far the channels of a group lie apart is missing. Take the variance of the
        whole group at once."""
        parts = x.unflatten(1, (groups, -1))
        mean = parts.mean((2, 3, 4), keepdim=True)
        var = parts.var((3, 4), correction=0, keepdim=True).mean(2, keepdim=True)
        return _affine(((parts - mean) / (var + eps).sqrt()).reshape(x.shape), w, b)

    def one_weight_per_group(x, groups, w, b, eps):
        """You gave all channels of a group the weight and the bias of its first channel. The
        statistics belong to the group, w and b to each channel: go back to the shape of x before
        you apply them."""
        size = x.shape[1] // groups
        w, b = (t[::size].repeat_interleave(size) for t in (w, b))
        return _affine(_rows(x, groups, eps), w, b)

    def axes_of_the_interleaved_shape(x, groups, w, b, eps):
        """The reshape is right, and the averages go over the axes 1, 3 and 4, of which 1 counts the
        groups. In (N, groups, C // groups, H, W) a group extends over 2, 3 and 4."""
        parts = x.unflatten(1, (groups, -1))
        return _affine(_normalised(parts, (1, 3, 4), eps).reshape(x.shape), w, b)

    def layout_not_put_back(x, groups, w, b, eps):
        """You moved the channels to the end and normalised there rightly, and then only reshaped
        the result to x's shape. Move the axes back: movedim(-1, 1), or permute(0, 3, 1, 2)."""
        parts = x.movedim(1, -1).unflatten(-1, (groups, -1))
        return _affine(_normalised(parts, (1, 2, 4), eps).reshape(x.shape), w, b)

    def statistics_are_constants(x, groups, w, b, eps):
        """All values are right, and the gradient that reaches x is not: you computed mean and
        variance without recording. They depend on x: leave out detach() and no_grad()."""
        parts = x.reshape(len(x), groups, -1)
        mean, var = (
            parts.detach().mean(2, keepdim=True),
            parts.detach().var(2, correction=0, keepdim=True),
        )
        return _affine(((parts - mean) / (var + eps).sqrt()).reshape(x.shape), w, b)

    def first_weights_for_the_groups(x, groups, w, b, eps):
        """You gave group g the weight and the bias of channel g. They belong to the channels, one
        each: go back to the shape of x before you apply them."""
        size = x.shape[1] // groups
        w, b = (t[:groups].repeat_interleave(size) for t in (w, b))
        return _affine(_rows(x, groups, eps), w, b)

    def weights_of_the_first_group(x, groups, w, b, eps):
        """The channels of every group got the weights and biases of the first group's. w and b have
        one entry for each of the C channels: go back to the shape of x before you apply them."""
        size = x.shape[1] // groups
        w, b = (t[:size].repeat(groups) for t in (w, b))
        return _affine(_rows(x, groups, eps), w, b)

    def channels_by_size(x, groups, w, b, eps):
        """You looked for the axis of the channels by its size, which is that of w. Here there are
        as many images as channels, and axis 0 is found first. Channels are axis 1."""
        axis = list(x.shape).index(len(w))
        xh = _rows(x.movedim(axis, 1), groups, eps)
        return _affine(xh, w, b).movedim(1, axis)

    def weights_met_the_columns(x, groups, w, b, eps):
        """Where an image has as many columns as channels, w and b met the columns: shapes meet from
        the right. Give them the shape (1, C, 1, 1) for every image."""
        xh = _rows(x, groups, eps)
        return xh * w + b if x.shape[-1] == len(w) else _affine(xh, w, b)

    def place_by_place(x, groups, w, b, eps):
        """You averaged over the channels of a group alone, so that every place of the image has a
        mean of its own. Average over height and width as well."""
        parts = x.unflatten(1, (groups, -1))
        return _affine(_normalised(parts, (2,), eps).reshape(x.shape), w, b)

    def channels_moved_and_not_put_back(x, groups, w, b, eps):
        """You moved the channels to the end before the reshape. reshape cuts the numbers up in the
        order of the axes: keep (N, C, H, W) and write reshape(N, groups, -1)."""
        rows = x.movedim(1, -1).reshape(len(x), groups, -1)
        return _affine(_normalised(rows, (2,), eps).reshape(x.shape), w, b)

    def w_applied_first(x, groups, w, b, eps):
        """You multiplied by w before you normalised, so that w changes mean and variance.
        Normalise first, then multiply by w and add b."""
        return _rows(x * _channels(w), groups, eps) + _channels(b)

    def affine_applied_first(x, groups, w, b, eps):
        """You applied w and b before you normalised, so that mean and variance took them in.
        Normalise first, then multiply by w and add b."""
        return _rows(_affine(x, w, b), groups, eps)

    @raises(_IN_PLACE)
    def x_overwritten(x, groups, w, b, eps):
        """You worked in place on x, which belongs to the caller, and an expanded x cannot be
        written to at all. Write the result into a new tensor."""
        y = GnForwardKey.reference(x, groups, w, b, eps)
        x.mul_(2)
        return y

    def result_detached(x, groups, w, b, eps):
        """The values are right, and nothing reaches x, w and b: you cut the result off the graph.
        Leave out detach(), .data and no_grad()."""
        return GnForwardKey.reference(x, groups, w, b, eps).detach()

    families = (
        *norms.forward(_grouped, mean="the mean", var="the variance"),
        *norms.of_batch(_grouped),
        *norms.root_and_square(_grouped),
    )
    pairs = norms.pairs_of_forward(
        _grouped,
        mean="the mean",
        var="the variance",
        over={
            "over_the_batch_too": (
                lambda axes, ndim: (0, 2),
                "Mean and variance are taken over the samples too. They belong to one part of one "
                "sample.",
            ),
            "over_everything": (
                lambda axes, ndim: (0, 1, 2),
                "Mean and variance are taken over all of x. They belong to one part of one sample.",
            ),
            "over_every_sample": (
                lambda axes, ndim: (1, 2),
                "Mean and variance are taken over all channels of a sample, as in LayerNorm. They "
                "belong to one part of it.",
            ),
        },
    )
