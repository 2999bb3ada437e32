"""Two dtypes in one operation: which of the failing line's tensors has which, and why."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeGuard

import torch
from torch import Tensor, nn

from grader.errors.explanation import Explained
from grader.errors.sections import Section
from grader.errors.seen.batches import weighed
from grader.errors.seen.modules.made import spelled
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up, named

_SHORT = {"bfloat16": torch.bfloat16, "half": torch.float16, "float16": torch.float16}
_WRITES = ("index_add", "index_copy", "scatter", "scatter_add", "scatter_reduce", "masked_scatter")


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """What an optimizer keeps, a buffer under autocast, a short model, or NumPy's float64."""
    if "for `end`" in message and (held := frames.optimizers()):
        return replace(
            told,
            meaning=f"{held[0][0]} keeps running averages in the dtype that the parameters had in "
            "its first steps, and the model was cast since.",
            cure="Cast and move the model first, and make the optimizer after that.",
            section=Section("10-modules", "The optimizer made before the move"),
        )
    if (weights := weighed.read_dtype(frames, told)) is not None:
        return weights
    if (written := _written(frames, told, message)) is not None:
        return written
    if (given := _given_to_layer(frames, told)) is not None:
        return given
    if (two := _of_two(frames, told)) is not None:
        return two
    return _double(frames, told) if "double" in message.lower() else None


def _written(frames: Frames, told: Explained, message: str) -> Explained | None:
    """A tensor that is written into, of another dtype than what is written there."""
    frame = frames.last
    found = next(iter(_targets(frame)), None)
    if found is None:
        return None
    name, into, written = found
    if not into.is_floating_point():
        return _into_whole(frame, told, name, into, written)
    kept, converted = _of(into), written if written.isidentifier() else f"({written})"
    short = next((key for key, one in _SHORT.items() if key in message.lower()), "")
    if short and into.dtype == torch.float32 and _is_cast(frames):
        why = (
            f"Under autocast layers and products give {_of_name(short)}, and {name} is {kept}: "
            "zeros, empty and zeros_like keep their own dtype there."
        )
    else:
        why = f"{name} is {kept}, and what is written into it is not."
    return replace(
        told,
        meaning=why,
        cure=f"Convert what is written: {converted}.to({name}.dtype). Then {name} stays {kept}, in "
        "which sums are exact to more digits."
        if kept == "float32"
        else f"Convert what is written: {converted}.to({name}.dtype), or make {name} of its dtype.",
        place=_made_at(frame, name),
    )


def _into_whole(
    frame: Frame, told: Explained, name: str, into: Tensor, written: str
) -> Explained | None:
    """Whole numbers that are given fractions, where it is seen that those are."""
    node = ast.parse(written, mode="eval").body
    value = named(node, frame)
    made = getattr(node.func, "attr", "") if isinstance(node, ast.Call) else ""
    plain = isinstance(node, ast.Call) and all(one.arg != "dtype" for one in node.keywords)
    if isinstance(value, Tensor) and value.is_floating_point():
        given = _of(value)
    elif made in ("ones", "zeros", "rand", "randn") and plain:
        given = str(torch.get_default_dtype()).removeprefix("torch.")
    else:
        return None
    converted = written if isinstance(value, Tensor) or made else f"({written})"
    return replace(
        told,
        meaning=f"{name} is {_of(into)}, and {written}, which is written into it, is {given}.",
        cure=f"If whole numbers are meant, convert what is written: {converted}.to({name}.dtype). "
        f"If not, make {name} of dtype {given}.",
        place=_made_at(frame, name),
    )


def _targets(frame: Frame) -> Iterator[tuple[str, Tensor, str]]:
    """Tensors that the failing line writes into, with what it writes."""
    for node in ast.walk(frame.source) if frame.source is not None else ():
        first, last = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0) or 0
        if not first <= frame.line <= last:
            continue
        target, value = None, None
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            target, value = node.targets[0].value, node.value
        elif isinstance(node, ast.Call) and _writes(node.func) and node.args:
            sources = [one.value for one in node.keywords if one.arg in ("src", "source")]
            value = sources[0] if sources else node.args[2 if len(node.args) > 2 else -1]
            target = node.func.value
        into = looked_up(target, frame) if target is not None else None
        if isinstance(into, Tensor) and target is not None and value is not None:
            yield ast.unparse(target), into, ast.unparse(value)


def _writes(function: ast.expr) -> TypeGuard[ast.Attribute]:
    name = function.attr if isinstance(function, ast.Attribute) else ""
    return name.removesuffix("_") in _WRITES


def _given_to_layer(frames: Frames, told: Explained) -> Explained | None:
    """A layer whose weights have another dtype than its input."""
    for _, names in reversed(frames.within):
        layer, x = names.get("self"), names.get("input")
        if not isinstance(layer, nn.Module) or not isinstance(x, Tensor):
            continue
        weight = next(iter(layer.parameters()), None)
        if weight is None or weight.dtype == x.dtype:
            return None
        name, part = frames.name_of(x) or "its input", spelled(frames, layer)
        if not x.is_floating_point():
            return _of_integers(frames, told, name, x, f"{part} are {_of(weight)}")
        if x.dtype == torch.float64:
            return _of_numpy(frames, told, name, f"{part} are {_of(weight)}")
        return replace(
            told,
            meaning=f"{name} is {_of(x)}, and the parameters of {part} are {_of(weight)}.",
            cure=f"Convert the input to the dtype of the weights: "
            f"{name if name.isidentifier() else 'x'}.to({part}.weight.dtype). To compute in short "
            "numbers and train in float32, leave model and input in float32, and run the forward "
            "pass under torch.autocast.",
            place=_made_at(frames.last, name),
        )
    return None


def _of_integers(
    frames: Frames, told: Explained, name: str, x: Tensor, parameters: str
) -> Explained:
    """Integers that a layer is to multiply: a picture's bytes, counts, or numbers of rows."""
    text = name if name.isidentifier() else "x"
    bytes_too = f"{text} = {text}.float() / 255 for the bytes of a picture, and "
    return replace(
        told,
        meaning=f"{name} is {_of(x)}, and the parameters of {parameters}: a layer multiplies "
        "floating numbers.",
        cure=f"Convert it in front of the layer: {bytes_too if x.dtype == torch.uint8 else ''}"
        f"{text} = {text}.float(){' for other numbers' if x.dtype == torch.uint8 else ''}. Numbers "
        "that are names of words or classes go through nn.Embedding or F.one_hot first.",
        place=_made_at(frames.last, name) or frames.last.place,
    )


def _of_two(frames: Frames, told: Explained) -> Explained | None:
    """The two tensors of one product on the failing line, if their dtypes differ."""
    frame = frames.last
    found = set()
    for node in failing.on_line(frame):
        sides = _factors(node)
        if not sides:
            continue
        pair = [(ast.unparse(one), named(one, frame)) for one in map(_turned, sides)]
        values = [one for one in pair if isinstance(one[1], Tensor)]
        if len(values) == 2 and values[0][1].dtype != values[1][1].dtype:
            found.add(tuple(name for name, _ in values))
            left, right = values
    if len(found) != 1:
        return None
    if (late := _cast_before(frames, told, left, right)) is not None:
        return late
    wrong, right_ = sorted((left, right), key=_rank)
    name, kept = wrong[0], right_[0]
    why = " NumPy's numbers are float64." if wrong[1].dtype == torch.float64 else ""
    return replace(
        told,
        meaning=f"{left[0]} is {_of(left[1])}, and {right[0]} is {_of(right[1])}.{why}",
        cure=f"Convert one: {name}.to({kept}.dtype).",
        place=_made_at(frame, name) or frame.place,
    )


def _cast_before(
    frames: Frames, told: Explained, left: tuple[str, Tensor], right: tuple[str, Tensor]
) -> Explained | None:
    """A parameter that was added to a model after all the rest of it had been cast."""
    for (name, own), (other, value) in ((left, right), (right, left)):
        for model, module in frames.modules() if isinstance(own, nn.Parameter) else ():
            every = list(module.parameters())
            if not any(one is own for one in every) or model.split(".")[0] == "self":
                continue
            as_value = sum(one.dtype == value.dtype for one in every)
            if own.dtype == value.dtype or 2 * as_value <= len(every):
                continue
            cast = _of(value)
            return replace(
                told,
                meaning=f"{name} is {_of(own)}, and {other} is {cast}, as most parameters of "
                f"{model} are: it was made beside them after they had been cast.",
                cure=f"Cast the model once more when it is complete: {model}.to(torch.{cast}). Or "
                "make the parameter in the dtype of the weight beside it: "
                "torch.zeros(..., dtype=layer.weight.dtype).",
                place=frames.last.place,
            )
    return None


def _turned(node: ast.expr) -> ast.expr:
    """`w` of `w.t()` and `w.T`, which have its dtype."""
    if isinstance(node, ast.Call) and not node.keywords and isinstance(node.func, ast.Attribute):
        return _turned(node.func.value) if node.func.attr in _TURNS else node
    return _turned(node.value) if isinstance(node, ast.Attribute) and node.attr in _TURNS else node


_TURNS = ("t", "T", "mT", "transpose", "permute", "view", "reshape", "flatten", "contiguous")


def _rank(one: tuple[str, Tensor]) -> int:
    """Which of two is to be converted: whole numbers first, then float64, a parameter last."""
    _, tensor = one
    if not tensor.is_floating_point():
        return 0
    return 3 if tensor.requires_grad else 1 if tensor.dtype == torch.float64 else 2


def _factors(node: ast.AST) -> tuple[ast.expr, ast.expr] | None:
    """`x` and `w` of `x @ w`, `torch.matmul(x, w)` and `x.mm(w)`."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return node.left, node.right
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    if node.func.attr not in ("matmul", "mm", "bmm", "mv", "dot"):
        return None
    given = [node.func.value, *node.args]
    given = given[1:] if ast.unparse(node.func.value) == "torch" else given
    return (given[0], given[1]) if len(given) > 1 else None


def _double(frames: Frames, told: Explained) -> Explained | None:
    """A float64 tensor beside a model of float32 parameters."""
    for model, module in frames.modules():
        if {parameter.dtype for parameter in module.parameters()} != {torch.float32}:
            continue
        for name, value in frames.tensors():
            if value.dtype == torch.float64 and name.isidentifier():
                return _of_numpy(frames, told, name, f"{model} are float32")
    return None


def _of_numpy(frames: Frames, told: Explained, name: str, parameters: str) -> Explained:
    """What to say of float64 data: `parameters` are whose, and of which dtype."""
    return replace(
        told,
        meaning=f"{name} holds float64, and the parameters of {parameters}. NumPy's numbers are "
        "float64, and torch.from_numpy keeps that.",
        cure=f"Convert the data once: {_float(name)}.",
        place=_made_at(frames.last, name),
    )


def _float(name: str) -> str:
    return f"{name} = {name}.float()" if name.isidentifier() else "x = x.float()"


def _is_cast(frames: Frames) -> bool:
    """Whether the frames' code works under autocast."""
    return any(source.calls(one.source, "autocast") for one in frames.own if one.source is not None)


def _made_at(frame: Frame, name: str) -> str:
    """The one line of this function that gives a name its value, if it is another one."""
    made = source.assigned(frame.source, name) if frame.source is not None else []
    lines = {one.lineno for one in made}  # type: ignore[attr-defined]
    return frame.place_of(lines.pop()) if len(lines) == 1 and frame.line not in lines else ""


def _of(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _of_name(short: str) -> str:
    return "float16" if short == "half" else short
