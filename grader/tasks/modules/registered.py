"""The exercise on what a module knows of its attributes."""

from typing import Any

from torch import Tensor

from grader.engine.observation import gradient
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.modules.nets import DRAWN, filled, made, same_numbers, shapes, trainable


class Registration(Task):
    """Write the class Mixer, an nn.Module for texts of `length` positions with `width` features
    each. Its input and its output have shape (N, length, width). `depth` linear layers, each with a
    tanh behind it, are layers.0, layers.1, ...; the output of the last is multiplied by scale, of
    shape (width,), which begins as ones and is trained. Then each position becomes the mean over
    itself and all positions before it. mask, of shape (length, length), says which those are: it
    moves with the module, does not require grad, and is not saved in state_dict(). Gradients reach
    the input and all parameters."""

    id = "registration"
    signatures = ("class Mixer(length, width, depth)",)
    title, points, difficulty, minutes = "Spot the bug: what a module does not know", 8, 3, 12
    hints = (
        "Read section 10.2, on what a module knows. Print the named_parameters(), the "
        "named_buffers() and the keys of state_dict() of the broken class.",
        "Three attributes of the broken class are plain Python or plain tensors. Ask of each: is "
        "it trained? Does it move with .double()? Is it to be saved?",
        "A list of layers has a registered form, and so has a tensor that is trained. A constant "
        "is registered by a method that takes its name, and whether it is persistent.",
    )
    allows = DRAWN
    CASES = (
        case("5 positions, 2 layers", depth=2, visible=True),
        case("in float32", depth=2, dtype=F32, visible=True),
        case("3 layers", depth=3),
        case("no layer", depth=0),
        case("one text, one position", depth=1, rows=1, length=1),
        # With two positions half precision holds the weights of all means, which a mask may be.
        case("a module that was made in half precision, and moved", depth=2, length=2, moved=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        rows, length = case.params.get("rows", 7), case.params.get("length", 5)
        numbers = {"scale": rng.apart(1.0, 2.0, 3)}
        for i in range(case["depth"]):
            numbers[f"layers.{i}.weight"] = rng.apart(0.4, 0.8, 3, 3)
            numbers[f"layers.{i}.bias"] = rng.apart(0.2, 0.4, 3)
        x, v = (rng.apart(0.5, 1.0, rows, length, 3) for _ in range(2))
        return {"x": x, "v": v, **numbers}

    def observe(self, Mixer, x, v, depth, length=5, moved=False, **numbers):
        mixer = made(Mixer, length, 3, depth, like=x.half() if moved else x).to(x)
        mask = dict(mixer.named_buffers()).get("mask")
        observed: dict[str, Any] = {
            "parameters": shapes(mixer),
            "parameters that require grad": trainable(mixer),
            "buffer mask": _shape(mask),
            "mask requires grad": _requires_grad(mask),
            "saved": sorted(mixer.state_dict()),
            "scale at first": _numbers(dict(mixer.named_parameters()).get("scale")),
        }
        left_behind = moved and mask is None  # its dtype would raise, which is told of it already
        if filled(mixer, numbers) and not left_behind:
            y = mixer(x.requires_grad_())
            observed |= {"output": y, "gradient of x": gradient(y, x, v)}
            for name, parameter in sorted(mixer.named_parameters()):
                observed[f"gradient of {name}"] = gradient(y, parameter, v)
            observed["a call in eval mode gives"] = same_numbers(y, mixer.eval()(x))
        return observed


def _shape(of: Tensor | None) -> tuple[int, ...] | str:
    """Other buffers are nobody's business: what is saved is asked apart."""
    return "none" if of is None else tuple(of.shape)


def _requires_grad(of: Tensor | None) -> bool:
    return of is not None and of.requires_grad


def _numbers(of: Tensor | None) -> str:
    if of is None:
        return "no parameter"
    alike = next((n for n in (0, 1) if bool((of == n).all())), None)
    return {0: "zeros", 1: "ones", None: "other numbers"}[alike]
