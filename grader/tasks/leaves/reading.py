"""The exercise that finds the leaves of a graph."""

from typing import Any

import torch
from torch import Tensor

from grader.engine.lived import with_grad
from grader.engine.task import Case, Inputs, Rng, Task, case


class LeafGrads(Task):
    """Return a list of the leaves whose .grad a backward pass from root adds to: the tensors
    themselves, each once, in any order. An AccumulateGrad node holds its leaf in node.variable.
    root may be a leaf itself, and may not require grad at all. Graphs can be thousands of nodes
    deep. Nothing was frozen since the graph was recorded, and root is no view that was made inside
    no_grad. Leave every .grad as it is, and the graph too: the caller's own pass comes later."""

    id = "leaf_grads"
    signatures = ("grad_leaves(root) -> leaves",)
    title, points, difficulty, minutes = "Where backward ends", 6, 3, 10
    prerequisites = ("walk_graph",)
    hints = (
        "Read section 2.1 on the leaf that an AccumulateGrad node holds. Walk the graph as in "
        "chapter 1, and look at the ends of the walk.",
        "Only AccumulateGrad nodes have an attribute `variable`. Where does the walk start if "
        "root.grad_fn is None?",
        "Keep a list of nodes to visit and a set of nodes met, and skip None. A root without "
        "grad_fn is the answer itself if it requires grad, and otherwise there is none.",
    )
    CASES = (
        case("the sum of a product", graph="product", visible=True),
        case("a leaf used twice", graph="twice", visible=True),
        case("a frozen factor", graph="frozen", visible=True),
        case("a detached factor", graph="detached"),
        case("root is a leaf that requires grad", graph="leaf", visible=True),
        case("root does not require grad", graph="plain", visible=True),
        case("2,000 nodes deep", graph="deep"),
        case("root is a leaf with an old .grad", graph="leaf", trained=True),
        case("two branches, and x has an old .grad", graph="branches", trained=True),
        case("a product of two leaves of equal values", graph="equal"),
        case("a product of two leaves on one memory", graph="memory"),
        case("a node with three inputs", graph="inputs"),
        case("a node with three outputs", graph="outputs"),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {
            "x": rng.apart(0.5, 1.0, 3),
            "w": rng.apart(1.5, 2.0, 3),
            "c": rng.apart(2.5, 3.0, 3),
        }

    def observe(self, grad_leaves, graph, x, w, c, trained=False):
        x = with_grad(x) if trained else x
        w = x.clone() if graph == "equal" else x.detach() if graph == "memory" else w
        root = _graph(graph, x.requires_grad_(), w.requires_grad_(), c)
        known = {"x": x, "w": w, "c": c}
        objects = {name: tensor.grad for name, tensor in known.items()}
        before = {name: _copied(grad) for name, grad in objects.items()}
        found = grad_leaves(root)
        same = all(_equal(before[name], tensor.grad) for name, tensor in known.items())
        kept = all(tensor.grad is objects[name] for name, tensor in known.items())
        standing = {
            ".grad of the leaves": "as it was"
            if same and kept
            else _REPLACED
            if same
            else "changed",
            "a pass from root": _runs(root, x, w),
        }
        if not isinstance(found, list | tuple | set | frozenset):
            return {"leaves": found, **standing}
        return {"leaves": sorted(_name(item, known) for item in found), **standing}


def _graph(kind: str, x: Tensor, w: Tensor, c: Tensor) -> Tensor:
    if kind == "product":
        return (x * w).sum()
    if kind in ("equal", "memory"):
        return x * w
    if kind == "inputs":
        return torch.stack([x.exp(), c, w])
    if kind == "outputs":
        _, other, last = (x * w).unbind()  # no edge leads to the first of the three
        return other * last
    if kind == "twice":
        return ((x + w).exp() * x).sum()
    if kind == "frozen":
        return ((x * c).tanh() * w).sum()
    if kind == "branches":
        return ((c * 2).exp() * x.exp() * w.sin()).sum()
    if kind == "detached":
        return (x.detach() * w).sum()
    if kind in ("leaf", "plain"):
        return x if kind == "leaf" else c
    t = w
    for _ in range(2_000):
        t = t + 1
    return t


_REPLACED = "another tensor of the same values"


def _runs(root: Tensor, *leaves: Tensor) -> str:
    """Whether the caller can still go back from root: a pass frees what its nodes saved."""
    if root.requires_grad:
        try:
            torch.autograd.grad(root.sum(), leaves, allow_unused=True)
        except RuntimeError:
            return "raises"
    return "runs"


def _copied(grad: Tensor | None) -> Tensor | None:
    return None if grad is None else grad.clone()


def _equal(one: Tensor | None, other: Tensor | None) -> bool:
    if one is None or other is None:
        return one is other
    return torch.equal(one, other)


def _name(item: Any, known: dict[str, Tensor]) -> str:
    """`x` for x itself, `a copy of x` for another tensor of its values."""
    for name, tensor in known.items():
        if item is tensor:
            return name
    if not isinstance(item, Tensor):
        return type(item).__name__
    for name, tensor in known.items():
        if item.shape == tensor.shape and torch.equal(item, tensor):
            return f"a copy of {name}"
    return "another tensor"
