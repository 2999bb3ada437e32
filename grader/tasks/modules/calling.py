"""The exercise on what a call of a module does beside its forward."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from grader.engine.lived import lived, with_grad
from grader.engine.observation import gradient
from grader.engine.task import F32, Case, Inputs, Rng, Task, case


class HookableCall(Task):
    """layers is a list of modules. Feed x through them, the first one first, each given what the
    one before it returned, and return what the last returned: x itself where the list is empty.
    Hooks that are registered on the modules must run, as they do in nn.Sequential. A module may
    stand in the list several times, and runs as often. Gradients reach x and the modules'
    parameters. Leave modules and list as they are."""

    id = "hookable_call"
    signatures = ("run_through(layers, x) -> y",)
    title, points, difficulty, minutes = "A call, with everything around it", 5, 1, 5
    hints = (
        "Read section 10.4, on what a call does. Which of the two runs hooks: layer(x) or "
        "layer.forward(x)?",
        "Register a forward hook that prints on one layer, and run your function. Does it print?",
        "One loop, in which x becomes what the layer makes of it. With an empty list the loop does "
        "not run, and x is what it was.",
    )
    CASES = (
        case("three layers", order=(0, 1, 2), visible=True),
        case("no layer", order=(), visible=True),
        case("no layer, an x with a gradient of an earlier pass", order=(), old=True),
        case("no layer, an x without gradient", order=(), plain=True),
        case("a layer twice", order=(0, 1, 0, 2)),
        case("one layer in float32, an x without gradient", order=(1,), plain=True, dtype=F32),
        case("layers in use", order=(2, 0, 1), used=True),
        case("a dropout between two layers, in eval mode", order=(0, 1, 2), dropout=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        drawn = {f"w{i}": rng.apart(0.5, 1.0, 3, 3) for i in range(3)}
        return {**drawn, "x": rng.apart(0.5, 1.0, 7, 3), "v": rng.apart(1.0, 2.0, 7, 3)}

    def observe(
        self, run_through, x, v, w0, w1, w2, order,
        used=False, plain=False, old=False, dropout=False,
    ):  # fmt: skip
        parts: list[Any] = [_Counted(w) for w in (w0, w1, w2)]
        if dropout:
            parts[1] = nn.Dropout(0.5)
            parts[2].train(mode=False)
        if used or dropout:
            parts[1].train(mode=False)
        modules = [lived(nn.Sequential(p), "grad", "frozen") if used else p for p in parts]
        seen: list[str] = []
        for number, module in enumerate(modules):
            module.register_forward_pre_hook(lambda m, args, n=number: seen.append(f"into {n}"))
            module.register_forward_hook(_doubled(f"out of {number}", seen))
            module.register_full_backward_hook(_tripled)
        x = with_grad(x) if used or old else x.requires_grad_(not plain)
        layers = [modules[i] for i in order]
        y = run_through(layers, x)
        observed = {"y": y, "gradient of x": gradient(y, x, v)}
        observed["list left as it was"] = layers == [modules[i] for i in order]
        if not order:
            observed["y is x"] = y is x
        for number, part in enumerate(parts):
            if isinstance(part, _Counted):
                grad = gradient(y, part.weight, v)
                observed[f"gradient of the weight of module {number}"] = grad
        runs = [part.runs for part in parts if isinstance(part, _Counted)]
        return observed | {"hooks that ran": list(seen), "runs of each module": runs}


def _doubled(word: str, seen: list[str]) -> Callable[..., Any]:
    """A forward hook that notes its word, and doubles what came out."""

    def hook(module: nn.Module, args: Any, y: Tensor) -> Tensor:
        seen.append(word)
        return 2 * y

    return hook


def _tripled(module: nn.Module, grads: Any, given: Any) -> tuple[Tensor] | None:
    """A backward hook that multiplies the gradient of what went in by three."""
    return None if grads[0] is None else (3 * grads[0],)


class _Counted(nn.Module):
    """Multiplies by a matrix, in eval mode by its double, and counts its runs."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight.clone())
        self.runs = 0

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3) to (N, 3)."""
        self.runs += 1
        return (x @ self.weight).tanh() * (1 if self.training else 2)
