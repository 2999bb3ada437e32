"""References and mistakes of the exercises on derivatives that take several passes."""

from collections.abc import Callable

import torch
from torch import Tensor

from grader.trusted.families.loops import first_of_rows
from grader.trusted.key import Key, raises


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
