"""What a watch writes down: the torch calls of a step, its events, and how to ask about them."""

from __future__ import annotations

import itertools
import weakref
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import CodeType
from typing import Any, NamedTuple

from torch import Tensor

from course.companion.places import Place
from course.companion.surroundings import held

MOST_CALLS = 50_000
"""How many calls are kept; the older half is forgotten when there are more."""

DERIVED = "derived"
"""The note of a call of autograd.grad whose gradients were made without create_graph=True."""


class Call(NamedTuple):
    """One torch call: numbers of the calls its tensors came from, and what became of them.

    A source below 0 is a tensor that no watched call made: `Record.sources[-1 - source]`.
    """

    func: Any
    code: CodeType
    instruction: int
    sources: tuple[int, ...]
    recorded: tuple[bool, ...]
    """Whether each tensor it was given requires grad."""
    gives_grad: bool
    gives_tensor: bool
    sequence: int
    """The number of its result's node, or -1."""
    made: tuple[int, int]
    """The numbers of the nodes that were made during it: from the first to before the second."""
    note: tuple[str, Any]
    """What else was seen: how a value was cut, or ("", None)."""

    @property
    def place(self) -> Place:
        """File and line."""
        return Place.of(self.code, self.instruction)

    @property
    def name(self) -> str:
        """`relu`, `detach`, `data`, as it is called in code."""
        return name_of(self.func)


class Event(NamedTuple):
    """Something about the loop: backward, step, zero, clip, scale, unscale, seen at a place."""

    kind: str
    at: int
    """How many calls had been seen."""
    code: CodeType
    instruction: int
    about: Any

    @property
    def place(self) -> Place:
        """File and line."""
        return Place.of(self.code, self.instruction)


@dataclass(frozen=True)
class Stepped:
    """An optimizer that stepped or was emptied, and its learning rates at that moment."""

    optimizer: weakref.ref[Any]
    rates: tuple[float, ...] = ()
    bare: bool = False
    """Whether nothing that it holds had a gradient when it was done."""
    remembers: str = ""
    """The optimizer's class, if it keeps something for its next step, such as a momentum."""
    short: tuple[tuple[Tensor, Tensor], ...] = ()
    """While it steps, what it holds in 16 bits, each with its values of before."""
    unmoved: tuple[int, int] = (0, 0)
    """Of what it holds in 16 bits, the entries with a gradient that kept their value, and all."""

    def held(self) -> set[int]:
        """The ids of what it holds; nothing if it is gone."""
        return set(map(id, held(self.optimizer())))


@dataclass(frozen=True)
class Pass:
    """One backward pass: its roots, and the largest entry of the gradients at each node."""

    roots: tuple[int, ...]
    """The roots' nodes, by number."""
    sizes: dict[int, tuple[str, dict[int, tuple[Tensor, Tensor] | None]]]
    """Node number to its name, and by edge the extremes of the gradient that went out."""
    last: int
    """The newest node when it began."""
    kept: bool
    """Whether the graph was kept."""
    broken: int = -1
    """The first node that gave a nan or an inf, if the root is one."""
    broken_by: tuple[str, int, int] = ("", 0, 0)
    """What that node was given, if it tells, in how many places of how many."""
    shares: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)
    """By number the extremes of what each softmax gave, and of each normalization's weight."""
    made: tuple[int, int] = (0, 0)
    """The numbers of the nodes that were made during it, as create_graph=True makes them."""
    arrived: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)
    """By number the extremes of what arrived at a node that several ways lead to."""
    given: tuple[tuple[Tensor, Tensor] | None, ...] = ()
    """The extremes of each gradient that it returned, where it made nodes."""
    elsewhere: bool = False
    """Whether a thread of a device made its nodes, which has numbers of its own."""
    by_hand: dict[int, tuple[Any, tuple[Tensor, Tensor] | None]] = field(default_factory=dict)
    """By number the custom Function whose backward ran, and the extremes of what it was given."""
    last_nodes: dict[int, str] = field(default_factory=dict)
    """By number what the nodes are called that lead to leaves alone, and were not measured."""
    by_leaf: dict[int, dict[int, int]] = field(default_factory=dict)
    """By number and edge of a custom Function's node the id of the leaf that it leads to."""
    unrecorded: dict[int, tuple[Any, str, bool]] = field(default_factory=dict)
    """By number a custom Function that keeps what its forward computed, its name, if a leaf."""
    is_stale: bool = False
    """Whether weights were nan or inf before it, and so was its root."""
    spoiled: int | None = None
    """What gave it a nan of which nothing is recorded: a call, or below 0 a source."""
    seed: tuple[Tensor, Tensor] | None = None
    """The extremes of the gradient that it was given to start with."""
    onto: frozenset[int] = frozenset()
    """The ids of the leaves that had a gradient before it, if it is the first that fills any."""
    fills: bool = True
    """Whether it fills the .grad of leaves: autograd.grad returns gradients, and fills none."""


@dataclass
class Record:
    """Calls and events in the order in which they were seen."""

    calls: list[tuple[Any, ...]] = field(default_factory=list)
    forgotten: int = 0
    events: list[Event] = field(default_factory=list)
    sources: list[weakref.ref[Tensor]] = field(default_factory=list)
    made: dict[int, tuple[weakref.ref[Tensor], int]] = field(default_factory=dict)
    hooked: set[int] = field(default_factory=set)
    """The nodes on whose results the reader put hooks."""
    blind: list[str] = field(default_factory=list)
    """What could not be seen, as sentences."""

    def __len__(self) -> int:
        return self.forgotten + len(self.calls)

    def call(self, number: int) -> Call | None:
        """A call by its number; None if it was forgotten."""
        index = number - self.forgotten
        return Call._make(self.calls[index]) if 0 <= index < len(self.calls) else None

    def every(self) -> Iterator[tuple[int, Call]]:
        """All calls that are kept, with their numbers."""
        for index, call in enumerate(self.calls):
            yield self.forgotten + index, Call._make(call)

    def source_of(self, tensor: Tensor) -> int | None:
        """The number of what made a tensor; None if the watch never saw it."""
        found = self.made.get(id(tensor))
        return found[1] if found is not None and found[0]() is tensor else None

    def alive(self) -> Iterator[Tensor]:
        """The results that somebody still holds."""
        for reference, _ in list(self.made.values()):
            if (tensor := reference()) is not None:
                yield tensor

    def before(
        self, numbers: Sequence[int], *, past_derived: bool = True, but: Any = None
    ) -> set[int]:
        """Everything that these values were computed from, themselves included.

        Without `past_derived` a gradient that autograd.grad gave as values alone is computed from
        nothing; so is whatever the function `but` gave.
        """
        seen: set[int] = set()
        ahead = list(numbers)
        while ahead:
            number = ahead.pop()
            if number in seen:
                continue
            seen.add(number)
            call = self.call(number) if number >= 0 else None
            if call is not None and (but is None or call.func is not but):
                ahead.extend(call.sources if past_derived or call.note[0] != DERIVED else ())
        return seen

    def recorded(self, ends: Sequence[int], further: Callable[[Call], bool]) -> Iterator[Call]:
        """The recorded calls that gave these values, each once, and those in front of them.

        Beyond a call it goes only if `further` says so of it.
        """
        seen: set[int] = set()
        ahead = list(ends)
        while ahead:
            number = ahead.pop()
            call = self.call(number) if number >= 0 else None
            if call is None or number in seen or not call.gives_grad:
                continue
            seen.add(number)
            yield call
            if further(call):
                ahead.extend(call.sources)

    def of_node(self, sequence: int) -> Call | None:
        """The call during which a node was made; None if it was made during none that is kept."""
        number = self.number_of_node(sequence)
        return self.call(number) if number is not None else None

    def number_of_node(self, sequence: int) -> int | None:
        """The number of that call."""
        if any(event.about.elsewhere for event in self.events_of("backward")):
            return None  # two nodes may have this number
        index = self._by_node()
        at = bisect_right(index, sequence, key=lambda one: one[0]) - 1
        return index[at][2] if at >= 0 and sequence < index[at][1] else None

    def pass_of_node(self, sequence: int) -> Event | None:
        """The backward pass during which a node was made, recorded for another derivative."""
        for event in self.events_of("backward"):
            first, end = event.about.made
            if first <= sequence < end and not event.about.elsewhere:
                return event
        return None

    def events_of(self, *kinds: str) -> list[Event]:
        """The events of these kinds, in order."""
        return [event for event in self.events if event.kind in kinds]

    def filling(self) -> list[Event]:
        """The passes that fill .grad; where none does, those whose gradients are used by hand."""
        every = self.events_of("backward")
        return [event for event in every if event.about.fills] or every

    def shorten(self) -> None:
        """Forget the older half of the calls, and what is gone of the tensors."""
        half = len(self.calls) // 2
        del self.calls[:half]
        self.forgotten += half
        self.made = {key: one for key, one in self.made.items() if one[0]() is not None}
        del self.events[: max(0, len(self.events) - MOST_CALLS // 10)]

    def _by_node(self) -> list[tuple[int, int, int]]:
        return sorted(
            (*call.made, number) for number, call in self.every() if call.made[0] < call.made[1]
        )


def name_of(func: Any) -> str:
    """What a torch function is called: a property by its own name, not by `__get__`."""
    name = getattr(func, "__name__", "") or type(func).__name__
    if name in ("__get__", "__set__"):
        return str(getattr(getattr(func, "__self__", None), "__name__", name))
    return str(name)


def pairs(events: Sequence[Event]) -> Iterator[tuple[Event, Event]]:
    """Each event with the next."""
    return itertools.pairwise(events)
