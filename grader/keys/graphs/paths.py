"""References and mistakes of the exercises on the graph itself."""

from collections import deque

import torch
from torch import Tensor

from grader.trusted.key import Key, raises

Pair = tuple[Tensor, Tensor]


class TwoPathGradKey(Key, task="two_path_grad"):
    def reference(x: Tensor, w: Tensor) -> Pair:
        x, w = x.clone().requires_grad_(), w.clone().requires_grad_()
        dx, dw = torch.autograd.grad(((x + w) * (w + 1)).sum(), (x, w))
        return dx, dw

    def first_path_only(w):
        """You followed only the path from w through a = x + w. w also reaches y through
        b = w + 1: add the derivative along that path."""
        return w + 1, w + 1

    def second_path_only(x, w):
        """You followed only the path from w through b = w + 1. w also reaches y through
        a = x + w: add the derivative along that path."""
        return w + 1, x + w

    def product_of_paths(x, w):
        """You multiplied the two paths from w to y. Derivatives are multiplied along a path, and
        added where paths meet."""
        return w + 1, (w + 1) * (x + w)

    def forgot_plus_one(x, w):
        """You took the second factor for w. It is w + 1, so a gets the gradient w + 1."""
        return w.clone(), x + 2 * w

    def swapped(x, w):
        """You returned (dw, dx). The answer is the pair (dx, dw)."""
        return x + 2 * w + 1, w + 1


def _edges(a: Tensor, w1: Tensor, w2: Tensor, w3: Tensor, w4: Tensor) -> dict[str, Tensor]:
    names = ("a", "w1", "w2", "w3", "w4")
    leaves = [t.clone().requires_grad_() for t in (a, w1, w2, w3, w4)]
    a, w1, w2, w3, w4 = leaves
    loss = 10 - (w3 * (w1 * a) + w4 * (w2 * a))
    return dict(zip(names, torch.autograd.grad(loss, leaves), strict=True))


class EdgeProductsKey(Key, task="edge_products"):
    reference = _edges

    def both_paths_for_w4(a, w1, w2, w3, w4):
        """Your dL/dw4 is the sum over two paths, which is dL/da. w4 reaches L by one path: its
        derivative is -c."""
        grads = _edges(a, w1, w2, w3, w4)
        return grads | {"w4": grads["a"]}

    def sign_dropped(a, w1, w2, w3, w4):
        """Every derivative has the wrong sign. You forgot that L = 10 - d: the last edge
        multiplies by -1."""
        return {name: -grad for name, grad in _edges(a, w1, w2, w3, w4).items()}

    def upper_branch_only(a, w1, w2, w3, w4):
        """Your dL/da follows only the branch through b. a also reaches L through c: add
        -(w4 * w2)."""
        return _edges(a, w1, w2, w3, w4) | {"a": -(w3 * w1)}

    def lower_branch_only(a, w1, w2, w3, w4):
        """Your dL/da follows only the branch through c. a also reaches L through b: add
        -(w3 * w1)."""
        return _edges(a, w1, w2, w3, w4) | {"a": -(w4 * w2)}


def _walk(t, *, once=True, leaves=True, last_first=False, root=True):
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


class WalkGraphKey(Key, task="walk_graph"):
    def reference(t: Tensor) -> list[str]:
        return _walk(t)

    def nodes_repeated(t):
        """Nodes that are reached on several ways appear several times. Remember which nodes you
        have met, and add each once."""
        return _walk(t, once=False)

    def accumulate_grad_missing(t):
        """The AccumulateGrad nodes are missing. They are nodes like the others: the end of the
        walk, where a leaf's .grad is added to."""
        return _walk(t, leaves=False)

    def depth_first(t):
        """All nodes are there, in depth-first order. For breadth first, take the next node from
        the other end: popleft() of a deque."""
        return _walk(t, last_first=True)

    def root_missing(t):
        """t.grad_fn itself is missing: it is the first node of the walk."""
        return _walk(t, root=False)

    @raises(r"'NoneType' object has no attribute")
    def none_edge_followed(t):
        """You followed an edge that leads nowhere. An input that does not require grad stands in
        next_functions as (None, 0), and a leaf's grad_fn is None: skip both."""
        names, queue, met = [], deque([t.grad_fn]), {t.grad_fn}
        while queue:
            node = queue.popleft()
            names.append(node.name())
            for following, _ in node.next_functions:
                if following not in met:
                    met.add(following)
                    queue.append(following)
        return names

    @raises(r"'NoneType' object has no attribute")
    def none_edge_followed_from_leaf_only(t):
        """A leaf has no grad_fn: it is None, and the walk has nothing to visit. Return [] then."""
        if t.grad_fn is None:
            t.grad_fn.name()
        return _walk(t)

    @raises(r"argument|not callable")
    def grad_fn_called(t):
        """You wrote t.grad_fn(). grad_fn is an attribute: it holds the node, and calling the node
        runs its backward."""
        t.grad_fn()
        return []

    @raises(r"maximum recursion depth")
    def recursive(t):
        """Your function calls itself once per node, which fails on deep graphs and visits depth
        first. Keep the nodes still to visit in a deque, and loop."""
        names = []
        met = set()

        def visit(node):
            if node is None or node in met:
                return
            met.add(node)
            names.append(node.name())
            for following, _ in node.next_functions:
                visit(following)

        visit(t.grad_fn)
        return names
