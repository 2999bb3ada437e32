"""The exercise that mends a net of three layers."""

import math
from typing import Any

from grader.engine.observation import gradient
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.modules.nets import DRAWN, filled, made, same_numbers, shapes


class FixMlp(Task):
    """Write the class MLP, an nn.Module of three nn.Linear layers with biases, called first, second
    and last: n_in numbers to n_hidden, n_hidden to n_hidden, and n_hidden to n_out. Its input has
    shape (N, ...), where the sizes after N multiply to n_in, and lies in memory in any order: every
    sample becomes one row first. ReLU follows the first two layers. The output, of shape
    (N, n_out), holds scores, which may be negative. Gradients reach the input and all
    parameters."""

    id = "fix_mlp"
    signatures = ("class MLP(n_in, n_hidden, n_out)",)
    title, points, difficulty, minutes = "Spot the bug: layers that are not called", 6, 1, 10
    hints = (
        "Read section 10.1, on a net in two methods. What does nn.ReLU(x) make, and what does its "
        "bracket expect?",
        "Make the class, and call it on a small random batch. Where a layer is given a module, the "
        "error names its class: it was made a line above. Which bug raises nothing?",
        "First the parent's initialiser, then the layers. In forward use functions: x.flatten(1), "
        "and relu of torch or of torch.nn.functional after two of the three layers.",
    )
    allows = DRAWN
    CASES = (
        case("images of 2 x 3 x 5", of=(2, 3, 5), visible=True),
        case("rows of 30", of=(30,), visible=True),
        case("one image, of large numbers", of=(2, 3, 5), rows=1, size=40.0),
        case("one score, of few numbers", of=(2, 3), n_out=1),
        case("images in float32", of=(5, 6), dtype=F32),
        case("images whose channels lie last", of=(2, 3, 5), turned=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        rows, n_out = case.params.get("rows", 7), case.params.get("n_out", 3)
        sizes = {"first": (11, math.prod(case["of"])), "second": (11, 11), "last": (n_out, 11)}
        weights = {f"{n}.weight": rng.apart(0.3, 0.6, *size) for n, size in sizes.items()}
        biases = {f"{n}.bias": rng.apart(0.3, 0.9, size[0]) for n, size in sizes.items()}
        x = rng.apart(0.3, 1.0, rows, *case["of"])
        x = x * case.params.get("size", 1.0)
        return {"x": x, "v": rng.apart(1.0, 2.0, rows, n_out), **weights, **biases}

    def observe(self, MLP, x, v, of, n_out=3, turned=False, size=1.0, **numbers):
        if turned:
            x = x.movedim(1, -1).contiguous().movedim(-1, 1)
        net = made(MLP, math.prod(of), 11, n_out, like=x)
        observed: dict[str, Any] = {"parameters": shapes(net)}
        if filled(net, numbers):
            y = net(x.requires_grad_())
            observed["a call in eval mode gives"] = same_numbers(y, net.eval()(x))
            observed |= {"output": y, "gradient of x": gradient(y, x, v)}
            for name, parameter in net.named_parameters():
                observed[f"gradient of {name}"] = gradient(y, parameter, v)
        return observed
