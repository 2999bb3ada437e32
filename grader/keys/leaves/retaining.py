"""Reference and mistakes of the exercise on a gradient that is not kept."""

from collections.abc import Callable

import torch
from torch import Tensor

from grader.trusted.key import Key, raises

Function = Callable[[Tensor], Tensor]


Pair = tuple[Tensor | None, Tensor | None]


def _both(f1: Function, x: Tensor) -> tuple[Tensor, Tensor]:
    """A fresh leaf with the values of x, and f1 of it."""
    x = x.detach().clone().requires_grad_()
    return x, f1(x)


class GradOfIntermediateKey(Key, task="grad_of_intermediate"):
    def reference(f1: Function, f2: Function, x: Tensor) -> Pair:
        x, z = _both(f1, x)
        dz, dx = torch.autograd.grad(f2(z).sum(), (z, x))
        return dz, dx

    def not_retained(f1, f2, x):
        """dz is None: z is no leaf, and a pass keeps its gradient only if z.retain_grad() was
        called before, on the very z that y is computed from: a second call of f1 makes another.
        After the pass it is too late, and retain_graph=True keeps saved tensors, not gradients."""
        x, z = _both(f1, x)
        f2(z).sum().backward()
        return (z.grad if z.is_leaf else None), x.grad

    def cut_at_z(f1, f2, x):
        """dx is None, and dz is right: the pass does not end at the x that you read. Either z was
        detached, and nothing leads on from it: call z.retain_grad() instead. Or z was made from a
        clone of x, whose .grad is another: give that one a name, and read its .grad."""
        x, z = _both(f1, x)
        z = z.detach().requires_grad_()
        f2(z).sum().backward()
        return z.grad, x.grad

    def dx_twice(f1, f2, x):
        """Both gradients of yours are dy/dx. The first of the pair is dy/dz."""
        _, dx = GradOfIntermediateKey.reference(f1, f2, x)
        return dx, dx

    def swapped(f1, f2, x):
        """You returned (dx, dz). The answer is the pair (dz, dx)."""
        dz, dx = GradOfIntermediateKey.reference(f1, f2, x)
        return dx, dz

    def local_dx(f1, f2, x):
        """Your dx is the derivative of z.sum(), which leaves f2 out. y reaches x through z: start
        the pass at y."""
        dz, _ = GradOfIntermediateKey.reference(f1, f2, x)
        x, z = _both(f1, x)
        return dz, torch.autograd.grad(z.sum(), x)[0]

    def dx_of_two_passes(f1, f2, x):
        """Your dx is twice the right one: two passes added to x.grad, or a hook of z returned more
        than it was given. Take both gradients from one pass, and let a hook return nothing."""
        dz, dx = GradOfIntermediateKey.reference(f1, f2, x)
        return dz, dx * 2

    def both_of_two_passes(f1, f2, x):
        """Both gradients are twice the right ones: two passes were added up in .grad, of z as of x,
        or y holds its sum twice. One pass from f2(z).sum() gives both."""
        dz, dx = GradOfIntermediateKey.reference(f1, f2, x)
        return dz * 2, dx * 2

    def added_where_z_is_x(f1, f2, x):
        """Your dx is twice the right one, and so is dz where f1 returns x itself: two passes added
        to x.grad. Take both gradients from one pass."""
        x, z = _both(f1, x)
        dz, dx = torch.autograd.grad(f2(z).sum(), (z, x))
        return dz * 2 if z is x else dz, dx * 2

    def dz_taken_for_dx(f1, f2, x):
        """Both gradients of yours are dy/dz. dy/dx is one step further: the pass goes on from z
        through f1 to x."""
        dz, _ = GradOfIntermediateKey.reference(f1, f2, x)
        return dz, dz

    def ones_for_dz(f1, f2, x):
        """Your dz is 1 everywhere, the derivative of a sum. y is the sum of f2(z): f2 has a
        derivative as well."""
        dz, dx = GradOfIntermediateKey.reference(f1, f2, x)
        return torch.ones_like(dz), dx

    def values_returned(f1, f2, x):
        """You returned the values z and y. Their gradients are asked for."""
        _, z = _both(f1, x)
        return z, f2(z).sum()

    def f2_left_out(f1, f2, x):
        """You started the pass from z.sum(), so f2 is left out of both gradients. y is the sum of
        f2(z)."""
        x, z = _both(f1, x)
        dz, dx = torch.autograd.grad(z.sum(), (z, x))
        return dz, dx

    @raises(r"does not require grad and does not have a grad_fn")
    def x_not_required(f1, f2, x):
        """Nothing was recorded, so that no pass can start from y. Call requires_grad_() on x, or on
        a detached clone, before you call f1, and call f1 and f2 outside of no_grad()."""
        return torch.autograd.grad(f2(f1(x)).sum(), x)

    @raises(r"can't retain_grad on Tensor that has requires_grad=False")
    def retained_without_a_graph(f1, f2, x):
        """You called retain_grad() on a z that does not require grad. x has to require grad before
        f1 is called; detach() and no_grad() would cut z off."""
        z = f1(x)
        z.retain_grad()
        return z, z

    def kept_for_y(f1, f2, x):
        """Your dz is one number, 1: you kept the gradient of y, where the pass starts. Call
        retain_grad() on z, and read z.grad."""
        _, dx = GradOfIntermediateKey.reference(f1, f2, x)
        return torch.ones_like(x.sum()), dx

    @raises(r"The size of tensor a \(\d+\) must match the size of tensor b")
    def multiplied_entry_by_entry(f1, f2, x):
        """You multiplied dy/dz by a derivative of z, entry by entry. z need not have the shape of
        x, and each of its entries may depend on all of x: the pass multiplies by the whole Jacobian
        of f1. Take both gradients from one pass that starts at y."""
        dz, _ = GradOfIntermediateKey.reference(f1, f2, x)
        x, z = _both(f1, x)
        return dz, dz * torch.autograd.grad(z.sum(), x)[0]

    def averaged(f1, f2, x):
        """You took the mean of f2(z). y is its sum."""
        x, z = _both(f1, x)
        return torch.autograd.grad(f2(z).mean(), (z, x))

    @raises(r"grad can be implicitly created only for scalar outputs")
    def sum_forgotten(f1, f2, x):
        """You called backward on f2(z), which has many entries. y is their sum: call .sum()
        first."""
        x, z = _both(f1, x)
        return torch.autograd.grad(f2(z), (z, x))

    @raises(r"backward through the graph a second time")
    def second_pass(f1, f2, x):
        """You ran two passes over one graph, and the first freed what the second needs. One pass
        gives both gradients: torch.autograd.grad(y, (z, x))."""
        x, z = _both(f1, x)
        y = f2(z).sum()
        return torch.autograd.grad(y, z)[0], torch.autograd.grad(y, x)[0]
