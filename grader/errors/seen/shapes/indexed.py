"""An index beyond what it indexes: which tensor holds it, from where to where, and who made it."""

from __future__ import annotations

import ast
import re
from dataclasses import replace

import torch
from torch import Tensor, nn

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames, file_name
from grader.errors.seen.reading.lookup import looked_up
from grader.errors.seen.shapes import drawn, numbered, offsets

_TEXT = re.compile(r"^index (-?\d+) is out of bounds for dimension (\d+) with size (\d+)")


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The one index of the failing line that holds the number of the text."""
    if "out of range in self" in message or "out of DATA bounds" in message:
        return _chosen(frames, told)
    if (found := _TEXT.search(message)) is None:
        return None
    wrong, dimension, size = (int(one) for one in found.groups())
    frame = frames.last
    held = _holding(_indices(frame), wrong, size)
    if len(held) != 1:
        held = _holding(_in_brackets(frame, dimension, size), wrong, size)
    if len(held) != 1:
        return None
    ((name, index),) = held.items()
    low, high = (int(end) for end in index.detach().aminmax())
    meaning = (
        f"{name} goes from {low} to {high}, and dimension {dimension}, which it indexes, has the "
        f"size {size}: 0 to {size - 1}."
    )
    if low == 1 and high == size:
        cure = f"Numbers that begin at 1 are one too large: {name} - 1."
        return replace(told, meaning=meaning, cure=cure, place=frame.made(name))
    if low > 0 and len(ends := _ends(frames)) == 1:
        offset, made, sizes, place = ends[0]
        return replace(
            told,
            meaning=f"{meaning} The line named here makes {offset}, where each part ends; an "
            "index into parts that were joined counts from where its part begins.",
            cure=f"Take the starts: {offset} = {made} - {sizes}.",
            place=place,
            sure=False,
        )
    if low >= 0 and (wrong_offset := offsets.counted_wrongly(frames)) is not None:
        summed, counted, right, place = wrong_offset
        return replace(
            told,
            meaning=f"{meaning} {summed} moves the numbers of one part behind those of the parts "
            f"before it, and {counted} moves on by how many numbers there are: they have to move "
            "on by the rows that they number.",
            cure=f"Add the number of rows of that part, of a graph its nodes: {right}.",
            place=place,
            sure=False,
        )
    if low >= 0 and (ids := _numbering(frames, index, size)) is not None:
        meaning += (
            f" {ids} holds these numbers, one for each of the {size}: they are names of rows, and "
            "no positions."
        )
        cure = (
            f"Number them anew, by position: rows = {{int(one): row for row, one in "
            f"enumerate({ids})}}, and {name} = torch.tensor([rows[int(one)] for one in {name}]). "
            "The same goes for whatever else counts by these names."
        )
        return replace(told, meaning=meaning, cure=cure, place=frame.made(name))
    table = next(iter(_in_brackets(frame, dimension, size, nn.Parameter)), None)
    if low >= 0 and dimension == 0 and table == name:
        cure = (
            f"Make the table with a row for every number, {high + 1} of them. Where the numbers "
            "are names with gaps between them, number them anew from 0."
        )
        return replace(told, meaning=meaning, cure=cure, place=frame.made(name))
    cure = (
        f"Look at how {name} is made, and at whether it counts in the tensor that it indexes here."
    )
    return replace(told, meaning=meaning, cure=cure, place=frame.made(name))


def _holding(indices: dict[str, Tensor], wrong: int, size: int) -> dict[str, Tensor]:
    """Those that hold the number of the text and are out of range."""
    return {
        name: one
        for name, one in indices.items()
        if bool((one == wrong).any()) and not bool(((one >= 0) & (one < size)).all())
    }


def _in_brackets(
    frame: Frame, dimension: int, size: int, kind: type[Tensor] = Tensor
) -> dict[str, Tensor]:
    """The indices of the failing line that stand in the brackets of a tensor of that size."""
    found: dict[str, Tensor] = {}
    every = _indices(frame)
    for node in failing.on_line(frame):
        if not isinstance(node, ast.Subscript):
            continue
        whole = looked_up(node.value, frame)
        is_known = isinstance(whole, kind) and whole.shape[dimension : dimension + 1] == (size,)
        if is_known or (kind is Tensor and isinstance(node.value, ast.Call)):
            inside = {source.spelled(one) for one in ast.walk(node.slice)}
            found |= {name: one for name, one in every.items() if name in inside}
    return found


def _numbering(frames: Frames, index: Tensor, size: int) -> str | None:
    """The one tensor that gives each of the rows a number of its own, those of the index too."""
    found = {}
    for name, one in frames.tensors():
        is_list = one is not index and one.dtype == index.dtype and one.shape == (size,)
        if is_list and len(torch.unique(one)) == size and bool(torch.isin(index, one).all()):
            found[id(one)] = name
    return next(iter(found.values())) if len(found) == 1 else None


def _chosen(frames: Frames, told: Explained) -> Explained | None:
    """The index of an index_select or an Embedding on the failing line, against the rows."""
    frame, found = frames.last, {}
    for node in failing.on_line(frame):
        if not isinstance(node, ast.Call):
            continue
        name, index, holder, size = _choice(node, frame)
        if isinstance(index, Tensor) and index.numel() and not index.is_meta:
            low, high = (int(end) for end in index.detach().aminmax())
            if low < 0 or high >= size:
                found[name] = (low, high, holder, size, node)
    if len(found) != 1:
        return None
    ((name, (low, high, holder, size, node)),) = found.items()
    layer = looked_up(node.func, frame)
    padded = getattr(layer, "padding_idx", None) is not None
    rows = "entries" if holder.startswith("dimension") else "rows"
    cure = f"Look at how {name} is made, and at whether it counts in {holder}."
    meaning, place = "", frame.made(name)
    if low == 1 and high == size and not padded:
        cure = f"Numbers that begin at 1 are one too large: {name} - 1."
    elif isinstance(layer, nn.Embedding) and low >= 0 and _counts(frame, name):
        cure = (
            f"{name} counts positions, so the sequence is longer than the table. Give the model "
            f"the last {size} alone, tokens[:, -{size}:], or make the table as long as the longest "
            "sequence: a row that was never trained means nothing."
        )
    elif low >= 0 and isinstance(layer, nn.Embedding):
        rows_by = drawn.read(frames, layer) or numbered.counted(frames, layer)
        if rows_by is not None:
            meaning, cure, place = f" {rows_by.meaning}", rows_by.cure, rows_by.place
        else:
            cure = (
                "Make it with a row for every number that any of your data hold, of validation "
                f"and test too, padding counted: at least nn.Embedding({high + 1}, "
                f"{layer.embedding_dim}). Where the numbers are names with gaps between them, "
                "number them anew from 0."
            )
    elif low < 0:
        cure = f"Numbers below 0 are no rows: look at where {name} gets them."
    return replace(
        told,
        meaning=f"{name} holds the number {low if low < 0 else high}, and {holder} has {size} "
        f"{rows}, 0 to {size - 1}.{meaning}",
        cure=cure,
        place=place,
    )


def _counts(frame: Frame, name: str) -> bool:
    """Whether a name is given its numbers by arange: 0, 1, 2 and so on."""
    made = source.assigned(frame.source, name) if frame.source is not None else []
    return len(made) == 1 and bool(source.calls(made[0], "arange"))


def _choice(node: ast.Call, frame: Frame) -> tuple[str, object, str, int]:
    """What a call chooses by: its text and value, and what it chooses from, with the size."""
    given, layer = list(node.args), looked_up(node.func, frame)
    method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    if isinstance(layer, nn.Embedding) and given:
        index, holder, size = given[0], ast.unparse(node.func), layer.num_embeddings
        return source.spelled(index), looked_up(index, frame), holder, size
    if method == "embedding" and len(given) > 1:
        table = looked_up(given[1], frame)
        size = len(table) if isinstance(table, Tensor) else 0
        return source.spelled(given[0]), looked_up(given[0], frame), ast.unparse(given[1]), size
    if method != "index_select" or not isinstance(node.func, ast.Attribute):
        return "", None, "", 0
    whole = [node.func.value, *given]
    whole = whole[1:] if source.spelled(node.func.value) == "torch" else whole
    words = {one.arg: one.value for one in node.keywords}
    dim = whole[1] if len(whole) > 1 else words.get("dim")
    chosen = whole[2] if len(whole) > 2 else words.get("index")
    value = looked_up(whole[0], frame)
    at = ast.literal_eval(dim) if isinstance(dim, ast.Constant | ast.UnaryOp) else None
    if not isinstance(value, Tensor) or type(at) is not int or chosen is None:
        return "", None, "", 0
    holder = f"dimension {at} of {source.spelled(whole[0])}"
    return source.spelled(chosen), looked_up(chosen, frame), holder, value.shape[at]


def _indices(frame: Frame) -> dict[str, Tensor]:
    """The whole numbers in tensors that the failing line names."""
    found = {}
    for node in failing.on_line(frame):
        if not isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            continue
        value = looked_up(node, frame)
        whole = isinstance(value, Tensor) and value.dtype in (torch.int64, torch.int32)
        if whole and value.numel() and not value.is_meta:
            found[source.spelled(node)] = value
    return found


def _ends(frames: Frames) -> list[tuple[str, str, str, str]]:
    """Running sums that are used as they are: name, call, what is summed, and place."""
    found = []
    for tree, file in frames.files():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
                continue
            call, target = node.value, node.targets[0]
            if getattr(call.func, "attr", "") != "cumsum" or not isinstance(target, ast.Name):
                continue
            of_torch = source.spelled(call.func) == "torch.cumsum" and call.args
            owner = call.args[0] if of_torch else getattr(call.func, "value", None)
            if isinstance(owner, ast.Name) and not _is_corrected(tree, target.id):
                place = f"{file_name(file)}, line {node.lineno}"
                found.append((target.id, source.spelled(call), owner.id, place))
    return found


def _is_corrected(tree: ast.Module, offset: str) -> bool:
    """Whether this code takes something from the running sums, or leaves out the last."""
    text = source.spelled(tree)
    once = len(source.assigned(tree, offset)) == 1
    return not once or f"{offset} - " in text or f"{offset}[:-1]" in text
