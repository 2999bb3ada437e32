"""A sample that is not there: a Dataset's __len__ against what its __getitem__ can give."""

from __future__ import annotations

import ast
from dataclasses import replace

from torch.utils.data import Dataset

from grader.errors.explanation import Explained
from grader.errors.index import INDEX
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames, file_name, own_function
from grader.errors.seen.shapes.reshaped import whole_division


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


def read_length(frames: Frames, told: Explained, message: str) -> Explained | None:
    """What `__len__` of the dataset returns, as a whole number."""
    for _, names in frames.within:
        holders = [names.get("self"), names.get("data_source"), names.get("dataset")]
        inside = [
            getattr(one, name, None) for one in holders for name in ("dataset", "data_source")
        ]
        for holder in (*holders, *inside):
            code = own_function(getattr(type(holder), "__len__", None))
            if code is None or not isinstance(holder, Dataset):
                continue
            tree, file, first = code
            returns = [one for one in ast.walk(tree) if isinstance(one, ast.Return)]
            if len(returns) != 1 or returns[0].value is None:
                return None
            text, kind = ast.unparse(returns[0].value), type(holder).__name__
            return replace(
                told,
                meaning=f"len() of {kind} is asked for, and its __len__ returns {text}, which is "
                "no whole number.",
                cure=f"Return one: {ast.unparse(whole_division(returns[0].value))}."
                if "/" in text
                else f"Return one, such as int({text}).",
                place=f"{file_name(file)}, line {first + returns[0].lineno - 1}",
            )
    return None


_WINDOW = "A window of several entries begins fewer times than there are entries."


def _argument(frame: Frame) -> str:
    """What `__getitem__` calls the number of the sample."""
    tree = frame.source
    arguments = tree.args.args if isinstance(tree, ast.FunctionDef) else []
    return arguments[1].arg if len(arguments) > 1 else ""


def _looked_up_by(frame: Frame, name: str) -> list[tuple[str, str]]:
    """What the failing line takes an entry of by the sample's number, and what it adds to that."""
    found = []
    for node in failing.on_line(frame):
        if not isinstance(node, ast.Subscript) or isinstance(node.slice, ast.Slice):
            continue
        if frame.columns is not None and (node.col_offset, node.end_col_offset) != frame.columns:
            continue
        at = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) else node.slice
        terms = _terms(at)
        if terms.count(name) == 1:
            terms.remove(name)
            added = f"({' + '.join(terms)})" if len(terms) > 1 else "".join(terms)
            found.append((ast.unparse(node.value), added))
    return found


def _terms(node: ast.expr) -> list[str]:
    """The texts that a sum is made of."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*_terms(node.left), *_terms(node.right)]
    return [source.in_brackets(node)]
