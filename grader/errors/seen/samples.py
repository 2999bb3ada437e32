"""A sample that is not there: a Dataset's __len__ against what its __getitem__ can give."""

from __future__ import annotations

import ast
from dataclasses import replace

from torch.utils.data import Dataset

from grader.errors.explanation import Explained
from grader.errors.index import INDEX
from grader.errors.seen.frames import Frame, Frames


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """An index that __len__ allows and that __getitem__ has no sample for, or one beyond both."""
    frame = frames.last
    dataset = frame.names.get("self")
    if frame.code_name != "__getitem__" or not isinstance(dataset, Dataset):
        return None
    name = _argument(frame)
    index = frame.names.get(name)
    if type(index) is not int or not hasattr(type(dataset), "__len__"):
        return None
    looked = _looked_up_by(frame, name)
    if not looked:
        return None
    count, kind = len(dataset), type(dataset).__name__  # type: ignore[arg-type]
    if index >= count:
        return replace(
            told,
            meaning=f"Sample {index} of {kind} was asked for, and len() of it is {count}.",
            cure="Let the sampler give numbers below len(dataset): it was made for another "
            "dataset, or for one before a split.",
            place=frame.place,
        )
    if index < 0:
        return None
    holder, offset = looked[0]
    fewer = f" - {offset}" if offset else ""
    return replace(
        told,
        meaning=f"{kind} has no sample {index}, and its __len__ says that there are {count}: it "
        f"counts more than __getitem__ can give.",
        cure=f"Let __len__ return how many samples there are: return len({holder}){fewer}. "
        + (_WINDOW if offset else f"If {holder} is too short, look at where it is made."),
        place=frame.place,
        section=INDEX["sample_index"].section,
    )


_WINDOW = "A window of several entries begins fewer times than there are entries."


def _argument(frame: Frame) -> str:
    """What `__getitem__` calls the number of the sample."""
    tree = frame.source
    arguments = tree.args.args if isinstance(tree, ast.FunctionDef) else []
    return arguments[1].arg if len(arguments) > 1 else ""


def _looked_up_by(frame: Frame, name: str) -> list[tuple[str, str]]:
    """What the failing line takes an entry of by the sample's number, and what it adds to that."""
    found = []
    for node in ast.walk(frame.source) if frame.source is not None else ():
        if not isinstance(node, ast.Subscript) or isinstance(node.slice, ast.Slice):
            continue
        if not node.lineno <= frame.line <= (node.end_lineno or node.lineno):
            continue
        if frame.columns is not None and (node.col_offset, node.end_col_offset) != frame.columns:
            continue
        at = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) else node.slice
        added = ""
        if isinstance(at, ast.BinOp) and isinstance(at.op, ast.Add):
            sides = [at.left, at.right]
            plain = [one for one in sides if ast.unparse(one) != name]
            if len(plain) == 1:
                at, added = next(one for one in sides if one is not plain[0]), ast.unparse(plain[0])
        if ast.unparse(at) == name:
            found.append((ast.unparse(node.value), added))
    return found
