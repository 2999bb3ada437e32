"""Reference and mistakes of the exercise that picks numbers by size."""

import numpy as np
import torch
from torch import Tensor

from grader.trusted.key import Key, raises


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

    def repeated_ones_dropped(x, q):
        """A number that stands in x several times is kept once. Each of them is greater than the
        quantile, and stays: x[mask] keeps them all."""
        kept = x[x > x.detach().quantile(q)]
        seen: dict[float, int] = {}
        for place, number in enumerate(kept.tolist()):
            seen.setdefault(number, place)
        return kept[list(seen.values())]

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

    def near_ones_dropped(x, q):
        """Numbers that are greater than the quantile by very little are missing, as where a margin
        is added to it, or the comparison is made in a coarser dtype. Each number that is greater
        stays, however near it is: x > x.quantile(q)."""
        return x[x > x.quantile(q) + 1e-4]

    def absolute_values_compared(x, q):
        """You compared absolute values. The numbers themselves are compared, and a low one may be
        far below 0."""
        return x[x.abs() > x.abs().quantile(q)]

    def quantile_taken_off(x, q):
        """You took the quantile off the numbers that you kept. They stay as they are: the quantile
        is there to compare with."""
        above = x - x.quantile(q)
        return above[above > 0]

    def quantile_taken_off_and_added(x, q):
        """The numbers are right, and the quantile gets a part of the gradient: you took it off and
        added it detached. It is there to compare with alone: x[x > quantile]."""
        threshold = x.quantile(q)
        return x[x > threshold] - threshold + threshold.detach()

    def rounded_up_to_a_number(x, q):
        """You took the next number above for the quantile, as interpolation="higher" does. Without
        it torch.quantile gives a number between two of them, and the greater of these is kept."""
        return x[x > x.quantile(q, interpolation="higher")]

    def rounded_to_a_number(x, q):
        """You took the nearest number for the quantile, as interpolation="nearest" does. Without it
        torch.quantile gives a number between two of them, and the greater of these is kept."""
        return x[x > x.quantile(q, interpolation="nearest")]

    def largest_kept_in_any_case(x, q):
        """Where no number is greater than the quantile you return the largest. Then nothing is
        kept: the result has shape (0,), and x[mask] gives that by itself."""
        kept = x[x > x.quantile(q)]
        return kept if len(kept) else x.max().reshape(1)

    def all_of_the_largest_kept_in_any_case(x, q):
        """Where no number is greater than the quantile you return those that equal the largest.
        Then nothing is kept: the result has shape (0,), and x[mask] gives that by itself."""
        kept = x[x > x.quantile(q)]
        return kept if len(kept) else x[x == x.max()]

    def lowest_kept(x, q):
        """You kept the low numbers and dropped the others: turn the comparison."""
        return x[x < x.quantile(q)]

    def up_to_the_threshold_kept(x, q):
        """You kept the numbers up to the quantile and dropped the greater ones: turn the
        comparison."""
        return x[x <= x.quantile(q)]

    def other_end(x, q):
        """You took the quantile of 1 - q. Compare with that of q, which has about the share q of
        the numbers below it."""
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

    def kept_by_count(x, q):
        """You kept int(n * (1 - q)) numbers, the largest. Asked for is what is greater than the
        quantile: where numbers are equal, or the quantile lies between two, that is another number
        of them."""
        return x[x.topk(int(len(x) * (1 - q))).indices.sort().values]

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
        """You compared with the mean. Compare with the quantile, which has about the share q of
        the numbers below it."""
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
        with q from 0 to 1, and reads what lies on a GPU too."""
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
        """Where a single number is kept your result has no axis, as squeeze() leaves it. The
        result is to have shape (1,): x[mask] gives that by itself."""
        return DropLowestKey.reference(x, q).squeeze()

    def equal_numbers_once(x, q):
        """You return sorted numbers, each once. They are to stay as they stand in x."""
        return DropLowestKey.reference(x, q).unique()

    def values_copied_out(x, q):
        """The numbers are right, and nothing reaches x: a list of numbers has no history, nor has
        what comes of NumPy, detach() and no_grad(). Index x itself by the mask."""
        return DropLowestKey.reference(x, q).detach()

    @raises("non-empty list|non-empty TensorList")
    def stacked(x, q):
        """stack joins the numbers that stay, and raises where none is greater than the quantile.
        x[mask] is an empty tensor then, of shape (0,)."""
        threshold = torch.quantile(x, q)
        return torch.stack([number for number in x if number > threshold])
