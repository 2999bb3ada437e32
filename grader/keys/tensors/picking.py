"""Reference and mistakes of the exercise that picks numbers by label."""

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
        """For a batch of one your result has no axis. squeeze(), for one, takes off every axis of
        length 1, that of the batch too: name the axis, by squeeze(1)."""
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

    @raises("out of (bounds|range)")
    def labels_in_int8(logits, y):
        """A label above 127 does not fit into int8, and comes out below 0. uint8 holds numbers up
        to 255: y.long() holds all of them."""
        return logits.gather(1, y.to(torch.int8).long()[:, None]).squeeze(1)

    def labels_in_int8_from_the_end(logits, y):
        """A label above 127 does not fit into int8, and comes out below 0, where it counts the
        columns from the end. uint8 holds numbers up to 255: y.long() holds all of them."""
        return _chosen(logits, y.to(torch.int8))

    def through_exponentials(logits, y):
        """Where a score is far from 0 your result is inf or -inf: exp of it is inf or 0, and log
        does not bring it back. Pick the score itself."""
        here = torch.nn.functional.one_hot(y.long(), logits.shape[1])
        return (logits.exp() * here).sum(1).log()

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

    @raises("view size is not compatible")
    def viewed(logits, y):
        """view never copies, and raises where logits lie in memory in another order, as transposed
        ones do. gather, and a pair of index lists, need no view; reshape copies where it must."""
        rows = torch.arange(len(y), device=y.device)
        return logits.view(-1)[rows * logits.shape[1] + y.long()]

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
        """The numbers are right, and nothing reaches logits: item(), torch.tensor(...), detach()
        and no_grad() give numbers without history. Pick by positions, or stack what you pick."""
        return _chosen(logits, y).detach()
