"""References and mistakes of the exercises that pick numbers out of a tensor."""

import numpy as np
import torch
from torch import Tensor

from grader.trusted.key import Key, raises


def _chosen(logits: Tensor, y: Tensor) -> Tensor:
    return logits[torch.arange(len(y), device=y.device), y.long()]


class OnehotGatherKey(Key, task="onehot_gather"):
    def reference(logits: Tensor, y: Tensor) -> Tensor:
        return torch.stack([row[int(label)] for row, label in zip(logits, y, strict=True)])

    def every_pair(logits, y):
        """logits[:, y] picks for *every* row the columns of all labels: its shape is (N, N). Give
        the rows as a list of positions too, arange(N), and torch takes the lists in pairs."""
        return logits[:, y.long()]

    @raises("The shape of the mask")
    def every_pair_of_bytes(logits, y):
        """logits[:, y] picks for *every* row the columns of all labels: its shape is (N, N). Give
        the rows as a list of positions too, arange(N), and torch takes the lists in pairs. And a
        tensor of uint8 is read as a mask: y.long() makes positions of it."""
        return logits[:, y]

    @raises("is out of bounds")
    def rows_by_label(logits, y):
        """logits[y] picks rows: the labels say which column of each row."""
        return logits[y.long()]

    def column_kept(logits, y):
        """What gather returns has the shape of its index, here (N, 1). The result is to be (N,):
        take that axis off, with squeeze(1) or [:, 0]."""
        return _chosen(logits, y)[:, None]

    def row_kept(logits, y):
        """Your result has shape (1, N). It is to be (N,)."""
        return _chosen(logits, y)[None]

    def one_row_squeezed(logits, y):
        """squeeze() takes off every axis of length 1, for a batch of one that of the batch too.
        Name the axis: squeeze(1)."""
        return _chosen(logits, y).squeeze()

    @raises("Size does not match at dimension 1|is out of bounds")
    def gathered_along_the_rows(logits, y):
        """The labels were taken for rows, by gather along axis 0. They are columns: gather along
        axis 1, by an index of shape (N, 1)."""
        return logits.gather(0, y.long()[None])[0]

    @raises("is out of bounds")
    def labels_in_front(logits, y):
        """The labels were taken for rows, as the first of two lists. They are columns: give
        arange(N) first, and the labels then."""
        return logits[y.long(), torch.arange(len(y), device=y.device)]

    def first_row_gathered(logits, y):
        """You picked every label from the first row: by an index of shape (1, N) for gather, where
        each row needs a row of its own, (N, 1); or by labels as positions in all of logits, where
        row i begins at i * C."""
        return logits.gather(1, y.long()[None])[0]

    def largest_logit(logits):
        """You returned the largest logit of each row. Asked for is that of the label, right or
        wrong."""
        return logits.amax(1)

    def labels_counted_from_one(logits, y):
        """You picked the column in front of the label's. Labels count from 0, as positions do."""
        return _chosen(logits, y.long() - 1)

    def column_behind(logits, y):
        """You picked the column behind the label's. Labels count from 0, as positions do."""
        return _chosen(logits, (y.long() + 1) % logits.shape[1])

    def product_with_a_one_hot(logits, y):
        """You multiplied by ones and zeros, and 0 times -inf is nan. Picking by position touches no
        other number; or fill the others with 0 by masked_fill or where."""
        return (logits * torch.nn.functional.one_hot(y.long(), logits.shape[1])).sum(1)

    def kept_beside_zeros(logits, y):
        """You set the other logits to 0 and kept the shape (N, C). Asked for are the N picked
        numbers alone."""
        here = torch.nn.functional.one_hot(y.long(), logits.shape[1]).bool()
        return logits.masked_fill(~here, 0)

    @raises("The shape of the mask|mask")
    def labels_read_as_a_mask(logits, y):
        """A tensor of uint8 between [ and ] is read as a mask, in an old way that torch warns of.
        Labels from files often have this dtype: y.long() makes positions of them."""
        return logits[torch.arange(len(y), device=y.device), y]

    @raises("gather.*[Ee]xpected dtype")
    def gathered_by_bytes(logits, y):
        """gather wants positions of dtype int64 or int32, and labels from files are often uint8.
        y.long() makes positions of them."""
        return logits.gather(1, y[:, None]).squeeze(1)

    @raises("one_hot is only applicable|LongTensor|index tensor")
    def one_hot_of_bytes(logits, y):
        """one_hot wants labels of dtype int64, and labels from files are often uint8 or int32:
        y.long() makes them so."""
        here = torch.nn.functional.one_hot(y, logits.shape[1]).bool()
        return logits.masked_fill(~here, 0).sum(1)

    @raises("indices should be Long")
    def taken_along_by_bytes(logits, y):
        """take_along_dim wants positions of dtype int64, and labels from files are often uint8 or
        int32: y.long() makes them so."""
        return logits.take_along_dim(y[:, None], 1)[:, 0]

    def log_probabilities(logits, y):
        """You returned log-probabilities. Asked for are the logits as they are: leave out
        log_softmax."""
        return _chosen(logits.log_softmax(1), y)

    def probabilities(logits, y):
        """You returned probabilities. Asked for are the logits as they are: leave out softmax."""
        return _chosen(logits.softmax(1), y)

    def a_loss(logits, y):
        """You returned the cross-entropy of each row. Asked for are the logits of the labels."""
        return -_chosen(logits.log_softmax(1), y)

    def negative(logits, y):
        """Your numbers have the other sign, as in a loss. Asked for are the logits as they are."""
        return -_chosen(logits, y)

    def averaged(logits, y):
        """You returned the mean of the picked numbers. Asked for is each of them."""
        return _chosen(logits, y).mean()

    def added_up(logits, y):
        """You returned the sum of the picked numbers. Asked for is each of them."""
        return _chosen(logits, y).sum()

    def sorted_by_class(logits, y):
        """You went through the classes and put the numbers of one class behind those of another.
        The result is to be in the order of the rows."""
        return _chosen(logits, y)[y.long().argsort(stable=True)]

    def values_copied_out(logits, y):
        """The numbers are right, and nothing reaches logits: item(), torch.tensor(...) and detach()
        make new numbers without history. Pick by positions, or stack what you pick."""
        return _chosen(logits, y).detach()


class DropLowestKey(Key, task="drop_lowest"):
    def reference(x: Tensor, q: float) -> Tensor:
        threshold = x.quantile(q).item()
        places = [i for i, number in enumerate(x.tolist()) if number > threshold]
        return x.gather(0, torch.tensor(places, dtype=torch.int64, device=x.device))

    def zeros_in_their_place(x, q):
        """You put 0 in the place of what is dropped: where and a product with a mask keep the
        shape. x[mask] keeps the numbers under the mask alone."""
        return torch.where(x > x.quantile(q), x, 0)

    def zeros_dropped(x, q):
        """You put 0 in the place of what is dropped, and dropped every 0 then. A 0 that is greater
        than the quantile goes too: x[mask] asks for no number."""
        kept = torch.where(x > x.quantile(q), x, 0)
        return kept[kept != 0]

    def threshold_in_their_place(x, q):
        """You raised the low numbers to the threshold: clamp keeps the shape. x[mask] keeps the
        numbers under the mask alone."""
        return x.clamp(min=x.quantile(q).item())

    def nan_in_their_place(x, q):
        """You put nan in the place of what is dropped. x[mask] keeps the numbers under the mask
        alone."""
        return torch.where(x > x.quantile(q), x, torch.nan)

    def sorted_numbers(x, q):
        """These are the right numbers, sorted. They are to stay in the order in which they stand in
        x: x[mask] does not sort."""
        return DropLowestKey.reference(x, q).sort().values

    def largest_first(x, q):
        """These are the right numbers, the largest first. They are to stay in the order in which
        they stand in x: x[mask] does not sort."""
        return DropLowestKey.reference(x, q).sort(descending=True).values

    def threshold_kept(x, q):
        """You kept numbers that equal the quantile. Greater is >, not >=: where several numbers are
        equal, or one is the quantile itself, it matters."""
        return x[x >= x.quantile(q)]

    def absolute_values_compared(x, q):
        """You compared absolute values. The numbers themselves are compared, and a low one may be
        far below 0."""
        return x[x.abs() > x.abs().quantile(q)]

    def quantile_taken_off(x, q):
        """You took the quantile off the numbers that you kept. They stay as they are: the quantile
        is there to compare with."""
        above = x - x.quantile(q)
        return above[above > 0]

    def lowest_kept(x, q):
        """You kept the low numbers and dropped the others: turn the comparison."""
        return x[x < x.quantile(q)]

    def up_to_the_threshold_kept(x, q):
        """You kept the numbers up to the quantile and dropped the greater ones: turn the
        comparison."""
        return x[x <= x.quantile(q)]

    def other_end(x, q):
        """You took the quantile of 1 - q. q is the share that lies below it."""
        return x[x > x.quantile(1 - q)]

    def highest_dropped(x, q):
        """You dropped the highest numbers: you kept those below the quantile of 1 - q."""
        return x[x < x.quantile(1 - q)]

    def by_count(x, q):
        """You dropped int(q * n) numbers. Asked for is what is greater than the quantile: where
        numbers are equal, or the quantile is one of them, that is another number of them."""
        keep = x.argsort(stable=True)[int(q * len(x)) :].sort().values
        return x[keep]

    def by_rounded_count(x, q):
        """You dropped q * n numbers, rounded. Asked for is what is greater than the quantile:
        compare x with torch.quantile."""
        keep = x.argsort(stable=True)[round(q * len(x)) :].sort().values
        return x[keep]

    def by_count_sorted(x, q):
        """You dropped int(q * n) numbers, and what is left is sorted. Compare x with the quantile,
        and index x by that mask: the order stays."""
        return x.sort().values[int(q * len(x)) :]

    def largest_by_count(x, q):
        """You took int(n * (1 - q)) numbers, the largest first. Compare x with the quantile, and
        index x by that mask: the order stays."""
        return x.topk(int(len(x) * (1 - q))).values

    def largest_by_rounded_count(x, q):
        """You dropped int(q * n) numbers, and what is left stands with the largest first. Compare x
        with the quantile, and index x by that mask: the order stays."""
        return x.topk(len(x) - int(q * len(x))).values

    def a_rank_instead(x, q):
        """You compared with the int(q * n)-th smallest number. The quantile lies at place
        q * (n - 1), counted from 0, and between two numbers on the line that joins them:
        torch.quantile finds it."""
        return x[x > x.kthvalue(max(int(q * len(x)), 1)).values]

    def median_instead(x):
        """You compared with the median. That is the quantile for q = 0.5 alone."""
        return x[x > x.median()]

    def mean_instead(x):
        """You compared with the mean. Compare with the quantile, which has the share q of the
        numbers below it."""
        return x[x > x.mean()]

    def share_of_the_range(x, q):
        """Your threshold lies at the share q between the smallest and the largest number. A
        quantile counts numbers: torch.quantile finds it."""
        return x[x > x.amin() + q * (x.amax() - x.amin())]

    def q_compared(x, q):
        """You compared x with q. q is a share; the number to compare with is x.quantile(q)."""
        return x[x > q]

    def per_hundred(x, q):
        """You dropped the smallest number alone. So does x > x.min(), and so does a share a hundred
        times too small: q / 100, or q handed to NumPy's percentile, which takes shares of 100. q is
        one from 0 to 1: torch.quantile takes it as it is."""
        return x[x > x.quantile(q / 100)]

    @raises("Can't call numpy")
    def numpy_percentile(x, q):
        """NumPy cannot read a tensor that requires grad. torch.quantile(x, q) does the same here,
        with q from 0 to 1, and on every device."""
        return x[x > float(np.percentile(x, 100 * q))]

    def a_mask(x, q):
        """You returned the mask. It goes between [ and ]: x[mask]."""
        return x > x.quantile(q)

    def positions(x, q):
        """You returned the positions of the numbers. Index x by them, or by the mask."""
        return (x > x.quantile(q)).nonzero().squeeze(1)

    def a_column(x, q):
        """Your result has shape (m, 1). nonzero() gives positions as rows; x[mask] needs no
        positions."""
        return DropLowestKey.reference(x, q)[:, None]

    def one_alone_squeezed(x, q):
        """squeeze() makes a tensor without axes of a single number. Leave it out."""
        return DropLowestKey.reference(x, q).squeeze()

    def equal_numbers_once(x, q):
        """You return sorted numbers, each once. They are to stay as they stand in x."""
        return DropLowestKey.reference(x, q).unique()

    def values_copied_out(x, q):
        """The numbers are right, and nothing reaches x: a list of numbers, NumPy and detach() have
        no history. Index x itself by the mask."""
        return DropLowestKey.reference(x, q).detach()
