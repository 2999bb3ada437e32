"""Exercises on the two forward passes of batch normalization: in training and in eval mode."""

import torch

from grader.engine.lived import with_grad
from grader.engine.observation import flags, shares_memory
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.norms.inputs import (
    EPS,
    activations,
    affine,
    gradients,
    laid_out,
    trained,
    upstream,
)


class BnTrainForward(Task):
    """Return what batch normalization returns in training, for x of shape (N, C) or (N, C, H, W):
    each channel minus its mean, over the root of its variance plus eps, times w, plus b. The mean
    and the variance belong to the batch. Bring rm and rv, the running mean and variance, up to
    date in place, with weight momentum for the new value. w, b, rm and rv have shape (C,).
    Gradients reach x, w and b; leave these three as they are."""

    id = "bn_train_forward"
    signatures = ("bn_train(x, w, b, rm, rv, momentum, eps) -> y",)
    title, points, difficulty, minutes = "Batch norm, training mode", 10, 3, 15
    hints = (
        "Read the section on what BatchNorm does in training. Over which axes does one channel of "
        "x extend, with two dimensions and with four?",
        "Two variances are at work: y is divided by the root of the one over n, and rv takes in "
        "the one over n - 1. And rv must not keep a graph: print rm.requires_grad afterwards.",
        "Compute mean and variance with keepdim=True, so that they meet x. Update rm and rv in a "
        "block without recording, by lerp_ or by mul_ and add_.",
    )
    allows = frozenset({"input"})
    CASES = (
        case("7 images of 2 x 5", shape=(7, 3, 2, 5), visible=True),
        case("11 rows", shape=(11, 3)),
        case("one image", shape=(1, 3, 2, 5), visible=True),
        case("a channel of zeros", shape=(7, 3, 2, 5), dead=True),
        case("channels last in memory", shape=(7, 5, 3, 2), layout="channels last"),
        case("as many images and columns as channels", shape=(3, 3, 2, 3)),
        case("7 rows in float32", shape=(7, 3), dtype=F32),
        case("w and b that require grad", shape=(5, 3, 2, 2), trained=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        shape = case["shape"]
        x = activations(rng, *shape)
        if case.params.get("dead"):
            x[:, 1] = 0
        return {
            "x": x,
            **affine(rng, shape[1]),
            "rm": rng.apart(0.5, 1.5, shape[1]),
            "rv": rng.uniform(3.0, 4.0, shape[1]),
            "v": rng.apart(0.5, 2.0, *shape),
            "momentum": float(rng.uniform(0.1, 0.3)),
        }

    def observe(
        self, bn_train, x, w, b, rm, rv, v, momentum, layout="plain", dead=False, trained=False
    ):
        if trained:  # as in a first layer: x is data
            w, b = with_grad(w), with_grad(b)
        given = laid_out(x.requires_grad_(not trained), layout)
        before = [t.detach().clone() for t in (given, w, b)]
        memory = rm.detach(), rv.detach()
        y = bn_train(given, w, b, rm, rv, momentum, EPS)
        kept = all(torch.equal(t, old) for t, old in zip((given, w, b), before, strict=True))
        grads = {"grad of w": w, "grad of b": b} if trained else {"grad": x}
        return {
            "y": y,
            "rm": rm,
            "rv": rv,
            **flags("rm", rm, "requires_grad"),
            **flags("rv", rv, "requires_grad"),
            "rm and rv keep their memory": all(map(shares_memory, (rm, rv), memory)),
            **(gradients(y, grads, v) if kept else {}),
            "x, w and b": "as they were" if kept else "changed",
        }


class BnEvalForward(Task):
    """Return what batch normalization returns in eval mode, for x of shape (N, C) or (N, C, H, W):
    each channel minus its running mean, over the root of its running variance plus eps, times w,
    plus b. w, b, rm and rv have shape (C,). What one sample gives does not depend on the others in
    the batch. Gradients reach x, w and b. Leave every argument as it is."""

    id = "bn_eval_forward"
    signatures = ("bn_eval(x, w, b, rm, rv, eps) -> y",)
    title, points, difficulty, minutes = "Spot the bug: a score that depends on the batch", 6, 2, 8
    prerequisites = ("bn_train_forward",)
    hints = (
        "Read the section on eval mode. Hand the function one row, and the same row in a batch of "
        "7: what differs?",
        "Which of the six arguments does the broken function never use?",
        "The statistics are there: rm and rv. Give them, w and b the shape (1, C) or (1, C, 1, 1), "
        "so that they meet x, and use the formula of the training mode.",
    )
    CASES = (
        case("7 images of 2 x 5", shape=(7, 3, 2, 5), visible=True),
        case("11 rows", shape=(11, 3)),
        case("one row", shape=(1, 3), visible=True),
        case("a small running variance", shape=(7, 3), small=True),
        case("w = 0", shape=(7, 3), w_is_0=True),
        case("as many images and columns as channels", shape=(3, 3, 2, 3)),
        case(
            "one image, repeated without copies",
            shape=(7, 3, 2, 5),
            layout="expanded",
            visible=True,
        ),
        case(
            "channels last, float32",
            shape=(7, 5, 3, 2),
            layout="channels last",
            dtype=F32,
            visible=True,
        ),
        case("x, w and b that require grad", shape=(5, 3, 2, 2), trained=True, visible=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        shape = case["shape"]
        low, high = (0.01, 0.03) if case.params.get("small") else (3.0, 4.0)
        drawn = {
            "x": activations(rng, *shape),
            **affine(rng, shape[1]),
            "rm": rng.apart(0.5, 1.5, shape[1]),
            "rv": rng.uniform(low, high, shape[1]),
        }
        if case.params.get("w_is_0"):
            drawn["w"] = torch.zeros_like(drawn["w"])
        return {**drawn, **upstream(rng, case)}

    def observe(self, bn_eval, x, w, b, rm, rv, v=None, layout="plain"):
        x = laid_out(x, layout)
        return trained(lambda: bn_eval(x, w, b, rm, rv, EPS), {"x": x, "w": w, "b": b}, v)
