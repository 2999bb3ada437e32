"""From a tensor a learner built to a Graph: boxes, edges, and the programs that can be stepped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from course.widgets.frame.values import Value, number
from course.widgets.graph.measure import Wiring, measure
from course.widgets.graph.model import FREED, Box, Edge, Graph, Pass, Saved
from course.widgets.graph.programs import programs_of
from course.widgets.graph.saved import Kept, class_name, plain_arguments, saved_by
from course.widgets.graph.walk import Tensors, find_tensors, is_leaf_node, known_constant, walk
from grader.errors import explain

Tensor = torch.Tensor


def read(
    outputs: Sequence[Tensor], names: Mapping[str, Tensor], run_backward: bool = True
) -> Graph:
    """The graph behind ``outputs``, each with a ``grad_fn``, and the programs to step through.

    With ``run_backward`` (every output must have one element) runs one backward per output and
    leaves everything as it was. Values and names come from ``names``, from the saved tensors and
    from tensors that are still alive.

    Raises:
        TooLargeError: if there are more than 200 nodes.
    """
    with torch.no_grad():
        return _Reader(outputs, names).graph(run_backward)


class _Reader:
    """Numbers boxes and edges; the reading itself is in the functions it calls."""

    def __init__(self, outputs: Sequence[Tensor], names: Mapping[str, Tensor]) -> None:
        self.outputs = outputs
        self.nodes = walk([output.grad_fn for output in outputs])
        self.saved = {n: list(saved_by(n)) for n in self.nodes if not is_leaf_node(n)}
        self.tensors: Tensors = find_tensors(self.nodes, self.saved, names)
        self.boxes: list[Box] = []
        self.edges: list[Edge] = []
        self.box_of: dict[Any, int] = {}
        self.edge_of: dict[tuple[Any, int], int] = {}
        self.constants: dict[int, int] = {}

    def graph(self, run_backward: bool) -> Graph:
        for node in self.nodes:
            if is_leaf_node(node):
                self.box_of[node] = self._add(_leaf_box(node, self.tensors))
        for node in self.nodes:
            if not is_leaf_node(node):
                self._add_operation(node)
        heads = tuple(self.box_of[output.grad_fn] for output in self.outputs)
        passes, reached, refusal = self._measure() if run_backward else ([], [], "")
        freed = frozenset(
            self.box_of[node]
            for node, kept in self.saved.items()
            if any(one.note == FREED for one in kept)
        )
        names = [self.tensors.name_of(output) or "output" for output in self.outputs]
        programs = programs_of(self.boxes, passes, names, self._grads(reached))
        return Graph(tuple(self.boxes), tuple(self.edges), heads, programs, refusal, freed)

    def _add(self, box: Box) -> int:
        self.boxes.append(box)
        return len(self.boxes) - 1

    def _add_operation(self, node: Any) -> None:
        sources = []
        for slot, (following, output) in enumerate(node.next_functions):
            if following is None:
                source, output = self._constant(node, slot), 0
            else:
                source = self.box_of[following]
            sources.append((source, slot, output, following))
        target = self._add(_operation_box(node, self.saved[node], self.tensors))
        self.box_of[node] = target
        for source, slot, output, following in sources:
            if following is not None:
                self.edge_of[node, slot] = len(self.edges)
            self.edges.append(Edge(source, target, slot, output))

    def _constant(self, node: Any, slot: int) -> int:
        tensor = known_constant(node, slot, self.saved[node])
        if tensor is None:
            return self._add(Box("constant", "", ("",), (None,), ((),)))
        if id(tensor) not in self.constants:
            name = self.tensors.name_of(tensor)
            box = Box("constant", "", (name,), (Value.of(tensor),), (tuple(tensor.shape),))
            self.constants[id(tensor)] = self._add(box)
        return self.constants[id(tensor)]

    def _measure(self) -> tuple[list[Pass], list[dict[int, Tensor]], str]:
        words: dict[Any, dict[str, str]] = {}
        kept: dict[Any, dict[str, Any]] = {}
        for node, saved in self.saved.items():
            plain = plain_arguments(node)
            kept[node] = plain | {one.argument: one.tensor for one in saved}
            if any(one.argument == "indices[0]" for one in saved):
                kept[node]["indices"] = [one.tensor for one in saved]
            words[node] = {k: number(v) for k, v in plain.items() if isinstance(v, int | float)}
            words[node] |= {one.argument: _called(one, self.tensors) for one in saved}
        wiring = Wiring(self.box_of, self.edge_of, kept, words, self.tensors.retained)
        passes, reached = [], []
        try:
            for output in self.outputs:
                measured, gradients = measure(output, wiring)
                passes.append(measured)
                reached.append(gradients)
        except Exception as error:  # a backward of the learner's own may raise anything
            return [], [], refusal(error)
        return passes, reached, ""

    def _grads(self, reached: Sequence[Mapping[int, Tensor]]) -> list[dict[int, Value | None]]:
        """Every leaf's .grad before the first pass, and after each pass."""
        grads = {self.box_of[node]: node.variable.grad for node in self.nodes if is_leaf_node(node)}
        history = [{box: _value(grad) for box, grad in grads.items()}]
        for gradients in reached:
            for box, gradient in gradients.items():
                before = grads[box]
                if self.boxes[box].accumulates:
                    grads[box] = gradient if before is None else before + gradient
            history.append({box: _value(grad) for box, grad in grads.items()})
        return history


def _value(tensor: Tensor | None) -> Value | None:
    return None if tensor is None else Value.of(tensor)


def _leaf_box(node: Any, tensors: Tensors) -> Box:
    leaf = node.variable
    return Box(
        "leaf",
        "AccumulateGrad",
        (tensors.name_of(leaf),),
        (Value.of(leaf),),
        (tuple(leaf.shape),),
        grad=_value(leaf.grad),
        accumulates=leaf.requires_grad,
    )


def _operation_box(node: Any, saved: Sequence[Kept], tensors: Tensors) -> Box:
    outputs = range(len(node._input_metadata))
    found = [tensors.by_output.get((node, output)) for output in outputs]
    return Box(
        "tensor",
        class_name(node),
        tuple(tensors.names.get((node, output), "") for output in outputs),
        tuple(_value(tensor) for tensor in found),
        tuple(tuple(meta.shape) for meta in node._input_metadata),
        tuple(
            Saved(one.argument, _name_of_kept(one, tensors), _value(one.tensor), one.note)
            for one in saved
        ),
    )


def _name_of_kept(one: Kept, tensors: Tensors) -> str:
    return "" if one.tensor is None else tensors.name_of(one.tensor)


def _called(one: Kept, tensors: Tensors) -> str:
    """How a formula calls a saved tensor: its name, its number, or the argument it was."""
    if name := _name_of_kept(one, tensors):
        return name
    if one.tensor is not None and one.tensor.dim() == 0:
        return number(one.tensor.item())
    return one.argument


def refusal(error: Exception) -> str:
    """Why no backward pass could be measured: torch's first sentence, the meaning, the cure."""
    explanation = explain(type(error).__name__, str(error))
    said = f"{type(error).__name__}: {str(error).split('. ')[0].splitlines()[0]}"
    if explanation is None:
        return f"backward raised {said}"
    return f"{explanation.meaning} {explanation.cure} (torch says: {said})"
