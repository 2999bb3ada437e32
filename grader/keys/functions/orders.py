"""Reference and mistakes of the exercise on a Function that is differentiated more than once."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.autograd import Function

from grader.trusted.families.functions import applied, around, misused
from grader.trusted.key import Key, raises

Backward = Callable[[Tensor, Tensor], Tensor | None]
Step = Callable[[Tensor], Tensor]


def _right(x: Tensor, arriving: Tensor) -> Tensor:
    return arriving * 3 * x**2


def _cube(x, back=_right, value=lambda x: x**3):
    return applied(value, lambda needed, arriving, x: back(x, arriving), x)


def _unrecorded(x: Tensor, arriving: Tensor) -> Tensor:
    with torch.no_grad():
        return _right(x, arriving)


def _as_it_is(t: Tensor) -> Tensor:
    return t


def _cut(t: Tensor) -> Tensor:
    return t.detach()


def _once_more(
    x: Tensor,
    arriving: Tensor,
    x_of_second: Step = _as_it_is,
    first_of_second: Step = _as_it_is,
    x_of_slope: Step = _as_it_is,
    then: Step = _as_it_is,
) -> Tensor:
    """The right gradient by a second Function, in whose backward some tensors are constants: x and
    what arrived first in its derivative by x, x in that by what arrived, and what arrives then."""

    class Once(Function):
        @staticmethod
        def forward(ctx, x, v):
            ctx.save_for_backward(x, v)
            return _right(x, v)

        @staticmethod
        def backward(ctx, arriving):
            x, v = ctx.saved_tensors
            u = then(arriving)
            by_x = u * first_of_second(v) * 6 * x_of_second(x)
            return by_x, u * 3 * x_of_slope(x) ** 2

    return Once.apply(x, arriving)


def _some_constant(**cut: Step) -> Backward:
    return lambda x, arriving: _once_more(x, arriving, **cut)


_ALL_SAVED = {"x_of_second": _cut, "first_of_second": _cut, "x_of_slope": _cut}


class DoubleBackwardKey(Key, task="double_backward"):
    def reference(x: Tensor) -> Tensor:
        return _cube(x)

    def constant_slope(x):
        """The gradient is right, and as a function of x it is a constant: you saved what forward
        computed from x, or detached x in backward. forward runs with recording off, so 3 * x ** 2
        that is computed there has no history. Save x, and compute in backward."""
        return _cube(x, back=lambda x, arriving: _right(x.detach(), arriving))

    def half_constant(x):
        """The gradient is right, and its derivative by x is half of the right one: one of the two
        factors x of 3 * x * x is a constant. It was computed in forward, or detached."""
        return _cube(x, back=lambda x, arriving: arriving * 3 * x * x.detach())

    def recording_off_in_backward(x):
        """The gradient is right and cannot be differentiated: nothing was recorded in backward, or
        the result was detached, or backward is marked with @once_differentiable. Leave these out:
        torch records in backward where create_graph=True asks for it."""
        return _cube(x, back=_unrecorded)

    def arriving_detached(x):
        """The derivative by what arrives is missing: it is detached in your backward, or a second
        Function returns None for it. The gradient depends on it as well. Multiply by grad_output as
        it is, and let its own derivative through."""
        return _cube(x, back=lambda x, arriving: _right(x, arriving.detach()))

    def x_on_ctx(x):
        """All derivatives are right, and x is kept as an attribute of ctx, or outside of it: after
        an edit in place the gradient is wrong, and nothing is said. Use ctx.save_for_backward."""

        class OnCtx(Function):
            @staticmethod
            def forward(ctx, x):
                ctx.x = x
                return x**3

            @staticmethod
            def backward(ctx, arriving):
                return _right(ctx.x, arriving)

        return OnCtx.apply(x)

    def x_on_ctx_of_the_second(x):
        """All derivatives are right, and a second Function keeps x as an attribute of ctx, or
        outside of it: after an edit of x in place the second derivative is wrong, and nothing is
        said. Use ctx.save_for_backward there too."""

        class Once(Function):
            @staticmethod
            def forward(ctx, x, v):
                ctx.x, ctx.v = x, v
                return _right(x, v)

            @staticmethod
            def backward(ctx, arriving):
                return arriving * ctx.v * 6 * ctx.x, arriving * 3 * ctx.x**2

        return _cube(x, back=lambda x, arriving: Once.apply(x, arriving))

    @raises("a leaf Variable that requires grad")
    def arriving_edited(x):
        """backward wrote into grad_output, with an operation such as mul_. The tensor that arrives
        belongs to others, and here it requires grad itself: compute a new tensor."""
        return _cube(x, back=lambda x, arriving: arriving.mul_(3 * x**2))

    def arriving_edited_unseen(x):
        """The gradient is right, and what arrived in backward has other numbers after the pass: you
        wrote into it where torch does not look, through .data or under no_grad. It belongs to
        others: compute a new tensor."""

        def back(x, arriving):
            right = _right(x, arriving)
            arriving.data.mul_(-2)
            return right

        return _cube(x, back=back)

    def third_derivative_lost(x):
        """The first two derivatives are right, and the second is for torch no function of x and of
        what arrived: both are detached where it is computed, or a second Function saved what its
        forward computed from them. Save the tensors themselves, and compute from these."""
        return _cube(x, back=_some_constant(**_ALL_SAVED))

    def third_derivative_unrecorded(x):
        """The first two derivatives are right, and the second is a constant to torch: where it is
        computed nothing is recorded, or everything is detached, or a second Function's backward is
        marked with @once_differentiable. Leave these out, and compute from the tensors
        themselves."""
        return _cube(x, back=_some_constant(**_ALL_SAVED, then=_cut))

    def x_constant_in_the_second(x):
        """All derivatives are right up to the second, and that one, 6 * x times what arrives, is
        for torch no function of x: x is detached where it is computed, or a second Function saved
        what its forward computed from x. Compute it from x itself."""
        return _cube(x, back=_some_constant(x_of_second=_cut))

    def arriving_constant_in_the_second(x):
        """All derivatives are right up to the second, and that one, 6 * x times what arrives, is
        for torch no function of what arrives: it is detached where the second derivative is
        computed. Multiply by it as it is."""
        return _cube(x, back=_some_constant(first_of_second=_cut))

    def slope_constant_in_the_second(x):
        """All derivatives are right up to the second, and the derivative by what arrives,
        3 * x ** 2, is for torch no function of x: x is detached where it is computed, or a second
        Function saved it as a number. Compute it from x itself."""
        return _cube(x, back=_some_constant(x_of_slope=_cut))

    def arriving_then_detached(x):
        """All derivatives are right up to the second, and these are for torch no functions of what
        arrives in the second backward pass: it is detached there. Multiply by it as it is."""
        return _cube(x, back=_some_constant(then=_cut))

    def from_the_result(x):
        """You went back from the result by a power that is a fraction, or by its logarithm. Of a
        negative number that is nan, and at 0 its derivative is inf or nan. Save x, and compute
        3 * x ** 2."""
        return _cube(x, back=lambda x, arriving: arriving * 3 * (x**3) ** (2 / 3))

    def result_divided_by_x(x):
        """You divided by x, as in 3 * y / x, and where x is 0 that is nan. The derivative is 0
        there: save x, and compute 3 * x ** 2."""
        return _cube(x, back=lambda x, arriving: arriving * 3 * x**3 / x)

    def factor_forgotten(x):
        """The gradient lacks the factor 3: the derivative of x ** 3 is 3 * x ** 2."""
        return _cube(x, back=lambda x, arriving: arriving * x**2)

    def power_kept(x):
        """You computed 3 * x ** 3: the power goes down by one, to 3 * x ** 2."""
        return _cube(x, back=lambda x, arriving: arriving * 3 * x**3)

    def power_too_low(x):
        """You computed 3 * x: the derivative of x ** 3 is 3 * x ** 2."""
        return _cube(x, back=lambda x, arriving: arriving * 3 * x)

    def derivative_alone(x):
        """backward returned the derivative alone. Multiply it by what arrives."""
        return _cube(x, back=lambda x, arriving: 3 * x**2)

    def second_derivative(x):
        """backward returned 6 * x times what arrives, which belongs to the second derivative. It
        returns the first, and torch differentiates that."""
        return _cube(x, back=lambda x, arriving: arriving * 6 * x)

    def arriving_passed_on(x):
        """backward returned what arrives as it is: that is the gradient of the identity. Multiply
        it by 3 * x ** 2."""
        return _cube(x, back=lambda x, arriving: arriving.clone())

    def none_for_x(x):
        """backward returned None for x, which means that there is no gradient. Return the product:
        a missing `return` gives None as well."""
        return _cube(x, back=lambda x, arriving: None)

    def three_times(x):
        """Your result is 3 * x. The power of three is x ** 3."""
        return _cube(x, value=lambda x: 3 * x, back=lambda x, arriving: arriving * 3)

    families = (*around(_cube, lambda x: x**3, 0), *misused(lambda x: x**3))
