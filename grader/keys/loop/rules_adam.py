"""References and mistakes of the exercise that writes Adam and AdamW by hand."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from grader.trusted.key import Key, raises

Params = list[Tensor]
State = dict[Any, Any]


@dataclass(frozen=True)
class _Settings:
    """The arguments of a step after params and state."""

    lr: float
    b1: float
    b2: float
    eps: float
    wd: float
    decoupled: bool


Rule = Callable[[Tensor, Tensor, int, _Settings], Tensor]
"""From the two averages and the count of steps to the direction of the step."""


def _right(m: Tensor, v: Tensor, t: int, s: _Settings) -> Tensor:
    return m / (1 - s.b1**t) / ((v / (1 - s.b2**t)).sqrt() + s.eps)


@torch.no_grad()
def _adam(
    params, state, s, rule=_right, *, together=False, decay=None, second=torch.square, **other
):
    """A step by `rule`, with settings s, some of them exchanged for `other` ones.

    `together` counts the steps of all parameters as one, `decay` is what decoupled decay takes off
    a parameter (lr * wd where None), `second` is what the second average is of.
    """
    s = replace(_Settings(*s), **other)
    state["t"] = state.get("t", 0) + 1
    for i, p in enumerate(params):
        if p.grad is None:
            continue
        g = p.grad if s.decoupled else p.grad + s.wd * p
        if s.decoupled:
            p *= 1 - (s.lr * s.wd if decay is None else decay)
        t, m, v = state.get(i, (0, torch.zeros_like(p), torch.zeros_like(p)))
        m, v = s.b1 * m + (1 - s.b1) * g, s.b2 * v + (1 - s.b2) * second(g)
        state[i] = (t + 1, m, v)
        p -= s.lr * rule(m, v, state["t"] if together else t + 1, s)


class AdamFromScratchKey(Key, task="adam_from_scratch"):
    def reference(params: Params, state: State, *settings: Any) -> None:
        if "opt" not in state:
            s = _Settings(*settings)
            kind = torch.optim.AdamW if s.decoupled else torch.optim.Adam
            state["opt"] = kind(params, lr=s.lr, betas=(s.b1, s.b2), eps=s.eps, weight_decay=s.wd)
        state["opt"].step()

    def not_corrected(params, state, *s):
        """Neither average is corrected for its start at zero. Divide the first by 1 - b1**t and the
        second by 1 - b2**t, where t counts the steps from 1."""
        _adam(params, state, s, lambda m, v, t, s: m / (v.sqrt() + s.eps))

    def first_not_corrected(params, state, *s):
        """The average of gradients is not corrected for its start at zero: your first steps are too
        small. Divide it by 1 - b1**t."""
        _adam(params, state, s, lambda m, v, t, s: m / ((v / (1 - s.b2**t)).sqrt() + s.eps))

    def second_not_corrected(params, state, *s):
        """The average of squares is not corrected for its start at zero: your first steps are too
        large. Divide it by 1 - b2**t."""
        _adam(params, state, s, lambda m, v, t, s: m / (1 - s.b1**t) / (v.sqrt() + s.eps))

    def corrected_for_one_step(params, state, *s):
        """You divided by 1 - b1 and 1 - b2 at every step. That is right at the first: later it is
        1 - b1**t and 1 - b2**t. If you do count, the count t is not kept in state."""
        _adam(params, state, s, lambda m, v, t, s: _right(m, v, 1, s))

    def no_memory(params, state, *s):
        """Every step of yours is like a first one: the averages start at zero again. Keep them in
        state, which is the same dict at every call."""
        _adam(params, {}, s)

    def eps_inside_the_root(params, state, *s):
        """You added eps before you took the root. Add it after: sqrt(v) + eps."""

        def rule(m, v, t, s):
            return m / (1 - s.b1**t) / (v / (1 - s.b2**t) + s.eps).sqrt()

        _adam(params, state, s, rule)

    def eps_corrected_too(params, state, *s):
        """You added eps to the root of the average before it was corrected, so that eps is
        corrected with it. Correct, take the root, and add eps last."""

        def rule(m, v, t, s):
            return m / (1 - s.b1**t) / ((v.sqrt() + s.eps) / (1 - s.b2**t) ** 0.5)

        _adam(params, state, s, rule)

    def eps_missing(params, state, *s):
        """You did not use eps. Where all gradients are zero you divide 0 by 0. Add it to the
        root."""
        _adam(params, state, s, eps=0.0)

    def root_forgotten(params, state, *s):
        """You divided by the average of squares, without its root."""

        def rule(m, v, t, s):
            return m / (1 - s.b1**t) / (v / (1 - s.b2**t) + s.eps)

        _adam(params, state, s, rule)

    def squares_forgotten(params, state, *s):
        """Your second average is of the gradients' sizes. It is of their squares."""
        _adam(params, state, s, second=torch.abs)

    def rates_exchanged(params, state, *s):
        """You exchanged b1 and b2. b1 belongs to the average of gradients, b2 to that of
        squares."""
        _adam(params, state, s, b1=s[2], b2=s[1])

    def always_coupled(params, state, *s):
        """You added wd * p to the gradient also where decoupled is True. AdamW keeps the decay out
        of the averages: it shrinks the parameter by lr * wd beforehand."""
        _adam(params, state, s, decoupled=False)

    def always_decoupled(params, state, *s):
        """You took the weight decay off the parameter also where decoupled is False. Adam adds
        wd * p to the gradient, and so to both averages."""
        _adam(params, state, s, decoupled=True)

    def choice_inverted(params, state, *s):
        """You exchanged the two kinds of weight decay. If decoupled, the parameter shrinks by
        lr * wd; if not, wd * p is added to the gradient."""
        _adam(params, state, s, decoupled=not s[5])

    def decay_without_lr(params, state, *s):
        """Your decoupled decay takes off wd * p. AdamW scales it by the learning rate: lr * wd *
        p."""
        _adam(params, state, s, decay=s[4])

    def decay_forgotten(params, state, *s):
        """You did not use wd."""
        _adam(params, state, s, wd=0.0)

    def one_count_for_all(params, state, *s):
        """You count the steps of all parameters as one. A parameter whose gradient comes later is
        then corrected for steps that it did not take. Count for each parameter."""
        _adam(params, state, s, together=True)

    def counted_from_zero(params, state, *s):
        """Your parameters are nan after the first step: you count from 0, so that 1 - b1**t is 0
        and you divide 0 by 0 or inf by inf. Raise the count before you use it."""
        _adam(params, state, s, lambda m, v, t, s: _right(m, v, t - 1, s))

    @raises(r"division by zero")
    def divided_by_zero(params, state, *s):
        """You count from 0, so that 1 - b1**t is 0 in the first step, and you divide by it. Raise
        the count before you use it."""
        1 / (1 - s[1] ** 0)

    def uphill(params, state, *s):
        """You added the step. The gradient points to where the loss grows: subtract it."""
        _adam(params, state, s, lambda *given: -_right(*given))

    def none_taken_for_zero(params, state, *s):
        """A parameter without gradient moved or counted a step: you took None for zeros. Leave out
        a parameter whose .grad is None."""
        absent = [p for p in params if p.grad is None]
        for p in absent:
            p.grad = torch.zeros_like(p)
        _adam(params, state, s)
        for p in absent:
            p.grad = None

    @raises(r"NoneType")
    def none_in_a_formula(params, state, *s):
        """You computed with the .grad of a parameter that has none: it is None. Leave such a
        parameter out."""
        for p in params:
            2 * p.grad
        _adam(params, state, s)

    def names_rebound(params):
        """No parameter moved. `p = p - ...` makes a new tensor and gives it the name p, and
        params[i] = ... puts it into the list; the parameter itself stays as it was. Write into
        it: p -= ..., inside torch.no_grad()."""
        for i, p in enumerate(params):
            params[i] = p - 0.1 * p

    @raises(r"leaf Variable that requires grad is being used in an in-place operation")
    def recorded(params):
        """You changed a parameter in place while autograd records, which it forbids for a leaf that
        requires grad. Put the step inside torch.no_grad()."""
        for p in params:
            p -= 0.1 * p
