"""Reference and mistakes of the exercise on the largest number of a row."""

import torch
from torch import Tensor

from grader.trusted.families.memory import as_it_lies
from grader.trusted.key import Key, raises


def _in_rows(x: Tensor) -> Tensor:
    return x.reshape(-1, x.shape[-1])


def _largest(x: Tensor) -> Tensor:
    return _in_rows(x).abs().amax(1, keepdim=True)


class RowAbsmaxKey(Key, task="row_absmax"):
    families = as_it_lies(_largest, "x")

    def reference(x: Tensor) -> Tensor:
        rows = _in_rows(x)
        shared = rows.detach().abs()
        largest = (shared == shared.max(1, keepdim=True).values).to(x.dtype)
        return (rows * rows.detach().sign() * largest).sum(1, keepdim=True) / largest.sum(
            1, keepdim=True
        )

    def without_absolute_values(x):
        """You took the largest number without its absolute value: in a row of negative numbers, or
        where the largest is negative, that is another one."""
        return _in_rows(x).amax(1, keepdim=True)

    def absolute_value_afterwards(x):
        """You took the absolute value of the largest number. Take absolute values first: the
        largest of them may be that of a negative number."""
        return _in_rows(x).amax(1, keepdim=True).abs()

    def absolute_value_of_the_smallest(x):
        """You took the absolute value of the smallest number. The largest absolute value may be
        that of a positive one."""
        return _in_rows(x).amin(1, keepdim=True).abs()

    def greater_of_both_ends(x):
        """All values are right: the greater of the largest number and minus the smallest. Of equal
        numbers at one end a single one gets the gradient there, where max and min take the first.
        Take absolute values and amax, which shares it among all."""
        rows = _in_rows(x)
        ends = rows.max(1, keepdim=True).values, -rows.min(1, keepdim=True).values
        return torch.maximum(*ends)

    @raises("Dimension out of range")
    def axes_in_front_flattened(x):
        """You made one axis of those in front of the last, and a single row has none there. A
        reshape to (-1, D) makes a matrix of any x, of one row too."""
        return x.abs().flatten(0, -2).amax(1, keepdim=True)

    def shared_with_near_ones(x):
        """Numbers that are nearly the largest get a part of the gradient as well, as with isclose
        or a margin. It is shared among those that are equal to the largest, and no others."""
        rows = _in_rows(x).abs()
        near = torch.isclose(rows, rows.amax(1, keepdim=True)).detach()
        return (rows * near).sum(1, keepdim=True) / near.sum(1, keepdim=True)

    def sign_kept(x):
        """You returned the number itself, with its sign. Asked for is its absolute value."""
        rows = _in_rows(x)
        return rows.gather(1, rows.abs().argmax(1, keepdim=True))

    def columns_instead(x):
        """You took the largest of every column, along axis 0. A row lies along the last axis."""
        return _in_rows(x).abs().amax(0)[:, None]

    def axis_zero_of_x(x):
        """You took the largest along axis 0 of x. A row lies along the last axis, -1."""
        return x.abs().amax(0).reshape(-1, 1)

    def axis_one_of_x(x):
        """You took the largest along axis 1 of x. A row lies along the last axis, which is axis 1
        in a matrix alone: write -1."""
        return x.abs().amax(1 if x.ndim > 1 else 0).reshape(-1, 1)

    def samples_taken_for_rows(x):
        """You made one row of each x[i], with all that it holds. A row lies along the last axis
        alone: the axes in front of it become one, by reshape(-1, D)."""
        return x.reshape(len(x), -1).abs().amax(1, keepdim=True)

    @raises("Dimension out of range")
    def samples_flattened(x):
        """You made one row of each x[i], with all that it holds, by flatten(1). A row lies along
        the last axis alone: the axes in front of it become one, by reshape(-1, D)."""
        return x.flatten(1).abs().amax(1, keepdim=True)

    def span(x):
        """You took the smallest number off the largest. Asked for is the largest absolute
        value."""
        rows = _in_rows(x)
        return rows.amax(1, keepdim=True) - rows.amin(1, keepdim=True)

    def axis_lost(x):
        """Your result has shape (rows,). It is to be a column, (rows, 1): keepdim=True keeps the
        axis."""
        return _in_rows(x).abs().amax(1)

    def axis_lost_of_one_row(x):
        """Your result has shape (rows,), and () for an x that is one row. It is to be a column,
        (rows, 1): make rows first, also of one, and keep the axis by keepdim=True."""
        return x.abs().amax(-1).reshape(x.shape[:-1].numel() if x.ndim > 1 else ())

    def a_row(x):
        """Your result has shape (1, rows). It is to be a column, (rows, 1)."""
        return _in_rows(x).abs().amax(1)[None]

    def axes_in_front_kept(x):
        """You kept the axes in front of the last one. They are to become one, so that the result
        has shape (rows, 1)."""
        return x.abs().amax(-1, keepdim=True)

    def shape_of_the_front(x):
        """You kept the axes in front of the last one, and lost the last. The result is to have
        shape (rows, 1)."""
        return x.abs().amax(-1)

    def one_takes_all(x):
        """All values are right. Where numbers share the largest absolute value, one of them gets
        the whole gradient: so does max(dim), and so do argmax, sort and topk. amax shares it."""
        return _in_rows(x).abs().max(1, keepdim=True).values

    def one_of_topk_takes_all(x):
        """All values are right. Where numbers share the largest absolute value, one of them gets
        the whole gradient: topk picks one, and which is not promised. amax shares it."""
        return _in_rows(x).abs().topk(1, dim=1).values

    def last_one_takes_all(x):
        """All values are right. Where numbers share the largest absolute value, the last of them
        gets the whole gradient: the last one of a sort does so. amax shares it."""
        return _in_rows(x).abs().sort(dim=1, stable=True).values[:, -1:]

    def every_one_takes_all(x):
        """All values are right. Where numbers share the largest absolute value, each gets the whole
        gradient. It is to be shared: amax does that."""
        rows = _in_rows(x)
        shared = rows.detach().abs()
        here = (shared == shared.amax(1, keepdim=True)).to(x.dtype)
        y = (rows * rows.detach().sign() * here).sum(1, keepdim=True)
        return y + (shared.amax(1, keepdim=True) - y.detach())

    def both_ends_share(x):
        """All values are right. You took the larger of the largest number and minus the smallest:
        where both are equal each end gets a half, however many numbers share it. Take absolute
        values first; then amax shares it among all."""
        rows = _in_rows(x)
        return torch.maximum(rows.amax(1, keepdim=True), -rows.amin(1, keepdim=True))

    def smallest_chosen_at_a_tie(x):
        """All values are right. Where numbers of both signs share the largest absolute value, what
        arrives goes to one sign alone: so it is where the largest number or minus the smallest is
        chosen. Take absolute values first; then amax shares it among all."""
        rows = _in_rows(x)
        largest, smallest = rows.amax(1, keepdim=True), rows.amin(1, keepdim=True)
        return torch.where(largest > -smallest, largest, -smallest)

    def largest_chosen_at_a_tie(x):
        """All values are right. Where numbers of both signs share the largest absolute value, what
        arrives goes to one sign alone: so it is where the largest number or minus the smallest is
        chosen. Take absolute values first; then amax shares it among all."""
        rows = _in_rows(x)
        largest, smallest = rows.amax(1, keepdim=True), rows.amin(1, keepdim=True)
        return torch.where(largest >= -smallest, largest, -smallest)

    def a_pair(x):
        """max(dim) returns a pair, values and positions. Take .values, or amax, which returns the
        values alone."""
        return _in_rows(x).abs().max(1, keepdim=True)

    def positions(x):
        """You returned the positions of the largest numbers. Asked for are the absolute values."""
        return _in_rows(x).abs().argmax(1, keepdim=True)

    def largest_of_all(x):
        """You took the largest of the whole tensor. Every row has one of its own."""
        rows = _in_rows(x)
        return rows.abs().amax().expand(len(rows), 1)

    def a_single_number(x):
        """You took the largest of the whole tensor, one number. Every row has one of its own."""
        return x.abs().max()

    def squared(x):
        """You returned squares. Take the absolute value."""
        return _in_rows(x).square().amax(1, keepdim=True)

    def lengths_of_the_rows(x):
        """You returned the length of each row, the root of its sum of squares. Asked for is its
        largest absolute value."""
        return torch.linalg.vector_norm(_in_rows(x), dim=1, keepdim=True)

    def sums_of_absolute_values(x):
        """You added up the absolute values of each row. Asked for is the largest of them."""
        return _in_rows(x).abs().sum(1, keepdim=True)

    def smallest_absolute_values(x):
        """You took the smallest absolute value of each row. Asked for is the largest."""
        return _in_rows(x).abs().amin(1, keepdim=True)

    @raises("view size is not compatible")
    def viewed(x):
        """view never copies, and raises where no one stride leads through the axes that become
        one. reshape copies where it must."""
        return x.view(-1, x.shape[-1]).abs().amax(1, keepdim=True)

    def values_copied_out(x):
        """The numbers are right, and nothing reaches x: you cut the result off the graph. Leave out
        detach(), .data, no_grad() and torch.tensor(...)."""
        return RowAbsmaxKey.reference(x).detach()
