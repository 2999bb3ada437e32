"""Exercises on tensor hooks: they see the gradient of one tensor, and may replace it."""

import torch
from torch import Tensor

from grader.engine.observation import flags, named
from grader.engine.task import AUTOGRAD, F32, Case, Inputs, Rng, Task, case


class TensorGradLogger(Task):
    """With z = f(x), run head(z).sum().backward(retain_graph=True) for each function in the list
    heads, on one and the same z. Return the pair (log, dx): log has one tensor for each pass, the
    absolute values of the gradient that arrived at z in it, and dx is x.grad after all passes.
    x is a leaf that requires grad and has no .grad."""

    id = "tensor_grad_logger"
    signatures = ("log_grads(f, heads, x) -> (log, dx)",)
    title, points, difficulty, minutes = "What arrives at z", 8, 2, 8
    hints = (
        "Read section 5.2, on hooks of tensors. How often is a hook of z called in one pass, and "
        "with what?",
        "Register one hook on z, before the first pass. Let it append to a list, and print what "
        "the list holds after each pass.",
        "What the hook returns takes the place of the gradient; None leaves it alone. abs() makes "
        "a new tensor, abs_() edits the one that goes on to x.",
    )
    allows = AUTOGRAD | {"hooks"}  # where f returns x itself, its hook stands on x
    CASES = (
        case("two passes", heads=2, rows=7, visible=True),
        case("one pass", heads=1, rows=7),
        case("three passes, one row", heads=3, rows=1),
        case("f returns x itself", heads=2, rows=5, identity=True),
        case("float32", heads=3, rows=5, dtype=F32),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        inner = 3 if case.params.get("identity") else 5
        return {
            "x": rng.apart(0.3, 1.0, case["rows"], 3),
            "A": rng.apart(0.3, 1.0, 3, 5),
            "B": rng.apart(0.5, 1.5, case["heads"], inner),
        }

    def observe(self, log_grads, x, A, B, identity=False):
        made, shared = list[Tensor](), set[int]()

        def f(t):
            made.append(t if identity else (t @ A).tanh())
            return made[-1]

        def head(b):
            def run(z):
                shared.add(0 if identity else len(made))  # how often f was called by then
                return (z * b).sin() - z**3  # reaches z along two paths

            return run

        found = named(log_grads(f, [head(b) for b in B], x.requires_grad_()), "log", "dx")
        return {**found, "the heads share one z": len(shared) <= 1}


class GradientReversal(Task):
    """Return a new tensor y with the values of x, of shape (n, d), whose gradient is turned round
    on its way to x: what arrives at y reaches x multiplied by -lam. What reaches x along other
    ways is not touched, and neither is the tensor that arrives at y. x may be a leaf or a non-leaf;
    if it does not require grad, return the values alone, in a new tensor as well. Any way is
    welcome; a hook is one."""

    id = "gradient_reversal"
    signatures = ("reverse(x, lam) -> y",)
    title, points, difficulty, minutes = "A gradient turned round", 8, 2, 8
    hints = (
        "Read section 5.2, on hooks of tensors: what a hook returns replaces the gradient.",
        "On which tensor does the hook stand? x has other users, and their gradients must arrive "
        "as they are.",
        "Make y a clone of x, and register the hook on y: on a view it would be lost where y is "
        "edited. A tensor that does not require grad takes no hook.",
    )
    CASES = (
        case("a non-leaf", kind="computed", visible=True),
        case("a leaf", kind="leaf"),
        case("lam = 0", kind="computed", zero=True),
        case("the gradient is expanded from one row", kind="expanded"),
        case("x does not require grad", kind="frozen"),
        case("one row in float32, lam below 0", kind="leaf", rows=1, dtype=F32, sign=-1),
        case("two passes through one y", kind="computed", passes=2),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        rows, sign = case.params.get("rows", 7), case.params.get("sign", 1)
        return {
            "x": rng.apart(0.3, 1.0, rows, 3),
            "w": rng.apart(1.5, 2.0, rows, 3),
            "gy": rng.apart(0.5, 1.0, 1 if case["kind"] == "expanded" else rows, 3),
            "lam": 0.0 if case.params.get("zero") else sign * float(rng.uniform(0.3, 0.7)),
        }

    def observe(self, reverse, x, w, gy, lam, kind, passes=1):
        x.requires_grad_(kind != "frozen")
        h = x.sin() if kind in ("computed", "expanded") else x
        y = reverse(h, lam)
        if passes > 1:
            reverse(h, 2 * lam)  # which is nothing to this y
        found = {"y": y, **flags("y", y, "requires_grad")}
        if kind == "frozen":
            return {**found, "y is x itself": y is h}
        if not isinstance(y, Tensor) or y.shape != x.shape or not y.requires_grad:
            return {**found, "dx": None, "what arrived at y": gy}
        arriving = gy.expand(x.shape)
        outputs, starts = [y, h * w], [arriving, torch.ones_like(x)]
        for _ in range(passes - 1):
            torch.autograd.grad(outputs, x, starts, allow_unused=True, retain_graph=True)
        (dx,) = torch.autograd.grad(outputs, x, starts, allow_unused=True)
        return {**found, "dx": dx, "what arrived at y": gy}
