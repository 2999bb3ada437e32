"""References and mistakes of the exercises on Functions that treat every entry by itself."""

import torch
from torch import Tensor

from grader.trusted.families.functions import (
    NO_GRADIENT,
    around,
    arriving_edited,
    kept_outside,
    misused,
    of_backward,
    pointwise,
    product,
)
from grader.trusted.key import Key, raises


def _exp(x, back=product, saves=("y",), factor=lambda x, y: y, value=torch.exp):
    return pointwise(value, factor, x, back=back, saves=saves)


class MyExpKey(Key, task="my_exp"):
    sentences = NO_GRADIENT

    def reference(x: Tensor) -> Tensor:
        return _exp(x)

    def x_saved(x):
        """You saved x and computed exp a second time in backward. The numbers are right. Save the
        result, which forward has already: then nothing is computed twice."""
        return _exp(x, saves=("x",))

    def copy_saved(x):
        """The numbers are right, and what you saved is a copy of the result, in memory of its own:
        it takes as much once more. Save the result itself, the very tensor that forward returns."""

        class Copied(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                y = torch.exp(x)
                ctx.save_for_backward(y.clone())
                return y

            @staticmethod
            def backward(ctx, arriving):
                return arriving * ctx.saved_tensors[0]

        return Copied.apply(x)

    def both_saved(x):
        """You saved two tensors. The derivative of exp needs the result alone: what else is saved
        stays in memory until the backward pass."""
        return _exp(x, saves=("x", "y"))

    def kept_elsewhere(x):
        """The numbers are right, and nothing went through save_for_backward: you kept a tensor as
        an attribute of ctx. A result kept so lives on, and an edit of it goes unnoticed. Use
        ctx.save_for_backward."""
        return _exp(x, saves=())

    def power_rule(x):
        """You used the rule for powers, x * exp(x - 1). Here x is in the exponent: the derivative
        of exp is exp."""
        return _exp(x, saves=("x",), factor=lambda x, y: x * torch.exp(x - 1))

    def x_as_the_factor(x):
        """You multiplied what arrives by x. What backward needs is exp(x), the result of
        forward: save that."""
        return _exp(x, saves=("x",), factor=lambda x, y: x)

    def exp_twice(x):
        """You applied exp to the result that you had saved. It is exp(x) already."""
        return _exp(x, factor=lambda x, y: y.exp())

    def saved_result_edited(x):
        """backward wrote into the saved result, with an operation such as mul_. That is the tensor
        which my_exp returned: its numbers are others now. Return a new tensor."""
        return _exp(x, back=lambda arriving, factor: factor.mul_(arriving))

    families = (
        *of_backward(_exp),
        *arriving_edited(_exp),
        *around(_exp, torch.exp, 0),
        *misused(torch.exp),
        *kept_outside(torch.exp, lambda needed, arriving, x: arriving * x.exp()),
    )


def _relu(x, back=product, factor=lambda x, y: (x > 0).to(x), value=lambda x: x.clamp(min=0)):
    return pointwise(value, factor, x, back=back, saves=("x",))


class ReluAtZeroKey(Key, task="relu_at_zero"):
    sentences = NO_GRADIENT

    def reference(x: Tensor) -> Tensor:
        return _relu(x)

    def one_at_zero(x):
        """At x = 0 your gradient is what arrives. torch takes 0 there: compare with x > 0, and not
        with x >= 0."""
        return _relu(x, factor=lambda x, y: (x >= 0).to(x))

    def half_at_zero(x):
        """At x = 0 your gradient is half of what arrives. torch takes 0 there."""
        return _relu(x, factor=lambda x, y: (x > 0).to(x) + 0.5 * (x == 0).to(x))

    def inverted(x):
        """Your mask is the wrong way round: what arrives goes on where x is negative. It has to go
        on where x is positive."""
        return _relu(x, factor=lambda x, y: (x < 0).to(x))

    def inverted_with_zero(x):
        """Your mask is the wrong way round: what arrives goes on where x is not positive. Keep the
        places where x > 0, and set the others to 0."""
        return _relu(x, factor=lambda x, y: (x <= 0).to(x))

    def result_below_zero(x):
        """Your gradient is 0 everywhere: you asked where the result is negative, which it never is.
        What arrives goes on where the result is greater than 0."""
        return _relu(x, factor=lambda x, y: torch.zeros_like(x))

    def asked_what_arrives(x):
        """You let go on what arrives where it is positive, and asked it and not x. The mask belongs
        to x: where x > 0, negative gradients go on as well."""
        return _relu(x, back=lambda arriving, factor: arriving.clamp(min=0))

    def asked_both(x):
        """You set negative gradients to 0 besides those where x is not positive. Where x > 0
        whatever arrives goes on, of either sign."""
        return _relu(x, back=lambda arriving, factor: arriving.clamp(min=0) * factor)

    def x_times_arriving(x):
        """You multiplied what arrives by the result. The derivative is 1 where x is positive, and
        not x: turn the comparison into a mask."""
        return _relu(x, factor=lambda x, y: y)

    def x_itself_times_arriving(x):
        """You multiplied what arrives by x. The derivative is 1 where x is positive and 0
        elsewhere: turn the comparison x > 0 into a mask."""
        return _relu(x, factor=lambda x, y: x)

    def by_clamp(x):
        """No Function of yours made the result, and its gradient at x = 0 is what arrives: so it is
        with clamp(min=0), which counts the bound as inside, and with a mask of x >= 0. Write
        forward and backward yourself."""
        return x.clamp(min=0)

    def by_half_of_the_sum(x):
        """No Function of yours made the result, and its gradient at x = 0 is half of what arrives:
        so it is with (x + |x|) / 2, and with torch.maximum, which shares where both are equal.
        Write forward and backward yourself."""
        return (x + x.abs()) / 2

    def leaky(x):
        """Your gradient has a part of what arrives where x is negative, as a leaky ReLU has. Here
        it is 0 there."""
        return _relu(x, factor=lambda x, y: torch.where(x > 0, 1.0, 0.01).to(x))

    def absolute_value(x):
        """Your result is the absolute value of x, and its gradient. ReLU is 0 where x is
        negative."""
        return _relu(x, factor=lambda x, y: x.sign(), value=torch.abs)

    def absolute_value_alone(x):
        """Your result is the absolute value of x, and its gradient is right, that of ReLU. The
        result is 0 where x is negative."""
        return _relu(x, value=torch.abs)

    def saved_edited(x):
        """backward wrote into x, which it had saved, with an operation such as clamp_. x belongs to
        others: compute a new tensor."""
        return _relu(x, factor=lambda x, y: x.clamp_(0, 1).ceil())

    def mask_returned(x):
        """Your result is 1 where x is positive: that is the mask. ReLU is x there."""
        return _relu(x, value=lambda x: (x > 0).to(x))

    families = (
        *of_backward(_relu),
        *arriving_edited(_relu),
        *around(_relu, torch.relu, 0),
        *misused(torch.relu),
        *kept_outside(torch.relu, lambda needed, arriving, x: arriving * (x > 0)),
    )


def _clamp(
    x, lo, hi, back=product, factor=lambda x, y, lo, hi: torch.ones_like(x), value=torch.clamp
):
    return pointwise(value, factor, x, lo, hi, back=back, saves=())


def _is_inside(x, lo, hi):
    return ((x >= lo) & (x <= hi)).to(x)


def _lower_first(x, lo, hi):
    return torch.where(x < lo, lo, torch.where(x > hi, hi, x))


def _upper_first(x, lo, hi):
    return torch.where(x > hi, hi, torch.where(x < lo, lo, x))


class _TooFew(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, lo, hi):
        return x.clamp(lo, hi)

    @staticmethod
    def backward(ctx, arriving):
        return arriving


class _ForBounds(_TooFew):
    @staticmethod
    def backward(ctx, arriving):
        return arriving, arriving.sum(), arriving.sum()


class ClampSteKey(Key, task="clamp_ste"):
    def reference(x: Tensor, lo: float, hi: float) -> Tensor:
        return _clamp(x, lo, hi)

    def stopped_outside(x, lo, hi):
        """Outside of the bounds your gradient is 0: that is what torch.clamp sends back. Here
        what arrives goes to x unchanged, everywhere."""
        return x.clamp(lo, hi)

    def stopped_on_the_bounds(x, lo, hi):
        """Outside of the bounds, and on them, your gradient is 0. What arrives should go to x
        unchanged, everywhere."""
        return _clamp(x, lo, hi, factor=lambda x, y, lo, hi: ((x > lo) & (x < hi)).to(x))

    def not_clamped(x, lo, hi):
        """Your result is x as it was. The value is to be clamped; the gradient alone is that of
        the identity."""
        return _clamp(x, lo, hi, value=lambda x, lo, hi: x.clone())

    @raises("incorrect number of gradients")
    def one_gradient(x, lo, hi):
        """backward has to return one value for every argument of forward: the gradient of x, and
        None for lo and for hi, as a tuple. A list counts as one value."""
        return _TooFew.apply(x, lo, hi)

    @raises("gradient different than None")
    def gradients_for_the_bounds(x, lo, hi):
        """backward returned a gradient for a bound. lo and hi are numbers and no tensors: return
        None in their places."""
        return _ForBounds.apply(x, lo, hi)

    def by_detach(x, lo, hi):
        """x + (clamped - x).detach() is right for ordinary numbers. Where x is inf, it computes
        inf - inf, which is nan. A Function gives the clamped value itself."""
        return x + (x.clamp(lo, hi) - x).detach()

    def lower_bound_last(x, lo, hi):
        """Where lo is above hi, your result is lo. torch's clamp takes the upper bound last, and
        gives hi: x.clamp(lo, hi)."""
        return _clamp(x, lo, hi, value=lambda x, lo, hi: x.clamp(max=hi).clamp(min=lo))

    def lower_bound_asked_first(x, lo, hi):
        """Where lo is above hi, your result is lo for every x below lo, because you asked for the
        lower bound first. torch's clamp gives hi everywhere then: x.clamp(lo, hi)."""
        return _clamp(x, lo, hi, value=_lower_first)

    def upper_bound_asked_first(x, lo, hi):
        """Where lo is above hi, your result is lo for an x that is not above hi: you asked for the
        upper bound first, and for the lower one of the others. torch's clamp gives hi everywhere
        then: x.clamp(lo, hi)."""
        return _clamp(x, lo, hi, value=_upper_first)

    def bounds_sorted(x, lo, hi):
        """Where lo is above hi, you exchanged the two. torch's clamp does not: it gives hi
        everywhere."""
        return _clamp(x, lo, hi, value=lambda x, lo, hi: x.clamp(min(lo, hi), max(lo, hi)))

    def bounds_exchanged(x, lo, hi):
        """You gave clamp its bounds in the wrong order: the lower one comes first."""
        return _clamp(x, lo, hi, value=lambda x, lo, hi: x.clamp(hi, lo))

    def lower_bound_alone(x, lo, hi):
        """Your result is not bounded above: clamp to hi as well."""
        return _clamp(x, lo, hi, value=lambda x, lo, hi: x.clamp(min=lo))

    def upper_bound_alone(x, lo, hi):
        """Your result is not bounded below: clamp to lo as well."""
        return _clamp(x, lo, hi, value=lambda x, lo, hi: x.clamp(max=hi))

    def clamped_gradient(x, lo, hi):
        """You clamped what arrives as well. It goes to x unchanged, however large it is."""
        return _clamp(x, lo, hi, back=lambda arriving, factor: arriving.clamp(-1, 1))

    def arriving_clamped_to_the_bounds(x, lo, hi):
        """You clamped what arrives to lo and hi. The bounds are for x: what arrives goes on
        unchanged."""
        return _clamp(x, lo, hi, back=lambda arriving, factor: arriving.clamp(lo, hi))

    def zero_everywhere(x, lo, hi):
        """Your gradient is 0 everywhere. What arrives at the result goes to x unchanged."""
        return _clamp(x, lo, hi, factor=lambda x, y, lo, hi: torch.zeros_like(x))

    families = (
        *of_backward(_clamp, "arriving_passed_on", "derivative_alone", "added_not_multiplied"),
        *around(_clamp, None, 0),
    )

    def ones_sent_back(x, lo, hi):
        """backward returned ones. The derivative that you pretend is 1; times what arrives it is
        what arrives itself."""
        return _clamp(x, lo, hi, back=lambda arriving, factor: torch.ones_like(arriving))
