"""What goes wrong in any normalization layer, forward, from one formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from torch import Tensor

from grader.trusted.families.pairs import every_two
from grader.trusted.key import Pair, mistake

Axes = tuple[int, ...]
Changed = Callable[..., Any]


def root_of(var: Tensor, eps: float) -> Tensor:
    """What the layer divides by."""
    return (var + eps).sqrt()


def _affine(xh: Tensor, w: Tensor, b: Tensor) -> Tensor:
    return xh * w + b


def _variance(x: Tensor, axes: Axes) -> Tensor:
    return x.var(axes, correction=0, keepdim=True)


def _as_it_is(t: Tensor) -> Tensor:
    return t


def as_given(axes: Axes, ndim: int) -> Axes:
    """The axes as they are."""
    return axes


@dataclass(frozen=True)
class Forward:
    """y = affine((x - centred * mean) / divisor(variance, eps), w, b): right as it stands.

    `spread` takes the variance of x over some axes; where a layer uses its running statistics, the
    variance is given. `over` makes other axes of the right ones and the number of dimensions.
    `bracketed`: whether x stands in the bracket that is divided. `centre` is what is done to the
    mean of x.
    """

    over: Callable[[Axes, int], Axes] = as_given
    centred: float = 1.0
    spread: Callable[[Tensor, Axes], Tensor] = _variance
    divisor: Callable[[Tensor, float], Tensor] = root_of
    affine: Callable[[Tensor, Tensor, Tensor], Tensor] = _affine
    bracketed: bool = True
    centre: Callable[[Tensor], Tensor] = _as_it_is

    def of_batch(self, x: Tensor, axes: Axes, eps: float) -> Tensor:
        """x normalised by its own mean and variance over the axes, without w and b."""
        axes = self.over(axes, x.ndim)
        mean = self.centre(x.mean(axes, keepdim=True))
        return self.of_given(x, mean, self.spread(x, axes), eps)

    def of_given(self, x: Tensor, mean: Tensor, var: Tensor, eps: float) -> Tensor:
        """x normalised by a mean and a variance that meet it, without w and b."""
        if not self.bracketed:
            return x - self.centred * mean / self.divisor(var, eps)
        return (x - self.centred * mean) / self.divisor(var, eps)


def unbiased(x: Tensor, axes: Axes) -> Tensor:
    """The variance over n - 1."""
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
        made_by(answer, name, change, sentence.format(mean=mean, var=var))
        for name, (change, sentence) in (_FORWARD | _FORWARD_ALONE).items()
    )


def of_batch(answer: Changed) -> tuple[Changed, ...]:
    """Mistakes in how mean and variance are taken from x."""
    return tuple(
        made_by(answer, name, change, sentence)
        for name, (change, sentence) in (_OF_BATCH | _OF_BATCH_ALONE).items()
    )


def root_and_square(answer: Changed) -> tuple[Changed, ...]:
    """For layers that are differentiated where a variance is 0: its root, squared again, under the
    root; and eps outside of torch.std, whose derivative is 0 there."""
    change = Forward(divisor=lambda var, eps: root_of(var.sqrt() ** 2, eps))
    sentence = (
        "All values are right, and the gradient is nan where a variance is 0: you took its root, "
        "whose derivative is infinite there, and squared that again. Add eps to the variance "
        "itself: sqrt(var + eps)."
    )
    beside = Forward(divisor=lambda var, eps: _deviation(var) + eps)
    outside = _FORWARD["eps_outside_the_root"][1].format(var="the variance")
    return (
        made_by(answer, "root_and_square", change, sentence),
        made_by(answer, "eps_outside_of_std", beside, outside),
    )


def _deviation(var: Tensor) -> Tensor:
    """The root, with the derivative 0 where it is 0, as torch.std has it."""
    none = var == 0
    return var.masked_fill(none, 1).sqrt().masked_fill(none, 0)


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


def made_by(answer: Changed, name: str, change: Any, sentence: str) -> Changed:
    """The mistake that `answer` makes with a change of its formula."""
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
        "You left out eps: divide by sqrt({var} + eps). Without it a "
        "variance of 0 is a division by 0.",
    ),
    "default_eps": (
        Forward(divisor=lambda var, eps: root_of(var, 1e-5)),
        "You used 1e-5 for eps, which is torch's default. Use the eps that is handed over.",
    ),
    "eps_squared": (
        Forward(divisor=lambda var, eps: root_of(var, eps**2)),
        "You squared eps. It is added to {var} as it is: sqrt({var} + eps).",
    ),
    "eps_subtracted": (
        Forward(divisor=lambda var, eps: (var - eps).clamp_min(0).sqrt()),
        "You subtracted eps from {var}. It is added: sqrt({var} + eps).",
    ),
    "multiplied_by_std": (
        Forward(divisor=lambda var, eps: 1 / root_of(var, eps)),
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
    "w_without_history": (
        Forward(affine=lambda xh, w, b: xh * w.detach() + b),
        "The values are right, and no gradient reaches w: you used it without its history, by "
        "detach(), .data or no_grad(). Use it as it is.",
    ),
    "b_without_history": (
        Forward(affine=lambda xh, w, b: xh * w + b.detach()),
        "The values are right, and no gradient reaches b: you used it without its history, by "
        "detach(), .data or no_grad(). Use it as it is.",
    ),
    "brackets_missing": (
        Forward(bracketed=False),
        "You divided {mean} alone: a quotient is computed before a difference. Put brackets round "
        "the difference: x less {mean}, and all of that divided.",
    ),
}

_OF_BATCH = {
    "unbiased": (
        Forward(spread=unbiased),
        "You divided by the root of the unbiased variance, the one over n - 1. The output uses the "
        "variance over n: var(..., correction=0).",
    ),
    "std_plus_eps": (
        Forward(spread=unbiased, divisor=lambda var, eps: var.sqrt() + eps),
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

# of which the values are right, and so are no half of two mistakes
_OF_BATCH_ALONE = {
    "variance_is_constant": (
        Forward(spread=lambda x, axes: _variance(x, axes).detach()),
        "All values are right, and the gradient that reaches x lacks the path through the "
        "variance: you computed it without recording. It depends on x: leave out detach() and "
        "no_grad().",
    ),
    "mean_is_constant": (
        Forward(centre=lambda mean: mean.detach()),
        "All values are right, and the gradient that reaches x lacks the path through the mean: "
        "you computed it without recording. It depends on x: leave out detach() and no_grad().",
    ),
}
