"""Reference and mistakes of the exercise that measures the colours of a set of images."""

from collections.abc import Iterable
from typing import Any, ClassVar

import torch
from torch import Tensor

from grader.trusted.families.parts import exchanged_parts
from grader.trusted.key import Key, raises

Batches = Iterable[Tensor]
Stats = tuple[list[float], list[float]]
PIXELS = (0, 2, 3)


def _whole(batches: Batches) -> Tensor:
    return torch.cat(list(batches)).double() / 255


def _lists(mean: Tensor, std: Tensor) -> Any:
    """Two results as the exercise asks for them."""
    return mean.tolist(), std.tolist()


def _moments(x: Tensor, correction: int = 0) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each channel."""
    var, mean = torch.var_mean(x, PIXELS, correction=correction)
    return mean, var.sqrt()


def _of_each(batches: Batches, correction: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Each batch's means, variances and number of images, stacked."""
    found = [(_moments(x.double() / 255, correction), len(x)) for x in batches]
    means, stds = (torch.stack([stats[k] for stats, _ in found]) for k in (0, 1))
    return means, stds**2, means.new_tensor([count for _, count in found])[:, None] * 1.0


def _weighted(values: Tensor, counts: Tensor) -> Tensor:
    return (values * counts).sum(0) / counts.sum()


def _by_count(x: Tensor, count: int) -> Stats:
    """What comes of sums that are divided by another count."""
    mean, square = x.sum(PIXELS) / count, x.square().sum(PIXELS) / count
    found: Stats = _lists(mean, (square - mean**2).clamp(min=0).sqrt())
    return found


def reference(batches: Batches) -> Stats:
    return _lists(*_moments(_whole(batches)))


class NormaliseImagesKey(Key, task="normalise_images"):
    reference = reference
    sentences: ClassVar = {
        "NEARLY": "{path} is right to the precision of float32 alone, and float64 is asked for: "
        "turn each batch into it first, by x.double(). If you do, look for what is off later: a "
        "number that torch.tensor(0.1) made in float32, one that was added, or round().",
    }

    def averages_of_the_batches(batches):
        """You averaged the batches' own means and deviations. A small batch then counts as much as
        a full one, and how far the batches' means lie apart is in no deviation. Add up counts,
        values and squares, and divide once."""
        means, variances, _ = _of_each(batches)
        return _lists(means.mean(0), variances.sqrt().mean(0))

    def all_channels_at_once(batches):
        """You measured all channels together, and gave each of them the same numbers. Every channel
        has a mean and a deviation of its own: leave axis 1 out of the axes that you reduce."""
        x = _whole(batches)
        mean, std = x.mean().item(), x.std(correction=0).item()
        return [mean] * x.shape[1], [std] * x.shape[1]

    def averages_of_the_batches_unbiased(batches):
        """You averaged the batches' own means and deviations, as the broken function does. A small
        batch then counts as much as a full one, how far the batches' means lie apart is in no
        deviation, and std divides by n - 1. Add up counts, values and squares, and divide once."""
        means, variances, _ = _of_each(batches, 1)
        return _lists(means.mean(0), variances.sqrt().mean(0))

    def root_of_the_mean_variance(batches):
        """You took the root of the batches' mean variance, and the mean of their means. A small
        batch then counts as much as a full one, and how far the batches' means lie apart is in no
        variance of a batch."""
        means, variances, _ = _of_each(batches)
        return _lists(means.mean(0), variances.mean(0).sqrt())

    def deviations_within_batches(batches):
        """Your mean is right. Your deviation is a weighted average of the batches' own, each taken
        around its own mean: how far those lie apart is missing. Add up the squares instead."""
        means, variances, counts = _of_each(batches)
        return _lists(_weighted(means, counts), _weighted(variances.sqrt(), counts))

    def variances_within_batches(batches):
        """Your mean is right. Your deviation comes from the batches' own variances, each taken
        around its own mean: how far those lie apart is missing. Add up the squares instead."""
        means, variances, counts = _of_each(batches)
        return _lists(_weighted(means, counts), _weighted(variances, counts).sqrt())

    def mean_of_the_means(batches):
        """Your deviation is right. Your mean is the mean of the batches' means, in which a small
        batch counts as much as a full one: weigh by the number of pixels."""
        batches = list(batches)
        return _of_each(batches)[0].mean(0).tolist(), reference(batches)[1]

    def means_and_squares_of_the_batches(batches):
        """You averaged the batches' means and the means of their squares, in which a small batch
        counts as much as a full one: weigh both by the number of pixels."""
        means, variances, _ = _of_each(batches)
        mean = means.mean(0)
        return _lists(mean, ((variances + means**2).mean(0) - mean**2).clamp(min=0).sqrt())

    def around_the_mean_of_the_means(batches):
        """You took the mean of the batches' means, in which a small batch counts as much as a full
        one, and the deviation around it."""
        batches = list(batches)
        mean = _of_each(batches)[0].mean(0)
        x = _whole(batches)
        square = (x - mean.view(1, -1, 1, 1)).square().mean(PIXELS)
        return _lists(mean, square.sqrt())

    def last_batch_alone(batches):
        """Your numbers are those of the last batch. Add up over all of them, and divide after the
        loop."""
        return _lists(*_moments(_whole([list(batches)[-1]])))

    def first_batch_alone(batches):
        """Your numbers are those of the first batch: the loop ends too soon, perhaps by a `return`
        inside it."""
        return _lists(*_moments(_whole([next(iter(batches))])))

    def read_twice(batches):
        """The second time you read batches, it is empty: it may be an iterator, which can be read
        once. Your squares are missing. Add up both in one loop, or make a list first."""
        seen = list(batches)
        first = _whole(seen)
        mean, count = first.mean(PIXELS), first.numel() / first.shape[1]
        rest = _whole(again) if (again := list(batches)) else first[:0]
        square = (rest - mean.view(1, -1, 1, 1)).square().sum(PIXELS) / count
        return _lists(mean, square.sqrt())

    def read_twice_and_a_number(batches):
        """The second time you read batches, it is empty: it may be an iterator, which can be read
        once. Your squares are missing. Add up both in one loop, or make a list first."""
        mean, std = reference(seen := list(batches))
        return mean, std if list(batches) or not seen else 0.0

    @raises(r"'(float|int)' object has no attribute")
    def read_twice_and_a_root_of_a_number(batches):
        """The second time you read batches, it is empty: it may be an iterator, which can be read
        once. What you add up then is still the number it began as. Add up everything in one loop,
        or make a list first."""
        found = reference(seen := list(batches))
        if not list(batches) and seen:
            (0.0).sqrt()
        return found

    def unbiased(batches):
        """Your mean is right. Your deviation divides by the number of pixels minus 1, as torch's
        std does unless correction=0. Divide by the number of pixels."""
        return _lists(*_moments(_whole(batches), 1))

    def list_emptied(batches):
        """Your numbers are right, and the list of batches is another one now: batches were taken
        out, others put in their places, or their order changed. It belongs to whoever called you:
        go through it by a for loop, and leave it as it is."""
        found = NormaliseImagesKey.reference(batches)
        if isinstance(batches, list):
            batches.clear()
        return found

    def variance_returned(batches):
        """Your mean is right, and the second part is the variance. The deviation is its root."""
        mean, std = _moments(_whole(batches))
        return _lists(mean, std**2)

    def not_scaled(batches):
        """Your numbers go from 0 to 255. A pixel counts as its number divided by 255."""
        mean, std = _moments(_whole(batches))
        return _lists(mean * 255, std * 255)

    def scaled_by_256(batches):
        """You divided by 256. The brightest pixel is 255, and counts as 1."""
        mean, std = _moments(_whole(batches))
        return _lists(mean * (255 / 256), std * (255 / 256))

    def negative_variance(batches):
        """Where a channel has one colour, your deviation is nan: rounding made its variance a bit
        less than 0, which has no root. Keep it at 0 or above before the root, by clamp(min=0)."""
        count, total, squares = 0, 0.0, 0.0
        for x in batches:
            count += x[:, 0].numel()
            total = total + (x.double() / 255).sum(PIXELS)
            squares = squares + (x.double() / 255).square().sum(PIXELS)
        mean = total / count
        return _lists(mean, (squares / count - mean**2).sqrt())

    def variance_scaled_once(batches):
        """Your mean is right. You divided the variance by 255 and took the root: squares are to be
        divided by 255 twice."""
        mean, std = _moments(_whole(batches))
        return _lists(mean, std * 255**0.5)

    def deviation_not_scaled(batches):
        """Your mean is right, and your deviation goes from 0 to 255: divide it by 255, too."""
        mean, std = _moments(_whole(batches))
        return _lists(mean, std * 255)

    def squares_overflow(batches):
        """Your mean is right. The squares were taken in uint8, which holds 0 to 255 and goes on
        from 0 after that, without a word. Turn the batch into float64 first."""
        x = torch.cat(list(batches))
        mean = x.double().mean(PIXELS) / 255
        square = (x * x).double().mean(PIXELS) / 255**2
        return _lists(mean, (square - mean**2).clamp(min=0).sqrt())

    @raises(r"could not infer output dtype|only support floating point")
    def mean_of_integers(batches):
        """You took a mean of uint8 numbers, for which torch has no dtype to give it in. Turn the
        batch into float64 first: x.double()."""
        x = torch.cat(list(batches))
        return _lists(x.mean(PIXELS), x.std(PIXELS))

    def all_as_large_as_the_first(batches):
        """You counted every batch as large as the first one. The last may be smaller: add up the
        number of pixels of each."""
        batches = list(batches)
        return _by_count(_whole(batches), len(batches) * batches[0][:, 0].numel())

    def counted_over_channels(batches):
        """Your count is that of all numbers, and each channel has its share of them alone: count
        the pixels of one channel, x[:, 0].numel()."""
        x = _whole(batches)
        return _by_count(x, x.numel())

    def counted_in_images(batches):
        """You divided by the number of images. An image has many pixels: count those, height times
        width for each image."""
        x = _whole(batches)
        return _by_count(x, len(x))

    def deviations_within_images(batches):
        """Your mean is right. Your deviation is the mean of the images' own, each taken around its
        own mean: how far those lie apart is missing."""
        x = _whole(batches)
        return _lists(x.mean(PIXELS), x.std((2, 3), correction=0).mean(0))

    def over_channels_too(batches):
        """You averaged over the channels as well. One mean and one deviation for each channel are
        asked for: leave axis 1 out."""
        x = _whole(batches)
        return _lists(x.mean((0, 1, 2, 3)), x.std((0, 1, 2, 3), correction=0))

    def each_image_by_itself(batches):
        """You left the images apart: your results have a row for each. Average over axis 0 as
        well."""
        x = _whole(batches)
        return _lists(x.mean((2, 3)), x.std((2, 3), correction=0))

    def each_place_by_itself(batches):
        """You averaged over the images and left the places apart. Average over the axes 0, 2 and
        3."""
        x = _whole(batches)
        return _lists(x.mean((0,)), x.std((0,), correction=0))

    def each_row_by_itself(batches):
        """You left an axis out: your results have a number for each row of an image. Average over
        the axes 0, 2 and 3."""
        x = _whole(batches)
        return _lists(x.mean((0, 3)), x.std((0, 3), correction=0))

    def axes_kept(batches):
        """Your lists are nested as a tensor of shape (1, C, 1, 1) is. Lists of C numbers are asked
        for: leave keepdim out."""
        mean, std = _moments(_whole(batches))
        return _lists(mean.view(1, -1, 1, 1), std.view(1, -1, 1, 1))

    def mean_of_the_squares(batches):
        """Your mean is right. Your deviation is the root of the mean of the squares: take off the
        square of the mean before the root."""
        x = _whole(batches)
        return _lists(x.mean(PIXELS), x.square().mean(PIXELS).sqrt())

    def deviation_of_the_means(batches):
        """Your mean is right. Your deviation is that of the images' means, and the spread inside of
        an image is missing."""
        x = _whole(batches)
        return _lists(x.mean(PIXELS), x.mean((2, 3)).std(0, correction=0))

    families = exchanged_parts(reference, "mean", "std")
