"""Reference and mistakes of the exercise that makes a linear layer by hand."""

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from grader.trusted.key import Key, mistake, raises

F = nn.functional


def _same(x: Tensor) -> Tensor:
    return x


def _even(*size: int, bound: float) -> Tensor:
    return bound * (2 * torch.rand(size) - 1)


Draw = Callable[..., Tensor]


class _Linear(nn.Module):
    """nn.Linear by hand, with what can be wrong in it.

    `weight_of` and `bias_of` make the first numbers from their shapes and n_in.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        bias: bool = True,
        weight_of: Draw | None = None,
        bias_of: Draw | None = None,
        keep: Callable[[Tensor], Any] = nn.Parameter,
        keep_bias: Callable[[Tensor], Any] = nn.Parameter,
        formula: Callable[..., Tensor] = F.linear,
    ) -> None:
        super().__init__()
        bound = 1 / math.sqrt(n_in)
        weight = (
            _even(n_out, n_in, bound=bound) if weight_of is None else weight_of(n_out, n_in, n_in)
        )
        self.weight = keep(weight)
        self.bias = None
        if bias:
            numbers = _even(n_out, bound=bound) if bias_of is None else bias_of(n_out, n_in)
            self.bias = keep_bias(numbers)
        self.formula = formula

    def forward(self, x: Tensor) -> Tensor:
        """(..., n_in) to (..., n_out)."""
        return self.formula(x, self.weight, self.bias)


def _without_a_default(n_in: int, n_out: int, bias: bool) -> nn.Module:
    return _Linear(n_in, n_out, bias)


Bound = Callable[[int, int], float]

_WIDTHS: dict[str, tuple[str, Bound]] = {
    "one": ("from -1 to 1", lambda n_in, n_out: 1.0),
    "half": ("within half of 1/sqrt(n_in)", lambda n_in, n_out: 0.5 / math.sqrt(n_in)),
    "double": ("within twice 1/sqrt(n_in)", lambda n_in, n_out: 2 / math.sqrt(n_in)),
    "of_n_in_itself": ("within 1/n_in", lambda n_in, n_out: 1 / n_in),
    "of_n_out": ("within 1/sqrt(n_out)", lambda n_in, n_out: 1 / math.sqrt(n_out)),
    "kaiming": (
        "as wide as kaiming_uniform_ makes them unless it is told a=sqrt(5)",
        lambda n_in, n_out: math.sqrt(6 / n_in),
    ),
    "xavier": (
        "as wide as xavier_uniform_ makes them",
        lambda n_in, n_out: math.sqrt(6 / (n_in + n_out)),
    ),
}
_OF = {"": "first numbers", "_weight": "weight's first numbers", "_bias": "bias's first numbers"}
"""Of which parameters the first numbers are others: of both, or of one."""


def _truncated(n_in: int, n_out: int, *size: int) -> Tensor:
    bound = 1 / math.sqrt(n_in)
    return nn.init.trunc_normal_(torch.empty(size), std=bound, a=-bound, b=bound)


_UNEVEN: dict[str, tuple[str, Draw]] = {
    "normal": (
        "gathered near the middle, with few far out, as normal ones are, which torch.randn gives",
        lambda n_in, n_out, *size: torch.randn(size),
    ),
    "truncated": (
        "not even: they keep within the bounds, and lie closer to each other in some places than "
        "in others, as those of a truncated normal distribution do",
        _truncated,
    ),
}


def _other_first_numbers() -> Iterator[Callable[..., Any]]:
    """First numbers that are spread evenly, and not as widely as asked for; and uneven ones."""
    even = {
        name: (words, lambda n_in, n_out, *size, b=bound: _even(*size, bound=b(n_in, n_out)))
        for name, (words, bound) in _WIDTHS.items()
    }
    for name, (words, draw) in {**even, **_UNEVEN}.items():
        for of, whose in _OF.items():
            if of == "_bias" and name == "xavier":  # which wants two dimensions
                continue

            def wrong(n_in: int, n_out: int, bias: bool, draw: Draw = draw, of: str = of) -> Any:
                drawn = functools.partial(draw, n_in, n_out)
                weight_of = None if of == "_bias" else lambda r, c, _: drawn(r, c)
                bias_of = None if of == "_weight" else lambda r, _: drawn(r)
                return _Linear(n_in, n_out, bias, weight_of, bias_of)

            yield mistake(
                f"first_{name}{of}",
                f"Your {whose} are {words}. They are to lie evenly between -1/sqrt(n_in) and "
                "1/sqrt(n_in).",
                wrong,
            )


class LinearModuleKey(Key, task="linear_module"):
    reference = _Linear
    families = tuple(_other_first_numbers())

    def plain_tensors(n_in, n_out, bias):
        """Your module has no parameters: weight and bias are plain tensors or buffers, or lie in a
        plain list or dict, or something was done to an nn.Parameter after it was made. No optimizer
        would find them. Give each a name, self.weight = nn.Parameter(...), as the last thing that
        happens to it."""
        return _Linear(n_in, n_out, bias, keep=_same, keep_bias=_same)

    def bias_is_a_plain_tensor(n_in, n_out, bias):
        """Your bias is no parameter: it is a plain tensor, or there is none. With bias=True it is
        an nn.Parameter, as the weight is."""
        return _Linear(n_in, n_out, bias, keep_bias=_same)

    def weight_is_a_plain_tensor(n_in, n_out, bias):
        """Your weight is a plain tensor, and no parameter. Let nn.Parameter(...) be the last thing
        that happens to it, as with the bias."""
        return _Linear(n_in, n_out, bias, keep=_same)

    def frozen(n_in, n_out, bias):
        """Your parameters do not require grad. nn.Parameter switches the flag on, unless it is told
        otherwise."""
        return _Linear(n_in, n_out, bias).requires_grad_(False)

    def weight_lies_on_its_side(n_in, n_out, bias):
        """Your weight has the shape (n_in, n_out). It is kept the other way round, as in nn.Linear:
        a row for each output."""
        return _Linear(n_in, n_out, bias, lambda r, c, n: _even(c, r, bound=1 / math.sqrt(n)))

    @raises(r"shapes cannot be multiplied|size mismatch|must match the size")
    def not_transposed(n_in, n_out, bias):
        """You multiplied by the weight as it lies, of shape (n_out, n_in). Its transpose takes
        n_in numbers: x @ self.weight.T."""
        return _Linear(n_in, n_out, bias, formula=lambda x, w, b: x @ w)

    @raises(r"same dtype|expected scalar type|must have the same dtype")
    def transposed_at_the_start(n_in, n_out, bias):
        """forward uses a tensor that __init__ made of the weight, such as its transpose. A module
        that moves to another dtype or device takes its parameters along, and leaves such a tensor
        behind: transpose in forward."""

        class Kept(_Linear):
            def __init__(self, *given: Any) -> None:
                super().__init__(*given)
                self.transposed = self.weight.t()

            def forward(self, x: Tensor) -> Tensor:
                y = x @ self.transposed
                return y if self.bias is None else y + self.bias

        return Kept(n_in, n_out, bias)

    def bias_of_two_dimensions(n_in, n_out, bias):
        """Your bias has the shape (1, n_out). It has one dimension, (n_out,), and broadcasts over
        the rows by itself."""
        return _Linear(n_in, n_out, bias, bias_of=lambda r, n: _even(1, r, bound=1 / math.sqrt(n)))

    def zeros_for_no_bias(n_in, n_out, bias):
        """With bias=False you keep a plain tensor for a bias. It adds nothing, and it is left
        behind when the layer moves to another device: let bias be None."""
        layer = _Linear(n_in, n_out, bias)
        if not bias:
            layer.bias = torch.zeros(n_out)
        return layer

    def frozen_bias_for_none(n_in, n_out, bias):
        """With bias=False you keep a parameter called bias that does not require grad. It stands in
        parameters() and in state_dict() all the same: let bias be None."""
        layer = _Linear(n_in, n_out, bias)
        if not bias:
            layer.bias = nn.Parameter(torch.zeros(n_out), requires_grad=False)
        return layer

    def always_a_bias(n_in, n_out):
        """Your layer has a bias even where bias=False. There it has none, and its output is the
        product alone."""
        return _Linear(n_in, n_out, True)

    @raises("missing 1 required positional argument: 'bias'")
    def bias_without_a_default(*given):
        """MyLinear(n_in, n_out) raises: your bias has no default. A layer has one unless it is told
        otherwise: bias=True."""
        return _without_a_default(*given)

    def no_bias_by_default(*given):
        """MyLinear(n_in, n_out) has no bias with you. A layer has one unless it is told otherwise:
        bias=True."""
        return _Linear(*given) if len(given) > 2 else _Linear(*given, bias=False)

    def weights_repeated_at_first(n_in, n_out, bias):
        """Many numbers of your weight stand in several places: so it is where they are drawn for
        one column, or for another part, and repeated. Draw n_out * n_in, one for each place."""

        def column(r, c, n):
            return _even(r, 1, bound=1 / math.sqrt(n)).repeat(1, c)

        return _Linear(n_in, n_out, bias, column)

    def bias_of_the_weights_numbers(n_in, n_out, bias):
        """Your bias begins with numbers that stand in your weight. Draw others for it."""
        layer = _Linear(n_in, n_out, bias)
        if bias:
            layer.bias = nn.Parameter(layer.weight.detach()[:, 0].clone())
        return layer

    def bias_is_not_added(n_in, n_out, bias):
        """Your forward leaves out the bias."""
        return _Linear(n_in, n_out, bias, formula=lambda x, w, b: F.linear(x, w))

    @raises(r"unsupported operand|NoneType")
    def bias_is_added_in_any_case(n_in, n_out, bias):
        """With bias=False your forward adds a bias that is not there. Ask whether it is None, or
        use F.linear, which asks."""
        return _Linear(n_in, n_out, bias, formula=lambda x, w, b: x @ w.T + b)

    def bias_is_taken_off(n_in, n_out, bias):
        """You subtracted the bias. It is added."""
        return _Linear(
            n_in, n_out, bias, formula=lambda x, w, b: F.linear(x, w, None if b is None else -b)
        )

    def detached(n_in, n_out, bias):
        """The output is right, and no gradient gets back: forward uses .data or detach, or runs
        under no_grad. Use the parameters themselves."""
        return _Linear(n_in, n_out, bias, formula=lambda *given: F.linear(*given).detach())

    def parameters_detached(n_in, n_out, bias):
        """Gradients reach x, and not your parameters: forward uses weight.data or detaches them.
        Use the parameters themselves."""

        def cut(x, w, b):
            return F.linear(x, w.detach(), None if b is None else b.detach())

        return _Linear(n_in, n_out, bias, formula=cut)

    def buffers_instead(n_in, n_out, bias):
        """Your numbers are buffers. A buffer is saved and moves along, and no optimizer trains it:
        use nn.Parameter."""

        class Buffered(nn.Module):
            def __init__(self):
                super().__init__()
                self.register_buffer("weight", torch.zeros(n_out, n_in))

        return Buffered() if bias else _Linear(n_in, n_out, bias)

    def never_filled_in(n_in, n_out, bias):
        """Your first numbers are what lay in memory by chance: torch.empty fills nothing in. Draw
        them, by uniform_ or torch.rand."""
        return _Linear(
            n_in, n_out, bias, lambda r, c, n: torch.empty(r, c), lambda r, n: torch.empty(r)
        )

    def zeros_at_first(n_in, n_out, bias):
        """Your layer begins with zeros. It begins with random numbers, even between -1/sqrt(n_in)
        and 1/sqrt(n_in)."""
        return _Linear(
            n_in, n_out, bias, lambda r, c, n: torch.zeros(r, c), lambda r, n: torch.zeros(r)
        )

    def bias_of_zeros_at_first(n_in, n_out, bias):
        """Your bias begins with zeros. It begins with random numbers as the weight does."""
        return _Linear(n_in, n_out, bias, bias_of=lambda r, n: torch.zeros(r))

    def ones_at_first(n_in, n_out, bias):
        """Your layer begins with ones. It begins with random numbers, even between -1/sqrt(n_in)
        and 1/sqrt(n_in)."""
        return _Linear(
            n_in, n_out, bias, lambda r, c, n: torch.ones(r, c), lambda r, n: torch.ones(r)
        )

    def none_below_zero_at_first(n_in, n_out, bias):
        """None of your first numbers is negative: torch.rand gives numbers from 0 to 1. They lie on
        both sides of 0."""
        return _Linear(
            n_in,
            n_out,
            bias,
            lambda r, c, n: torch.rand(r, c) / math.sqrt(n),
            lambda r, n: torch.rand(r) / math.sqrt(n),
        )

    def from_0_to_1_at_first(n_in, n_out, bias):
        """Your first numbers are from 0 to 1, as torch.rand gives them. They lie evenly between
        -1/sqrt(n_in) and 1/sqrt(n_in)."""
        return _Linear(
            n_in, n_out, bias, lambda r, c, n: torch.rand(r, c), lambda r, n: torch.rand(r)
        )

    @raises("mT is only supported on matrices")
    def every_x_a_batch(n_in, n_out, bias):
        """You exchange the last two axes of x, and x may be a single row, of shape (n_in,), that
        has one axis alone. Transpose the weight, and not x: x @ self.weight.T."""

        class Turned(_Linear):
            def forward(self, x):
                y = (self.weight @ x.mT).mT
                return y if self.bias is None else y + self.bias

        return Turned(n_in, n_out, bias)

    def same_first_numbers_every_time(n_in, n_out, bias):
        """Every layer of yours begins with the same numbers: __init__ sets a seed, or draws
        nothing. New layers differ: draw the numbers, and leave the seed to whoever trains."""
        torch.manual_seed(0)
        return _Linear(n_in, n_out, bias)
