"""References and mistakes of the exercises on backward passes."""

from collections.abc import Callable

import torch
from torch import Tensor

from grader.trusted.key import Key, raises


class VjpVectorKey(Key, task="vjp_vector"):
    def reference(x: Tensor, v: Tensor) -> Tensor:
        x = x.clone().requires_grad_()
        (grad,) = torch.autograd.grad(x**3, x, grad_outputs=v)
        return grad

    def started_from_ones(x):
        """You started backward from ones, so every entry of y counts alike. Start from v."""
        return 3 * x**2

    def summed_v(x, v):
        """You added v up to one number first. Each entry of y has its own weight: v[i] belongs to
        y[i]."""
        return 3 * x**2 * v.sum()

    def forgot_chain(x, v):
        """You returned v times x**3, the weighted values. The gradient has the derivative 3*x**2
        in its place."""
        return v * x**3

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
    reference = _jacobian

    def transposed(f, x):
        """You returned the transpose, of shape (n, m). Row i belongs to output i, column j to
        input j."""
        return _jacobian(f, x).T

    def accumulated_rows(f, x):
        """Each of your rows contains all rows before it: x.grad was not cleared between the
        backward passes. Set x.grad = None before each, or use torch.autograd.grad."""
        return _jacobian(f, x).cumsum(0)

    def sum_of_rows(f, x):
        """Every row of yours is the sum of all rows. Either you differentiated y.sum(), or you
        kept x.grad itself for each row, one tensor that every pass added to."""
        return _jacobian(f, x).sum(0).expand(len(f(x)), -1)

    def last_row_everywhere(f, x):
        """Every row of yours is the last one. You kept x.grad itself and zeroed it in place: that
        is the same tensor each time. Keep a clone, or set x.grad = None."""
        return _jacobian(f, x)[-1].expand(len(f(x)), -1)

    @raises(r"backward through the graph a second time")
    def graph_freed(f, x):
        """The first row's backward pass freed what the graph saved, and the second row needs it.
        Pass retain_graph=True."""
        x = x.clone().requires_grad_()
        y = f(x)
        return torch.stack([torch.autograd.grad(y[i], x)[0] for i in range(len(y))])


class TwoHeadsKey(Key, task="two_heads"):
    def reference(a: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        a = a.clone().requires_grad_()
        c = 2 * a**2
        (g_mean,) = torch.autograd.grad(c.mean(), a, retain_graph=True)
        (g_sum,) = torch.autograd.grad(c.sum(), a)
        return g_mean, g_sum, g_mean + g_sum

    def not_cleared(a):
        """Your g_sum is the gradient of d + e: a.grad still held the first gradient when the
        second was added. Set a.grad = None in between."""
        return 4 * a / a.numel(), 4 * a / a.numel() + 4 * a, 4 * a / a.numel() + 4 * a

    def total_is_last_head(a):
        """Your g_total is the gradient of e alone. backward adds to a.grad, it does not replace
        it: after both passes a.grad is the sum."""
        return 4 * a / a.numel(), 4 * a, 4 * a

    def kept_a_grad_itself(a):
        """Your g_mean turned into g_sum. You kept a.grad itself and zeroed it in place, so the
        second pass wrote into the tensor you had kept. Keep a clone, or set a.grad = None."""
        return 4 * a, 4 * a, 4 * a / a.numel() + 4 * a

    def everything_is_total(a):
        """All three of yours are the total. You kept a.grad itself each time: it is one tensor,
        and the second pass added to it."""
        total = 4 * a / a.numel() + 4 * a
        return total, total.clone(), total.clone()

    @raises(r"backward through the graph a second time")
    def retain_graph_missing(a):
        """The first backward freed what the shared part of the graph saved, and the second needs
        it. Pass retain_graph=True to the first."""
        a = a.clone().requires_grad_()
        c = 2 * a**2
        c.mean().backward()
        c.sum().backward()
        raise AssertionError("the second pass raises")


class SecondDerivativeKey(Key, task="second_derivative"):
    def reference(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        return _hessian(f, x).diagonal()

    def sum_of_row(f, x):
        """You returned the sums of the Hessian's rows, the gradient of g.sum(). That equals the
        diagonal only if f does not mix the entries of x: differentiate each g[i] alone."""
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
        """The first gradient has no grad_fn, so it cannot be differentiated again. Pass
        create_graph=True to the first call of grad or backward."""
        x = x.clone().requires_grad_()
        (g,) = torch.autograd.grad(f(x), x)
        return torch.stack([torch.autograd.grad(entry, x)[0] for entry in g])


def _hessian(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    x = x.clone().requires_grad_()
    (g,) = torch.autograd.grad(f(x), x, create_graph=True)
    rows = [torch.autograd.grad(g[i], x, retain_graph=True)[0] for i in range(len(x))]
    return torch.stack(rows)
