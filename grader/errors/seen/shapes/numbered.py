"""A table that is too short for the numbers of all data: what counted its rows, and of what."""

from __future__ import annotations

import ast
import copy
import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

from torch import Tensor, nn

from grader.errors.seen.modules import made
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up

_DISTINCT = ("unique", "nunique", "set")
MOST_LOOKED_AT = 100_000


class Counted(NamedTuple):
    """What counted the rows: a sentence, the cure, and the line that counts."""

    meaning: str
    cure: str
    place: str


class _Count(NamedTuple):
    """A variable whose value is a count: its name, how it was counted, of what, and where."""

    name: str
    value: ast.expr
    of: ast.expr
    frame: Frame
    line: int


def counted(frames: Frames, table: nn.Embedding) -> Counted | None:
    """How the number of rows was counted, where a variable that the table was made with says so."""
    every, size = list(_counts(frames)), table.num_embeddings
    mine = {
        one.name: one
        for one in every
        if one.frame.variables.get(one.name) == size and _made_with(frames, table, one.name)
    }
    if len(mine) != 1:
        return None
    ((name, one),) = mine.items()
    text, place = ast.unparse(one.value), one.frame.place_of(one.line)
    if _is_distinct(one.value):
        others = {ast.unparse(other.of): other for other in every if _is_distinct(other.value)}
        anew = [new for other in others.values() if (new := _anew(other)) is not None]
        if not anew:
            return None
        return Counted(
            f"{name} = {text} counts how many different numbers {ast.unparse(one.of)} holds: they "
            "are names with gaps between them, and no positions.",
            f"Number them anew from 0, before anything is made of them: {', '.join(anew)}. Then "
            "each distinct number has a row. Data that come later need the same numbering.",
            place,
        )
    further = _further(one, size)
    if not further:
        return None
    return Counted(
        f"{name} = {text} counts {ast.unparse(one.of)} alone, and {further[0]} holds larger "
        "numbers.",
        f"Count all the data that the model is ever given: {_together(one, further)}. The row of a "
        "number that no training data hold is never trained.",
        place,
    )


def _made_with(frames: Frames, table: nn.Embedding, name: str) -> bool:
    """Whether a table was made with a variable, or its class was and handed it on."""
    if (how := made.made(frames, table)) is None:
        return False
    rows = [one.value for one in how.call.keywords if one.arg == "num_embeddings"]
    rows += how.call.args[:1]
    if not rows or source.reads(rows[0], name):
        return bool(rows)
    owned, init = made.held(frames, table), how.within
    if owned is None or not isinstance(init, ast.FunctionDef):
        return False
    arguments = [one.arg for one in init.args.args][1:]
    read = [index for index, one in enumerate(arguments) if source.reads(rows[0], one)]
    for tree, _ in frames.files():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _last(node) == type(owned.owner).__name__:
                given = dict(enumerate(node.args))
                given |= {
                    arguments.index(one.arg): one.value
                    for one in node.keywords
                    if one.arg in arguments
                }
                if any(at in given and source.reads(given[at], name) for at in read):
                    return True
    return False


def _counts(frames: Frames) -> Iterator[_Count]:
    """The variables of all frames that hold a count of distinct numbers, or a largest one."""
    for frame in frames.own:
        for statement in ast.walk(frame.source) if frame.source is not None else ():
            for target in statement.targets if isinstance(statement, ast.Assign) else ():
                names = target.elts if isinstance(target, ast.Tuple) else [target]
                for name in (one for one in names if isinstance(one, ast.Name)):
                    value = source.value_of(statement, name.id)
                    of = _counted_of(value) if value is not None else None
                    if value is not None and of is not None:
                        yield _Count(name.id, value, of, frame, name.lineno)


def _counted_of(value: ast.expr) -> ast.expr | None:
    """What a count is of: the X of len(np.unique(X)), X.nunique(), max(X) + 1, X.max() + 1."""
    for node in ast.walk(value):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        if called not in (*_DISTINCT, "max"):
            continue
        if isinstance(node.func, ast.Attribute) and not node.args:
            return node.func.value
        given = node.args[0] if len(node.args) == 1 else None
        if isinstance(given, ast.GeneratorExp | ast.ListComp):
            return given.generators[0].iter
        return given
    return None


def _is_distinct(value: ast.expr) -> bool:
    return any(isinstance(one, ast.Call) and _last(one) in _DISTINCT for one in ast.walk(value))


def _last(node: ast.Call) -> str:
    return ast.unparse(node.func).rpartition(".")[2]


def _anew(count: _Count) -> str | None:
    """The line that numbers what was counted anew."""
    of = ast.unparse(count.of)
    if not isinstance(count.of, ast.Name | ast.Attribute | ast.Subscript):
        return None
    calls = [one for one in ast.walk(count.value) if isinstance(one, ast.Call)]
    call = next(one for one in calls if _last(one) in _DISTINCT)
    owner = ast.unparse(call.func).rpartition(".")[0]
    if _last(call) == "unique" and call.args:
        return f"{of} = {owner}.unique({of}, return_inverse=True)[1]"
    if _last(call) == "nunique" or (_last(call) == "unique" and not _is_tensor(count)):
        return f'{of} = {of}.astype("category").cat.codes'
    if _last(call) == "unique":
        return f"{of} = {of}.unique(return_inverse=True)[1]"
    return f"{of} = [sorted(set({of})).index(one) for one in {of}]"


def _is_tensor(count: _Count) -> bool:
    return isinstance(looked_up(count.of, count.frame), Tensor)


def _further(count: _Count, size: int) -> list[str]:
    """Variables of the same kind as what was counted that hold larger numbers."""
    value = looked_up(count.of, count.frame)
    if value is None or not isinstance(count.of, ast.Name):
        return []
    return [
        name
        for name, one in count.frame.variables.items()
        if type(one) is type(value) and one is not value and _largest(one) >= size > _largest(value)
    ]


def _largest(value: Any) -> float:
    """The largest number in a list of lists, an array or a tensor; -1 of anything else."""
    if isinstance(value, list | tuple):
        inside = itertools.islice(value, MOST_LOOKED_AT)
        return max((_largest(one) for one in inside), default=-1)
    if isinstance(value, bool | str) or value is None:
        return -1
    if isinstance(value, int | float):
        return value
    whole = getattr(value, "max", None) if hasattr(value, "shape") else None
    size = getattr(value, "nbytes", 0)
    return float(whole()) if whole is not None and size and len(value.shape) < 3 else -1


def _together(count: _Count, further: list[str]) -> str:
    """The count over all of it, as code where lists can be added."""
    of = ast.unparse(count.of)
    names = [of, *further]
    if not isinstance(looked_up(count.of, count.frame), list | tuple):
        return f"{', '.join(names[:-1])} and {names[-1]} together"
    whole = ast.parse(" + ".join(names), mode="eval").body

    class _Joined(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return whole if node.id == of else node

    joined = _Joined().visit(copy.deepcopy(count.value))
    return f"{count.name} = {ast.unparse(joined)}"
