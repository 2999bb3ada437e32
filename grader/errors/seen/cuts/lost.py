"""A result without a graph: what the failing code says about where it was cut."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from types import FunctionType
from typing import Any

import torch
from torch import Tensor, nn

from grader.errors.explanation import Explained
from grader.errors.seen.again.passes import root_of
from grader.errors.seen.cuts import (
    absent,
    backwards,
    bare,
    blocked,
    copies,
    derived,
    doubles,
    flow,
    forced,
    ignored,
    later,
    modes,
    rebound,
    remade,
    severed,
    slopes,
    unrecorded,
)
from grader.errors.seen.cuts.cutting import cuts
from grader.errors.seen.in_place import checkpointed
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames, file_name, is_library
from grader.errors.seen.reading.lookup import looked_up


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """Frozen parameters, recording switched off, a constant slope, or a cut in this code."""
    frame = next((one for one in reversed(frames.own) if root_of(one) is not None), frames.last)
    root_of(frame)
    if (inside := backwards.read(frames, told)) is not None:
        return inside
    if (recorded := _differentiated_gradient(frame)) is not None:
        slope = slopes.or_cut(_constant_slope(frame, told), _hiding(frames))
        return bare.read(frames, told, frame, recorded) or slope
    if (straight := slopes.constant(frames, told)) is not None:
        return slopes.or_cut(straight, _hiding(frames))
    if (remade := _remade(frame)) is not None:
        name, line = remade
        return replace(
            told,
            meaning=f"{name} was replaced by a new tensor that does not require grad.",
            cure=f"Write into the tensor itself: with torch.no_grad(): {name} -= lr * {name}.grad. "
            f"Then {name} stays the leaf it was.",
            place=frame.place_of(line),
        )
    if (gradient := derived.read(frames, told)) is not None:
        return gradient
    models = frames.modules()
    every = [(name, list(model.parameters())) for name, model in models]
    frozen = [name for name, all_ in every if all_ and not any(p.requires_grad for p in all_)]
    if frozen and len(frozen) == len([1 for _, all_ in every if all_]):
        return severed.frozen(frames, told, frozen[0], frame)
    if (whole := severed.to_be_trained(frames, every)) is not None:
        return severed.frozen(frames, told, whole, frame)
    if not torch.is_grad_enabled():
        return severed.switched_off(frames, told, frame)
    off = unrecorded.closure(frames, told) or modes.read(frames, told)
    if off is not None:
        return off
    places: list[tuple[str, str]] = list(flow.cuts(frames))
    if (block := blocked.read(frames, told, frame, places)) is not None:
        return block
    if not places:
        places = [
            found for one in reversed(frames.own) for found in _in_frame(one, one is frames.last)
        ]
        places += _elsewhere(frames, frame)
    if (cut := checkpointed.read(frames, told)) is not None and (cut.sure or not places):
        return cut
    return severed.at(frames, told, places) if places else None


def read_unused(frames: Frames, told: Explained, message: str) -> Explained | None:
    """A tensor of the same values that is not the one the result was computed from."""
    if (straight := slopes.constant(frames, told)) is not None:
        return slopes.or_cut(straight, _hiding(frames))
    flagged = forced.read(frames, told) or remade.read(frames, told)
    if flagged is not None:
        return flagged
    other = copies.read(frames, told) or later.read(frames, told) or doubles.read(frames, told)
    if other is not None:
        return other
    for node in failing.calls(frames.last, "grad"):
        if len(node.args) < 2:
            continue
        asked = node.args[1]
        index = re.search(r"Tensor at index (\d+)", message)
        if (loop := rebound.read(frames, told, asked)) is not None:
            return loop
        part = derived.read_part(frames, told, asked, int(index[1]) if index is not None else 0)
        if part is not None:
            return part
        if (name := _named_by_index(asked, frames, message)) is not None:
            return replace(
                told,
                meaning=f"The result does not depend on {name}: the forward pass does not use it, "
                "or used a copy of it.",
                cure=f"If the result is to depend on {name}, compute it from {name} itself. If "
                "not, leave it out of the tensors that you ask for, or pass allow_unused=True, "
                "materialize_grads=True, which gives zeros for it.",
                place=frames.last.place,
            )
        if isinstance(asked, ast.Name) and (line := _replaced(asked, frames.last)) is not None:
            name = asked.id
            return replace(
                told,
                meaning=f"This line made a new tensor of {name} and gave it the same name, after "
                f"the result had been computed from the {name} before it.",
                cure=f"Give the new tensor another name and ask for the gradient of {name} itself; "
                "reshape the gradient that comes. Or make the new tensor before the result is "
                "computed from it.",
                place=frames.last.place_of(line),
            )
        if (unused := ignored.read(frames, told, asked)) is not None:
            return unused
        if isinstance(asked, ast.List | ast.Tuple) and index is not None:
            asked = asked.elts[int(index[1])] if int(index[1]) < len(asked.elts) else asked
        if getattr(getattr(asked, "func", None), "attr", "") in ("parameters", "values"):
            continue
        if (now := absent.made_now(frames, told, node, asked)) is not None:
            return now
        if index is not None:
            return absent.read(frames, told, node, int(index[1]))
    return None


def _replaced(asked: ast.Name, frame: Frame) -> int | None:
    """The last line before the failing one, if it made a name's value of the name itself."""
    value = looked_up(asked, frame)
    if not isinstance(value, Tensor) or value.is_leaf or frame.source is None:
        return None
    made = [
        one
        for one in source.assigned(frame.source, asked.id)
        if one.lineno < frame.line  # type: ignore[attr-defined]
    ]
    last = made[-1] if len(made) > 1 else None
    return last.lineno if last is not None and source.reads(last, asked.id) else None  # type: ignore[attr-defined]


def _named_by_index(asked: ast.AST, frames: Frames, message: str) -> str | None:
    """The parameter that a message means by its index among the tensors asked for."""
    index = re.search(r"Tensor at index (\d+)", message)
    if isinstance(asked, ast.Call) and getattr(asked.func, "id", "") in ("list", "tuple"):
        asked = asked.args[0] if asked.args else asked
    values = looked_up(asked, frames.last)
    method = asked.func if isinstance(asked, ast.Call) else None
    if isinstance(method, ast.Attribute) and method.attr == "parameters":
        module = looked_up(method.value, frames.last)
        values = list(module.parameters()) if isinstance(module, nn.Module) else None
    elif isinstance(method, ast.Attribute) and method.attr == "values":
        mapping = looked_up(method.value, frames.last)
        values = list(mapping.values()) if isinstance(mapping, dict) else None
    if index is None or not isinstance(values, list | tuple) or int(index[1]) >= len(values):
        return None
    tensor = values[int(index[1])]
    return frames.name_of(tensor) or None if isinstance(tensor, nn.Parameter) else None


def _differentiated_gradient(frame: Frame) -> ast.Call | None:
    """The call with create_graph=True that made a gradient which the failing line starts from."""
    tree = frame.source
    reached = [node for node in _statements(tree) if node.lineno <= frame.line <= _end(node)]
    for node in _statements(tree):
        recorded = next((one for one in ast.walk(node) if slopes.is_recorded(one)), None)
        if recorded is not None and isinstance(node, ast.Assign) and node.lineno < frame.line:
            names = [one for target in node.targets for one in ast.walk(target)]
            for name in (one.id for one in names if isinstance(one, ast.Name)):
                if any(source.reads(one, name) for one in reached):
                    value = frame.names.get(name)
                    kept = value[0] if isinstance(value, tuple) and value else value
                    is_bare = isinstance(kept, Tensor) and not kept.requires_grad
                    return recorded if is_bare and isinstance(recorded, ast.Call) else None
    return None


def _remade(frame: Frame) -> tuple[str, int] | None:
    """A tensor that was to be trained, and that a later line replaced by a plain one."""
    tree = frame.source
    for name, value in frame.names.items():
        if tree is None or not isinstance(value, Tensor) or value.requires_grad:
            continue
        made = source.assigned(tree, name)
        trained = [
            one
            for one in made
            if "requires_grad" in ast.unparse(one) or "Parameter" in ast.unparse(one)
        ]
        later = [one for one in made if source.reads(one, name) and one not in trained]
        if trained and later:
            return name, later[0].lineno  # type: ignore[attr-defined]
    return None


def _statements(tree: ast.AST | None) -> list[ast.stmt]:
    simple = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Return)
    return [one for one in ast.walk(tree) if isinstance(one, simple)] if tree is not None else []


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def _constant_slope(frame: Frame, told: Explained) -> Explained:
    return replace(
        told,
        meaning="The gradient you differentiate does not depend on the input: its slope is "
        "constant, as that of a straight line is, or of clamp between its kinks. create_graph=True "
        "was passed, and there is nothing to record.",
        cure="Its derivative is 0: test gradient.requires_grad, or pass allow_unused=True with "
        "materialize_grads=True to torch.autograd.grad where other inputs remain.",
        place=frame.place,
        sure=False,
    )


def _in_frame(frame: Frame, is_last: bool) -> list[tuple[str, str]]:
    """Cuts in a frame's text; of one that called another, those in front of the calling line."""
    tree = frame.source
    if tree is None:
        return []
    root = root_of(frame)
    if isinstance(root, Tensor) and not root.is_floating_point():
        return [(frame.place, f"the result holds {str(root.dtype).removeprefix('torch.')}")]
    last = frame.line if is_last else frame.line - 1
    return [(frame.place_of(line), why) for line, why in cuts(tree, frame) if line <= last]


def _hiding(frames: Frames) -> list[tuple[str, str]]:
    """Cuts that may hide how a function bends: not where a leaf is made, or a number noted."""
    found = _elsewhere(frames, frames.last)
    for frame in reversed(frames.own):
        harmless = {
            frame.place_of(line)
            for one in _statements(frame.source)
            if any(word in ast.unparse(one) for word in ("requires_grad", "print(", "append("))
            for line in range(one.lineno, _end(one) + 1)
        }
        cut = _in_frame(frame, frame is frames.last)
        found += [(place, why) for place, why in cut if place not in harmless]
    return found


def _elsewhere(frames: Frames, frame: Frame) -> list[tuple[str, str]]:
    """Cuts in the functions that the failing code calls, and in the forward of its models."""
    called: dict[int, Any] = {}
    for node in ast.walk(frame.source) if frame.source is not None else ():
        if isinstance(node, ast.Call):
            value = looked_up(node.func, frame)
            if isinstance(value, FunctionType) and (
                hasattr(value, "__wrapped__") or not is_library(value.__code__.co_filename)
            ):
                called[id(value)] = value
    for _, model in frames.modules():
        called |= {id(type(part)): type(part) for part in model.modules()}
    found = []
    for value in called.values():
        code = source.own_code(value)
        if code is None:
            continue
        tree, file, first = code
        function = value.forward if hasattr(value, "forward") else value
        place = f"{file_name(file)}, line {{}}"
        if function.__code__.co_name == "decorate_context":
            name = getattr(function, "__name__", "it")
            found.append((place.format(first), f"{name} is decorated to record nothing"))
            continue
        cut = cuts(tree)
        found += [(place.format(first + line - 1), why) for line, why in cut]
    return found
