"""References and mistakes of the exercises on a root and a logarithm at 0."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from grader.trusted.key import Key, mistake, raises

Mistakes = Iterator[Callable[..., Any]]
_EPS = {f"1e_{power}": 10.0**-power for power in (3, 4, 5, 6, 7, 8, 9, 10, 12)}
"""Small numbers that are often added, by what they are called in a name."""


def _root(square: Tensor) -> Tensor:
    """The root of numbers, with every derivative 0 where they are 0."""
    zero = square == 0
    return torch.where(zero, 0.0, torch.where(zero, 1.0, square).sqrt())


def _near_zero_norms() -> Mistakes:
    for name, eps in _EPS.items():
        yield mistake(
            f"eps_in_the_root_{name}",
            f"You added {eps:g} under the root. That keeps the gradient finite and makes every "
            "norm too long: a row of zeros gets the root of eps, and short rows are off by much. "
            "Choose by torch.where instead, before the root and behind it.",
            lambda x, eps=eps: (x.square().sum(-1) + eps).sqrt(),
        )
        yield mistake(
            f"clamped_to_{name}",
            f"You clamped the sum of squares to at least {eps:g}. A row of zeros then gets the "
            "root of that number and not 0, and so does every row that is shorter.",
            lambda x, eps=eps: x.square().sum(-1).clamp(min=eps).sqrt(),
        )


def _short_for_zero() -> Mistakes:
    """Rows up to some length are taken for rows of zeros."""
    for name, square in {"": 1e-8, "_if_very_short": 1e-16}.items():
        yield mistake(
            f"short_rows_taken_for_zero{name}",
            "You take short rows for rows of zeros. A row is one only if all of its entries are 0: "
            "everywhere else the gradient has the length 1. Ask for exactly 0.",
            lambda x, least=square: _root(
                torch.where(x.square().sum(-1) > least, x.square().sum(-1), 0.0)
            ),
        )


def _hardly_clamped() -> Mistakes:
    """Clamped so little that few rows show it."""
    yield mistake(
        "clamped_to_very_little",
        "You clamped the sum of squares to a very small number. A row of zeros gets the root of "
        "that number, and not 0, and so does a row that is shorter still. Choose by torch.where "
        "instead, before the root and behind it.",
        lambda x: x.square().sum(-1).clamp(min=1e-34).sqrt(),
    )


class _NormOnce(torch.autograd.Function):
    """The norm of every row, with a gradient that cannot be differentiated."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        norms = torch.linalg.vector_norm(x, dim=-1)
        ctx.save_for_backward(x, norms)
        return norms

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, arriving: Tensor) -> Tensor:
        x, norms = ctx.saved_tensors
        slope = torch.where(norms == 0, 0.0, arriving / torch.where(norms == 0, 1.0, norms))
        return slope[:, None] * x


class SafeNormKey(Key, task="safe_norm"):
    def reference(x: Tensor) -> Tensor:
        norms = x.new_zeros(len(x))
        some = (x != 0).any(-1)
        return norms.index_put((some,), torch.linalg.vector_norm(x[some], dim=-1))

    def nan_at_zero(x):
        """All values are right, and at a row of zeros the gradient is nan. The slope of a root at 0
        is inf, and 0 * inf is nan, as 0 / 0 is. A torch.where, masked_fill or product behind the
        root does not help: it sends 0 into the root's backward pass. Choose a number for the root
        before you take it."""
        return x.square().sum(-1).sqrt()

    def second_derivative_nan(x):
        """Values and gradients are right, and the second derivative is nan at a row of zeros. The
        first backward pass alone is mended, as torch's own norm does it: the second one goes
        through a division by 0. Choose by torch.where before the root."""
        return torch.linalg.vector_norm(x, dim=-1)

    def one_at_zero(x):
        """A row of zeros gets the norm 1, as where 1 is put in the place of 0 under the root, and
        left there. Put 0 in the place of the result, by a second torch.where."""
        square = x.square().sum(-1)
        return torch.where(square == 0, 1.0, square).sqrt()

    def row_of_ones_at_zero(x):
        """A row of zeros gets the norm of a row of ones: you put that in its place, and left it
        there. Put 0 in the place of the result, by a second torch.where."""
        zero = (x == 0).all(-1, keepdim=True)
        return torch.where(zero, 1.0, x).square().sum(-1).sqrt()

    def every_zero_made_one(x):
        """You put 1 in the place of every entry that is 0, also in rows that have others: those
        become longer. A row is replaced only if all of its entries are 0."""
        zero = (x == 0).all(-1)
        return torch.where(zero, 0.0, torch.where(x == 0, 1.0, x).square().sum(-1).sqrt())

    def new_zeros_without_a_graph(x):
        """Where all rows are zeros you return new zeros, which have no graph: nothing leads back to
        x, and a backward pass fails. torch.where keeps the graph there, too."""
        return SafeNormKey.reference(x) if bool(x.any()) else x.new_zeros(len(x))

    def square_at_zero(x):
        """Values and gradients are right, and the second derivative of a row of zeros is not 0: the
        sum of squares stands in the place of its norm, and bends there. Put a plain 0 in that
        place."""
        square = x.square().sum(-1)
        zero = square == 0
        return torch.where(zero, square, torch.where(zero, 1.0, square).sqrt())

    def norm_taken_for_constant(x):
        """Values and gradients are right, and the second derivative is not: something was detached,
        and the slope x / norm is a function of x as well. Leave out detach(), and choose by
        torch.where."""
        norms = SafeNormKey.reference(x).detach()
        safe = torch.where(norms == 0, 1.0, norms)
        return (x * (x.detach() / safe[:, None])).sum(-1) + 0 * x.square().sum(-1)

    def rows_with_a_zero_left_out(x):
        """A row gets 0 if any of its entries is 0. Only a row whose entries are all 0 has the norm
        0: look at the sum of squares, or at all(-1)."""
        return SafeNormKey.reference(torch.where((x == 0).any(-1, keepdim=True), 0.0, x))

    def rows_without_a_positive_entry_left_out(x):
        """You took every row without a positive entry for a row of zeros. Negative entries have a
        length too: ask for those that are not 0."""
        some = (x > 0).any(-1)
        return _root(torch.where(some[:, None], x, 0.0).square().sum(-1))

    def rows_that_add_up_to_zero_left_out(x):
        """You took a row whose entries add up to 0 for a row of zeros. Those of (1, -1) do, and its
        length is not 0: look at the sum of the squares, or at (x == 0).all(-1)."""
        some = x.sum(-1) != 0
        return _root(torch.where(some[:, None], x, 0.0).square().sum(-1))

    def rows_that_begin_with_zero_left_out(x):
        """You took a row that begins with 0 for a row of zeros. All of its entries count: look at
        the sum of the squares, or at (x == 0).all(-1)."""
        some = x[:, 0] != 0
        return _root(torch.where(some[:, None], x, 0.0).square().sum(-1))

    def zero_rows_dropped(x):
        """You returned the norms of the other rows alone. A row of zeros has a norm too: 0, in its
        place among the N."""
        return torch.linalg.vector_norm(x[(x != 0).any(-1)], dim=-1)

    def over_the_columns(x):
        """You took the norm of every column. Sum the squares over the last dimension: -1."""
        return _root(x.square().sum(0))

    def over_everything(x):
        """You took one norm of all of x. Every row has its own: sum over the last dimension."""
        return _root(x.square().sum())

    def squared(x):
        """You returned the squares of the norms: the root is missing."""
        return x.square().sum(-1)

    def mean_of_the_squares(x):
        """You took the root of the mean of the squares. A norm is the root of their sum."""
        return _root(x.square().mean(-1))

    def sum_of_the_sizes(x):
        """You added up absolute values. The Euclidean norm is the root of the sum of squares."""
        return x.abs().sum(-1)

    def greatest_entry(x):
        """You took the greatest absolute value of each row. The Euclidean norm is the root of the
        sum of squares."""
        return x.abs().amax(-1)

    def dimension_kept(x):
        """The norms are right, and have shape (N, 1). Leave out keepdim=True."""
        return SafeNormKey.reference(x)[:, None]

    def result_detached(x):
        """The values are right, and nothing reaches x: the result is cut off the graph. detach(),
        .data, item(), tolist() and no_grad() do that. Return what the operations gave, as it is."""
        return SafeNormKey.reference(x).detach()

    def second_pass_not_recorded(x):
        """Values and gradients are right, and the gradient cannot be differentiated once more. So
        it is where the slope x / norm was detached, and where the backward of a Function of your
        own is not recorded, as under @once_differentiable. Detach nothing, choose by torch.where,
        and leave the backward pass to torch."""
        return _NormOnce.apply(x)

    def one_norm_for_every_row(x):
        """Every row has the norm of all of x. Each has its own: sum over the last dimension."""
        return _root(x.square().sum()).expand(len(x))

    def hook_left_on_x(x):
        """The numbers are right, and a hook of yours is still on x: it runs whenever a gradient
        comes to x, in the passes of others too. x belongs to the caller. Choose by torch.where
        before the root."""
        if x.requires_grad:
            x.register_hook(torch.nan_to_num)
        return x.square().sum(-1).sqrt()

    @raises("a leaf Variable that requires grad|a view of a leaf Variable")
    def x_overwritten(x):
        """You wrote into x, which belongs to the caller, and a leaf that requires grad refuses.
        torch.where makes a new tensor."""
        x[(x == 0).all(-1)] = 1
        return SafeNormKey.reference(x)

    families = (*_near_zero_norms(), *_short_for_zero(), *_hardly_clamped())


def _entropy(p: Tensor) -> Tensor:
    return -torch.special.xlogy(p, torch.where(p == 0, 1.0, p)).sum(-1)


_TINY: dict[str, Callable[[Tensor, float], Tensor]] = {
    "taken_for_zero": lambda p, eps: torch.where(p > eps, p, 0.0),
    "clamped_everywhere": lambda p, eps: p.clamp(min=eps),
}
"""What is made of p by those who treat its tiny entries alike."""


def _near_zero_logarithms() -> Mistakes:
    for name, eps in _EPS.items():
        yield mistake(
            f"eps_in_the_logarithm_{name}",
            f"You added {eps:g} inside the logarithm. Every entry is then a little off, a tiny one "
            "by much, and a 0 is pulled by the logarithm of eps. Choose by torch.where what the "
            "logarithm sees, and add nothing.",
            lambda p, eps=eps: -(p * (p + eps).log()).sum(-1),
        )
        yield mistake(
            f"clamped_to_{name}",
            f"You clamped p to at least {eps:g} inside the logarithm. The gradient of a 0 is then "
            "minus the logarithm of that number, and not 0; tiny entries are off too.",
            lambda p, eps=eps: -(p * p.clamp(min=eps).log()).sum(-1),
        )
        yield mistake(
            f"eps_added_to_p_{name}",
            f"You added {eps:g} to p itself, for the product and the logarithm. Every entry is "
            "then a little off, and a 0 is pulled by the logarithm of that number. Choose by "
            "torch.where what the logarithm sees, and add nothing.",
            lambda p, eps=eps: -((p + eps) * (p + eps).log()).sum(-1),
        )
        for wrong, found in _TINY.items():
            yield mistake(
                f"{wrong}_below_{name}",
                "You treat all tiny entries alike, as 0 or as one small number, by a comparison or "
                "a clamp of p. A tiny entry adds something of its own all the same, and its "
                "gradient is large. Ask for exactly 0: p > 0.",
                lambda p, eps=eps, found=found: _entropy(found(p, eps)),
            )


class FixWhereKey(Key, task="fix_where"):
    def reference(p: Tensor) -> Tensor:
        terms = torch.zeros_like(p)
        some = p > 0
        return -terms.index_put((some,), p[some] * p[some].log()).sum(-1)

    def chosen_too_late(p):
        """All values are right, and the gradient of a 0 is nan, as in the broken function. where
        hides the nan of 0 * log(0), and sends a gradient of 0 into the product: 0 * -inf is nan
        again. xlogy, nansum and nan_to_num do the same. Choose before the logarithm is taken."""
        return -torch.where(p > 0, p * p.log(), 0.0).sum(-1)

    def inf_at_zero(p):
        """All values are right, and the gradient of a 0 is inf: so it is by the formula, and so
        torch.special.entr gives it. Asked for is 0 there: choose before the logarithm is taken."""
        return torch.special.entr(p).sum(-1)

    def divided_by_its_sum(p):
        """You divided p by its sum first. Where that is 1 the values stay, and the gradient does
        not: take p as it is."""
        return _entropy(p / p.sum(-1, keepdim=True))

    def factor_missing(p):
        """You added up the logarithms alone. Each is multiplied by its p: minus the sum of
        p * log(p)."""
        return -torch.where(p == 0, 1.0, p).log().sum(-1)

    def sign_missing(p):
        """The sign is missing: log(p) is negative, and the entropy is minus the sum."""
        return -_entropy(p)

    def base_two(p):
        """You took the logarithm to the base 2. The natural one is asked for: log."""
        return _entropy(p) / torch.log(torch.tensor(2.0, dtype=torch.float64)).item()

    def base_ten(p):
        """You took the logarithm to the base 10. The natural one is asked for: log."""
        return _entropy(p) / torch.log(torch.tensor(10.0, dtype=torch.float64)).item()

    def mean_over_the_entries(p):
        """You took the mean over the last dimension. The entropy is minus the sum."""
        return _entropy(p) / p.shape[-1]

    def one_number(p):
        """You added up all rows. Every row has its own entropy: sum over the last dimension."""
        return _entropy(p).sum()

    def over_the_first_dimension(p):
        """You summed over the first dimension. The entries of a row lie along the last: -1."""
        return _entropy(p.movedim(0, -1))

    def over_dimension_one(p):
        """You summed over dimension 1. p may have more than two dimensions, or one: the entries of
        a row lie along the last, -1."""
        return _entropy(p.movedim(min(1, p.ndim - 1), -1))

    def p_taken_for_constant(p):
        """The values are right, and the gradient lacks a term: p stands in the product twice, and
        you detached the first."""
        return -(p.detach() * torch.where(p == 0, 1.0, p).log()).sum(-1)

    def logarithm_taken_for_constant(p):
        """The values are right, and the gradient lacks a term, the 1 of log(p) + 1: you detached
        the logarithm, which depends on p as well."""
        return -(p * torch.where(p == 0, 1.0, p).log().detach()).sum(-1)

    def zeros_made_one(p):
        """A 0 is counted with the logarithm of a number that you chose for it: it adds something,
        and its gradient is not 0. Put a 1 in its place, whose logarithm is 0."""
        return -torch.where(p == 0, 0.5, p).log().mul(torch.where(p == 0, 0.5, p)).sum(-1)

    def gradient_of_the_safe_number(p):
        """All values are right, and the gradient of a 0 is -1. What stands in its place has a
        slope: a clamp or a sum lets the gradient through to the number there, and so does p as the
        other side of torch.where. Put a plain number there: 1 before the logarithm, or 0 behind
        it."""
        safe = p + (p == 0).to(p)
        return -(safe * safe.log()).sum(-1)

    def dimension_kept(p):
        """The entropies are right, and the last dimension is still there. Leave out
        keepdim=True."""
        return FixWhereKey.reference(p)[..., None]

    def result_detached(p):
        """The values are right, and nothing reaches p: the result is cut off the graph. detach(),
        .data, item(), tolist() and no_grad() do that. Return what the operations gave, as it is."""
        return FixWhereKey.reference(p).detach()

    def hook_left_on_p(p):
        """The numbers are right, and a hook of yours is still on p: it runs whenever a gradient
        comes to p, in the passes of others too. p belongs to the caller. Choose before the
        logarithm is taken."""
        if p.requires_grad:
            p.register_hook(torch.nan_to_num)
        return -torch.where(p > 0, p * p.log(), 0.0).sum(-1)

    @raises("a leaf Variable that requires grad|a view of a leaf Variable")
    def p_overwritten(p):
        """You wrote into p, which belongs to the caller, and a leaf that requires grad refuses.
        torch.where makes a new tensor."""
        p[p == 0] = 1
        return FixWhereKey.reference(p)

    families = (*_near_zero_logarithms(),)
