"""Every step of the hooks' timeline as one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from course.widgets.frame.values import Value
from course.widgets.frame.words import listed
from course.widgets.hook.model import FACTOR, HOOKS, Event, Run

START = "y = model(x) and y.sum().backward() are about to run, with hooks of ten kinds on {where}."
OBSERVES = "It returns None, and nothing changes."


def values(received: Sequence[Value | None]) -> str:
    """The tensors of one call, for a sentence."""
    return ", ".join("None" if value is None else value.words() for value in received)


def place_of(event: Event) -> str:
    """`layer 2`, `2.weight`, `the node of 2`, `the output of 0`."""
    if event.kind in ("node_pre", "node_post"):
        return f"the node of layer {event.place}"
    if event.kind in ("tensor", "accumulate"):
        return event.place.replace("out ", "the output of layer ")
    return f"layer {event.place}"


def before(run: Run, layers: Sequence[str]) -> str:
    """The first step: nothing has run."""
    said = START.format(where=listed([f"layer {name}" for name in layers]))
    if run.change is None:
        return f"{said} All of them observe."
    return f"{said} One changes something: the {run.change.title}."


def one(event: Event) -> str:
    """One call of one hook."""
    hook = HOOKS[event.kind]
    where = "forward" if event.is_forward else "backward"
    said = (
        f"{where}: {hook.register}, at {place_of(event)}, is called with {hook.receives} = "
        f"{values(event.received)}"
    )
    if event.differs:
        said += ", not what it is without the change"
    return f"{said}. {_returned(event)}"


def _returned(event: Event) -> str:
    if event.kind == "accumulate":
        if event.returned:
            return f"It edits .grad in place, {FACTOR} times as large, and returns None."
        return "Now .grad is complete. The hook has to return None."
    if not event.returned:
        if event.kind in ("pack", "unpack"):
            return "It returns the tensor as it is."
        return OBSERVES
    return f"It returns {values(event.returned)}, which {HOOKS[event.kind].effect}."


def after(run: Run) -> str:
    """The last step: what the run left."""
    if run.change is None:
        found = [f"{r.name} = {values([r.value])}" for r in run.results]
        return f"done: {', '.join(found)}. All hooks observed."
    groups = []
    for relation, words in (
        (f"{FACTOR} times", f"{FACTOR} times as large as without the change"),
        ("other", "different, and not by one factor"),
        ("the same", "as without it"),
    ):
        names = [r.name for r in run.results if r.relation == relation]
        if names:
            groups.append(f"{listed(names)} {'is' if len(names) == 1 else 'are'} {words}")
    return f"done: {'; '.join(groups)}."
