"""A recorded graph and the steps through it, as plain data without a single tensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from course.widgets.frame.values import Value

FREED = "freed"
BoxKind = Literal["leaf", "constant", "tensor"]


@dataclass(frozen=True)
class Saved:
    """One tensor a node saved: the argument it was, the name you gave it, its value.

    ``value`` is None where it cannot be read, and ``note`` then says why in a few words, or is
    empty if what the node keeps is no tensor.
    """

    argument: str
    name: str
    value: Value | None
    note: str = ""

    def text(self) -> str:
        """``b = 2``, ``self (7, 3)``, ``self: edited in place``; a freed one's name alone."""
        label = self.name or self.argument
        if self.value is None:
            return f"{label}: {self.note}" if self.note not in ("", FREED) else label
        short = self.value.short()
        return f"{label} {short}" if short.startswith("(") else f"{label} = {short}"


@dataclass(frozen=True)
class Box:
    """One tensor and the node behind it: an operation's result, a leaf, or an input without grad.

    ``node`` is the class of ``grad_fn`` (``MulBackward0``), ``AccumulateGrad`` for a leaf, empty
    for an input without grad. ``names`` and ``values`` have one entry per output of the node.
    """

    kind: BoxKind
    node: str
    names: tuple[str, ...]
    values: tuple[Value | None, ...]
    shapes: tuple[tuple[int, ...], ...]
    saved: tuple[Saved, ...] = ()
    grad: Value | None = None
    accumulates: bool = True

    @property
    def name(self) -> str:
        """The names of its tensors, joined; empty if none has one."""
        return ", ".join(name for name in self.names if name)


@dataclass(frozen=True)
class Edge:
    """Output ``output`` of box ``source`` is input ``slot`` of box ``target``."""

    source: int
    target: int
    slot: int
    output: int


@dataclass(frozen=True)
class Send:
    """What one node sent along one edge: the gradient, how it came about, what now waits there.

    ``value`` is None for an undefined gradient (zero that was never stored). ``how`` is the whole
    product (``1 × b = 2``), ``factor`` the part the node did (``× b``). ``total`` is the receiver's
    buffer after it, ``arrived`` of ``expected`` gradients having come.
    """

    edge: int
    value: Value | None
    how: str
    factor: str
    total: Value | None
    arrived: int
    expected: int


@dataclass(frozen=True)
class Ran:
    """One node's turn in a backward pass: what it received per output, what it sent."""

    box: int
    received: tuple[Value | None, ...]
    sends: tuple[Send, ...] = ()
    hook: str = ""


@dataclass(frozen=True)
class Pass:
    """One measured backward pass from output ``head``: the seed, then the turns in order."""

    head: int
    seed: Value
    turns: tuple[Ran, ...]


StepKind = Literal["start", "forward", "seed", "backward", "accumulate", "refused", "end"]


@dataclass(frozen=True)
class Step:
    """One place of the slider. ``before`` and ``after`` are a leaf's ``.grad`` around its turn."""

    kind: StepKind
    box: int = -1
    ran: Ran | None = None
    call: str = ""
    frees: bool = False
    before: Value | None = None
    after: Value | None = None


@dataclass(frozen=True)
class Program:
    """What the learner chooses to run (its code), and its steps from the empty picture on."""

    code: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Graph:
    """Boxes in the order they were recorded (inputs first), edges, outputs, programs.

    ``refusal`` is empty, or says why no backward pass could be measured; then every program ends
    after its forward steps.
    """

    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    heads: tuple[int, ...]
    programs: tuple[Program, ...]
    refusal: str = ""
    freed: frozenset[int] = frozenset()

    def inputs(self, box: int) -> tuple[Edge, ...]:
        """The edges into ``box``, by slot."""
        return tuple(edge for edge in self.edges if edge.target == box)


@dataclass
class State:
    """What is true after a step: everything a picture needs to know beyond the graph itself."""

    recorded: set[int] = field(default_factory=set)
    active: set[int] = field(default_factory=set)
    sent: dict[int, Send] = field(default_factory=dict)
    fresh: set[int] = field(default_factory=set)
    waiting: dict[int, list[Send]] = field(default_factory=dict)
    ran: dict[int, Ran] = field(default_factory=dict)
    grads: dict[int, Value | None] = field(default_factory=dict)
    freed: set[int] = field(default_factory=set)
    reading: set[int] = field(default_factory=set)
    refused: int = -1
    seeds: dict[int, Value] = field(default_factory=dict)


def state_at(graph: Graph, steps: Sequence[Step], position: int) -> State:
    """The state after steps 0 … ``position``, by playing them from the start."""
    state = State(freed=set(graph.freed))
    for index, box in enumerate(graph.boxes):
        if box.kind == "leaf":
            state.grads[index] = box.grad
        if box.kind != "tensor":
            state.recorded.add(index)
    for step in steps[: position + 1]:
        _play(graph, state, step)
    return state


def _play(graph: Graph, state: State, step: Step) -> None:
    state.active, state.fresh, state.reading = (
        ({step.box} if step.box >= 0 else set()),
        set(),
        set(),
    )
    if step.kind == "forward":
        state.recorded.add(step.box)
    elif step.kind == "seed":
        state.sent, state.waiting, state.ran, state.seeds = {}, {}, {}, {}
        if step.ran is not None and step.ran.received[0] is not None:
            state.seeds[step.box] = step.ran.received[0]
    elif step.kind == "refused":
        state.refused = step.box
    elif step.ran is not None:
        state.ran[step.box] = step.ran
        state.waiting.pop(step.box, None)
        if step.kind == "accumulate":
            state.grads[step.box] = step.after
        for send in step.ran.sends:
            state.sent[send.edge] = send
            state.fresh.add(send.edge)
            state.waiting.setdefault(graph.edges[send.edge].source, []).append(send)
        if step.kind == "backward" and graph.boxes[step.box].saved:
            state.reading.add(step.box)
            if step.frees:
                state.freed.add(step.box)
