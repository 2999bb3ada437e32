"""The exercise that writes SGD by hand, and the parameters that optimizers by hand are tried on."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from grader.engine.observation import flags
from grader.engine.task import F32, Case, Inputs, Rng, Task, case


def parameters(**tensors: Tensor) -> dict[str, Tensor]:
    """Leaves to be optimized: a matrix, a vector and a number; with a second vector, b2, also one
    that is frozen."""
    known = {name: t.clone().requires_grad_() for name, t in tensors.items()}
    return known | {"frozen": tensors["b2"].flip(0)} if "b2" in tensors else known


def hand_out(
    parameters: dict[str, Tensor],
    grads: dict[str, Tensor],
    step: int,
    absent: str,
    *,
    before: list[Tensor] | None = None,
) -> None:
    """Write a step's gradients into .grad, in the same memory as before.

    With a list `before` each is a new tensor, and the list keeps the old one: that is what .grad
    holds after a zero_grad() that sets it to None. b has none at all if `absent` is "always", and
    none in the first two steps if it is "late".
    """
    for name, parameter in parameters.items():
        missing = name == "b" and (absent == "always" or (absent == "late" and step < 2))
        if missing or not parameter.requires_grad:
            continue
        grad = grads[name][step]
        if parameter.grad is None or before is not None:
            if before is not None and parameter.grad is not None:
                before.append(parameter.grad)
            parameter.grad = grad.clone()
        else:
            parameter.grad.copy_(grad)


def remembered(
    step: Callable[[list[Tensor], dict[Any, Any]], Any],
    numbers: dict[str, Tensor],
    grads: dict[str, Any],
    absent: str,
) -> dict[str, str]:
    """Nothing, if a step with an empty state is a first step whatever was trained before.

    Three trainings of the same parameters, from the same numbers: the first and the last have the
    same gradients, and differ where something was kept outside of their states.
    """
    known, after = parameters(**numbers), list[list[Tensor]]()
    for at in (0, 1, 0):
        with torch.no_grad():
            for name, number in numbers.items():
                known[name].copy_(number)
        hand_out(known, grads, at, absent)
        step(list(known.values()), {})
        after.append([p.detach().clone() for p in known.values()])
    alike = zip(after[0], after[2], strict=True)
    if all(torch.allclose(one, other, equal_nan=True) for one, other in alike):
        return {}
    return {"a new training, with an empty state": "goes on from the one before"}


def kept(parameter: Tensor) -> Tensor | None:
    """A copy of a parameter's .grad."""
    return None if parameter.grad is None else parameter.grad.clone()


def drawn(rng: Rng, steps: int, *, alike: bool = False) -> Inputs:
    """Numbers for the parameters, and a gradient of each for every step.

    `alike` adds one more, of the shape of b.
    """
    shapes: dict[str, tuple[int, ...]] = {"w": (3, 5), "b": (7,), "s": ()}
    if alike:
        shapes["b2"] = shapes["b"]
    return {
        **{name: rng.apart(0.5, 2.0, *shape) for name, shape in shapes.items()},
        **{f"d{name}": rng.apart(0.5, 2.0, steps, *shape) for name, shape in shapes.items()},
    }


class SgdFromScratch(Task):
    """Do one step of torch.optim.SGD by hand: change every parameter of the list params in place,
    in the memory that it has, by its .grad, the learning rate lr, the momentum mu and the weight
    decay wd. state is a dict, empty at the first step and the same one at every later step, in
    which you keep what you need. A parameter whose .grad is None is left alone. lr may be another
    one at each step. Leave every .grad as it is. What you return is not used."""

    id = "sgd_from_scratch"
    signatures = ("my_sgd_step(params, state, lr, mu, wd) -> None",)
    title, points, difficulty, minutes = "SGD by hand", 10, 3, 12
    hints = (
        "Read section 6.4, on SGD with momentum. In which order do weight decay, momentum and "
        "learning rate come in?",
        "Start with mu = 0 and wd = 0, then let wd * p join the gradient, then keep a running sum "
        "per parameter. Nothing of it may be recorded.",
        "d is the gradient plus wd * p. The buffer is mu times the old buffer, plus d, and starts "
        "as a copy of d. The parameter loses lr times the buffer.",
    )
    allows = frozenset({"input"})
    CASES = (
        case("momentum and weight decay", mu=0.9, visible=True),
        case("no weight decay", mu=0.9, wd=0.0),
        case("no momentum", mu=0.0),
        case("a parameter without gradient", mu=0.7, absent="always", visible=True),
        case("float32, a gradient that comes late", mu=0.9, absent="late", dtype=F32),
        case("two parameters of one shape", mu=0.9, absent="late", alike=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        rates = [float(rate) for rate in rng.uniform(0.05, 0.2, 3)]
        return {**drawn(rng, 3, alike="alike" in case.params), "rates": rates}

    def observe(self, my_sgd_step, w, b, s, dw, db, ds, rates, mu, wd=0.3, absent="never", **more):
        alike = {"b2": more["b2"]} if "b2" in more else {}
        numbers = {"w": w, "b": b, "s": s, **alike}
        known, state = parameters(**numbers), dict[Any, Any]()
        grads = {"w": dw, "b": db, "s": ds, "b2": more.get("db2")}
        elsewhere = remembered(
            lambda params, empty: my_sgd_step(params, empty, rates[0], mu, wd),
            numbers,
            grads,
            absent,
        )
        if elsewhere:
            return elsewhere
        memory = {name: p.detach() for name, p in known.items()}
        seen: dict[str, Any] = {}
        used: list[Tensor] | None = [] if alike else None
        for step, lr in enumerate(rates):
            hand_out(known, grads, step, absent, before=used)
            my_sgd_step(list(known.values()), state, lr, mu, wd)
            after = {name: p.detach().clone() for name, p in known.items()}
            seen |= {f"{name} after step {step + 1}": p for name, p in after.items()}
            if alike:
                seen[f"w.grad after step {step + 1}"] = kept(known["w"])
        kept_in_place = [known[name].data_ptr() == m.data_ptr() for name, m in memory.items()]
        seen["the parameters keep their memory"] = all(kept_in_place)
        for name, parameter in known.items():
            seen |= flags(name, parameter, "is_leaf", "requires_grad")
        return seen
