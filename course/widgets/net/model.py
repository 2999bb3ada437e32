"""A net's graph folded into boxes, as plain data without a single tensor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

MOST_ITEMS = 12
"""How many boxes one view shows; longer ones are folded into runs of neighbours."""


@dataclass(frozen=True)
class Node:
    """One operation of the graph: its class, the path of its module, what it did in backward.

    `sends` has an entry for each operation that it takes from: its number, and the norm of the
    gradient that was sent there, or None where none was. `weights` are the norms of the gradients
    that it sent to parameters, by the parameters' full names.
    """

    kind: str
    owner: str
    sends: tuple[tuple[int, float | None], ...]
    weights: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Item:
    """One box of a view: its nodes, and the view it opens ("" for none).

    `word` says what it is: a module's class, or the operations in it.
    """

    name: str
    word: str
    nodes: frozenset[int]
    opens: str = ""
    is_module: bool = False
    is_outside: bool = False


@dataclass(frozen=True)
class View:
    """What one choice shows: boxes, inputs first, and which take from which."""

    name: str
    items: tuple[Item, ...]
    edges: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Net:
    """The nodes of a graph, inputs first, and what is said of its parameters."""

    name: str
    kind: str
    nodes: tuple[Node, ...]
    classes: Mapping[str, str]
    reached: int
    unreached: tuple[str, ...]
    frozen: int

    @cached_property
    def _takers(self) -> list[list[int]]:
        """For each node, the nodes that take from it."""
        found: list[list[int]] = [[] for _ in self.nodes]
        for index, node in enumerate(self.nodes):
            for source in {to for to, _ in node.sends}:
                found[source].append(index)
        return found

    def views(self) -> dict[str, View]:
        """Every view by its name, the whole net first; a view that opens follows its own."""
        found: dict[str, View] = {}
        waiting = [self._view(self.name, self._first_fork(), frozenset(range(len(self.nodes))))]
        while waiting:
            view, below = waiting.pop(0)
            found[view.name] = view
            waiting = [*(self._view(*one) for one in below), *waiting]
        return found

    def _first_fork(self) -> str:
        """The path of the innermost module around all others: one box alone is no picture."""
        path = ""
        parts = {self._part(path, index) for index in range(len(self.nodes))}
        while len(parts) == 1:
            (only,) = parts
            parts = {self._part(only, index) for index in range(len(self.nodes))}
            if all(part.startswith("#") for part in parts):  # only has operations of its own
                break
            path = only
        return path

    def _view(
        self, name: str, path: str, inside: frozenset[int]
    ) -> tuple[View, list[tuple[str, str, frozenset[int]]]]:
        """The view of a module's nodes, and what is needed for those that its boxes open."""
        groups = list(self._groups(path, inside))
        below: list[tuple[str, str, frozenset[int]]] = []
        if len(groups) > MOST_ITEMS:
            size = -(-len(groups) // MOST_ITEMS)
            runs = [groups[at : at + size] for at in range(0, len(groups), size)]
            items = [self._run(path, run, below) for run in runs]
        else:
            above = "" if name == self.name else path
            items = [self._item(above, key, nodes, below) for key, nodes in groups]
        return self._with_outside(name, items, inside), below

    def _groups(self, path: str, inside: frozenset[int]) -> Iterator[tuple[str, frozenset[int]]]:
        """A view's boxes in an order in which none takes from a later one: key and nodes.

        Nodes of one part stand together. Where that would close a circle, as in a module that is
        called again on its own result, all in the circle are one box.
        """
        key = {index: self._part(path, index) for index in inside}
        for index in sorted(inside, reverse=True):  # a chain of the module's own is one box
            takers = [one for one in self._takers[index] if one in inside]
            if key[index][0] == "#" and len(takers) == 1 and key[takers[0]][0] == "#":
                key[index] = key[takers[0]]
        while True:
            takes: dict[str, set[str]] = {one: set() for one in key.values()}
            for index in sorted(inside):
                for source, _ in self.nodes[index].sends:
                    if source in inside and key[source] != key[index]:
                        takes[key[index]].add(key[source])
            try:
                order = list(TopologicalSorter(takes).static_order())
                break
            except CycleError as error:
                circle = set(error.args[1])
                one = min(circle, key=lambda name: (name.startswith("#"), name))
                key = {index: one if name in circle else name for index, name in key.items()}
        for name in order:
            yield name, frozenset(index for index in inside if key[index] == name)

    def _part(self, path: str, index: int) -> str:
        """The part of a module that a node belongs to; a name of its own if it is in none."""
        owner = self.nodes[index].owner
        rest = owner.removeprefix(path).removeprefix(".") if path else owner
        within = owner == path or (path and not owner.startswith(path + "."))
        first = rest.partition(".")[0]
        return f"#{index}" if within or not first else (f"{path}.{first}" if path else first)

    def _item(
        self,
        path: str,
        key: str,
        nodes: frozenset[int],
        below: list[tuple[str, str, frozenset[int]]],
    ) -> Item:
        if key.startswith("#"):
            return Item(_counted([self.nodes[index].kind for index in sorted(nodes)]), "", nodes)
        opens = ""
        if len({self._part(key, index) for index in nodes}) > 1:
            opens = f"{self.name}.{key}"
            below.append((opens, key, nodes))
        short = key.removeprefix(path).removeprefix(".")
        return Item(short, self.classes.get(key, ""), nodes, opens, is_module=True)

    def _run(
        self,
        path: str,
        run: Sequence[tuple[str, frozenset[int]]],
        below: list[tuple[str, str, frozenset[int]]],
    ) -> Item:
        """Neighbours as one box, named after the first and the last part among them."""
        if len(run) == 1:
            return self._item(path, *run[0], below)
        nodes = frozenset[int]().union(*(nodes for _, nodes in run))
        parts = [key.rpartition(".")[2] for key, _ in run if not key.startswith("#")]
        name = f"{parts[0]} … {parts[-1]}" if len(parts) > 1 else (parts or ["operations"])[0]
        opens = f"{self.name}.{path}: {name}" if path else f"{self.name}: {name}"
        below.append((opens, path, nodes))
        return Item(name, f"{len(run)} parts", nodes, opens, is_module=True)

    def _with_outside(self, name: str, items: Sequence[Item], inside: frozenset[int]) -> View:
        """The view with a box for what is taken from outside, and one for what takes from it."""
        sources = {to for index in inside for to, _ in self.nodes[index].sends} - inside
        takers = {taker for index in inside for taker in self._takers[index]} - inside
        found = list(items)
        if sources:
            found.insert(0, self._outside(sources))
        if takers:
            found.append(self._outside(takers))
        edges = []
        for target, item in enumerate(found):
            for source, other in enumerate(found[:target]):
                if not (item.is_outside and other.is_outside) and self.between(other, item):
                    edges.append((source, target))
        return View(name, tuple(found), tuple(edges))

    def between(self, source: Item, target: Item) -> list[float | None]:
        """The norms of what each node of the target sends to a node of the source."""
        return [
            norm
            for index in target.nodes
            for to, norm in self.nodes[index].sends
            if to in source.nodes
        ]

    def _outside(self, nodes: set[int]) -> Item:
        owners = dict.fromkeys(self.nodes[index].owner or self.name for index in sorted(nodes))
        first, *others = owners
        name = f"{first} and {len(others)} more" if others else first
        return Item(name, self.classes.get(name, ""), frozenset(nodes), is_outside=True)


def _counted(kinds: Sequence[str]) -> str:
    names = [kind.removesuffix("0").removesuffix("Backward") for kind in kinds]
    shown = [names[0]] + [now for then, now in pairwise(names) if now != then]
    return " → ".join(shown) if len(shown) <= 3 else f"{shown[0]} → … → {shown[-1]}"
