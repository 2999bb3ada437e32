"""References and mistakes of the exercises on layer and group normalization."""

import torch
import torch.nn.functional as F
from torch import Tensor

from grader.trusted.key import Key, raises

Axes = tuple[int, ...]


def _last(w: Tensor) -> Axes:
    """The dimensions of x that w extends over."""
    return tuple(range(-w.ndim, 0))


def _normalised(x: Tensor, axes: Axes, eps: float, correction: int = 0) -> Tensor:
    mean = x.mean(axes, keepdim=True)
    return (x - mean) / (x.var(axes, correction=correction, keepdim=True) + eps).sqrt()


def _backward(x, g, axes, eps, *, mean=True, var=True):
    """The gradient of the normalised values, with g arriving, through the chosen statistics."""
    xh = _normalised(x, axes, eps)
    inner = g
    if mean:
        inner = inner - g.mean(axes, keepdim=True)
    if var:
        inner = inner - xh * (g * xh).mean(axes, keepdim=True)
    return inner / (x.var(axes, correction=0, keepdim=True) + eps).sqrt()


class LnForwardKey(Key, task="ln_forward"):
    def reference(x: Tensor, w: Tensor, b: Tensor, eps: float) -> Tensor:
        return F.layer_norm(x, w.shape, w, b, eps)

    def batch_axis(x, w, b, eps):
        """You averaged over the batch, as BatchNorm does. LayerNorm averages over the last
        dimensions, those of w, and treats every sample by itself."""
        return _normalised(x, (0,), eps) * w + b

    def last_dimension_alone(x, w, b, eps):
        """You averaged over the last dimension alone. Where w has two dimensions, it
        averages over the last two: count them with w.ndim."""
        return _normalised(x, (-1,), eps) * w + b

    def whole_sample(x, w, b, eps):
        """You averaged over all dimensions but the first. It averages over those of w: in a
        batch of sequences with w of shape (D,), every position has a mean of its own."""
        return _normalised(x, tuple(range(1, x.ndim)), eps) * w + b

    def everything(x, w, b, eps):
        """You averaged over the whole tensor, all samples together. Pass the last dimensions
        to mean and var, with keepdim=True."""
        return _normalised(x, tuple(range(x.ndim)), eps) * w + b

    def unbiased(x, w, b, eps):
        """You used the unbiased variance, the one over n - 1, which is nan for rows of one
        number. Use x.var(..., correction=0)."""
        return _normalised(x, _last(w), eps, correction=1) * w + b

    def divided_by_variance(x, w, b, eps):
        """You divided by the variance plus eps. Divide by its square root."""
        var = x.var(_last(w), correction=0, keepdim=True)
        return (x - x.mean(_last(w), keepdim=True)) / (var + eps) * w + b

    def eps_outside_the_root(x, w, b, eps):
        """You added eps to the standard deviation. It belongs under the root:
        sqrt(var + eps)."""
        std = x.var(_last(w), correction=0, keepdim=True).sqrt()
        return (x - x.mean(_last(w), keepdim=True)) / (std + eps) * w + b

    def std_plus_eps(x, w, b, eps):
        """You divided by x.std(...) + eps. Two things differ: std() divides by n - 1 unless you
        pass correction=0, and eps belongs under the root: sqrt(var + eps)."""
        std = x.var(_last(w), correction=1, keepdim=True).sqrt()
        return (x - x.mean(_last(w), keepdim=True)) / (std + eps) * w + b

    def eps_missing(x, w, b):
        """You left out eps, so a row of equal numbers gives 0 / 0. Add it to the variance,
        under the root."""
        return _normalised(x, _last(w), 0.0) * w + b

    def mean_not_subtracted(x, w, b, eps):
        """You did not take the mean off before you divided."""
        var = x.var(_last(w), correction=0, keepdim=True)
        return x / (var + eps).sqrt() * w + b

    def root_mean_square(x, w, b, eps):
        """You divided by the root of the mean square and took no mean off. That is RMSNorm;
        LayerNorm takes the mean off and divides by the standard deviation."""
        return x / ((x * x).mean(_last(w), keepdim=True) + eps).sqrt() * w + b

    def affine_forgotten(x, w, eps):
        """You returned the normalised values without w and b."""
        return _normalised(x, _last(w), eps)


class LnBackwardKey(Key, task="ln_backward"):
    def reference(x: Tensor, gy: Tensor, w: Tensor, eps: float) -> Tensor:
        x = x.detach().requires_grad_()
        return torch.autograd.grad(F.layer_norm(x, w.shape, w.detach(), None, eps), x, gy)[0]

    def statistics_are_constants(x, gy, w, eps):
        """You took mean and variance for constants: your answer is gy * w / std. Both
        depend on x, so two more paths lead from x to y."""
        return _backward(x, gy * w, _last(w), eps, mean=False, var=False)

    def variance_is_constant(x, gy, w, eps):
        """You let gradients through the mean, and took the variance for a constant.
        What is missing is - xh * mean(g * xh), with g = gy * w."""
        return _backward(x, gy * w, _last(w), eps, var=False)

    def mean_is_constant(x, gy, w, eps):
        """You let gradients through the variance, and took the mean for a constant.
        What is missing is - mean(g), with g = gy * w."""
        return _backward(x, gy * w, _last(w), eps, mean=False)

    def w_applied_last(x, gy, w, eps):
        """You multiplied by w at the end. In BatchNorm that is right, because w is the
        same all over a channel. Here w differs from entry to entry of what is averaged: multiply
        gy by w before you take means."""
        return _backward(x, gy, _last(w), eps) * w

    def w_forgotten(x, gy, w, eps):
        """You left out w: multiply gy by w before anything else."""
        return _backward(x, gy, _last(w), eps)

    def batch_axis(x, gy, w, eps):
        """You took the means over the batch, as BatchNorm does. Take them over the
        last dimensions, those of w."""
        return _backward(x, gy * w, (0,), eps)

    def last_dimension_alone(x, gy, w, eps):
        """You took the means over the last dimension alone. Where w has two, take them
        over the last two."""
        return _backward(x, gy * w, (-1,), eps)

    def sums_for_means(x, gy, w, eps):
        """You subtracted sums where means belong: divide both by the number of entries
        that are averaged."""
        axes, g = _last(w), gy * w
        xh = _normalised(x, axes, eps)
        inner = g - g.sum(axes, keepdim=True) - xh * (g * xh).sum(axes, keepdim=True)
        return inner / (x.var(axes, correction=0, keepdim=True) + eps).sqrt()

    def not_divided_by_std(x, gy, w, eps):
        """You left out the division by the root of the variance plus eps."""
        var = x.var(_last(w), correction=0, keepdim=True)
        return _backward(x, gy * w, _last(w), eps) * (var + eps).sqrt()

    def eps_missing(x, gy, w):
        """You left out eps, so a row of equal numbers gives 0 / 0. Add it to the
        variance, under the root."""
        return _backward(x, gy * w, _last(w), 0.0)


def _channels(t: Tensor) -> Tensor:
    return t.reshape(1, -1, 1, 1)


def _rows(x: Tensor, groups: int, eps: float, correction: int = 0) -> Tensor:
    """x of shape (N, C, H, W) with every group of every sample normalised."""
    parts = x.reshape(len(x), groups, -1)
    return _normalised(parts, (2,), eps, correction).reshape(x.shape)


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

    def unbiased(x, groups, w, b, eps):
        """You used the unbiased variance, the one over n - 1. Use var(..., correction=0)."""
        return _affine(_rows(x, groups, eps, correction=1), w, b)

    def divided_by_variance(x, groups, w, b, eps):
        """You divided by the variance plus eps. Divide by its square root."""
        parts = x.reshape(len(x), groups, -1)
        var = parts.var(2, correction=0, keepdim=True)
        xh = (parts - parts.mean(2, keepdim=True)) / (var + eps)
        return _affine(xh.reshape(x.shape), w, b)

    def eps_outside_the_root(x, groups, w, b, eps):
        """You added eps to the standard deviation. It belongs under the root: sqrt(var + eps)."""
        parts = x.reshape(len(x), groups, -1)
        std = parts.std(2, correction=0, keepdim=True)
        xh = (parts - parts.mean(2, keepdim=True)) / (std + eps)
        return _affine(xh.reshape(x.shape), w, b)

    def std_plus_eps(x, groups, w, b, eps):
        """You divided by std(...) + eps. Two things differ: std() divides by n - 1 unless you
        pass correction=0, and eps belongs under the root: sqrt(var + eps)."""
        parts = x.reshape(len(x), groups, -1)
        xh = (parts - parts.mean(2, keepdim=True)) / (parts.std(2, keepdim=True) + eps)
        return _affine(xh.reshape(x.shape), w, b)

    def eps_missing(x, groups, w, b):
        """You left out eps. It is added to the variance, under the root."""
        return _affine(_rows(x, groups, 0.0), w, b)

    def affine_forgotten(x, groups, eps):
        """You returned the normalised values without w and b."""
        return _rows(x, groups, eps)

    def one_weight_per_group(x, groups, w, b, eps):
        """You gave all channels of a group the weight and the bias of its first channel. The
        statistics belong to the group, w and b to each channel: go back to the shape of x before
        you apply them."""
        size = x.shape[1] // groups
        w, b = (t[::size].repeat_interleave(size) for t in (w, b))
        return _affine(_rows(x, groups, eps), w, b)
