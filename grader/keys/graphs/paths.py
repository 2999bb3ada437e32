"""References and mistakes of the exercises on the graph itself."""

from __future__ import annotations

from collections import deque
from typing import Any

import torch
from torch import Tensor

from grader.trusted.key import Key, mistake

Pair = tuple[Tensor, Tensor]


class TwoPathGradKey(Key):
    task = "two_path_grad"

    @staticmethod
    def reference(x: Tensor, w: Tensor) -> Pair:
        x, w = x.clone().requires_grad_(), w.clone().requires_grad_()
        dx, dw = torch.autograd.grad(((x + w) * (w + 1)).sum(), (x, w))
        return dx, dw

    @mistake
    def first_path_only(x: Tensor, w: Tensor) -> Pair:
        """You followed only the path from w through a = x + w. w also reaches y through
        b = w + 1: add the derivative along that path."""
        return w + 1, w + 1

    @mistake
    def second_path_only(x: Tensor, w: Tensor) -> Pair:
        """You followed only the path from w through b = w + 1. w also reaches y through
        a = x + w: add the derivative along that path."""
        return w + 1, x + w

    @mistake
    def product_of_paths(x: Tensor, w: Tensor) -> Pair:
        """You multiplied the two paths from w to y. Derivatives are multiplied along a path, and
        added where paths meet."""
        return w + 1, (w + 1) * (x + w)

    @mistake
    def forgot_plus_one(x: Tensor, w: Tensor) -> Pair:
        """You took the second factor for w. It is w + 1, so a gets the gradient w + 1."""
        return w.clone(), x + 2 * w

    @mistake
    def swapped(x: Tensor, w: Tensor) -> Pair:
        """You returned (dw, dx). The answer is the pair (dx, dw)."""
        return x + 2 * w + 1, w + 1


def _edges(a: Tensor, w1: Tensor, w2: Tensor, w3: Tensor, w4: Tensor) -> dict[str, Tensor]:
    names = ("a", "w1", "w2", "w3", "w4")
    leaves = [t.clone().requires_grad_() for t in (a, w1, w2, w3, w4)]
    a, w1, w2, w3, w4 = leaves
    loss = 10 - (w3 * (w1 * a) + w4 * (w2 * a))
    return dict(zip(names, torch.autograd.grad(loss, leaves), strict=True))


class EdgeProductsKey(Key):
    task = "edge_products"

    reference = _edges

    @mistake
    def both_paths_for_w4(
        a: Tensor, w1: Tensor, w2: Tensor, w3: Tensor, w4: Tensor
    ) -> dict[str, Tensor]:
        """Your dL/dw4 is the sum over two paths, which is dL/da. w4 reaches L by one path: its
        derivative is -c."""
        grads = _edges(a, w1, w2, w3, w4)
        return grads | {"w4": grads["a"]}

    @mistake
    def sign_dropped(
        a: Tensor, w1: Tensor, w2: Tensor, w3: Tensor, w4: Tensor
    ) -> dict[str, Tensor]:
        """Every derivative has the wrong sign. You forgot that L = 10 - d: the last edge
        multiplies by -1."""
        return {name: -grad for name, grad in _edges(a, w1, w2, w3, w4).items()}

    @mistake
    def upper_branch_only(
        a: Tensor, w1: Tensor, w2: Tensor, w3: Tensor, w4: Tensor
    ) -> dict[str, Tensor]:
        """Your dL/da follows only the branch through b. a also reaches L through c: add
        -(w4 * w2)."""
        return _edges(a, w1, w2, w3, w4) | {"a": -(w3 * w1)}

    @mistake
    def lower_branch_only(
        a: Tensor, w1: Tensor, w2: Tensor, w3: Tensor, w4: Tensor
    ) -> dict[str, Tensor]:
        """Your dL/da follows only the branch through c. a also reaches L through b: add
        -(w3 * w1)."""
        return _edges(a, w1, w2, w3, w4) | {"a": -(w4 * w2)}


def _walk(
    t: Tensor,
    *,
    once: bool = True,
    leaves: bool = True,
    last_first: bool = False,
    root: bool = True,
) -> list[str]:
    queue = deque([t.grad_fn] if t.grad_fn is not None else [])
    met, names = set(queue), []
    while queue:
        node = queue.pop() if last_first else queue.popleft()
        names.append(node.name())
        for following, _ in node.next_functions:
            if following is None or (once and following in met):
                continue
            if not leaves and following.name().endswith("AccumulateGrad"):
                continue
            met.add(following)
            queue.append(following)
    return names if root else names[1:]


class WalkGraphKey(Key):
    task = "walk_graph"

    @staticmethod
    def reference(t: Tensor) -> list[str]:
        return _walk(t)

    @mistake
    def nodes_repeated(t: Tensor) -> list[str]:
        """Nodes that are reached on several ways appear several times. Remember which nodes you
        have met, and add each once."""
        return _walk(t, once=False)

    @mistake
    def accumulate_grad_missing(t: Tensor) -> list[str]:
        """The AccumulateGrad nodes are missing. They are nodes like the others: the end of the
        walk, where a leaf's .grad is added to."""
        return _walk(t, leaves=False)

    @mistake
    def depth_first(t: Tensor) -> list[str]:
        """All nodes are there, in depth-first order. For breadth first, take the next node from
        the other end: popleft() of a deque."""
        return _walk(t, last_first=True)

    @mistake
    def root_missing(t: Tensor) -> list[str]:
        """t.grad_fn itself is missing: it is the first node of the walk."""
        return _walk(t, root=False)

    @mistake(raises=r"'NoneType' object has no attribute")
    def none_edge_followed(t: Tensor) -> list[str]:
        """You followed an edge that leads nowhere. An input that does not require grad stands in
        next_functions as (None, 0), and a leaf's grad_fn is None: skip both."""
        names, queue, met = [], deque([t.grad_fn]), {t.grad_fn}
        while queue:
            node: Any = queue.popleft()
            names.append(node.name())
            for following, _ in node.next_functions:
                if following not in met:
                    met.add(following)
                    queue.append(following)
        return names

    @mistake(raises=r"'NoneType' object has no attribute")
    def none_edge_followed_from_leaf_only(t: Tensor) -> list[str]:
        """A leaf has no grad_fn: it is None, and the walk has nothing to visit. Return [] then."""
        if t.grad_fn is None:
            t.grad_fn.name()  # type: ignore[attr-defined]
        return _walk(t)

    @mistake(raises=r"argument|not callable")
    def grad_fn_called(t: Tensor) -> list[str]:
        """You wrote t.grad_fn(). grad_fn is an attribute: it holds the node, and calling the node
        runs its backward."""
        t.grad_fn()  # type: ignore[misc,operator]
        return []

    @mistake(raises=r"maximum recursion depth")
    def recursive(t: Tensor) -> list[str]:
        """Your function calls itself once per node, which fails on deep graphs and visits depth
        first. Keep the nodes still to visit in a deque, and loop."""
        names: list[str] = []
        met: set[Any] = set()

        def visit(node: Any) -> None:
            if node is None or node in met:
                return
            met.add(node)
            names.append(node.name())
            for following, _ in node.next_functions:
                visit(following)

        visit(t.grad_fn)
        return names
