"""References and mistakes of the exercises on shapes."""

import math

import torch
from torch import Tensor

from grader.trusted.families.memory import as_it_lies
from grader.trusted.key import Key, raises


def _rows(x: Tensor) -> Tensor:
    return x.reshape(x.shape[0], math.prod(x.shape[1:]))


class FlattenBatchKey(Key, task="flatten_batch"):
    reference = _rows

    @raises("view size is not compatible")
    def viewed(x):
        """view never copies, and raises where no one stride leads through the axes that become
        one. flatten and reshape copy where they must."""
        return x.view(x.shape[0], math.prod(x.shape[1:]))

    @raises("unspecified dimension size -1|view size is not compatible")
    def viewed_with_minus_one(x):
        """view never copies, and raises where no one stride leads through the axes that become
        one. flatten and reshape copy where they must; and -1 is no size for an empty batch."""
        return x.view(x.shape[0], -1)

    @raises("unspecified dimension size -1")
    def minus_one_of_nothing(x):
        """-1 stands for what is left over, and of an empty batch nothing is left over: any size
        would do, and torch raises. flatten multiplies the lengths of the axes instead."""
        return x.reshape(x.shape[0], -1)

    @raises("by zero")
    def divided_by_the_batch(x):
        """You divided the number of entries by N, and an empty batch has N = 0. M is the product of
        the other lengths: multiply x.shape[1:], or take flatten."""
        return x.reshape(len(x), x.numel() // len(x))

    @raises("index 0 is out of bounds")
    def first_sample_asked(x):
        """You took M from the first sample, and an empty batch has none. Multiply x.shape[1:], or
        take flatten."""
        return x.reshape(len(x), x[0].numel())

    def dealt_out(x):
        """You cut all numbers into M rows of N and exchanged the two: a row then holds every N-th
        number, of several samples. The batch is the first axis already: make one axis of the
        others."""
        return x.reshape(-1, len(x)).T if len(x) else _rows(x)

    def dealt_out_and_nothing_wide(x):
        """You cut all numbers into M rows of N and exchanged the two: a row then holds every N-th
        number, of several samples. The batch is the first axis already: make one axis of the
        others, with M numbers in each row, also where there is no sample."""
        return x.reshape(-1, len(x)).T if len(x) else x.new_zeros(0, 0)

    def batch_flattened_too(x):
        """You made one row of all samples. The batch stays the first axis: flatten begins behind it
        if you hand it the axis to begin with."""
        return x.reshape(-1)

    def one_row(x):
        """You made one row of all samples, of shape (1, N * M). Each sample is to have a row of its
        own."""
        return x.reshape(1, -1)

    def columns(x):
        """Each sample is a column of your result. It is to be a row: the batch stays the first
        axis."""
        return _rows(x).T

    def batch_cut_into_columns(x):
        """Your result has shape (M, N), and its numbers are in the order of x: its rows hold
        numbers of several samples. The batch stays the first axis."""
        return x.reshape(math.prod(x.shape[1:]), x.shape[0])

    def last_axis_kept(x):
        """You kept the last axis and merged the others with the batch. The first axis is the one
        that stays."""
        return x.reshape(-1, x.shape[-1]) if x.numel() else x.flatten(0, -2)

    def first_two_axes_merged(x):
        """You merged the batch with the axis behind it: flatten(0, 1). Begin at axis 1."""
        return x.flatten(0, 1)

    def last_two_axes_merged(x):
        """You merged the last two axes alone. Where x has four axes, three are to become one: begin
        at axis 1, and go on to the last."""
        return x.flatten(-2) if x.ndim > 2 else x

    def channels_kept(x):
        """You left axis 1 as it is and merged those behind it. Begin at axis 1."""
        return x.flatten(2) if x.ndim > 2 else x

    def order_reversed(x):
        """A row is to hold the numbers in the order in which a sample is indexed. In yours the
        first axis of the sample is the fastest."""
        return _rows(x.permute(0, *range(x.ndim - 1, 0, -1)))

    def channels_moved_to_the_end(x):
        """You moved axis 1 to the end first. The numbers of a sample are to stay in the order in
        which x[i] is indexed."""
        return _rows(x.movedim(1, -1))

    def order_of_memory(x):
        """Your rows hold the numbers in the order in which they lie in memory. The order asked for
        is that of the indices, the last axis fastest, wherever the numbers lie."""
        order = sorted(range(1, x.ndim), key=lambda axis: -x.stride(axis))
        return _rows(x.permute(0, *order))

    def batch_from_memory(x):
        """You took the numbers in the order in which they lie in memory, and cut that into rows.
        The order asked for is that of the indices."""
        order = sorted(range(x.ndim), key=lambda axis: -x.stride(axis))
        return x.permute(order).reshape(_rows(x).shape)

    def rows_of_memory(x):
        """You cut rows out of x's memory, as torch.as_strided does, as if its numbers lay there in
        the order of their indices. x may be transposed, or have gaps: flatten goes by x's own
        strides."""
        m = math.prod(x.shape[1:])
        return torch.as_strided(x, (len(x), m), (m, 1))

    def rows_of_memory_by_the_first(x):
        """You cut rows out of x's memory, as torch.as_strided does, as if its numbers lay there in
        the order of their indices. x may be transposed, or have gaps: flatten goes by x's own
        strides."""
        m = x[0].numel() if len(x) else 0
        return torch.as_strided(x, (len(x), m), (m, 1))

    def batch_of_one_squeezed(x):
        """For a batch of one your result lacks the axis of the batch: squeeze(), for one, takes off
        every axis of length 1. Leave it out."""
        y = _rows(x)
        return y.squeeze()

    def nothing_wide(x):
        """For an empty batch your result has shape (0, 0). It is (0, M): M does not depend on
        how many samples there are."""
        return _rows(x) if len(x) else x.new_zeros(0, 0)

    @raises("out of range|out of bounds|only tensors|non-empty")
    def rows_stacked(x):
        """You flattened the samples one by one and joined them by stack or cat. An empty batch has
        none to join: flatten and reshape need no loop."""
        return torch.stack([sample.reshape(-1) for sample in x])

    def values_copied_out(x):
        """The numbers are right, and nothing reaches x: you cut the result off the graph. Leave out
        detach(), .data, no_grad() and torch.tensor(...)."""
        return _rows(x).detach()


def _parts(x: Tensor, heads: int) -> Tensor:
    """(N, T, heads, d)"""
    return x.unflatten(2, (heads, x.shape[2] // heads))


def _heads(x: Tensor, heads: int) -> Tensor:
    return _parts(x, heads).transpose(1, 2)


class SplitHeadsKey(Key, task="split_heads"):
    families = as_it_lies(_heads, "x")

    def reference(x: Tensor, heads: int) -> Tensor:
        return torch.stack(x.chunk(heads, dim=2), dim=1)

    def reshaped_at_once(x, heads):
        """The shape is right, and the numbers are not: a reshape to (N, heads, T, d), at once or
        after D was split, cuts the row of all numbers of a sentence anew, so a head mixes words.
        Split D into (N, T, heads, d), and exchange axes 1 and 2 then, by transpose."""
        n, t, d = x.shape
        return x.reshape(n, heads, t, d // heads)

    def axes_not_exchanged(x, heads):
        """You split D into heads, and left the words in front: your result has shape
        (N, T, heads, d). Exchange axes 1 and 2."""
        return _parts(x, heads)

    def heads_interleaved(x, heads):
        """A head of yours holds every heads-th number of a word. It is to hold neighbours: split D
        into (heads, d), in this order."""
        return x.unflatten(2, (-1, heads)).permute(0, 3, 1, 2)

    def words_and_numbers_exchanged(x, heads):
        """Your result has shape (N, heads, d, T): the last two axes are exchanged."""
        return _parts(x, heads).permute(0, 2, 3, 1)

    def heads_in_front_of_all(x, heads):
        """Your result has shape (heads, N, T, d). The sentences stay the first axis."""
        return _parts(x, heads).permute(2, 0, 1, 3)

    def reshaped_after_a_transpose(x, heads):
        """You exchanged words and numbers first, and cut the result by a reshape: a head gets its
        numbers, with words and numbers mixed up in it. Split D first, into (N, T, heads, d), and
        exchange two axes then."""
        n, t, d = x.shape
        return x.transpose(1, 2).reshape(n, heads, t, d // heads)

    def reshaped_with_the_heads_in_front(x, heads):
        """You cut all numbers of the batch into heads by a reshape to (heads, N, T, d), and
        exchanged axes then: a head gets whole sentences, or parts of some. Split D first, into
        (N, T, heads, d), and exchange axes 1 and 2 then."""
        n, t, d = x.shape
        return x.reshape(heads, n, t, d // heads).transpose(0, 1)

    def reshaped_after_stacking(x, heads):
        """You put the heads in front of the sentences, and made (N, heads, T, d) of (heads, N, T,
        d) by a reshape: with several sentences the parts get mixed up. Stack the parts along
        axis 1, or exchange the first two axes by transpose."""
        n, t, d = x.shape
        return torch.stack(x.chunk(heads, dim=2)).reshape(n, heads, t, d // heads)

    def numbers_in_front_of_the_heads(x, heads):
        """Your result has shape (N, d, T, heads). Asked for is (N, heads, T, d): of
        (N, T, heads, d), exchange axes 1 and 2."""
        return _parts(x, heads).permute(0, 3, 1, 2)

    def words_and_the_last_axis_exchanged(x, heads):
        """Your result has shape (N, d, heads, T): you exchanged the words with the numbers of a
        head. Exchange them with the heads, axes 1 and 2 of (N, T, heads, d)."""
        return _parts(x, heads).transpose(1, 3)

    def merged_with_the_batch(x, heads):
        """You merged sentences and heads into one axis, as some implementations do for bmm. The
        numbers are right; here the result has four axes."""
        return SplitHeadsKey.reference(x, heads).flatten(0, 1)

    def split_into_parts_of_heads(x, heads):
        """You cut D into parts of `heads` numbers each. heads is the number of parts; each has
        D / heads numbers."""
        return x.unflatten(2, (-1, heads)).transpose(1, 2)

    @raises("got float|must be tuple of ints|must be int")
    def lengths_divided_by_a_slash(x, heads):
        """You divided by /, which gives a float, also where nothing is left over. The lengths of a
        shape are whole numbers: write D // heads."""
        n, t, d = x.shape
        return x.reshape(n, t, heads, d / heads).transpose(1, 2)

    def words_cut(x, heads):
        """You cut the words into heads, along axis 1. Every word goes to every head: cut axis 2."""
        n, t, d = x.shape
        whole = x if t % heads == 0 else x[:, : t - t % heads]
        return whole.reshape(n, heads, -1, d)

    def a_tuple_of_heads(x, heads):
        """You returned the parts as a sequence. Stack them along axis 1."""
        return x.chunk(heads, dim=2)

    def batch_of_one_squeezed(x, heads):
        """squeeze() takes off every axis of length 1: one sentence, one head or one word loses its
        axis."""
        return SplitHeadsKey.reference(x, heads).squeeze()

    def one_head_left_as_it_is(x, heads):
        """For one head you returned x itself. The axis of the heads is there all the same, of
        length 1: (N, 1, T, D)."""
        return SplitHeadsKey.reference(x, heads) if heads > 1 else x

    def divided_by_the_root_of_d(x, heads):
        """The heads are right, and divided by the root of d. Attention divides its scores by that,
        later: here the numbers stay as they are."""
        return SplitHeadsKey.reference(x, heads) / (x.shape[2] // heads) ** 0.5

    def heads_last(x, heads):
        """Your result has shape (N, T, d, heads): the heads stand last. They belong on axis 1, in
        front of the words."""
        return torch.stack(x.chunk(heads, dim=2), dim=-1)

    def values_copied_out(x, heads):
        """The numbers are right, and nothing reaches x: you cut the result off the graph. Leave out
        detach(), .data, no_grad() and torch.tensor(...)."""
        return SplitHeadsKey.reference(x, heads).detach()
