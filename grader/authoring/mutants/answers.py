"""The texts of an exercise's right answers: the model answer, and the others beside its key."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from grader.authoring.subject import Subject, cell_of

MODEL = "model answer"


@dataclass(frozen=True)
class AnswerText:
    """One right answer: what it is called, its text, and the names among which that is run.

    `functions` are those that `check` takes, in its order.
    """

    name: str
    tree: ast.Module
    names: Mapping[str, Any]
    functions: tuple[str, ...]

    def run(self, source: str, filename: str) -> list[Callable[..., Any]]:
        """The functions of the answer, or of a mutant of it, newly defined."""
        namespace = dict(self.names)
        exec(compile(source, filename, "exec"), namespace)
        return [namespace[name] for name in self.functions]


def answers(subject: Subject) -> Iterator[AnswerText]:
    """The model answer first, then each other right answer that is written as functions.

    Answers that a function of the tests puts together have no text of their own: they are left out.
    """
    task = subject.task
    cell = cell_of(subject.solution, f"{task.id}_answer")
    yield AnswerText(MODEL, _bare(ast.parse(cell).body), {"torch": torch}, task.functions)
    for functions in subject.right_answers():
        written = _written(functions)
        if written is not None:
            yield written


def _written(functions: Sequence[Callable[..., Any]]) -> AnswerText | None:
    """The text of some functions of one module, with what they call of it, or None."""
    module = sys.modules.get(functions[0].__module__)
    names = tuple(function.__name__ for function in functions)
    if any(
        getattr(module, name, None) is not one for name, one in zip(names, functions, strict=True)
    ):
        return None
    assert module is not None  # a function of it was found there
    tree = ast.parse(inspect.getsource(module))
    defined = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    needed, asked = dict.fromkeys(names), list(names)
    while asked:
        used = {n.id for n in ast.walk(defined[asked.pop()]) if isinstance(n, ast.Name)}
        fresh = sorted(name for name in used if name in defined and name not in needed)
        needed |= dict.fromkeys(fresh)
        asked += fresh
    body: list[ast.stmt] = [node for name, node in defined.items() if name in needed]
    return AnswerText(" and ".join(names), _bare(body), vars(module), names)


def _bare(body: list[ast.stmt]) -> ast.Module:
    """Statements without docstrings and annotations, which nothing depends on."""
    module = ast.Module(body, [])
    _Bare().visit(module)
    return ast.fix_missing_locations(module)


class _Bare(ast.NodeTransformer):
    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        if node.value is None:
            return None
        return ast.Assign([node.target], self.visit(node.value), lineno=node.lineno)
