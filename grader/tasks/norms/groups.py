"""Exercises on layers that normalise every sample by itself: layer and group normalization."""

from grader.engine.lived import with_grad
from grader.engine.task import AUTOGRAD, F32, Case, Inputs, Rng, Task, case
from grader.tasks.norms.inputs import (
    EPS,
    activations,
    affine,
    laid_out,
    left_of,
    trained,
    upstream,
)

LN_CASES = (
    case("7 rows of 5", shape=(7, 5), dims=1, visible=True),
    case("a batch of sequences", shape=(3, 7, 5), dims=1),
    case("over the last two dimensions", shape=(7, 3, 5), dims=2, visible=True),
    case("over the last three dimensions", shape=(3, 2, 7, 5), dims=3),
    case("rows of one number", shape=(7, 1), dims=1),
    case("a row of zeros", shape=(7, 5), dims=1, padding=True),
    case("a transposed x", shape=(7, 5, 3), dims=1, layout="channels last"),
    case("one row in float32", shape=(1, 5), dims=1, dtype=F32),
    case("as many samples as features", shape=(5, 7, 5), dims=1),
    case("one sample by itself", shape=(7, 5), dims=2),
)


class LnForward(Task):
    """Return the layer normalization of x over its last dimensions, as many as w has: if w has
    shape (D,), over the last one, if w has shape (C, D), over the last two. The normalised values
    are multiplied by w, and b is added; w and b have one shape. Gradients reach x, w and b. Leave
    every argument as it is."""

    id = "ln_forward"
    signatures = ("layer_norm(x, w, b, eps) -> y",)
    title, points, difficulty, minutes = "Layer norm", 6, 2, 8
    hints = (
        "Read the section on LayerNorm. Which numbers are averaged, and does any other sample come "
        "into it?",
        "Let dims be the last w.ndim dimensions: with w of shape (C, D) these are -2 and -1. Which "
        "variance does the layer use, over n or over n - 1?",
        "Take mean and variance over dims, with keepdim=True and correction=0. Take the mean off "
        "x, divide by the root of the variance plus eps, and only then apply w and b.",
    )
    CASES = (
        *LN_CASES,
        case("x, w and b that require grad", shape=(3, 2, 5), dims=2, trained=True, padding=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {**_ln_draw(rng, case), **upstream(rng, case)}

    def observe(self, layer_norm, x, w, b, v=None, layout="plain"):
        x = laid_out(x, layout)
        return trained(lambda: layer_norm(x, w, b, EPS), {"x": x, "w": w, "b": b}, v)


class LnBackward(Task):
    """y is the layer normalization of x over its last w.ndim dimensions, with weight w. Return
    dL/dx, where gy is dL/dy. x, gy and the answer have one shape. Mean and variance are functions
    of x, so gradients come through them as well. x may require grad, and have a .grad from
    before, which stays as it is."""

    id = "ln_backward"
    signatures = ("layer_norm_grad(x, gy, w, eps) -> gx",)
    title, points, difficulty, minutes = "Layer norm, backward", 6, 4, 12
    prerequisites = ("bn_backward", "ln_forward")
    hints = (
        "Read the section on the gradient of a normalization. What changes if the averages go over "
        "other axes?",
        "In BatchNorm w is one number for all that is averaged together. Here it differs from "
        "entry to entry: where does it have to stand?",
        "Multiply gy by w first. From that take its mean, and xh times the mean of its product "
        "with xh; divide by the root of the variance plus eps.",
    )
    allows = AUTOGRAD
    CASES = (*LN_CASES, case("x with a .grad from before", shape=(7, 5), dims=1, in_use=True))

    def draw(self, rng: Rng, case: Case) -> Inputs:
        drawn = _ln_draw(rng, case)
        del drawn["b"]
        return {**drawn, "gy": rng.apart(0.5, 2.0, *case["shape"])}

    def observe(self, layer_norm_grad, x, gy, w, layout="plain", in_use=False):
        given = laid_out(x, layout)
        if in_use:
            given, w = with_grad(given), with_grad(w)
        found = layer_norm_grad(given, laid_out(gy, layout), w, EPS)
        if not in_use:
            return found
        return {"answer": found, **left_of(given, found)}


def _ln_draw(rng: Rng, case: Case) -> Inputs:
    shape = case["shape"]
    x = activations(rng, *shape)
    if case.params.get("padding"):
        x[2] = 0
    return {"x": x, **affine(rng, *shape[len(shape) - case["dims"] :])}


class GnForward(Task):
    """Return the group normalization of x, of shape (N, C, H, W). The C channels make groups equal
    parts of neighbouring channels; mean and variance are taken over one part of one sample. Each
    channel is then multiplied by its own entry of w and gets its own entry of b, both of shape
    (C,). Gradients reach x, w and b. Leave every argument as it is."""

    id = "gn_forward"
    signatures = ("group_norm(x, groups, w, b, eps) -> y",)
    title, points, difficulty, minutes = "Spot the bug: the wrong neighbours", 8, 2, 10
    prerequisites = ("ln_forward",)
    hints = (
        "Read the section on GroupNorm. With 6 channels in 2 groups, which channels are "
        "together: 0, 1, 2 or 0, 2, 4?",
        "Put the numbers 0 to C - 1 through the reshape of the broken function and print them.",
        "reshape(N, groups, -1) puts each group of each sample in a row of its own. Normalise the "
        "rows, go back to the shape of x, and only then apply w and b.",
    )
    CASES = (
        case("6 channels in 2 groups", shape=(7, 6, 2, 5), groups=2, visible=True),
        case("one group", shape=(7, 6, 2, 5), groups=1),
        case("every channel by itself", shape=(7, 6, 2, 5), groups=6),
        case("channels last in memory", shape=(7, 6, 2, 5), groups=3, layout="channels last"),
        case("one image", shape=(1, 15, 2, 5), groups=3),
        case("as many images and columns as channels", shape=(6, 6, 2, 6), groups=2),
        case("one image, repeated without copies", shape=(7, 6, 2, 5), groups=2, layout="expanded"),
        case("float32", shape=(7, 15, 2, 3), groups=5, dtype=F32),
        case("x, w and b that require grad", shape=(3, 6, 2, 2), groups=2, trained=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        shape = case["shape"]
        x = activations(rng, *shape)
        if case.params.get("trained"):
            x *= 0.05  # a variance below eps, which then counts
            x[2] = 0
        return {"x": x, **affine(rng, shape[1]), **upstream(rng, case)}

    def observe(self, group_norm, x, groups, w, b, v=None, layout="plain"):
        x = laid_out(x, layout)
        return trained(lambda: group_norm(x, groups, w, b, EPS), {"x": x, "w": w, "b": b}, v)
