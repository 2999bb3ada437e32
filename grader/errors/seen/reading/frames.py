"""The reader's own frames of a traceback: variables, the failing expression, models, optimizers."""

from __future__ import annotations

import ast
import linecache
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, FunctionType
from typing import Any, TypeGuard, TypeVar

import torch
from torch import Tensor, nn

from grader.errors.seen.reading import opening, source

_LIBRARIES = (
    str(Path(torch.__file__).parent),
    *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")),
)
_GRADER = Path(__file__).resolve().parents[3]
_OURS = (f"{_GRADER}/", f"{_GRADER.parent / 'course' / 'companion'}/")
"""A watched call goes through the companion's own frames."""
T = TypeVar("T")
_INNER = ("<listcomp>", "<genexpr>", "<dictcomp>", "<setcomp>", "<lambda>")
"""Frames of their own inside of a function, whose text they belong to."""
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True)
class Frame:
    """One frame of the reader's own code, and where in it the error passed."""

    names: Mapping[str, Any]
    above: Mapping[str, Any]
    """Global variables."""
    file: str
    line: int
    columns: tuple[int, int] | None
    code_name: str
    first_line: int

    @property
    def place(self) -> str:
        """`train.py, line 12`."""
        return f"{file_name(self.file)}, line {self.line}"

    @property
    def written(self) -> str:
        """`train.py, line 12: loss.backward()`, or nothing of a file that cannot be read."""
        text = linecache.getline(self.file, self.line).strip()
        return f"{self.place}: {text}" if text else ""

    def place_of(self, line: int) -> str:
        """Another line of the same file."""
        return self.place.replace(f"line {self.line}", f"line {line}")

    def made(self, name: str) -> str:
        """The last line in front of the failing one that gave a name its value, or that one."""
        made = source.assigned(self.source, name) if self.source is not None else []
        lines = [one.lineno for one in made if one.lineno < self.line]  # type: ignore[attr-defined]
        return self.place_of(lines[-1]) if lines else self.place

    @property
    def source(self) -> ast.AST | None:
        """The syntax of the function, or of a file's own statements if the frame is a module's."""
        if (tree := source.parsed(self.file)) is None:
            return None
        flat = ast.Module([one for one in tree.body if not isinstance(one, _DEFINITIONS)], [])
        if self.code_name in _INNER:
            return max(
                (one for one in ast.walk(tree) if _is_around(one, self.line)),
                key=lambda one: one.lineno,
                default=flat,
            )
        return next(
            (
                node
                for node in ast.walk(tree)
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                and node.name == self.code_name
                and node.lineno >= self.first_line
                and node.lineno <= self.line
            ),
            flat,
        )

    @property
    def variables(self) -> dict[str, Any]:
        """What can be named here: local variables, then global ones."""
        mine = {key: one for key, one in self.names.items() if _is_plain(key)}
        return mine | {
            key: one for key, one in self.above.items() if _is_plain(key) and key not in mine
        }


@dataclass(frozen=True)
class Frames:
    """The reader's own frames, the innermost last."""

    own: tuple[Frame, ...]
    within: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    """What ran below the innermost of them: a library's functions with their variables."""

    @classmethod
    def of(cls, error: BaseException) -> Frames:
        """The frames that a caught error went through."""
        found, within, step = [], [], error.__traceback__
        while step is not None:
            code = step.tb_frame.f_code
            if is_library(code.co_filename):
                within.append((code.co_name, dict(step.tb_frame.f_locals)))
            else:
                position, within = _position(step.tb_frame, step.tb_lasti), []
                found.append(_frame(step.tb_frame, step.tb_lineno, position))
            step = step.tb_next
        return cls(tuple(found), tuple(within))

    def files(self) -> Iterator[tuple[ast.Module, str]]:
        """The syntax of each file that the reader's own frames lie in, with its name."""
        for file in dict.fromkeys(frame.file for frame in self.own):
            if (tree := source.parsed(file)) is not None:
                yield tree, file

    def the_one_line(self, fits: Callable[[ast.AST], bool]) -> str:
        """The one line of the reader's files with such a node; "" for several lines, or none."""
        lines = {
            f"{file_name(file)}, line {getattr(node, 'lineno', 0)}"
            for tree, file in self.files()
            for node in ast.walk(tree)
            if fits(node)
        }
        return lines.pop() if len(lines) == 1 else ""

    def given(self, function: str) -> Mapping[str, Any]:
        """The variables of a library's function that the innermost own line called, or nothing."""
        return next((names for name, names in reversed(self.within) if name == function), {})

    @property
    def last(self) -> Frame:
        """Where the error came from."""
        return self.own[-1]

    def variables(self) -> Iterator[tuple[str, Any]]:
        """Everything that can be named, the innermost frame first, each name once."""
        seen: set[int] = set()
        for frame in reversed(self.own):
            for name, value in frame.variables.items():
                if id(value) not in seen:
                    seen.add(id(value))
                    yield name, value

    def modules(self) -> list[tuple[str, nn.Module]]:
        """Models, those that contain others first; parts of `self` too."""
        found = self._of_kind(nn.Module)
        inner = {id(part) for _, one in found for part in list(one.modules())[1:]}
        outer = [(name, one) for name, one in found if id(one) not in inner]
        return outer or found

    def optimizers(self) -> list[tuple[str, torch.optim.Optimizer]]:
        """Optimizers by name."""
        return self._of_kind(torch.optim.Optimizer)

    def held(self) -> set[int]:
        """The ids of what any optimizer holds."""
        return {id(one) for _, optimizer in self.optimizers() for one in held(optimizer)}

    def _of_kind(self, kind: type[T]) -> list[tuple[str, T]]:
        """Each object of a kind by its first name, the nearest ones first."""
        found: dict[int, tuple[str, T]] = {}
        for name, one in opening.opened(self.variables(), is_library):
            if isinstance(one, kind):
                found.setdefault(id(one), (name, one))
        return list(found.values())

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Tensors by name, also those in short lists and dicts, and attributes of objects."""
        for name, value in _beside(self.variables()):
            if isinstance(value, Tensor):
                yield name, value

    def name_of(self, tensor: Tensor) -> str:
        """What a tensor is called: a variable, or a model's parameter."""
        for name, module in self.modules():
            for part, parameter in module.named_parameters():
                if parameter is tensor:
                    return f"{name}.{part}"
        for name, value in self.tensors():
            if value is tensor and "[" not in name:
                return name
        return next((name for name, value in self.tensors() if value is tensor), "")


def _is_around(node: ast.AST, line: int) -> TypeGuard[ast.FunctionDef]:
    return isinstance(node, ast.FunctionDef) and node.lineno <= line <= (node.end_lineno or 0)


def held(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """What an optimizer holds, over all its groups."""
    return [one for group in optimizer.param_groups for one in group["params"]]


def is_library(filename: str) -> bool:
    """Whether a file is Python's, torch's, the watch's, or was installed."""
    return filename.startswith(("<frozen", *_LIBRARIES, *_OURS)) or "site-packages" in filename


def own_class(kind: type) -> tuple[ast.ClassDef, str] | None:
    """The syntax of a class that the reader wrote, with its file."""
    for one in vars(kind).values():
        if not isinstance(one, FunctionType) or is_library(one.__code__.co_filename):
            continue
        code = one.__code__
        for node in ast.walk(source.parsed(code.co_filename) or ast.Module([], [])):
            if not isinstance(node, ast.ClassDef) or node.name != kind.__name__:
                continue
            if node.lineno <= code.co_firstlineno <= (node.end_lineno or 0):
                return node, code.co_filename
    return None


def own_function(value: Any) -> tuple[ast.AST, str, int] | None:
    """The syntax of a function that the reader wrote, with its file and its first line."""
    if not isinstance(value, FunctionType) or is_library(value.__code__.co_filename):
        return None
    return source.own_code(value)


def file_name(filename: str) -> str:
    """What a reader calls a file: its name, or the number of a notebook's cell."""
    if "ipykernel_" in filename or filename.startswith("<ipython-input-"):
        ipython = sys.modules.get("IPython")
        shell = ipython.get_ipython() if ipython is not None else None
        numbers = getattr(getattr(shell, "compile", None), "_filename_map", {})
        return f"cell In[{numbers[filename]}]" if filename in numbers else "a cell"
    return filename if filename.startswith("<") else Path(filename).name


def _frame(frame: FrameType, line: int, columns: tuple[int, int] | None) -> Frame:
    code = frame.f_code
    return Frame(
        dict(frame.f_locals),
        frame.f_globals,
        code.co_filename,
        line,
        columns,
        code.co_name,
        code.co_firstlineno,
    )


def _position(frame: FrameType, instruction: int) -> tuple[int, int] | None:
    for number, (line, end, left, right) in enumerate(frame.f_code.co_positions()):
        if number == instruction // 2:
            whole = None not in (left, right) and line == end
            return (left, right) if whole and left is not None and right is not None else None
    return None


def _beside(values: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Variables, then what lies in short lists and dicts, in `self`, and in modules."""
    inside: list[tuple[str, Any]] = []
    for name, value in values:
        yield name, value
        if name == "self" or isinstance(value, list | tuple | dict | nn.Module):
            inside += opening.entries(name, value, is_library)
    yield from inside


def _is_plain(name: str) -> bool:
    return not name.startswith("_") and name not in ("In", "Out", "exit", "quit")
