"""What goes wrong in the gradient of any normalization layer, from one formula."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from grader.trusted.families.norms import (
    Axes,
    Changed,
    Forward,
    as_given,
    made_by,
    root_of,
    unbiased,
)
from grader.trusted.families.pairs import every_two
from grader.trusted.key import Pair, mistake


def _mean(t: Tensor, axes: Axes) -> Tensor:
    return t.mean(axes, keepdim=True)


def _std(correction: int) -> Callable[[Tensor, Axes], Tensor]:
    return lambda x, axes: x.std(axes, correction=correction, keepdim=True)


def _sum(t: Tensor, axes: Axes) -> Tensor:
    return t.sum(axes, keepdim=True)


@dataclass(frozen=True)
class Backward:
    """dL/dx = (g - mean_term - xh * var_term) / root, with g = gy * w: right as it stands.

    `mean` and `var` weigh the two terms, `reduce` and `reduce_var` are what makes them from g and
    from g * xh, `divided` how often the bracket is divided by the root, `w` where w stands, and
    `factor` what stands for xh in the term of the variance.
    """

    over: Callable[[Axes, int], Axes] = as_given
    mean: float = 1.0
    var: float = 1.0
    reduce: Callable[[Tensor, Axes], Tensor] = _mean
    reduce_var: Callable[[Tensor, Axes], Tensor] = _mean
    correction: int = 0
    root: Callable[[Tensor, float], Tensor] = root_of
    divided: int = 1
    normalised: bool = True
    upstream: bool = True
    w: str = "first"
    factor: str = "xh"

    def of(self, x: Tensor, gy: Tensor, w: Tensor, axes: Axes, eps: float) -> Tensor:
        """The gradient for x; w meets x."""
        axes = self.over(axes, x.ndim)
        root = self.root(x.var(axes, correction=self.correction, keepdim=True), eps)
        xh = x - x.mean(axes, keepdim=True)
        xh = xh / root if self.normalised else xh
        gy = gy if self.upstream else gy * 0 + 1
        g = gy if self.w in ("last", "forgotten") else gy / w if self.w == "divided" else gy * w
        inner = g * w if self.w == "twice" else g
        through = gy if self.w == "in the first term" else inner
        means = self.mean * self.reduce(through, axes)
        again = w if self.w == "again in the last term" else 1
        bent = gy if self.w == "not in the variance term" else through
        inside = {"x": x, "squared inside": xh * xh}.get(self.factor, xh)
        alone = self.factor in ("left out", "squared inside")
        outside = xh * 0 + 1 if alone else inside
        inner = inner - means - self.var * again * outside * self.reduce_var(bent * inside, axes)
        if self.w in ("last", "first and last"):
            inner = inner * w
        return inner / root**self.divided


@dataclass(frozen=True)
class Differentiated:
    """The gradient that autograd gives of a forward pass with a change of its formula."""

    forward: Forward

    def of(self, x: Tensor, gy: Tensor, w: Tensor, axes: Axes, eps: float) -> Tensor:
        """The gradient for x; w meets x."""
        x = x.detach().requires_grad_()
        y = self.forward.of_batch(x, axes, eps) * w.detach()
        return torch.autograd.grad(y, x, gy)[0]


def backward(answer: Changed, *, g: str) -> tuple[Changed, ...]:
    """Mistakes in the formula of dL/dx.

    `answer(change, *given)` is the exercise with a change of it; `g` is what stands in the
    bracket, `gy` where w is the same all over what is averaged.
    """
    return tuple(
        made_by(answer, name, change, sentence.format(g=g))
        for name, (change, sentence) in (_BACKWARD | _BACKWARD_ALONE).items()
    )


def pairs_of_backward(
    answer: Changed,
    *,
    g: str,
    over: Mapping[str, tuple[Callable[[Axes, int], Axes], str]] = MappingProxyType({}),
) -> tuple[Pair, ...]:
    """Every two of `backward`, and of wrong axes."""
    changes: dict[str, tuple[Any, str]] = {
        name: (change, sentence.format(g=g)) for name, (change, sentence) in _BACKWARD.items()
    }
    changes |= {name: (Backward(over=axes), sentence) for name, (axes, sentence) in over.items()}
    return tuple(every_two(answer, changes))


def on_x_itself(reference: Callable[..., Tensor]) -> tuple[Callable[..., Tensor], ...]:
    """Mistakes of an answer that runs its pass on x, with the flag and the .grad that x has."""

    def took_off_again(x: Tensor, gy: Tensor, w: Tensor, eps: float) -> Tensor:
        found = reference(x, gy, w, eps)
        if x.grad is not None:
            x.grad.add_(found)
        return found

    def with_itself(x: Tensor, gy: Tensor, w: Tensor, eps: float) -> Tensor:
        found = took_off_again(x, gy, w, eps)
        return found if x.grad is None else torch.zeros_like(found)

    def switched_off(x: Tensor, gy: Tensor, w: Tensor, eps: float) -> Tensor:
        found = reference(x, gy, w, eps)
        x.requires_grad_(False)
        return found

    return (
        mistake(
            "flag_switched_off",
            "The gradient is right, and x does not require grad any more: you switched its flag on "
            "for your pass and off again, and it was on before. Work on x.detach().clone().",
            switched_off,
        ),
        mistake(
            "pass_took_off_again",
            "The gradient is right, and .grad of x is changed: your pass added to it, and you took "
            "off what it held before in what you return alone. Use torch.autograd.grad, or work on "
            "x.detach().clone().",
            took_off_again,
        ),
        mistake(
            "difference_with_itself",
            "Where x had a .grad from before you return 0. If you took off x.grad as it was before "
            "the pass: backward adds to that very tensor, so that the name you kept stands for the "
            "sum as well. Use torch.autograd.grad, or work on x.detach().clone().",
            with_itself,
        ),
    )


def without(made: Iterable[Changed], *names: str) -> tuple[Changed, ...]:
    """The family less those that cannot be told from another mistake there. Raises KeyError."""
    known = {one.__name__: one for one in made}
    for name in names:
        del known[name]
    return tuple(known.values())


_BACKWARD = {
    "statistics_are_constants": (
        Backward(mean=0, var=0),
        "You took mean and variance for constants. Both depend on x, so two more paths lead from x "
        "to y: gy * w / std is the first of three.",
    ),
    "variance_is_constant": (
        Backward(var=0),
        "You let gradients through the mean alone: the path through the variance is missing, or "
        "you wrote its term as a product of two means, and that of xh is 0. The term is xh times "
        "the mean of the product {g} * xh.",
    ),
    "mean_is_constant": (
        Backward(mean=0),
        "You let gradients through the variance, and took the mean for a constant. The path "
        "through the mean is missing: without it the gradients of what is averaged do not sum to "
        "0.",
    ),
    "sums_for_means": (
        Backward(reduce=_sum, reduce_var=_sum),
        "You subtracted sums where means belong: divide both by the number of values that are "
        "averaged.",
    ),
    "sum_in_the_mean_term": (
        Backward(reduce=_sum),
        "In the term that comes through the mean you took the sum of {g}. It is its mean: divide "
        "by the number of values that are averaged.",
    ),
    "sum_in_the_variance_term": (
        Backward(reduce_var=_sum),
        "In the term that comes through the variance you took the sum of {g} times the normalised "
        "values. It is their mean: divide by the number of values that are averaged.",
    ),
    "signs_of_the_means": (
        Backward(mean=-1, var=-1),
        "You added the two means in the bracket. Both are subtracted.",
    ),
    "sign_of_the_mean": (
        Backward(mean=-1),
        "The term of the mean has the wrong sign: mean({g}) is subtracted from {g}.",
    ),
    "sign_of_the_variance_term": (
        Backward(var=-1),
        "The term that comes through the variance has the wrong sign: it is subtracted.",
    ),
    "variance_term_doubled": (
        Backward(var=2),
        "The term that comes through the variance is twice too large. The 2 of the square meets a "
        "1/2 of the root.",
    ),
    "variance_term_halved": (
        Backward(var=0.5),
        "The term that comes through the variance is half as large as it should be. The 1/2 of the "
        "root meets a 2 of the square.",
    ),
    "normalised_twice": (
        Backward(divided=2),
        "You divided the bracket by the variance plus eps. Divide it by the square root of that.",
    ),
    "not_divided_by_std": (
        Backward(divided=0),
        "You left out the division by the root of the variance plus eps: y changes the less with x "
        "the wider x is spread.",
    ),
    "multiplied_by_std": (
        Backward(divided=-1),
        "You multiplied the bracket by the root of the variance plus eps. Divide by it.",
    ),
    "not_normalised_in_bracket": (
        Backward(normalised=False),
        "In the term of the variance you took x - mean in the place of the normalised values, "
        "which are divided by the root of the variance plus eps. They stand there twice.",
    ),
    "unbiased_variance": (
        Backward(correction=1),
        "You used the unbiased variance, the one over n - 1. The layer divides by the one over n, "
        "and so does its gradient: var(..., correction=0).",
    ),
    "eps_missing": (
        Backward(root=lambda var, eps: var.sqrt()),
        "You left out eps. It is added to the variance under the root, in the gradient as in the "
        "forward pass.",
    ),
    "eps_outside_the_root": (
        Backward(root=lambda var, eps: var.sqrt() + eps),
        "You added eps to the root of the variance. It belongs under the root: sqrt(var + eps).",
    ),
    "default_eps": (
        Backward(root=lambda var, eps: root_of(var, 1e-5)),
        "You used 1e-5 for eps, which is torch's default, also of F.batch_norm and F.layer_norm. "
        "Use the eps that is handed over.",
    ),
    "upstream_not_used": (
        Backward(upstream=False),
        "You never used gy: this is the gradient of y.sum(), with a gradient of ones arriving. "
        "Start from gy.",
    ),
    "w_forgotten": (
        Backward(w="forgotten"),
        "You left out w. y is w times the normalised value plus b, so the gradient is multiplied "
        "by w.",
    ),
    "w_twice": (
        Backward(w="twice"),
        "You multiplied by w twice. It stands in the forward pass once, and so it does here.",
    ),
    "w_first_and_last": (
        Backward(w="first and last"),
        "You multiplied by w twice, at the beginning and at the end. It stands in the forward pass "
        "once, and so it does here.",
    ),
    "w_not_in_the_variance_term": (
        Backward(w="not in the variance term"),
        "In the term that comes through the variance you took gy for gy * w. Use gy * w in all "
        "three.",
    ),
    "w_in_the_first_term_alone": (
        Backward(w="in the first term"),
        "w joins in your first term alone. What comes through mean and variance is multiplied by "
        "w as well: use gy * w in all three.",
    ),
    "w_again_in_the_last_term": (
        Backward(w="again in the last term"),
        "In the term that comes through the variance w stands twice. The normalised values there "
        "are those before w and b.",
    ),
}

# what is written otherwise as a whole, and so is no half of two mistakes
_BACKWARD_ALONE = {
    "normalised_values_left_out": (
        Backward(factor="left out"),
        "In the term that comes through the variance the mean of {g} times the normalised values "
        "is right, and it is not multiplied by the normalised values: they stand there twice.",
    ),
    "normalised_values_inside_the_mean": (
        Backward(factor="squared inside"),
        "In the term that comes through the variance both normalised values stand inside the mean. "
        "One of them stands in front of it: xh times the mean of {g} * xh.",
    ),
    "divided_by_w": (
        Backward(w="divided"),
        "You divided gy by w. y is w times the normalised value plus b, so gy is multiplied by w.",
    ),
    "x_for_the_normalised_values": (
        Backward(factor="x"),
        "In the term that comes through the variance you took x itself, twice, in the place of the "
        "normalised values. Take (x - mean) / sqrt(var + eps) there.",
    ),
    "unbiased_in_what_is_differentiated": (
        Differentiated(Forward(spread=unbiased)),
        "You used the unbiased variance, the one over n - 1. The layer divides by the one over n, "
        "and so does its gradient: var(..., correction=0).",
    ),
    "eps_outside_in_what_is_differentiated": (
        Differentiated(Forward(divisor=lambda var, eps: var.sqrt() + eps)),
        "You added eps to the root of the variance. It belongs under the root: sqrt(var + eps).",
    ),
    "eps_added_to_std_and_differentiated": (
        Differentiated(Forward(spread=_std(0), divisor=lambda std, eps: std + eps)),
        "You added eps to the root of the variance. It belongs under the root: sqrt(var + eps).",
    ),
    "std_plus_eps_differentiated": (
        Differentiated(Forward(spread=_std(1), divisor=lambda std, eps: std + eps)),
        "You differentiated a division by std(...) + eps. Two things differ: std() divides by "
        "n - 1 unless you pass correction=0, and eps belongs under the root: sqrt(var + eps).",
    ),
    "divided_by_variance_and_differentiated": (
        Differentiated(Forward(divisor=lambda var, eps: var + eps)),
        "You differentiated a division by the variance plus eps. The layer divides by the square "
        "root of that.",
    ),
}
