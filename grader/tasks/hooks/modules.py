"""The exercise on forward hooks that collect what modules return."""

from torch import Tensor, nn

from grader.engine.lived import computed
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.hooks.models import Net, UsedNet, answered, hook_of_others, in_use, weights


class CaptureFeatures(Task):
    """Run model(x) once, on this very model in the mode it is in, and return a dict: for each name
    in the list names a list of what the submodule of that name returned, one tensor for each of its
    calls, in order. The list of one that is never called is empty. The name "" means the model
    itself. A submodule that stands in the model under two names has its list under each of them.
    The tensors do not require grad, and hold the values that the submodule returned, also if a
    later layer overwrites them in place. Afterwards the model has the hooks that it had before, and
    no more, also if its forward raises; then let the exception pass."""

    id = "capture_features"
    signatures = ("capture(model, names, x) -> features",)
    title, points, difficulty, minutes = "Spot the bug: hooks that stay", 8, 3, 12
    hints = (
        "Read section 5.4, on collecting features. Which line of the broken function does not run "
        "if the model raises?",
        "Call it with a model that raises, catch the exception, and count the hooks that are left "
        "in module._forward_hooks. try and finally are made for this.",
        "model.get_submodule(name) finds nested names, and the model itself for an empty one. "
        "Each hook needs its own name, and a copy of the output without history.",
    )
    CASES = (
        case(
            "two layers, then a layer that raises", names=["stem", "act"], broken=True, visible=True
        ),
        case("nested names", names=["block.0", "block.1", "head"]),
        case("a module called twice", names=["act", "head"]),
        case("the model itself", names=["", "block"]),
        case("one row in float32", names=["block.0", "act", ""], rows=1, dtype=F32, visible=True),
        case(
            "a model in use, a module under two names",
            names=["act", "inlet.0", "again", "spare", "stem"],
            used=1,
        ),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {
            "x": rng.apart(0.3, 1.0, case.params.get("rows", 7), 5),
            **weights(rng, 5, 3, 11, 1),
        }

    def observe(self, capture, x, names, broken=False, used=0, **net):
        model: nn.Module = Net(**net)
        if used:
            model, x = in_use(UsedNet(**net)), computed(x)
        features = capture(model, names, x)
        lists = features.values() if isinstance(features, dict) else []
        tensors = [t for one in lists if isinstance(one, list | tuple) for t in one]
        recorded = any(isinstance(t, Tensor) and t.requires_grad for t in tensors)
        found = {"features": features, "features.requires_grad": recorded}
        if broken:
            raising = Net(**net, broken=True)
            found["when a layer raises"] = answered(lambda: capture(raising, names, x))
        if isinstance(model, UsedNet):
            found |= {"the model ran": model.ran, "the hook from before": hook_of_others(model)}
        return found
