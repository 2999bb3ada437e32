"""A named mistake as a learner would have typed it: the key's wrong function, standing alone."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import symtable
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from grader.engine.task import Task
from grader.trusted.key import Mistake, key_of

_MARKS = {"raises", "replaces"}
_OURS = ("grader.keys.", "grader.tasks.")
_Definition = ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign
_Home = tuple[str, str]
"""Where a name is defined: its module, and `name` or `Key.name` in it."""


class CannotBeTyped(Exception):
    """A mistake that is not written as a plain function or class of its key: why."""


def typed(task: Task, mistake: Mistake, *, imported: Iterable[str] = ()) -> str:
    """The source of an answer that makes the mistake, with all that it needs and no more.

    An exercise of several functions is answered by the key's own for the others. `imported` are
    lines of the notebook (`"import torch"`) that need not be repeated. Whatever the key's module
    lends is named after the exercise, so that no two exercises of a notebook get in each other's
    way. Raises CannotBeTyped.
    """
    key = key_of(task)
    assert key is not None, "a mistake comes from a key"
    typing = _Typing(task)
    wrong = mistake.code.rpartition(".")[2]
    for other in task.functions:
        if other != mistake.replaces:
            typing.add((key.__module__, f"{key.__name__}.{other}"), other)
    typing.add((key.__module__, f"{key.__name__}.{wrong}"), mistake.replaces)
    imports = [line for line in sorted(typing.imports) if line not in set(imported)]
    blocks = ["\n".join(imports)] if imports else []
    return "\n\n\n".join([*blocks, *typing.blocks()]) + "\n"


def import_lines(source: str) -> list[str]:
    """The imports of a cell, each name in a line of its own."""
    nodes = [
        node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    return [line for node in nodes for _, (line, _) in _bound(node)]


@dataclass
class _Module:
    """What stands at the top of a module: definitions by name, and the import of every name."""

    definitions: dict[str, _Definition] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By the name bound: the line that binds it, and the module it is taken from, or ''."""


@cache
def _module(name: str) -> _Module:
    spec = importlib.util.find_spec(name)
    assert spec is not None, name
    assert spec.origin is not None, name
    found = _Module()
    source = Path(spec.origin).read_text(encoding="utf-8")
    for node in (one for line in ast.parse(source).body for one in _one_by_one(line)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.imports |= _bound(node)
        elif isinstance(node, _Definition):
            found.definitions |= dict.fromkeys(_defined(node), node)
            if isinstance(node, ast.ClassDef):
                for member in node.body:
                    if isinstance(member, _Definition):
                        names = (f"{node.name}.{name}" for name in _defined(member))
                        found.definitions |= dict.fromkeys(names, member)
    return found


def _one_by_one(node: ast.stmt) -> Iterator[ast.stmt]:
    """`a, b = 1, 2` as two lines, and every other statement as it is."""
    match node:
        case ast.Assign([ast.Tuple(names)], ast.Tuple(values)) if len(names) == len(values):
            for name, value in zip(names, values, strict=True):
                yield ast.copy_location(ast.Assign([name], value), name)
        case _:
            yield node


def _bound(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, tuple[str, str]]]:
    for alias in node.names:
        name = alias.asname or alias.name.partition(".")[0]
        if isinstance(node, ast.Import):
            yield name, (ast.unparse(ast.Import([alias])), "")
        else:
            line = ast.unparse(ast.ImportFrom(node.module, [alias], node.level))
            yield name, (line, node.module or "")


def _defined(node: _Definition) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _defaults(right: Callable[..., Any], taken: Iterable[str]) -> list[ast.expr]:
    """What the last of an exercise's arguments are where nobody tells them."""
    known = inspect.signature(right).parameters
    values = [known[name].default for name in taken if name in known]
    return [ast.Constant(value) for value in values if value is not inspect.Parameter.empty]


class _Typing:
    """Collects a definition, and after it everything that it calls."""

    def __init__(self, task: Task) -> None:
        self.exercise = task.id
        self._arguments = dict(zip(task.functions, task.arguments, strict=True))
        rights = key_of(task).answer(task.functions)
        self._defaults = {
            name: _defaults(right, taken)
            for (name, taken), right in zip(self._arguments.items(), rights, strict=True)
        }
        self.imports: set[str] = set()
        self._written: dict[_Home, str] = {}
        self._names: dict[_Home, str] = {}

    def blocks(self) -> list[str]:
        """The definitions: those of lending modules first, each module in its own order."""
        (answer, *_) = self._written

        def place(home: _Home) -> tuple[bool, str, int]:
            return home[0] == answer[0], home[0], _module(home[0]).definitions[home[1]].lineno

        return [self._written[home] for home in sorted(self._written, key=place)]

    def add(self, home: _Home, name: str) -> str:
        """Write a definition under a name, and what it needs. Returns the name."""
        if home in self._names:
            return self._names[home]
        module = _module(home[0])
        if home[1] not in module.definitions:
            raise CannotBeTyped(f"{home[1]} is not defined in {home[0]} by a def, class or =")
        self._names[home] = name
        self._written[home] = ""  # keeps its place
        node = _plain(module.definitions[home[1]], name)
        if name in self._arguments and isinstance(node, ast.FunctionDef) and not node.args.vararg:
            node.args.args = [ast.arg(argument) for argument in self._arguments[name]]
            node.args.defaults = node.args.defaults or self._defaults[name]
        renamed = dict(self._needed(home, node, module))
        node = _Renamed(renamed).visit(node)
        self._written[home] = ast.unparse(ast.fix_missing_locations(node))
        return name

    def _needed(self, home: _Home, node: ast.stmt, module: _Module) -> Iterator[tuple[str, str]]:
        """What the definition calls each thing of its module, and what it is called here."""
        taken, own = _names_in(node)
        for name in sorted(taken):
            if name in module.imports:
                line, source = module.imports[name]
                if source.startswith("grader.trusted"):
                    raise CannotBeTyped(f"{name} makes mistakes for several exercises")
                if source.startswith(_OURS):
                    yield self._lent(name, (source, name), own)
                else:
                    self.imports.add(line)
            elif name in module.definitions and not _is_key(module.definitions[name]):
                yield self._lent(name, (home[0], name), own)
        for name, member in sorted(_members_in(node)):
            if name in module.definitions and _is_key(module.definitions[name]):
                path = f"{name}.{member}"
                yield path, self.add((home[0], path), self._called(member))

    def _lent(self, name: str, home: _Home, own: set[str]) -> tuple[str, str]:
        if name in own:
            raise CannotBeTyped(f"{name} is a local name as well as one of {home[0]}")
        return name, self.add(home, self._called(name))

    def _called(self, name: str) -> str:
        plain = name.strip("_")
        return f"_{self.exercise}_{'core' if plain == 'reference' else plain}"


def _is_key(node: _Definition) -> bool:
    return isinstance(node, ast.ClassDef) and any(
        isinstance(base, ast.Name) and base.id == "Key" for base in node.bases
    )


def _names_in(node: ast.stmt) -> tuple[set[str], set[str]]:
    """The names a definition takes from its module, and those that are its own."""
    taken: set[str] = set()
    own: set[str] = set()

    def look(table: symtable.SymbolTable, *, top: bool = False) -> None:
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (top or symbol.is_global()):
                taken.add(symbol.get_name())
            elif not top and not symbol.is_global():
                own.add(symbol.get_name())
        for child in table.get_children():
            look(child)

    look(symtable.symtable(ast.unparse(node), "<typed>", "exec"), top=True)
    return taken, own


def _members_in(node: ast.stmt) -> set[tuple[str, str]]:
    """Every `Key.member` that a definition names."""
    return {
        (inner.value.id, inner.attr)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name)
    }


class _Renamed(ast.NodeTransformer):
    """Calls things by their names here: `name` and `Key.name`."""

    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.names.get(node.id, node.id), node.ctx)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        path = f"{node.value.id}.{node.attr}" if isinstance(node.value, ast.Name) else ""
        if path in self.names:
            return ast.Name(self.names[path], node.ctx)
        self.generic_visit(node)
        return node


def _plain(node: _Definition, name: str) -> ast.stmt:
    """A copy of a definition under a name, without what a learner leaves out."""
    (copied,) = ast.parse(ast.unparse(node)).body
    if isinstance(copied, ast.FunctionDef | ast.ClassDef):
        copied.name = name
        copied.decorator_list = [d for d in copied.decorator_list if _called_by(d) not in _MARKS]
    elif isinstance(copied, ast.Assign):
        copied.targets = [ast.Name(name, ast.Store())]
    elif isinstance(copied, ast.AnnAssign) and copied.value is not None:
        copied = ast.Assign([ast.Name(name, ast.Store())], copied.value)
    plain = _Plain().visit(copied)
    assert isinstance(plain, ast.stmt)
    return ast.fix_missing_locations(plain)


def _called_by(decorator: ast.expr) -> str:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return called.id if isinstance(called, ast.Name) else ""


class _Plain(ast.NodeTransformer):
    """Leaves out annotations and docstrings."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        node.returns = None
        node.body = _without_docstring(node.body)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        for member in node.body:
            if not isinstance(member, ast.AnnAssign):  # a dataclass is made of these
                self.visit(member)
        node.body = _without_docstring(node.body)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(node.arg)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt | None:
        self.generic_visit(node)
        return None if node.value is None else ast.Assign([node.target], node.value)


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0]
    has_one = (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    )
    return (body[1:] if has_one else body) or [ast.Pass()]
