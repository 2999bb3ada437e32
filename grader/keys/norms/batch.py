"""References and mistakes of the forward passes of batch normalization, in both modes."""

import torch.nn.functional as F
from torch import Tensor

from grader.trusted.key import Key


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


class BnTrainForwardKey(Key, task="bn_train_forward"):
    def reference(
        x: Tensor, w: Tensor, b: Tensor, rm: Tensor, rv: Tensor, momentum: float, eps: float
    ) -> Tensor:
        return F.batch_norm(x, rm, rv, w, b, True, momentum, eps)

    def unbiased_in_output(x, w, b, rm, rv, momentum, eps):
        """You divided by the root of the unbiased variance, the one over n - 1. The output uses
        the variance over n: x.var(..., correction=0). Only rv takes in the unbiased one."""
        _track(x, rm, rv, momentum)
        return _affine(normalised(x, eps, correction=1), w, b)

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

    def old_value_kept_whole(x, w, b, rm, rv, momentum, eps):
        """The output is right. You added momentum times the new value to the whole of the old one,
        so rm and rv would grow with every batch. Multiply the old value by 1 - momentum."""
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
        """The output is right, and rm and rv are what they were. A line such as rm = ... gives the
        name rm to a new tensor; the caller's one stays. Write into it: rm.mul_(...).add_(...), or
        rm.copy_(...)."""
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

    def running_statistics_used(x, w, b, rm, rv, momentum, eps):
        """You updated rm and rv correctly, and then normalised with them. In training the output
        uses the statistics of this batch alone; the running ones are for eval mode."""
        _track(x, rm, rv, momentum)
        mean, var = wide(rm.clone(), x), wide(rv.clone(), x)
        return _affine((x - mean) / (var + eps).sqrt(), w, b)

    def divided_by_variance(x, w, b, rm, rv, momentum, eps):
        """You divided by the variance plus eps. Divide by its square root."""
        _track(x, rm, rv, momentum)
        mean, var = moments(x)
        return _affine((x - mean) / (var + eps), w, b)

    def eps_outside_the_root(x, w, b, rm, rv, momentum, eps):
        """You added eps to the standard deviation. It belongs under the root: sqrt(var + eps)."""
        _track(x, rm, rv, momentum)
        mean, var = moments(x)
        return _affine((x - mean) / (var.sqrt() + eps), w, b)

    def std_plus_eps(x, w, b, rm, rv, momentum, eps):
        """You divided by x.std(...) + eps. Two things differ: std() divides by n - 1 unless you
        pass correction=0, and eps belongs under the root: sqrt(var + eps)."""
        _track(x, rm, rv, momentum)
        mean, var = moments(x, 1)
        return _affine((x - mean) / (var.sqrt() + eps), w, b)

    def eps_missing(x, w, b, rm, rv, momentum):
        """You left out eps. It is added to the variance under the root, so that a channel whose
        values are all equal does not give 0 / 0."""
        _track(x, rm, rv, momentum)
        return _affine(normalised(x, 0.0), w, b)

    def affine_forgotten(x, rm, rv, momentum, eps):
        """You returned the normalised values without w and b: multiply by w and add b, channel by
        channel."""
        _track(x, rm, rv, momentum)
        return normalised(x, eps)

    def x_overwritten(x, w, b, rm, rv, momentum, eps):
        """The output is right, and x is no longer what it was: an operation in place, such as x -=
        mean, worked on the caller's tensor. Compute x - mean instead."""
        _track(x, rm, rv, momentum)
        mean, var = (t.detach() for t in moments(x))
        x.sub_(mean)
        return _affine(x / (var + eps).sqrt(), w, b)


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
        rm.lerp_(x.mean(axes(x)), 0.1)
        rv.lerp_(x.var(axes(x), correction=0), 0.1)
        return y

    def updated_first(x, w, b, rm, rv, eps):
        """You mixed a tenth of the batch's statistics into the running ones and normalised by the
        result. In eval mode momentum plays no part: use rm and rv as they are."""
        mean, var = moments(x)
        mean, var = wide(rm, x).lerp(mean, 0.1), wide(rv, x).lerp(var, 0.1)
        return _affine((x - mean) / (var + eps).sqrt(), w, b)

    def divided_by_variance(x, w, b, rm, rv, eps):
        """You divided by rv plus eps. rv is a variance: divide by its square root."""
        return _affine((x - wide(rm, x)) / (wide(rv, x) + eps), w, b)

    def eps_outside_the_root(x, w, b, rm, rv, eps):
        """You added eps to the root of rv. It belongs under the root: sqrt(rv + eps)."""
        return _affine((x - wide(rm, x)) / (wide(rv, x).sqrt() + eps), w, b)

    def eps_missing(x, w, b, rm, rv):
        """You left out eps: divide by sqrt(rv + eps). It counts where a running variance is
        small."""
        return _affine((x - wide(rm, x)) / wide(rv, x).sqrt(), w, b)

    def mean_not_subtracted(x, w, b, rv, eps):
        """You did not take the running mean off: subtract rm before you divide."""
        return _affine(x / (wide(rv, x) + eps).sqrt(), w, b)

    def affine_forgotten(x, rm, rv, eps):
        """You returned the normalised values without w and b: multiply by w and add b, channel by
        channel."""
        return (x - wide(rm, x)) / (wide(rv, x) + eps).sqrt()

    def bias_scaled(x, w, b, rm, rv, eps):
        """You added b before you multiplied by w. First times w, then plus b."""
        return ((x - wide(rm, x)) / (wide(rv, x) + eps).sqrt() + wide(b, x)) * wide(w, x)
