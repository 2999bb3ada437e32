"""Every state of chapter 4's picture as one sentence, which tells the modes apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from course.widgets.frame.words import listed
from course.widgets.mode.programs import Program
from course.widgets.mode.reader import Given, Made, Run


def size(count: int) -> str:
    """``131,072 bytes``."""
    return f"{count:,} {'byte' if count == 1 else 'bytes'}"


def before(program: Program, runs: Sequence[Run]) -> str:
    """What stands ready before the first line."""
    given = listed([_given(one) for one in runs[0].given])
    return f"before the lines run, there {_are(runs[0].given)} {given}."


def line(program: Program, runs: Sequence[Run], index: int) -> str:
    """What one line makes in every mode; modes in which it is the same are named together."""
    where = "" if index < len(program.inside) else ", behind the block"
    return f"{program.lines[index]}{where}. {_by_mode(runs, lambda run: _made(run.made[index]))}."


def end(program: Program, runs: Sequence[Run]) -> str:
    """What autograd holds in the end in every mode."""
    total = len(program.lines)

    def told(run: Run) -> str:
        return f"autograd holds {size(run.held(total))} for a backward pass"

    return f"in the end, beside what was given: {_by_mode(runs, told)}."


def _by_mode(runs: Sequence[Run], tell: Callable[[Run], str]) -> str:
    groups: dict[str, list[str]] = {}
    for run in runs:
        groups.setdefault(tell(run), []).append(run.mode.title)
    return "; ".join(f"{listed(modes)}: {told}" for told, modes in groups.items())


def _are(given: Sequence[Given]) -> str:
    return "is" if len(given) == 1 else "are"


def _given(one: Given) -> str:
    wants = "requires grad" if one.requires_grad else "does not require grad"
    numbers = "a number" if one.numbers == 1 else f"{one.numbers:,} numbers"
    return f"{one.name} ({numbers}, {wants})"


def _made(made: Made) -> str:
    if made.error:
        return f"it raises {made.error.split('. ')[0].rstrip('.')}"
    assert made.value is not None
    parts = []
    if made.grad_fn:
        parts.append(f"{made.name} requires grad, made by {made.grad_fn}")
    elif made.requires_grad:
        parts.append(f"{made.name} is a leaf that requires grad")
    else:
        parts.append(f"{made.name} does not require grad")
    if made.value.is_number:
        parts[0] += f", value {made.value.short()}"
    if made.is_inference:
        parts[0] += ", an inference tensor"
    parts.append(_saved(made))
    return ", ".join(parts)


def _saved(made: Made) -> str:
    if not made.saved:
        return "nothing is saved"
    more = f"which takes {size(made.held)} more" if made.held else "which takes no more memory"
    return f"autograd saves {listed(list(made.saved))}, {more}"
