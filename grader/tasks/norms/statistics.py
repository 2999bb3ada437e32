"""The exercise that measures running statistics anew."""

import copy
from typing import Any

import torch
from torch import nn

from grader.engine.lived import lived
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.norms.inputs import activations
from grader.tasks.norms.models import make_model, weights

_OBSERVED = ("running_mean", "running_var", "momentum")


class RunningStatsRecalibration(Task):
    """Measure the running statistics of every BatchNorm in a model anew: running_mean becomes the
    plain average of the means over the batches, running_var that of the unbiased variances, each
    batch counting the same. The batches go through the model as in training: every BatchNorm
    normalises by its batch. Parameters with their .grad and flags, each momentum and the mode of
    each layer are afterwards what they were. The layers keep their tensors."""

    id = "running_stats_recalibration"
    signatures = ("recalibrate(model, batches) -> None",)
    title, points, difficulty, minutes = "Measure the statistics anew", 8, 4, 18
    prerequisites = ("bn_train_forward",)
    hints = (
        "Read the section on what BatchNorm does in training. What does a BatchNorm do whose "
        "momentum is None?",
        "Two things are to be noted before and put back after: the mode of each module, and the "
        "momentum of each BatchNorm. What starts the average anew is reset_running_stats().",
        "For every BatchNorm: reset, and momentum = None. Call train() on the whole model, and run "
        "the batches under no_grad. Then put back what you noted.",
    )
    allows = frozenset({"buffers"})
    CASES = (
        case("batches of 7, 7 and 3", sizes=(7, 7, 3), visible=True),
        case("a model in training mode", sizes=(5, 7, 3), training=True, visible=True),
        case("one layer in training mode", sizes=(7, 3), mixed=True),
        case("layers in eval mode, the model in training mode", sizes=(5, 3), stay=(2, 3)),
        case("one batch", sizes=(7,)),
        case("float32", sizes=(7, 7, 7, 3), dtype=F32),
        case("a net in the middle of training", sizes=(7, 3), mixed=True, in_use=True),
        case("a model that is one BatchNorm", sizes=(7, 3), alone=True),
        case("a layer that drops everything in training", sizes=(7, 3), drops=True),
        case("a layer whose momentum is None already", sizes=(5, 3), plain=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {
            "rows": activations(rng, sum(case["sizes"]), 5),
            **weights(rng),
            "momenta": rng.uniform(0.1, 0.4, 2).tolist(),
        }

    def observe(
        self,
        recalibrate,
        rows,
        sizes,
        momenta,
        training=False,
        mixed=False,
        in_use=False,
        alone=False,
        drops=False,
        plain=False,
        stay=(),
        **net,
    ):
        model: Any = make_model(**net).train(training or bool(stay))
        for i in stay:
            model[i].eval()
        if mixed:
            model[0].train()
        layers: dict[str, Any] = (
            {"first": model[0]} if alone else {"first": model[0], "second": model[3]}
        )
        if in_use:  # two layers of one width, one behind the other
            model.append(copy.deepcopy(model[3]))
            layers["third"] = model[4]
        for layer, momentum in zip(layers.values(), (*momenta, sum(momenta)), strict=False):
            layer.momentum = momentum
        if plain:
            model[3].momentum = None
        if drops:
            model = nn.Sequential(*model[:3], nn.Dropout(1.0), model[3]).train(training)
        if in_use:
            model = lived(model, "affine", "grad", "frozen", "mode", "nested")
        elif alone:
            model = model[0]
        before = {name: p.detach().clone() for name, p in model.named_parameters()}
        recalibrate(model, list(rows.split(sizes)))
        seen: dict[str, Any] = {}
        for name, layer in layers.items():
            seen |= {f"{name}.{what}": getattr(layer, what) for what in _OBSERVED}
        same = all(torch.equal(p, before[name]) for name, p in model.named_parameters())
        return {**seen, "parameters": "as they were" if same else "changed"}
