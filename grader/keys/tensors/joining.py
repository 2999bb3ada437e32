"""Reference and mistakes of the exercise that takes an entry out."""

import torch
from torch import Tensor

from grader.trusted.families.memory import as_it_lies
from grader.trusted.key import Key, raises


def _without(t: Tensor, i: int) -> Tensor:
    return t[torch.arange(len(t), device=t.device) != i % len(t)]


class RemoveAtKey(Key, task="remove_at"):
    families = as_it_lies(_without, "t")

    def reference(t: Tensor, i: int) -> Tensor:
        kept = [j for j in range(len(t)) if j != range(len(t))[i]]
        return t.index_select(0, torch.tensor(kept, dtype=torch.int64, device=t.device))

    def last_one_lost(t, i):
        """You dropped the last entry too. A slice ends in front of its second number, so
        [i + 1 : -1] leaves it out; [i + 1 :] goes to the end."""
        return torch.cat([t[:i], t[i + 1 : -1]])

    def negative_i_sliced(t, i):
        """For i >= 0 this is right. For -1 your second part begins at -1 + 1, which is 0, and that
        is all of t. Count from the front first: i % len(t)."""
        return torch.cat([t[:i], t[i + 1 :]])

    def last_one_lost_from_the_front(t, i):
        """A negative i is right. You dropped the last entry too: [i + 1 : -1] leaves it out, and
        [i + 1 :] goes to the end."""
        i = i % len(t)
        return torch.cat([t[:i], t[i + 1 : -1]])

    def nothing_removed(t, i):
        """You left nothing out: the second part begins at the entry that is to go. It begins behind
        it, at i + 1."""
        i = i % len(t)
        return torch.cat([t[:i], t[i:]])

    def entry_behind_removed(t, i):
        """You removed the entry behind the one at i. Positions count from 0."""
        i = i % len(t)
        return torch.cat([t[: i + 1], t[i + 2 :]])

    def entry_in_front_removed(t, i):
        """You removed the entry in front of the one at i. Positions count from 0."""
        i = i % len(t)
        return torch.cat([t[: i - 1], t[i:]])

    def two_removed(t, i):
        """You removed two entries, the one at i and a neighbour. The first part goes up to i, and a
        slice ends in front of its second number."""
        i = i % len(t)
        return torch.cat([t[:i], t[i + 2 :]])

    def two_removed_in_front(t, i):
        """You removed two entries: the first part ends too early. A slice ends in front of its
        second number, so t[:i] holds all entries in front of i."""
        i = i % len(t)
        return torch.cat([t[: i - 1], t[i + 1 :]])

    def equal_ones_removed(t, i):
        """You removed by value: every entry that equals the one at i is gone. Compare positions,
        arange(len(t)) != i % len(t)."""
        return t[~(t == t[i]).reshape(len(t), -1).all(1)]

    def numbers_compared(t, i):
        """You compared numbers with those of the entry, and kept what differs, as one row. Compare
        positions, arange(len(t)) != i % len(t), and index by that."""
        return t[t != t[i]]

    def zero_in_its_place(t, i):
        """You put 0 in the place of the entry. The result is to be shorter by one."""
        here = torch.arange(len(t), device=t.device) == i % len(t)
        return t.masked_fill(here.reshape(-1, *(1 for _ in t.shape[1:])), 0)

    def the_entry_itself(t, i):
        """You returned the entry that is to go. Return the others."""
        return t[i]

    def negative_i_ignored(t, i):
        """For i >= 0 this is right. For a negative i nothing was removed. Where you compare
        positions, those count from 0 to n - 1, and none is negative: take i % len(t)."""
        return t[torch.arange(len(t), device=t.device) != i]

    def sign_dropped(t, i):
        """You took a negative i without its sign. i = -1 is the last entry: i % len(t)."""
        return _without(t, abs(i))

    def sign_dropped_and_sliced(t, i):
        """You took a negative i without its sign. i = -1 is the last entry: i % len(t)."""
        i = abs(i)
        return torch.cat([t[:i], t[i + 1 :]])

    def sign_dropped_and_compared(t, i):
        """You took a negative i without its sign. i = -1 is the last entry: i % len(t)."""
        return t[torch.arange(len(t), device=t.device) != abs(i)]

    def counted_one_too_few(t, i):
        """For i >= 0 this is right. To a negative i you added n - 1, which is one too few: the last
        entry, -1, stands at n - 1. Take i % len(t)."""
        i = i + len(t) - 1 if i < 0 else i
        return torch.cat([t[:i], t[i + 1 :]])

    def counted_one_too_far(t, i):
        """For i >= 0 this is right. To a negative i you added n + 1, which is one too many: the
        last entry, -1, stands at n - 1. Take i % len(t)."""
        i = i + len(t) + 1 if i < 0 else i
        return torch.cat([t[:i], t[i + 1 :]])

    def counted_from_behind(t, i):
        """You counted every i from behind. i = 0 is the first entry."""
        return _without(t, -1 - i if i >= 0 else i)

    def last_one_put_in_its_place(t, i):
        """You put the last entry in the place of the one that goes. All other entries are to keep
        their order."""
        i, last = i % len(t), len(t) - 1
        return t[[last if j == i else j for j in range(last)]]

    def last_one_always(t, i):
        """You removed the last entry, whatever i is."""
        return t[:-1]

    def parts_exchanged(t, i):
        """You joined the part behind i and then the part before it. The order is to stay."""
        i = i % len(t)
        return torch.cat([t[i + 1 :], t[:i]])

    def last_axis(t, i):
        """You worked along the last axis. Entries are counted along the first one."""
        i = i % t.shape[-1] if -t.shape[-1] <= i else 0
        return torch.cat([t[..., :i], t[..., i + 1 :]], dim=-1)

    def along_the_last_axis(t, i):
        """You worked along the last axis. Entries are counted along the first one."""
        i = i % t.shape[-1]
        return torch.cat([t[..., :i], t[..., i + 1 :]], dim=-1)

    def flattened(t, i):
        """You flattened t first, as np.delete does without an axis. Entries are those along the
        first axis, with all that lies behind it."""
        return _without(t.reshape(-1), i)

    def two_parts(t, i):
        """You returned the two parts. Join them with torch.cat."""
        i = i % len(t)
        return t[:i], t[i + 1 :]

    @raises("non-empty list|non-empty")
    def stacked(t, i):
        """stack joins the entries that stay, and raises where none stays. cat of two slices is an
        empty tensor of the right shape then."""
        return torch.stack([entry for j, entry in enumerate(t) if j != i % len(t)])

    def axes_lost_where_nothing_stays(t, i):
        """Where no entry stays your result has shape (0,). The other axes of t stay: it is
        (0, ...), as cat of two slices gives it."""
        return _without(t, i) if len(t) > 1 else t.reshape(-1)[:0]

    def values_copied_out(t, i):
        """The numbers are right, and nothing reaches t: a list of numbers, torch.tensor(...),
        NumPy, no_grad() and detach() leave no history. Join slices of t."""
        return RemoveAtKey.reference(t, i).detach()
