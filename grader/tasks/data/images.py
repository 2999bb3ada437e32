"""The exercise that measures the colours of a set of images."""

from operator import is_

from grader.engine.task import Case, Inputs, Rng, Task, case


class NormaliseImages(Task):
    """batches gives batches of images, of shape (B, C, H, W) and dtype uint8; the last one may be
    smaller, and batches may be an iterator that can be read once. A pixel counts as its number
    divided by 255. Return for each channel the mean and the standard deviation over all pixels of
    all images, worked out in float64, each as a list of C floats. The deviation is the one over the
    number of pixels, not that minus 1. Leave the batches as they are."""

    id = "normalise_images"
    signatures = ("image_stats(batches) -> (mean, std)",)
    title, points, difficulty, minutes = "Spot the bug: colours that depend on the batch", 5, 2, 10
    hints = (
        "Read section 11.3, on numbers of the whole set. Hand the broken function the same images "
        "in batches of another size: which of its numbers change?",
        "A standard deviation is taken around a mean, and each batch has its own. What can you add "
        "up over the batches that does not care where one ends?",
        "Count the pixels, and add up their values and the squares of those, per channel, as "
        "float64. The variance is the mean of the squares minus the square of the mean.",
    )
    CASES = (
        case("batches of 3, 3 and 1", sizes=[3, 3, 1], visible=True),
        case("an iterator", sizes=[2, 5], once=True, visible=True),
        case("one batch", sizes=[5]),
        case("one image a batch, each of its own brightness", sizes=[1, 1, 1], apart=True),
        case("channels of one colour each", sizes=[3, 2], flat=True, channels=29, scale=100.0),
        case("dark and bright channels", sizes=[4, 3], extreme=True),
        case("one channel", sizes=[3, 1], channels=1),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        n, c = sum(case["sizes"]), case.params.get("channels", 3)
        images = rng.integers(20, 230, n, c, 5, 7)
        images[:, 0] //= 3  # channels that differ in mean and spread
        if case.params.get("apart"):
            images = images // 4 + 60 * rng.permutation(n).reshape(n, 1, 1, 1)
        if case.params.get("flat"):
            images[:] = images[:1, :, :1, :1]
        if case.params.get("extreme"):
            images[:, 0] = images[:, 0] % 3
            images[:, 1] = 253 + images[:, 1] % 3
        return {"images": images.byte()}

    def observe(self, image_stats, images, sizes, once=False):
        given = images.split(sizes)
        batches = list(given)
        mean, std = _pair(image_stats(iter(batches) if once else batches))
        kept = len(batches) == len(given) and all(map(is_, batches, given))
        return {"mean": mean, "std": std, "the list of batches is as it was": kept}


def _pair(found: object) -> tuple[object, object]:
    """The two results, or what came instead of them beside nothing."""
    if isinstance(found, tuple | list) and len(found) == 2:
        return found[0], found[1]
    return found, None
