"""References and mistakes of the forward passes of batch normalization, in both modes."""

import torch
import torch.nn.functional as F
from torch import Tensor

from grader.trusted.families import norms
from grader.trusted.families.pairs import formula, of_formula
from grader.trusted.key import Key, raises


def axes(x: Tensor) -> tuple[int, ...]:
    """All axes but that of the channels."""
    return (0, *range(2, x.ndim))


def wide(t: Tensor, x: Tensor) -> Tensor:
    """t of shape (C,), shaped to meet x."""
    return t.reshape(1, -1, *(1 for _ in x.shape[2:]))


def moments(x: Tensor, correction: int = 0) -> tuple[Tensor, Tensor]:
    """Mean and variance of every channel, with kept dimensions."""
    return x.mean(axes(x), keepdim=True), x.var(axes(x), correction=correction, keepdim=True)


def normalised(x: Tensor, eps: float, correction: int = 0) -> Tensor:
    """(x - mean) / sqrt(var + eps), channel by channel."""
    mean, var = moments(x, correction)
    return (x - mean) / (var + eps).sqrt()


def _affine(xh: Tensor, w: Tensor, b: Tensor) -> Tensor:
    return xh * wide(w, xh) + wide(b, xh)


def _track(x, rm, rv, momentum, correction=1, old=None):
    """Update the running statistics as torch does."""
    mean, var = moments(x.detach(), correction)
    keep = 1 - momentum if old is None else old
    rm.mul_(keep).add_(momentum * mean.flatten())
    rv.mul_(keep).add_(momentum * var.flatten())


def _updated(change, x, w, b, rm, rv, momentum, eps):
    """Training mode with a change in the output alone."""
    _track(x, rm, rv, momentum)
    return change.affine(change.of_batch(x, axes(x), eps), wide(w, x), wide(b, x))


OVER = {
    "over_the_batch_axis_alone": (
        lambda axes, ndim: (0,),
        "You averaged over axis 0 alone, so that every place of an image has a mean and a variance "
        "of its own. BatchNorm takes the axes 0, 2 and 3 together.",
    ),
    "over_every_sample": (
        lambda axes, ndim: tuple(range(1, ndim)),
        "You averaged over all axes but the first, as LayerNorm does. BatchNorm averages over all "
        "axes but 1.",
    ),
    "over_the_last_alone": (
        lambda axes, ndim: (ndim - 1,),
        "You averaged over the last axis alone. BatchNorm averages over all axes but 1.",
    ),
    "over_everything": (
        lambda axes, ndim: tuple(range(ndim)),
        "You averaged over all of x. Every channel, axis 1, has a mean and a variance of its own.",
    ),
}
"""Axes that BatchNorm does not average over, with what that says."""


def _averaged(over, x, w, b, rm, rv, momentum, eps):
    """Training mode with the output normalised over other axes."""
    _track(x, rm, rv, momentum)
    return _affine(norms.Forward().of_batch(x, over, eps), w, b)


@formula
def _by_running(change, x, w, b, rm, rv, eps):
    """Eval mode with a change of the formula."""
    xh = change.of_given(x, wide(rm, x), wide(rv, x), eps)
    return change.affine(xh, wide(w, x), wide(b, x))


class BnTrainForwardKey(Key, task="bn_train_forward"):
    def reference(
        x: Tensor, w: Tensor, b: Tensor, rm: Tensor, rv: Tensor, momentum: float, eps: float
    ) -> Tensor:
        return F.batch_norm(x, rm, rv, w, b, True, momentum, eps)

    def biased_in_running_var(x, w, b, rm, rv, momentum, eps):
        """The output is right. rv took in the variance over n, where torch puts the unbiased one,
        over n - 1: multiply by n / (n - 1), n being the number of values in a channel."""
        _track(x, rm, rv, momentum, correction=0)
        return _affine(normalised(x, eps), w, b)

    def variances_exchanged(x, w, b, rm, rv, momentum, eps):
        """You exchanged the two variances. The output uses the one over n, and rv takes in the one
        over n - 1."""
        _track(x, rm, rv, momentum, correction=0)
        return _affine(normalised(x, eps, correction=1), w, b)

    def momentum_swapped(x, w, b, rm, rv, momentum, eps):
        """The output is right, and momentum has the wrong place: you gave it to the old value. In
        torch it is the weight of the new one: rm becomes (1 - momentum) * rm + momentum * mean."""
        _track(x, rm, rv, 1 - momentum)
        return _affine(normalised(x, eps), w, b)

    def default_momentum(x, w, b, rm, rv, eps):
        """The output is right. You used 0.1 for momentum, which is torch's default: pass the
        momentum that is handed over."""
        _track(x, rm, rv, 0.1)
        return _affine(normalised(x, eps), w, b)

    def old_value_kept_whole(x, w, b, rm, rv, momentum, eps):
        """The output is right. You added momentum times the new value to the whole of the old one,
        so no batch is ever forgotten, and rv only grows. Multiply the old value by 1 - momentum."""
        _track(x, rm, rv, momentum, old=1.0)
        return _affine(normalised(x, eps), w, b)

    def deviation_in_running_var(x, w, b, rm, rv, momentum, eps):
        """The output is right. rv took in a standard deviation: it keeps the variance, without the
        root."""
        mean, var = moments(x.detach(), 1)
        rm.lerp_(mean.flatten(), momentum)
        rv.lerp_(var.sqrt().flatten(), momentum)
        return _affine(normalised(x, eps), w, b)

    def statistics_not_updated(x, w, b, eps):
        """The output is right, and rm and rv are what they were. Write into the caller's tensors:
        rm.mul_(...).add_(...), or rm.copy_(...). A line rm = ... gives the name to another one."""
        return _affine(normalised(x, eps), w, b)

    def history_in_the_statistics(x, w, b, rm, rv, momentum, eps):
        """All values are right, and rm and rv now require grad: they carry the graph of this batch,
        and would carry that of every batch before it. Update them inside torch.no_grad()."""
        mean, var = moments(x, 1)
        rm.mul_(1 - momentum).add_(momentum * mean.flatten())
        rv.mul_(1 - momentum).add_(momentum * var.flatten())
        return _affine(normalised(x, eps), w, b)

    def statistics_are_constants(x, w, b, rm, rv, momentum, eps):
        """All values are right, and the gradient that reaches x is not: you computed mean and
        variance without recording. They depend on x. Only the update of rm and rv belongs into
        no_grad()."""
        _track(x, rm, rv, momentum)
        mean, var = moments(x.detach())
        return _affine((x - mean) / (var + eps).sqrt(), w, b)

    def no_gradient(x, w, b, rm, rv, momentum, eps):
        """All values are right, and y has no history: no gradient reaches x. Only the update of rm
        and rv belongs into no_grad()."""
        _track(x, rm, rv, momentum)
        return _affine(normalised(x.detach(), eps), w, b)

    def running_statistics_first(x, w, b, rm, rv, momentum, eps):
        """You normalised by the running statistics as they were, and then updated them. In training
        the output uses the mean and variance of this batch; the running ones are for eval mode."""
        y = _by_running(norms.Forward(), x, w, b, rm.clone(), rv.clone(), eps)
        _track(x, rm, rv, momentum)
        return y

    def running_statistics_used(x, w, b, rm, rv, momentum, eps):
        """You updated rm and rv correctly, and then normalised with them. In training the output
        uses the statistics of this batch alone; the running ones are for eval mode."""
        _track(x, rm, rv, momentum)
        mean, var = wide(rm.clone(), x), wide(rv.clone(), x)
        return _affine((x - mean) / (var + eps).sqrt(), w, b)

    def x_overwritten(x, w, b, rm, rv, momentum, eps):
        """The output is right, and x is no longer what it was: an operation in place, such as x -=
        mean, worked on the caller's tensor. Compute x - mean instead."""
        _track(x, rm, rv, momentum)
        mean, var = (t.detach() for t in moments(x))
        x.sub_(mean)
        return _affine(x / (var + eps).sqrt(), w, b)

    def eval_mode_of_torch(x, w, b, rm, rv, eps):
        """You normalised by rm and rv as they came in, and left them as they are. That is eval
        mode, the default of F.batch_norm: pass training=True, or take mean and variance of x."""
        return _by_running(norms.Forward(), x, w, b, rm, rv, eps)

    def x_forgotten_in_the_statistics(x, w, b, rm, rv, momentum, eps):
        """The output is right, and rm and rv only shrank: multiplied by 1 - momentum, without
        momentum times the new value."""
        rm.mul_(1 - momentum)
        rv.mul_(1 - momentum)
        return _affine(normalised(x, eps), w, b)

    def memory_exchanged(x, w, b, rm, rv, momentum, eps):
        """All numbers are right, and rm and rv have other memory than before: `rm.data = ...` puts
        a new tensor into rm, and all that shared the old memory keeps the old numbers. Write into
        it: rm.mul_(...).add_(...), or rm.copy_(...)."""
        new = rm.clone(), rv.clone()
        _track(x, *new, momentum)
        rm.data, rv.data = new
        return _affine(normalised(x, eps), w, b)

    def statistics_replaced(x, w, b, rm, rv, momentum, eps):
        """The output is right. You wrote this batch's statistics over rm and rv. Only the share
        momentum of them is new: (1 - momentum) * rm + momentum * mean."""
        _track(x, rm, rv, 1.0)
        return _affine(normalised(x, eps), w, b)

    def running_mean_alone(x, w, b, rm, rv, momentum, eps):
        """The output and rm are right, and rv is what it was. Update it as well, by the unbiased
        variance."""
        _track(x, rm, rv.clone(), momentum)
        return _affine(normalised(x, eps), w, b)

    def running_var_alone(x, w, b, rm, rv, momentum, eps):
        """The output and rv are right, and rm is what it was. Update it as well, by the mean."""
        _track(x, rm.clone(), rv, momentum)
        return _affine(normalised(x, eps), w, b)

    def eps_in_running_var(x, w, b, rm, rv, momentum, eps):
        """The output is right. rv took in the variance plus eps: eps belongs to the division
        alone."""
        mean, var = moments(x.detach(), 1)
        rm.lerp_(mean.flatten(), momentum)
        rv.lerp_(var.flatten() + eps, momentum)
        return _affine(normalised(x, eps), w, b)

    def brackets_missing_in_one_line(x, w, b, rm, rv, momentum, eps):
        """rm and rv are right. In the output you divided the mean alone and multiplied that by w:
        quotients and products are computed before differences. Put brackets round x - mean."""
        _track(x, rm, rv, momentum)
        mean, var = moments(x)
        return x - mean / (var + eps).sqrt() * wide(w, x) + wide(b, x)

    @raises("division by zero")
    def unbiased_by_rows(x, w, b, rm, rv, momentum, eps):
        """In n / (n - 1) for rv you took the number of rows for n. A channel of an image has
        N * H * W values: one image is enough for a variance, and here you divide by zero."""
        n = x.shape[0]
        mean, var = moments(x.detach())
        rm.lerp_(mean.flatten(), momentum)
        rv.lerp_(var.flatten() * (n / (n - 1)), momentum)
        return _affine(normalised(x, eps), w, b)

    def unbiased_by_rows_of_a_tensor(x, w, b, rm, rv, momentum, eps):
        """The output is right. In n / (n - 1) for rv you took the number of rows for n, and for one
        image rv is inf: a tensor was divided by 0. n is the number of values in a channel:
        N * H * W for images."""
        n = x.shape[0]
        mean, var = moments(x.detach())
        rm.lerp_(mean.flatten(), momentum)
        rv.mul_(1 - momentum).add_(momentum * var.flatten() * n / (n - 1))
        return _affine(normalised(x, eps), w, b)

    def unbiased_by_rows_guarded(x, w, b, rm, rv, momentum, eps):
        """The output is right. In n / (n - 1) for rv you took the number of rows for n. n is the
        number of values in a channel: N * H * W for images."""
        n = x.shape[0]
        mean, var = moments(x.detach())
        rm.lerp_(mean.flatten(), momentum)
        rv.lerp_(var.flatten() * (n / max(n - 1, 1)), momentum)
        return _affine(normalised(x, eps), w, b)

    def batch_axis_alone(x, w, b, rm, rv, momentum, eps):
        """rm and rv are right. In the output you averaged over axis 0 alone, so that every place of
        an image has a mean of its own. BatchNorm takes the axes 0, 2 and 3 together."""
        return _averaged((0,), x, w, b, rm, rv, momentum, eps)

    def places_averaged(x, w, b, rm, rv, momentum, eps):
        """You averaged over axis 0 alone, so that every place of an image has a mean and a variance
        of its own. BatchNorm takes the axes 0, 2 and 3 together, in the output and for rm and
        rv."""
        with torch.no_grad():
            for running, each in ((rm, x.mean(0)), (rv, x.var(0))):
                running.lerp_(each.reshape(x.shape[1], -1).mean(1), momentum)
        return _affine(norms.Forward().of_batch(x, (0,), eps), w, b)

    def variances_averaged(x, w, b, rm, rv, momentum, eps):
        """The mean is right. For the variance you averaged those of the images, each around its own
        mean: how far the images lie apart is missing. Take the variance over the axes 0, 2 and 3 at
        once."""
        mean, var = moments(x)
        if x.ndim == 4:
            var = x.var((2, 3), correction=0, keepdim=True).mean(0, keepdim=True)
        n = x.numel() // x.shape[1]
        with torch.no_grad():
            rm.lerp_(mean.flatten(), momentum)
            rv.lerp_(var.flatten() * (n / (n - 1)), momentum)
        return _affine((x - mean) / (var + eps).sqrt(), w, b)

    def updated_twice(x, w, b, rm, rv, momentum, eps):
        """The output is right, and rm and rv took in this batch twice. Every call of batch_norm
        with training=True does it, and so does a line of your own: leave one of them out."""
        _track(x, rm, rv, momentum)
        return F.batch_norm(x, rm, rv, w, b, True, momentum, eps)

    @raises(r"only one dimension can be inferred|doesn't match the broadcast shape")
    def axes_by_size(x, w, b, rm, rv, momentum, eps):
        """You told the axis of the channels by its size, and here others are as large: there are as
        many images and columns as channels. Channels are axis 1."""
        sizes = [-1 if n == len(w) else 1 for n in x.shape]
        w.reshape(sizes)
        return BnTrainForwardKey.reference(x, w, b, rm, rv, momentum, eps)

    def first_axis_of_that_size(x, w, b, rm, rv, momentum, eps):
        """You took for the channels the first axis that is as large as w. Here there are as many
        images as channels, and that is axis 0. Channels are axis 1."""
        axis = list(x.shape).index(len(w))
        y = BnTrainForwardKey.reference(x.movedim(axis, 1), w, b, rm, rv, momentum, eps)
        return y.movedim(1, axis)

    def last_axis_of_that_size(x, w, b, rm, rv, momentum, eps):
        """You took for the channels the last axis that is as large as w. Here an image has as many
        columns as channels. Channels are axis 1."""
        axis = max(i for i, n in enumerate(x.shape) if n == len(w))
        y = BnTrainForwardKey.reference(x.movedim(axis, 1), w, b, rm, rv, momentum, eps)
        return y.movedim(1, axis)

    def weights_met_the_columns(x, w, b, rm, rv, momentum, eps):
        """Where an image has as many columns as channels, w and b met the columns: shapes meet from
        the right. Give them the shape (1, C, 1, 1) for every image."""
        _track(x, rm, rv, momentum)
        xh = normalised(x, eps)
        return xh * w + b if x.shape[-1] == len(w) else _affine(xh, w, b)

    def image_by_image(x, w, b, rm, rv, momentum, eps):
        """rm and rv are right. In the output you averaged over height and width alone, so that
        every image has a mean of its own. BatchNorm takes the axes 0, 2 and 3 together."""
        over = (2, 3) if x.ndim == 4 else (0,)
        return _averaged(over, x, w, b, rm, rv, momentum, eps)

    def sample_by_sample(x, w, b, rm, rv, momentum, eps):
        """rm and rv are right. In the output you averaged over all axes but the first: that is
        LayerNorm, which treats every sample by itself. BatchNorm averages over all axes but 1."""
        return _averaged(tuple(range(1, x.ndim)), x, w, b, rm, rv, momentum, eps)

    def everything(x, w, b, rm, rv, momentum, eps):
        """rm and rv are right. In the output you averaged over all of x. Every channel, axis 1, has
        a mean and a variance of its own."""
        return _averaged(tuple(range(x.ndim)), x, w, b, rm, rv, momentum, eps)

    def channels_not_in_front(x, w, b, rm, rv, momentum, eps):
        """You made rows with reshape(C, -1), which cuts the numbers up as they lie, samples and
        channels mixed. Bring the channels to the front first: x.movedim(1, 0).reshape(C, -1)."""
        rows = x.reshape(x.shape[1], -1)
        with torch.no_grad():
            rm.lerp_(rows.mean(1), momentum)
            rv.lerp_(rows.var(1), momentum)
        xh = norms.Forward().of_batch(rows, (1,), eps).reshape(x.shape)
        return _affine(xh, w, b)

    families = (
        *norms.forward(_updated, mean="the mean", var="the variance"),
        *norms.of_batch(_updated),
        *norms.root_and_square(_updated),
    )
    pairs = norms.pairs_of_forward(_updated, mean="the mean", var="the variance", over=OVER)


class BnEvalForwardKey(Key, task="bn_eval_forward"):
    def reference(x: Tensor, w: Tensor, b: Tensor, rm: Tensor, rv: Tensor, eps: float) -> Tensor:
        return F.batch_norm(x, rm, rv, w, b, False, 0.0, eps)

    def batch_statistics(x, w, b, eps):
        """You normalised by the mean and variance of the batch, as in training. Then a score
        depends on the other samples, and a row alone always gives b. Eval mode uses rm and rv."""
        return _affine(normalised(x, eps), w, b)

    def statistics_updated(x, w, b, rm, rv, eps):
        """The output is right, and you wrote to rm or rv. In eval mode the running statistics stay
        what they are."""
        y = BnEvalForwardKey.reference(x, w, b, rm.clone(), rv.clone(), eps)
        with torch.no_grad():
            rm.lerp_(x.mean(axes(x)), 0.1)
            rv.lerp_(x.var(axes(x), correction=0), 0.1)
        return y

    def updated_unbiased(x, w, b, rm, rv, eps):
        """The output is right, and you wrote to rm or rv. In eval mode the running statistics stay
        what they are."""
        y = BnEvalForwardKey.reference(x, w, b, rm.clone(), rv.clone(), eps)
        with torch.no_grad():
            rm.lerp_(x.mean(axes(x)), 0.1)
            rv.lerp_(x.var(axes(x)), 0.1)
        return y

    def updated_first(x, w, b, rm, rv, eps):
        """You mixed a tenth of the batch's statistics into the running ones and normalised by the
        result. In eval mode momentum plays no part: use rm and rv as they are."""
        mean, var = moments(x)
        mean, var = wide(rm, x).lerp(mean, 0.1), wide(rv, x).lerp(var, 0.1)
        return _affine((x - mean) / (var + eps).sqrt(), w, b)

    def batch_but_for_one(x, w, b, rm, rv, eps):
        """You use rm and rv where the batch holds one sample, and otherwise the mean and variance
        of the batch. Eval mode uses rm and rv for batches of every size."""
        if len(x) == 1:
            return BnEvalForwardKey.reference(x, w, b, rm, rv, eps)
        return _affine(normalised(x, eps), w, b)

    def updated_in_place_and_used(x, w, b, rm, rv, eps):
        """You moved rm and rv towards this batch, and normalised by the result. In eval mode the
        running statistics stay what they are: use rm and rv, and write to neither."""
        with torch.no_grad():
            rm.lerp_(x.mean(axes(x)), 0.1)
            rv.lerp_(x.var(axes(x)), 0.1)
        return _by_running(norms.Forward(), x, w, b, rm, rv, eps)

    def updated_biased_and_used(x, w, b, rm, rv, eps):
        """You moved rm and rv towards this batch, and normalised by the result. In eval mode the
        running statistics stay what they are: use rm and rv, and write to neither."""
        with torch.no_grad():
            rm.lerp_(x.mean(axes(x)), 0.1)
            rv.lerp_(x.var(axes(x), correction=0), 0.1)
        return _by_running(norms.Forward(), x, w, b, rm, rv, eps)

    def new_layer(x, w, b, eps):
        """You normalised by a mean of 0 and a variance of 1, which a new layer has. Hand rm and rv
        over: rm is subtracted, and the root of rv + eps divides."""
        return _affine(x / (1 + eps) ** 0.5, w, b)

    def brackets_missing_in_one_line(x, w, b, rm, rv, eps):
        """You divided rm alone and multiplied that by w: quotients and products are computed before
        differences. Put brackets round x - rm."""
        return x - wide(rm, x) / (wide(rv, x) + eps).sqrt() * wide(w, x) + wide(b, x)

    def batch_variance(x, w, b, rm, eps):
        """You took off rm and divided by the spread of the batch. Divide by the root of rv + eps:
        eval mode uses the batch for neither."""
        var = x.var(axes(x), correction=0)
        return _by_running(norms.Forward(), x, w, b, rm, var, eps)

    def batch_mean(x, w, b, rv, eps):
        """You divided by the root of rv + eps, and took off the mean of the batch. Take off rm:
        eval mode uses the batch for neither."""
        return _by_running(norms.Forward(), x, w, b, x.mean(axes(x)), rv, eps)

    def statistics_exchanged(x, w, b, rm, rv, eps):
        """You exchanged rm and rv: rm is the running mean, rv the running variance."""
        return _by_running(norms.Forward(), x, w, b, rv, rm, eps)

    @raises("Expected more than 1 value per channel")
    def training_mode_of_torch(x, w, b, rm, rv, eps):
        """You called batch_norm with training=True, which normalises by the batch and moves rm and
        rv; a single row has no variance, and raises. Pass training=False."""
        return F.batch_norm(x, rm, rv, w, b, True, 0.1, eps)

    @raises("Expected more than 1 value per channel")
    def momentum_zero(x, w, b, rm, rv, eps):
        """You called batch_norm with training=True, and so it normalises by the batch. That rm and
        rv are as they were, as with momentum 0 or with copies of them, changes nothing about it.
        Pass training=False."""
        return F.batch_norm(x, rm, rv, w, b, True, 0.0, eps)

    @raises("division by zero")
    def variance_corrected(x, w, b, rm, rv, eps):
        """You multiplied rv by n / (n - 1). rv holds the unbiased variance already, and in eval
        mode the size of the batch plays no part."""
        n = x.numel() // x.shape[1]
        return _by_running(norms.Forward(), x, w, b, rm, rv * (n / (n - 1)), eps)

    @raises(r"must match the size")
    def not_shaped_for_channels(x, w, b, rm, rv, eps):
        """You used rm, rv, w or b as it is, of shape (C,). Shapes meet from the right, so for an
        image it would meet the width. Give each of them the shape (1, C, 1, 1)."""
        return (x - rm) / (rv + eps).sqrt() * w + b

    @raises(r"only one dimension can be inferred")
    def axes_by_size(x, w, b, rm, rv, eps):
        """You told the axis of the channels by its size, and here others are as large: there are as
        many images and columns as channels. Channels are axis 1."""
        sizes = [-1 if n == len(w) else 1 for n in x.shape]
        w.reshape(sizes)
        return BnEvalForwardKey.reference(x, w, b, rm, rv, eps)

    def first_axis_of_that_size(x, w, b, rm, rv, eps):
        """You took for the channels the first axis that is as large as w. Here there are as many
        images as channels, and that is axis 0. Channels are axis 1."""
        axis = list(x.shape).index(len(w))
        y = BnEvalForwardKey.reference(x.movedim(axis, 1), w, b, rm, rv, eps)
        return y.movedim(1, axis)

    def last_axis_where_it_fits(x, w, b, rm, rv, eps):
        """Where an image has as many columns as channels, rm, rv, w and b met the columns: shapes
        meet from the right. Give each of them the shape (1, C, 1, 1) for every image."""
        axis = -1 if x.shape[-1] == len(w) else 1
        y = BnEvalForwardKey.reference(x.movedim(axis, 1), w, b, rm, rv, eps)
        return y.movedim(1, axis)

    @raises("single memory location|a leaf Variable that requires grad")
    def x_overwritten(x, w, b, rm, rv, eps):
        """You worked in place on x, which belongs to the caller, and an expanded x cannot be
        written to at all. Write x - rm in the place of x -= rm."""
        x.sub_(wide(rm, x))
        return _affine(x / (wide(rv, x) + eps).sqrt(), w, b)

    def shapes_changed(x, w, b, rm, rv, eps):
        """The output is right, and you changed the shape of an argument: unsqueeze_ and its kin,
        with the underscore, work on the caller's tensor. Use view or unsqueeze."""
        y = BnEvalForwardKey.reference(x, w, b, rm, rv, eps)
        for t in (rm, rv, w, b):
            t.unsqueeze_(0)
        return y

    def w_of_0_ignored(x, w, b, rm, rv, eps):
        """You took a w of 0 for one that is not set, and used 1. 0 is a weight as good as any:
        the channel is b."""
        one = torch.where(w == 0, torch.ones_like(w), w)
        return BnEvalForwardKey.reference(x, one, b, rm, rv, eps)

    def result_detached(x, w, b, rm, rv, eps):
        """The values are right, and nothing reaches x, w and b. A layer in eval mode has gradients
        all the same: leave out detach(), .data and no_grad()."""
        return BnEvalForwardKey.reference(x, w, b, rm, rv, eps).detach()

    def w_applied_first(x, w, b, rm, rv, eps):
        """You multiplied x by w and then took off rm. First take off rm and divide, then multiply
        by w and add b."""
        x, one = x * wide(w, x), torch.ones_like(w)
        return _by_running(norms.Forward(), x, one, b, rm, rv, eps)

    families = norms.forward(_by_running, mean="rm", var="rv")
    pairs = (
        *of_formula(
            lambda x, w, b, rm, rv, eps: _by_running(norms.Forward(), x, w, b, rm, rv, eps),
            batch_mean,
            batch_variance,
            statistics_exchanged,
            *families,
        ),
    )
