"""Reference and mistakes of the gradient of batch normalization."""

import torch
import torch.nn.functional as F
from torch import Tensor

from grader.keys.norms.batch import axes, moments, normalised, wide
from grader.trusted.key import Key


def _sums(t: Tensor, x: Tensor) -> Tensor:
    return t.sum(axes(x), keepdim=True)


def _bracket(x: Tensor, gy: Tensor, xh: Tensor) -> Tensor:
    """gy less the parts that go through mean and variance."""
    return gy - gy.mean(axes(x), keepdim=True) - xh * (gy * xh).mean(axes(x), keepdim=True)


def _scaled(inner: Tensor, x: Tensor, w: Tensor, eps: float, correction: int = 0) -> Tensor:
    return inner * wide(w, x) / (moments(x, correction)[1] + eps).sqrt()


class BnBackwardKey(Key, task="bn_backward"):
    def reference(x: Tensor, gy: Tensor, w: Tensor, eps: float) -> Tensor:
        x = x.detach().requires_grad_()
        y = F.batch_norm(x, None, None, w.detach(), None, True, 0.0, eps)
        return torch.autograd.grad(y, x, gy)[0]

    def statistics_are_constants(x, gy, w, eps):
        """You took mean and variance for constants: your answer is gy * w / std. Both depend on x,
        so two more paths lead from x to y. Without them a channel's gradients do not sum to 0."""
        return _scaled(gy, x, w, eps)

    def variance_is_constant(x, gy, w, eps):
        """You let gradients through the mean, and took the variance for a constant. What is missing
        is - xh * mean(gy * xh), inside the bracket."""
        return _scaled(gy - gy.mean(axes(x), keepdim=True), x, w, eps)

    def mean_is_constant(x, gy, w, eps):
        """You let gradients through the variance, and took the mean for a constant. What is missing
        is - mean(gy), inside the bracket: without it a channel's gradients do not sum to 0."""
        xh = normalised(x, eps)
        return _scaled(gy - xh * (gy * xh).mean(axes(x), keepdim=True), x, w, eps)

    def sums_for_means(x, gy, w, eps):
        """You subtracted sums over the channel where means belong: divide both by n, the number of
        values in a channel."""
        xh = normalised(x, eps)
        return _scaled(gy - _sums(gy, x) - xh * _sums(gy * xh, x), x, w, eps)

    def divided_by_rows(x, gy, w, eps):
        """You divided the sums over a channel by the number of samples N. A channel of an image
        has N * H * W values: divide by their number, or take means."""
        xh, n = normalised(x, eps), x.shape[0]
        return _scaled(gy - _sums(gy, x) / n - xh * _sums(gy * xh, x) / n, x, w, eps)

    def batch_axis_alone(x, gy, w, eps):
        """You averaged over axis 0 alone, so that every place of an image has a mean and a variance
        of its own. BatchNorm takes the axes 0, 2 and 3 together."""
        if len(x) == 1:
            return torch.zeros_like(x)
        w = wide(w, x).expand_as(x)[0].flatten()
        return BnBackwardKey.reference(x.flatten(1), gy.flatten(1), w, eps).reshape(x.shape)

    def normalised_twice(x, gy, w, eps):
        """The bracket is right, and you divided it by the variance plus eps. Divide it by the
        square root."""
        return BnBackwardKey.reference(x, gy, w, eps) / (moments(x)[1] + eps).sqrt()

    def w_forgotten(x, gy, w, eps):
        """You left out w. y is w times the normalised value plus b, so the gradient is multiplied
        by w."""
        return BnBackwardKey.reference(x, gy, torch.ones_like(w), eps)

    def not_divided_by_std(x, gy, w, eps):
        """You left out the division by the root of the variance plus eps: y changes the less with x
        the wider x is spread."""
        return BnBackwardKey.reference(x, gy, w, eps) * (moments(x)[1] + eps).sqrt()

    def not_normalised_in_bracket(x, gy, w, eps):
        """In the term of the variance you took x - mean in the place of the normalised values,
        which are divided by the root of the variance plus eps. It stands there twice."""
        return _scaled(_bracket(x, gy, x - moments(x)[0]), x, w, eps)

    def unbiased_variance(x, gy, w, eps):
        """You used the unbiased variance, the one over n - 1. The output of BatchNorm uses the one
        over n, and so does its gradient."""
        return _scaled(_bracket(x, gy, normalised(x, eps, 1)), x, w, eps, 1)

    def eps_missing(x, gy, w):
        """You left out eps. It is added to the variance under the root, in the gradient as in the
        forward pass."""
        return _scaled(_bracket(x, gy, normalised(x, 0.0)), x, w, 0.0)

    def signs_of_the_means(x, gy, w, eps):
        """You added the two means in the bracket. Both are subtracted."""
        xh = normalised(x, eps)
        inner = gy + gy.mean(axes(x), keepdim=True) + xh * (gy * xh).mean(axes(x), keepdim=True)
        return _scaled(inner, x, w, eps)
