"""What made a loss of several numbers: a loss that is not reduced, or one term of a sum."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from torch import Tensor

from grader.errors.seen.again import kept
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frame, Frames, file_name

_LOSSES = re.compile(
    r"^(NllLoss\w*|MseLoss|BinaryCrossEntropy\w*|SmoothL1Loss|HuberLoss|KlDiv|SoftMarginLoss)"
    r"Backward\d$"
)
_SUMS = re.compile(r"^(Add|Sub)Backward\d$")
_THROUGH = re.compile(r"^(Add|Sub|Neg|Mul|Div|Rsub)Backward\d$")
_PRODUCTS = re.compile(r"^(Mul|Div)Backward\d$")
_REDUCERS = ("sum", "mean")


class Why(NamedTuple):
    """The cause in words, the cure and the line that it stands on, where they are known."""

    words: str
    cure: str = ""
    place: str = ""


def why(frames: Frames, root: Tensor) -> Why | None:
    """The node that gave several numbers where one was meant, and the reader's line of it."""
    for node in _as_wide(root):
        name, below = node.name(), _below(node)
        if _PRODUCTS.match(name) and _is_weighed(node):
            return None  # each sample is weighed: it is meant, up to here
        if _LOSSES.match(name):
            return _unreduced_loss(frames)
        numbers = [one for one in below if not _shape(one)]
        wide = [one for one in below if _shape(one) == _shape(root.grad_fn)]
        if _SUMS.match(name) and len(numbers) == 1 and len(wide) == 1:
            return _term(frames, wide[0], tuple(root.shape))
    return None


def in_front(frame: Frame, name: str) -> str:
    """The cure of a loss that is read as a number as well: it is to be one from the beginning."""
    for node in ast.walk(frame.source) if frame.source is not None else ():
        if not isinstance(node, ast.Call):
            continue
        method = node.func
        is_item = isinstance(method, ast.Attribute) and method.attr == "item"
        read = method.value if is_item and isinstance(method, ast.Attribute) else None
        if isinstance(method, ast.Name) and method.id == "float" and node.args:
            read = node.args[0]
        if read is not None and source.spelled(read) == name:
            return (
                f"Write {name} = {name}.mean(), or {name} = {name}.sum(), in front of "
                f"{name}.backward(): {ast.unparse(node)} wants one number too."
            )
    return ""


def _is_weighed(node: Any) -> bool:
    """Whether a product is one of several numbers with several."""
    saved = (getattr(node, name, None) for name in ("_saved_self", "_saved_other"))
    return any(isinstance(one, Tensor) and one.numel() > 1 for one in saved)


def _unreduced_loss(frames: Frames) -> Why:
    place = frames.the_one_line(_is_none)
    return Why(
        'The loss was made with reduction="none", which gives one for each sample.',
        'Make it with reduction="mean", which is what it does without being told.',
        place,
    )


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value == "none"


def _term(frames: Frames, wide: Any, shape: tuple[int, ...]) -> Why:
    """A sum of one number and of terms that are not reduced: the terms, if one line has them."""
    operations = {_operation(one) for one in _made_by(wide)}
    found: dict[tuple[str, int], tuple[list[ast.expr], str]] = {}
    for tree, file, first in kept.code_of(frames):
        for node in ast.walk(tree):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
                terms = list(_terms(node))
                reduced = [one for one in terms if _reducer(one)]
                rest = [one for one in terms if one not in reduced and operations & _names(one)]
                if reduced and rest:
                    line = first + rest[0].lineno - 1
                    found.setdefault((file, line), (rest, _reducer(reduced[0])))
    words = f"It is a sum of one number and of a term of the shape {shape}, which is not reduced"
    if len(found) != 1:
        return Why(f"{words}: adding repeats the number for each of its entries.")
    (((file, line), (rest, how)),) = found.items()
    told = " and ".join(ast.unparse(one) for one in rest)
    instead = " and ".join(f"{source.in_brackets(one)}.{how}()" for one in rest)
    return Why(
        f"{words}: {told}.",
        f"Reduce it as the other terms are: {instead}.",
        f"{file_name(file)}, line {line}",
    )


def _terms(node: ast.expr) -> Iterator[ast.expr]:
    """The terms of a sum."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        yield from _terms(node.left)
        yield from _terms(node.right)
    else:
        yield node


def _reducer(term: ast.expr) -> str:
    """`sum` of `x.pow(2).sum()` and of `0.5 * x.pow(2).sum()`, else nothing."""
    if isinstance(term, ast.BinOp):
        return _reducer(term.left) or _reducer(term.right)
    if isinstance(term, ast.Call) and isinstance(term.func, ast.Attribute):
        is_whole = term.func.attr in _REDUCERS and not term.args and not term.keywords
        return term.func.attr if is_whole else ""
    return ""


def _names(term: ast.expr) -> set[str]:
    """The operations that a term is written with."""
    powers = {"pow" for one in ast.walk(term) if isinstance(one, ast.Pow)}
    called = (one.func for one in ast.walk(term) if isinstance(one, ast.Call))
    return powers | {str(getattr(one, "attr", getattr(one, "id", ""))) for one in called}


def _as_wide(root: Tensor) -> Iterator[Any]:
    """The nodes from a result down, as long as they have its shape."""
    ahead, seen = [root.grad_fn], set()
    while ahead:
        node = ahead.pop(0)
        if node is None or node in seen or _shape(node) != tuple(root.shape):
            continue
        seen.add(node)
        yield node
        ahead += _below(node)


def _made_by(node: Any) -> Iterator[Any]:
    """The nodes behind sums and products of a term."""
    if _THROUGH.match(node.name()):
        for one in _below(node):
            yield from _made_by(one)
    else:
        yield node


def _operation(node: Any) -> str:
    return re.sub(r"Backward\d*$", "", node.name()).lower()


def _below(node: Any) -> list[Any]:
    return [one for one, _ in node.next_functions if one is not None]


def _shape(node: Any) -> tuple[int, ...]:
    return tuple(node._input_metadata[0].shape)
