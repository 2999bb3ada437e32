"""References and mistakes of the exercises on backward passes."""

import torch
from torch import Tensor

from grader.trusted.families.parts import exchanged_parts
from grader.trusted.key import Key, raises


class VjpVectorKey(Key, task="vjp_vector"):
    def reference(x: Tensor, v: Tensor) -> Tensor:
        x = x.clone().requires_grad_()
        (grad,) = torch.autograd.grad(x**3, x, grad_outputs=v)
        return grad

    def started_from_ones(x):
        """v has no effect on your answer: every entry of y counts alike, as in a pass that starts
        from ones. Start from v, or multiply by it."""
        return 3 * x**2

    def v_inside_the_cube(x, v):
        """You multiplied x by v before the power, so that v is cubed as well. v weighs the entries
        of y: start the pass from v, or multiply y by it."""
        return 3 * v**3 * x**2

    def summed_v(x, v):
        """You added v up to one number first. Each entry of y has its own weight: v[i] belongs to
        y[i]."""
        return 3 * x**2 * v.sum()

    def forgot_chain(x, v):
        """You returned v times x**3, the weighted values. The gradient has the derivative 3*x**2
        in its place."""
        return v * x**3

    def divided_by_x(x, v):
        """You divided x**3 by x, which is nan where x is 0. The derivative is 3 * x**2, and 0
        there."""
        return 3 * v * x**3 / x

    def differentiated_by_v(x):
        """You returned x**3, the derivative of v * y with respect to v. Differentiate with respect
        to x: the derivative is 3 * x**2, and v weighs it."""
        return x**3

    def v_normalised(x, v):
        """You divided v by its length first. v weighs the entries of y as it is."""
        return 3 * x**2 * v / v.norm()

    def power_not_lowered(x, v):
        """You kept the power: 3 * x**3. The derivative of x**3 is 3 * x**2."""
        return 3 * x**3 * v

    def jacobian_returned(x, v):
        """You returned a matrix. v times the Jacobian is a vector of shape (n,): one pass that
        starts from v gives it, without the matrix."""
        return torch.diag(3 * x**2)

    def weighted_jacobian_returned(x, v):
        """You returned a matrix with the right numbers on its diagonal. The product of v with the
        Jacobian is a vector of shape (n,): add up over the entries of y."""
        return torch.diag(3 * x**2 * v)

    def one_number(x, v):
        """You returned one number. The product of v with the Jacobian has one entry for each entry
        of x: do not add it up."""
        return (3 * x**2 * v).sum()

    def weighted_sum_of_y(x, v):
        """You returned (v * y).sum(), a value. Its gradient with respect to x is asked for."""
        return (v * x**3).sum()

    def square_dropped(x, v):
        """You took 3 * x for the derivative of x**3. It is 3 * x**2."""
        return 3 * x * v

    def factor_dropped(x, v):
        """You took x**2 for the derivative of x**3. The exponent comes down as a factor:
        3 * x**2."""
        return x**2 * v

    def v_twice(x, v):
        """v counts twice in your answer: as the start of the pass and as a factor of y or of the
        result. Use it once."""
        return 3 * x**2 * v**2

    def ones_added(x, v):
        """Your gradient is that of v plus ones: two passes were added up, one started from v and
        one from ones. Start one pass, from v."""
        return 3 * x**2 * (v + 1)

    def averaged(x, v):
        """You divided by n, as the mean does. The product adds up over the entries of y: nothing is
        divided."""
        return 3 * x**2 * v / len(x)

    def averaged_v(x, v):
        """You took the mean of v first. Each entry of y has its own weight: v[i] belongs to
        y[i]."""
        return 3 * x**2 * v.mean()

    def factor_squared(x, v):
        """Your gradient is 3 times the right one: the factor 3 was squared too. The derivative is
        3 * x**2, not (3 * x)**2."""
        return (3 * x) ** 2 * v

    def two_passes(x, v):
        """Your gradient is twice the right one: two passes were added up in x.grad. Run one."""
        return 6 * x**2 * v

    def derivative_of_square(x, v):
        """You differentiated x**2. y is x**3, with the derivative 3 * x**2."""
        return 2 * x * v

    def second_derivative(x, v):
        """You differentiated twice: 6 * x is the second derivative of x**3. The first is
        3 * x**2."""
        return 6 * x * v

    @raises(r"does not require grad and does not have a grad_fn")
    def x_not_required(x, v):
        """y was not recorded, so there is no graph to go back through. Call requires_grad_() on x,
        or on a detached clone, before you compute y, and compute y without no_grad() and
        detach()."""
        (x**3).backward(v)
        return x.grad

    @raises(r"grad can be implicitly created only for scalar outputs")
    def backward_on_vector(x):
        """You called backward() on a vector. Without an argument it starts from 1, which only a
        single element allows: pass gradient=v."""
        x = x.clone().requires_grad_()
        (x**3).backward()
        assert x.grad is not None
        return x.grad


class TwoHeadsKey(Key, task="two_heads"):
    families = (*exchanged_parts(lambda a: _heads(a), "g_mean", "g_sum", "g_total"),)

    def reference(a: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return _heads(a)

    def length_for_count(a):
        """You divided by len(a), the size of the first dimension. mean() divides by the number of
        all entries: a.numel()."""
        return 4 * a / len(a), 4 * a, 4 * a / len(a) + 4 * a

    def last_dimension_for_count(a):
        """You divided by a.shape[-1], the size of the last dimension. mean() divides by the number
        of all entries: a.numel()."""
        return 4 * a / a.shape[-1], 4 * a, 4 * a / a.shape[-1] + 4 * a

    def kept_and_added(a):
        """You kept a.grad itself twice. It is one tensor, to which the second pass added, so your
        g_mean and g_sum are both the total, and g_total is twice that. Keep clones, or use
        torch.autograd.grad."""
        *_, total = _heads(a)
        return total, total.clone(), 2 * total

    def taken_off_itself(a):
        """Your g_sum is 0, and your g_mean is the total. Either you read a.grad after both passes,
        or you kept a.grad itself before the second: it is one tensor, to which that pass added, and
        taken off itself it leaves 0. Keep a clone of a.grad after the first pass, or set a.grad =
        None."""
        *_, total = _heads(a)
        return total, torch.zeros_like(total), total.clone()

    def kept_for_the_sum(a):
        """Your g_mean is the total, and the others are right. Either you read it after both passes,
        or you kept a.grad itself before the second: it is one tensor, and that pass added to it.
        Keep a clone, made after the first."""
        _, g_sum, total = _heads(a)
        return total, g_sum, total.clone()

    def divided_by_a(a):
        """You divided by a, which is nan where a is 0. The derivative of c is 4 * a, and 0
        there."""
        return tuple(g * a / a for g in _heads(a))

    def factor_dropped(a):
        """A factor 2 is missing everywhere: c is 2 * a**2, and its derivative is 4 * a."""
        return tuple(g / 2 for g in _heads(a))

    def square_not_differentiated(a):
        """Each of yours is the right gradient times a: the exponent came down as a factor, and a**2
        was left as it is. The derivative of a**2 is 2 * a."""
        return tuple(g * a for g in _heads(a))

    def mean_like_sum(a):
        """Your g_mean is the gradient of the sum. d is the mean: divide by the number of entries.
        If you did, you kept a.grad itself and emptied it with zero_(): it is one tensor, and the
        second pass wrote into it. Keep a clone, or set a.grad = None."""
        return 4 * a, 4 * a, 8 * a

    def total_averaged(a):
        """Your g_total is the average of both gradients. backward adds to a.grad: the total is
        their sum."""
        g_mean, g_sum, total = _heads(a)
        return g_mean, g_sum, total / 2

    def total_is_first_head(a):
        """Your g_total is the gradient of d alone. The second backward adds that of e to
        a.grad."""
        g_mean, g_sum, _ = _heads(a)
        return g_mean, g_sum, g_mean.clone()

    def total_without_the_second(a):
        """Your g_sum and g_total are both g_mean. e.backward() has to run before you read them, and
        not on d again."""
        g_mean, _, _ = _heads(a)
        return g_mean, g_mean.clone(), g_mean.clone()

    def total_counted_on(a):
        """Your g_total holds more than two passes: those that you ran for g_mean and g_sum are
        still in a.grad. Set a.grad = None before the two passes of the total."""
        g_mean, g_sum, total = _heads(a)
        return g_mean, g_sum, 2 * total

    def first_total_counted_on(a):
        """Your g_total holds the gradient of d twice: that of the pass that you ran for g_mean was
        still in a.grad. Set a.grad = None before the two passes of the total."""
        g_mean, g_sum, total = _heads(a)
        return g_mean, g_sum, total + g_mean

    def second_total_counted_on(a):
        """Your g_total holds the gradient of e twice: that of the pass that you ran for g_sum was
        still in a.grad. Set a.grad = None before the two passes of the total."""
        g_mean, g_sum, total = _heads(a)
        return g_mean, g_sum, total + g_sum

    def stopped_at_b(a):
        """Yours are the derivatives with respect to b: 2, and 2 divided by the number of entries.
        Go on to a: b is a**2, and its derivative is 2 * a."""
        g_mean, g_sum = torch.full_like(a, 2 / a.numel()), torch.full_like(a, 2)
        return g_mean, g_sum, g_mean + g_sum

    def values_returned(a):
        """You returned the results d and e. Their gradients are asked for, each in the shape of
        a."""
        c = 2 * a**2
        return c.mean(), c.sum(), c.mean() + c.sum()

    def not_cleared(a):
        """Your g_sum is the gradient of d + e: a.grad still held the first gradient when the
        second was added. Set a.grad = None in between."""
        return 4 * a / a.numel(), 4 * a / a.numel() + 4 * a, 4 * a / a.numel() + 4 * a

    def sum_is_total_and_added_once_more(a):
        """Your g_sum is the total: you read a.grad after both passes, and the first was still in
        it. Your g_total adds g_mean to that once more."""
        g_mean, total = 4 * a / a.numel(), 4 * a / a.numel() + 4 * a
        return g_mean, total, g_mean + total

    def total_is_last_head(a):
        """Your g_total is the gradient of e alone. backward adds to a.grad, it does not replace
        it: after both passes a.grad is the sum."""
        return 4 * a / a.numel(), 4 * a, 4 * a

    def kept_a_grad_itself(a):
        """Your g_mean is the gradient of the sum, and the others are right. d is the mean: divide
        by the number of entries. If you did, you kept a.grad itself and zeroed it in place, so that
        the second pass wrote into the tensor you had kept: keep a clone, or set a.grad = None."""
        return 4 * a, 4 * a, 4 * a / a.numel() + 4 * a

    def everything_is_total(a):
        """All three of yours are the total. Either you read a.grad after both passes, or you kept
        a.grad itself each time: it is one tensor, and the second pass added to it. Keep a clone of
        it after each pass."""
        total = 4 * a / a.numel() + 4 * a
        return total, total.clone(), total.clone()

    @raises(r"backward through the graph a second time")
    def retain_graph_missing(a):
        """A backward pass freed what the shared part of the graph saved, and a later one needs it.
        Pass retain_graph=True to every pass but the last."""
        a = a.clone().requires_grad_()
        c = 2 * a**2
        c.mean().backward()
        c.sum().backward()
        raise AssertionError("the second pass raises")


def _heads(a: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    a = a.clone().requires_grad_()
    c = 2 * a**2
    (g_mean,) = torch.autograd.grad(c.mean(), a, retain_graph=True)
    (g_sum,) = torch.autograd.grad(c.sum(), a)
    return g_mean, g_sum, g_mean + g_sum
