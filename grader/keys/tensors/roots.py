"""Reference and mistakes of the exercise on a root with a finite gradient."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from grader.trusted.key import Key, mistake, raises


def _with_slope(x: Tensor, y: Tensor, slope: Tensor) -> Tensor:
    """The values y, with this derivative to x."""
    return y.detach() + slope.detach() * (x - x.detach())


_CHOSEN = (1e-12, 1e-10, 1e-8, 1e-7, 1e-6, 1e-5)
"""The small numbers that learners add."""


def _with_eps(eps: float) -> Iterator[Callable[[Tensor], Tensor]]:
    """Mistakes with a small number, of which this is one that learners choose."""

    def added(x: Tensor) -> Tensor:
        return (x.clamp(min=0) + eps).sqrt()

    def raised(x: Tensor) -> Tensor:
        return x.clamp(min=eps).sqrt()

    def masked(x: Tensor, root: Callable[[Tensor], Tensor]) -> Tensor:
        return torch.where(x > 0, root(x), 0)

    named = f"{eps:.0e}".replace("-", "_")
    yield mistake(
        f"added_{named}",
        "You added a small number under the root. That changes every value a little, and at 0 it "
        "gives the root of that number. Nothing needs to be added: replace x where it is not "
        "positive by an inner where, and the result there by an outer one.",
        added,
    )
    yield mistake(
        f"added_to_x_{named}",
        "You added a small number under the root. Of a negative x the root is nan all the same; at "
        "0 it is the root of that number, and every other value is changed a little. Replace x "
        "where it is not positive by an inner where, and the result there by an outer one.",
        lambda x: (x + eps).sqrt(),
    )
    yield mistake(
        f"added_to_x_and_masked_{named}",
        "You added a small number under the root. That changes every value and gradient a little, "
        "and where x is negative the gradient is nan all the same: the root is nan there, and so "
        "is its derivative. Replace x where it is not positive by an inner where instead.",
        lambda x: masked(x, lambda x: (x + eps).sqrt()),
    )
    yield mistake(
        f"added_after_relu_{named}",
        "You added a small number under the root, behind relu. The gradient is right where x is "
        "not positive, and every value is changed a little: at 0 it is the root of that number. "
        "Nothing needs to be added.",
        lambda x: (x.relu() + eps).sqrt(),
    )
    yield mistake(
        f"added_and_masked_{named}",
        "You added a small number under the root. That changes every value and gradient a little, "
        "most where x is small. Where x is positive nothing needs to be added.",
        lambda x: masked(x, added),
    )
    yield mistake(
        f"raised_to_{named}",
        "You raised x to a small number before the root. Where x is 0 or negative the result is to "
        "be 0, and yours is the root of that number.",
        raised,
    )
    yield mistake(
        f"raised_and_masked_{named}",
        "You raised x to a small number before the root, and an x that is smaller gets another "
        "value, and no gradient. Ask x > 0 instead: every positive x has its own root.",
        lambda x: masked(x, raised),
    )


def _with_limited_slope(largest: float) -> Callable[[Tensor], Tensor]:
    """The mistake of a slope that is cut off at a number."""

    def wrong(x: Tensor) -> Tensor:
        y = SafeSqrtWhereKey.reference(x)
        return _with_slope(x, y, torch.where(x > 0, (0.5 / y).clamp(max=largest), 0))

    return mistake(
        f"slope_limited_to_{largest:.0f}",
        "You limited the slope. However small a positive x is, its gradient is 0.5 / sqrt(x) times "
        "what arrives, which may be very large.",
        wrong,
    )


class SafeSqrtWhereKey(Key, task="safe_sqrt_where"):
    def reference(x: Tensor) -> Tensor:
        positive = x > 0
        return torch.zeros_like(x).masked_scatter(positive, x[positive].sqrt())

    def one_where(x):
        """The values are right, and the gradient is nan where x is not positive: a slope that is
        inf or nan there, as that of the root is, gets multiplied by 0. So it does where a where
        stands behind the root, for both its branches are computed. Replace x where it is not
        positive *before* the root, by an inner where."""
        return torch.where(x > 0, x.sqrt(), 0)

    def clamped(x):
        """The values are right, and the gradient is inf where x is 0: the root's derivative is inf
        there, and clamp(min=0) lets a gradient through at 0 itself, as a mask of x >= 0 does. Ask
        x > 0, and put 1 in the place of the others before the root."""
        return x.clamp(min=0).sqrt()

    def nan_replaced_afterwards(x):
        """You replaced nan in the values. The gradient still passes through the root: it is inf at
        0 and nan below. Replace x where it is not positive *before* the root."""
        return x.sqrt().nan_to_num(0.0)

    def product_with_a_mask(x):
        """You multiplied roots by the mask. Values are right where the root is a number; the root
        of a negative number is nan, and nan times 0 is nan. At 0 the gradient is 0 times inf, nan
        too. Replace x where it is not positive *before* the root."""
        return x.sqrt() * (x > 0)

    def root_of_the_absolute_value_masked(x):
        """The values are right. At 0 the gradient is nan: the root's derivative is inf there, and
        is multiplied by 0. Replace x where it is not positive, by 1 for example, before the
        root."""
        return torch.where(x > 0, x.abs().sqrt(), 0)

    def root_of_the_absolute_value(x):
        """You took the root of the absolute value. Of a negative number the result is to be 0."""
        return torch.where(x == 0, 0, torch.where(x == 0, 1, x).abs().sqrt())

    def small_ones_left_out(x):
        """You take x for 0 where it is below some small number. Every positive x has its own root:
        ask x > 0."""
        positive = x > 1e-8
        return torch.where(positive, torch.where(positive, x, 1).sqrt(), 0)

    def outer_where_forgotten(x):
        """The gradient is right. Where x is not positive your result is 1, the root of what you put
        in its place. An outer where puts 0 there."""
        return torch.where(x > 0, x, 1).sqrt()

    def slope_without_a_half(x):
        """The values are right. The derivative of the root is 0.5 / sqrt(x): the half is
        missing."""
        y = SafeSqrtWhereKey.reference(x)
        return _with_slope(x, y, torch.where(x > 0, 1 / y, 0))

    def nan_left(x):
        """You took the root as it is: of a negative number it is nan, and its derivative at 0 is
        inf. Both are to be 0."""
        return x.sqrt()

    def positive_numbers_alone(x):
        """You returned the roots of the positive numbers alone. The result is to have x's shape,
        with 0 elsewhere."""
        return x[x > 0].sqrt()

    def x_elsewhere(x):
        """Where x is not positive you return x itself. The result is to be 0 there."""
        positive = x > 0
        return torch.where(positive, torch.where(positive, x, 1).sqrt(), x)

    @raises("a leaf Variable that requires grad|in-place operation|leaf variable")
    def x_overwritten(x):
        """You wrote into x, which belongs to the caller, and a leaf that requires grad refuses.
        where makes a new tensor."""
        x[x <= 0] = 0
        return SafeSqrtWhereKey.reference(x)

    def values_copied_out(x):
        """The numbers are right, and nothing reaches x: you cut the result off the graph. Leave out
        detach(), .data, no_grad() and torch.tensor(...)."""
        return SafeSqrtWhereKey.reference(x).detach()

    def hook_left_on_x(x):
        """The numbers are right, and a hook of yours is still on x: it runs whenever a gradient
        comes to x, in the passes of others too. x belongs to the caller. Choose by where before the
        root."""
        if x.requires_grad:
            x.register_hook(lambda grad: grad.nan_to_num(0.0, 0.0, 0.0))
        return torch.where(x > 0, x.sqrt(), 0)

    families = (
        *(wrong for eps in _CHOSEN for wrong in _with_eps(eps)),
        *(_with_limited_slope(10.0**power) for power in range(1, 9)),
    )
