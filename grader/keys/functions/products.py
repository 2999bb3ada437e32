"""Reference and mistakes of the exercise on a Function of two tensors that broadcast."""

import torch
from torch import Tensor

from grader.keys.functions.summing import (
    aligned_at_the_front,
    all_for_none,
    by_count,
    first,
    fitting,
    keepdim_lost,
    leading_alone,
    of_other_size,
    of_size_one,
    ones_alone,
    shaped,
    split_by_its_entries,
    split_into_pieces,
    stretched_or_all,
    without_ones,
)
from grader.trusted.families.functions import NO_GRADIENT, applied, around, kept_outside
from grader.trusted.key import Key, mistake, raises


def _sent_back(a, b, back):
    """a * b, where backward returns `back(a, b, arriving)`."""
    return applied(torch.mul, lambda needed, arriving, a, b: back(a, b, arriving), a, b)


def _product(a, b, to=fitting, parts=lambda a, b, arriving: (arriving * b, arriving * a)):
    def back(a, b, arriving):
        ga, gb = parts(a, b, arriving)
        return to(ga, a), to(gb, b)

    return _sent_back(a, b, back)


_NO_AXES = tuple(
    mistake(
        name,
        "Where nothing was repeated you hand sum an empty list of axes, and torch takes that for "
        "all axes: one number is left, which has not the shape of its tensor. Ask first whether "
        "there is an axis to sum over, or take sum_to_size.",
        lambda a, b, to=to: _product(a, b, to=to),
        raises="is invalid for input of size",
    )
    for name, to in {
        "no_axes_shaped": shaped(of_size_one),
        "no_axes_of_other_size_shaped": shaped(of_other_size),
    }.items()
)


_EDITED = tuple(
    mistake(
        name,
        "backward wrote into grad_output, with an operation such as mul_. The tensor that arrives "
        "belongs to others: what else the result went to may get the same one. Return new tensors.",
        lambda a, b, parts=parts: _product(a, b, parts=parts),
        raises="single memory location|a leaf Variable that requires grad",
    )
    for name, parts in {
        "arriving_edited_for_a": lambda a, b, v: (v.mul_(b), v * a),
        "arriving_edited_for_b": lambda a, b, v: (v * b, v.mul_(a)),
        "arriving_edited_for_a_last": lambda a, b, v: (v * a, v.mul_(b))[::-1],
        "arriving_edited_twice": lambda a, b, v: (v.mul_(b), v.mul_(a)),
    }.items()
)


class MulBroadcastKey(Key, task="mul_broadcast"):
    sentences = NO_GRADIENT

    def reference(a: Tensor, b: Tensor) -> Tensor:
        return _product(a, b)

    def left_to_the_engine(a, b):
        """Your numbers are right, because torch sums a gradient that is too large: its engine, or
        what comes back through a tensor that you expanded before apply. Let backward do it: return
        gradients of the shapes of a and b, summed over what was repeated."""
        return _product(a, b, to=lambda grad, like: grad)

    def leading_axes_alone(a, b):
        """You summed over the axes that a tensor lacks, and left those in which it has size 1 to
        torch's engine. Sum over these as well, with keepdim=True."""
        return _product(a, b, to=leading_alone)

    def axes_of_one_alone(a, b):
        """You summed over the axes in which a tensor has size 1, and left those that it lacks to
        torch's engine. Sum over these first: a has fewer axes than the result then."""
        return _product(a, b, to=ones_alone)

    @raises("but expected shape compatible with")
    def keepdim_lost(a, b):
        """An axis of size 1 is gone from a gradient, as a sum without keepdim=True leaves it, or
        squeeze(): it no longer has the shape of its tensor. Keep the axis."""
        return _product(a, b, to=keepdim_lost)

    @raises("but expected shape compatible with")
    def keepdim_lost_of_any_axis(a, b):
        """An axis of size 1 is gone from a gradient, as a sum without keepdim=True leaves it, or
        squeeze(): it no longer has the shape of its tensor. Keep the axis."""
        return _product(a, b, to=lambda grad, like: without_ones(fitting(grad, like)))

    def averaged(a, b):
        """You averaged over what was repeated. Every use sends its part back, and the parts add
        up: take the sum."""
        return _product(
            a,
            b,
            to=lambda g, like: g.sum_to_size(like.shape) / (g.numel() / max(like.numel(), 1)),
        )

    def one_of_the_repeated(a, b):
        """You took one of the repeated entries. Every use of an entry sends its part back, and the
        parts add up: take the sum."""
        return _product(a, b, to=first)

    @raises("but expected shape compatible with")
    def order_exchanged(a, b):
        """backward returned the two gradients in the wrong order: first that of a, then that of
        b, as forward takes them."""
        return _sent_back(
            a, b, lambda a, b, v: ((v * a).sum_to_size(b.shape), (v * b).sum_to_size(a.shape))
        )

    def neighbours_added_up(a, b):
        """You reshaped a gradient to the shape of its tensor with one axis behind it, and summed
        that: neighbours are added up. That is right where the last axes were stretched, and mixes
        entries elsewhere. Sum over the axes that were repeated."""
        return _product(a, b, to=split_by_its_entries)

    def pieces_added_up(a, b):
        """You cut a gradient into pieces of its tensor's shape by a reshape, and added those up.
        That is right where axes were put in front, and mixes entries where one was stretched. Sum
        over the axes that were repeated."""
        return _product(a, b, to=split_into_pieces)

    def a_left_to_the_engine(a, b):
        """You summed the gradient of b, and left that of a to torch's engine, as if b alone could
        be the smaller one. Either may be: sum both to the shape of their tensor."""
        return _sent_back(a, b, lambda a, b, v: (v * b, fitting(v * a, b)))

    def b_left_to_the_engine(a, b):
        """You summed the gradient of a, and left that of b to torch's engine, as if a alone could
        be the smaller one. Either may be: sum both to the shape of their tensor."""
        return _sent_back(a, b, lambda a, b, v: (fitting(v * b, a), v * a))

    def own_factor(a, b):
        """You multiplied what arrives by a for the gradient of a, and by b for that of b. The
        derivative of a * b by a is b."""
        return _product(a, b, parts=lambda a, b, arriving: (arriving * a, arriving * b))

    def derivative_alone(a, b):
        """backward returned the derivatives alone. Multiply them by what arrives."""

        def parts(a, b, arriving):
            ones = torch.ones_like(arriving)
            return ones * b, ones * a

        return _product(a, b, parts=parts)

    @raises("but expected shape compatible with")
    def factors_returned(a, b):
        """backward returned b and a as they are. These are the derivatives: multiply them by what
        arrives, and sum over what was repeated."""
        return _sent_back(a, b, lambda a, b, arriving: (b, a))

    def summed_too_early(a, b):
        """You summed what arrives, and multiplied by the other tensor after that. Its entries
        differ from one use to the next: multiply first, and sum the products."""

        def parts(a, b, arriving):
            return arriving.sum_to_size(a.shape) * b, arriving.sum_to_size(b.shape) * a

        return _product(a, b, to=lambda grad, like: grad, parts=parts)

    def nothing_where_a_is_frozen(a, b):
        """Where a does not require grad, backward returned None for b as well. Each of the two has
        a flag of its own in ctx.needs_input_grad."""

        def back(needed, arriving, a, b):
            if not needed[0]:
                return None, None
            return fitting(arriving * b, a), fitting(arriving * a, b)

        return applied(torch.mul, back, a, b)

    def no_axes_taken_for_all(a, b):
        """Where nothing was repeated you hand sum an empty list of axes, and torch takes that for
        all axes: every entry gets the sum of all. Ask first whether there is an axis to sum over,
        or take sum_to_size."""
        return _product(a, b, to=all_for_none)

    def no_stretched_axes_taken_for_all(a, b):
        """Where no axis has size 1 you hand sum an empty list of axes, and torch takes that for all
        axes: every entry gets the sum of all. Ask first whether there is an axis to sum over, or
        take sum_to_size."""
        return _product(a, b, to=stretched_or_all)

    @raises("but expected shape compatible with")
    def aligned_at_the_front(a, b):
        """You compared the shapes from the first axis on, and summed where a tensor has size 1
        there. Shapes are compared from the last axis on: sum over the axes that it lacks first, and
        they go."""
        return _product(a, b, to=aligned_at_the_front)

    def as_it_is_where_the_counts_agree(a, b):
        """Where a gradient has as many numbers as its tensor you returned it as it is. An axis of
        size 1 may stand in front all the same, which torch's engine took off: compare the
        shapes."""
        return _product(a, b, to=by_count)

    def none_for_a(a, b):
        """backward returned None for a, as if it had no gradient. It is a tensor like b."""
        return _sent_back(a, b, lambda a, b, v: (None, fitting(v * a, b)))

    def none_for_b(a, b):
        """backward returned None for b, as if it had no gradient. It is a tensor like a."""
        return _sent_back(a, b, lambda a, b, v: (fitting(v * b, a), None))

    def arriving_passed_on(a, b):
        """You returned what arrives, summed: these are the gradients of a + b. Multiply what
        arrives by b for the gradient of a, and by a for that of b, and sum the products."""
        return _product(a, b, parts=lambda a, b, arriving: (arriving, arriving))

    families = (
        *_EDITED,
        *_NO_AXES,
        *around(_product, torch.mul, 0, 1),
        *kept_outside(
            torch.mul,
            lambda needed, arriving, a, b: (fitting(arriving * b, a), fitting(arriving * a, b)),
        ),
    )
