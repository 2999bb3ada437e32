"""The exercise on a trained layer that is folded into a convolution."""

import torch
from torch import nn

from grader.engine.lived import lived
from grader.engine.observation import named
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.norms.inputs import EPS, affine
from grader.tasks.norms.models import fill


class FoldBn(Task):
    """conv is an nn.Conv2d and bn the nn.BatchNorm2d that follows it. Return the pair (weight,
    bias) of one convolution that does the work of both in eval mode, whatever mode bn is in. conv
    may lack a bias and may have groups; bn may have affine=False. Leave both modules as they
    are."""

    id = "fold_bn"
    signatures = ("fold(conv, bn) -> (weight, bias)",)
    title, points, difficulty, minutes = "Fold a BatchNorm into a convolution", 10, 3, 15
    prerequisites = ("bn_eval_forward",)
    hints = (
        "Read the section on folding. In eval mode BatchNorm multiplies each channel by a fixed "
        "number and adds another. Write the two down.",
        "With s = w / sqrt(rv + eps): bn(y) = s * (y - rm) + b. Here y is k * x + conv.bias, where "
        "k is conv.weight. Put it in, and collect what is multiplied with x.",
        "Output channels are axis 0 of conv.weight, so s needs the shape (C, 1, 1, 1) there. Where "
        "a bias or a weight is None, its place is taken by 0 or 1.",
    )
    CASES = (
        case("5 channels", visible=True),
        case("a convolution without bias", has_bias=False),
        case("two groups", channels=6, groups=2),
        case("bn in training mode", training=True),
        case("bn with affine=False", has_affine=False),
        case("neither a bias nor affine", has_bias=False, has_affine=False),
        case("small running variances, float32", small=True, dtype=F32),
        case("layers in the middle of training", training=True, in_use=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        c = case.params.get("channels", 5)
        low, high = (0.01, 0.03) if case.params.get("small") else (0.3, 0.9)
        return {
            "kernel": rng.apart(0.5, 1.5, c, c, 3, 2),  # as many inputs in a group as outputs
            "bias": rng.apart(0.5, 1.5, c),
            **affine(rng, c),
            "rm": rng.apart(0.5, 1.5, c),
            "rv": rng.uniform(low, high, c),
        }

    def observe(
        self,
        fold,
        kernel,
        bias,
        w,
        b,
        rm,
        rv,
        groups=1,
        has_bias=True,
        has_affine=True,
        training=False,
        in_use=False,
    ):
        c = len(bias)
        with torch.random.fork_rng(devices=[]):  # a new layer draws its weights
            conv = nn.Conv2d(c * groups, c, (3, 2), groups=groups, bias=has_bias).to(kernel)
        bn = nn.BatchNorm2d(c, EPS, affine=has_affine).to(kernel).train(training)
        fill(conv, {"weight": kernel, "bias": bias})
        fill(bn, {"weight": w, "bias": b, "running_mean": rm, "running_var": rv})
        if in_use:
            conv, bn = lived(conv, "grad", "frozen").eval(), lived(bn, "grad", "frozen")
        return named(fold(conv, bn), "weight", "bias")
