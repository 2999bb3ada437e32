"""The exercise that makes parameters: a linear layer by hand."""

from typing import Any

import torch
from torch import Tensor

from grader.engine.observation import gradient
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.modules.nets import DRAWN, filled, made, shapes, trainable


class LinearModule(Task):
    """Write the class MyLinear, an nn.Module that does what nn.Linear does. Its parameters are
    weight, of shape (n_out, n_in), and bias, of shape (n_out,); with bias=False there is no bias.
    Both begin with random numbers, even between -1/sqrt(n_in) and 1/sqrt(n_in). It takes x of shape
    (..., n_in), and returns x times the transposed weight plus the bias, of shape (..., n_out)."""

    id = "linear_module"
    signatures = ("class MyLinear(n_in, n_out, bias)",)
    title, points, difficulty, minutes = "A linear layer of your own", 8, 2, 12
    hints = (
        "Read section 10.2, on what a module knows. Which attribute of a module becomes a "
        "parameter, and which stays a plain tensor?",
        "Make a layer and list its named_parameters(): two names, or one without bias. Whatever "
        "you do to an nn.Parameter in a formula gives a plain tensor.",
        "torch.empty(n_out, n_in).uniform_(-bound, bound) makes the numbers; nn.Parameter goes "
        "around them last. In forward the weight is transposed.",
    )
    allows = DRAWN
    CASES = (
        case("7 rows, 3 to 5", visible=True),
        case("without bias", bias=False, visible=True),
        case("bias is not told", told=False),
        case("the first weights", sizes=(5, 12409), first=True, visible=True),
        case("blocks of rows", of=(2, 7)),
        case("a single row", of=()),
        case("one output", sizes=(3, 1)),
        case("7 rows in float32", dtype=F32),
        case("a layer that was made in half precision, and moved", moved=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        n_in, n_out = case.params.get("sizes", (3, 5))
        of = case.params.get("of", (7,))
        if case.params.get("first"):  # the layer is made, and not called
            return {"x": rng.apart(0.5, 1.0, n_in), "v": rng.apart(1.0, 2.0, 1)}
        numbers = {
            "n_weight": rng.apart(0.5, 1.0, n_out, n_in),
            "n_bias": rng.apart(2.0, 3.0, n_out),
        }
        x, v = rng.apart(0.5, 1.0, *of, n_in), rng.apart(1.0, 2.0, *of, n_out)
        if not case.params.get("bias", True):
            del numbers["n_bias"]
        return {"x": x, "v": v, **numbers}

    def observe(
        self,
        MyLinear,
        x,
        v,
        sizes=(3, 5),
        bias=True,
        first=False,
        moved=False,
        told=True,
        **numbers,
    ):
        numbers = {name.removeprefix("n_"): values for name, values in numbers.items()}
        given = (*sizes, bias) if told else sizes
        layer = made(MyLinear, *given, like=x.half() if moved else x).to(x)
        observed: dict[str, Any] = {"parameters": shapes(layer)}
        observed["parameters that require grad"] = trainable(layer)
        if not bias:
            observed["a tensor called bias"] = isinstance(getattr(layer, "bias", None), Tensor)
        if first or not bias:
            other = dict(made(MyLinear, *sizes, bias, like=x, seed=1).named_parameters())
            for name, parameter in sorted(layer.named_parameters()):
                if first or name == "weight":
                    observed[f"{name} of another layer is another"] = bool(
                        (parameter != other[name]).any()
                    )
        if first:
            for name, parameter in sorted(layer.named_parameters()):
                observed[f"first numbers of {name}"] = _spread(parameter.detach(), sizes[0])
                observed[f"numbers of {name} stand in several places"] = _repeated(parameter)
            parts = list(layer.parameters())
            all_alike = len(parts) > 1 and bool(torch.isin(parts[1], parts[0]).float().mean() > 0.5)
            observed["one parameter has the numbers of another"] = all_alike
            return observed
        if filled(layer, numbers):
            y = layer(x.requires_grad_())
            wanted = {"x": x, **dict(layer.named_parameters())}
            grads = {f"gradient of {name}": gradient(y, t, v) for name, t in wanted.items()}
            observed |= {"output": y, **grads}
        return observed


def _spread(numbers: Tensor, n_in: int) -> dict[str, str]:
    """Smallest and largest in units of 1/sqrt(n_in), to a hundredth, and whether they are spread as
    numbers are that are drawn evenly. Of normal numbers the few that lie far out are others in each
    run: their deviation is a small part of half their range.

    In words, for these are no numbers to calculate with: what is drawn differs from run to run.
    """
    units = numbers * n_in**0.5
    smallest, largest = float(units.min()), float(units.max())
    share = float(units.std()) / max((largest - smallest) / 2, 1e-9)
    if 0.15 < share < 0.45:
        ends = "of the few far out"
        return {"smallest": ends, "largest": ends, "spread": "most near the middle, few far out"}
    return {
        "smallest": f"{smallest:.2f} / sqrt(n_in)",
        "largest": f"{largest:.2f} / sqrt(n_in)",
        "spread": "even" if _is_even(units) else "not even",
    }


def _repeated(numbers: Tensor) -> bool:
    """Whether many of the numbers are equal: of those drawn one by one next to none are."""
    return bool(numbers.detach().unique().numel() < 0.95 * numbers.numel())


def _is_even(numbers: Tensor) -> bool:
    """Whether nowhere between the smallest and the largest the share of the numbers that lie below
    is further from the even one than chance has it.

    By Kolmogorov and Smirnov: of n numbers it is above 2.5 / sqrt(n) with probability 2 exp(-12.5),
    once in 130,000 draws.
    """
    ordered, n = numbers.flatten().double().sort().values, numbers.numel()
    width = max(float(ordered[-1] - ordered[0]), 1e-9)
    even, steps = (ordered - ordered[0]) / width, torch.arange(n + 1) / n
    farthest = torch.maximum(even - steps[:-1].to(even), steps[1:].to(even) - even).max()
    return bool(farthest < 2.5 / n**0.5)
