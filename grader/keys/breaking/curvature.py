"""References and mistakes of the exercises on second derivatives."""

from __future__ import annotations

import functools
import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from grader.trusted.families.parts import exchanged_parts
from grader.trusted.key import Key, mistake, raises

Scalar = Callable[[Tensor], Tensor]


def _recorded(f: Scalar, x: Tensor) -> tuple[Tensor, Tensor]:
    """A leaf at x, and the gradient there as a function of it."""
    z = x.detach().clone().requires_grad_()
    (g,) = torch.autograd.grad(f(z), z, create_graph=True)
    return z, g


def _hvp(f: Scalar, x: Tensor, v: Tensor) -> Tensor:
    """The gradient of the slope along v; the term that is 0 ties it to x."""
    z, g = _recorded(f, x)
    slope = (g * v.detach()).sum() + 0 * z.sum()
    return torch.autograd.grad(slope, z)[0].detach()


def _grad(f: Scalar, x: Tensor) -> Tensor:
    return _recorded(f, x)[1].detach()


def _of_v_itself(*wrongs: Callable[..., Tensor]) -> Iterator[Callable[..., Tensor]]:
    """The same mistakes with v as it is given, which may require grad."""

    def made(wrong: Callable[..., Tensor], f: Scalar, x: Tensor, v: Tensor) -> Tensor:
        return wrong(f, x, v).requires_grad_(v.requires_grad)

    for one in wrongs:
        wrong = functools.partial(made, one)
        yield mistake(f"{one.__name__}_of_v_itself", one.__doc__ or "", wrong)


def gradient_times_v(f, x, v):
    """You returned the gradient times v, entry by entry. Differentiate it once more: H v is the
    gradient of its sum."""
    return _grad(f, x) * v.detach()


def slope_along_v(f, x, v):
    """You returned the scalar product of the gradient and v, the slope of f along v. H v is the
    gradient of that."""
    return (_grad(f, x) * v.detach()).sum()


def curvature_along_v(f, x, v):
    """You returned v H v, one number. H v has one number for each entry of x: leave out the last
    product with v."""
    return (v.detach() * _hvp(f, x, v)).sum()


def v_squared(f, x, v):
    """You multiplied by v once more at the end. The second pass has used it already."""
    return v.detach() * _hvp(f, x, v)


def outer_product(f, x, v):
    """You multiplied the gradient by its product with v. That is another matrix, of products of
    first derivatives: differentiate the product of gradient and v."""
    g = _grad(f, x)
    return g * (g * v.detach()).sum()


def rows_added_up(f, x, v):
    """You added up the rows of H, by differentiating the sum of the gradient, and multiplied by v
    behind that. v belongs into the second pass: into the sum, or as what it starts with."""
    return _hvp(f, x, torch.ones_like(v)) * v.detach()


_WITH_V = (
    gradient_times_v,
    slope_along_v,
    curvature_along_v,
    v_squared,
    outer_product,
    rows_added_up,
)


def _by_differences() -> Iterator[Callable[..., Tensor]]:
    """The difference of the gradients at two points, divided by a step that is large."""
    for step, sides in itertools.product((1.0, 0.5, 0.1, 0.05, 0.01), (1, 2)):

        def wrong(
            f: Scalar, x: Tensor, v: Tensor, step: float = step, sides: int = sides
        ) -> Tensor:
            behind = x - step * v if sides == 2 else x
            return (_grad(f, x + step * v) - _grad(f, behind)) / (sides * step)

        yield mistake(
            f"difference_{sides}_{step}".replace(".", "_"),
            "You divided the difference of two gradients by a step. That is close to H v if the "
            "step is small, and not it. autograd gives the product itself: start a second pass "
            "at the gradient with v.",
            wrong,
        )


def _hessian(f: Scalar, x: Tensor) -> Tensor:
    """H as a matrix."""
    units = torch.eye(x.numel(), dtype=x.dtype, device=x.device).view(-1, *x.shape)
    return torch.stack([_hvp(f, x, unit).flatten() for unit in units])


class HvpKey(Key, task="hvp"):
    def reference(f: Scalar, x: Tensor, v: Tensor) -> Tensor:
        return _hvp(f, x, v)

    families = (*_WITH_V, *_of_v_itself(*_WITH_V), *_by_differences())
    sentences: ClassVar = {
        "FACT.close": "{path} is within 1 % of the right answer in size, and is not it: so is a "
        "difference of two gradients, divided by a step. autograd gives the product itself: start "
        "a second pass at the gradient with v.",
    }

    def gradient(f, x):
        """You returned the gradient of f. H v is the gradient of the product of that with v."""
        return _grad(f, x)

    def gradient_of_the_pair(f, x, v):
        """You returned the gradient. torch.func.jvp gives a pair, of the function's value, which is
        the gradient here, and of its derivative along v: take the second."""
        return torch.func.jvp(torch.func.grad(f), (x.detach(),), (v.detach(),))[0]

    def v_left_out(f, x, v):
        """You multiplied H by ones: v is not used. Start the second pass at the gradient with v, or
        at the sum of gradient times v."""
        return _hvp(f, x, torch.ones_like(v))

    def diagonal_alone(f, x, v):
        """You multiplied the diagonal of H by v. H has entries beside the diagonal, where f ties
        entries of x to one another."""
        return _hessian(f, x).diagonal().view_as(x) * v.detach()

    def half(f, x, v):
        """You took half of H v. The half belongs to Taylor's formula, and not to H."""
        return _hvp(f, x, v) / 2

    def both_passes_in_grad(f, x, v):
        """Your result is the gradient plus H v, as two backward passes leave it in .grad, where
        they add to each other. H v alone is asked for: use torch.autograd.grad for both."""
        z = x.detach().clone().requires_grad_()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            f(z).backward(create_graph=True)
        if not z.grad.requires_grad:
            return torch.zeros_like(x)
        (z.grad * v.detach()).sum().backward()
        found, z.grad = z.grad.detach(), None
        return found

    def errors_hidden(f, x, v):
        """You caught a RuntimeError and returned zeros. Where a node has no derivative of its own
        torch raises one too, and there H need not be 0. Ask g.requires_grad,
        pass materialize_grads=True, and let errors pass."""
        try:
            return _hvp(f, x, v)
        except RuntimeError:
            return torch.zeros_like(x)

    @raises("does not require grad and does not have a grad_fn|not have been used in the graph")
    def graph_not_recorded(f, x, v):
        """A pass finds no graph that leads to the tensor it differentiates by. The first one goes
        from f of that very tensor, and needs create_graph=True: retain_graph keeps the old graph
        and records nothing new. And what it gives must not be detached."""
        z = x.detach().clone().requires_grad_()
        (g,) = torch.autograd.grad(f(z), z)
        return torch.autograd.grad(g, z, v)[0]

    @raises("does not require grad and does not have a grad_fn|not have been used in the graph")
    def constant_gradient_refused(f, x, v):
        """The gradient of a linear f does not depend on x: it has no graph, or one that leads to
        the weights of f alone, and a second pass refuses both. H is 0 there: ask g.requires_grad,
        and pass materialize_grads=True."""
        z, g = _recorded(f, x)
        return torch.autograd.grad(g, z, v)[0]

    @raises("does not require grad and does not have a grad_fn")
    def linear_f_refused(f, x, v):
        """The gradient of a linear f is a constant: it has no graph, and a second pass refuses it.
        H is 0 there: ask g.requires_grad before you go on."""
        z, g = _recorded(f, x)
        return torch.autograd.grad(g, z, v, materialize_grads=True)[0]

    @raises("appears to not have been used in the graph")
    def learned_f_refused(f, x, v):
        """The gradient has a graph that x is not in: f is linear, and its weights learn. H is 0
        there: pass allow_unused=True, and return zeros for None."""
        z, g = _recorded(f, x)
        if not g.requires_grad:
            return torch.zeros_like(x)
        return torch.autograd.grad(g, z, v)[0]

    def none_for_zero(f, x, v):
        """You returned None where H is 0. That is zeros in x's shape: materialize_grads=True puts
        them in the place of None."""
        found = _hvp(f, x, v)
        return found if bool(found.any()) else None

    @raises(
        "shapes? cannot be multiplied|size mismatch|inconsistent tensor|must match the size"
        "|at least 1D|Expected size for"
    )
    def matrix_product_of_tensors(f, x, v):
        """You multiplied H by v as if x were a vector. x may have more dimensions, and H then has
        twice as many: use passes in the place of H, or flatten."""
        return _hessian(f, x) @ v

    @raises(
        "cannot be multiplied|size mismatch|at least 1D|1D tensors expected|for scalar outputs"
        "|must match the size|Expected size for"
    )
    def product_of_vectors(f, x, v):
        """You multiplied gradient and v by @, or by torch.dot. That gives their scalar product for
        tensors of one dimension alone, and x may have any shape: write (g * v).sum()."""
        z, g = _recorded(f, x)
        if not g.requires_grad:
            return torch.zeros_like(x)
        return torch.autograd.grad(g @ v.detach(), z, materialize_grads=True)[0]

    def hessian_made(f, x, v):
        """The product is right, and you made all of H: as many passes as x has entries. A pass
        from the gradient with v gives the product at once."""
        return (_hessian(f, x) @ v.detach().flatten()).view_as(x)

    def hessian_made_by_torch(f, x, v):
        """The product is right, and you made all of H: as many passes as x has entries. A pass
        from the gradient with v gives the product at once."""
        matrix = torch.autograd.functional.hessian(f, x.detach()).reshape(x.numel(), x.numel())
        return (matrix @ v.detach().flatten()).view_as(x)

    def graph_kept(f, x, v):
        """The product is right, and it still requires grad: it holds the graph of both passes.
        Leave create_graph out of the second one, work on a leaf of your own, or detach the
        result."""
        return _hvp(f, x, v).requires_grad_()

    def x_made_to_require_grad(f, x, v):
        """You made the caller's x require grad. Work on a leaf of your own:
        x.detach().requires_grad_()."""
        x.requires_grad_()
        return _hvp(f, x, v)

    def grad_left_on_x(f, x, v):
        """You left a gradient in x.grad, or added to one that was there: backward() does. Work on a
        leaf of your own, or use torch.autograd.grad."""
        x.requires_grad_().grad = _grad(f, x)
        return _hvp(f, x, v)


def _places(net: nn.Module) -> Iterator[nn.Module]:
    """The layers of a Sequential in the order in which they run, each as often as it stands
    there."""
    for part in net if isinstance(net, nn.Sequential) else ():
        yield part
        yield from _places(part)


def _by_layers(
    net: nn.Module,
    x: Tensor,
    slope: Callable[[nn.Module, Tensor], Tensor],
    again: bool = True,
) -> tuple[Tensor, Tensor]:
    """The straight map that is carried from layer to layer, with a slope for each activation;
    `again` says that an activation counts wherever it stands."""
    w, b = torch.eye(len(x), dtype=x.dtype, device=x.device), torch.zeros_like(x)
    for part in _places(net) if again else net.modules():
        if isinstance(part, nn.Linear):
            w, b = part.weight.detach() @ w, part.weight.detach() @ b
            b = b if part.bias is None else b + part.bias.detach()
        elif isinstance(part, nn.ReLU | nn.LeakyReLU):
            steep = slope(part, w @ x.detach() + b)
            w, b = steep[:, None] * w, steep * b
    return w, b


def _steep(h: Tensor, low: float) -> Tensor:
    """1 where h is above 0, and `low` elsewhere, in h's dtype."""
    return torch.where(h > 0, torch.ones_like(h), torch.full_like(h, low))


def _of_one_slope(part: nn.Module, h: Tensor) -> Tensor:
    """The slopes of an activation, if those of every LeakyReLU were torch's default."""
    return _steep(h, 0.01 if isinstance(part, nn.LeakyReLU) else 0.0)


def _own_slope(part: nn.Module, h: Tensor) -> Tensor:
    """The slopes of an activation, each by itself."""
    return _steep(h, getattr(part, "negative_slope", 0.0))


def _of_the_first(
    net: nn.Module, part: nn.Module, h: Tensor, which: int = 0, relu: bool = False
) -> Tensor:
    """The slopes of an activation, if one LeakyReLU of the net lent its own to all: to ReLUs as
    well, if `relu` says so."""
    lent = [one.negative_slope for one in net.modules() if isinstance(one, nn.LeakyReLU)]
    takes = relu or isinstance(part, nn.LeakyReLU)
    return _steep(h, lent[which] if lent and takes else 0.0)


class StraightSlopeKey(Key, task="straight_slope"):
    def reference(net: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
        point = x.detach().clone().requires_grad_()
        y = net(point)
        w = torch.stack([torch.autograd.grad(out, point, retain_graph=True)[0] for out in y])
        return w, y.detach() - w @ point.detach()

    families = (*exchanged_parts(reference, "W", "b"),)

    def transposed(net, x):
        """Your W is transposed: entry [i, j] is the derivative of output i by input j, so that W
        has shape (m, n)."""
        w, b = StraightSlopeKey.reference(net, x)
        return w.T, b

    def rows_added(net, x):
        """Your W is the gradient of the sum of all outputs: its rows are added up. Every output
        has a row of its own, from a pass of its own."""
        w, b = StraightSlopeKey.reference(net, x)
        return w.sum(0), b

    def rows_running_on(net, x):
        """Every row of your W holds the sum of those before it as well, as where backward() adds to
        .grad. Begin anew with each row: take what torch.autograd.grad returns for it alone, or
        empty .grad before."""
        w, b = StraightSlopeKey.reference(net, x)
        return w.cumsum(0), b

    def activations_left_out(net, x):
        """You multiplied the weights of all layers, as if there were no activation between them.
        Where an activation is 0, or less steep, its column counts less: let autograd see the net at
        x."""
        product = torch.eye(len(x), dtype=x.dtype, device=x.device)
        for layer in _linears(net):
            product = layer.weight.detach() @ product
        return product, net(x).detach() - product @ x.detach()

    def columns_from_zero(net, x):
        """You took net(e) - net(0) for a column, with a unit vector e. These points may lie on
        other pieces of the net: W belongs to the map near x, and is the Jacobian there."""
        zero = torch.zeros_like(x)
        units = torch.eye(len(x), dtype=x.dtype, device=x.device)
        w = torch.stack([(net(unit) - net(zero)).detach() for unit in units], 1)
        return w, net(x.detach()).detach() - w @ x.detach()

    def value_for_b(net, x):
        """Your b is net(x). The straight map gives that at x itself, W x included: take W x off."""
        w, _ = StraightSlopeKey.reference(net, x)
        return w, net(x.detach()).detach()

    @raises("must match the size of tensor")
    def entries_multiplied_for_b(net, x):
        """You multiplied W by x entry by entry. b is net(x) minus the product of matrix and vector:
        W @ x."""
        w, _ = StraightSlopeKey.reference(net, x)
        return w, net(x.detach()).detach() - w * x.detach()

    def value_at_zero_for_b(net, x):
        """Your b is net(0). 0 may lie on other pieces of the net: b belongs to the map near x. It
        is net(x) - W x."""
        w, _ = StraightSlopeKey.reference(net, x)
        return w, net(torch.zeros_like(x)).detach()

    def last_bias_for_b(net, x):
        """Your b is the bias of the last layer. The biases of the layers before it come through the
        weights as well: b is net(x) - W x."""
        w, b = StraightSlopeKey.reference(net, x)
        bias = _linears(net)[-1].bias
        return w, torch.zeros_like(b) if bias is None else bias.detach().clone()

    def added_for_b(net, x):
        """Your b is net(x) + W x: the sign is wrong. W x + b is to be net(x)."""
        w, b = StraightSlopeKey.reference(net, x)
        return w, b + 2 * w @ x.detach()

    def slope_at_zero(net, x):
        """You took the derivatives at 0. They are others there: the activations are on at other
        places. Take them at x."""
        return StraightSlopeKey.reference(net, torch.zeros_like(x))

    def slope_at_zero_for_w(net, x):
        """Your W holds the derivatives at 0. They are others there: the activations are on at other
        places. Take them at x."""
        w, _ = StraightSlopeKey.reference(net, torch.zeros_like(x))
        return w, net(x).detach() - w @ x.detach()

    def activations_left_out_of_both(net, x):
        """You carried weights and biases through the layers, as if there were no activation between
        them. Where an activation is 0, or less steep, its column counts less: let autograd see the
        net at x."""
        return _by_layers(net, x, lambda part, h: torch.ones_like(h))

    def every_activation_a_relu(net, x):
        """You took every activation for a ReLU. Below 0 a LeakyReLU is less steep, and not 0: let
        autograd see the net at x."""
        return _by_layers(net, x, lambda part, h: (h > 0).to(h))

    def every_activation_a_relu_for_w(net, x):
        """In W you took every activation for a ReLU. Below 0 a LeakyReLU is less steep, and not 0:
        let autograd see the net at x."""
        w, _ = _by_layers(net, x, lambda part, h: (h > 0).to(h))
        return w, net(x).detach() - w @ x.detach()

    def differences_of_whole_steps(net, x):
        """You took differences over steps of 1. That far from x other activations may be on: let
        autograd see the net at x."""
        with torch.no_grad():
            units = torch.eye(len(x), dtype=x.dtype, device=x.device)
            w = torch.stack([net(x + unit) - net(x) for unit in units], 1)
            return w, net(x) - w @ x

    def one_slope_for_every_leaky(net, x):
        """You took 0.01 for the slope of every LeakyReLU. Each has its own, negative_slope: let
        autograd see the net at x."""
        return _by_layers(net, x, _of_one_slope)

    def one_slope_for_every_leaky_for_w(net, x):
        """In W you took 0.01 for the slope of every LeakyReLU. Each has its own, negative_slope:
        let autograd see the net at x."""
        w, _ = _by_layers(net, x, _of_one_slope)
        return w, net(x).detach() - w @ x.detach()

    def first_slope_for_every_leaky(net, x):
        """You took the slope of the first LeakyReLU for all. Each has its own, negative_slope: let
        autograd see the net at x."""
        return _by_layers(net, x, functools.partial(_of_the_first, net))

    def last_slope_for_every_leaky(net, x):
        """You took the slope of the last LeakyReLU for all. Each has its own, negative_slope: let
        autograd see the net at x."""
        return _by_layers(net, x, functools.partial(_of_the_first, net, which=-1))

    def every_activation_leaky(net, x):
        """You took every activation for a LeakyReLU, where the net has one. Below 0 the slope of a
        ReLU is 0: let autograd see the net at x."""
        return _by_layers(net, x, functools.partial(_of_the_first, net, relu=True))

    def modules_met_once(net, x):
        """You went through net.modules(), or children(), which list an object once. An activation
        may stand in several places of a net, and counts in each: let autograd see the net at x."""
        return _by_layers(net, x, _own_slope, again=False)

    def row_sums_for_b(net, x):
        """In b you took off the sums of W's rows. What is taken off is W x: multiply by x first."""
        w, _ = StraightSlopeKey.reference(net, x)
        return w, net(x).detach() - w.sum(1)

    def slope_at_ones(net, x):
        """You took the derivatives at a point of ones. The activations are on at other places
        there. Take them at x."""
        w, _ = StraightSlopeKey.reference(net, torch.ones_like(x))
        return w, net(x).detach() - w @ x.detach()

    def w_requires_grad(net, x):
        """The numbers are right, and something of them still requires grad. Detach W, and b."""
        w, b = StraightSlopeKey.reference(net, x)
        return w.requires_grad_(), b.requires_grad_()

    def b_requires_grad(net, x):
        """The numbers are right, and b still requires grad: it comes from the parameters. Detach
        it, or compute it under no_grad()."""
        w, b = StraightSlopeKey.reference(net, x)
        return w, b.requires_grad_()

    def w_alone(net, x):
        """You returned W alone. Return the pair (W, b)."""
        return StraightSlopeKey.reference(net, x)[0]

    def grads_of_the_net(net, x):
        """Your passes left gradients in .grad of the net's parameters, or added to what was there:
        backward() does. torch.autograd.grad towards x does not."""
        net(x.detach()).sum().backward()
        return StraightSlopeKey.reference(net, x)

    def grads_of_the_net_emptied(net, x):
        """You emptied .grad of the net's parameters. What lies there belongs to whoever trains the
        net: leave it."""
        net.zero_grad()
        return StraightSlopeKey.reference(net, x)

    def net_frozen(net, x):
        """You made the parameters of the net not require grad, and left them so. torch.func.jacrev
        takes the derivative by x alone."""
        net.requires_grad_(False)
        return StraightSlopeKey.reference(net, x)

    def put_into_train_mode(net, x):
        """You called train(), and a part of the net that was in eval mode is in train mode now.
        Leave the modes as they are."""
        net.train()
        return StraightSlopeKey.reference(net, x)

    def left_in_eval_mode(net, x):
        """You put the net into eval mode and left it there. Leave the modes as they are."""
        net.eval()
        return StraightSlopeKey.reference(net, x)

    def x_made_to_require_grad(net, x):
        """You made the caller's x require grad. Work on a leaf of your own:
        x.detach().requires_grad_()."""
        x.requires_grad_()
        return StraightSlopeKey.reference(net, x)


def _linears(net: Any) -> list[nn.Linear]:
    return [part for part in net.modules() if isinstance(part, nn.Linear)]
