"""A tuple or a list in the place of a tensor: texts that a DataLoader collated, or other things."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from torch import nn

from grader.errors.explanation import Explained
from grader.errors.index import INDEX
from grader.errors.seen.modules.layers import parts
from grader.errors.seen.modules.made import made, spelled
from grader.errors.seen.modules.misplaced import read_pair
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up

_SHOWN = 3
_SECTION = INDEX["texts"].section
_RECURRENT = (nn.RNNBase, nn.LSTMCell)
_PAIRS = (nn.RNNBase, nn.MultiheadAttention)


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """What the failing line's tuple or list holds."""
    if (inside := _in_sequence(frames, told)) is not None:
        return inside
    if (several := read_pair(frames, told, message)) is not None:
        return several
    kind: type[list[Any] | tuple[Any, ...]] = list if "list" in message else tuple
    frame = frames.last
    held = [(name, one) for name, one in _on_line(frame) if type(one) is kind and one]
    for name, one in held:
        if all(isinstance(entry, str) for entry in one):
            return replace(
                told, meaning=_texts(name, one), cure=_CURE, place=frame.place, section=_SECTION
            )
    if kind is tuple and (pair := _pair_for_one(frames, told)) is not None:
        return pair
    if kind is list or len(held) != 1 or _shows_a_pair(frames):
        return None
    ((name, one),) = held
    kinds = ", ".join(dict.fromkeys(type(entry).__name__ for entry in one))
    count = f"{len(one)} entries" if len(one) > 1 else "1 entry"
    written, place = _taken_apart(frame, name, len(one))
    if written:
        return replace(
            told,
            meaning=f"{name} is a tuple of {count} ({kinds}), and a tensor is wanted.",
            cure=f"If it is the first that you mean, take them apart: {written}.",
            place=place,
        )
    return replace(
        told,
        meaning=f"{name} is a tuple of {count} ({kinds}), and a tensor is wanted.",
        cure=f"Give the entry that you mean, such as {name}[0], or look at the line that made "
        f"{name}.",
        place=frame.place,
    )


def _taken_apart(frame: Frame, name: str, entries: int) -> tuple[str, str]:
    """The line that gave a tuple its name, with a name for each entry, and its place."""
    made_by = source.assigned(frame.source, name) if frame.source is not None else []
    before = [one for one in made_by if one.lineno < frame.line]  # type: ignore[attr-defined]
    value = source.value_of(before[-1], name) if before else None
    if not isinstance(value, ast.Call) or not name.isidentifier() or entries > _SHOWN:
        return "", ""
    names = ", ".join([name, *["_"] * (entries - 1)])
    return f"{names} = {ast.unparse(value)}", frame.place_of(value.lineno)


def _in_sequence(frames: Frames, told: Explained) -> Explained | None:
    """A Sequential that hands on the pair which an RNN or an attention gives."""
    sequence = next(
        (one["self"] for _, one in frames.within if isinstance(one.get("self"), nn.Sequential)),
        None,
    )
    if sequence is None:
        return None
    name = spelled(frames, sequence)
    for number, part in enumerate(sequence):
        if not isinstance(part, _PAIRS):
            continue
        kind = type(part).__name__
        call = made(frames, part)
        return replace(
            told,
            meaning=f"Part {number} of {name} is an {kind}, which returns its output and more in a "
            "tuple, and a Sequential hands that on as it is.",
            cure=f"Put a module behind it that takes the output: class Output(nn.Module): def "
            f"forward(self, pair): return pair[0]; then nn.{kind}(...), Output(), and so on. Or "
            f"keep the {kind} in an attribute of its own and write out, _ = self.rnn(x).",
            place=call.place if call is not None else "",
        )
    return None


def _pair_for_one(frames: Frames, told: Explained) -> Explained | None:
    """A pair of states, as an LSTM has it, that a GRU or an RNN was given."""
    given = frames.given("forward")
    layer, state = given.get("self"), given.get("hx")
    if not isinstance(layer, nn.GRU | nn.RNN) or not isinstance(state, tuple):
        return None
    kind = type(layer).__name__
    return replace(
        told,
        meaning=f"A {kind} was given a tuple of {len(state)} for its state. Its state is one "
        "tensor; the pair (h, c) is that of an LSTM.",
        cure="Give it h alone, in this call: the first entry of that tuple. Where the code is for "
        "both, ask: state[0] if isinstance(state, tuple) and not isinstance(layer, nn.LSTM) else "
        "state.",
        place=frames.last.place,
    )


_CURE = (
    "Text has to become class numbers, in the dataset: number = {name: i for i, name in "
    "enumerate(sorted(set(names)))}, made once of all names, and let __getitem__ return "
    "number[label] in the place of label. A DataLoader makes a tensor of numbers."
)


def _texts(name: str, texts: Any) -> str:
    shown = ", ".join(repr(one[:20]) for one in texts[:_SHOWN])
    more = " and so on" if len(texts) > _SHOWN else ""
    return (
        f"{name} holds text: {shown}{more}. A DataLoader leaves texts as they are, in a "
        f"{type(texts).__name__}, and no tensor holds text."
    )


def _on_line(frame: Frame) -> Iterator[tuple[str, Any]]:
    """What the failing line names, with its value."""
    for node in failing.on_line(frame):
        if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            yield ast.unparse(node), looked_up(node, frame)


def _shows_a_pair(frames: Frames) -> bool:
    """Whether this code has what the text's own explanation speaks of."""
    if any(isinstance(part, _RECURRENT) for _, part in parts(frames)):
        return True
    return any(
        isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", "")) in ("grad", "LSTM", "GRU")
        for frame in frames.own
        if frame.source is not None
        for node in ast.walk(frame.source)
    )
