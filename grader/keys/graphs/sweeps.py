"""References and mistakes of the exercises on backward passes."""

from collections.abc import Callable

import torch
from torch import Tensor

from grader.trusted.families.loops import first_of_rows
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


def _jacobian(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    x = x.clone().requires_grad_()
    y = f(x)
    rows = [torch.autograd.grad(y[i], x, retain_graph=True)[0] for i in range(len(y))]
    return torch.stack(rows)


class JacobianRowsKey(Key, task="jacobian_rows"):
    families = (*first_of_rows(_jacobian, "row"),)
    reference = _jacobian

    def transposed(f, x):
        """You returned the transpose, of shape (n, m). Row i belongs to output i, column j to
        input j."""
        return _jacobian(f, x).T

    def accumulated_rows(f, x):
        """Each of your rows contains all rows before it, as x.grad does where it is not cleared
        between the backward passes. Set x.grad = None before each, or use torch.autograd.grad, and
        start each pass from one y[i]."""
        return _jacobian(f, x).cumsum(0)

    def sum_of_rows(f, x):
        """Every row of yours is the sum of all rows. Either you differentiated y.sum(), or you
        kept x.grad itself for each row, one tensor that every pass added to."""
        return _jacobian(f, x).sum(0).expand(len(f(x)), -1)

    def last_row_everywhere(f, x):
        """Every row of yours is the last one. x.grad, kept itself and zeroed in place, is the same
        tensor each time: keep a clone, or set x.grad = None. A function made in a loop looks i up
        when it is called: bind it early, i=i."""
        return _jacobian(f, x)[-1].expand(len(f(x)), -1)

    def last_row_only(f, x):
        """You returned the last row and no other. Every round of the loop gave the name another
        value: append each row to a list, and stack the list."""
        return _jacobian(f, x)[-1]

    def first_row_alone(f, x):
        """You returned the first row as a vector. Go on to the other outputs, and stack the rows:
        the answer has shape (m, n)."""
        return _jacobian(f, x)[0]

    def sum_alone(f, x):
        """You returned one vector, the sum of all rows: the gradient of y.sum(). Differentiate each
        y[i] alone, and stack the m gradients."""
        return _jacobian(f, x).sum(0)

    def sum_on_a_diagonal(f, x):
        """You ran one pass, from the sum of y, and put what it gave on a diagonal, or into every
        row where m is not n. That is the Jacobian only if y[i] depends on x[i] alone. Differentiate
        each y[i] alone, and stack the m gradients."""
        rows = _jacobian(f, x)
        square = len(rows) == len(x)
        return torch.diag(rows.sum(0)) if square else JacobianRowsKey.sum_of_rows(f, x)

    def sum_on_the_diagonal_of_zeros(f, x):
        """You ran one pass, from the sum of y, and put what it gave on the diagonal of a matrix of
        zeros. That is the Jacobian only if y[i] depends on x[i] alone. Differentiate each y[i]
        alone, and stack the m gradients."""
        rows = _jacobian(f, x)
        return rows.sum(0) * torch.eye(*rows.shape, dtype=x.dtype, device=x.device)

    def others_set_to_zero(f, x):
        """You kept the derivative of y[i] with respect to x[i], and set all others to 0. Every
        output may depend on every input: keep the whole row."""
        rows = _jacobian(f, x)
        return rows * torch.eye(*rows.shape, dtype=x.dtype, device=x.device)

    def diagonal_only(f, x):
        """You kept the diagonal: the derivative of y[i] with respect to x[i]. Every output may
        depend on every input, so a row has n entries."""
        return _jacobian(f, x).diagonal()

    def averaged_rows(f, x):
        """You divided by m. Row i is the gradient of y[i] itself, not of a mean."""
        return _jacobian(f, x) / len(f(x))

    def scaled_by_outputs(f, x):
        """Each row is multiplied by its output y[i], as in passes that start from y. Start row i
        from 1 at y[i], or from the unit vector i."""
        return _jacobian(f, x) * f(x)[:, None]

    def flattened(f, x):
        """Your answer has the right numbers in one dimension. torch.stack keeps the rows apart,
        torch.cat puts them one behind the other."""
        return _jacobian(f, x).flatten()

    def list_of_rows(f, x):
        """You returned the rows as a list. Put them together: torch.stack(rows) has shape
        (m, n)."""
        return list(_jacobian(f, x))

    @raises(r"index \d+ is out of bounds|out of range")
    def rows_counted_by_inputs(f, x):
        """You ran over the n inputs and asked y for as many entries. y has m: one row for each
        entry of f(x)."""
        x = x.clone().requires_grad_()
        y = f(x)
        rows = [torch.autograd.grad(y[i], x, retain_graph=True)[0] for i in range(len(x))]
        return torch.stack(rows)

    @raises(r"Mismatch in shape: grad_output\[0\] has a shape of torch\.Size\(\[\d+\]\)")
    def start_of_the_wrong_length(f, x):
        """You started a pass from a vector with one entry for each input. It needs one for each of
        the m outputs: row i starts from the unit vector i of length m, or from y[i] alone."""
        x = x.clone().requires_grad_()
        y = f(x)
        starts = torch.eye(len(x), dtype=x.dtype, device=x.device)
        return torch.stack([torch.autograd.grad(y, x, e, retain_graph=True)[0] for e in starts])

    @raises(r"grad can be implicitly created only for scalar outputs")
    def backward_on_vector(f, x):
        """You started a pass from all of y. Without an argument it starts from 1, which only a
        single element allows: take y[i], one after the other."""
        x = x.clone().requires_grad_()
        f(x).backward()
        return x.grad

    @raises(r"backward through the graph a second time")
    def graph_freed(f, x):
        """The backward pass of one row freed what the graph saved, and the next row needs it. Pass
        retain_graph=True for every row but the last."""
        x = x.clone().requires_grad_()
        y = f(x)
        return torch.stack([torch.autograd.grad(y[i], x)[0] for i in range(len(y))])


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


class SecondDerivativeKey(Key, task="second_derivative"):
    families = (*first_of_rows(lambda f, x: _hessian(f, x).diagonal(), "entry"),)

    def reference(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        return _hessian(f, x).diagonal()

    def others_set_to_zero(f, x):
        """For entry i you set the other entries of x to 0. The second derivative is taken at x
        itself, where f may mix them: only the differentiation is with respect to x[i] alone."""
        places = [torch.where(torch.arange(len(x)) == i, x, 0) for i in range(len(x))]
        return torch.stack([_hessian(f, place)[i, i] for i, place in enumerate(places)])

    def gradient_squared(f, x):
        """You squared the gradient. The second derivative is the derivative of the gradient:
        differentiate it once more."""
        return _gradient(f, x).square()

    def eigenvalues(f, x):
        """You returned the eigenvalues of the Hessian. They are its diagonal only if f does not mix
        the entries of x: take diagonal() of it."""
        return torch.linalg.eigvalsh(_hessian(f, x))

    def both_added(f, x):
        """Your answer is the first derivative plus the second, as x.grad is where both passes add
        to it. The second alone is asked for: use torch.autograd.grad, or set x.grad = None in
        between."""
        return _gradient(f, x) + _hessian(f, x).diagonal()

    def sums_and_gradient_added(f, x):
        """Your answer is the gradient plus the sums of the Hessian's rows: several passes added to
        x.grad. Either the second started from g.sum(), or you kept x.grad[i], which is part of
        x.grad and changes with it. Differentiate each g[i] alone, with torch.autograd.grad."""
        return _gradient(f, x) + _hessian(f, x).sum(1)

    def absolute_row_sums(f, x):
        """You added up the absolute values in each row of the Hessian. Entry i of row i alone is
        asked for, with its sign."""
        return _hessian(f, x).abs().sum(1)

    def lengths_of_rows(f, x):
        """You took the length of each row of the Hessian. Entry i of row i alone is asked for."""
        return _hessian(f, x).norm(dim=1)

    def times_x(f, x):
        """You multiplied the Hessian by x. Entry i is the derivative of g[i] with respect to x[i]
        alone: start the pass from one g[i] at a time."""
        return _hessian(f, x) @ x

    def times_gradient(f, x):
        """You multiplied the Hessian by the gradient: the second pass started from g itself. Start
        it from one g[i] at a time."""
        return _hessian(f, x) @ _gradient(f, x)

    def last_row(f, x):
        """You returned the last row of the Hessian. Keep entry i of row i. Either a name was given
        a new row in every round, or you kept x.grad[i], which is part of x.grad: emptying that in
        place and filling it again changes what you kept. Use torch.autograd.grad."""
        return _hessian(f, x)[-1]

    def first_row(f, x):
        """You returned the first row of the Hessian. Go on to the others, and keep entry i of row
        i."""
        return _hessian(f, x)[0]

    def rows_added_up(f, x):
        """Your entries contain the rows before them, as x.grad does where it is not emptied between
        the passes. Use torch.autograd.grad for one g[i] at a time, or set x.grad = None before
        each."""
        return _hessian(f, x).cumsum(0).diagonal()

    def trace(f, x):
        """You added the diagonal up. Leave its n entries apart."""
        return _hessian(f, x).diagonal().sum()

    def diagonal_matrix(f, x):
        """You returned a matrix. The diagonal has shape (n,): n numbers."""
        return torch.diag(_hessian(f, x).diagonal())

    def halved(f, x):
        """Your answer is half of the right one. The second derivative has no factor 1/2; that
        stands in front of it in a Taylor series."""
        return _hessian(f, x).diagonal() / 2

    def list_of_numbers(f, x):
        """You returned a list. Put the numbers together: torch.stack(entries) has shape (n,)."""
        return list(_hessian(f, x).diagonal())

    @raises(r"backward through the graph a second time")
    def graph_freed(f, x):
        """The pass for one entry freed what the next one needs. Pass retain_graph=True to every
        call but the last."""
        x = x.clone().requires_grad_()
        (g,) = torch.autograd.grad(f(x), x, create_graph=True)
        return torch.stack([torch.autograd.grad(g[i], x)[0][i] for i in range(len(x))])

    @raises(r"grad can be implicitly created only for scalar outputs")
    def pass_from_a_vector(f, x):
        """You started the second pass from the whole gradient. Without an argument a pass starts
        from one number: take g[i], one after the other."""
        x = x.clone().requires_grad_()
        (g,) = torch.autograd.grad(f(x), x, create_graph=True)
        return torch.autograd.grad(g, x)[0]

    def sum_of_row(f, x):
        """You returned the sums of the Hessian's rows, the gradient of g.sum(). That equals the
        diagonal only if f does not mix the entries of x. Of the derivatives of g[i] keep entry i,
        without adding the others; x.grad[i] does not stay as it is, since later passes add."""
        return _hessian(f, x).sum(1)

    def first_derivative(f, x):
        """You returned the gradient, the first derivative. Differentiate it once more."""
        x = x.clone().requires_grad_()
        return torch.autograd.grad(f(x), x)[0]

    def full_hessian(f, x):
        """You returned the whole Hessian, of shape (n, n). Only its diagonal is asked for."""
        return _hessian(f, x)

    @raises(r"does not require grad and does not have a grad_fn")
    def create_graph_missing(f, x):
        """You differentiate something that was not recorded. Is it f(x)? Then x must require grad
        before you call f. Is it the first gradient? Pass create_graph=True to the first call of
        grad or backward, and do not detach what it gives."""
        x = x.clone().requires_grad_()
        (g,) = torch.autograd.grad(f(x), x)
        return torch.stack([torch.autograd.grad(entry, x)[0] for entry in g])


def _gradient(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    x = x.clone().requires_grad_()
    return torch.autograd.grad(f(x), x)[0]


def _hessian(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    x = x.clone().requires_grad_()
    (g,) = torch.autograd.grad(f(x), x, create_graph=True)
    rows = [torch.autograd.grad(g[i], x, retain_graph=True)[0] for i in range(len(x))]
    return torch.stack(rows)
