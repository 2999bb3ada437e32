"""References and mistakes of the exercise on a batch in pieces."""

import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn

from grader.trusted.families.calling import past_hooks
from grader.trusted.families.hooks import runs_in_eval_mode
from grader.trusted.families.losses import of_a_given_loss
from grader.trusted.key import Key, raises

Pieces = list[tuple[Tensor, Tensor]]
Loss = Callable[[Tensor, Tensor], Tensor]


def _accumulated(model, loss_fn, pieces, weight, *, clear=True, clear_each=False, keep_empty=False):
    """Accumulate with a weight made of (rows, all rows, pieces).

    Returns the weighted sum of the losses, and the unweighted losses.
    """
    total, losses, weighted = sum(len(x) for x, _ in pieces), list[float](), 0.0
    if clear:
        model.zero_grad()
    for x, y in pieces:
        if len(x) or keep_empty:
            if clear_each:
                model.zero_grad()
            loss = loss_fn(model(x), y)
            factor = weight(len(x), total, len(pieces))
            (loss * factor).backward()
            losses.append(loss.item())
            weighted += loss.item() * factor
    return weighted, losses


def _share(rows: int, total: int, pieces: int) -> float:
    return rows / total


class AccumulateKey(Key, task="accumulate"):
    def reference(model: nn.Module, loss_fn: Loss, pieces: Pieces) -> float:
        rows = [len(x) for x, _ in pieces]
        parameters = [p for p in model.parameters() if p.requires_grad]
        sums: list[Tensor | None] = [None] * len(parameters)
        loss_sum = 0.0
        for (x, y), n in zip(pieces, rows, strict=True):
            if n == 0:
                continue
            loss = n * loss_fn(model(x), y)
            grads = torch.autograd.grad(loss, parameters, allow_unused=True)
            sums = [_plus(a, b) for a, b in zip(sums, grads, strict=True)]
            loss_sum += loss.item()
        for parameter, total in zip(parameters, sums, strict=True):
            parameter.grad = None if total is None else total / sum(rows)
        return loss_sum / sum(rows)

    families = (
        *of_a_given_loss(reference, 1),
        *past_hooks(reference),
        *runs_in_eval_mode(reference),
    )

    def first_piece_alone(model, loss_fn, pieces):
        """Only the first piece counts. Look for a `return` or a `break` inside the loop: it ends
        the loop in its first round."""
        total = sum(len(x) for x, _ in pieces)
        return _accumulated(model, loss_fn, pieces[:1], lambda n, _, k: n / total)[0]

    def first_piece_with_rows_alone(model, loss_fn, pieces):
        """Only the first piece counts. Look for a `return` or a `break` inside the loop: it ends
        the loop in its first round."""
        filled = [piece for piece in pieces if len(piece[0])]
        total = sum(len(x) for x, _ in pieces)
        return _accumulated(model, loss_fn, filled[:1], lambda n, _, k: n / total)[0]

    def emptied_at_the_first_piece(model, loss_fn, pieces):
        """Where the first piece has no rows, what .grad held before is still part of it: you empty
        it in the first round of the loop, and that round is passed over. Empty the gradients before
        the loop."""
        passed = not len(pieces[0][0])
        return _accumulated(model, loss_fn, pieces, _share, clear=not passed)[0]

    def divided_at_the_last_piece(model, loss_fn, pieces):
        """Where the last piece has no rows, .grad is N times too large: you divide it in the last
        round of the loop, and that round is passed over. Divide behind the loop, or each loss
        before backward."""
        loss, _ = _accumulated(model, loss_fn, pieces, lambda n, total, k: float(n))
        rows = sum(len(x) for x, _ in pieces)
        for p in model.parameters() if len(pieces[-1][0]) else ():
            p.grad = None if p.grad is None else p.grad / rows
        return loss / rows

    @raises("division by zero")
    def divided_by_the_rows_of_one_piece(model, loss_fn, pieces):
        """You divided by the number of rows of the first piece, or of the last, and it may have
        none. Divide by N, the number of all rows."""
        return (
            AccumulateKey.reference(model, loss_fn, pieces) / len(pieces[0][0]) * len(pieces[0][0])
        )

    def ended_at_an_empty_piece(model, loss_fn, pieces):
        """Your loop ends at a piece without rows, and leaves out those behind it: break and return
        end a loop, and continue goes on with the next piece."""
        total = sum(len(x) for x, _ in pieces)
        before = list(itertools.takewhile(lambda piece: len(piece[0]), pieces))
        return _accumulated(model, loss_fn, before, lambda n, _, k: n / total)[0]

    def empty_pieces_counted(model, loss_fn, pieces):
        """You divided by the number of pieces, those without rows among them. Rows of a small piece
        count more than those of a large one: weigh each piece by its share of the rows, n / N."""
        loss, _ = _accumulated(model, loss_fn, pieces, lambda n, total, k: 1 / k)
        return loss

    def gradient_of_the_sum(model, loss_fn, pieces):
        """The loss you returned is right, and .grad is N times too large: you multiplied each
        piece's loss by its rows, and divided the number alone. Divide before backward, too."""
        loss, _ = _accumulated(model, loss_fn, pieces, lambda n, total, k: float(n))
        return loss / sum(len(x) for x, _ in pieces)

    def weighted_number_alone(model, loss_fn, pieces):
        """The loss you returned is right, and .grad is not: you weighed the numbers, and called
        backward on the losses without weights. backward must see the weighted loss."""
        _, losses = _accumulated(model, loss_fn, pieces, lambda n, total, k: 1.0)
        rows = [len(x) for x, _ in pieces if len(x)]
        return sum(n * loss for n, loss in zip(rows, losses, strict=True)) / sum(rows)

    def first_size_for_all(model, loss_fn, pieces):
        """You took every piece for as large as the first. Sizes differ: weigh each by its own
        number of rows, n / N."""
        first = len(pieces[0][0])
        loss, _ = _accumulated(model, loss_fn, pieces, lambda n, total, k: first / total)
        return loss

    def first_size_times_pieces(model, loss_fn, pieces):
        """You divided by the number of pieces times the rows of the first, as if all had as many.
        Sizes differ: N is the sum of the rows of all pieces."""
        kept = [(x, y) for x, y in pieces if len(x)]
        first = len(kept[0][0])
        return _accumulated(model, loss_fn, kept, lambda n, total, k: n / (k * first))[0]

    def divided_by_pieces_as_well(model, loss_fn, pieces):
        """The loss is right, and .grad is divided by the number of pieces besides. The shares n / N
        of all pieces add up to 1: nothing more is to be divided."""
        loss, _ = _accumulated(model, loss_fn, pieces, _share)
        for p in model.parameters():
            p.grad = None if p.grad is None else p.grad / len(pieces)
        return loss

    @raises(r"does not require grad")
    def gradient_of_a_frozen_parameter(model, loss_fn, pieces):
        """You asked torch.autograd.grad for the gradient of a frozen parameter, which it refuses.
        loss.backward() leaves such parameters out by itself."""
        loss = AccumulateKey.reference(model, loss_fn, pieces)
        x, y = next(piece for piece in pieces if len(piece[0]))
        if not all(p.requires_grad for p in model.parameters()):
            torch.autograd.grad(loss_fn(model(x), y), [*model.parameters()], allow_unused=True)
        return loss

    def divided_under_each_name(model, loss_fn, pieces):
        """A weight that stands in the model under two names is divided twice: a walk from part to
        part lists it twice, and so does named_parameters(remove_duplicate=False).
        model.parameters() lists every parameter once."""
        loss, _ = _accumulated(model, loss_fn, pieces, lambda n, total, k: float(n))
        rows = sum(len(x) for x, _ in pieces)
        for _, p in model.named_parameters(remove_duplicate=False):
            p.grad = None if p.grad is None else p.grad / rows
        return loss / rows

    def entries_counted(model, loss_fn, pieces):
        """You divided by a number of entries, as that of y is. The loss is a mean already: weigh
        each piece by its share of the rows, n / N."""
        columns = pieces[0][1].shape[1:].numel()
        loss, _ = _accumulated(model, loss_fn, pieces, lambda n, total, k: n / total / columns)
        return loss

    def stepped_away(model, loss_fn, pieces):
        """.grad is empty at the end: you emptied it after the last backward. Empty it once, before
        the first piece."""
        loss, _ = _accumulated(model, loss_fn, pieces, _share)
        model.zero_grad()
        return loss

    def emptied_and_unrecorded(model, loss_fn, pieces):
        """The loss is right, and .grad is empty: you emptied it, and backward was not called on
        what this model gave. Call it for each piece's weighted loss."""
        model.zero_grad()
        return AccumulateKey.unrecorded(model, loss_fn, pieces)

    def backward_behind_the_loop(model, loss_fn, pieces):
        """The loss is right, and .grad holds the last piece's share alone: backward stands behind
        the loop, where the name stands for the last loss. Call it inside the loop, for each
        piece."""
        model.zero_grad()
        total = sum(len(x) for x, _ in pieces)
        losses = [loss_fn(model(x), y) * len(x) / total for x, y in pieces if len(x)]
        losses[-1].backward()
        return sum(loss.item() for loss in losses)

    def unrecorded(model, loss_fn, pieces):
        """The loss is right, and .grad holds what it held before: backward was not called, or ran
        on a copy of the model. Call it for each piece's weighted loss."""
        total = sum(len(x) for x, _ in pieces)
        return sum(loss_fn(model(x), y).item() * len(x) / total for x, y in pieces if len(x))

    def direct_parameters_emptied(model, loss_fn, pieces):
        """What .grad of nested parameters held before is still part of it: you emptied those that
        stand on the model itself. model.zero_grad() empties all levels."""
        for p in model.parameters(recurse=False):
            p.grad = None
        loss, _ = _accumulated(model, loss_fn, pieces, _share, clear=False)
        return loss

    @raises(r"'NoneType' object has no attribute '(zero_|fill_|data|mul_)")
    def zeroed_by_hand(model, loss_fn, pieces):
        """You wrote into every .grad by hand, and one of them is None: no backward pass has reached
        it yet. model.zero_grad(), which empties them, knows of that."""
        for p in model.parameters():
            p.grad.zero_()
        return AccumulateKey.reference(model, loss_fn, pieces)

    @raises(r"unsupported operand type.*'NoneType'")
    def none_divided(model, loss_fn, pieces):
        """You computed with the .grad of every parameter, as a division does, and one of them is
        None: that of a parameter which takes no part. Leave it out."""
        loss = AccumulateKey.reference(model, loss_fn, pieces)
        for p in model.parameters():
            p.grad /= 1
        return loss

    @raises(r"'NoneType' object has no attribute")
    def none_touched(model, loss_fn, pieces):
        """You computed with the .grad of every parameter, and one of them is None: that of a
        parameter which no backward pass has reached. Ask for None, or use model.zero_grad()."""
        loss = AccumulateKey.reference(model, loss_fn, pieces)
        for p in model.parameters():
            p.grad.mul_(1.0)
        return loss

    def divided_by_pieces(model, loss_fn, pieces):
        """You took the mean of the pieces' means. A row of a small piece then counts more than one
        of a large piece. Weigh each piece by its share of the rows, n / N."""
        kept = [(x, y) for x, y in pieces if len(x)]
        loss, _ = _accumulated(model, loss_fn, kept, lambda n, total, k: 1 / k)
        return loss

    def divided_by_all_pieces(model, loss_fn, pieces):
        """You divided by the number of pieces: rows of a small piece count more than those of a
        large one, and a piece without rows makes the loss nan. Weigh each by its share of the
        rows, n / N, and leave out the piece that has none."""
        loss, _ = _accumulated(model, loss_fn, pieces, lambda n, total, k: 1 / k, keep_empty=True)
        return loss

    def means_added(model, loss_fn, pieces):
        """You added the pieces' means without weights, so loss and gradient grow with the number
        of pieces. Multiply each piece's loss by its share of the rows, n / N, before backward."""
        loss, _ = _accumulated(model, loss_fn, pieces, lambda n, total, k: 1.0)
        return loss

    def share_turned_round(model, loss_fn, pieces):
        """You weighed a piece by N / n, and so the smaller ones the most. Its share of the rows is
        n / N."""
        return _accumulated(model, loss_fn, pieces, lambda n, total, k: total / n)[0]

    def last_piece_left_out(model, loss_fn, pieces):
        """The last piece with rows is missing from loss and gradient: your loop ends one too soon.
        Every piece counts."""
        filled = [piece for piece in pieces if len(piece[0])]
        total = sum(len(x) for x, _ in filled)
        return _accumulated(model, loss_fn, filled[:-1], lambda n, _, k: n / total)[0]

    def last_entry_left_out(model, loss_fn, pieces):
        """The last piece is missing from loss and gradient where it has rows: your loop ends one
        too soon. Every piece counts."""
        total = sum(len(x) for x, _ in pieces)
        return _accumulated(model, loss_fn, pieces[:-1], lambda n, _, k: n / total)[0]

    def emptied_in_every_round(model, loss_fn, pieces):
        """.grad holds the last piece's share alone: you emptied it for every piece. Empty the
        gradients once, before the first piece."""
        loss, _ = _accumulated(model, loss_fn, pieces, _share, clear_each=True)
        if not len(pieces[-1][0]):
            model.zero_grad()
        return loss

    def last_piece_alone(model, loss_fn, pieces):
        """.grad holds the last piece's share alone: you emptied it for every piece. Empty the
        gradients once, before the first piece."""
        loss, _ = _accumulated(model, loss_fn, pieces, _share, clear_each=True)
        return loss

    def summed(model, loss_fn, pieces):
        """You computed the sum over the rows: loss and gradient are N times too large. Divide by
        the number of all rows."""
        loss, _ = _accumulated(model, loss_fn, pieces, lambda n, total, k: float(n))
        return loss

    def divided_by_rows_alone(model, loss_fn, pieces):
        """You divided each piece's loss by N. It is a mean already, over n rows: multiply it by
        n / N."""
        loss, _ = _accumulated(model, loss_fn, pieces, lambda n, total, k: 1 / total)
        return loss

    def old_gradients_kept(model, loss_fn, pieces):
        """What .grad held before is still part of it. Empty the gradients once, before the first
        piece."""
        loss, _ = _accumulated(model, loss_fn, pieces, _share, clear=False)
        return loss

    def pieces_joined(model, loss_fn, pieces):
        """The numbers are right, and you ran the model on all rows at once, for which there is no
        memory here. Run it on one piece after the other."""
        model.zero_grad()
        x, y = (torch.cat(parts) for parts in zip(*pieces, strict=True))
        loss = loss_fn(model(x), y)
        loss.backward()
        return loss.item()

    def one_backward_for_all(model, loss_fn, pieces):
        """The numbers are right, and you called backward once, at the end: until then the graphs of
        all pieces wait in memory. Call backward for each piece, which frees its graph."""
        model.zero_grad()
        total = sum(len(x) for x, _ in pieces)
        losses = [loss_fn(model(x), y) * len(x) / total for x, y in pieces if len(x)]
        loss = torch.stack(losses).sum()
        loss.backward()
        return loss.item()

    def empty_piece_is_nan(model, loss_fn, pieces):
        """A piece without rows made your loss nan: its mean is 0 / 0, and 0 times nan is nan. Leave
        such a piece out."""
        loss, _ = _accumulated(model, loss_fn, pieces, _share, keep_empty=True)
        return loss

    def loss_of_the_last_piece(model, loss_fn, pieces):
        """The gradients are right, and you returned the loss of the last piece. The mean over all
        rows is asked for: add up the weighted losses."""
        _, losses = _accumulated(model, loss_fn, pieces, _share)
        return losses[-1]

    def share_of_the_last_piece(model, loss_fn, pieces):
        """The gradients are right, and you returned the last piece's share of the loss. The mean
        over all rows is asked for: add up the shares of all pieces."""
        _, losses = _accumulated(model, loss_fn, pieces, _share)
        rows = [len(x) for x, _ in pieces if len(x)]
        return losses[-1] * rows[-1] / sum(rows)

    def divided_by_the_rows_so_far(model, loss_fn, pieces):
        """You divided by the rows that had been seen so far, so that the first piece counts as if
        it were all. Count the rows of all pieces before the first backward."""
        seen = [0]

        def share(n: int, total: int, k: int) -> float:
            seen[0] += n
            return n / seen[0]

        return _accumulated(model, loss_fn, pieces, share)[0]

    def loss_in_eval_mode(model, loss_fn, pieces):
        """The gradients are right, and the loss you returned is that of eval mode, from further
        runs of the model. Return the mean of the losses that backward started from."""
        _accumulated(model, loss_fn, pieces, _share)
        modes = [(module, module.training) for module in model.modules()]
        model.eval()
        with torch.no_grad():
            rows = sum(len(x) for x, _ in pieces)
            losses = [loss_fn(model(x), y).item() * len(x) / rows for x, y in pieces if len(x)]
        for module, training in modes:
            module.training = training
        return sum(losses)

    def loss_without_weights(model, loss_fn, pieces):
        """The gradients are right, and the loss you returned is the plain mean of the pieces'
        losses. Weigh each by its share of the rows, too."""
        _, losses = _accumulated(model, loss_fn, pieces, _share)
        return sum(losses) / len(losses)

    def losses_added(model, loss_fn, pieces):
        """The gradients are right, and the loss you returned is the sum of the pieces' losses.
        Weigh each by its share of the rows, too."""
        _, losses = _accumulated(model, loss_fn, pieces, _share)
        return sum(losses)

    def loss_tensor_returned(model, loss_fn, pieces):
        """The numbers are right, and you returned the loss as a tensor. Return a Python float:
        loss.item() gives one, and keeps no graph."""
        return pieces[0][1].new_tensor(AccumulateKey.reference(model, loss_fn, pieces))


def _plus(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    return other if one is None else one if other is None else one + other
