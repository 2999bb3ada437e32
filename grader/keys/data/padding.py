"""Reference and mistakes of the exercise that makes a batch of unequal lengths."""

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from grader.trusted.families.parts import exchanged_parts
from grader.trusted.key import Key, raises

Batch = tuple[Tensor, Tensor]


def _mask(samples: list[Tensor], longest: int | None = None) -> Tensor:
    lengths = torch.tensor([len(s) for s in samples], device=samples[0].device)
    longest = _longest(samples) if longest is None else longest
    return torch.arange(longest, device=lengths.device) < lengths[:, None]


def _to(sample: Tensor, length: int, before: bool = False, value: float = 0.0) -> Tensor:
    """A sequence filled up to a length, at its end or before its beginning."""
    rest = sample.new_full((length - len(sample), sample.shape[1]), value)
    return torch.cat([rest, sample] if before else [sample, rest])


def _longest(samples: list[Tensor]) -> int:
    return max(len(s) for s in samples)


def reference(samples: list[Tensor]) -> Batch:
    return pad_sequence(samples, batch_first=True), _mask(samples)


class CollatePadKey(Key, task="collate_pad"):
    reference = reference

    def mask_inverted(samples):
        """Your mask is True at the padding. It is to be True where a position is real: torch's own
        layers differ in this, so read what is asked."""
        batch, mask = reference(samples)
        return batch, ~mask

    def padded_in_front(samples):
        """You put the padding in front, and your mask says so. A sequence is to begin at position
        0."""
        batch = torch.stack([_to(s, _longest(samples), before=True) for s in samples])
        return batch, _mask(samples).flip(1)

    def padded_in_front_alone(samples):
        """You put the padding in front, and your mask tells it behind. A sequence is to begin at
        position 0."""
        batch = torch.stack([_to(s, _longest(samples), before=True) for s in samples])
        return batch, _mask(samples)

    def mask_from_values(samples):
        """You took positions of zeros for padding. A real position may hold zeros: the mask follows
        from the lengths."""
        batch, _ = reference(samples)
        return batch, (batch != 0).any(-1)

    def mask_of_numbers(samples):
        """Your mask holds the numbers 0 and 1. dtype bool is asked for: as an index, numbers would
        pick rows 0 and 1."""
        batch, mask = reference(samples)
        return batch, mask.long()

    def mask_of_floats(samples):
        """Your mask holds the floats 0 and 1. dtype bool is asked for, which can stand as an index:
        batch[mask]."""
        batch, mask = reference(samples)
        return batch, mask.to(batch.dtype)

    def mask_of_every_number(samples):
        """Your mask has a truth value for each number. One for each position is asked for, shape
        (B, L)."""
        batch, mask = reference(samples)
        return batch, mask[..., None].expand(batch.shape).clone()

    def mask_with_an_axis(samples):
        """Your mask has shape (B, L, 1), which suits a product. (B, L) is asked for."""
        batch, mask = reference(samples)
        return batch, mask[..., None]

    def mask_one_too_long(samples):
        """Your mask is True one position too far: a sequence of length 2 has the positions 0 and 1.
        Compare with <."""
        lengths = [len(s) + 1 for s in samples]
        batch, _ = reference(samples)
        rows = [[i < length for i in range(batch.shape[1])] for length in lengths]
        return batch, torch.tensor(rows, device=batch.device).reshape(batch.shape[:2])

    def mask_of_lengths(samples):
        """You returned the lengths. A mask is asked for, of shape (B, L): compare torch.arange(L)
        with the lengths."""
        batch, mask = reference(samples)
        return batch, mask.sum(1)

    def all_real(samples):
        """Your mask is True everywhere. It is to be False at the padding."""
        batch, mask = reference(samples)
        return batch, torch.ones_like(mask)

    def time_first(samples):
        """Your batch has shape (L, B, d), which pad_sequence gives by itself. Ask for
        batch_first=True."""
        return pad_sequence(samples), _mask(samples)

    def both_time_first(samples):
        """Your batch and your mask have the positions first. The batch comes first in both: ask
        pad_sequence for batch_first=True."""
        return pad_sequence(samples), _mask(samples).T.clone()

    def cut_to_the_shortest(samples):
        """You cut all sequences to the length of the shortest. Nothing is to be lost: fill the
        short ones up."""
        shortest = min(len(s) for s in samples)
        return torch.stack([s[:shortest] for s in samples]), _mask(samples, shortest)

    def one_position_more(samples):
        """You padded to one position more than the longest sequence has. L is the greatest
        length."""
        longest = _longest(samples) + 1
        return torch.stack([_to(s, longest) for s in samples]), _mask(samples, longest)

    def filled_with_ones(samples):
        """Your padding is 1. It is to be 0."""
        batch, mask = reference(samples)
        return batch.masked_fill(~mask[..., None], 1), mask

    def filled_with_minus_one(samples):
        """Your padding is -1. It is to be 0."""
        batch, mask = reference(samples)
        return batch.masked_fill(~mask[..., None], -1), mask

    def filled_with_minus_100(samples):
        """Your padding is -100, which marks targets that do not count in a loss. Inputs are padded
        with 0 here."""
        batch, mask = reference(samples)
        return batch.masked_fill(~mask[..., None], -100), mask

    def graph_cut(samples):
        """Your batch does not lead back to the sequences: torch.tensor, detach, .data and tolist
        all give numbers without their history, and under no_grad none is recorded. torch.stack, cat
        and pad_sequence keep it, and so does writing a sequence itself into zeros."""
        batch, mask = reference(samples)
        return batch.detach(), mask

    def sorted_by_length(samples):
        """You sorted the sequences by length. They are to keep their order: whoever has the targets
        counts on it."""
        ordered = sorted(samples, key=len, reverse=True)
        return reference(ordered)

    def empty_left_out(samples):
        """You left out the sequences of length 0. They stay, as rows of padding: the targets have a
        row for each."""
        return reference([s for s in samples if len(s)] or samples)

    @raises(r"empty (list|sequence)|non-empty|is empty")
    def none_left(samples):
        """You left out the sequences of length 0, and where there are no others nothing is left.
        They stay, as rows of padding: the targets have a row for each."""
        return reference([s for s in samples if len(s)])

    @raises(r"stack expects each tensor to be equal size|[Ss]izes of tensors must match")
    def stacked(samples):
        """You put sequences of different lengths side by side, which torch.stack and torch.cat
        refuse. Fill the short ones up first."""
        return torch.stack(samples), _mask(samples)

    def list_emptied(samples):
        """You changed the list: you took sequences out of it, or put others in their places. It
        belongs to the caller: go through it, and leave it as it is."""
        found = reference(samples)
        samples.clear()
        return found

    def list_sorted_in_place(samples):
        """You sorted the list itself, which belongs to the caller, and the sequences lost their
        order. They are to keep it."""
        samples.sort(key=len, reverse=True)
        return reference(samples)

    @raises(r"^a Tensor is no pair")
    def batch_alone(samples):
        """You returned the batch alone. Its mask is asked for as well: return the pair."""
        return reference(samples)[0]

    def last_repeated(samples):
        """You filled up with the last position of each sequence. The padding is to be 0."""
        longest = _longest(samples)
        rows = [
            torch.cat([s, s[-1:].expand(longest - len(s), -1)]) if len(s) else _to(s, longest)
            for s in samples
        ]
        return torch.stack(rows), _mask(samples)

    families = exchanged_parts(reference, "batch", "mask")
