"""Reference and mistakes of the exercise that writes a dataset."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from grader.trusted.key import Key, raises

Transform = Callable[[Tensor], Tensor] | None


class _Rows:
    """The right dataset, from torch's own; its subclasses are mistakes."""

    def __init__(self, X: Tensor, y: Tensor, transform: Transform) -> None:
        self.X, self.y, self.transform = X, y, transform
        self.pairs = TensorDataset(X, y)

    def __len__(self) -> int:
        return len(self.pairs)

    def given(self, i: int) -> Tensor:
        """What the transform gets."""
        return self.pairs[i][0].clone()

    def __getitem__(self, i: int) -> Any:
        row = self.given(i)
        return (row if self.transform is None else self.transform(row)), self.pairs[i][1]


class _WithoutLength:
    def __init__(self, *given: Any) -> None:
        self.pairs = _Rows(*given)

    def __getitem__(self, i: int) -> Any:
        return self.pairs[i]


class _Views(_Rows):
    def given(self, i: int) -> Tensor:
        return self.pairs[i][0]


class _CopiedAfterwards(_Rows):
    def __getitem__(self, i: int) -> Any:
        row = self.X[i]
        return (row if self.transform is None else self.transform(row)).clone(), self.y[i]


class _ViewsOfACopy(_Views):
    def __init__(self, X: Tensor, y: Tensor, transform: Transform) -> None:
        super().__init__(X.clone(), y, transform)


class _Rounded(_Rows):
    """Numbers are taken modulo n: none is out of range."""

    def __getitem__(self, i: int) -> Any:
        return super().__getitem__(i % len(self))


class _Emptied(_Rows):
    """A number that no sample has gives None."""

    def __getitem__(self, i: int) -> Any:
        return super().__getitem__(i) if -len(self) <= i < len(self) else None


class _FromZero(_Rows):
    """Negative numbers are refused."""

    def __getitem__(self, i: int) -> Any:
        if i < 0:
            raise IndexError
        return super().__getitem__(i)


class _Lowest(_Rows):
    """Numbers that are too large are refused, and those that are too small are not."""

    def __getitem__(self, i: int) -> Any:
        if i < 0:
            i = (i + len(self)) % len(self)
        return super().__getitem__(i)


class _OtherError(_Rows):
    def __getitem__(self, i: int) -> Any:
        if not -len(self) <= i < len(self):
            raise ValueError
        return super().__getitem__(i)


class _Transformed(_Rows):
    """All rows are transformed when the dataset is made."""

    def __init__(self, X: Tensor, y: Tensor, transform: Transform) -> None:
        rows = X if transform is None else torch.stack([transform(row.clone()) for row in X])
        super().__init__(rows, y, None)


class _Whole(_Rows):
    """The whole of X is transformed when the dataset is made."""

    def __init__(self, X: Tensor, y: Tensor, transform: Transform) -> None:
        super().__init__(X if transform is None else transform(X.clone()), y, None)


class _WholeInPlace(_Rows):
    def __init__(self, X: Tensor, y: Tensor, transform: Transform) -> None:
        super().__init__(X if transform is None else transform(X), y, None)


class _Remembering(_Rows):
    """Each row is transformed when it is first read, and kept."""

    def __init__(self, X: Tensor, y: Tensor, transform: Transform) -> None:
        super().__init__(X, y, transform)
        self.kept: dict[int, Any] = {}

    def __getitem__(self, i: int) -> Any:
        if i not in self.kept:
            self.kept[i] = super().__getitem__(i)
        return self.kept[i]


class _OneRow(_Rows):
    """Every row is copied into the same memory."""

    def __init__(self, X: Tensor, y: Tensor, transform: Transform) -> None:
        super().__init__(X, y, transform)
        self.row = torch.empty_like(X[0])

    def given(self, i: int) -> Tensor:
        return self.row.copy_(self.pairs[i][0])


class _OneList(_Rows):
    """Every item is the same list."""

    def __init__(self, X: Tensor, y: Tensor, transform: Transform) -> None:
        super().__init__(X, y, transform)
        self.item: list[Any] = []

    def __getitem__(self, i: int) -> Any:
        self.item[:] = super().__getitem__(i)
        return self.item


class _RememberingPlaces(_Remembering):
    """The same, and the numbers i and i - n share what is kept."""

    def __getitem__(self, i: int) -> Any:
        return super().__getitem__(i % len(self) if -len(self) <= i < len(self) else i)


class _Untransformed(_Rows):
    def __getitem__(self, i: int) -> Any:
        return self.given(i), self.pairs[i][1]


class _AskedForTruth(_Rows):
    """A transform that counts as false is taken for none."""

    def __getitem__(self, i: int) -> Any:
        row, label = self.given(i), self.pairs[i][1]
        return (self.transform(row) if self.transform else row), label


class _ResultDropped(_Rows):
    """The transform runs, and the row that it was handed is the item's."""

    def __getitem__(self, i: int) -> Any:
        row, label = self.given(i), self.pairs[i][1]
        if self.transform is not None:
            self.transform(row)
        return row, label


class _Twice(_Rows):
    """The transform runs twice for each item."""

    def __getitem__(self, i: int) -> Any:
        if self.transform is not None:
            self.transform(self.given(i))
        return super().__getitem__(i)


class _TransformedAgain(_Rows):
    """The transform runs again on what it returned."""

    def __getitem__(self, i: int) -> Any:
        row, label = super().__getitem__(i)
        return (row if self.transform is None else self.transform(row)), label


class _OneTooFarBack(_Rows):
    """Negative numbers count from the last but one."""

    def __getitem__(self, i: int) -> Any:
        return super().__getitem__(i if i >= 0 else len(self) - 1 + i)


class _Exchanged(_Rows):
    def __getitem__(self, i: int) -> Any:
        return super().__getitem__(i)[::-1]


class _Unlabelled(_Rows):
    def __getitem__(self, i: int) -> Any:
        return super().__getitem__(i)[0]


class _Columns(_Rows):
    def __len__(self) -> int:
        return int(self.X.shape[1])


class _OneMore(_Rows):
    def __len__(self) -> int:
        return len(self.pairs) + 1


class _OneLess(_Rows):
    def __len__(self) -> int:
        return len(self.pairs) - 1


class _Numbers(_Rows):
    def __len__(self) -> int:
        return self.X.numel()


class _Stacked(_Rows):
    """Row and number in one tensor."""

    def __getitem__(self, i: int) -> Any:
        row, label = super().__getitem__(i)
        return torch.cat([row, label[None].to(row.dtype)])


class _PlainLabels(_Rows):
    def __getitem__(self, i: int) -> Any:
        row, label = super().__getitem__(i)
        return row, label.item()


class DatasetClassKey(Key, task="dataset_class"):
    reference = _Rows

    @raises(r"not callable")
    def transform_not_checked(X, y, transform):
        """You call transform even where it is None. Ask `if transform is not None` first."""
        return _Called(X, y, transform)

    @raises(r"has no len")
    def length_missing(X, y, transform):
        """Your class has no length: len() asks for the method __len__, with two underscores on
        each side. Return the number of rows from it."""
        return _WithoutLength(X, y, transform)

    def row_is_a_view(X, y, transform):
        """X has changed: a row of X, as X[i] gives it, is a view, and a transform that writes into
        it writes into X, a bit more each time the item is read. Hand transform a clone of the
        row."""
        return _Views(X, y, transform)

    def copied_too_late(X, y, transform):
        """X has changed: you copy what transform returns, and hand it X[i], a view. A transform
        that writes into it writes into X, a bit more each time the item is read. Hand it a clone of
        the row."""
        return _CopiedAfterwards(X, y, transform)

    def copy_is_written_into(X, y, transform):
        """X stays as it was, for you copied it once, and a transform that writes into a row of your
        copy changes that, a bit more each time the item is read. Hand transform a clone of the row
        at every reading."""
        return _ViewsOfACopy(X, y, transform)

    def never_out_of_range(X, y, transform):
        """Your dataset has no end: number n gives an item. So it is where numbers are taken modulo
        n, or an IndexError is caught. A loop over a dataset stops at an IndexError, which a tensor
        raises by itself."""
        return _Rounded(X, y, transform)

    def none_out_of_range(X, y, transform):
        """A number that no sample has gives None. Raise IndexError, by which a loop over the
        dataset knows its end."""
        return _Emptied(X, y, transform)

    def another_error_out_of_range(X, y, transform):
        """A number that no sample has raises something else than IndexError. A loop over the
        dataset knows its end by IndexError."""
        return _OtherError(X, y, transform)

    def too_small_numbers(X, y, transform):
        """The number -n - 1 gives an item. Negative numbers count from the end, and the smallest
        that a sample has is -n."""
        return _Lowest(X, y, transform)

    @raises("")
    def negative_numbers_refused(X, y, transform):
        """You refuse a negative number that a sample has. They count from the end here, down to -n,
        as a tensor's own do."""
        return _FromZero(X, y, transform)

    def transformed_at_the_start(X, y, transform):
        """You transform all rows in __init__: each of them once, and never again. A random
        augmentation would be the same in every epoch. Transform a row when it is read."""
        return _Transformed(X, y, transform)

    def whole_transformed_at_the_start(X, y, transform):
        """You hand the whole of X to transform in __init__. It is made for a single row, and runs
        anew each time one is read: call it in __getitem__."""
        return _Whole(X, y, transform)

    def whole_transformed_in_place(X, y, transform):
        """You hand the whole of X to transform in __init__, and X has changed. transform is made
        for a single row: call it in __getitem__, with a clone of the row."""
        return _WholeInPlace(X, y, transform)

    def one_row_for_all(X, y, transform):
        """All your items share one tensor or list: when an item is read, those that were read
        before change with it. Make a new one at every reading, by clone() for instance."""
        return _OneRow(X, y, transform)

    def one_list_for_all(X, y, transform):
        """All your items share one tensor or list: when an item is read, those that were read
        before change with it. Make a new one at every reading, by clone() for instance."""
        return _OneList(X, y, transform)

    def remembered(X, y, transform):
        """You keep what transform returned the first time. It runs anew each time an item is read:
        a random augmentation would be the same in every epoch."""
        return _Remembering(X, y, transform)

    def remembered_by_place(X, y, transform):
        """You keep what transform returned the first time. It runs anew each time an item is read:
        a random augmentation would be the same in every epoch."""
        return _RememberingPlaces(X, y, transform)

    def not_transformed(X, y, transform):
        """Your items are not transformed. Return transform(row), if there is a transform."""
        return _Untransformed(X, y, transform)

    def asked_whether_it_is_true(X, y, transform):
        """A transform that counts as false does not run: you ask `if transform`. What can be called
        may count as false all the same, as an object whose length is 0 does. Ask
        `if transform is not None`."""
        return _AskedForTruth(X, y, transform)

    def result_dropped(X, y, transform):
        """You call transform and return the row that you handed to it. Where it writes into its
        row, that is right by chance; where it makes a new tensor, its work is lost: return what it
        returns."""
        return _ResultDropped(X, y, transform)

    def transformed_twice(X, y, transform):
        """transform runs twice for each item. Call it once, and keep what it returns for the length
        of the method."""
        return _Twice(X, y, transform)

    @raises("")
    def transformed_again(X, y, transform):
        """You hand what transform returned to transform once more. It runs once for each item."""
        return _TransformedAgain(X, y, transform)

    def negative_numbers_one_off(X, y, transform):
        """Your negative numbers are one off: -1 is the last sample, n + i, and not the one before
        it."""
        return _OneTooFarBack(X, y, transform)

    def pair_exchanged(X, y, transform):
        """You return (y[i], row). The row comes first."""
        return _Exchanged(X, y, transform)

    def number_missing(X, y, transform):
        """You return the row alone. An item is the pair of the row and y[i]."""
        return _Unlabelled(X, y, transform)

    def number_as_python(X, y, transform):
        """The second part of your items is a Python number. Return y[i] as it is, a tensor of shape
        (): leave out item()."""
        return _PlainLabels(X, y, transform)

    def one_tensor(X, y, transform):
        """You put row and number into one tensor, which makes the number a float. Return the two as
        a pair."""
        return _Stacked(X, y, transform)

    def length_of_a_row(X, y, transform):
        """Your length is the number of columns of X. Samples are its rows: len(X)."""
        return _Columns(X, y, transform)

    def length_of_all_numbers(X, y, transform):
        """Your length counts all numbers in X. Samples are its rows: len(X)."""
        return _Numbers(X, y, transform)

    def length_one_more(X, y, transform):
        """Your length is one too many. It is the number of samples, n, and the last of them has the
        number n - 1."""
        return _OneMore(X, y, transform)

    def length_one_less(X, y, transform):
        """Your length is one too few. It is the number of samples, n, and the last of them has the
        number n - 1."""
        return _OneLess(X, y, transform)


class _Called(_Rows):
    def __getitem__(self, i: int) -> Any:
        return self.transform(self.given(i)), self.pairs[i][1]
