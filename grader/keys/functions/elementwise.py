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
from grader.trusted.key import Key


def _exp(x, back=product, saves=("y",), factor=lambda x, y: y, value=torch.exp):
    return pointwise(value, factor, x, back=back, saves=saves)


class MyExpKey(Key, task="my_exp"):
    sentences = NO_GRADIENT

    def reference(x: Tensor) -> Tensor:
        return _exp(x)

    def x_saved(x):
        """The numbers are right, and what you saved is x. Save the result, which forward has
        already: the derivative of exp is exp itself, and from x it has to be computed a second
        time."""
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
        """The numbers are right, and nothing went through save_for_backward: you kept what backward
        needs elsewhere, as an attribute of ctx for one. A tensor kept so lives on, and an edit of
        it goes unnoticed. Use ctx.save_for_backward."""
        return _exp(x, saves=())

    def saved_and_not_used(x):
        """The numbers are right and you saved the result, and backward computes from another
        tensor, or from another one as well: it is kept as an attribute of ctx, or outside of it.
        It takes memory besides, and an edit of it may go unnoticed. Compute from what
        ctx.saved_tensors gives alone."""
        return _exp(x, factor=lambda x, y: x.exp())

    def power_rule(x):
        """You used the rule for powers, x * exp(x - 1). Here x is in the exponent: the derivative
        of exp is exp."""
        return _exp(x, saves=("x",), factor=lambda x, y: x * torch.exp(x - 1))

    def times_x(x):
        """You multiplied by x as well: your derivative is x * exp(x). That of exp is exp alone."""
        return _exp(x, saves=("y",), factor=lambda x, y: x * y)

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
        """Your gradient is 0 everywhere, as where you ask whether the result is negative, which it
        never is. What arrives goes on where the result is greater than 0."""
        return _relu(x, factor=lambda x, y: torch.zeros_like(x))

    def asked_what_arrives(x):
        """You let go on what arrives where it is positive, and asked it and not x. The mask belongs
        to x: where x > 0, negative gradients go on as well."""
        return _relu(x, back=lambda arriving, factor: arriving.clamp(min=0))

    def asked_both(x):
        """You set negative gradients to 0 besides those where x is not positive. Where x > 0
        whatever arrives goes on, of either sign."""
        return _relu(x, back=lambda arriving, factor: arriving.clamp(min=0) * factor)

    def saved_made_into_the_gradient(x):
        """backward wrote into what forward had saved until it held the gradient: that is the
        caller's own tensor, and the next pass needs it as it was. Compute a new tensor."""
        return pointwise(
            lambda x: x.clamp(min=0),
            lambda x, y: y.detach(),
            x,
            back=lambda arriving, y: y.sign_().mul_(arriving),
        )

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

    def small_ones_left_out(x):
        """Where x is positive and very small, your gradient is 0. Every positive x lets through
        what arrives: compare with 0 itself."""
        return _relu(x, factor=lambda x, y: (x > 1e-8).to(x))

    def small_results_left_out(x):
        """Where x is positive and very small, your result is 0. ReLU is x there, however small it
        is: compare with 0 itself."""
        return _relu(x, value=lambda x: torch.where(x > 1e-8, x, 0))

    def small_ones_taken_for_zero(x):
        """Where x is positive and very small, your result and your gradient are 0. Every positive x
        is the result, and lets through what arrives: compare with 0 itself."""
        return _relu(
            x, value=lambda x: torch.where(x > 1e-8, x, 0), factor=lambda x, y: (x > 1e-8).to(x)
        )

    def divided_by_its_size(x):
        """Your gradient is nan where x is inf, and far too small where x is very small: so it is
        where the mask is a quotient, such as y / (|x| + 1e-12). inf / inf is nan, and a small x
        vanishes beside what is added. Compare with 0: x > 0."""
        return _relu(x, factor=lambda x, y: x.clamp(min=0) / (x.abs() + 1e-12))

    def computed_with_infinity(x):
        """Where x is -inf your result is nan: -inf times 0, as with a mask, is nan, and so is
        -inf + inf, as in (x + |x|) / 2. It is to be 0: clamp(min=0), or where, chooses."""
        return _relu(x, value=lambda x: x * (x > 0))

    def result_up_to_1(x):
        """Where x is between 0 and 1 you multiplied what arrives by x: your factor is the result,
        cut off at 1. Every positive x lets through what arrives: the factor is 1 where x > 0."""
        return _relu(x, factor=lambda x, y: y.clamp(max=1))

    def as_relu6(x):
        """Your result is at most 6, and its gradient is 0 above: that is ReLU6. ReLU has no upper
        bound."""
        return _relu(
            x, value=lambda x: x.clamp(0, 6), factor=lambda x, y: ((x > 0) & (x < 6)).to(x)
        )

    def result_up_to_6(x):
        """Your result is at most 6. ReLU has no upper bound: where x is positive it is x."""
        return _relu(x, value=lambda x: x.clamp(0, 6))

    def stopped_at_infinity(x):
        """Where x is inf your gradient is 0. Every positive x lets through what arrives, inf as
        well."""
        return _relu(x, factor=lambda x, y: ((x > 0) & x.isfinite()).to(x))

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
        """backward wrote into x, which was kept for it, with an operation such as clamp_. x belongs
        to others: compute a new tensor."""
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
