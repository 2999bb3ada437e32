"""Every state of the leaf picture as one sentence: what a tensor is, why, and what it keeps."""

from __future__ import annotations

from course.widgets.frame.values import Value
from course.widgets.frame.words import listed
from course.widgets.graph.words import Words
from course.widgets.leaf.model import LeafGraph, Place, Run

MOST_LISTED = 6


class LeafWords:
    """What each step of the picture says."""

    def __init__(self, leaf_graph: LeafGraph) -> None:
        self.leaves = leaf_graph
        self.words = Words(leaf_graph.graph)

    def before(self, run: Run) -> str:
        """The whole graph, before the run."""
        boxes = self.leaves.graph.boxes
        kinds = [
            ("a leaf that requires grad", "leaves that require grad", "leaf"),
            ("a leaf that does not", "leaves that do not", "constant"),
            ("a non-leaf", "non-leaves", "tensor"),
        ]
        parts = []
        for one, several, kind in kinds:
            here = [i for i, box in enumerate(boxes) if box.kind == kind]
            if kind == "constant":  # one without a name may be a plain number
                here = [i for i in here if boxes[i].name]
            if here:
                names = self._names(here)
                parts.append(f"{names} {'is ' + one if len(here) == 1 else 'are ' + several}")
        when = f"before {run.backward}, " if run.backward else ""
        return f"{when}{listed(parts)}."

    def one(self, run: Run, index: int) -> str:
        """One box: what its tensor is and why, and what happens to its ``.grad``."""
        box = self.leaves.graph.boxes[index]
        if box.kind == "constant":
            return self._constant(index)
        if box.kind == "leaf":
            return self._leaf(run, index)
        parts = [self._computed(run, (index, output)) for output in range(len(box.names))]
        return " ".join(parts)

    def after(self, run: Run) -> str:
        """Every ``.grad`` after the run."""
        filled, empty = [], []
        for place, one in self.leaves.kept.items():
            value = self.leaves.after(run, place)
            if value is not None:
                filled.append(f"{self._grad(place)} = {value.words()}")
            elif one.readable and self.leaves.handed_on(place) is not None:
                empty.append(self._place(place))
        when = f"after {run.code}: " if run.backward else "now: "
        shown = listed(filled) if len(filled) <= MOST_LISTED else f"{len(filled)} tensors have one"
        text = f"{when}{shown or 'no tensor has a .grad'}"
        if not empty:
            return f"{text}."
        names = listed(empty) if len(empty) <= MOST_LISTED else f"{len(empty)} non-leaves"
        return f"{text}; what arrived at {names} was handed on and not kept."

    def _constant(self, index: int) -> str:
        name = self.leaves.graph.boxes[index].name
        no_node = "The graph has no node for it, and nothing is sent to it"
        if not name:
            return f"this input does not require grad, or is a plain number. {no_node}."
        stays = _words(self.leaves.kept[index, 0].grad)
        return (
            f"{name} is a leaf because it does not require grad. {no_node}: {name}.grad stays "
            f"{stays}."
        )

    def _leaf(self, run: Run, index: int) -> str:
        place, box = (index, 0), self.leaves.graph.boxes[index]
        kept = self.leaves.kept[index, 0]
        name = kept.name or "this tensor without a name"
        kind = "an nn.Parameter, and a leaf" if kept.parameter else "a leaf"
        made = f"{name} is {kind}: no recorded operation made it, so its grad_fn is None."
        grad = self._grad(place)
        if not box.accumulates:
            return (
                f"{made} Its requires_grad was switched off after the graph was recorded, so what "
                f"arrives is dropped and {grad} stays {_words(kept.grad)}."
            )
        made += " It requires grad, so the graph has an AccumulateGrad node for it"
        if not run.backward:
            return f"{made}, which adds what arrives to {grad}, now {_words(kept.grad)}."
        after = self.leaves.after(run, place)
        if self.leaves.received(place) is None:
            return f"{made}, and this pass sends nothing there: {grad} stays {_words(after)}."
        if kept.grad is None:
            return f"{made}: {run.backward} fills {grad} with {_words(after)}."
        was = _words(kept.grad)
        return f"{made}: {run.backward} adds to {grad}, which goes from {was} to {_words(after)}."

    def _computed(self, run: Run, place: Place) -> str:
        box, kept = self.leaves.graph.boxes[place[0]], self.leaves.kept[place]
        name, grad = self._place(place), self._grad(place)
        if not kept.readable:
            who = f"the tensor that {self.words.node(place[0])} made"
            return f"{who} is not a leaf. It has no name by which you could read its .grad."
        made = f"{name} is not a leaf: {box.node} made it."
        asked = place in run.retaining
        if not run.backward:
            how = "retain_grad() was called on it" if asked else "Nobody called its retain_grad()"
            return f"{made} {how}, and {grad} is {_words(kept.grad)}."
        received = self.leaves.received(place)
        if received is None:
            return f"{made} {run.backward} sends nothing to it."
        came = f"{made} {run.backward} brings it {received.words()}"
        if not asked:
            return f"{came} and hands the gradient on; {grad} stays None."
        return f"{came}, and because of {name}.retain_grad() {grad} becomes " + (
            f"{_words(self.leaves.after(run, place))}."
        )

    def _place(self, place: Place) -> str:
        return self.leaves.kept[place].name or self.words.place(place[0])

    def _grad(self, place: Place) -> str:
        name = self.leaves.kept[place].name
        return f"{name}.grad" if name else f"the .grad of the unnamed {self.words.place(place[0])}"

    def _names(self, boxes: list[int]) -> str:
        named = [self.words.place(i) if self._is_named(i) else "" for i in boxes]
        if len(boxes) > MOST_LISTED:
            return f"{len(boxes)} tensors"
        unnamed = named.count("")
        names = [name for name in named if name]
        if unnamed:
            names.append("a tensor without a name" if unnamed == 1 else f"{unnamed} without a name")
        return listed(names)

    def _is_named(self, index: int) -> bool:
        return bool(self.leaves.graph.boxes[index].name)


def _words(value: Value | None) -> str:
    return "None" if value is None else value.words()
