"""References and mistakes of the exercises on the loss and its gradient."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from grader.trusted.key import Key, mistake, raises

F = nn.functional


_KEPT = (
    "You kept the probability off 0 before its logarithm, by a limit or a small number. With "
    "large scores the loss stops there, and has no gradient: log_softmax needs neither."
)


def _away_from_zero() -> Iterator[Callable[..., Tensor]]:
    """Probabilities kept off 0 by a number so small that it shows with large scores alone."""
    for power in (*range(3, 17), 20, 24, 30, 32, 37, 38):
        yield _limited(10.0**-power, f"1e_{power}")
    yield _limited(torch.finfo(torch.float32).tiny, "tiny")
    yield _limited(torch.finfo(torch.float64).eps, "eps_64")
    yield _limited(torch.finfo(torch.float32).eps, "eps_32")


def _limited(least: float, name: str) -> Callable[..., Tensor]:
    def wrong(logits: Tensor, y: Tensor) -> Tensor:
        return F.nll_loss(logits.softmax(1).clamp_min(least).log(), y)

    return mistake(
        f"kept_off_zero_{name}",
        _KEPT,
        wrong,
    )


def _added() -> Iterator[Callable[..., Tensor]]:
    """A number added to the probability that is large enough to show with small scores as well."""
    for power in range(3, 10):

        def wrong(logits: Tensor, y: Tensor, least: float = 10.0**-power) -> Tensor:
            picked = logits.softmax(1).gather(1, y[:, None])
            return -(picked + least).log().mean()

        yield mistake(
            f"epsilon_in_the_log_1e_{power}",
            _KEPT,
            wrong,
        )


def _scores_limited() -> Iterator[Callable[..., Tensor]]:
    """Scores kept within limits that large ones exceed."""
    ordinary = (10, 15, 20, 30, 40, 50, 60, 64, 70, 80, 87, 88, 90, 100, 200, 500, 700)
    for limit in (*ordinary, 1000, 5000, 10000):

        def wrong(logits: Tensor, y: Tensor, limit: float = limit) -> Tensor:
            return F.cross_entropy(logits.clamp(-limit, limit), y)

        yield mistake(
            f"scores_limited_to_{limit}",
            "You limited the scores before the loss. Beyond the limit they are all alike, and get "
            "no gradient. cross_entropy and log_softmax take scores of any size as they are.",
            wrong,
        )


class LossChoiceKey(Key, task="loss_choice"):
    def reference(logits: Tensor, y: Tensor) -> Tensor:
        return (logits.logsumexp(1) - logits.gather(1, y[:, None])[:, 0]).mean()

    def nll_of_scores(logits, y):
        """You gave raw scores to nll_loss, which expects logarithms of probabilities: it takes
        minus the score of the right class, whatever the other scores are. Apply log_softmax first,
        or use cross_entropy."""
        return F.nll_loss(logits, y)

    def nll_of_probabilities(logits, y):
        """You gave probabilities to nll_loss, which expects their logarithms. log_softmax gives
        those in one operation."""
        return F.nll_loss(logits.softmax(1), y)

    def softmax_twice(logits, y):
        """You applied softmax and then cross_entropy, which applies it once more. cross_entropy
        takes raw scores."""
        return F.cross_entropy(logits.softmax(1), y)

    def softmax_over_the_batch(logits, y):
        """You normalised over dimension 0: each class over the rows of the batch. The classes are
        dimension 1."""
        return F.nll_loss(logits.log_softmax(0), y)

    def log_of_softmax(logits, y):
        """With large scores your loss or its gradient is inf or nan: a probability was rounded to
        0 before its logarithm. log_softmax takes no logarithm of a
        probability."""
        return F.nll_loss(logits.softmax(1).log(), y)

    def exponentials_overflow(logits, y):
        """With large scores your loss or its gradient is inf or nan: exp of a large score is inf.
        logsumexp and log_softmax take off the largest score first."""
        return (logits.exp().sum(1).log() - logits.gather(1, y[:, None])[:, 0]).mean()

    def summed(logits, y):
        """You summed over the rows. The loss is the mean, so that it does not grow with the
        batch."""
        return F.cross_entropy(logits, y, reduction="sum")

    def not_reduced(logits, y):
        """You returned one number for each row. The loss is their mean, of shape ()."""
        return F.cross_entropy(logits, y, reduction="none")

    def mean_over_all_entries(logits, y):
        """Your loss is divided by the number of classes C as well, as a mean over all N * C entries
        is. It is a mean over the N rows: one term for each row, then the mean."""
        return F.cross_entropy(logits, y) / logits.shape[1]

    def sigmoid_of_each_class(logits, y):
        """You used binary cross entropy on a one-hot target: it takes each class by itself, by a
        sigmoid. Of several classes exactly one is right here: use softmax, that is
        cross_entropy."""
        return F.binary_cross_entropy_with_logits(logits, _one_hot(logits, y))

    def every_column(logits, y):
        """You indexed with [:, y], which takes those columns of every row: a matrix of shape
        (N, N). One number of each row is wanted: gather(1, y[:, None]), or
        [torch.arange(N), y]."""
        return -logits.log_softmax(1)[:, y].mean()

    def one_maximum_for_all_rows(logits, y):
        """You took one maximum off all scores, that of the whole batch. A row whose scores lie far
        below it is left with zeros, whose logarithm is -inf. Take off the maximum of each row, as
        log_softmax does."""
        shifted = logits - logits.max()
        return (shifted.exp().sum(1).log() - shifted.gather(1, y[:, None])[:, 0]).mean()

    def one_maximum_in_every_logarithm(logits, y):
        """You took one maximum off all scores, that of the whole batch. A row whose scores lie far
        below it is left with zeros, whose logarithm is -inf. Take off the maximum of each row, as
        log_softmax does."""
        shifted = logits - logits.detach().max()
        logarithms = shifted - shifted.exp().sum(1, keepdim=True).log()
        return -logarithms.gather(1, y[:, None]).mean()

    def squares(logits, y):
        """You took the mean square of probabilities against a one-hot target. Cross entropy is
        minus the logarithm of the right class's probability: F.cross_entropy(logits, y)."""
        return F.mse_loss(logits.softmax(1), _one_hot(logits, y))

    def logarithm_of_the_mean(logits, y):
        """You took the mean of the probabilities, and then the logarithm. It is the mean of the
        logarithms: log_softmax first."""
        return -logits.softmax(1).gather(1, y[:, None]).mean().log()

    def sigmoid_of_the_right_class(logits, y):
        """You took the logarithm of a sigmoid, which looks at the score of the right class alone.
        The classes share one probability: log_softmax, over the classes."""
        return F.nll_loss(F.logsigmoid(logits), y)

    def margin(logits, y):
        """You took the margin loss, which compares scores. Cross entropy is minus the logarithm of
        the right class's probability: F.cross_entropy(logits, y)."""
        return F.multi_margin_loss(logits, y)

    def divided_by_classes(logits, y):
        """You divided the sum over the rows by the number of classes. The loss is a mean over the N
        rows."""
        return F.cross_entropy(logits, y, reduction="sum") / logits.shape[1]

    def absolute_value(logits, y):
        """You took the absolute value of what nll_loss makes of raw scores. The sign was not the
        mistake: nll_loss expects logarithms of probabilities. Apply log_softmax first, or use
        cross_entropy."""
        return F.nll_loss(logits, y).abs()

    def cut_at_zero(logits, y):
        """You cut what nll_loss makes of raw scores off at 0, where its gradient ends. The sign was
        not the mistake: nll_loss expects logarithms of probabilities. Apply log_softmax first, or
        use cross_entropy."""
        return F.nll_loss(logits, y).clamp(min=0)

    @raises(r"Boolean value of Tensor")
    def scores_given_to_the_class(logits, y):
        """You gave scores and classes to the class, which takes settings. Make the loss first, then
        call it: nn.CrossEntropyLoss()(logits, y), or F.cross_entropy(logits, y)."""
        return nn.CrossEntropyLoss(logits, y)

    families = (*_away_from_zero(), *_added(), *_scores_limited())

    def softmax_by_hand(logits, y):
        """With large scores your loss or its gradient is inf or nan: you divided one exp by a sum
        of them, and exp of a large score is inf. log_softmax takes off the largest score first."""
        shares = logits.exp() / logits.exp().sum(1, keepdim=True)
        return -shares.gather(1, y[:, None]).log().mean()

    def smoothed(logits, y):
        """You smoothed the labels. The plain cross entropy is asked for, with label_smoothing 0."""
        return F.cross_entropy(logits, y, label_smoothing=0.1)

    @raises(r"size mismatch|not implemented for 'Long'|0D or 1D")
    def arguments_exchanged(logits, y):
        """You handed over y first, in the order of other libraries. torch takes the scores first,
        then the right classes."""
        return F.cross_entropy(y, logits)

    def sign_lost(logits, y):
        """Your loss is the mean logarithm of the right class's probability, without the minus: an
        optimizer would make that probability small."""
        return -F.cross_entropy(logits, y)

    def history_lost(logits, y):
        """The number is right, and it has no history: nothing can be trained by it. Return the
        tensor that the loss function gives, without detach, item or no_grad."""
        return F.cross_entropy(logits.detach(), y)


def _one_hot(logits: Tensor, y: Tensor) -> Tensor:
    return F.one_hot(y, logits.shape[1]).to(logits)


Pair = tuple[Tensor, Tensor]


class BatchGradientFactsKey(Key, task="batch_gradient_facts"):
    def reference(X: Tensor, y: Tensor, w: Tensor) -> Pair:
        w = w.detach().clone().requires_grad_()
        squares = (X @ w - y) ** 2
        (mean,) = torch.autograd.grad(squares.mean(), w, retain_graph=True)
        (total,) = torch.autograd.grad(squares.sum(), w)
        return mean, total

    def swapped(X, y, w):
        """You returned the two in the other order. The gradient of the mean comes first."""
        mean, total = BatchGradientFactsKey.reference(X, y, w)
        return total, mean

    def mean_before_the_square(X, y, w):
        """Your gradient of the mean is that of the square of the mean residual. Square every
        residual first, then take the mean."""
        residuals = X @ w - y
        total = BatchGradientFactsKey.reference(X, y, w)[1]
        return 2 * residuals.mean() * X.mean(0), total

    def with_respect_to_the_rows(X, y, w):
        """You multiplied the residuals by w: that is the derivative with respect to the rows of X.
        With respect to w they are multiplied by X."""
        rows = 2 * (X @ w - y)[:, None] * w
        return rows.mean(0), rows.sum(0)

    def both_of_the_mean(X, y, w):
        """You returned the gradient of the mean twice. That of the sum is N times as large."""
        mean, _ = BatchGradientFactsKey.reference(X, y, w)
        return mean, mean

    def both_of_the_sum(X, y, w):
        """You returned the gradient of the sum twice. That of the mean is smaller by the factor N.
        If you used backward: w.grad.zero_() writes into the tensor that you kept as the first
        result. Set w.grad to None instead."""
        _, total = BatchGradientFactsKey.reference(X, y, w)
        return total, total

    def divided_by_columns(X, y, w):
        """For the mean you divided by d, the number of columns of X. It is a mean over the N
        rows."""
        _, total = BatchGradientFactsKey.reference(X, y, w)
        return total / X.shape[1], total

    def two_forgotten(X, y, w):
        """Both gradients are half of the right ones. The derivative of a square is 2 times what is
        squared."""
        mean, total = BatchGradientFactsKey.reference(X, y, w)
        return mean / 2, total / 2

    def two_forgotten_in_the_mean(X, y, w):
        """Your gradient of the mean is half of the right one, and that of the sum is right. Some
        books put 1/2 in front of the mean. Here it is the plain mean of the squares."""
        mean, total = BatchGradientFactsKey.reference(X, y, w)
        return mean / 2, total

    def divided_by_entries(X, y, w):
        """For the mean you divided by the number of entries of X. It is a mean over the N
        residuals, one for each row."""
        _, total = BatchGradientFactsKey.reference(X, y, w)
        return total / X.numel(), total

    def divided_twice(X, y, w):
        """You divided both by N once too often: what you call the sum is the mean. The gradient of
        the sum is divided by nothing."""
        mean, _ = BatchGradientFactsKey.reference(X, y, w)
        return mean / len(X), mean

    def rows_against_a_column(X, y, w):
        """Your residuals have shape (N, N): a column minus a row gives every pair. X @ w and y both
        have shape (N,): leave both as they are."""
        return _gradients(X, y, w, lambda r, y: ((r + y)[:, None] - y) ** 2)

    def absolute_values(X, y, w):
        """You differentiated the absolute values of the residuals. Their squares are asked for."""
        return _gradients(X, y, w, lambda r, y: r.abs())

    def absolute_in_the_mean(X, y, w):
        """Your gradient of the mean is that of the absolute values, and that of the sum is right.
        Both are of the squares."""
        mean, _ = BatchGradientFactsKey.absolute_values(X, y, w)
        return mean, BatchGradientFactsKey.reference(X, y, w)[1]

    def norm_in_the_sum(X, y, w):
        """Your gradient of the mean is right. In place of the sum you differentiated the norm of
        the residuals, which is the root of the sum of their squares. Leave out the root."""
        _, grad = BatchGradientFactsKey.norm_of_the_residuals(X, y, w)
        return BatchGradientFactsKey.reference(X, y, w)[0], grad

    def summed_to_numbers(X, y, w):
        """You returned numbers. A gradient has the shape of w: one entry for each column of X, the
        sum over the rows alone."""
        mean, total = BatchGradientFactsKey.reference(X, y, w)
        return mean.sum(), total.sum()

    def not_squared(X, y, w):
        """You differentiated the residuals themselves. Their squares are asked for."""
        return _gradients(X, y, w, lambda r, y: r)

    def norm_of_the_residuals(X, y, w):
        """You differentiated the norm of the residuals, which is the root of the sum of their
        squares. Leave out the root."""
        w = w.detach().clone().requires_grad_()
        (grad,) = torch.autograd.grad((X @ w - y).norm(), w)
        return grad / len(X), grad

    def y_left_out(X, y, w):
        """You differentiated the squares of X @ w, without y. The residual is X @ w - y."""
        return _gradients(X, y, w, lambda r, y: (r + y) ** 2)

    def losses(X, y, w):
        """You returned the two losses. Their gradients with respect to w are asked for, each of
        shape (d,)."""
        squares = (X @ w - y) ** 2
        return squares.mean(), squares.sum()

    def second_added_to_first(X, y, w):
        """Your second gradient is the sum of both: .grad still held the first one when the second
        backward added to it. Set w.grad to None in between, or use torch.autograd.grad."""
        mean, total = BatchGradientFactsKey.reference(X, y, w)
        return mean, mean + total

    def one_object_twice(X, y, w):
        """Both of yours are the sum of the two gradients: w.grad is one object, to which both
        passes added. Keep a clone of it after the first, and set w.grad to None before the
        second."""
        mean, total = BatchGradientFactsKey.reference(X, y, w)
        return mean + total, mean + total

    def residual_sign(X, y, w):
        """Both gradients have the wrong sign. The residual is X @ w - y: with y - X @ w, the inner
        derivative brings a minus."""
        mean, total = BatchGradientFactsKey.reference(X, y, w)
        return -mean, -total

    def per_row(X, y, w):
        """You returned the contribution of every row, of shape (N, d). Add them up over the
        rows."""
        each = 2 * (X @ w - y)[:, None] * X
        return each / len(X), each


def _gradients(X: Tensor, y: Tensor, w: Tensor, each: Callable[[Tensor, Tensor], Tensor]) -> Pair:
    """Of mean and sum of `each(residuals, y)`."""
    w = w.detach().clone().requires_grad_()
    terms = each(X @ w - y, y)
    (mean,) = torch.autograd.grad(terms.mean(), w, retain_graph=True)
    (total,) = torch.autograd.grad(terms.sum(), w)
    return mean, total
