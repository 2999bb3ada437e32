"""Exercises on the paths through a graph: products along its edges, sums where they meet."""

import torch

from grader.engine.task import AUTOGRAD, F32, Case, Inputs, Rng, Task, case


class TwoPathGrad(Task):
    """Return dy/dx and dy/dw of y = ((x + w) * (w + 1)).sum() for x and w of shape (n,), worked
    out by hand: no call of backward is needed. Neither requires grad or has a .grad when you get
    it; you may change that."""

    id = "two_path_grad"
    signatures = ("two_path_grad(x, w) -> (dx, dw)",)
    title, points, difficulty, minutes = "Two paths", 8, 2, 6
    hints = (
        "Read section 1.2 again: multiply along a path, add over paths. How many paths lead from w "
        "to y?",
        "Call the factors a = x + w and b = w + 1. Hold b fixed and differentiate through a; then "
        "hold a fixed and differentiate through b.",
        "dy/da = b and dy/db = a. x reaches y through a alone, w through a and through b.",
    )
    allows = AUTOGRAD
    CASES = (
        case("5 numbers", n=5, visible=True),
        case("one number", n=1),
        case("7 numbers in float32", n=7, dtype=F32, cancel=True),
        case("w = 0", n=7, zero=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        x, w = rng.apart(0.5, 3.0, case["n"]), rng.apart(0.5, 3.0, case["n"])
        if case.params.get("cancel"):  # x + w is 0 in one place, and w + 1 in another
            x[2], w[4] = -w[2], -1.0
        return {"x": x, "w": w * 0 if case.params.get("zero") else w}


class EdgeProducts(Task):
    """For the net b = w1*a, c = w2*a, d = w3*b + w4*c, L = 10 - d with numbers a, w1, ..., w4
    (tensors of shape ()), return a dict with the derivatives of L: keys "a", "w1", "w2", "w3"
    and "w4". None of the tensors requires grad or has a .grad when you get it; you may change
    that."""

    id = "edge_products"
    signatures = ("edge_products(a, w1, w2, w3, w4) -> grads",)
    title, points, difficulty, minutes = "Products along edges", 10, 2, 8
    prerequisites = ("two_path_grad",)
    hints = (
        "Section 1.2 does this. Write the local derivative on every edge of the net first: dd/db "
        "is w3, db/da is w1.",
        "The last edge is L = 10 - d: it multiplies everything by -1.",
        "a has two paths to L, every weight has one. Multiply along each path, add where two meet.",
    )
    allows = AUTOGRAD
    accepts_numbers = True
    CASES = (
        case("five numbers", visible=True),
        case("negative numbers", sign=-1),
        case("w3 = w4 = 0", w3=0.0, w4=0.0),
        case("w1 = w2 = 0", w1=0.0, w2=0.0),
        case("a = 0", a=0.0),
        case("float32", dtype=F32),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        sign = case.params.get("sign", 1)
        drawn = {
            name: sign * rng.uniform(low, low + 1)
            for name, low in zip(("a", "w1", "w2", "w3", "w4"), (2, 3, 5, 7, 11), strict=True)
        }
        set_to = {name: case[name] for name in drawn.keys() & case.params.keys()}
        return drawn | {n: torch.tensor(value, dtype=torch.float64) for n, value in set_to.items()}

    def observe(self, edge_products, a, w1, w2, w3, w4):
        grads = edge_products(a, w1, w2, w3, w4)
        return dict(grads) if isinstance(grads, dict) else grads
