"""Reference and mistakes of the exercise on gradients of single samples."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from grader.tasks.loop.nets import Loss
from grader.trusted.families.losses import of_a_given_loss
from grader.trusted.key import Key, raises

Grads = list[Tensor]


def _learning(model: nn.Module) -> list[nn.Parameter]:
    return [p for p in model.parameters() if p.requires_grad]


def _grads(model: nn.Module, loss: Tensor, wanted: list[Any] | None = None) -> Grads:
    """The gradients of a loss with respect to what learns, zeros where it takes no part."""
    wanted = _learning(model) if wanted is None else wanted
    return list(torch.autograd.grad(loss, wanted, materialize_grads=True))


def _norm(grads: Grads) -> Tensor:
    return torch.stack([g.square().sum() for g in grads]).sum().sqrt()


def _each(model: nn.Module, loss_fn: Loss, x: Tensor, y: Tensor) -> list[Grads]:
    """The gradients of the loss of every row."""
    rows = range(len(x))
    return [_grads(model, loss_fn(model(x[i : i + 1]), y[i : i + 1])) for i in rows]


def _by(measure: Callable[[Grads], Tensor], *given: Any) -> Tensor:
    return torch.stack([measure(grads) for grads in _each(*given)])


class PerSampleNormsKey(Key, task="per_sample_norms"):
    def reference(model: nn.Module, loss_fn: Loss, x: Tensor, y: Tensor) -> Tensor:
        return _by(_norm, model, loss_fn, x, y)

    families = (*of_a_given_loss(reference, 1),)

    def small_number_under_the_root(model, loss_fn, x, y):
        """You added a small number under the root: a row without a gradient gets the root of that
        number. Its norm is 0, and nothing is divided here: leave it out."""
        return (PerSampleNormsKey.reference(model, loss_fn, x, y).square() + 1e-6).sqrt()

    def norm_of_the_batch(model, loss_fn, x, y):
        """Every row has the norm of the whole batch's gradient. After the mean is taken the
        gradients of the rows are added up already: differentiate the loss of one row at a time."""
        norm = _norm(_grads(model, loss_fn(model(x), y)))
        return norm.expand(len(x)).clone()

    def one_number(model, loss_fn, x, y):
        """You returned one number, the norm of the whole batch's gradient. Every row has a loss and
        a gradient of its own."""
        return _norm(_grads(model, loss_fn(model(x), y)))

    def divided_by_rows(model, loss_fn, x, y):
        """Every norm is divided by N, as is the gradient of what a row adds to the mean over the
        batch. The loss of a row by itself is asked for, and nothing is divided."""
        return PerSampleNormsKey.reference(model, loss_fn, x, y) / len(x)

    def losses_returned(model, loss_fn, x, y):
        """You returned the losses. The norm of the gradient of each is asked for."""
        rows = range(len(x))
        losses = [loss_fn(model(x[i : i + 1]), y[i : i + 1]) for i in rows]
        return torch.stack(losses).detach()

    def squared(*given):
        """You returned the squares of the norms: the root is missing."""
        return _by(lambda grads: _norm(grads).square(), *given)

    def norms_added(*given):
        """You added up the norms of the parameters. The norm over all of them together is the root
        of the sum of all squares."""
        return _by(lambda grads: torch.stack([g.norm() for g in grads]).sum(), *given)

    def norms_averaged(model, loss_fn, x, y):
        """You averaged the norms of the parameters. The norm over all of them together is the root
        of the sum of all squares."""
        learning, norms = _learning(model), []
        for i in range(len(x)):
            loss = loss_fn(model(x[i : i + 1]), y[i : i + 1])
            grads = torch.autograd.grad(loss, learning, allow_unused=True)
            norms.append(torch.stack([g.norm() for g in grads if g is not None]).mean())
        return torch.stack(norms)

    def greatest_norm(*given):
        """You took the greatest of the parameters' norms. The norm over all of them together is the
        root of the sum of all squares."""
        return _by(lambda grads: torch.stack([g.norm() for g in grads]).max(), *given)

    def first_parameter_alone(*given):
        """You measured the first parameter that requires grad alone. All of them belong to the
        norm."""
        return _by(lambda grads: grads[0].norm(), *given)

    def last_parameter_missing(*given):
        """The last parameter that takes part is missing in your norm: all that require grad belong
        to it."""
        return _by(_but_the_last, *given)

    def shared_counted_twice(model, loss_fn, x, y):
        """A parameter that stands in two parts of the model counts twice in your norm. parameters()
        gives it once; what you collect part by part holds it as often as it stands there."""
        parts = [p for m in model.modules() for p in m.parameters(recurse=False)]
        wanted = [p for p in parts if p.requires_grad]
        rows = range(len(x))
        losses = [loss_fn(model(x[i : i + 1]), y[i : i + 1]) for i in rows]
        return torch.stack([_norm(_grads(model, loss, wanted)) for loss in losses])

    def counted_by_every_name(model, loss_fn, x, y):
        """A parameter that has two names counts twice in your norm. parameters() gives it once:
        leave out remove_duplicate=False, and what else goes by the names."""
        named = model.named_parameters(remove_duplicate=False)
        wanted = [p for _, p in named if p.requires_grad]
        losses = [loss_fn(model(x[i : i + 1]), y[i : i + 1]) for i in range(len(x))]
        return torch.stack([_norm(_grads(model, loss, wanted)) for loss in losses])

    def norms_of_parameters(*given):
        """You returned a table with a norm for every parameter of every row. The norm is over all
        parameters together: one number for each row."""
        return _by(lambda grads: torch.stack([g.norm() for g in grads]), *given)

    def matrices_alone(model, loss_fn, x, y):
        """You measured the parameters of two and more dimensions alone: biases are parameters too,
        and belong to the norm."""
        wide = [p.dim() > 1 for p in _learning(model)]
        return _by(
            lambda grads: _norm([g for g, it_is in zip(grads, wide, strict=True) if it_is]),
            *(model, loss_fn, x, y),
        )

    def means_of_squares(*given):
        """You took the mean of each parameter's squares. The norm is the root of the sum of all
        squares."""
        return _by(
            lambda grads: torch.stack([g.square().mean() for g in grads]).sum().sqrt(), *given
        )

    def greatest_entries(*given):
        """You took the greatest entry of the gradients. The norm is the root of the sum of
        squares."""
        return _by(lambda grads: torch.stack([g.abs().max() for g in grads]).max(), *given)

    def sums_of_sizes(*given):
        """You added up absolute values. The norm is the root of the sum of squares."""
        return _by(lambda grads: torch.stack([g.abs().sum() for g in grads]).sum(), *given)

    def running_sum(model, loss_fn, x, y):
        """Every row has the norm of the sum of its gradient and those of the rows before it, as
        where backward() adds to .grad. Begin anew with each row: take what torch.autograd.grad
        returns for it alone, or empty .grad before."""
        total, norms = [torch.zeros_like(p) for p in _learning(model)], []
        for grads in _each(model, loss_fn, x, y):
            total = [t + g for t, g in zip(total, grads, strict=True)]
            norms.append(_norm(total))
        return torch.stack(norms)

    def frozen_counted(model, loss_fn, x, y):
        """A frozen parameter is in your norm. Only those that require grad belong to it."""
        everything = list(model.parameters())
        kept = [p.requires_grad for p in everything]
        for p in everything:
            p.requires_grad_(True)
        norms = PerSampleNormsKey.reference(model, loss_fn, x, y)
        for p, flag in zip(everything, kept, strict=True):
            p.requires_grad_(flag)
        return norms

    def tied_counted_apart(model, loss_fn, x, y):
        """A weight with two names is one parameter, with one gradient: the sum over both places.
        You counted the places apart. model.parameters() lists it once."""
        return PerSampleNormsKey.reference(_untied(model), loss_fn, x, y)

    def by_the_output(model, loss_fn, x, y):
        """You took the gradient with respect to the output of the model. The gradient by the
        parameters is asked for."""
        norms = []
        for i in range(len(x)):
            out = model(x[i : i + 1])
            norms.append(_norm(_grads(model, loss_fn(out, y[i : i + 1]), [out])))
        return torch.stack(norms)

    def by_the_input(model, loss_fn, x, y):
        """You took the gradient with respect to x. The gradient by the parameters is asked for."""
        z = x.detach().clone().requires_grad_()
        return torch.stack(
            [
                _norm(_grads(model, loss_fn(model(z[i : i + 1]), y[i : i + 1]), [z]))
                for i in _rows(x)
            ]
        )

    def sum_of_the_loss(model, loss_fn, x, y):
        """Every norm is that of the loss added up over a row's columns, and not of loss_fn's mean.
        Call loss_fn as it is given."""
        return _by(_norm, model, lambda p, t: loss_fn(p, t) * t.shape[-1], x, y)

    @raises("Dimension out of range")
    def rows_without_a_batch(model, loss_fn, x, y):
        """You gave the model x[i], which has no dimension for the batch. Not every model takes
        that: nn.Flatten leaves the first dimension alone, and looks for a second. Give it a batch
        of one row, x[i : i + 1]."""
        rows = zip(x, y, strict=True)
        return torch.stack([_norm(_grads(model, loss_fn(model(a), b))) for a, b in rows])

    @raises("differentiated Tensor")
    def gradient_of_every_parameter(model, loss_fn, x, y):
        """torch.autograd.grad refuses a parameter that the loss does not depend on, or that is
        frozen. Ask for those that require grad, with allow_unused=True, and leave None out."""
        torch.autograd.grad(loss_fn(model(x[:1]), y[:1]), list(model.parameters()))

    @raises("differentiated Tensors does not require grad")
    def frozen_asked_for(model, loss_fn, x, y):
        """torch.autograd.grad refuses a frozen parameter. Ask for those that require grad, and
        leave the flags as they are."""
        wanted = list(model.parameters())
        torch.autograd.grad(loss_fn(model(x[:1]), y[:1]), wanted, allow_unused=True)
        return PerSampleNormsKey.reference(model, loss_fn, x, y)

    @raises("not have been used in the graph")
    def unused_refused(model, loss_fn, x, y):
        """torch.autograd.grad refuses a parameter that the loss does not depend on. Such a one adds
        0 to the norm: pass allow_unused=True and leave None out, or materialize_grads=True."""
        torch.autograd.grad(loss_fn(model(x[:1]), y[:1]), _learning(model))
        return PerSampleNormsKey.reference(model, loss_fn, x, y)

    @raises("'NoneType' object has no attribute|must be Tensor, not NoneType|unsupported operand")
    def none_among_the_gradients(model):
        """A gradient is None: that of a parameter that takes no part, or .grad where no backward()
        has filled it. Leave the first kind out of the norm, and read what torch.autograd.grad
        returns."""
        [p.grad.norm() for p in model.parameters() if p.grad is None]

    def list_of_floats(model, loss_fn, x, y):
        """You returned a list of numbers. A tensor of shape (N,) is asked for: torch.stack."""
        return PerSampleNormsKey.reference(model, loss_fn, x, y).tolist()

    def grads_left_behind(model, loss_fn, x, y):
        """The norms are right, and your passes left gradients in .grad of the model, or added to
        those that were there. It belongs to whoever is training it: use torch.autograd.grad."""
        loss_fn(model(x.detach()), y.detach()).backward()
        return PerSampleNormsKey.reference(model, loss_fn, x, y)

    def grads_emptied(model, loss_fn, x, y):
        """The norms are right, and what lay in .grad of the model is lost: you emptied it. It
        belongs to whoever is training it: use torch.autograd.grad."""
        model.zero_grad()
        return PerSampleNormsKey.reference(model, loss_fn, x, y)

    def grads_left_on_the_rows(model, loss_fn, x, y):
        """The norms are right, and backward() left a gradient on x and y as well, which require
        grad. torch.autograd.grad towards the parameters leaves .grad alone."""
        for t in (x, y):
            t.grad = torch.ones_like(t) if t.requires_grad else None
        return PerSampleNormsKey.reference(model, loss_fn, x, y)

    def left_in_eval_mode(model, loss_fn, x, y):
        """You put the model into eval mode and left it there. Run it in the mode that it is in."""
        model.eval()
        return PerSampleNormsKey.reference(model, loss_fn, x, y)

    def left_in_train_mode(model, loss_fn, x, y):
        """You called train(), and a part of the model that was in eval mode is in train mode now.
        Run it in the mode that it is in."""
        model.train()
        return PerSampleNormsKey.reference(model, loss_fn, x, y)


def _rows(x: Tensor) -> range:
    return range(len(x))


def _but_the_last(grads: Grads) -> Tensor:
    taking_part = [g for g in grads if bool(g.any())]
    return _norm(taking_part[:-1])


def _untied(model: nn.Module) -> nn.Module:
    """A copy of the model in which no two names have one parameter."""
    twin = copy.deepcopy(model)
    for part in twin.modules():
        for name, parameter in list(part.named_parameters(recurse=False, remove_duplicate=False)):
            setattr(part, name, nn.Parameter(parameter.detach().clone(), parameter.requires_grad))
    return twin
