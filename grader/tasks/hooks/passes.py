"""Exercises on hooks in the backward pass of modules: what arrives, what leaves, in which order."""

from typing import Any

from torch import nn

from grader.engine.lived import lived, some_numbers
from grader.engine.observation import named
from grader.engine.task import AUTOGRAD, F32, Case, Inputs, Rng, Task, case
from grader.tasks.hooks.models import (
    Bent,
    BrokenLayer,
    Halving,
    brought,
    grads,
    in_use,
    left_alone,
    linear,
    passes_on,
    weights,
)


class FullBackwardProbe(Task):
    """Run module(x), in the mode it is in, and start a backward pass at its output with the
    gradient gy. Return the pair (gin, gout) of tensors: the gradient of the module's input and that
    of its output. The module leaves its input as it is. x, of floating point numbers, does not
    require grad when you get it, and may have a .grad from before. With a hook or without.
    Afterwards the module has the hooks that it had before, and no more, also if its forward raises;
    then let the exception pass. Of its parameters nothing changes but what the pass adds to their
    .grad."""

    id = "full_backward_probe"
    signatures = ("grad_io(module, x, gy) -> (gin, gout)",)
    title, points, difficulty, minutes = "Spot the bug: the first of three", 10, 3, 12
    hints = (
        "Read section 5.5, on backward hooks of modules. Print the shapes that the hook of the "
        "broken function is called with.",
        "Two kinds of hook get the gradients of a module's input and output. One of them is "
        "deprecated, and speaks of the last operation alone.",
        "register_full_backward_hook calls with (module, grad_input, grad_output), two tuples. "
        "The first holds None unless the input requires grad.",
    )
    allows = AUTOGRAD | {"parameters.grad"}
    CASES = (
        case("a linear layer", kind="linear", visible=True),
        case("a linear layer without bias", kind="no bias"),
        case("a chain of three layers", kind="chain"),
        case("one row through a chain", kind="chain", rows=1),
        case("a single vector", kind="linear", rows=0),
        case("a layer raises", kind="broken"),
        case("float32", kind="chain", dtype=F32),
        case("a chain in use", kind="in use"),
        case("a layer with a weight that is not linear", kind="bent"),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        rows = case.params.get("rows", 7)
        lead = (rows,) if rows else ()
        outputs = 2 if case["kind"] in ("chain", "in use") else 5
        return {
            "x": rng.apart(0.3, 1.0, *lead, 3),
            **weights(rng, 3, 5, 2),
            "gy": rng.apart(0.5, 1.0, *lead, outputs),
        }

    def observe(self, grad_io, x, m1, m2, gy, kind):
        module: nn.Module = Bent(m1) if kind == "bent" else linear(m1, bias=kind != "no bias")
        if kind == "broken":
            module = nn.Sequential(module, BrokenLayer())
            return {"when a layer raises": passes_on(lambda: grad_io(module, x, gy))}
        if kind != "chain" and kind != "in use":
            return named(grad_io(module, x, gy), "gin", "gout")
        last = linear(m2)
        middle: nn.Module = nn.Tanh() if kind == "chain" else Halving()
        module = nn.Sequential(module, middle, last)
        if kind == "chain":
            found = named(grad_io(module, x, gy), "gin", "gout")
            return {**found, "what the parameters got": brought(last, gy)}
        before = grads(lived(in_use(module), "hooked"))
        # In the dict alone: registered, it would keep torch.func from running the module.
        module._backward_hooks[-1] = _of_others
        x.grad = some_numbers(x)
        found = named(grad_io(module, x, gy), "gin", "gout")
        stays = _of_others in module._backward_hooks.values()
        watched = {"the backward hook from before": "stays" if stays else "is gone"}
        return {**found, **left_alone(module, before), **watched}


def _of_others(module: nn.Module, gin: Any, gout: Any) -> None:
    """A hook that observes, and was there before."""


class RetainOrHook(Task):
    """model is an nn.Sequential. Run model(x), in the mode it is in, start a backward pass at its
    output with the gradient gy, and return the list of the gradients of what each call of a layer
    returned, in the order of the calls. A layer is an entry of model, which may be made of several
    and counts as one. What each layer returns requires grad and is no view.
    Layers may edit their input in place, but for the first one: then the gradient of what the layer
    before returned is that of its values before the edit. Leave no hook on the model, also if its
    forward raises; then let the exception pass. Of its parameters nothing changes but what the pass
    adds to their .grad, and its layers keep their settings, such as inplace."""

    id = "retain_or_hook"
    signatures = ("grads_of_all(model, x, gy) -> grads",)
    title, points, difficulty, minutes = "Every layer's gradient", 8, 3, 12
    prerequisites = ("full_backward_probe",)
    hints = (
        "Read section 5.5, on layers that work in place, and in section 5.2 what becomes of a hook "
        "when its tensor is edited afterwards.",
        "Register a forward hook on every layer that registers a tensor hook on the output. "
        "A layer that stands in the model twice is one module, and is called twice.",
        "Reserve a place in the list when the forward hook runs, and fill that place when the "
        "gradient arrives.",
    )
    allows = AUTOGRAD | {"parameters.grad"}
    CASES = (
        case("three layers", kind="plain", visible=True),
        case("one row", kind="plain", rows=1),
        case("a ReLU in place", kind="in place"),
        case("a layer called twice", kind="shared"),
        case("a layer made of two", kind="nested"),
        case("float32", kind="shared", dtype=F32),
        case("a model in use, then a layer that raises", kind="in use"),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        rows = case.params.get("rows", 7)
        x = rng.apart(0.3, 1.0, rows, 3)
        drawn = weights(rng, 3, 5, 2)
        if case["kind"] == "in place":  # the ReLU must stop some entries and let others through
            drawn["m1"][0].abs_()
            drawn["m1"][1].abs_().neg_()
            x = x.abs()
        return {"x": x, **drawn, "gy": rng.apart(0.5, 1.0, rows, 2)}

    def observe(self, grads_of_all, x, m1, m2, gy, kind):
        first, second = linear(m1), linear(m2)
        others: dict[str, nn.Module] = {"in place": nn.ReLU(inplace=True), "in use": Halving()}
        act = others.get(kind, nn.Tanh())
        layers = [first, act, second] + ([act] if kind == "shared" else [])
        if kind == "nested":
            layers = [nn.Sequential(first, act), second]
        model = nn.Sequential(*layers)
        if kind == "in place":
            return {
                "grads": grads_of_all(model, x, gy),
                "the ReLU works in place": getattr(act, "inplace", None),
            }
        if kind == "plain":
            found = {"grads": grads_of_all(model, x, gy)}
            return {**found, "what the parameters got": brought(second, gy)}
        if kind != "in use":
            return {"grads": grads_of_all(model, x, gy)}
        lived(second, "hooked")
        before = grads(in_use(model))
        found = {"grads": grads_of_all(model, x, gy), **left_alone(model, before)}
        broken = nn.Sequential(first, BrokenLayer(), act)
        return {**found, "when a layer raises": passes_on(lambda: grads_of_all(broken, x, gy))}
