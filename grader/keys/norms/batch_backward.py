"""Reference and mistakes of the gradient of batch normalization."""

import torch
import torch.nn.functional as F
from torch import Tensor

from grader.keys.norms.batch import OVER, axes, moments, normalised, wide
from grader.trusted.families import norms_backward
from grader.trusted.key import Key, raises


def _by_formula(change, x, gy, w, eps):
    return change.of(x, gy, wide(w, x), axes(x), eps)


class BnBackwardKey(Key, task="bn_backward"):
    def reference(x: Tensor, gy: Tensor, w: Tensor, eps: float) -> Tensor:
        x = x.detach().requires_grad_()
        y = F.batch_norm(x, None, None, w.detach(), None, True, 0.0, eps)
        return torch.autograd.grad(y, x, gy)[0]

    def divided_by_rows(x, gy, w, eps):
        """You divided the sums over a channel by the number of samples N. A channel of an image
        has N * H * W values: divide by their number, or take means."""
        xh, n = normalised(x, eps), x.shape[0]
        through_mean, through_var = (t.sum(axes(x), keepdim=True) / n for t in (gy, gy * xh))
        inner = gy - through_mean - xh * through_var
        return inner * wide(w, x) / (moments(x)[1] + eps).sqrt()

    def batch_axis_alone(x, gy, w, eps):
        """You averaged over axis 0 alone, so that every place of an image has a mean and a variance
        of its own. BatchNorm takes the axes 0, 2 and 3 together."""
        return norms_backward.Backward().of(x, gy, wide(w, x), (0,), eps)

    def sample_by_sample(x, gy, w, eps):
        """You averaged over all axes but the first, as LayerNorm does. BatchNorm averages over the
        samples, and over the places of an image: over all axes but 1."""
        return norms_backward.Backward().of(x, gy, wide(w, x), tuple(range(1, x.ndim)), eps)

    def sample_by_sample_w_last(x, gy, w, eps):
        """You averaged over all axes but the first, as LayerNorm does. BatchNorm averages over the
        samples, and over the places of an image: over all axes but 1."""
        change = norms_backward.Backward(w="last")
        return change.of(x, gy, wide(w, x), tuple(range(1, x.ndim)), eps)

    def everything(x, gy, w, eps):
        """You averaged over all of x. Every channel, axis 1, has a mean and a variance of its
        own."""
        return norms_backward.Backward().of(x, gy, wide(w, x), tuple(range(x.ndim)), eps)

    @raises(r"only one dimension can be inferred")
    def axes_by_size(x, gy, w, eps):
        """You told the axis of the channels by its size, and here others are as large: there are as
        many images and columns as channels. Channels are axis 1."""
        sizes = [-1 if n == len(w) else 1 for n in x.shape]
        w.reshape(sizes)
        return BnBackwardKey.reference(x, gy, w, eps)

    def first_axis_of_that_size(x, gy, w, eps):
        """You took for the channels the first axis that is as large as w. Here there are as many
        images as channels, and that is axis 0. Channels are axis 1."""
        axis = list(x.shape).index(len(w))
        moved = (t.movedim(axis, 1) for t in (x, gy))
        return BnBackwardKey.reference(*moved, w, eps).movedim(1, axis)

    def last_axis_of_that_size(x, gy, w, eps):
        """You took for the channels the last axis that is as large as w. Here an image has as many
        columns as channels. Channels are axis 1."""
        axis = max(i for i, n in enumerate(x.shape) if n == len(w))
        moved = (t.movedim(axis, 1) for t in (x, gy))
        return BnBackwardKey.reference(*moved, w, eps).movedim(1, axis)

    def weights_met_the_columns(x, gy, w, eps):
        """Where an image has as many columns as channels, w met the columns: shapes meet from the
        right. Give it the shape (1, C, 1, 1) for every image."""
        if x.shape[-1] != len(w):
            return BnBackwardKey.reference(x, gy, w, eps)
        return BnBackwardKey.reference(x, gy * w, torch.ones_like(w), eps)

    def weights_met_the_columns_at_the_end(x, gy, w, eps):
        """Where an image has as many columns as channels, w met the columns: shapes meet from the
        right. Give it the shape (1, C, 1, 1) for every image."""
        if x.shape[-1] != len(w):
            return BnBackwardKey.reference(x, gy, w, eps)
        return BnBackwardKey.reference(x, gy, torch.ones_like(w), eps) * w

    def eval_mode(x, gy, w, eps):
        """You differentiated a batch norm in eval mode with a mean of 0 and a variance of 1. In
        training mean and variance come from x: pass training=True, and no running statistics."""
        return gy * wide(w, x) / (1 + eps) ** 0.5

    def added_to_an_old_grad(x, gy, w, eps):
        """You called backward() on x itself and returned x.grad. x may have a .grad from before,
        and backward() adds to it. Use torch.autograd.grad, or work on x.detach().clone()."""
        F.batch_norm(x.requires_grad_(), None, None, w, None, True, 0.0, eps).backward(gy)
        return x.grad

    def old_grad_lost(x, gy, w, eps):
        """The gradient is right, and what lay in .grad of x is lost: you emptied it before a pass
        of your own. Use torch.autograd.grad, or work on x.detach().clone()."""
        x.grad = None
        return BnBackwardKey.added_to_an_old_grad(x, gy, w, eps)

    # w is one number for all that is averaged: where in the formula it stands twice is all the same
    # and in float32 the sum over a whole channel is not recognised in every draw
    families = (
        *norms_backward.without(
            norms_backward.backward(_by_formula, g="gy"),
            "w_first_and_last",
            "sum_in_the_variance_term",
        ),
        *norms_backward.on_x_itself(reference),
    )
    pairs = norms_backward.pairs_of_backward(_by_formula, g="gy", over=OVER)
