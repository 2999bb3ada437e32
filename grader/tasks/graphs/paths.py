"""Exercises on the graph itself: paths through it, products along its edges, its nodes."""

import functools
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

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


class WalkGraph(Task):
    """Return the names (node.name()) of all backward nodes that can be reached from the tensor t
    through grad_fn and next_functions: each node once, breadth first: t.grad_fn, then the nodes one
    edge away, then those two edges away, and so on, the inputs of a node in the order of its
    next_functions. A tensor without grad_fn gives []."""

    id = "walk_graph"
    signatures = ("op_names(t) -> names",)
    title, points, difficulty, minutes = "Walk the graph", 10, 3, 12
    hints = (
        "Section 1.7 shows nodes and edges. Print t.grad_fn and t.grad_fn.next_functions for "
        "t = (x * 2 + 1).sum() and follow one step by hand.",
        "Keep a queue of nodes still to visit and a set of nodes already met. An entry of "
        "next_functions is a pair (node, number), and the node may be None.",
        "Take from the left of a collections.deque, append its name, and add to the right every "
        "node that is neither None nor met before. Do not call yourself: graphs get deep.",
    )
    CASES = (
        case("a sum of products", graph="wide", visible=True),
        case("a shared sub-expression", graph="shared", visible=True),
        case("an input without grad", graph="constant"),
        case("a leaf used twice", graph="twice"),
        case("a leaf itself", graph="leaf"),
        case("a tensor that does not require grad", graph="plain"),
        case("2,000 nodes deep", graph="deep", visible=True),
        case("a graph that is drawn", graph="drawn"),
        case("a leaf as the first input", graph="left"),
        case("a node with three outputs", graph="outputs"),
        case("a node with three inputs, two of one name", graph="inputs"),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        drawn = {"steps": rng.integers(0, len(_STEPS), 9)} if case["graph"] == "drawn" else {}
        return {"x": rng.apart(0.5, 2, 3), "w": rng.apart(0.5, 2, 3), **drawn}

    def observe(self, op_names, graph, x, w, steps=()):
        t = _graph(graph, x.requires_grad_(graph != "plain"), w, steps)
        return {"names": op_names(t)}


_STEPS: tuple[Callable[[Tensor, Tensor], Tensor], ...] = (
    lambda t, x: t.sin() * t,
    lambda t, x: t + x.tanh(),
    lambda t, x: t.exp() - x,
    lambda t, x: t.relu(),
    lambda t, x: t.sigmoid() / 2,
)


def _graph(kind: str, x: Tensor, w: Tensor, steps: Iterable[Tensor]) -> Tensor:
    if kind == "drawn":
        return functools.reduce(lambda t, step: _STEPS[int(step)](t, x), steps, x * w)
    if kind == "wide":
        w.requires_grad_()
        return (x.exp() * w + (w + x).sin()).sum()
    if kind == "shared":
        shared = x * x
        return (shared.exp() + shared).relu()
    if kind == "constant":
        return (w * x).sum() - w.sum()  # None is the first input of one node, the last of another
    if kind == "twice":
        return x.sin() * x
    if kind == "left":  # the inputs of a node do not stand in the order of their names
        return x - x.tanh() * x.exp()
    if kind == "inputs":
        return torch.stack([x.exp(), x.exp(), x.sin()])
    if kind == "outputs":
        _, other, last = x.sin().unbind()  # no edge leads to the first of the three
        return other.exp() * last + other
    if kind in ("leaf", "plain"):
        return x
    t = x
    for _ in range(2_000):
        t = t + w  # half of what t + 1 takes, which makes a tensor of the 1 each time
    return t
