"""The exercise on how large an image is when it reaches the linear layers."""

from grader.engine.task import Case, Inputs, Rng, Task, case
from grader.tasks.modules.nets import DRAWN


class LenetShapes(Task):
    """A net in the style of LeNet takes images of shape (N, 1, height, width): a convolution to 6
    channels with kernel 5 and the given padding, ReLU, max pooling by 2, a convolution to 16
    channels with kernel 5 and no padding, ReLU, max pooling by 2. Then every image is flattened.
    Return the int in_features that the first linear layer must be made with. All sizes are at least
    16."""

    id = "lenet_shapes"
    signatures = ("lenet_inputs(height, width, padding) -> in_features",)
    title, points, difficulty, minutes = "How wide is the first linear layer?", 5, 2, 8
    hints = (
        "Read section 10.5, on LeNet. What does a convolution with kernel 5 take off an image, and "
        "what does padding put on?",
        "Work out 32 x 32 by hand: 28, 14, 10, 5. And 33 x 33? Which of the steps rounds, and in "
        "which direction?",
        "By formula: each side by itself, twice, then times the channels. Or build the two stages "
        "and send an image of zeros through.",
    )
    allows = DRAWN
    CASES = (
        case("32 x 32", sizes=((32, 32, 0),), visible=True),
        case("28 x 28, with padding and without", sizes=((28, 28, 2), (28, 28, 0)), visible=True),
        case("36 x 48", sizes=((36, 48, 0), (48, 36, 1), (20, 17, 5))),
        case("any sizes", drawn=5),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        if "sizes" in case.params:
            return {"sizes": [list(one) for one in case["sizes"]]}
        odd = [19, 26, int(rng.integers(0, 3))]  # a side of every remainder is among them
        drawn = [
            [int(n) for n in rng.integers(16, 70, 2)] + [int(rng.integers(0, 4))]
            for _ in range(case["drawn"])
        ]
        return {"sizes": [odd, [21, 31, 0], [16, 233, 7], *drawn]}

    def observe(self, lenet_inputs, sizes):
        found = {
            f"{height} x {width}, padding {padding}": lenet_inputs(height, width, padding)
            for height, width, padding in sizes
        }
        return {**found, "each is an int": all(isinstance(one, int) for one in found.values())}
