"""Reference and mistakes of the exercise that finds where a gradient goes bad."""

from __future__ import annotations

import math
import re
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from grader.trusted.families.tables import Mistakes
from grader.trusted.key import Key, mistake, raises

Node = Any
Grads = Sequence[Tensor | None]


def _nodes(loss: Tensor) -> list[Node]:
    """Every node that can be reached, breadth first."""
    found: dict[Node, None] = {loss.grad_fn: None}
    waiting = deque(found)
    while waiting:
        for node, _ in waiting.popleft().next_functions:
            if node is not None and node not in found:
                found[node] = None
                waiting.append(node)
    return list(found)


@dataclass(frozen=True)
class _Ran:
    """A node of a pass: what arrived at it, and what it sent on."""

    node: Node
    incoming: Grads
    outgoing: Grads

    @property
    def name(self) -> str:
        return str(self.node.name())

    def births(self, is_bad: Callable[[Grads], bool]) -> bool:
        """Whether it makes a bad gradient of good ones."""
        return is_bad(self.outgoing) and not is_bad(self.incoming)


def _bad(grads: Grads) -> bool:
    """A sum is finite only if every term is: the cheapest way to ask thousands of nodes."""
    return any(
        g is not None and not math.isfinite(g.sum().item()) and not bool(torch.isfinite(g).all())
        for g in grads
    )


def _overflows(grads: Grads) -> bool:
    """Whether the sum of a gradient is not finite: finite entries may add up to an inf."""
    return any(g is not None and not math.isfinite(g.sum().item()) for g in grads)


def _nan(grads: Grads) -> bool:
    return _bad(grads) and any(g is not None and bool(torch.isnan(g).any()) for g in grads)


def _inf(grads: Grads) -> bool:
    return _bad(grads) and any(g is not None and bool(torch.isinf(g).any()) for g in grads)


_OWN = torch.autograd.function.BackwardCFunction
"""The nodes of Functions that are written in Python."""


def _from_the_end(loss: Tensor) -> list[Node]:
    """Every node that can be reached, as a list comes to them that is taken from its end."""
    found: dict[Node, None] = {}
    waiting = [loss.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in found:
            found[node] = None
            waiting += [following for following, _ in node.next_functions]
    return list(found)


def _run(loss: Tensor, *, retain: bool = True) -> list[_Ran]:
    """The nodes in the order in which a pass runs them."""
    nodes, ran = _nodes(loss), []

    def see(node: Node) -> Callable[[Grads, Grads], None]:
        def hook(outgoing: Grads, incoming: Grads) -> None:
            ran.append(_Ran(node, incoming, outgoing))

        return hook

    handles = [node.register_hook(see(node)) for node in nodes]
    try:
        torch.autograd.grad(loss, _leaves(nodes), retain_graph=retain, allow_unused=True)
    finally:
        for handle in handles:
            handle.remove()
    return ran


def _leaves(nodes: Sequence[Node]) -> list[Tensor]:
    return [node.variable for node in nodes if hasattr(node, "variable")]


def _first(names: Iterator[str]) -> str | None:
    return next(names, None)


def _birth(loss: Tensor) -> str | None:
    return _first(one.name for one in _run(loss) if one.births(_bad))


def _depth(node: Node, met: set[Node]) -> None:
    """Visit every node by calling itself."""
    met.add(node)
    for following, _ in node.next_functions:
        if following is not None and following not in met:
            _depth(following, met)


def _one_way(loss: Tensor) -> list[Node]:
    """From each node to the first one that it leads to."""
    way: list[Node] = [loss.grad_fn]
    while following := next((one for one, _ in way[-1].next_functions if one is not None), None):
        way.append(following)
    return way


def _on_one_way(loss: Tensor) -> str | None:
    way = _one_way(loss)
    return _first(one.name for one in _run(loss) if one.births(_bad) and one.node in way)


def _always(*names: str) -> Mistakes:
    """One kind of node, wherever anything goes bad."""

    def always(name: str) -> Callable[[Tensor], str | None]:
        return lambda loss: name if _birth(loss) else None

    return tuple(
        mistake(
            f"always_{name}",
            f"You name {name} wherever a gradient goes bad. Other nodes do that too: look at what "
            "each one receives and sends on.",
            always(name),
        )
        for name in names
    )


def _last_of_the_loop() -> Mistakes:
    """Hooks that read the loop's variable when they are called, after loops of both kinds."""

    def last(nodes: Callable[[Tensor], list[Node]]) -> Callable[[Tensor], str | None]:
        return lambda loss: nodes(loss)[-1].name() if _birth(loss) else None

    return tuple(
        mistake(
            name,
            "Every hook of yours names the node that your loop came to last. A function that is "
            "made in a loop reads the loop's variable when it is called. Hand the node over: "
            "def hook(sent, arrived, node=node).",
            last(nodes),
        )
        for name, nodes in (("last_of_a_loop", _nodes), ("last_of_a_list", _from_the_end))
    )


def _by_anomaly_mode() -> Mistakes:
    """What the error of anomaly mode names, in a pass that frees the graph or keeps it."""

    def named(loss: Tensor, retain: bool) -> str | None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with torch.autograd.detect_anomaly():
                try:
                    loss.backward(retain_graph=retain)
                except RuntimeError as error:
                    found = re.search(r"'(\S+)' returned nan", str(error))
                    return found[1] if found else None
        return None

    return tuple(
        mistake(
            f"anomaly_mode{name}",
            "You let anomaly mode name the node. It looks for nan alone, where an inf is bad as "
            "well; and backward() adds to .grad of the leaves, and uses the graph up unless it is "
            "told otherwise. Put hooks on the nodes, and run torch.autograd.grad.",
            lambda loss, retain=retain: named(loss, retain),
        )
        for name, retain in (("", False), ("_graph_kept", True))
    )


class BornNanKey(Key, task="born_nan"):
    def reference(loss: Tensor) -> str | None:
        return _birth(loss)

    def nan_alone(loss):
        """You named the first node that sends a nan on. An inf is bad as well, and often comes
        first: the root of 0 sends inf, and a product behind it makes nan of that. Anomaly mode
        looks for nan alone, too. Ask torch.isfinite."""
        return _first(one.name for one in _run(loss) if _nan(one.outgoing))

    def good_in_nan_out(loss):
        """You asked for a node that receives finite numbers and sends a nan. Where the first bad
        number is an inf, its node sends no nan. Ask of both sides whether all is finite."""
        ran = _run(loss)
        return _first(one.name for one in ran if _nan(one.outgoing) and not _bad(one.incoming))

    def inf_alone(loss):
        """You asked for an inf alone. A nan is bad as well, and comes without an inf where 0 is
        multiplied by one: ask torch.isfinite."""
        return _first(one.name for one in _run(loss) if one.births(_inf))

    def own_functions_left_out(loss):
        """You left out the nodes of Functions that somebody has written. They count like all
        others: put a hook on every node."""
        born = (one.node for one in _run(loss) if one.births(_bad))
        return _first(str(node.name()) for node in born if not isinstance(node, _OWN))

    def last_birth(loss):
        """Where several nodes make a bad gradient of good ones, you name the last of them. Name the
        first that the pass runs: what a later hook writes must not take its place."""
        return _first(one.name for one in reversed(_run(loss)) if one.births(_bad))

    def last_sender(loss):
        """You named the last node that sends a bad gradient on: it was handed a bad one already.
        Ask what arrives at a node, too, and keep the first name only."""
        return _first(one.name for one in reversed(_run(loss)) if _bad(one.outgoing))

    def first_sender(loss):
        """You named the first node that sends a bad gradient on, whatever had come in. Two finite
        gradients that meet may add up to an inf: then the node behind them was handed a bad one.
        Ask of both tuples."""
        return _first(one.name for one in _run(loss) if _bad(one.outgoing))

    def victim(loss):
        """You named the first node that a bad gradient arrives at. It is the node before it in the
        pass that made it: a hook is handed what its node sends on first, and what arrived at it
        second."""
        return _first(one.name for one in _run(loss) if _bad(one.incoming))

    def tuples_exchanged(loss):
        """You took the two tuples of a hook for each other: you named a node that receives a bad
        gradient and sends good ones on. The first tuple is what the node sends on, towards its
        inputs; the second is what arrived."""
        return _first(
            one.name for one in _run(loss) if _bad(one.incoming) and not _bad(one.outgoing)
        )

    def order_of_the_walk(loss):
        """You named the first in the order in which you walked the graph. The pass has another
        order: of the operations that are ready it runs the one that was made last. Let the hooks
        write the order down."""
        born = [one.node for one in _run(loss) if one.births(_bad)]
        return _first(str(node.name()) for node in _nodes(loss) if node in born)

    def order_of_a_list(loss):
        """You named the first that your walk over the graph came to. The pass has another order: of
        the operations that are ready it runs the one that was made last. Let the hooks write the
        order down."""
        born = [one.node for one in _run(loss) if one.births(_bad)]
        return _first(str(node.name()) for node in _from_the_end(loss) if node in born)

    def sums_looked_at(loss):
        """You call a gradient bad whose sum is not finite, or whose norm is not. Entries that are
        finite may add up to an inf: ask of all entries, torch.isfinite(g).all()."""
        return _first(one.name for one in _run(loss) if one.births(_overflows))

    def first_that_arrives(loss):
        """Of what arrives at a node you looked at the first gradient alone. A node with several
        outputs gets several: look at all that are not None."""

        def is_bad(grads: Grads) -> bool:
            return _bad([g for g in grads if g is not None][:1])

        ran = _run(loss)
        return _first(one.name for one in ran if _bad(one.outgoing) and not is_bad(one.incoming))

    def all_entries_bad(loss):
        """You called a gradient bad if all of its entries are. One is enough: ask whether all are
        finite, and take the opposite."""
        return _first(
            one.name
            for one in _run(loss)
            if any(g is not None and not torch.isfinite(g).any() for g in one.outgoing)
        )

    def first_of_the_tuple(loss):
        """You looked at the first gradient that a node sends alone. A node with several inputs
        sends several: look at all that are not None."""
        return _first(one.name for one in _run(loss) if _bad(one.outgoing[:1]))

    def first_that_is_sent(loss):
        """You looked at the first gradient that a node sends alone. A node with several inputs
        sends several: look at all that are not None."""
        ran = _run(loss)
        return _first(one.name for one in ran if _bad(one.outgoing[:1]) and not _bad(one.incoming))

    def first_of_both_tuples(loss):
        """You looked at the first gradient of each tuple alone. A node with several inputs sends
        several, and one with several outputs gets several: look at all that are not None."""
        ran = _run(loss)
        return _first(
            one.name for one in ran if _bad(one.outgoing[:1]) and not _bad(one.incoming[:1])
        )

    def operation_of_the_loss(loss):
        """You named the node of the loss itself, loss.grad_fn. Hooks say what happens at every
        node: the one that sends on the first bad gradient is asked for."""
        return loss.grad_fn.name()

    def never_found(loss):
        """You always answer None. Hooks that are registered after the pass are not called, and
        neither are those on a node that the pass does not reach; and what a hook has found has to
        be returned at the end."""
        _run(loss)
        return

    def all_births(loss):
        """You returned a list of all the births. The name of the first is asked for, or None."""
        return [one.name for one in _run(loss) if one.births(_bad)]

    def empty_text(loss):
        """Where nothing goes bad you returned an empty text. Return None there."""
        return _birth(loss) or ""

    def node_itself(loss):
        """You returned the node. Its name is asked for: node.name()."""
        return next((one.node for one in _run(loss) if one.births(_bad)), None)

    def name_of_the_type(loss):
        """You named the types of the nodes. For most it is the same word, and not for all: the node
        of an edit in place of a part is named torch::autograd::CopySlices, and its type CopySlices.
        Ask name()."""
        born = (one.node for one in _run(loss) if one.births(_bad))
        return _first(type(node).__name__ for node in born)

    def first_inputs_alone(loss):
        """You followed the first input of each node alone. next_functions has an entry for every
        input: look at all of them."""
        return _on_one_way(loss)

    def first_inputs_alone_and_graph_used_up(loss):
        """You followed the first input of each node alone, where next_functions has an entry for
        every input. And your pass uses the graph up: pass retain_graph=True."""
        found = _on_one_way(loss)
        torch.autograd.grad(loss, _leaves(_one_way(loss)), allow_unused=True)
        return found

    def last_inputs_alone(loss):
        """You followed the last input of each node alone. next_functions has an entry for every
        input: look at all of them."""
        way = [loss.grad_fn]
        while ahead := [one for one, _ in way[-1].next_functions if one is not None]:
            way.append(ahead[-1])
        return _first(one.name for one in _run(loss) if one.births(_bad) and one.node in way)

    def graph_used_up(loss):
        """The names are right, and the graph is gone: somebody else can run no pass through it any
        more. Pass retain_graph=True."""
        found = _birth(loss)
        torch.autograd.grad(loss, _leaves(_nodes(loss)), allow_unused=True)
        return found

    def grads_added(loss):
        """The names are right, and your pass added to .grad of the leaves, as backward() does.
        torch.autograd.grad towards the leaves leaves .grad as it is."""
        found = _birth(loss)
        loss.backward(retain_graph=True)
        return found

    @raises(r"must be Tensor, not NoneType")
    def grads_emptied(loss):
        """The names are right, and .grad of the leaves is gone: you emptied it after your pass.
        torch.autograd.grad towards the leaves does not touch it."""
        found = _birth(loss)
        for leaf in _leaves(_nodes(loss)):
            leaf.grad = None
        return found

    def hooks_left(loss):
        """The names are right, and your hooks are still on the nodes: they run in every pass of
        others. Keep what register_hook returns, and call remove() on each."""
        for node in _nodes(loss):
            node.register_hook(lambda outgoing, incoming: None)
        return _birth(loss)

    def hooks_left_on_leaves(loss):
        """The names are right, and hooks of yours are still on the leaves: they run in every pass
        of others. Keep what register_hook returns, and call remove() on each."""
        for leaf in _leaves(_nodes(loss)):
            leaf.register_hook(lambda grad: None)
        return _birth(loss)

    def anomaly_left_on(loss):
        """The names are right, and anomaly detection is still on, which slows down all that
        follows. `with torch.autograd.detect_anomaly():` ends by itself."""
        found = _birth(loss)
        torch.autograd.set_detect_anomaly(True)
        return found

    @raises("maximum recursion depth exceeded")
    def walks_by_calling_itself(loss):
        """You walk the graph by a function that calls itself, and a graph may be deeper than Python
        lets calls be. Keep a list of nodes still to visit."""
        _depth(loss.grad_fn, set())
        return _birth(loss)

    @raises("must be Tensor, not NoneType|'NoneType' object has no attribute")
    def none_in_a_tuple(loss):
        """A gradient in the tuple of a hook may be None: nobody asked for it, or nothing arrived.
        Leave those out."""
        for one in _run(loss):
            for grad in (*one.outgoing, *one.incoming):
                torch.isfinite(grad)
        return _birth(loss)

    @raises("must be Tensor, not NoneType|'NoneType' object has no attribute")
    def none_that_arrives(loss):
        """What arrives at a node may hold a None: it has several outputs, and nothing came to one
        of them. Leave those out."""
        for one in _run(loss):
            for grad in one.incoming if _bad(one.outgoing) else ():
                torch.isfinite(grad)
                if _bad((grad,)):
                    break
        return _birth(loss)

    @raises("appears to not have been used in the graph")
    def lost_leaf_refused(loss):
        """torch.autograd.grad refuses a leaf that no gradient comes to, as where a Function returns
        None for it. Pass allow_unused=True: the nodes on the way run all the same."""
        torch.autograd.grad(loss, _leaves(_nodes(loss)), retain_graph=True)
        return _birth(loss)

    @raises("list index out of range")
    def nothing_to_take(loss):
        """Your list of births is empty where all is well, and has no first entry. Return None
        there."""
        found = [one.name for one in _run(loss) if one.births(_bad)]
        return found[0]

    @raises("^$")
    def next_of_nothing(loss):
        """Where all is well, next() finds nothing and raises StopIteration. Give it a second
        argument: next(..., None)."""
        return next(one.name for one in _run(loss) if one.births(_bad))

    families = (*_always("SqrtBackward0"), *_last_of_the_loop(), *_by_anomaly_mode())
