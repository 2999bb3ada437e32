"""Reference and mistakes of the exercise that finds the leaves of a graph."""

from collections import deque
from typing import Any

import torch
from torch import Tensor

from grader.trusted.families.loops import first_of_list
from grader.trusted.families.walks import until_none
from grader.trusted.key import Key, raises

_NO_NODE = r"'NoneType' object has no attribute '(next_functions|variable|name)'"


def _ends(root: Tensor, *, once: bool = True, first_input: bool = False) -> list[Any]:
    """The AccumulateGrad nodes that can be reached from a root with a grad_fn."""
    queue, met, found = deque([root.grad_fn]), {root.grad_fn}, []
    while queue:
        node: Any = queue.popleft()
        if hasattr(node, "variable"):
            found.append(node)
        following = [n for n, _ in node.next_functions if n is not None]
        for other in following[:1] if first_input else following:
            if not once or other not in met:
                met.add(other)
                queue.append(other)
    return found


def _leaves(root: Tensor, **walk: bool) -> list[Tensor]:
    if root.grad_fn is None:
        return [root] if root.requires_grad else []
    return [node.variable for node in _ends(root, **walk)]


def _unguarded(root: Tensor) -> list[Tensor]:
    """The walk without a test for None on an edge."""
    queue, met, found = deque([root.grad_fn]), {root.grad_fn}, []
    while queue:
        node: Any = queue.popleft()
        for following, _ in node.next_functions:
            if following not in met:
                met.add(following)
                queue.append(following)
        if hasattr(node, "variable"):
            found.append(node.variable)
    return found


def _until_none(root: Tensor, *, first: bool = False) -> list[Tensor]:
    if root.grad_fn is None:
        return _leaves(root)
    nodes = until_none(root.grad_fn, first=first)
    return [node.variable for node in nodes if hasattr(node, "variable")]


def _emptied(leaves: list[Tensor]) -> list[Tensor]:
    """The leaves, with nothing in .grad."""
    for leaf in leaves:
        leaf.grad = None
    return leaves


class LeafGradsKey(Key, task="leaf_grads"):
    families = (*first_of_list(_leaves, "leaf", "Go on as long as a node waits."),)

    def reference(root: Tensor) -> list[Tensor]:
        return _leaves(root)

    def listed_once_per_path(root):
        """A leaf that is used twice stands in your list twice. Its AccumulateGrad node is reached
        on two ways and is one node: remember which nodes you have met."""
        return _leaves(root, once=False)

    def paths_and_leaf_as_root_forgotten(root):
        """A leaf that is used twice stands in your list twice: remember which nodes you have met.
        And a root that is itself a leaf and requires grad is missing: return [root]."""
        return [] if root.grad_fn is None else _leaves(root, once=False)

    def paths_and_every_leaf_as_root(root):
        """A leaf that is used twice stands in your list twice: remember which nodes you have met.
        And you listed a root that does not require grad: test requires_grad, too."""
        return [root] if root.grad_fn is None else _leaves(root, once=False)

    def first_input_and_leaf_as_root_forgotten(root):
        """You followed the first input of every node alone: visit all of next_functions. And a root
        that is itself a leaf and requires grad is missing: return [root]."""
        return [] if root.grad_fn is None else _leaves(root, first_input=True)

    def first_input_and_every_leaf_as_root(root):
        """You followed the first input of every node alone: visit all of next_functions. And you
        listed a root that does not require grad: test requires_grad, too."""
        return [root] if root.grad_fn is None else _leaves(root, first_input=True)

    @raises(r"Boolean value of Tensor with more than one value is ambiguous")
    def sought_by_value(root):
        """You asked whether a tensor is `in` a list. That compares tensors with ==, entry by entry,
        and there is no single answer. Ask whether its node is in a set of nodes: nodes are compared
        by identity."""
        found = []
        for leaf in _leaves(root, once=False):
            if leaf not in found:
                found.append(leaf)
        return found

    def copies_returned(root):
        """You returned other tensors with the values of the leaves. detach(), clone() and .data all
        make a new tensor, and backward writes into the .grad of the old one. Return node.variable
        itself."""
        return [leaf.detach() for leaf in _leaves(root)]

    def copies_of_those_found(root):
        """What you found in the graph is not what you returned: detach(), clone() and .data all
        make a new tensor, and backward writes into the .grad of the old one. Return node.variable
        itself."""
        found = _leaves(root)
        return found if root.grad_fn is None else [leaf.detach() for leaf in found]

    def pass_run(root):
        """Your list is right, and .grad of the leaves is not what it was. A backward pass adds to
        it, and nobody asked for one: the graph tells where gradients would go, without a pass."""
        if root.requires_grad:
            root.sum().backward(retain_graph=True)
        return _leaves(root)

    def pass_run_and_graph_freed(root):
        """Your list is right, and .grad of the leaves is not what it was. A backward pass adds to
        it, and frees what the graph saved: the caller's own raises then. The graph tells where
        gradients would go, without a pass."""
        found = _leaves(root)
        if root.requires_grad:
            root.sum().backward()
        return found

    def graph_freed(root):
        """Your list is right, and a pass from root raises after your function: you ran one, and it
        freed what the caller's own pass needs. The graph tells where gradients would go, without a
        pass; retain_graph=True would keep what is saved."""
        found = _leaves(root)
        if root.grad_fn is not None:
            torch.autograd.grad(root.sum(), found, allow_unused=True)
        return found

    def grads_put_back_as_copies(root):
        """Your list is right, and .grad of a leaf is another tensor than before, of the same
        values: who holds the old one no longer sees what is added. Leave each as it is. The graph
        tells where gradients would go, without a pass."""
        found = _leaves(root)
        for leaf in found:
            leaf.grad = None if leaf.grad is None else leaf.grad.clone()
        return found

    def grads_put_back_as_copies_but_not_of_a_root(root):
        """Your list is right, and .grad of a leaf is another tensor than before, of the same
        values: who holds the old one no longer sees what is added. Leave each as it is. The graph
        tells where gradients would go, without a pass."""
        if root.is_leaf:
            return _leaves(root)
        return LeafGradsKey.grads_put_back_as_copies(root)

    def grads_emptied(root):
        """Your list is right, and what lay in .grad of a leaf is lost: it was emptied, or has other
        numbers. Leave each as it is. The graph tells where gradients would go: that needs no pass,
        and no .grad is in the way."""
        return _emptied(_leaves(root))

    def grads_emptied_but_not_of_a_root(root):
        """Your list is right, and what lay in .grad of a leaf is lost: it was emptied, or has other
        numbers. Leave each as it is. The graph tells where gradients would go: that needs no pass,
        and no .grad is in the way."""
        return _leaves(root) if root.is_leaf else _emptied(_leaves(root))

    def pass_run_but_from_a_leaf(root):
        """Your list is right, and .grad of the leaves is not what it was. A backward pass adds to
        it, and nobody asked for one: the graph tells where gradients would go, without a pass."""
        return _leaves(root) if root.is_leaf else LeafGradsKey.pass_run(root)

    def pass_run_and_graph_freed_but_from_a_leaf(root):
        """Your list is right, and .grad of the leaves is not what it was. A backward pass adds to
        it, and frees what the graph saved: the caller's own raises then. The graph tells where
        gradients would go, without a pass."""
        return _leaves(root) if root.is_leaf else LeafGradsKey.pass_run_and_graph_freed(root)

    def gradients_returned(root):
        """You returned what stands in .grad, which is None before a backward pass. Return the
        leaves."""
        return [leaf.grad for leaf in _leaves(root)]

    def nodes_returned(root):
        """You returned the AccumulateGrad nodes. Each holds its leaf in node.variable."""
        return _leaves(root) if root.grad_fn is None else _ends(root)

    def first_input_only(root):
        """You followed the first input of every node alone. next_functions lists all inputs: visit
        each of them."""
        return _leaves(root, first_input=True)

    def first_two_inputs(root):
        """You followed the first two inputs of every node alone. next_functions lists all inputs:
        visit each of them."""
        if root.grad_fn is None:
            return _leaves(root)
        nodes, met = [root.grad_fn], {root.grad_fn}
        for node in nodes:
            for following, _ in node.next_functions[:2]:
                if following is not None and following not in met:
                    met.add(following)
                    nodes.append(following)
        return [node.variable for node in nodes if hasattr(node, "variable")]

    def first_outputs_only(root):
        """You went on only where the number beside a node is 0. It says which output of that node
        the edge leads to, and any output will do: follow every edge whose node is not None."""
        if root.grad_fn is None:
            return _leaves(root)
        nodes, met = [root.grad_fn], {root.grad_fn}
        for node in nodes:
            for following, output in node.next_functions:
                if following is not None and output == 0 and following not in met:
                    met.add(following)
                    nodes.append(following)
        return [node.variable for node in nodes if hasattr(node, "variable")]

    def one_step_only(root):
        """You looked at the inputs of root.grad_fn and no further. Go on from each of them until
        the walk ends at AccumulateGrad nodes."""
        if root.grad_fn is None:
            return _leaves(root)
        near = [node for node, _ in root.grad_fn.next_functions]
        return [node.variable for node in near if hasattr(node, "variable")]

    def only_with_a_grad(root):
        """You asked which leaves have a .grad already. Most have none before the pass: what counts
        is that it will add to them."""
        return [leaf for leaf in _leaves(root) if root.grad_fn is None or leaf.grad is not None]

    def filled_ones_left_out(root):
        """You left out a leaf that has a .grad already. The pass adds to that as well: what lies in
        .grad does not matter."""
        found = _leaves(root)
        return found if root.grad_fn is None else [leaf for leaf in found if leaf.grad is None]

    def filled_ones_left_out_and_a_filled_root(root):
        """You left out a leaf that has a .grad already. The pass adds to that as well: what lies in
        .grad does not matter."""
        return [leaf for leaf in _leaves(root) if leaf.grad is None]

    def ends_not_recognised(root):
        """Your list is empty wherever root is no leaf: the walk does not know its ends. The name()
        of such a node is torch::autograd::AccumulateGrad, and not AccumulateGrad alone. Ask
        hasattr(node, "variable"), which needs no name."""
        return _leaves(root) if root.grad_fn is None else []

    def none_ends_the_inputs(root):
        """You left the inputs of a node at the first None. An input that does not require grad
        stands in next_functions as (None, 0), and others may stand behind it: skip it, and go
        on."""
        return _until_none(root)

    def nodes_with_none_passed_over(root):
        """You went no further from a node that has a None among its inputs. An input that does not
        require grad stands in next_functions as (None, 0): skip that one, and visit the others."""
        return _until_none(root, first=True)

    def told_apart_by_value(root):
        """You took two leaves of equal values for one. They are two tensors, each with a .grad of
        its own: tell them apart by identity, or keep their nodes in a set."""
        found = []
        for leaf in _leaves(root):
            if not any(torch.equal(leaf, other) for other in found):
                found.append(leaf)
        return found

    def told_apart_by_value_from_behind(root):
        """You took two leaves of equal values for one. They are two tensors, each with a .grad of
        its own: tell them apart by identity, or keep their nodes in a set."""
        found = []
        for leaf in reversed(_leaves(root)):
            if not any(torch.equal(leaf, other) for other in found):
                found.append(leaf)
        return found

    def told_apart_by_memory(root):
        """You took two leaves on one memory for one, as x and x.detach().requires_grad_(). They are
        two tensors, each with a .grad of its own: tell them apart by identity, or keep their nodes
        in a set."""
        return list({leaf.data_ptr(): leaf for leaf in reversed(_leaves(root))}.values())

    def told_apart_by_memory_from_behind(root):
        """You took two leaves on one memory for one, as x and x.detach().requires_grad_(). They are
        two tensors, each with a .grad of its own: tell them apart by identity, or keep their nodes
        in a set."""
        return list({leaf.data_ptr(): leaf for leaf in _leaves(root)}.values())

    def leaf_as_root_forgotten(root):
        """A root that is itself a leaf and requires grad is missing. It has no grad_fn to start the
        walk from, yet root.backward() adds to root.grad: return [root]."""
        return [] if root.grad_fn is None else _leaves(root)

    def every_leaf_as_root(root):
        """You listed a root that does not require grad. It is a leaf, but no gradient is ever
        added to it: test requires_grad, too."""
        return [root] if root.grad_fn is None else _leaves(root)

    def filled_ones_only(root):
        """You left out leaves whose .grad is None. Before the first pass every .grad is None: what
        counts is whether a node of the graph holds the leaf."""
        return [leaf for leaf in _leaves(root) if leaf.grad is not None]

    def names_returned(root):
        """You returned names or texts. The leaves themselves are asked for: node.variable."""
        return [node.name() for node in _ends(root)] if root.grad_fn else _leaves(root)

    def one_leaf_without_a_list(root):
        """For a root that is a leaf you returned the tensor alone, without a list. Return
        [root]."""
        return root if root.grad_fn is None and root.requires_grad else _leaves(root)

    def none_without_a_list(root):
        """You returned None where there is no leaf to list. Return an empty list."""
        return _leaves(root) or None

    @raises(_NO_NODE)
    def none_edge_followed(root):
        """You followed an edge that leads nowhere. An input that does not require grad stands in
        next_functions as (None, 0): skip it."""
        return _leaves(root) if root.grad_fn is None else _unguarded(root)

    @raises(_NO_NODE)
    def none_root_followed(root):
        """You started the walk at root.grad_fn without looking whether it is None, as it is for
        every leaf. Such a root is the answer itself if it requires grad, and else there is none."""
        return _unguarded(root) if root.grad_fn is None else _leaves(root)

    @raises(_NO_NODE)
    def none_followed(root):
        """You took None for a node. root.grad_fn is None if root is a leaf, and an input that does
        not require grad stands in next_functions as (None, 0): test for both."""
        return _unguarded(root)

    @raises(r"maximum recursion depth")
    def recursive(root):
        """Your function calls itself once per node, and a graph may be thousands of nodes deep.
        Keep the nodes still to visit in a list, and loop."""
        met = {}

        def visit(node):
            if node is not None and node not in met:
                met[node] = None
                for following, _ in node.next_functions:
                    visit(following)

        if root.grad_fn is None:
            return _leaves(root)
        visit(root.grad_fn)
        return [node.variable for node in met if hasattr(node, "variable")]
