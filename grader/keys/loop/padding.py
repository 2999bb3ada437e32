"""Reference and mistakes of the exercise on a batch in pieces with padding."""

import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn

from grader.trusted.families.calling import past_hooks
from grader.trusted.key import Key, raises

Pieces = list[tuple[Tensor, Tensor]]
Share = Callable[[Tensor], float]
IGNORED = -100


def _counted(pieces: Pieces) -> int:
    return sum(int((y != IGNORED).sum()) for _, y in pieces)


def _rows(pieces: Pieces) -> int:
    return sum(len(y) for _, y in pieces)


def _sum_of(scores: Tensor, y: Tensor) -> Tensor:
    """The sum of the cross entropies of the rows that count, by hand."""
    kept = (y != IGNORED).nonzero().flatten()
    return -scores.log_softmax(1)[kept, y[kept]].sum()


def _mean_of(scores: Tensor, y: Tensor) -> Tensor:
    return nn.functional.cross_entropy(scores, y)


def _accumulated(
    model, pieces, share, *, of=_mean_of, clear=True, clear_each=False, keep_padding=True
):
    """Add up the pieces' losses, each times its share. Returns the sum, and the losses as such."""
    losses, weighted = list[float](), 0.0
    if clear:
        model.zero_grad()
    for x, y in pieces:
        if keep_padding or (y != IGNORED).any():
            if clear_each:
                model.zero_grad()
            loss = of(model(x), y)
            factor = share(y)
            (loss * factor).backward()
            losses.append(loss.item())
            weighted += loss.item() * factor
    return weighted, losses


def _of_the_counted(pieces: Pieces) -> Share:
    """What a mean over the counted rows of a piece weighs."""
    total = _counted(pieces)
    return lambda y: int((y != IGNORED).sum()) / total


class AccumulateTokensKey(Key, task="accumulate_tokens"):
    def reference(model: nn.Module, pieces: Pieces) -> float:
        parameters = [p for p in model.parameters() if p.requires_grad]
        sums: list[Tensor | None] = [None] * len(parameters)
        loss_sum, count = 0.0, _counted(pieces)
        for x, y in pieces:
            if not bool((y != IGNORED).any()):
                continue
            loss = _sum_of(model(x), y)
            grads = torch.autograd.grad(loss, parameters, allow_unused=True)
            sums = [
                b if a is None else a if b is None else a + b
                for a, b in zip(sums, grads, strict=True)
            ]
            loss_sum += loss.item()
        model.zero_grad()
        for parameter, total in zip(parameters, sums, strict=True):
            parameter.grad = None if total is None else total / count
        return loss_sum / count

    families = past_hooks(reference)

    def weighed_by_rows(model, pieces):
        """You weighed each piece by its share of the rows, and a piece of padding alone makes the
        loss nan. cross_entropy divides by the targets that are not -100: weigh by the share of
        those, and leave out a piece that has none."""
        total = _rows(pieces)
        return _accumulated(model, pieces, lambda y: len(y) / total)[0]

    def weighed_by_rows_without_padding(model, pieces):
        """You weighed each piece by its share of the rows, padding included. cross_entropy gives
        the mean over the targets that are not -100: weigh by the share of those."""
        total = _rows(pieces)
        return _accumulated(model, pieces, lambda y: len(y) / total, keep_padding=False)[0]

    def weighed_by_rows_of_the_kept_pieces(model, pieces):
        """You left out the piece that is padding alone, and weighed the others by their share of
        the rows, padding included. cross_entropy gives the mean over the targets that are not -100:
        weigh by the share of those."""
        kept = [(x, y) for x, y in pieces if bool((y != IGNORED).any())]
        total = _rows(kept)
        return _accumulated(model, kept, lambda y: len(y) / total)[0]

    def rows_over_targets(model, pieces):
        """You multiplied each piece's mean by its number of rows, padding included, and divided by
        the number of targets that count. cross_entropy divided by those of the piece that are not
        -100: multiply by their number."""
        total = _counted(pieces)
        return _accumulated(model, pieces, lambda y: len(y) / total, keep_padding=False)[0]

    def mean_of_the_means(model, pieces):
        """You took the mean of the pieces' means. A target in a piece with much padding then counts
        more than one in a full piece. Weigh each piece by its share of the targets that count."""
        kept = [(x, y) for x, y in pieces if bool((y != IGNORED).any())]
        return _accumulated(model, kept, lambda y: 1 / len(kept))[0]

    def mean_of_all_means(model, pieces):
        """You divided by the number of pieces: a target in a piece with much padding counts more,
        and a piece of padding alone makes the loss nan. Weigh each piece by its share of the
        targets that count, and leave out a piece that has none."""
        return _accumulated(model, pieces, lambda y: 1 / len(pieces))[0]

    def means_over_all_pieces(model, pieces):
        """You divided by the number of pieces, those of padding alone among them. Weigh each piece
        by its share of the targets that are not -100."""
        return _accumulated(model, pieces, lambda y: 1 / len(pieces), keep_padding=False)[0]

    def means_added(model, pieces):
        """You added the pieces' means without weights, so loss and gradient grow with the number of
        pieces, and a piece of padding alone makes the loss nan. Add sums, and divide by the count
        of all targets that are not -100."""
        return _accumulated(model, pieces, lambda y: 1.0)[0]

    def means_of_the_kept_added(model, pieces):
        """You added the pieces' means without weights, so loss and gradient grow with the number of
        pieces. Multiply each mean by its piece's share of the targets that count."""
        return _accumulated(model, pieces, lambda y: 1.0, keep_padding=False)[0]

    def sum_over_all_rows(model, pieces):
        """You divided the sum by the number of all rows: the more padding, the smaller the
        gradient. Divide by the number of targets that are not -100."""
        total = _rows(pieces)
        return _accumulated(model, pieces, lambda y: 1 / total, of=_sum_of)[0]

    def class_zero_not_counted(model, pieces):
        """You divided by the number of targets above 0, which leaves out those of class 0. Padding
        is -100: count the targets that are not."""
        total = sum(int((y > 0).sum()) for _, y in pieces)
        return _accumulated(model, pieces, lambda y: 1 / total, of=_sum_of)[0]

    def summed(model, pieces):
        """You computed the sum over the targets that count. Their mean is asked for: divide by how
        many they are in all pieces."""
        return _accumulated(model, pieces, lambda y: 1.0, of=_sum_of)[0]

    def gradient_of_the_sum(model, pieces):
        """The loss you returned is right, and .grad is that of the sum: you divided the number
        alone, after the passes. Divide before backward, too."""
        return _accumulated(model, pieces, lambda y: 1.0, of=_sum_of)[0] / _counted(pieces)

    def nan_from_padding_alone(model, pieces):
        """A piece of padding alone made your loss nan: its mean is 0 / 0, and 0 times nan is nan.
        Leave such a piece out, or add sums instead of means."""
        return _accumulated(model, pieces, _of_the_counted(pieces))[0]

    def first_count_for_all(model, pieces):
        """You took every piece to have as many targets that count as the first. Count them in each
        piece."""
        first, total = int((pieces[0][1] != IGNORED).sum()), _counted(pieces)
        return _accumulated(model, pieces, lambda y: first / total, keep_padding=False)[0]

    def padding_as_class_zero(model, pieces):
        """Your loss counts padding as class 0: -100 was replaced by 0, by clamp for one, before
        cross_entropy saw it. Leave -100 in: cross_entropy passes over such rows."""
        total = _rows(pieces)
        return _accumulated(model, pieces, lambda y: 1 / total, of=_clamped)[0]

    def padding_as_class_zero_in_the_sum(model, pieces):
        """Your sum counts padding as class 0, and you divided by the number of targets that are not
        -100. Leave -100 in: cross_entropy passes over such rows."""
        total = _counted(pieces)
        return _accumulated(model, pieces, lambda y: 1 / total, of=_clamped)[0]

    def full_pieces_alone(model, pieces):
        """You left out every piece that holds any padding, with the rows in it that count. Keep the
        pieces: cross_entropy passes over the rows whose target is -100."""
        full = [(x, y) for x, y in pieces if bool((y != IGNORED).all())]
        total = _rows(full)
        return _accumulated(model, full, lambda y: len(y) / total)[0]

    def divided_by_pieces_as_well(model, pieces):
        """The loss is right, and .grad is divided by the number of pieces besides. The shares of
        all pieces add up to 1: nothing more is to be divided."""
        loss = AccumulateTokensKey.reference(model, pieces)
        for p in model.parameters():
            p.grad = None if p.grad is None else p.grad / len(pieces)
        return loss

    def divided_under_each_name(model, pieces):
        """A weight that stands in the model under two names is divided twice: a walk from part to
        part lists it twice, and so does named_parameters(remove_duplicate=False).
        model.parameters() lists every parameter once."""
        loss, _ = _accumulated(model, pieces, lambda y: 1.0, of=_sum_of)
        for _, p in model.named_parameters(remove_duplicate=False):
            p.grad = None if p.grad is None else p.grad / _counted(pieces)
        return loss / _counted(pieces)

    def class_zero_ignored(model, pieces):
        """You left out the rows of class 0, as if they were padding. Padding is -100: ask for
        y != -100, and leave ignore_index as it is."""
        kept = [(x[y > 0], y[y > 0]) for x, y in pieces]
        return AccumulateTokensKey.reference(model, kept)

    @raises(r"Target .* is out of bounds")
    def minus_100_is_no_class(model, pieces):
        """You set ignore_index to something else, so -100 was taken for a class. Leave it at its
        default, which is -100."""
        model.zero_grad()
        for x, y in pieces:
            nn.functional.cross_entropy(model(x), y, ignore_index=-1).backward()

    def softmax_first(model, pieces):
        """You took the softmax of the scores before cross_entropy, which takes it itself: the
        gradient shrinks. Hand over the scores as they are."""
        total = _counted(pieces)
        return _accumulated(
            model, pieces, lambda y: 1 / total, of=lambda s, y: _sum_of(s.softmax(1), y)
        )[0]

    def old_gradients_kept(model, pieces):
        """What .grad held before is still part of it. Empty the gradients once, before the first
        piece."""
        total = _counted(pieces)
        return _accumulated(model, pieces, lambda y: 1 / total, of=_sum_of, clear=False)[0]

    def direct_parameters_emptied(model, pieces):
        """What .grad of nested parameters held before is still part of it: you emptied those that
        stand on the model itself. model.zero_grad() empties all levels."""
        for p in model.parameters(recurse=False):
            p.grad = None
        return AccumulateTokensKey.old_gradients_kept(model, pieces)

    def last_piece_alone(model, pieces):
        """.grad holds the last piece's share alone: you emptied it for every piece. Empty the
        gradients once, before the first piece."""
        total = _counted(pieces)
        return _accumulated(model, pieces, lambda y: 1 / total, of=_sum_of, clear_each=True)[0]

    def last_that_counts_alone(model, pieces):
        """.grad holds the last piece's share alone: you emptied it for every piece. Empty the
        gradients once, before the first piece."""
        share = _of_the_counted(pieces)
        return _accumulated(model, pieces, share, clear_each=True, keep_padding=False)[0]

    def emptied_in_every_round(model, pieces):
        """.grad holds the last piece's share alone: you emptied it for every piece. Empty the
        gradients once, before the first piece."""
        loss = AccumulateTokensKey.last_that_counts_alone(model, pieces)
        if bool((pieces[-1][1] == IGNORED).all()):
            model.zero_grad()
        return loss

    def first_piece_alone(model, pieces):
        """Only the first piece counts. Look for a `return` or a `break` inside the loop: it ends
        the loop in its first round."""
        total = _counted(pieces)
        return _accumulated(model, pieces[:1], lambda y: 1 / total, of=_sum_of)[0]

    def first_piece_that_counts_alone(model, pieces):
        """Only the first piece counts. Look for a `return` or a `break` inside the loop: it ends
        the loop in its first round."""
        total = _counted(pieces)
        kept = [(x, y) for x, y in pieces if bool((y != IGNORED).any())]
        return _accumulated(model, kept[:1], lambda y: 1 / total, of=_sum_of)[0]

    def emptied_at_the_first_piece(model, pieces):
        """Where the first piece is padding alone, what .grad held before is still part of it: you
        empty it in the first round of the loop, and that round is passed over. Empty the gradients
        before the loop."""
        passed = bool((pieces[0][1] == IGNORED).all())
        share = _of_the_counted(pieces)
        return _accumulated(model, pieces, share, clear=not passed, keep_padding=False)[0]

    def divided_at_the_last_piece(model, pieces):
        """Where the last piece is padding alone, .grad is that of the sum: you divide it in the
        last round of the loop, and that round is passed over. Divide behind the loop, or each loss
        before backward."""
        loss, _ = _accumulated(model, pieces, lambda y: 1.0, of=_sum_of, keep_padding=False)
        counts = bool((pieces[-1][1] != IGNORED).any())
        for p in model.parameters() if counts else ():
            p.grad = None if p.grad is None else p.grad / _counted(pieces)
        return loss / _counted(pieces)

    def ended_at_padding(model, pieces):
        """Your loop ends at a piece of padding alone, and leaves out those behind it: break and
        return end a loop, and continue goes on with the next piece."""
        total = _counted(pieces)
        before = list(itertools.takewhile(lambda piece: (piece[1] != IGNORED).any(), pieces))
        return _accumulated(model, before, lambda y: 1 / total, of=_sum_of)[0]

    def emptied_at_the_end(model, pieces):
        """.grad is empty at the end: you emptied it after the last backward. Empty it once, before
        the first piece."""
        loss = AccumulateTokensKey.reference(model, pieces)
        model.zero_grad()
        return loss

    def emptied_and_unrecorded(model, pieces):
        """The loss is right, and .grad is empty: you emptied it, and backward was not called on
        what this model gave. Call it for each piece."""
        model.zero_grad()
        return float(sum(_sum_of(model(x), y) for x, y in pieces)) / _counted(pieces)

    def backward_behind_the_loop(model, pieces):
        """The loss is right, and .grad holds the last piece's share alone: backward stands behind
        the loop, where the name stands for the last loss. Call it inside the loop, for each
        piece."""
        model.zero_grad()
        losses = [_sum_of(model(x), y) / _counted(pieces) for x, y in pieces]
        losses[-1].backward()
        return sum(loss.item() for loss in losses)

    def unrecorded(model, pieces):
        """The loss is right, and .grad holds what it held before: backward was not called, or ran
        on a copy of the model. Call it for each piece."""
        with torch.no_grad():
            total = sum(_sum_of(model(x), y) for x, y in pieces)
        return float(total) / _counted(pieces)

    def pieces_joined(model, pieces):
        """The numbers are right, and you ran the model on all rows at once, for which there is no
        memory here. Run it on one piece after the other."""
        x, y = (torch.cat(parts) for parts in zip(*pieces, strict=True))
        model.zero_grad()
        loss = _mean_of(model(x), y)
        loss.backward()
        return loss.item()

    def one_backward_for_all(model, pieces):
        """The numbers are right, and you called backward once, at the end: until then the graphs of
        all pieces wait in memory. Call backward for each piece, which frees its graph."""
        model.zero_grad()
        loss = torch.stack([_sum_of(model(x), y) for x, y in pieces]).sum() / _counted(pieces)
        loss.backward()
        return loss.item()

    def loss_of_the_last_piece(model, pieces):
        """The gradients are right, and you returned what the last piece contributes. Add up the
        contributions of all pieces."""
        losses = _accumulated(model, pieces, lambda y: 1.0, of=_sum_of)[1]
        AccumulateTokensKey.reference(model, pieces)
        return losses[-1] / _counted(pieces)

    def loss_is_a_sum(model, pieces):
        """The gradients are right, and the loss you returned is the sum over the targets that
        count. Return their mean."""
        return AccumulateTokensKey.reference(model, pieces) * _counted(pieces)

    def loss_tensor_returned(model, pieces):
        """The numbers are right, and you returned the loss as a tensor. Return a Python float:
        loss.item() gives one, and keeps no graph."""
        return pieces[0][0].new_tensor(AccumulateTokensKey.reference(model, pieces))


def _clamped(scores: Tensor, y: Tensor) -> Tensor:
    return _sum_of(scores, y.clamp(min=0))
