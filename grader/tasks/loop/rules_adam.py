"""The exercise that writes Adam and AdamW by hand."""

from typing import Any

import torch

from grader.engine.observation import flags
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.loop.rules import drawn, hand_out, kept, parameters, remembered


class AdamFromScratch(Task):
    """Do one step of torch.optim.Adam by hand, or of torch.optim.AdamW if decoupled is True: change
    every parameter of the list params in place, in the memory that it has, by its .grad. b1 and b2
    are the two decay rates that torch calls betas. state is a dict, empty at the first step and the
    same one at every later step, in which you keep what you need. A parameter whose .grad is None
    is left alone, and does not count the step. Leave every .grad as it is. What you return is not
    used."""

    id = "adam_from_scratch"
    signatures = ("my_adam_step(params, state, lr, b1, b2, eps, wd, decoupled) -> None",)
    title, points, difficulty, minutes = "Adam and AdamW by hand", 12, 4, 20
    prerequisites = ("sgd_from_scratch",)
    hints = (
        "Read section 6.4, on Adam. Which two averages does it keep, why are both too small at the "
        "start, and where does AdamW take its weight decay?",
        "Compare your first step with torch.optim.Adam on one number: its size is nearly lr "
        "for any gradient far above eps. If yours is not, look at the bias correction.",
        "Each parameter counts its own steps t, from 1. Divide the averages by 1 - b1**t and "
        "1 - b2**t; take the root; then add eps. Decay joins the gradient, or if decoupled "
        "shrinks the parameter by lr * wd beforehand.",
    )
    allows = frozenset({"input"})
    CASES = (
        case("Adam", wd=0.0, visible=True),
        case("zero gradients", wd=0.0, zero=True),
        case("weight decay, a parameter without gradient", wd=0.3, absent="always", visible=True),
        case(
            "AdamW, a gradient that comes late", wd=0.3, absent="late", decoupled=True, visible=True
        ),
        case("AdamW in float32", wd=0.3, decoupled=True, dtype=F32),
        case(
            "two parameters of one shape, gradients that fade",
            wd=0.3,
            absent="late",
            decoupled=True,
            fading=True,
        ),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        fading = case.params.get("fading", False)
        given = drawn(rng, 3, alike=fading)
        if fading:
            for name in ("dw", "ds", "db2"):
                given[name] *= torch.tensor([4.0, 1.0, 0.1]).view(3, *[1] * (given[name].ndim - 1))
        if case.params.get("zero"):
            given["db"] = torch.zeros_like(given["db"])
        # Gradients no larger than eps, so that one sees where eps was added.
        return given | {name: 0.01 * given[name] for name in given if name.startswith("d")}

    def observe(
        self, my_adam_step, w, b, s, dw, db, ds, wd, absent="never", decoupled=False, **more
    ):
        alike = {"b2": more["b2"]} if "b2" in more else {}
        numbers = {"w": w, "b": b, "s": s, **alike}
        known, state = parameters(**numbers), dict[Any, Any]()
        grads = {"w": dw, "b": db, "s": ds, "b2": more.get("db2")}
        settings = (0.13, 0.8, 0.95, 0.01, wd, decoupled)
        elsewhere = remembered(
            lambda params, empty: my_adam_step(params, empty, *settings), numbers, grads, absent
        )
        if elsewhere:
            return elsewhere
        memory = {name: p.detach() for name, p in known.items()}
        seen: dict[str, Any] = {}
        for step in range(3):
            hand_out(known, grads, step, absent)
            my_adam_step(list(known.values()), state, *settings)
            if step in (0, 2):
                after = {name: p.detach().clone() for name, p in known.items()}
                seen |= {f"{name} after step {step + 1}": p for name, p in after.items()}
            if alike:
                seen[f"w.grad after step {step + 1}"] = kept(known["w"])
        kept_in_place = [known[name].data_ptr() == m.data_ptr() for name, m in memory.items()]
        seen["the parameters keep their memory"] = all(kept_in_place)
        for name, parameter in known.items():
            seen |= flags(name, parameter, "is_leaf", "requires_grad")
        return seen
