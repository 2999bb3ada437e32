"""References and mistakes of the exercise that writes Adam and AdamW by hand."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from grader.trusted.families import optimizers
from grader.trusted.families.pairs import formula, of_formula
from grader.trusted.key import Key, mistake, raises

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


@formula
@torch.no_grad()
def _adam(
    params,
    state,
    s,
    rule=_right,
    *,
    together=False,
    decay=None,
    second=torch.square,
    of_first=None,
    plain_second=False,
    place=None,
    after=None,
    shares=(1, 1),
    started=False,
    **other,
):
    """A step by `rule`, with settings s, some of them exchanged for `other` ones.

    `together` counts the steps of all parameters as one, `decay` is what decoupled decay takes off
    a parameter (lr * wd where None), `second` is what the second average is of: a function of the
    gradient, or of what `of_first(g, m)` makes of it and the first average, or with `plain_second`
    of the gradient without the decay. `place` is where in state a parameter's numbers lie,
    `after(m, v, t, s)` what of the averages is stored, and `shares` by what the new terms of both
    are multiplied besides. `started`: the averages start at the first gradient and its square.
    """
    s = replace(_Settings(*s), **other)
    state["t"] = state.get("t", 0) + 1
    present = 0
    for number, p in enumerate(params):
        if p.grad is None:
            continue
        i = place(number, p, present) if place else number
        present += 1
        g = p.grad if s.decoupled else p.grad + s.wd * p
        if s.decoupled:
            p *= 1 - (s.lr * s.wd if decay is None else decay)
        start = (g.clone(), second(g)) if started else (torch.zeros_like(p), torch.zeros_like(p))
        t, m, v = state.get(i, (0, *start))
        m = s.b1 * m + (1 - s.b1) * shares[0] * g
        g = of_first(g, m) if of_first else p.grad if plain_second else g
        v = s.b2 * v + (1 - s.b2) * shares[1] * second(g)
        state[i] = (t + 1, *(after(m, v, t + 1, s) if after else (m, v)))
        p -= s.lr * rule(m, v, state["t"] if together else t + 1, s)


def _step(params, state, *settings, place=None):
    _adam(params, state, settings, place=place)


def _share(settings):
    lr, *_, wd, decoupled = settings
    return lr * wd if decoupled else 0.0


class AdamFromScratchKey(Key, task="adam_from_scratch"):
    def reference(params: Params, state: State, *settings: Any) -> None:
        if "opt" not in state:
            s = _Settings(*settings)
            kind = torch.optim.AdamW if s.decoupled else torch.optim.Adam
            state["opt"] = kind(params, lr=s.lr, betas=(s.b1, s.b2), eps=s.eps, weight_decay=s.wd)
        state["opt"].step()

    sentences: ClassVar = {"STRUCTURE.other": optimizers.OUTSIDE}
    families = (
        *optimizers.by_hand(_step, _share),
        mistake(
            "decay_written_into_grad",
            "You wrote the weight decay into p.grad. Whoever looks at the gradient afterwards "
            "finds another one. Compute p.grad + wd * p out of place.",
            optimizers.decay_written_into_grad(_step, 4, lambda settings: not settings[5]),
        ),
    )

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

    def started_at_the_gradient(params, state, *s):
        """Your averages start at the first gradient and its square, and you correct them for a
        start at zero that they did not have. m and v start at 0."""
        _adam(params, state, s, started=True)

    def started_at_the_gradient_and_not_corrected(params, state, *s):
        """Your averages start at the first gradient and its square, and are not corrected. In Adam
        m and v start at 0, and are divided by 1 - b1**t and 1 - b2**t."""
        _adam(params, state, s, lambda m, v, t, s: m / (v.sqrt() + s.eps), started=True)

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

    def first_rate_for_both_averages(params, state, *s):
        """Both of your averages go by b1. The average of squares has a rate of its own, b2."""

        def rule(m, v, t, own):
            return _right(m, v, t, replace(own, b2=s[2]))

        _adam(params, state, s, rule, b2=s[1])

    def shares_exchanged(params, state, *s):
        """In your averages old and new are exchanged: b1 and b2 are the shares of what was, and
        what is new has 1 - b1 and 1 - b2."""

        def rule(m, v, t, own):
            return _right(m, v, t, replace(own, b1=s[1], b2=s[2]))

        _adam(params, state, s, rule, b1=1 - s[1], b2=1 - s[2])

    def rates_exchanged_in_the_averages(params, state, *s):
        """You exchanged b1 and b2 in the averages, and correct each by its own. b1 belongs to the
        average of gradients, b2 to that of squares."""

        def rule(m, v, t, s):
            return m / (1 - s.b2**t) / ((v / (1 - s.b1**t)).sqrt() + s.eps)

        _adam(params, state, s, rule, b1=s[2], b2=s[1])

    def rates_exchanged_in_the_correction(params, state, *s):
        """You exchanged b1 and b2 in the correction for the start at zero: the average of gradients
        is divided by 1 - b1**t, that of squares by 1 - b2**t."""

        def rule(m, v, t, s):
            return m / (1 - s.b2**t) / ((v / (1 - s.b1**t)).sqrt() + s.eps)

        _adam(params, state, s, rule)

    def usual_rates(params, state, *s):
        """You used 0.9 and 0.999, torch's defaults. b1 and b2 are given."""
        _adam(params, state, s, b1=0.9, b2=0.999)

    def usual_eps(params, state, *s):
        """You used 1e-8 for eps, torch's default. eps is given."""
        _adam(params, state, s, eps=1e-8)

    def squares_of_the_average(params, state, *s):
        """Your second average is of the squares of the first average. It is of the squares of the
        gradients: (1 - b2) * g**2."""
        _adam(params, state, s, of_first=lambda g, m: m)

    def squares_of_the_distance(params, state, *s):
        """Your second average is of the squares of g - m, how far the gradient lies from its
        average. Adam takes the squares of the gradient itself: (1 - b2) * g**2."""
        _adam(params, state, s, of_first=lambda g, m: g - m)

    def second_of_gradients(params, state, *s):
        """Your second average is of the gradients themselves, made positive afterwards. It is of
        their squares: (1 - b2) * g**2."""

        def rule(m, v, t, s):
            return m / (1 - s.b1**t) / ((v.abs() / (1 - s.b2**t)).sqrt() + s.eps)

        _adam(params, state, s, rule, second=lambda g: g)

    def second_of_gradients_is_nan(params, state, *s):
        """Your parameters become nan: the second average is of the gradients themselves, and the
        root of a negative number is nan. It is of their squares: (1 - b2) * g**2."""
        _adam(params, state, s, second=lambda g: g)

    def one_square_for_all_entries(params, state, *s):
        """Your second average holds one number for the whole parameter, from the norm of its
        gradient. Each entry has the average of its own squares: (1 - b2) * g**2."""
        _adam(params, state, s, second=lambda g: g.square().sum().expand_as(g))

    def mean_square_for_all_entries(params, state, *s):
        """Your second average holds one number for the whole parameter, the mean of the squares of
        its gradient. Each entry has the average of its own squares: (1 - b2) * g**2."""
        _adam(params, state, s, second=lambda g: g.square().mean().expand_as(g))

    def decay_in_the_first_alone(params, state, *s):
        """Where decoupled is False your decay joins the average of gradients alone. wd * p is added
        to the gradient before either average takes it: the squares are of g + wd * p too."""
        _adam(params, state, s, plain_second=True)

    def count_one_behind(params, state, *s):
        """Your count is one behind from the second step on: you correct by 1 - b1**(t - 1). Raise
        the count before you use it: t is 1 at the first step and 2 at the second."""
        _adam(params, state, s, lambda m, v, t, s: _right(m, v, max(t - 1, 1), s))

    def count_one_ahead(params, state, *s):
        """Your count is one ahead: you correct by 1 - b1**(t + 1). t is 1 at the first step."""
        _adam(params, state, s, lambda m, v, t, s: _right(m, v, t + 1, s))

    def eps_as_a_limit(params, state, *s):
        """You made the root at least eps. eps is added to it: sqrt(v) + eps."""

        def rule(m, v, t, s):
            return m / (1 - s.b1**t) / (v / (1 - s.b2**t)).sqrt().clamp_min(s.eps)

        _adam(params, state, s, rule)

    def times_t_made_positive(params, state, *s):
        """You corrected by 1 - b1 * t and 1 - b2 * t, which become negative. The rates are raised
        to the power t: b1**t."""

        def rule(m, v, t, s):
            return m / (1 - s.b1 * t) / ((v / (1 - s.b2 * t)).abs().sqrt() + s.eps)

        _adam(params, state, s, rule)

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

    def decay_after_the_step(params, state, *s):
        """Your decoupled decay comes after the step, and so takes its share of a parameter that
        has moved. AdamW shrinks the parameter first."""
        _adam(params, state, s, decay=0.0)
        if s[5]:
            _shrink(params, s[0] * s[4])

    def decay_twice(params, state, *s):
        """With decoupled True your decay comes twice: the parameter shrinks, and wd * p joins the
        gradient as well. It is one or the other."""
        if s[5]:
            _shrink(params, s[0] * s[4])
        _adam(params, state, s, decoupled=False)

    def decay_twice_from_one_value(params, state, *s):
        """With decoupled True your decay comes twice: wd * p joins the gradient, and then the
        parameter shrinks as well. It is one or the other."""
        old = [p.detach().clone() for p in params]
        _adam(params, state, s, decoupled=False)
        if s[5]:
            with torch.no_grad():
                for p, before in zip(params, old, strict=True):
                    if p.grad is not None:
                        p -= s[0] * s[4] * before

    def corrected_averages_stored(params, state, *s):
        """You stored the corrected averages, and the next step corrects them once more. Store m and
        v as they are, and correct copies."""

        def after(m, v, t, s):
            return m / (1 - s.b1**t), v / (1 - s.b2**t)

        _adam(params, state, s, after=after)

    def averages_not_stored(params, state, *s):
        """Your averages start from zero at every step, while the count goes on: you did not store
        them. Write the new m and v back into state."""
        _adam(params, state, s, after=lambda m, v, t, s: (0 * m, 0 * v))

    def sums_in_place_of_averages(params, state, *s):
        """Your averages are sums: the new terms lack their factors. It is (1 - b1) * g in the first
        and (1 - b2) * g**2 in the second."""
        _adam(params, state, s, shares=(1 / (1 - s[1]), 1 / (1 - s[2])))

    def first_is_a_sum(params, state, *s):
        """Your average of gradients is a sum: the new term lacks its factor, (1 - b1)."""
        _adam(params, state, s, shares=(1 / (1 - s[1]), 1))

    def second_is_a_sum(params, state, *s):
        """Your average of squares is a sum: the new term lacks its factor, (1 - b2)."""
        _adam(params, state, s, shares=(1, 1 / (1 - s[2])))

    def times_t(params, state, *s):
        """You corrected by 1 - b1 * t and 1 - b2 * t, which become negative. The rates are
        raised to the power t: b1**t."""

        def rule(m, v, t, s):
            return m / (1 - s.b1 * t) / ((v / (1 - s.b2 * t)).sqrt() + s.eps)

        _adam(params, state, s, rule)

    def greatest_average(params, state, *s):
        """You divided by the greatest average of squares so far, as amsgrad does. Adam divides by
        the one of this step, which may fall again."""
        greatest: dict[int, Tensor] = state.setdefault("greatest", {})
        order = iter([id(p) for p in params if p.grad is not None])

        def rule(m, v, t, s):
            at = next(order)
            greatest[at] = torch.maximum(greatest.get(at, v), v)
            return _right(m, greatest[at], t, s)

        _adam(params, state, s, rule)

    def momentum_alone(params, state, *s):
        """You stepped along the corrected average of gradients and did not divide by the root of
        the average of squares."""
        _adam(params, state, s, lambda m, v, t, s: m / (1 - s.b1**t))

    def gradient_in_place_of_its_average(params, state, *s):
        """You divided the gradient itself by the root, in place of its average. The first average
        is m, corrected."""
        grads = iter(
            [
                (p.grad if s[5] else p.grad + s[4] * p.detach()).clone()
                for p in params
                if p.grad is not None
            ]
        )

        def rule(m, v, t, s):
            return next(grads) / ((v / (1 - s.b2**t)).sqrt() + s.eps)

        _adam(params, state, s, rule)

    def corrected_after_the_root(params, state, *s):
        """You took the root of the average of squares, and then divided by 1 - b2**t. Correct
        first: the root is of the corrected average."""

        def rule(m, v, t, s):
            return m / (1 - s.b1**t) / (v.sqrt() / (1 - s.b2**t) + s.eps)

        _adam(params, state, s, rule)

    def squares_alone(params, state, *s):
        """You divided the gradient itself by the root of the average of squares, and corrected
        nothing: that is RMSprop. Adam steps along m, the average of gradients, and corrects both
        averages for their start at zero."""

        grads = iter(
            [
                (p.grad if s[5] else p.grad + s[4] * p.detach()).clone()
                for p in params
                if p.grad is not None
            ]
        )
        _adam(params, state, s, lambda m, v, t, s: next(grads) / (v.sqrt() + s.eps))

    def decay_with_lr_twice(params, state, *s):
        """Your decoupled decay has the learning rate twice. It takes off lr * wd * p."""
        _adam(params, state, s, decay=s[0] * s[0] * s[4])

    def decoupled_decay_sign(params, state, *s):
        """Your decoupled decay makes the parameter grow. It takes lr * wd * p off: p becomes
        p - lr * wd * p."""
        _adam(params, state, s, decay=-s[0] * s[4])

    def coupled_decay_sign(params, state, *s):
        """Without decoupled you took wd * p off the gradient, so that the step makes the parameter
        grow. It is added: g + wd * p."""
        _adam(params, state, s, wd=-s[4], decay=s[0] * s[4])

    def decay_forgotten(params, state, *s):
        """You did not use wd."""
        _adam(params, state, s, wd=0.0)

    def one_count_for_all(params, state, *s):
        """A parameter whose gradient comes later is corrected for steps that it did not take. You
        count calls, in one number for all, or before you ask whether .grad is None. Count for each
        parameter, and after that question."""
        _adam(params, state, s, together=True)

    def counted_by_all(params, state, *s):
        """Your count goes up for every parameter, and all share it: it runs ahead of the steps.
        Count for each parameter by itself."""
        first = state.get("all", 0)
        count = iter(range(first + 1, first + 1 + len(params)))
        state["all"] = first + sum(p.grad is not None for p in params)
        _adam(params, state, s, lambda m, v, t, s: _right(m, v, next(count), s))

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

    pairs = (
        *of_formula(
            lambda params, state, *s: _adam(params, state, s),
            not_corrected,
            first_not_corrected,
            second_not_corrected,
            eps_inside_the_root,
            root_forgotten,
            corrected_for_one_step,
            eps_missing,
            squares_forgotten,
            rates_exchanged,
            usual_eps,
            always_coupled,
            always_decoupled,
            decay_without_lr,
            decay_after_the_step,
            decay_forgotten,
            one_count_for_all,
            uphill,
        ),
    )


@torch.no_grad()
def _shrink(params, share):
    for p in params:
        if p.grad is not None:
            p *= 1 - share
