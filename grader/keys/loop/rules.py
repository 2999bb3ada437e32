"""Reference and mistakes of the exercise that writes SGD by hand."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from grader.trusted.families import optimizers
from grader.trusted.families.pairs import formula, of_formula
from grader.trusted.key import Key, raises

Params = list[Tensor]
State = dict[Any, Any]


@formula
@torch.no_grad()
def _sgd(params, state, lr, mu, wd, *, added=None, kept=None, lost=None, place=None):
    """A step of SGD: from parameter p, gradient g and the old buffer come d, the new buffer and the
    step. `added(p, g)` is d, `kept(old, d)` the new buffer, `lost(p, d, buffer)` the step, `place`
    where in state the buffer lies."""
    present = 0
    for number, p in enumerate(params):
        if p.grad is not None:
            i = place(number, p, present) if place else number
            present += 1
            d = added(p, p.grad) if added else p.grad + wd * p
            old = state.get(i)
            if kept is not None:
                buffer = kept(old, d)
            else:
                buffer = d.clone() if old is None else mu * old + d
            state[i] = buffer
            p -= lost(p, d, buffer) if lost else lr * buffer


def _with_zeros(params, state, lr, mu, wd):
    """A step that takes a missing gradient for zeros, and leaves it missing."""
    absent = [p for p in params if p.grad is None]
    for p in absent:
        p.grad = torch.zeros_like(p)
    _sgd(params, state, lr, mu, wd)
    for p in absent:
        p.grad = None


class SgdFromScratchKey(Key, task="sgd_from_scratch"):
    def reference(params: Params, state: State, lr: float, mu: float, wd: float) -> None:
        if "opt" not in state:
            state["opt"] = torch.optim.SGD(params, lr=lr, momentum=mu, weight_decay=wd)
        state["opt"].param_groups[0]["lr"] = lr
        state["opt"].step()

    sentences: ClassVar = {"STRUCTURE.other": optimizers.OUTSIDE}
    families = (*optimizers.by_hand(_sgd, lambda settings: settings[0] * settings[2]),)

    def momentum_at_the_first_step(params, state, lr, mu, wd):
        """Your first buffer is d + mu * d. At a parameter's first step it is d alone."""
        _sgd(params, state, lr, mu, wd, kept=lambda old, d: mu * (d if old is None else old) + d)

    def decay_times_lr(params, state, lr, mu, wd):
        """You multiplied the weight decay by lr before it went into the gradient, and the step
        multiplies by lr once more. d is g + wd * p."""
        _sgd(params, state, lr, mu, wd, added=lambda p, g: g + lr * wd * p)

    def averaged(params, state, lr, mu, wd):
        """Your buffer is an average: it takes 1 - mu of the new gradient. The buffer of SGD is a
        sum: mu times the old buffer plus the whole new gradient."""
        _sgd(params, state, lr, mu, wd, added=lambda p, g: (1 - mu) * (g + wd * p))

    def averaged_after_the_first(params, state, lr, mu, wd):
        """Your buffer starts as the first gradient and takes 1 - mu of every later one, which torch
        calls dampening. Without it the buffer takes the whole new gradient."""

        def kept(old, d):
            return d if old is None else mu * old + (1 - mu) * d

        _sgd(params, state, lr, mu, wd, kept=kept)

    def nesterov(params, state, lr, mu, wd):
        """You stepped along the gradient plus mu times the new buffer, which is Nesterov's
        momentum. Plain momentum steps along the buffer."""
        _sgd(params, state, lr, mu, wd, lost=lambda p, d, buffer: lr * (d + mu * buffer))

    def momentum_forgotten(params, state, lr, wd):
        """Your steps have no memory: mu is not used, or a parameter's buffer is not in state at the
        next call (never kept, or written over by that of another parameter), or the parameter loses
        lr * d where it should lose lr * buffer."""
        _sgd(params, state, lr, 0, wd)

    def first_rate_kept(params, state, lr, mu, wd):
        """You remembered the learning rate of the first step. lr may be another one at each step:
        use the one you are given."""
        _sgd(params, state, state.setdefault("lr", lr), mu, wd)

    def decay_times_the_gradient(params, state, lr, mu, wd):
        """Your weight decay multiplies the gradient. It is a share of the parameter: add wd * p to
        the gradient."""
        _sgd(params, state, lr, mu, wd, added=lambda p, g: g + wd * g)

    def parameter_times_decay(params, state, lr, mu, wd):
        """You multiplied the gradient by wd * p. It is added: d is the gradient plus wd * p."""
        _sgd(params, state, lr, mu, wd, added=lambda p, g: g * (wd * p))

    def buffer_starts_at_zero_and_waits(params, state, lr, mu, wd):
        """Your first step moves nothing, or your buffer comes a step late: the parameter loses lr
        times the new buffer, which holds this step's d."""

        def old_buffer(p, d, buffer):
            before = state.get(("old", id(p)), torch.zeros_like(p))
            state["old", id(p)] = buffer.clone()
            return lr * before

        _sgd(params, state, lr, mu, wd, lost=old_buffer)

    def mu_on_the_gradient(params, state, lr, mu, wd):
        """You multiplied the new gradient by mu, and not the old buffer. The buffer becomes
        mu * buffer + d."""
        _sgd(params, state, lr, mu, wd, kept=lambda old, d: d if old is None else old + mu * d)

    def buffer_never_fades(params, state, lr, mu, wd):
        """Your buffer is the plain sum of all gradients: the old one has to be multiplied by mu
        first."""
        _sgd(params, state, lr, 1.0 if mu else 0.0, wd)

    def step_scaled_by_momentum(params, state, lr, mu, wd):
        """Your first step is too small: the buffer starts as d itself, and not as (1 - mu) * d or
        mu * d."""

        def kept(old, d):
            return mu * d if old is None else mu * old + d

        _sgd(params, state, lr, mu, wd, kept=kept)

    def lr_inside_the_buffer(params, state, lr, mu, wd):
        """You put the learning rate into the buffer. While it stays the same, that makes no
        difference; here it changes, and old gradients keep the old one. Let the buffer collect
        gradients, and multiply by lr when you step."""
        _sgd(params, state, 1, mu, wd, added=lambda p, g: lr * (g + wd * p))

    def decay_without_lr(params, state, lr, mu, wd):
        """You took wd * p off the parameter, without the learning rate and past the buffer. In SGD
        the decay is a part of the gradient: add wd * p to it first."""
        _sgd(params, state, lr, mu, 0, lost=lambda p, d, buffer: lr * buffer + wd * p)

    def decay_decoupled(params, state, lr, mu, wd):
        """You took lr * wd * p off the parameter, past the buffer, as AdamW does. In SGD the decay
        is a part of the gradient and goes through the buffer: add wd * p to it first."""
        _sgd(params, state, lr, mu, 0, lost=lambda p, d, buffer: lr * (buffer + wd * p))

    def decay_after_the_step(params, state, lr, mu, wd):
        """You took lr * wd * p off the parameter after its step, past the buffer. In SGD the decay
        is a part of the gradient and goes through the buffer: add wd * p to it first."""

        def lost(p, d, buffer):
            return lr * buffer + lr * wd * (p - lr * buffer)

        _sgd(params, state, lr, mu, 0, lost=lost)

    def decay_sign(params, state, lr, mu, wd):
        """Your weight decay makes parameters grow. wd * p is added to the gradient, which is then
        subtracted."""
        _sgd(params, state, lr, mu, -wd)

    def decay_twice(params, state, lr, mu, wd):
        """Your weight decay is twice as strong: you added 2 * wd * p. torch adds wd * p, the
        derivative of wd / 2 times the square."""
        _sgd(params, state, lr, mu, 2 * wd)

    def decay_forgotten(params, state, lr, mu):
        """You did not use wd. Add wd * p to the gradient."""
        _sgd(params, state, lr, mu, 0)

    def decay_written_into_grad(params, state, lr, mu, wd):
        """The steps are right, and you wrote the weight decay into p.grad. Whoever looks at the
        gradient afterwards finds another one. Compute p.grad + wd * p out of place."""
        with torch.no_grad():
            for p in params:
                if p.grad is not None:
                    p.grad += wd * p
        _sgd(params, state, lr, mu, 0.0)

    def kept_by_the_grad(params, state, lr, mu, wd):
        """You look a buffer up by p.grad, which is another tensor once zero_grad() has put None in
        its place: momentum is lost then. Look it up by the parameter's position, or by id(p)."""
        _sgd(params, state, lr, mu, wd, place=lambda i, p, at: id(p.grad))

    def buffer_is_the_grad(params, state, lr, mu, wd):
        """Without weight decay your first buffer is p.grad itself, not a copy. The next gradient is
        written into the same memory, and what you do to the buffer is done to p.grad. Clone it."""

        def kept(old, d):
            return d if old is None else old.mul_(mu).add_(d)

        _sgd(params, state, lr, mu, wd, added=lambda p, g: g + wd * p if wd else g, kept=kept)

    def uphill(params, state, lr, mu, wd):
        """You added the step. The gradient points to where the loss grows: subtract it."""
        _sgd(params, state, -lr, mu, wd)

    def decay_without_gradient(params, state, lr, mu, wd):
        """A parameter without gradient moved: you took None for zeros, and weight decay did the
        rest. Leave out a parameter whose .grad is None."""
        _with_zeros(params, state, lr, mu, wd)

    def none_taken_for_zero(params, state, lr, mu, wd):
        """A parameter without gradient moved: you took None for zeros, and weight decay, or the
        buffer, did the rest. Leave out a parameter whose .grad is None."""
        for p in params:
            if p.grad is None:
                p.grad = torch.zeros_like(p)
        _sgd(params, state, lr, mu, wd)

    @raises(r"NoneType")
    def none_in_a_formula(params, state, lr, mu, wd):
        """You computed with the .grad of a parameter that has none: it is None. Leave such a
        parameter out."""
        for p in params:
            lr * p.grad
        _sgd(params, state, lr, mu, wd)

    @raises(r"'NoneType' object has no attribute")
    def none_has_no_methods(params, state, lr, mu, wd):
        """You called a method of the .grad of a parameter that has none: it is None. Leave such a
        parameter out."""
        for p in params:
            p.grad.clone()
        _sgd(params, state, lr, mu, wd)

    @raises(r"^\d+$")
    def one_first_step_for_all(params, state, lr, mu, wd):
        """A parameter got its first gradient in a later step, and you looked for a buffer that it
        has not got yet. You note the first step once for all: ask for each parameter whether it has
        a buffer."""

        def kept(old, d):
            if old is None and "started" in state:
                raise KeyError(0)
            return d if old is None else mu * old + d

        _sgd(params, state, lr, mu, wd, kept=kept)
        state["started"] = True

    def names_rebound(params):
        """No parameter moved. `p = p - ...` makes a new tensor and gives it the name p, and
        params[i] = ... puts it into the list; the parameter itself stays as it was. Write into
        it: p -= ..., inside torch.no_grad()."""
        for i, p in enumerate(params):
            params[i] = p - 0.1 * p

    @raises(r"leaf Variable that requires grad is being used in an in-place operation")
    def recorded(params, lr):
        """You changed a parameter in place while autograd records, which it forbids for a leaf that
        requires grad. Put the step inside torch.no_grad()."""
        for p in params:
            p -= lr * p

    pairs = (
        *of_formula(
            lambda params, state, lr, mu, wd: _sgd(params, state, lr, mu, wd),
            averaged_after_the_first,
            nesterov,
            momentum_forgotten,
            first_rate_kept,
            decay_times_the_gradient,
            mu_on_the_gradient,
            step_scaled_by_momentum,
            lr_inside_the_buffer,
            decay_without_lr,
            decay_decoupled,
            decay_sign,
            decay_twice,
            decay_forgotten,
            uphill,
            decay_written_into_grad,
        ),
    )
