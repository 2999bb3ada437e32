"""What goes wrong in any normalization layer, forward and backward, from one formula each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from torch import Tensor

from grader.trusted.families.pairs import every_two
from grader.trusted.key import Pair, mistake

Axes = tuple[int, ...]
Changed = Callable[..., Any]


def _root(var: Tensor, eps: float) -> Tensor:
    return (var + eps).sqrt()


def _affine(xh: Tensor, w: Tensor, b: Tensor) -> Tensor:
    return xh * w + b


def _variance(x: Tensor, axes: Axes) -> Tensor:
    return x.var(axes, correction=0, keepdim=True)


def _as_given(axes: Axes, ndim: int) -> Axes:
    return axes


@dataclass(frozen=True)
class Forward:
    """y = affine((x - centred * mean) / divisor(variance, eps), w, b): right as it stands.

    `spread` takes the variance of x over some axes; where a layer uses its running statistics, the
    variance is given. `over` makes other axes of the right ones and the number of dimensions.
    `bracketed`: whether x stands in the bracket that is divided.
    """

    over: Callable[[Axes, int], Axes] = _as_given
    centred: float = 1.0
    spread: Callable[[Tensor, Axes], Tensor] = _variance
    divisor: Callable[[Tensor, float], Tensor] = _root
    affine: Callable[[Tensor, Tensor, Tensor], Tensor] = _affine
    bracketed: bool = True

    def of_batch(self, x: Tensor, axes: Axes, eps: float) -> Tensor:
        """x normalised by its own mean and variance over the axes, without w and b."""
        axes = self.over(axes, x.ndim)
        mean = x.mean(axes, keepdim=True)
        return self.of_given(x, mean, self.spread(x, axes), eps)

    def of_given(self, x: Tensor, mean: Tensor, var: Tensor, eps: float) -> Tensor:
        """x normalised by a mean and a variance that meet it, without w and b."""
        if not self.bracketed:
            return x - self.centred * mean / self.divisor(var, eps)
        return (x - self.centred * mean) / self.divisor(var, eps)


def _unbiased(x: Tensor, axes: Axes) -> Tensor:
    return x.var(axes, correction=1, keepdim=True)


def _mean_absolute(x: Tensor, axes: Axes) -> Tensor:
    return (x - x.mean(axes, keepdim=True)).abs().mean(axes, keepdim=True).square()


def _mean_square(x: Tensor, axes: Axes) -> Tensor:
    return x.square().mean(axes, keepdim=True)


def _square_less_mean(x: Tensor, axes: Axes) -> Tensor:
    return _mean_square(x, axes) - x.mean(axes, keepdim=True)


def forward(answer: Changed, *, mean: str, var: str) -> tuple[Changed, ...]:
    """Mistakes in what is done with mean and variance.

    `answer(change, *given)` is the exercise with a change of the formula; `mean` and `var` are
    what a learner calls the two there.
    """
    return tuple(
        _made(answer, name, change, sentence.format(mean=mean, var=var))
        for name, (change, sentence) in (_FORWARD | _FORWARD_ALONE).items()
    )


def of_batch(answer: Changed) -> tuple[Changed, ...]:
    """Mistakes in how mean and variance are taken from x."""
    return tuple(
        _made(answer, name, change, sentence) for name, (change, sentence) in _OF_BATCH.items()
    )


def pairs_of_forward(
    answer: Changed,
    *,
    mean: str,
    var: str,
    of_batch: bool = True,
    over: Mapping[str, tuple[Callable[[Axes, int], Axes], str]] = MappingProxyType({}),
) -> tuple[Pair, ...]:
    """Every two of `forward`, of `of_batch` where x gives the statistics, and of wrong axes."""
    changes: dict[str, tuple[Any, str]] = {
        name: (change, sentence.format(mean=mean, var=var))
        for name, (change, sentence) in _FORWARD.items()
    }
    changes |= _OF_BATCH if of_batch else {}
    changes |= {name: (Forward(over=axes), sentence) for name, (axes, sentence) in over.items()}
    return tuple(every_two(answer, changes))


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


def _made(answer: Changed, name: str, change: Any, sentence: str) -> Changed:
    return mistake(name, sentence, lambda *given: answer(change, *given))


_FORWARD = {
    "divided_by_variance": (
        Forward(divisor=lambda var, eps: var + eps),
        "You divided by {var} plus eps. Divide by the square root of that.",
    ),
    "eps_outside_the_root": (
        Forward(divisor=lambda var, eps: var.sqrt() + eps),
        "You added eps to the root of {var}. It belongs under the root: sqrt({var} + eps).",
    ),
    "eps_on_both_sides": (
        Forward(divisor=lambda var, eps: (var + eps).sqrt() + eps),
        "You added eps twice, under the root and to the root. It belongs under the root alone.",
    ),
    "eps_missing": (
        Forward(divisor=lambda var, eps: var.sqrt()),
        "You left out eps: divide by sqrt({var} + eps). Without it values that are all equal give "
        "0 / 0.",
    ),
    "default_eps": (
        Forward(divisor=lambda var, eps: _root(var, 1e-5)),
        "You used 1e-5 for eps, which is torch's default. Use the eps that is handed over.",
    ),
    "eps_squared": (
        Forward(divisor=lambda var, eps: _root(var, eps**2)),
        "You squared eps. It is added to {var} as it is: sqrt({var} + eps).",
    ),
    "eps_subtracted": (
        Forward(divisor=lambda var, eps: (var - eps).clamp_min(0).sqrt()),
        "You subtracted eps from {var}. It is added: sqrt({var} + eps).",
    ),
    "multiplied_by_std": (
        Forward(divisor=lambda var, eps: 1 / _root(var, eps)),
        "You multiplied by sqrt({var} + eps). Divide by it.",
    ),
    "not_divided": (
        Forward(divisor=lambda var, eps: var * 0 + 1),
        "You took {mean} off and did not divide: divide by sqrt({var} + eps).",
    ),
    "mean_not_subtracted": (
        Forward(centred=0.0),
        "You did not take {mean} off: subtract it before you divide.",
    ),
    "mean_added": (Forward(centred=-1.0), "You added {mean}. Subtract it before you divide."),
    "affine_forgotten": (
        Forward(affine=lambda xh, w, b: xh),
        "You returned the normalised values without w and b: multiply by w, then add b.",
    ),
    "w_forgotten": (
        Forward(affine=lambda xh, w, b: xh + b),
        "You left out w: multiply the normalised values by w before you add b.",
    ),
    "b_forgotten": (
        Forward(affine=lambda xh, w, b: xh * w),
        "You left out b: add it after you multiply by w.",
    ),
    "b_subtracted": (Forward(affine=lambda xh, w, b: xh * w - b), "You subtracted b. It is added."),
    "b_scaled": (
        Forward(affine=lambda xh, w, b: (xh + b) * w),
        "You added b before you multiplied by w. First times w, then plus b.",
    ),
    "w_and_b_exchanged": (
        Forward(affine=lambda xh, w, b: xh * b + w),
        "You exchanged w and b: multiply by w and add b.",
    ),
    "divided_by_w": (
        Forward(affine=lambda xh, w, b: xh / w + b),
        "You divided by w. The normalised values are multiplied by it.",
    ),
    "one_plus_w": (
        Forward(affine=lambda xh, w, b: xh * (1 + w) + b),
        "You multiplied by 1 + w. Multiply by w as it is.",
    ),
}

# what is written otherwise as a whole, and so is no half of two mistakes
_FORWARD_ALONE = {
    "w_and_b_without_history": (
        Forward(affine=lambda xh, w, b: xh * w.detach() + b.detach()),
        "The values are right, and no gradient reaches w and b: you used them without their "
        "history, by detach(), .data or no_grad(). Use them as they are.",
    ),
    "brackets_missing": (
        Forward(bracketed=False),
        "You divided {mean} alone: a quotient is computed before a difference. Put brackets round "
        "the difference: x less {mean}, and all of that divided.",
    ),
}

_OF_BATCH = {
    "unbiased": (
        Forward(spread=_unbiased),
        "You divided by the root of the unbiased variance, the one over n - 1. The output uses the "
        "variance over n: var(..., correction=0).",
    ),
    "std_plus_eps": (
        Forward(spread=_unbiased, divisor=lambda var, eps: var.sqrt() + eps),
        "You divided by std(...) + eps. Two things differ: std() divides by n - 1 unless you pass "
        "correction=0, and eps belongs under the root: sqrt(var + eps).",
    ),
    "mean_absolute_deviation": (
        Forward(spread=_mean_absolute),
        "You measured the spread by the mean of |x - mean|. The layer uses the variance, the mean "
        "of (x - mean) squared.",
    ),
    "mean_square_for_variance": (
        Forward(spread=_mean_square),
        "You took the mean of x squared for the variance. The variance is the mean of (x - mean) "
        "squared, or mean(x * x) - mean(x) ** 2.",
    ),
    "mean_not_squared": (
        Forward(spread=_square_less_mean),
        "For the variance you subtracted the mean from the mean of x squared. Subtract its square: "
        "mean(x * x) - mean(x) ** 2.",
    ),
    "root_mean_square": (
        Forward(centred=0.0, spread=_mean_square),
        "You divided by the root of the mean square and took no mean off. That is RMSNorm; this "
        "layer takes the mean off and divides by the standard deviation.",
    ),
}


def _mean(t: Tensor, axes: Axes) -> Tensor:
    return t.mean(axes, keepdim=True)


def _sum(t: Tensor, axes: Axes) -> Tensor:
    return t.sum(axes, keepdim=True)


@dataclass(frozen=True)
class Backward:
    """dL/dx = (g - mean_term - xh * var_term) / root, with g = gy * w: right as it stands.

    `mean` and `var` weigh the two terms, `reduce` and `reduce_var` are what makes them from g and
    from g * xh, `divided` how often the bracket is divided by the root, `w` where w stands, and
    `factor` what stands for xh in the term of the variance.
    """

    over: Callable[[Axes, int], Axes] = _as_given
    mean: float = 1.0
    var: float = 1.0
    reduce: Callable[[Tensor, Axes], Tensor] = _mean
    reduce_var: Callable[[Tensor, Axes], Tensor] = _mean
    correction: int = 0
    root: Callable[[Tensor, float], Tensor] = _root
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


def backward(answer: Changed, *, g: str) -> tuple[Changed, ...]:
    """Mistakes in the formula of dL/dx.

    `answer(change, *given)` is the exercise with a change of it; `g` is what stands in the
    bracket, `gy` where w is the same all over what is averaged.
    """
    return tuple(
        _made(answer, name, change, sentence.format(g=g))
        for name, (change, sentence) in (_BACKWARD | _BACKWARD_ALONE).items()
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
        Backward(root=lambda var, eps: _root(var, 1e-5)),
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
}
