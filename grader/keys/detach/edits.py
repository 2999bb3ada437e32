"""References and mistakes of the exercises that edit in place."""

import torch
from torch import Tensor
from torch.nn import functional as F

from grader.trusted.families.activations import kin_of_relu
from grader.trusted.families.pairs import formula, of_formula
from grader.trusted.key import Key, raises


@formula
def _relu_exp(x, *, scale=2, cut=torch.relu, function=torch.exp, less=1):
    """function(cut(scale * x)) - less: right as it stands."""
    return function(cut(scale * x)) - less


class InplaceReluSafeKey(Key, task="inplace_relu_safe"):
    families = _kin = kin_of_relu(_relu_exp)

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
        """You overwrote the result of relu. relu saves it, to know where the gradient passes. Let
        what follows make a new tensor: exp() or expm1() without the underscore, and outside of
        no_grad(), for in there an edit is counted all the same, and exp is not recorded."""
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
        """The values are right, and the gradient is silently wrong: it is that of 2 * x. relu and
        exp are missing in it, because autograd did not record exp, or both: what is computed behind
        .data or detach() or inside no_grad() has no part in the gradient. Let every operation be
        recorded."""
        y = (2 * x).relu_()
        y.data.exp_()
        return y - 1

    def relu_not_recorded(x):
        """The values are right, and the gradient is not 0 where x is negative: relu has no part in
        it. Either autograd did not record relu, as where it is written in place through .data, or
        computed behind detach() or inside no_grad(): let it be recorded. Or a backward that you
        wrote leaves it out: multiply by 0 where x is negative."""
        y = 2 * x
        y.data.relu_()
        return y.exp() - 1

    def no_history(x):
        """The values are right, and nothing was recorded: no gradient reaches x. no_grad() and
        detach() remove the error, and the graph with it."""
        return InplaceReluSafeKey.reference(x.detach())

    def flag_set_afterwards(x):
        """Your result requires grad, and no gradient reaches x: its history begins at a new leaf.
        requires_grad_() makes one of a result without history, and of x.detach(). Let
        every operation be recorded, from x on."""
        return InplaceReluSafeKey.reference(x.detach()).requires_grad_()

    def relu_missing(x):
        """Where x is negative, 2 * x goes into exp as it is, and not as 0. relu is missing, or
        stands after exp, where nothing is negative: apply it to 2 * x, before exp."""
        return _relu_exp(x, cut=torch.Tensor.clone)

    def cut_from_above(x):
        """You kept the negative part: clamp(max=0) and min cut off what lies above 0. relu cuts off
        what lies below: clamp(min=0)."""
        return _relu_exp(x, cut=lambda y: y.clamp(max=0))

    def absolute_values(x):
        """You took absolute values. relu sets negative numbers to 0."""
        return _relu_exp(x, cut=torch.abs)

    def one_added(x):
        """You added 1. y is exp(relu(2 * x)) - 1."""
        return _relu_exp(x, less=-1)

    def exp_missing(x):
        """You left out exp."""
        return _relu_exp(x, function=torch.Tensor.clone)

    def elu_of_all(x):
        """You took elu of 2 * x, which is exp - 1 where that is negative, and hands the rest on.
        Asked for is exp - 1 of the positive ones, and 0 for the rest."""
        return F.elu(2 * x)

    def squared(x):
        """You squared x. The first operation is 2 * x."""
        return (x**2).relu().exp() - 1

    def one_taken_off_inside(x):
        """You took 1 off before exp. It comes off the result: exp(relu(2 * x)) - 1."""
        return _relu_exp(x, function=lambda y: (y - 1).exp(), less=0)

    def x_overwritten_by_hand(x):
        """Your y is right, and x holds other values now: you wrote through memory that it shares,
        such as x.data or x.detach(). Let the first operation make a new tensor."""
        y = InplaceReluSafeKey.reference(x)
        x.data.mul_(2)
        return y

    def doubled_at_the_end(x):
        """You multiplied the result by 2. The factor stands inside: exp(relu(2 * x)) - 1."""
        return 2 * _relu_exp(x, scale=1)

    def exp_doubled(x):
        """You multiplied exp(relu(x)) by 2. The factor stands inside: exp(relu(2 * x)) - 1."""
        return 2 * _relu_exp(x, scale=1, less=0) - 1

    def not_doubled(x):
        """You left out the factor 2."""
        return _relu_exp(x, scale=1)

    def one_not_subtracted(x):
        """You left out the - 1."""
        return _relu_exp(x, less=0)

    pairs = (
        *of_formula(
            lambda x: _relu_exp(x),
            relu_missing,
            cut_from_above,
            absolute_values,
            one_added,
            one_taken_off_inside,
            not_doubled,
            one_not_subtracted,
            exp_missing,
            *_kin,
        ),
    )


@formula
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
        """Entries that were overwritten have a gradient of yours, and their old values no longer
        reach y: set the first k entries of the gradient to 0. With autograd, differentiate with
        respect to x, and let the edit of its clone be recorded, without .data, detach() or
        no_grad()."""
        return _by_hand(x, w, idx, 0)

    def first_picks_left_out(x, w, idx, k):
        """You left out the first k picks of idx. What is overwritten are the entries 0 to k - 1 of
        c: a pick of one of them counts nothing, wherever it stands in idx."""
        return _by_hand(x, w, idx[k:], 0)

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

    def counts_without_length(x, w, idx, k):
        """Your gradient may be shorter than x: bincount ends at the largest position in idx. Pass
        minlength=len(x)."""
        count = torch.bincount(idx).to(x.dtype)
        grad = w[: len(count)] * count
        grad[:k] = 0
        return grad

    def bincount_without_length(x, w, idx, k):
        """Your gradient may be shorter than x: bincount ends at the largest position in idx. Pass
        minlength=len(x)."""
        grad = torch.bincount(idx, weights=w[idx])
        grad[:k] = 0
        return grad

    def last_k_overwritten(x, w, idx, k):
        """You took the last k entries for those that are overwritten. The first k are: c[:k]."""
        grad = _by_hand(x, w, idx, 0)
        grad[-k:] = 0
        return grad

    def entry_k_overwritten(x, w, idx, k):
        """You set entry k alone to 0, and took k for a position. It is a count: c[:k]."""
        grad = _by_hand(x, w, idx, 0)
        grad[k] = 0
        return grad

    def one_too_many(x, w, idx, k):
        """You set k + 1 entries to 0. c[:k] are the entries 0 to k - 1."""
        grad = _by_hand(x, w, idx, 0)
        grad[: k + 1] = 0
        return grad

    def others_overwritten(x, w, idx, k):
        """You kept the gradient of the first k entries, and set the others to 0. It is the first k
        that are overwritten."""
        grad = _by_hand(x, w, idx, 0)
        grad[k:] = 0
        return grad

    def times_x(x, w, idx, k):
        """You multiplied by x. Those are the terms of y; the derivative of w * c with respect to c
        is w."""
        return _by_hand(x, w * x, idx, k)

    def x_for_w(x, w, idx, k):
        """Your gradient holds entries of x: it is dy/dw. dy/dx has the entries of w in their
        place."""
        return _by_hand(x, x, idx, k)

    def every_position_picked(x, w, idx, k):
        """You counted every position once, whatever idx holds. Only the positions in idx reach y,
        each as often as it stands there."""
        return _by_hand(x, w, torch.arange(len(x)), k)

    def one_number(x, w, idx, k):
        """You returned one number. dy/dx has one entry for each entry of x."""
        return _by_hand(x, w, idx, k).sum()

    def averaged(x, w, idx, k):
        """You divided by the number of picks. y is the sum, so nothing is divided."""
        return _by_hand(x, w, idx, k) / max(len(idx), 1)

    def one_entry_per_pick(w, idx, k):
        """Your answer has one entry for each pick, the shape of idx. Add the entries up at the
        positions they belong to: the gradient has the shape of x."""
        return torch.where(idx < k, torch.zeros_like(w[idx]), w[idx])

    pairs = (
        *of_formula(
            lambda x, w, idx, k: _by_hand(x, w, idx, k),
            overwritten_counted,
            repeats_counted_once,
            weights_forgotten,
            last_k_overwritten,
            one_too_many,
            others_overwritten,
            times_x,
            x_for_w,
            averaged,
        ),
    )
