"""The state that an RNN is given: made for another batch, or with other layers or sizes."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from grader.errors.explanation import Explained
from grader.errors.seen.modules.made import made, spelled
from grader.errors.seen.reading import failing, source, tried
from grader.errors.seen.reading.frames import Frames, file_name, own_class


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The state of the failing call beside what this batch needs."""
    names = frames.given("forward")
    layer, x = names.get("self"), names.get("input")
    if not isinstance(layer, nn.RNNBase) or not isinstance(x, Tensor) or x.dim() != 3:
        return None
    name = _state(frames)
    given = names.get("hx")
    if isinstance(layer, nn.LSTM) and isinstance(given, Tensor):
        return read_pair(frames, told, message)
    held = given[0] if isinstance(given, tuple) and given else given
    if not isinstance(held, Tensor):
        return None
    called, layers = spelled(frames, layer), layer.num_layers * (2 if layer.bidirectional else 1)
    size = layer.proj_size or layer.hidden_size
    batch = x.shape[0 if layer.batch_first else 1]
    wanted, shape = (layers, batch, size), tuple(held.shape)
    part = "a part of the shape" if isinstance(given, tuple) else "the shape"
    said = f"{name} has {part} {shape}, and for this batch {called} wants {wanted}."
    pair = isinstance(layer, nn.LSTM)
    fresh = f"x.new_zeros({layers}, x.shape[{0 if layer.batch_first else 1}], {size})"
    new = f"({fresh}, {fresh})" if pair else fresh
    place = _made(frames, name)
    if len(shape) == 3 and not layer.batch_first and shape == (layers, x.shape[0], size):
        call = made(frames, layer)
        return replace(
            told,
            meaning=f"{said} It takes dimension 1 of its input, {tuple(x.shape)}, for the batch.",
            cure=f"If the batch comes first, pass batch_first=True to nn.{type(layer).__name__}"
            "(...), on the line named here.",
            place=call.place if call is not None else frames.last.place,
        )
    if len(shape) == 3 and shape[::2] == wanted[::2]:
        return replace(
            told,
            meaning=f"{said} It was made for {shape[1]} samples, and this batch has {batch}: the "
            "last batch is smaller, for one.",
            cure=f"Begin each batch with zeros, which is what an RNN does without a state: "
            f"{called}(x). Or make the state from the batch, in forward: {new}. To keep the "
            "state as it is, pass drop_last=True to the DataLoader.",
            place=place,
        )
    if shape == (batch, layers, size) or shape == (batch, size):
        return replace(
            told,
            meaning=f"{said} The batch stands second in a state, with batch_first=True too.",
            cure=f"Make it so: {new}.",
            place=place,
        )
    if shape == (2 * layers, batch, size) and not layer.bidirectional:
        return replace(
            told,
            meaning=f"{said} It has twice as many layers: the state of a bidirectional RNN holds "
            "both directions of each.",
            cure=f"Join the directions: {name}.unflatten(0, ({layers}, 2)).sum(1)"
            + (", and so for the other part." if pair else "."),
            place=place,
        )
    if len(shape) == 3 and shape[1:] == wanted[1:]:
        return _of_other_layers(frames, told, layer, x, given, said)
    twice = " A bidirectional RNN counts each layer twice." if layer.bidirectional else ""
    return replace(told, meaning=f"{said}{twice}", cure=f"Make it so: {new}.", place=place)


def _of_other_layers(
    frames: Frames, told: Explained, layer: nn.RNNBase, x: Tensor, given: Any, said: str
) -> Explained:
    """A state of fewer layers, or of more, such as an encoder's: how it is brought to this one."""
    parts = given if isinstance(given, tuple) else (given,)
    wide = 2 if layer.bidirectional else 1
    have, wanted = parts[0].shape[0], layer.num_layers * wide
    name, called = _state(frames), spelled(frames, layer)
    if have < wanted:
        words, code = "Begin every layer with it", f".repeat({wanted // have}, 1, 1)"
        new = tuple(one.repeat(wanted // have, 1, 1) for one in parts)
    else:
        words, code = "Take that of the last", f"[-{wanted}:]"
        new = tuple(one[-wanted:] for one in parts)
    if tried.gives(layer, x, new if isinstance(given, tuple) else new[0]) is None:
        return replace(told, meaning=said, place=frames.last.place)
    pair = isinstance(given, tuple)
    instead = f"tuple(part{code} for part in {name})" if pair else f"{name}{code}"
    counted = f"{called} counts {wanted}" + (", both directions of each" if wide > 1 else "")
    other = (
        f" If it is to have as many layers as the state, make {called} with "
        f"num_layers={have // wide}."
        if not have % wide
        else ""
    )
    return replace(
        told,
        meaning=f"{said} The first number is that of the layers: {counted}, and the state "
        f"has {have}.",
        cure=f"{words}: {instead}, in the place of {name}.{other}",
        place=frames.last.place,
    )


def read_pair(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The one tensor that an LSTM was given for its state."""
    layer = next(
        (one["self"] for _, one in frames.within if isinstance(one.get("self"), nn.LSTM)), None
    )
    if layer is None:
        return None
    name = _state(frames)
    return replace(
        told,
        meaning=f"{spelled(frames, layer)} is an LSTM, whose state is a pair, and {name} is not.",
        cure=f"Give it two tensors, ({name}, torch.zeros_like({name})). To begin with zeros leave "
        "the state out.",
        place=_made(frames, name),
    )


def _state(frames: Frames) -> str:
    """What the failing line calls the state."""
    frame = frames.last
    for node in failing.on_line(frame):
        if isinstance(node, ast.Call):
            words = [one.value for one in node.keywords if one.arg in ("hx", "h0", "hidden")]
            state = node.args[1] if len(node.args) > 1 else next(iter(words), None)
            if state is not None:
                return ast.unparse(state)
    return "the state"


def _made(frames: Frames, name: str) -> str:
    """The line that made the state: in this function, or in the class for an attribute."""
    frame = frames.last
    made_here = source.assigned(frame.source, name) if frame.source is not None else []
    before = [one.lineno for one in made_here if one.lineno < frame.line]  # type: ignore[attr-defined]
    if before:
        return frame.place_of(before[-1])
    me = frame.names.get("self")
    code = own_class(type(me)) if me is not None and name.startswith("self.") else None
    if code is None:
        return frame.place
    lines = [one.lineno for one in source.assigned(code[0], name)]  # type: ignore[attr-defined]
    return f"{file_name(code[1])}, line {lines[0]}" if len(lines) == 1 else frame.place
