"""Every state of a graph's picture as one sentence, and the short texts inside the picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import takewhile

from course.widgets.frame.values import Value, shape_text
from course.widgets.frame.words import listed
from course.widgets.graph.model import Graph, Program, Ran, Send, State, Step, state_at

MOST_TERMS = 5


class Words:
    """How the boxes of one graph are called, and what each step says."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        counts = Counter(box.node for box in graph.boxes)
        seen: Counter[str] = Counter()
        self.ordinals: dict[int, str] = {}  # " #2": the second nameless node of its class
        for index, box in enumerate(graph.boxes):
            if not box.name and counts[box.node] > 1:
                seen[box.node] += 1
                self.ordinals[index] = f" #{seen[box.node]}"
        self.counts = counts

    def place(self, index: int) -> str:
        """The tensor a gradient is sent to: its name, or the node that made it."""
        box = self.graph.boxes[index]
        if box.name:
            return box.name
        if box.kind == "leaf":
            return f"leaf{self.ordinals.get(index, '')}"
        return self.node(index)

    def grad(self, index: int) -> str:
        """``w.grad``, or the same in words for a leaf without a name."""
        name = self.graph.boxes[index].name
        return f"{name}.grad" if name else f"the .grad of {self.place(index)}"

    def node(self, index: int) -> str:
        """``MulBackward0``; with the tensor it made where two nodes have the same class."""
        box = self.graph.boxes[index]
        if box.kind == "leaf":
            return f"AccumulateGrad of {self.place(index)}"
        if self.counts[box.node] == 1:
            return box.node
        if box.name:
            return f"{box.node} of {box.name}"
        return f"{box.node}{self.ordinals.get(index, '')}"

    def sentence(self, program: Program, position: int) -> str:
        """What step ``position`` of ``program`` shows, as one sentence with its number."""
        step = program.steps[position]
        say: dict[str, Callable[[Step], str]] = {
            "start": self._start,
            "forward": self._forward,
            "seed": self._seed,
            "accumulate": self._accumulate,
            "refused": self._refused,
            "end": lambda step: self._end(program, step),
        }
        if step.kind == "backward":
            before = state_at(self.graph, program.steps, position - 1)
            text = self._backward(step, before)
        else:
            text = say[step.kind](step)
        return f"Step {position} of {len(program.steps) - 1}: {text}"

    def _start(self, step: Step) -> str:
        leaves = [i for i, box in enumerate(self.graph.boxes) if box.kind == "leaf"]
        names = [self.place(i) for i in leaves]
        shown = listed(names) if len(names) <= 6 else f"{len(names)} tensors"
        verb = "is a leaf" if len(leaves) == 1 else "are leaves"
        requires = "requires" if len(leaves) == 1 else "require"
        return f"{shown} {verb} that {requires} grad; no operation is recorded yet."

    def _forward(self, step: Step) -> str:
        box = self.graph.boxes[step.box]
        made = [
            _made(name, value, shape)
            for name, value, shape in zip(box.names, box.values, box.shapes, strict=True)
        ]
        saved = [one.text() for one in box.saved]
        kept = f"saves {listed(saved)}" if saved else "saves no tensor"
        shown = listed(made) if len(made) <= 3 else f"{len(made)} tensors"
        return f"forward computes {shown} and records {box.node}, which {kept}."

    def _seed(self, step: Step) -> str:
        assert step.ran is not None
        place, seed = self.place(step.box), step.ran.received[0]
        seeded = f"{place} receives {_worded(seed)}, its gradient with respect to itself"
        return f"{step.call} begins: {seeded}."

    def _backward(self, step: Step, before: State) -> str:
        assert step.ran is not None
        ran = step.ran
        sends = [f"{_sent(send)} to {self._target(send)}" for send in ran.sends]
        text = f"{self.node(step.box)} receives {_received(ran)}"
        text += f" ({ran.hook})" if ran.hook else ""
        text += f" and sends {listed(sends)}" if sends else " and has nobody to send to"
        for note in self._sums(ran, before):
            text += f"; {note}"
        if step.frees and self.graph.boxes[step.box].saved:
            text += "; the node's saved tensors are then freed"
        return text + "."

    def _target(self, send: Send) -> str:
        return self.place(self.graph.edges[send.edge].source)

    def _sums(self, ran: Ran, before: State) -> list[str]:
        """What fan-in does: gradients that wait, sums that are complete."""
        waiting = {source: list(sends) for source, sends in before.waiting.items()}
        notes: dict[int, str] = {}
        for send in ran.sends:
            source = self.graph.edges[send.edge].source
            here = waiting.setdefault(source, [])
            here.append(send)
            if send.expected > 1 and send.arrived < send.expected:
                missing = send.expected - send.arrived
                notes[source] = f"{self.place(source)} waits for {missing} more"
            elif send.expected > 1 and len(self.graph.boxes[source].shapes) == 1:
                notes[source] = (
                    f"{self.place(source)} now has all {send.expected}: {sum_text(here)}"
                )
        return list(notes.values())

    def _accumulate(self, step: Step) -> str:
        assert step.ran is not None
        received, place = step.ran.received[0], self.place(step.box)
        grad = self.grad(step.box)
        text = f"{self.node(step.box)} receives {_worded(received)}"
        if step.ran.hook:
            text += f" ({step.ran.hook})"
        if not self.graph.boxes[step.box].accumulates:
            return f"{text} and drops it, because {place}.requires_grad is now False."
        if step.before is None:
            return f"{text} and puts it into {grad}, which was None."
        return f"{text} and adds it: {grad} becomes {grad_text(step)}."

    def _refused(self, step: Step) -> str:
        return (
            f"{self.node(step.box)} needs what it saved, and the backward before has freed it: "
            "RuntimeError: Trying to backward through the graph a second time."
        )

    def _end(self, program: Program, step: Step) -> str:
        grads = state_at(self.graph, program.steps, len(program.steps) - 1).grads
        shown = [
            f"{self.grad(i)} = {'None' if grad is None else grad.words()}"
            for i, grad in grads.items()
        ]
        text = (
            f"done: {listed(shown)}" if len(shown) <= 6 else f"done: {len(shown)} leaves have .grad"
        )
        if not any(box.saved for box in self.graph.boxes):
            return f"{text}; no node saved a tensor, so {step.call} could run again."
        last_pass = takewhile(lambda earlier: earlier.kind != "seed", reversed(program.steps))
        boxes = [self.graph.boxes[each.box] for each in last_pass if each.box >= 0]
        if step.frees and not any(box.saved for box in boxes):
            return (
                f"{text}; no node on the way of {step.call} saved a tensor, so it could run again."
            )
        if step.frees:
            return (
                f"{text}; nodes and edges remain, but the saved tensors are freed, "
                f"so a second {step.call} would raise an error."
            )
        return (
            f"{text}; the saved tensors are kept, so backward can run again and would add to .grad."
        )


def _worded(value: Value | None) -> str:
    return "nothing" if value is None else value.words()


def _received(ran: Ran) -> str:
    if len(ran.received) == 1:
        return _worded(ran.received[0])
    return listed([f"{_worded(value)} for output {i}" for i, value in enumerate(ran.received)])


def _sent(send: Send) -> str:
    if send.value is None:
        return "nothing"
    return send.how or send.value.words()


def _made(name: str, value: Value | None, shape: tuple[int, ...]) -> str:
    short = shape_text(shape) if value is None else value.short()
    if short == "()":
        return name or "a number (not kept)"
    if short.startswith("("):
        return f"{name or 'a tensor'} of shape {short}"
    return f"{name} = {short}" if name else short


def sum_text(sends: Sequence[Send]) -> str:
    """``3 + 2 = 5`` for a few single numbers, else the sum alone."""
    total, parts = sends[-1].total, [send.value for send in sends if send.value is not None]
    if total is not None and total.is_number and 1 < len(parts) <= MOST_TERMS:
        return f"{' + '.join(part.short() for part in parts)} = {total.short()}"
    return f"the sum is {_worded(total)}"


def grad_text(step: Step) -> str:
    """``1 + 5 = 6``: a leaf's .grad before its turn, what came, and after."""
    received = step.ran.received[0] if step.ran is not None else None
    if step.before is None or received is None or step.after is None:
        return _worded(step.after)
    if step.after.is_number:
        return f"{step.before.short()} + {received.short()} = {step.after.short()}"
    return _worded(step.after)
