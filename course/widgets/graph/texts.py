"""The short texts inside a graph's picture: in boxes, under nodes, on arrows."""

from __future__ import annotations

from course.widgets.frame.values import Value, shape_text
from course.widgets.frame.words import LONGEST, clipped
from course.widgets.graph.model import Box, Graph, Send, State, Step, state_at
from course.widgets.graph.words import grad_text

LONGEST_VALUE = 16
LONGEST_FACTOR = 14


def box_text(box: Box, recorded: bool = True) -> tuple[str, str]:
    """What stands in a tensor's box: its name and value, and a word on its kind."""
    word = {"leaf": "leaf", "constant": "no grad", "tensor": ""}[box.kind]
    if len(box.shapes) > 1:
        return clipped(box.name), f"{len(box.shapes)} outputs"
    if not recorded:
        return clipped(box.name), ""
    value, shape = box.values[0], box.shapes[0]
    if value is None:
        if box.kind == "constant":
            return "", word
        return clipped(f"{box.name} {shape_text(shape) if shape else ''}".strip()), "not kept"
    short = value.short()
    if not box.name:
        return clipped(short), word
    return clipped(
        f"{box.name} {short}" if short.startswith("(") else f"{box.name} = {short}"
    ), word


def buffer_text(graph: Graph, index: int, state: State) -> str:
    """What has arrived at a node: waiting gradients, or what it received when it ran."""
    if index == state.refused:
        return "RuntimeError"
    if index in state.waiting:
        send = state.waiting[index][-1]
        if send.expected > 1 and send.arrived < send.expected:
            return f"{send.arrived} of {send.expected}: {_short(send.total)}"
        return f"waits: {_short(send.total)}"
    if index in state.ran:
        received = [_short(value) for value in state.ran[index].received]
        return clipped(f"received {', '.join(received)}", 2 * LONGEST)
    if index in state.seeds:
        return f"waits: {_short(state.seeds[index])}"
    return ""


def leaf_text(graph: Graph, index: int, state: State, step: Step) -> str:
    """A leaf's ``.grad``, as the sum it has become in its own turn."""
    name = graph.boxes[index].name
    owner = name if name and len(name) <= 10 and ", " not in name else ""
    its_turn = step.kind == "accumulate" and step.box == index and step.before is not None
    if its_turn and step.after is not None and step.after.is_number:
        return f"{owner}.grad = {grad_text(step)}"
    return _grad(owner, state.grads[index])


def _grad(owner: str, value: Value | None) -> str:
    if value is None:
        return f"{owner}.grad = None"
    short = value.short()
    return clipped(f"{owner}.grad {short}" if short.startswith("(") else f"{owner}.grad = {short}")


def _short(value: Value | None) -> str:
    if value is None:
        return "none"
    short = value.short(LONGEST_VALUE)
    shown = value.numbers is not None and short != shape_text(value.shape)
    return short if shown or not value.bad else f"{short} {value.bad}"


def arrow_text(send: Send, now: bool) -> str:
    """On a gradient's arrow: ``× b → 2`` while it is sent, then ``2``."""
    short = _short(send.value)
    if now and send.factor and len(send.factor) <= LONGEST_FACTOR:
        return f"{send.factor} → {short}"
    return short


def widest_rows(graph: Graph) -> dict[int, int]:
    """The longest text that ever stands under each box's node, in characters."""
    widest: dict[int, int] = {}
    for program in graph.programs:
        for position, step in enumerate(program.steps):
            state = state_at(graph, program.steps, position)
            touched = {step.box} if step.box >= 0 else set(state.grads)
            touched |= {graph.edges[edge].source for edge in state.fresh}
            for index in touched:
                texts = [buffer_text(graph, index, state)]
                if index in state.grads:
                    texts.append(leaf_text(graph, index, state, step))
                widest[index] = max([widest.get(index, 0), *(len(one) for one in texts)])
    return widest


def widest_arrows(graph: Graph) -> dict[int, int]:
    """The longest text that ever stands on each edge's gradient arrow, in characters."""
    widest: dict[int, int] = {}
    for program in graph.programs:
        for step in program.steps:
            for send in step.ran.sends if step.ran is not None else ():
                lengths = (len(arrow_text(send, True)), len(arrow_text(send, False)))
                widest[send.edge] = max(widest.get(send.edge, 0), *lengths)
    return widest
