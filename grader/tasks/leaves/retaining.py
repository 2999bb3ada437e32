"""The exercise on a gradient that is not kept: that of a non-leaf."""

from grader.engine.observation import named
from grader.engine.task import AUTOGRAD, F32, Case, Inputs, Rng, Task, case


class GradOfIntermediate(Task):
    """With z = f1(x) and y = f2(z).sum(), return the pair (dy/dz, dy/dx). f1 and f2 are functions
    of a tensor that you can call but not look into. x does not require grad and has no .grad when
    you get it; you may change both."""

    id = "grad_of_intermediate"
    signatures = ("inner_grads(f1, f2, x) -> (dz, dx)",)
    title, points, difficulty, minutes = "Spot the bug: a gradient that is not kept", 8, 2, 8
    hints = (
        "Read section 2.3, on the gradient of a non-leaf. z has a gradient during the backward "
        "pass. Who keeps it?",
        "Move one line of the broken function, and print z.retains_grad right before backward.",
        "retain_grad() works for passes that come after it. torch.autograd.grad takes several "
        "inputs at once, and needs no .grad at all.",
    )
    allows = AUTOGRAD
    CASES = (
        case("7 rows", rows=7, kind="layer", visible=True),
        case("one row", rows=1, kind="layer"),
        case("f1 returns a view of x", rows=7, kind="view"),
        case("f1 returns x itself", rows=7, kind="identity", visible=True),
        case("float32", rows=5, kind="layer", dtype=F32),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {
            "x": rng.apart(0.3, 1.0, case["rows"], 3),
            "A": rng.apart(0.3, 1.0, 3, 5),
            "B": rng.apart(0.3, 1.0, 3 if case["kind"] != "layer" else 5, 2),
        }

    def observe(self, inner_grads, kind, x, A, B):
        def f1(t):
            if kind == "layer":
                return (t @ A).tanh()
            return t.T if kind == "view" else t

        def f2(z):
            return ((z.T if kind == "view" else z) @ B).sin() + 1

        return named(inner_grads(f1, f2, x), "dz", "dx")
