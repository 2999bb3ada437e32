"""Exercises on trained layers: one folded into a convolution, and some in a frozen backbone."""

import torch
from torch import nn

from grader.engine.lived import lived, with_grad
from grader.engine.observation import flags
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.engine.text import text_of
from grader.tasks.modes.nets import Noise, seeded
from grader.tasks.norms.inputs import EPS, affine
from grader.tasks.norms.models import fill, make_model, weights


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
        "With s = w / sqrt(rv + eps): bn(y) = s * (y - rm) + b. Put y = conv(x) + conv.bias in, "
        "and collect what is multiplied with x.",
        "Output channels are axis 0 of conv.weight, so s needs the shape (C, 1, 1, 1) there. Where "
        "a bias or a weight is None, its place is taken by 0 or 1.",
    )
    CASES = (
        case("5 channels", visible=True),
        case("a convolution without bias", has_bias=False),
        case("two groups", channels=6, groups=2),
        case("bn in training mode", training=True),
        case("bn with affine=False", has_affine=False),
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
        folded = fold(conv, bn)
        if isinstance(folded, tuple | list) and len(folded) == 2:
            return dict(zip(("weight", "bias"), folded, strict=True))
        return folded


class ConstantFeatures(Task):
    """Return the features backbone(x) as the backbone computes them in eval mode, as a constant for
    autograd on which a head can be trained. Leave the backbone as it is: its parameters, their
    .grad and flags, its running statistics, and the mode of each of its layers, also if its forward
    pass raises."""

    id = "constant_features"
    signatures = ("features(backbone, x) -> y",)
    title, points, difficulty, minutes = "Spot the bug: frozen, and drifting", 6, 3, 10
    prerequisites = ("train_or_eval",)
    hints = (
        "Read the section on running statistics. Which state of a BatchNorm is not a parameter, "
        "and what changes it?",
        "no_grad() stops the recording and changes no mode. Print the running_mean of a BatchNorm "
        "before and after a call in training mode.",
        "Note the mode of every module in backbone.modules(), call eval(), and put each mode back "
        "in a finally block. A deep copy in eval mode does it as well.",
    )
    CASES = (
        case("a backbone in training mode", visible=True),
        case("a batch of one", rows=1),
        case("a backbone in eval mode", training=False, visible=True),
        case("one layer in eval mode already", mixed=True, visible=True),
        case("x that is too wide", width=7, weight=0.5, visible=True),
        case("float32", dtype=F32),
        case("a net in the middle of training", mixed=True, in_use=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {
            "x": rng.apart(0.5, 2.0, case.params.get("rows", 7), case.params.get("width", 5)),
            **weights(rng),
        }

    def observe(self, features, x, training=True, mixed=False, in_use=False, **net):
        backbone = make_model(**net).train(training)
        if mixed:
            backbone[0].eval()
        if in_use:
            first, *others = backbone
            layers = nn.Sequential(first, Noise(0.5), *others)
            backbone, x = lived(layers, "grad", "frozen", "mode", "nested"), with_grad(x)
        if x.shape[1] != net["matrix"].shape[1]:
            try:
                features(backbone, x)
            except RuntimeError as error:
                if isinstance(error, NotImplementedError):  # the starting code's
                    raise
                return {"outcome": "RuntimeError"}
            return {"outcome": "no error"}
        with seeded(7):  # what an answer drops without being asked to is the same every time
            y = features(backbone, x)
        return {"y": y, **flags("y", y, "requires_grad"), **_head(y)}


def _head(y):
    """What happens when a head, one number for each entry of y, is trained on it."""
    if not isinstance(y, torch.Tensor):
        return {}
    y = y.detach()  # whether it has a history is asked by itself
    head = torch.full_like(y, 2.0).requires_grad_()
    try:
        (y * head).sum().backward()
    except RuntimeError as error:
        return {"a head on y": f"raises: {text_of(error)[:60]}"}
    return {"a head on y": "learns"}
