"""References and mistakes of the exercises that edit in place."""

import torch
from torch import Tensor

from grader.trusted.key import Key, raises


class InplaceReluSafeKey(Key, task="inplace_relu_safe"):
    def reference(x: Tensor) -> Tensor:
        return torch.expm1((2 * x).clamp_min(0))

    @raises(r"leaf Variable that requires grad|more than one element of the written-to")
    def argument_edited(x):
        """You edited x itself. It belongs to the caller, autograd forbids it for a leaf that
        requires grad, and in an expanded tensor many entries are one number in memory. Let the
        first operation make a new tensor."""
        return x.mul_(2).relu_().exp() - 1

    @raises(r"modified by an inplace operation.*output 0 of Relu")
    def relu_overwritten(x):
        """You overwrote the result of relu. relu saves it, to know where the gradient passes. Call
        exp(), without the underscore."""
        return (2 * x).relu_().exp_() - 1

    @raises(r"modified by an inplace operation.*output 0 of Exp")
    def exp_overwritten(x):
        """You overwrote the result of exp. exp saves it, because it is its own derivative: subtract
        1 out of place. Inside no_grad() the edit is counted all the same."""
        return (2 * x).relu_().exp().sub_(1)

    def hidden_by_data(x):
        """The values are right, and the gradient is silently wrong. You subtracted 1 through .data,
        which autograd cannot see: it multiplies by exp - 1 in place of exp."""
        y = (2 * x).relu_().exp()
        y.data.sub_(1)
        return y

    def relu_hidden_by_data(x):
        """The values are right, and the gradient is silently wrong. You wrote exp over the result
        of relu through .data, which autograd cannot see: the pass finds other numbers than relu
        saved, and exp was not recorded at all."""
        y = (2 * x).relu_()
        y.data.exp_()
        return y - 1

    def no_history(x):
        """The values are right, and nothing was recorded: no gradient reaches x. no_grad() and
        detach() remove the error, and the graph with it."""
        return InplaceReluSafeKey.reference(x.detach())

    def relu_missing(x):
        """You left out relu: for negative x your y is negative, where it should be 0."""
        return (2 * x).exp() - 1

    def not_doubled(x):
        """You left out the factor 2."""
        return x.relu().exp() - 1

    def one_not_subtracted(x):
        """You left out the - 1."""
        return (2 * x).relu().exp()


def _by_hand(x: Tensor, w: Tensor, idx: Tensor, k: int) -> Tensor:
    grad = torch.zeros_like(x).index_add(0, idx, w[idx])
    grad[:k] = 0
    return grad


class ViewGradKey(Key, task="view_grad"):
    def reference(x: Tensor, w: Tensor, idx: Tensor, k: int) -> Tensor:
        x = x.detach().requires_grad_()
        kept = torch.cat([x.new_zeros(k), x[k:]])
        (grad,) = torch.autograd.grad((w * kept)[idx].sum(), x)
        return grad

    def overwritten_counted(x, w, idx):
        """Entries that were overwritten have a gradient of yours. Their old values no longer reach
        y. Either you took the gradient of c, or the edit was hidden from autograd, by .data,
        detach() or no_grad()."""
        return _by_hand(x, w, idx, 0)

    def repeats_counted_once(x, w, idx, k):
        """A position that stands in idx several times was counted once. grad[idx] = ... and
        grad[idx] += ... write each entry one time; index_add_ adds them all up."""
        return _by_hand(x, w, idx.unique(), k)

    def weights_forgotten(x, w, idx, k):
        """You counted how often each position is picked. Each pick is weighted by w."""
        return _by_hand(x, torch.ones_like(w), idx, k)

    @raises(r"leaf Variable that requires grad is being used in an in-place operation")
    def clone_missing(x, w, idx, k):
        """You wrote into x after it was made to require grad, which autograd forbids for a leaf and
        for a view of one. Clone it first and write into the clone."""
        x = x.detach().clone().requires_grad_()
        x[:k] = 0
        (w * x)[idx].sum().backward()
        assert x.grad is not None
        return x.grad

    def argument_overwritten(x, w, idx, k):
        """You wrote the zeros into x itself: the caller's values are lost, and the gradient is that
        of the new x, overwritten entries included. Write into a clone that is recorded."""
        x[:k] = 0
        return _by_hand(x, w, idx, 0)

    def one_entry_per_pick(w, idx, k):
        """Your answer has one entry for each pick, the shape of idx. Add the entries up at the
        positions they belong to: the gradient has the shape of x."""
        return torch.where(idx < k, torch.zeros_like(w[idx]), w[idx])
