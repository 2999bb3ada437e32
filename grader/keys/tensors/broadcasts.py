"""Reference and mistakes of the exercise on the gradient of a broadcast."""

from collections.abc import Callable

import torch
from torch import Tensor

from grader.trusted.families.memory import as_it_lies
from grader.trusted.key import Key, mistake, raises

Shape = tuple[int, ...]


def _in_front(g: Tensor, shape: Shape) -> Tensor:
    """g summed over the axes that b does not have."""
    extra = tuple(range(g.ndim - len(shape)))
    return g.sum(extra) if extra else g


def _stretched(g: Tensor, shape: Shape) -> Shape:
    """The axes of length 1 in a shape of as many axes as g has."""
    return tuple(axis for axis, length in enumerate(shape) if length == 1)


def _no_axes(
    name: str,
    in_front: Callable[..., Tensor],
    stretched: Callable[..., Tensor],
    raises: str = "Dimension out of range",
) -> Callable[..., Tensor]:
    """A mistake where one of the two sums is over a tuple of axes that may be empty."""
    return mistake(
        name,
        "Where no axis is to be summed you hand sum a tuple or list of axes that is empty, and "
        "torch takes that for all axes. Ask first whether there is one, or sum over the axes one "
        "by one.",
        lambda g, shape: stretched(in_front(g, shape), shape),
        raises=raises,
    )


def _at_once(g: Tensor, shape: Shape) -> Tensor:
    """g summed over all axes at once, with as many axes as it had."""
    lacking = g.ndim - len(shape)
    axes = (*range(lacking), *(lacking + axis for axis in _stretched(g, shape)))
    return g.sum(axes, keepdim=True)


def _without_axes_in_front(g: Tensor, shape: Shape) -> Tensor:
    return g[(0,) * (g.ndim - len(shape))]


def _in_front_unasked(g: Tensor, shape: Shape) -> Tensor:
    return g.sum(tuple(range(g.ndim - len(shape))))


def _stretched_unasked(g: Tensor, shape: Shape) -> Tensor:
    return g.sum(_stretched(g, shape), keepdim=True)


def _stretched_unasked_and_lost(g: Tensor, shape: Shape) -> Tensor:
    return g.sum(_stretched(g, shape))


def _stretched_summed(g: Tensor, shape: Shape) -> Tensor:
    axes = _stretched(g, shape)
    return g.sum(axes, keepdim=True) if axes else g


class SumToShapeKey(Key, task="sum_to_shape"):
    def reference(g: Tensor, shape: Shape) -> Tensor:
        b = torch.zeros(shape, dtype=g.dtype, device=g.device, requires_grad=True)
        with torch.enable_grad():
            (grad,) = torch.autograd.grad(b.expand(g.shape), b, g.detach())
        return grad

    def averaged(g, shape):
        """You averaged. Every use of an entry adds its gradient: take the sum."""
        for _ in range(g.ndim - len(shape)):
            g = g.mean(0)
        axes = _stretched(g, shape)
        return g.mean(axes, keepdim=True) if axes else g

    def averaged_over_the_uses(g, shape):
        """You divided by the number of uses of each entry. Every use adds its gradient: take the
        sum."""
        grad = SumToShapeKey.reference(g, shape)
        return grad * (grad.numel() / max(g.numel(), 1))

    def axes_in_front_averaged(g, shape):
        """You averaged over the axes in front, and added along the others. Every use of an entry
        adds its gradient: take the sum over all of them."""
        extra = g.shape[: g.ndim - len(shape)].numel()
        return SumToShapeKey.reference(g, shape) / max(extra, 1)

    def axes_in_front_alone(g, shape):
        """You added over the axes in front alone. An axis of length 1 in shape was stretched too:
        sum over it as well, with keepdim=True."""
        return _in_front(g, shape)

    def stretched_axes_alone(g, shape):
        """You added over the stretched axes alone. Axes that were put in front of b are to be
        summed over as well, and to go."""
        offset = g.ndim - len(shape)
        axes = tuple(axis + offset for axis in _stretched(g, shape))
        return g.sum(axes, keepdim=True) if axes else g

    def axes_in_front_kept(g, shape):
        """The sums are right, and the axes in front are still there, of length 1. The result is to
        have b's shape."""
        return SumToShapeKey.reference(g, shape)[(None,) * (g.ndim - len(shape))]

    def stretched_axes_lost(g, shape):
        """The sums are right, and the axes of length 1 are gone. keepdim=True keeps them."""
        grad = SumToShapeKey.reference(g, shape)
        return grad.reshape([n for n in grad.shape if n != 1])

    @raises("Dimension out of range")
    def keepdim_left_out(g, shape):
        """You summed over an axis of length 1 without keepdim=True: the axis is gone, those behind
        it move up, and the next sum goes along another one. keepdim=True keeps the axis."""
        g = _in_front(g, shape)
        for axis in _stretched(g, shape):
            g = g.sum(axis)
        return g

    def as_it_is_where_the_counts_agree(g, shape):
        """Where g has as many numbers as b you returned it as it is. Axes of length 1 may stand in
        front all the same, and the result is to have b's shape: compare the shapes."""
        if g.numel() == torch.Size(shape).numel():
            return g
        return SumToShapeKey.reference(g, shape)

    def all_added_up(g):
        """You added up all of g. Every entry of b gets the sum over its own uses alone."""
        return g.sum()

    def all_added_up_everywhere(g, shape):
        """You added up all of g, and gave every entry of b that sum. Each gets the sum over its own
        uses alone."""
        return g.sum().expand(shape)

    def first_use_alone(g, shape):
        """You took the gradient of one use of each entry. Every use adds its gradient."""
        g = g[(0,) * (g.ndim - len(shape))]
        return g[tuple(slice(0, 1) if length == 1 else slice(None) for length in shape)]

    def last_use_alone(g, shape):
        """You took the gradient of the last use of each entry. Every use adds its gradient."""
        g = g[(-1,) * (g.ndim - len(shape))]
        return g[tuple(slice(-1, None) if length == 1 else slice(None) for length in shape)]

    def counted(g, shape):
        """You counted how often each entry is used. That is the gradient of the plain sum; here a
        gradient g arrives: add it up."""
        return SumToShapeKey.reference(torch.ones_like(g), shape)

    def g_itself(g):
        """You returned g as it arrives. b is smaller: each of its entries gets the sum over its
        uses."""
        return g

    def aligned_at_the_front(g, shape):
        """You compared the shapes from the first axis on, and added over the axes behind b's.
        Shapes are compared from the last axis on."""
        behind = tuple(range(len(shape), g.ndim))
        g = g.sum(behind) if behind else g
        axes = tuple(axis for axis in _stretched(g, shape) if axis < g.ndim)
        return g.sum(axes, keepdim=True) if axes else g

    @raises("Dimension out of range")
    def stretched_axes_counted_from_the_front(g, shape):
        """You added over the axes where shape has a 1, counted from the front of g, and g may have
        more axes in front. Those are summed over as well, and go: do that first."""
        for axis in _stretched(g, shape):
            g = g.sum(axis, keepdim=True)
        return g

    @raises("is invalid for input of size")
    def aligned_at_the_front_and_reshaped(g, shape):
        """You compared the shapes from the first axis on. Shapes are compared from the last axis
        on: as many axes go in front as g has more than b, and every axis where shape has a 1 is
        summed over as well."""
        for axis in range(g.ndim):
            if axis >= len(shape) or shape[axis] != g.shape[axis]:
                g = g.sum(axis, keepdim=True)
        return g.reshape(shape)

    def cut_to_shape(g, shape):
        """Your result has b's shape, and it was cut out of g: the rest of g is lost. Add up over
        all uses of an entry."""
        count = torch.Size(shape).numel()
        flat = g.reshape(-1)[:count]
        return flat.reshape(shape) if len(flat) == count else g.new_zeros(shape)

    def shaped_before_it_is_added(g, shape):
        """You cut g into pieces of b's shape by a reshape, and added those up. That fits where axes
        were put in front of b, and not where an axis was stretched: sum over that axis."""
        return g.reshape(-1, *shape).sum(0)

    @raises("unspecified dimension size -1")
    def neighbours_added_up(g, shape):
        """You reshaped g to b's shape with one axis behind it, and summed that: neighbours are
        added up. That is right where the last axes were stretched, and mixes entries elsewhere. Sum
        over the axes that b lacks, and over those where shape has a 1."""
        return g.reshape(*shape, -1).sum(-1)

    @raises("non-zero size")
    def largest_use(g, shape):
        """You took the largest gradient over the uses of an entry. Every use adds its own: take the
        sum."""
        for _ in range(g.ndim - len(shape)):
            g = g.amax(0)
        for axis in _stretched(g, shape):
            g = g.amax(axis, keepdim=True)
        return g

    def one_axis_in_front(g, shape):
        """You added over the first axis alone. As many axes go as g has more than b, and every axis
        where shape has a 1 is summed over as well."""
        return g.sum(0) if g.ndim > len(shape) else g

    def first_axis_always(g):
        """You added over the first axis, whatever shape b has. Axes that g has more than b are
        summed over, and every axis where shape has a 1."""
        return g.sum(0)

    def empty_batch_empty(g, shape):
        """For an empty batch you return an empty tensor. b has its shape all the same, and an entry
        that was never used gets 0."""
        return SumToShapeKey.reference(g, shape) if g.numel() else g

    families = (
        *as_it_lies(torch.Tensor.sum_to_size, "g"),
        _no_axes("no_axes_in_front", _in_front_unasked, _stretched_summed),
        _no_axes("no_axes_stretched", _in_front, _stretched_unasked),
        _no_axes("no_axes_of_either", _in_front_unasked, _stretched_unasked),
        _no_axes("no_axes_in_front_alone", _in_front_unasked, lambda g, shape: g),
        _no_axes("no_axes_stretched_nor_kept", _in_front, _stretched_unasked_and_lost),
        _no_axes("no_axes_of_either_nor_kept", _in_front_unasked, _stretched_unasked_and_lost),
        _no_axes("no_axes_at_once", _at_once, _without_axes_in_front),
        _no_axes("no_axes_shaped", _at_once, torch.reshape, raises="is invalid for input of size"),
    )
