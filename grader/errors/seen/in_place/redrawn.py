"""A buffer that each forward pass fills anew in place, where an earlier one's backward needs it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor, nn

from grader.errors.explanation import Explained
from grader.errors.seen.in_place import results
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frames, file_name

_VERSIONS = re.compile(r"\[torch\.\w+ (\[[\d, ]*\])\].*is at version (\d+)", re.DOTALL)
_ANEW = {
    "normal": "torch.randn_like({})",
    "uniform": "torch.rand_like({})",
    "zero": "torch.zeros_like({})",
}
_WITH_VALUE = {"fill": "torch.full_like({}, {})", "copy": "{1}.detach().clone()"}


def read(frames: Frames, told: Explained, message: str, node: str) -> Explained | None:
    """The buffer of the message's shape and version, with all of its method's edits of buffers."""
    found = _VERSIONS.search(message)
    if found is None:
        return None
    for _, model in frames.modules():
        for part in model.modules():
            for method, first in source.methods(type(part)):
                every = list(_edits(method, part))
                mine = [one for one in every if _is_meant(part, one[0], found[1], int(found[2]))]
                if not mine:
                    continue
                name, statement, _ = mine[0]
                file = file_name(source.file_of(type(part)))
                kind = type(part).__name__
                return replace(
                    told,
                    meaning=f"{node} saved self.{name} of {kind} for its backward, and "
                    f"{ast.unparse(statement)} in {method.name}() wrote into it afterwards: "
                    f"{method.name}() ran again before the backward.",
                    cure=f"Give it a new tensor in the place of writing into the old one: "
                    f"{'; '.join(one for _, _, one in every)}. It stays a buffer of {kind}.",
                    place=f"{file}, line {first + statement.lineno - 1}",
                    sure=True,
                )
    return None


def _edits(method: ast.FunctionDef, part: nn.Module) -> Iterator[tuple[str, ast.stmt, str]]:
    """The statements that edit a buffer in place: its name, the statement, one that does not."""
    for statement in ast.walk(method):
        if not isinstance(statement, ast.Expr | ast.AugAssign):
            continue
        for one in results.edits_in(statement):
            name = one.name.removeprefix("self.")
            if f"self.{name}" != one.name or name not in dict(part.named_buffers(recurse=False)):
                continue
            yield name, statement, _anew(statement, one)


def _anew(statement: ast.stmt, edit: results.Edit) -> str:
    """`self.noise = torch.randn_like(self.noise)` for `self.noise.normal_()`."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and not call.keywords:
        method, given = call.func.attr.removesuffix("_"), [source.in_brackets(a) for a in call.args]
        if not given and method in _ANEW:
            return f"{edit.name} = {_ANEW[method].format(edit.name)}"
        if len(given) == 1 and method in _WITH_VALUE:
            return f"{edit.name} = {_WITH_VALUE[method].format(edit.name, *given)}"
    return edit.instead.partition(": ")[2]


def _is_meant(part: nn.Module, name: str, shape: str, version: int) -> bool:
    value = getattr(part, name, None)
    return isinstance(value, Tensor) and value._version == version and str([*value.shape]) == shape
