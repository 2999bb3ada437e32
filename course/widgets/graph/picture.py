"""Draws one step of a recorded graph: tensors above, their nodes below, gradients on their way."""

from __future__ import annotations

from course.widgets.frame import svg
from course.widgets.frame.look import SMALL_FONT_SIZE
from course.widgets.frame.svg import Picture
from course.widgets.graph import geometry as place
from course.widgets.graph.geometry import Unit, geometry_of, tags_of
from course.widgets.graph.model import Graph, Program, State, Step, state_at
from course.widgets.graph.texts import arrow_text, box_text, buffer_text, leaf_text
from course.widgets.graph.words import Words

HEAD = 9.0
GRADIENT_HEAD = 13.0


class GraphPicture:
    """Every step of one graph as a Picture; boxes stay where they are from step to step."""

    def __init__(self, graph: Graph, title: str) -> None:
        self.graph = graph
        self.title = title
        self.words = Words(graph)
        self.geometry = geometry_of(graph)

    def draw(self, program: Program, position: int) -> Picture:
        """The picture of step ``position`` of ``program``."""
        state = state_at(self.graph, program.steps, position)
        return self._draw(state, program.steps[position], self.words.sentence(program, position))

    def recorded(self, sentence: str) -> Picture:
        """The whole graph before any backward of this picture, with ``sentence`` below."""
        forward = [
            step for step in self.graph.programs[0].steps if step.kind in ("start", "forward")
        ]
        state = state_at(self.graph, forward, len(forward) - 1)
        state.active = set()
        return self._draw(state, forward[0], sentence)

    def _draw(self, state: State, step: Step, sentence: str) -> Picture:
        boxes = range(len(self.graph.boxes))
        body = [self._edge(i, state) for i in range(len(self.graph.edges))]
        body += [self._gradient(i, state) for i in sorted(state.sent, key=state.fresh.__contains__)]
        body += [self._unit(i, state, step) for i in boxes]
        body += [self._seed(i, state) for i in state.seeds]
        body += [self._label(i, state) for i in sorted(state.sent, key=state.fresh.__contains__)]
        return Picture(
            self.geometry.width,
            self.geometry.height,
            "".join(body),
            self.title,
            sentence,
            self.geometry.bands,
        )

    def _edge(self, index: int, state: State) -> str:
        edge = self.graph.edges[index]
        curve = self.geometry.forward[index]
        if edge.target not in state.recorded:
            return svg.element("path", d=curve.path(), class_="later-edge")
        drawn = svg.arrow(curve, "forward", HEAD)
        if self.graph.boxes[edge.source].node and index not in state.sent:
            drawn += svg.arrow(self.geometry.backward[index], "pointer", HEAD - 2)
        return drawn

    def _gradient(self, index: int, state: State) -> str:
        if state.sent[index].value is None:
            return ""
        now = " gradient-now" if index in state.fresh else ""
        return svg.arrow(self.geometry.backward[index], f"gradient{now}", GRADIENT_HEAD)

    def _label(self, index: int, state: State) -> str:
        now = index in state.fresh
        content = arrow_text(state.sent[index], now)
        return self._capsule(content, *self.geometry.labels[index], now)

    def _capsule(self, content: str, x: float, y: float, now: bool) -> str:
        width, height = svg.text_width(content) + 14, place.LABEL_HEIGHT
        style = "label label-now" if now else "label"
        return svg.group(
            [
                svg.pill(x - width / 2, y - height / 2, width, height, style),
                svg.text(content, x, y, "strong" if now else ""),
            ]
        )

    def _seed(self, index: int, state: State) -> str:
        unit, now = self.geometry.units[index], index in state.active and not state.ran
        y, right = unit.y + place.LANE, unit.right
        curve = svg.Curve(((right + place.SEED_ROOM - 4, y), (right, y)))
        style = "gradient gradient-now" if now else "gradient"
        content = state.seeds[index].short()
        return svg.arrow(curve, style, GRADIENT_HEAD) + self._capsule(content, right + 36, y, now)

    def _unit(self, index: int, state: State, step: Step) -> str:
        unit, box = self.geometry.units[index], self.graph.boxes[index]
        recorded = index in state.recorded
        parts = [self._tensor(index, recorded)]
        if box.node:
            parts += self._node(index, recorded)
            parts += self._rows(index, state, step)
        parts += self._tags(index, state)
        active = index in state.active
        touched = {self.graph.edges[edge].source for edge in state.fresh}
        if active:
            parts.insert(0, self._halo(index, unit, step))
        return svg.group(
            parts,
            title=self._details(index, recorded),
            data_active="" if active else None,
            data_touched="" if index in touched else None,
        )

    def _tensor(self, index: int, recorded: bool) -> str:
        unit, box = self.geometry.units[index], self.graph.boxes[index]
        radius = 0 if box.kind == "tensor" else 9
        style = box.kind if recorded else "later"
        top = unit.y - place.BOX_HEIGHT / 2
        shape = svg.box(unit.x, top, unit.width, place.BOX_HEIGHT, style, radius)
        main, word = box_text(box, recorded)
        if not main or not word:
            kind = "strong" if main and recorded else "words muted" if word else "muted"
            return shape + svg.text(main or word, unit.x + unit.width / 2, unit.y, kind)
        wide = svg.text_width(main) + 8 + svg.text_width(word, SMALL_FONT_SIZE)
        left = unit.x + (unit.width - wide) / 2
        return (
            shape
            + svg.text(main, left, unit.y, "strong", anchor="start")
            + svg.text(word, left + wide, unit.y, "words muted", anchor="end")
        )

    def _node(self, index: int, recorded: bool) -> list[str]:
        unit, box = self.geometry.units[index], self.graph.boxes[index]
        name = box.node if box.kind == "leaf" else box.node + self.words.ordinals.get(index, "")
        middle, y = unit.x + unit.width / 2, unit.y + place.LANE
        top = y - place.NODE_HEIGHT / 2
        link = svg.line(
            (middle, top - place.LINK), (middle, top), "forward" if recorded else "later-edge"
        )
        shape = svg.hexagon if box.kind == "leaf" else svg.pill
        style = "later" if not recorded else "accumulate" if box.kind == "leaf" else "node"
        drawn = shape(unit.x, top, unit.width, place.NODE_HEIGHT, style)
        return [link, drawn, svg.text(name, middle, y, "small" if recorded else "small muted")]

    def _rows(self, index: int, state: State, step: Step) -> list[str]:
        unit = self.geometry.units[index]
        middle = unit.x + unit.width / 2
        tags = len(tags_of(self.graph, index)) * (place.TAG + place.TAG_GAP)
        y = unit.y + place.LANE + place.NODE_HEIGHT / 2 + tags + place.ROW / 2 + 3
        rows = []
        if self.graph.boxes[index].kind == "leaf":
            style = "small strong" if state.grads[index] is not None else "small muted"
            rows.append(svg.text(leaf_text(self.graph, index, state, step), middle, y, style))
            y += place.ROW
        content = buffer_text(self.graph, index, state)
        if content:
            style = "small strong" if index in (*state.waiting, state.refused) else "small"
            rows.append(svg.text(content, middle, y, style))
        return rows

    def _tags(self, index: int, state: State) -> list[str]:
        if index not in state.recorded:
            return []
        unit, parts = self.geometry.units[index], []
        freed = index in state.freed and index not in state.reading
        y = unit.y + place.LANE + place.NODE_HEIGHT / 2 + place.TAG_GAP + place.TAG / 2
        for content in tags_of(self.graph, index):
            parts.append(self._tag(content, unit, y, freed, index in state.reading))
            y += place.TAG + place.TAG_GAP
        return parts

    @staticmethod
    def _tag(content: str, unit: Unit, y: float, freed: bool, reading: bool) -> str:
        word = "freed" if freed else "saved"
        wide = svg.text_width(f"{word} {content}", SMALL_FONT_SIZE)
        left = unit.x + (unit.width - wide) / 2
        style = "freed" if freed else "saved read" if reading else "saved"
        start = left + svg.text_width(f"{word} ", SMALL_FONT_SIZE)
        parts = [
            svg.box(left - 6, y - place.TAG / 2, wide + 12, place.TAG, style, radius=3),
            svg.text(word, left, y, "words muted", anchor="start"),
            svg.text(content, start, y, "small", anchor="start"),
        ]
        if freed:
            parts.append(svg.line((start - 2, y), (left + wide + 1, y), "strike"))
        return svg.group(parts)

    def _halo(self, index: int, unit: Unit, step: Step) -> str:
        style = "halo-forward" if step.kind == "forward" else "halo"
        top = unit.y - place.BOX_HEIGHT / 2 - 6
        height = place.BOX_HEIGHT / 2 + unit.below + 11
        return svg.box(unit.x - 6, top, unit.width + 12, height, style, radius=12)

    def _details(self, index: int, recorded: bool) -> str:
        """What the mouse can ask for: all numbers that are known."""
        box = self.graph.boxes[index]
        lines = [self.words.node(index)] if box.node else ["an input that does not require grad"]
        for name, value in zip(box.names, box.values, strict=True):
            if value is not None and recorded:
                lines.append(f"{name or 'value'}: {value.words()}, {value.dtype}")
        lines += [f"saved {one.text()}" for one in box.saved if recorded]
        return "\n".join(lines)
