"""Exercises that run a model without training it: for its answers, and for features to keep."""

import contextlib

import torch
from torch import Tensor, nn

from grader.engine.lived import computed, lived, with_grad
from grader.engine.observation import flags, gradient
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.modes.nets import Interrupted, Layer, Noise, Note, Unwell, seeded


class Evaluate(Task):
    """Return model(x), computed in eval mode and without recording, also if x requires grad.
    Afterwards every part of the model is in the mode it was in before, train or eval, and nothing
    else has changed, also if the model raises; its exception passes through."""

    id = "evaluate"
    signatures = ("evaluate(model, x) -> logits",)
    title, points, difficulty, minutes = "Evaluate, and leave no trace", 10, 3, 12
    hints = (
        "Read section 4.7, on what eval() does. There are two switches, and two things to put "
        "back.",
        "A part of the model may be in eval mode while the rest trains. Which flags does "
        "model.train() set, and how do you remember them all?",
        "Before you switch, keep the flag `training` of every entry of model.modules(). Put them "
        "back in a finally block, one by one.",
    )
    allows = frozenset({"training"})  # the flags are observed one by one
    CASES = (
        case("a model in train mode", visible=True),
        case("a model in eval mode", frozen=("",), visible=True),
        case("normalization frozen in eval mode", frozen=("1",), visible=True),
        case("one row with an old .grad, in train mode", rows=1, trained=True),
        case("the model raises", frozen=("2",), fails=True, visible=True),
        case("float32", dtype=F32),
        case(
            "parts in parts, in the middle of training",
            states=("nested", "grad", "frozen", "hooked"),
        ),
        case("the same, and the model raises", fails=True, states=("nested", "grad", "frozen")),
        case("called inside no_grad", recording=False),
        case(
            "a part of a part in train mode, in a model in eval mode",
            frozen=("",),
            trains="0.2",
            states=("nested",),
        ),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        rows = case.params.get("rows", 7)
        return {
            "x": rng.apart(0.5, 2.0, rows, 5),
            "w": rng.apart(0.3, 0.6, 5, 3),
            "u": rng.apart(0.5, 1.0, 3, 2),
            "mean": rng.apart(0.2, 0.5, 3),
            "var": rng.uniform(0.3, 0.6, 3),
        }

    def observe(
        self,
        evaluate,
        x,
        w,
        u,
        mean,
        var,
        frozen=(),
        fails=False,
        states=(),
        recording=True,
        trained=False,
        trains=None,
    ):
        recorded = []
        raised: list[type[BaseException]] = []

        def see(h):
            recorded.append(h.requires_grad)
            if fails:
                raised.append(Interrupted if raised else Unwell)
                raise raised[-1]("the model is meant to fail here")

        norm = nn.BatchNorm1d(3, device=w.device, dtype=w.dtype)
        with torch.no_grad():
            norm.get_buffer("running_mean").copy_(mean)
            norm.get_buffer("running_var").copy_(var)
        model: nn.Module = nn.Sequential(
            Layer(w, w[0]), norm, Noise(0.4), Note(see), Layer(u, u[0])
        )
        for name in frozen:
            model.get_submodule(name).eval()
        if states:
            model = lived(model, *states)
            x = computed(x)
            for part in ("0.0", "0.1"):  # parts of a part, the first of a class that stands twice
                model.get_submodule(part).eval()
        if trains is not None:
            model.get_submodule(trains).train()
        if trained:
            x = with_grad(x)
        ended, logits = "it returned", None
        flags_before = {module: module.training for module in model.modules()}
        interrupted = {}
        with seeded(7), torch.set_grad_enabled(recording):
            before = torch.get_rng_state()
            try:
                logits = evaluate(model, x)
            except Unwell:
                ended = "the model's error came out"
            after = torch.is_grad_enabled()
            drawn = not torch.equal(before, torch.get_rng_state())
            found = {n or "model": _mode(m) for n, m in model.named_modules()}
            if fails:
                for module, training in flags_before.items():
                    module.training = training
                with contextlib.suppress(Interrupted):
                    evaluate(model, x)
                left = {n or "model": _mode(m) for n, m in model.named_modules()}
                interrupted = {"mode after an interrupt": left}
        return {
            "logits": logits,
            **({} if fails else flags("logits", logits, "requires_grad")),
            "ended": ended,
            "recorded": any(recorded),
            "mode": found,
            **({} if recording else {"recording afterwards": "on" if after else "off"}),
            **interrupted,
            **({"random numbers drawn": drawn} if states else {}),
        }


def _mode(module: nn.Module) -> str:
    return "train" if module.training else "eval"


class CachedFeatures(Task):
    """Return the features backbone(x), computed without recording. They are computed once, and a
    head is trained on them afterwards: recorded operations must be able to use and save them. They
    do not require grad, also if x does. The backbone treats every row by itself, and no row goes
    through it twice. It returns a new tensor, neither x nor a view of it. It comes in the right
    mode; leave it and x as they are."""

    id = "cached_features"
    signatures = ("features(backbone, x) -> f",)
    title, points, difficulty, minutes = "Spot the bug: features nobody can use", 8, 2, 8
    hints = (
        "Read section 4.5, on inference mode. What did its tensors give up?",
        "Multiply the features by a tensor that requires grad, outside of the function, and read "
        "the error.",
        "Of the two modes without recording, take the one whose results are ordinary tensors.",
    )
    CASES = (
        case("7 rows", rows=7, visible=True),
        case("one row", rows=1),
        case("x requires grad", rows=7, wanted=True, visible=True),
        case("11 rows in float32", rows=11, dtype=F32),
        case(
            "a backbone of parts that has been trained",
            rows=7,
            wanted=True,
            states=("nested", "grad", "frozen", "mode", "hooked"),
        ),
        case("a part in train mode, which drops everything", rows=7, drops=True),
        case("a part in eval mode, which drops nothing", rows=7, drops=False),
        case("a backbone in train mode, which drops everything", rows=7, drops=True, trains=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {
            "x": rng.apart(0.5, 2.0, case["rows"], 5),
            "w": rng.apart(0.3, 0.6, 5, 3),
            "u": rng.apart(0.5, 1.0, 3, 2),
            "head": rng.apart(0.5, 1.0, 2),
            "v": rng.apart(1.0, 2.0, case["rows"]),
        }

    def observe(
        self, features, x, w, u, head, v, wanted=False, states=(), drops=None, trains=False
    ):
        recorded, passed = [], list[int]()

        def see(h):
            recorded.append(h.requires_grad)
            passed.append(h.numel())

        parts = nn.Sequential(Layer(w, w[0]), Note(see), Layer(u, u[0])).eval()
        if drops is not None:
            parts.insert(2, nn.Dropout(1.0).train(drops))
        if trains:
            parts.train()
        backbone: nn.Module = lived(parts, *states)
        x = with_grad(x) if states else x.requires_grad_(wanted)
        head.requires_grad_()
        found = features(backbone, x)
        usable = isinstance(found, Tensor) and found.shape == (len(x), 2)
        scores = found @ head if usable else None
        grads = {"head": gradient(scores, head, v), "x": gradient(scores, x, v)}
        for name, parameter in backbone.named_parameters():
            grads[f"backbone {name}"] = gradient(scores, parameter, v)
        return {
            "features": found,
            **flags("features", found, "requires_grad"),
            "recorded": any(recorded),
            "rows through the backbone": "once" if sum(passed) <= 3 * len(x) else "more than once",
            "gradients": grads,
        }
