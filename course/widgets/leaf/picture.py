"""Draws what each tensor of a graph is, and the places in which gradients stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from course.widgets.frame import svg
from course.widgets.frame.svg import Picture
from course.widgets.frame.values import Value
from course.widgets.graph import geometry as place
from course.widgets.graph.geometry import Unit
from course.widgets.graph.model import State, Step, state_at
from course.widgets.graph.picture import GraphPicture
from course.widgets.leaf.model import LeafGraph
from course.widgets.leaf.words import LeafWords

LONGEST_VALUE = 16


class LeafPicture(GraphPicture):
    """The runs of a LeafGraph as the choices of a Player.

    Step 0 shows the graph before the run, then one step per tensor says what it is and why; the
    last step shows every ``.grad`` after the run, and on the arrows what was sent.
    """

    def __init__(self, leaf_graph: LeafGraph, title: str) -> None:
        super().__init__(leaf_graph.graph, title)
        self.leaves = leaf_graph
        self.says = LeafWords(leaf_graph)
        self._run = leaf_graph.runs[0]
        self._filled = False

    @property
    def choices(self) -> Sequence[str]:
        """The code of each run."""
        return [run.code for run in self.leaves.runs]

    def last_step(self, choice: int) -> int:
        """One step per box, and one for what the run leaves."""
        return len(self.graph.boxes) + 1

    def picture(self, choice: int, step: int) -> Picture:
        """One step, drawn."""
        run, boxes = self.leaves.runs[choice], len(self.graph.boxes)
        self._run, self._filled = run, step > boxes
        steps = self.graph.programs[0].steps
        recorded = [one for one in steps if one.kind in ("start", "forward")]
        shown = steps if self._filled and run.backward else recorded
        state = state_at(self.graph, shown, len(shown) - 1)
        state.active = {step - 1} if 0 < step <= boxes else set()
        if step == 0:
            told = self.says.before(run)
        elif self._filled:
            told = self.says.after(run)
        else:
            told = self.says.one(run, step - 1)
        sentence = f"Step {step} of {self.last_step(choice)}: {told}"
        return self._draw(state, replace(steps[0], kind="forward"), sentence)

    def _rows(self, index: int, state: State, step: Step) -> list[str]:
        """Under each node the ``.grad`` of its tensor: in a slot where backward may fill one."""
        unit, box = self.geometry.units[index], self.graph.boxes[index]
        places = [(index, output) for output in range(len(box.names))]
        readable = [here for here in places if self.leaves.kept[here].readable]
        if not readable:
            return []
        y = unit.y + place.LANE + place.NODE_HEIGHT / 2 + place.ROW / 2 + 4
        values = [value for value in map(self._grad, readable) if value is not None]
        slot = box.kind == "leaf" or bool(self._run.retaining.intersection(places))
        name = box.names[0] if len(places) == 1 else ""
        return self._slot(unit, name, values[0] if values else None, slot, y)

    def _grad(self, here: tuple[int, int]) -> Value | None:
        return self.leaves.after(self._run, here) if self._filled else self.leaves.kept[here].grad

    @staticmethod
    def _slot(unit: Unit, name: str, value: Value | None, slot: bool, y: float) -> list[str]:
        content = "None" if value is None else value.short(LONGEST_VALUE)
        joint = " " if content.startswith("(") else " = "
        told = f"{name}.grad{joint}{content}"
        if svg.text_width(told) > unit.width - 4:
            told = f".grad{joint}{content}"
        middle = unit.x + unit.width / 2
        style = "small strong" if value is not None else "small" if slot else "small muted"
        parts = [svg.text(told, middle, y, style)]
        if slot:
            filled = value is not None
            shape = svg.element(
                "rect", x=unit.x, y=y - place.ROW / 2, width=unit.width, height=place.ROW, rx=3,
                class_="shape accumulate", fill_opacity=None if filled else 0,
                stroke_dasharray=None if filled else "5 3",
            )  # fmt: skip
            parts.insert(0, shape)
        return parts

    def _details(self, index: int, recorded: bool) -> str:
        """What the mouse can ask for: the flags, beside the numbers."""
        box = self.graph.boxes[index]
        flags = [f"is_leaf = {box.kind != 'tensor'}", f"requires_grad = {box.kind != 'constant'}"]
        if box.kind == "leaf" and not box.accumulates:
            flags[1] = "requires_grad = False"
        if box.kind == "tensor":
            retains = any(here[0] == index for here in self._run.retaining)
            flags.append(f"retains_grad = {retains}")
        return "\n".join([super()._details(index, recorded), *flags])
