"""The exercise on the gradient of batch normalization."""

import torch

from grader.engine.lived import with_grad
from grader.engine.task import AUTOGRAD, F32, Case, Inputs, Rng, Task, case
from grader.tasks.norms.inputs import EPS, activations, affine, laid_out, left_of


class BnBackward(Task):
    """y is what batch normalization makes of x in training, with weight w of shape (C,). Return
    dL/dx, where gy is dL/dy. x, gy and the answer have shape (N, C) or (N, C, H, W). Mean and
    variance are functions of x, so gradients come through them as well. x may require grad, and
    have a .grad from before, which stays as it is."""

    id = "bn_backward"
    signatures = ("bn_grad_x(x, gy, w, eps) -> gx",)
    title, points, difficulty, minutes = "Batch norm, backward", 14, 4, 25
    prerequisites = ("bn_train_forward",)
    hints = (
        "Read the section on the gradient of a normalization. Along how many paths does one entry "
        "of x reach y: through itself, through the mean, and what else?",
        "Shift a channel of x by a constant: y does not change. So the answer sums to 0 over each "
        "channel. Stretch it: y does not change but for eps. So for a small eps the answer times "
        "the normalised values sums to nearly 0. Do yours?",
        "With xh the normalised values: take from gy its mean, and xh times the mean of gy * xh. "
        "What is left is multiplied by w over the root of the variance plus eps.",
    )
    allows = AUTOGRAD
    CASES = (
        case("7 images of 2 x 5", shape=(7, 3, 2, 5), visible=True),
        case("11 rows", shape=(11, 3)),
        case("gy = ones", shape=(7, 3, 2, 5), ones=True),
        case("one image", shape=(1, 3, 2, 5)),
        case("a channel of zeros", shape=(7, 3), dead=True),
        case("as many images and columns as channels", shape=(3, 3, 2, 3)),
        case("gy expanded from one image", shape=(7, 3, 2, 5), layout="expanded"),
        case("channels last, float32", shape=(7, 5, 3, 2), layout="channels last", dtype=F32),
        case("x with a .grad from before", shape=(7, 3), in_use=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        shape = case["shape"]
        x, gy = activations(rng, *shape), rng.apart(0.5, 2.0, *shape)
        if case.params.get("dead"):
            x[:, 1] = 0
        if case.params.get("ones"):
            gy = torch.ones_like(gy)
        return {"x": x, "gy": gy, "w": affine(rng, shape[1])["w"]}

    def observe(self, bn_grad_x, x, gy, w, layout="plain", in_use=False):
        given = x.clone() if layout == "expanded" else laid_out(x, layout)
        if in_use:
            given, w = with_grad(given), with_grad(w)
        found = bn_grad_x(given, laid_out(gy, layout), w, EPS)
        if not in_use:
            return found
        return {"answer": found, **left_of(given, found)}
