"""Reference and mistakes of the exercise on a clamp that lets gradients through."""

import torch
from torch import Tensor

from grader.trusted.families.functions import around, of_backward, pointwise, product
from grader.trusted.key import Key, raises


def _clamp(
    x, lo, hi, back=product, factor=lambda x, y, lo, hi: torch.ones_like(x), value=torch.clamp
):
    return pointwise(value, factor, x, lo, hi, back=back, saves=())


def _is_inside(x, lo, hi):
    return ((x >= lo) & (x <= hi)).to(x)


def _emptied(v, factor):
    kept = v.clone()
    v.zero_()
    return kept


def _sides(x, y, lo, hi):
    """Where x is above the bounds, and where it is below them."""
    return x > hi, x < lo


def _pulling_back(v, sides):
    """A step goes against v: above the bounds a negative v pushes x further out."""
    above, below = sides
    return v.masked_fill((above & (v < 0)) | (below & (v > 0)), 0)


def _pushing_out(v, sides):
    above, below = sides
    return v.masked_fill((above & (v > 0)) | (below & (v < 0)), 0)


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
        """You added two numbers that cancel, x and -x, as in x + (clamped - x).detach(). That
        rounds, and where x is very large nothing is left of the bound; where it is inf, inf - inf
        is nan. A Function gives the clamped value itself."""
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

    def stopped_at_infinity(x, lo, hi):
        """Where x is inf or -inf your gradient is 0: there the result is a number that does not
        depend on x, such as the bound itself. What arrives goes to x unchanged, everywhere."""
        return _clamp(x, lo, hi, factor=lambda x, y, lo, hi: x.isfinite().to(x))

    def clamped_gradient(x, lo, hi):
        """You clamped what arrives as well. It goes to x unchanged, however large it is."""
        return _clamp(x, lo, hi, back=lambda arriving, factor: arriving.clamp(-1, 1))

    def arriving_clamped_to_the_bounds(x, lo, hi):
        """You clamped what arrives to lo and hi. The bounds are for x: what arrives goes on
        unchanged."""
        return _clamp(x, lo, hi, back=lambda arriving, factor: arriving.clamp(lo, hi))

    def stopped_where_it_leads_outside(x, lo, hi):
        """Outside of the bounds you let go on what pulls x back, and stopped what pushes it further
        out. What arrives goes to x unchanged, everywhere."""
        return _clamp(x, lo, hi, factor=_sides, back=_pulling_back)

    def stopped_where_it_leads_back(x, lo, hi):
        """Outside of the bounds you let go on what pushes x further out, and stopped what pulls it
        back. What arrives goes to x unchanged, everywhere."""
        return _clamp(x, lo, hi, factor=_sides, back=_pushing_out)

    def arriving_edited(x, lo, hi):
        """backward wrote into grad_output, with an operation such as mul_. The tensor that arrives
        belongs to others: what else the result went to may get the same one. Return a new tensor,
        or the one that arrives as it is."""
        return _clamp(x, lo, hi, back=_emptied)

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
