"""The exercise on sequences of different lengths, whose padding must not be averaged."""

import torch
from torch import Tensor

from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.norms.inputs import EPS, activations, affine, laid_out, trained


class MaskedBatchNorm(Task):
    """x holds N sequences of T positions with D features, shape (N, T, D), and mask, of shape
    (N, T), is True where a position is real and not padding. Normalise every feature by its mean
    and variance over the real positions of the batch, as batch normalization does in training; then
    times w, plus b, both of shape (D,). At padding the result is 0. Padding may stand anywhere in
    a sequence. What it holds, inf and nan too, has no effect on the result or on any gradient.
    Gradients reach x, w and b. Leave every argument as it is."""

    id = "masked_batch_norm"
    signatures = ("masked_norm(x, mask, w, b, eps) -> y",)
    title, points, difficulty, minutes = "Spot the bug: padding in the mean", 6, 3, 10
    prerequisites = ("bn_train_forward",)
    hints = (
        "Read the section on padding. Hand the broken function one sequence more that is all "
        "padding: which outputs change, and what number changed them?",
        "Setting padding to 0 does not take it out of a mean: the zeros are counted. And inf times "
        "0 is nan: a product cannot empty a place.",
        "x[mask] holds the real positions alone, as rows of shape (n, D). Normalise them over axis "
        "0, and write them into zeros of x's shape, again by mask.",
    )
    CASES = (
        case("3 sequences of 7, 4 and 2", lengths=(7, 4, 2), visible=True),
        case("one sequence is all padding", lengths=(5, 0, 3), visible=True),
        case("no padding", lengths=(5, 5, 5)),
        case("padding of zeros", lengths=(3, 7), padding=0.0),
        case("padding of inf", lengths=(2, 7, 5), padding=float("inf"), visible=True),
        case("padding of nan", lengths=(7, 2, 5), padding=float("nan")),
        case("padding in front", lengths=(7, 4, 2), in_front=True),
        case("padding in the middle", lengths=(7, 4, 2), scattered=True),
        case("a feature of zeros", lengths=(7, 4, 2), dead=True),
        case("a transposed x", lengths=(5, 3), layout="channels last"),
        case("float32", lengths=(7, 2, 5), dtype=F32),
        case("x, w and b that require grad", lengths=(3, 5), trained=True, visible=True),
        case("the same with a feature of zeros", lengths=(4, 5), trained=True, dead=True),
        case("the same with padding of inf", lengths=(5, 2), trained=True, padding=float("inf")),
        case("the same with padding of nan", lengths=(5, 3), trained=True, padding=float("nan")),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        lengths = case["lengths"]
        n, t, d = len(lengths), max(lengths), 5
        mask = torch.arange(t) < torch.tensor(lengths)[:, None]
        if case.params.get("in_front"):
            mask = mask.flip(1)
        if case.params.get("scattered"):
            mask = mask[:, [0, 2, 4, 6, 1, 3, 5]]
        x = activations(rng, n, d, t).transpose(1, 2).contiguous()
        if case.params.get("dead"):
            x[..., 1] = 0
        held = case.params.get("padding", rng.apart(3.0, 5.0, n, t, d))
        drawn = {"x": torch.where(mask[..., None], x, held), "mask": mask, **affine(rng, d)}
        if case.params.get("trained"):
            drawn["v"] = rng.apart(0.5, 2.0, n, t, d)
        return drawn

    def observe(self, masked_norm, x, mask, w, b, v=None, layout="plain"):
        x = laid_out(x, layout)
        leaves: dict[str, Tensor] = {"x": x, "w": w, "b": b}
        return trained(lambda: masked_norm(x, mask, w, b, EPS), leaves, v)
