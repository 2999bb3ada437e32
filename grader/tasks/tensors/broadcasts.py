"""The exercise on the gradient of a tensor that was broadcast."""

from grader.engine.lived import computed
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.tensors.inputs import laid_out


class SumToShape(Task):
    """A tensor b of the given shape, a tuple, was broadcast to the shape of g, and g is the
    gradient of the loss with respect to the tensor that came of it. Return the gradient with
    respect to b, of b's shape. Leave g as it is."""

    id = "sum_to_shape"
    signatures = ("sum_to(g, shape) -> grad_b",)
    title, points, difficulty, minutes = "The gradient of a broadcast", 6, 3, 12
    hints = (
        "Read the section on broadcasting. How often was each entry of b used? Gradients add over "
        "all uses.",
        "Two things may have happened to b: axes were put in front of it, and axes of length 1 "
        "were stretched. Shapes are compared from the last axis on.",
        "Sum over the axes in front of b's. Then sum over each axis where shape has a 1, with "
        "keepdim=True.",
    )
    CASES = (
        case("a row (5,) in (7, 5)", given=(7, 5), shape=(5,), visible=True),
        case("a column (7, 1) in (7, 5)", given=(7, 5), shape=(7, 1), visible=True),
        case("both, with axes in front", given=(2, 3, 7, 5), shape=(3, 1, 5), visible=True),
        case("one number without axes", given=(7, 3), shape=()),
        case("one number in a matrix", given=(3, 7), shape=(1, 1)),
        case("nothing was stretched", given=(5, 3), shape=(5, 3)),
        case("an axis that stayed 1", given=(7, 1, 5), shape=(1, 5)),
        case("ones were put in front", given=(1, 1, 1, 5), shape=(1, 5)),
        case("square, a row", given=(5, 5), shape=(5,)),
        case("square, a column", given=(5, 5), shape=(5, 1)),
        case("an empty batch", given=(0, 5), shape=(1, 5)),
        case("g is transposed", given=(7, 3, 5), shape=(3, 1), layout="first axis last"),
        case("g is expanded", given=(7, 3), shape=(3,), layout="expanded"),
        case("float32", given=(3, 2, 7), shape=(2, 1), dtype=F32),
        case("g was computed", given=(3, 7, 5), shape=(7, 1), was_computed=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {"g": rng.normal(*case["given"]) + 0.7, "shape": case["shape"]}

    def observe(self, sum_to, g, shape, layout="plain", was_computed=False):
        return sum_to(computed(g) if was_computed else laid_out(g, layout), tuple(shape))
