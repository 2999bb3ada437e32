"""A sample that a DataLoader cannot put into a batch: which entry of it, and what it holds."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Subset

from grader.errors.explanation import Explained
from grader.errors.seen.batches import singly
from grader.errors.seen.reading.frames import Frames, file_name, own_function


class Batch(NamedTuple):
    """The samples of the batch that failed, their numbers, the dataset, and its return."""

    samples: list[Any]
    numbers: list[int]
    dataset: Any
    place: str

    @property
    def kind(self) -> str:
        """The name of the dataset's class: "Pictures", and "the list" of one that is Python's."""
        kind = type(self.dataset)
        return kind.__name__ if kind.__module__ != "builtins" else f"the {kind.__name__}"


def batch(frames: Frames) -> Batch | None:
    """What the DataLoader had fetched when it failed."""
    names = frames.given("fetch")
    samples, numbers = names.get("data"), names.get("possibly_batched_index")
    if not isinstance(samples, list) or not samples or not isinstance(numbers, list):
        return None
    dataset = getattr(names.get("self"), "dataset", None)
    while isinstance(dataset, Subset):
        numbers, dataset = [dataset.indices[one] for one in numbers], dataset.dataset
    code = own_function(getattr(type(dataset), "__getitem__", None))
    return Batch(samples, numbers, dataset, _returns(code) if code is not None else "")


def _returns(code: tuple[ast.AST, str, int]) -> str:
    """The one return of a function."""
    tree, file, first = code
    lines = [one.lineno for one in ast.walk(tree) if isinstance(one, ast.Return)]
    return f"{file_name(file)}, line {first + lines[0] - 1}" if len(lines) == 1 else ""


def entries(sample: Any) -> Iterator[tuple[str, Any]]:
    """The entries of a sample, each with how it is asked for: `[0]`, `['image']`."""
    if isinstance(sample, dict):
        yield from ((f"[{key!r}]", one) for key, one in sample.items())
    elif isinstance(sample, tuple | list):
        yield from ((f"[{number}]", one) for number, one in enumerate(sample))
    else:
        yield "", sample


def collate(found: Batch, special: dict[str, str]) -> str:
    """A collate_fn that treats some entries in ways of their own, `one` being the samples."""
    sample = found.samples[0]
    if isinstance(sample, dict):
        keys = [at[1:-1] for at in special]
        left_out = f"!= {keys[0]}" if len(keys) == 1 else f"not in ({', '.join(keys)})"
        rest = f"{{k: v for k, v in one.items() if k {left_out}}}"
        own = ", ".join(f"{at[1:-1]}: {text}" for at, text in special.items())
        body = f"default_collate([{rest} for one in samples]) | {{{own}}}"
    elif isinstance(sample, tuple | list):
        columns = [
            special.get(at, f"default_collate([one{at} for one in samples])")
            for at, _ in entries(sample)
        ]
        body = ", ".join(columns)
    else:
        (body,) = special.values()
    uses = ", with default_collate from torch.utils.data" if "default_collate" in body else ""
    return f"def collate(samples): return {body}{uses}. Pass DataLoader(..., collate_fn=collate)."


def read_none(frames: Frames, told: Explained) -> Explained | None:
    """A sample that is None, or an entry of one."""
    if (found := batch(frames)) is None:
        return None
    number = next((n for n, one in _samples(found) if one is None), None)
    if number is not None and (gives := _gives_none(found)) is not None:
        why, place = gives
        return replace(
            told,
            meaning=f"Sample {number} of {found.kind} is None: {why}",
            cure="Return a sample in every case. To leave such samples out: def collate(samples): "
            "return default_collate([one for one in samples if one is not None]), with "
            "default_collate from torch.utils.data, passed as DataLoader(..., collate_fn=collate).",
            place=place,
        )
    for sample, number in zip(found.samples, found.numbers, strict=True):
        for at, one in entries(sample):
            if one is None and at:
                return replace(
                    told,
                    meaning=f"Sample {number} of {found.kind} holds None in its entry {at}: what "
                    "gave it that entry has no value for it, such as a file that cannot be read.",
                    cure="Give every sample a value. To leave such samples out: def "
                    "collate(samples): return default_collate([one for one in samples if "
                    f"one{at} is not None]), with default_collate from torch.utils.data, passed as "
                    "DataLoader(..., collate_fn=collate).",
                    place=found.place,
                )
    return None


def _samples(found: Batch) -> Iterator[tuple[int, Any]]:
    return zip(found.numbers, found.samples, strict=True)


def _gives_none(found: Batch) -> tuple[str, str] | None:
    """Why a __getitem__ gave None, with the line, as far as its text says it."""
    code = own_function(getattr(type(found.dataset), "__getitem__", None))
    if code is None:
        return None
    tree, file, first = code
    every = [one for one in ast.walk(tree) if isinstance(one, ast.Return)]
    empty = [one for one in every if one.value is None or ast.unparse(one.value) == "None"]
    made = [one for one in every if isinstance(one.value, ast.Tuple | ast.Dict | ast.List)]
    if not every:
        return "its __getitem__ ends without a return.", f"{file_name(file)}, line {first}"
    if len(empty) != 1 or len(empty) + len(made) != len(every):
        return "its __getitem__ returned None, or ended without a return.", ""
    place = f"{file_name(file)}, line {first + empty[0].lineno - 1}"
    functions = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)]
    if not functions or not isinstance(functions[0].body[-1], ast.Return | ast.Raise):
        return "its __getitem__ came to the return named here, or ended without one.", place
    return "its __getitem__ came to the return named here.", place


def read_kind(frames: Frames, told: Explained, message: str) -> Explained | None:
    """An entry that is an object: of a class of one's own, or a class where an object belongs."""
    if (found := batch(frames)) is None:
        return None
    for at, one in entries(found.samples[0]):
        if isinstance(one, Tensor | int | float | str | dict | list | tuple) or _is_array(one):
            continue
        kind = type(one)
        holder = next((name for name, value in vars(found.dataset).items() if value is kind), "")
        entry = f"entry {at} of a sample" if at else "a sample"
        if holder and callable(one):
            return replace(
                told,
                meaning=f"self.{holder} of {found.kind} is the class {kind.__name__} itself, so "
                f"that calling it made a {kind.__name__}, and {entry} is that object.",
                cure=f"Give an object of it: {kind.__name__}() in the place of {kind.__name__}, "
                f"where {found.kind}(...) is made.",
                place=found.place,
            )
        return replace(
            told,
            meaning=f"{entry[0].upper()}{entry[1:]} of {found.kind} is a {kind.__name__}, and a "
            "DataLoader puts tensors, arrays, numbers and texts together, and lists and dicts of "
            "such.",
            cure="Return its numbers as a tensor; or keep the objects in a list: "
            + collate(found, {at: f"[one{at} for one in samples]"}),
            place=found.place,
        )
    return None


def _is_array(one: Any) -> bool:
    return type(one).__module__ == "numpy"


def read_keys(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The sample that lacks a key which the first one has."""
    if (found := batch(frames)) is None or not isinstance(found.samples[0], dict):
        return None
    for sample, number in zip(found.samples, found.numbers, strict=True):
        lacking = [key for key in found.samples[0] if key not in sample]
        if lacking:
            key = repr(lacking[0])
            return replace(
                told,
                meaning=f"Sample {number} of {found.kind} has no {key}, and sample "
                f"{found.numbers[0]}, the first of the batch, has one.",
                cure=f"Give every sample a {key} in __getitem__, with a value that says that "
                "there is none, such as -1 for a class, which the loss leaves out by "
                f"ignore_index=-1. Or leave such samples out of the dataset.",
                place=found.place,
            )
    return None


def read_shapes(frames: Frames, told: Explained) -> Explained | None:
    """Tensors of several shapes in one entry: images of several sizes, or sequences."""
    if (found := batch(frames)) is None:
        return None
    several = _several_shapes(found)
    for at, shapes in several.items():
        entry = f" in entry {at}" if at else ""
        said = (
            f"The samples of {found.kind} have different shapes{entry}, {shapes[0]} and "
            f"{shapes[1]}, and a DataLoader stacks those of a batch."
        )
        if len(shapes[0]) == 3 and shapes[0][0] in (1, 3, 4):
            cure = (
                "Bring them to one size in __getitem__, before it returns: image = "
                'F.interpolate(image[None], size=(224, 224), mode="bilinear")[0]. Or '
                "transforms.Resize((224, 224)): two numbers fix both sides, one alone does not."
                f"{_masks(found, several, at)}"
            )
            return replace(told, meaning=said, cure=cure, place=found.place)
        if _are_sequences(shapes) and (loop := singly.taken(frames, at)) is not None:
            lists = {
                one: f"[one{one} for one in samples]"
                for one, its in several.items()
                if _are_sequences(its)
            }
            cure = (
                f"{loop.name} is taken sample by sample ({loop.place}), so a list will do, and "
                f"padding would be taken for more of them: {collate(found, lists)}"
            )
            return replace(told, meaning=said, cure=cure, place=found.place)
        if _are_sequences(shapes):
            padded = {
                one: f"pad_sequence([torch.as_tensor(one{one}) for one in samples], "
                "batch_first=True)"
                for one, its in several.items()
                if _are_sequences(its)
            }
            cure = (
                f"Write a collate_fn that pads, with pad_sequence from torch.nn.utils.rnn: "
                f"{collate(found, padded)} Where the padding must not count, hand the lengths "
                "over too."
            )
            return replace(told, meaning=said, cure=cure, place=found.place)
        return replace(told, meaning=said, place=found.place)
    return None


def _masks(found: Batch, several: dict[str, list[tuple[int, ...]]], image: str) -> str:
    """Words on the other entries that have several sizes too, as masks have the images' own."""
    told = []
    for at, shapes in several.items():
        if at == image or len(shapes[0]) not in (2, 3) or _are_sequences(shapes):
            continue
        one = torch.as_tensor(dict(entries(found.samples[0]))[at])
        front = "[None, None]" if one.dim() == 2 else "[None]"
        back = front.replace("None", "0")
        plain = "" if one.is_floating_point() else ".float()"
        cast = "" if one.is_floating_point() else ".to(mask.dtype)"
        if one.is_floating_point() and one.dim() == 3 and len(one) == 3:
            told.append(f"the same of entry {at}")
            continue
        told.append(
            f"the same of entry {at}, by its nearest values: mask = F.interpolate(mask{front}"
            f'{plain}, size=(224, 224), mode="nearest"){back}{cast}'
        )
    return f" And {'; '.join(told)}." if told else ""


def _several_shapes(found: Batch) -> dict[str, list[tuple[int, ...]]]:
    """The entries whose tensors have several shapes in this batch."""
    told: dict[str, list[tuple[int, ...]]] = {}
    for at, _ in entries(found.samples[0]):
        values = [dict(entries(sample)).get(at) for sample in found.samples]
        tensors = [
            torch.as_tensor(one) for one in values if isinstance(one, Tensor) or _is_array(one)
        ]
        shapes = list(dict.fromkeys(tuple(one.shape) for one in tensors))
        if len(tensors) == len(values) and len(shapes) > 1:
            told[at] = shapes
    return told


def _are_sequences(shapes: list[tuple[int, ...]]) -> bool:
    """Whether they differ in their first size alone."""
    return len({len(one) for one in shapes}) == 1 and len({one[1:] for one in shapes}) == 1
