"""The exercise that walks a graph from node to node."""

import functools
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from grader.engine.task import Case, Inputs, Rng, Task, case


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
