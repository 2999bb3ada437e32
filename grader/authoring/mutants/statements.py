"""Statements changed in their block: left out, exchanged, or without what stands around them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from grader.authoring.mutants.mutation import Change


def blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """The lists of statements that a node holds."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list) and not isinstance(node, ast.Module):
            yield block


def in_block(block: list[ast.stmt]) -> Iterator[Change]:
    """Statements left out, exchanged, or without what stands around them."""
    for i, statement in enumerate(block):
        before, after = block[:i], block[i + 1 :]
        if not isinstance(statement, ast.Pass) and not prints(statement):
            yield Change("drop statement", block, [*before, *after] or [ast.Pass()])
        if after and not isinstance(statement, ast.Return) and _depend(statement, after[0]):
            swapped = [*before, after[0], statement, *after[1:]]
            called = " ; ".join(ast.unparse(one).split("\n")[0] for one in (statement, after[0]))
            yield Change("swap statements", block, swapped, called)
        if isinstance(statement, ast.With):
            yield Change("drop with", block, [*before, *statement.body, *after])
        if isinstance(statement, ast.Try):
            bare = [*statement.body, *statement.orelse]
            yield Change("drop try", block, [*before, *bare, *statement.finalbody, *after])
            if statement.finalbody:
                kept = bare if not statement.handlers else [_without_finally(statement)]
                yield Change("drop finally", block, [*before, *kept, *after])
        if isinstance(statement, ast.If):
            yield Change("if True", block, [*before, *statement.body, *after])
            yield Change("if False", block, [*before, *statement.orelse, *after] or [ast.Pass()])
        if isinstance(statement, ast.For) and after and isinstance(after[-1], ast.Return):
            early = ast.For(
                statement.target, statement.iter, [*statement.body, after[-1]], [], None
            )
            yield Change("return in loop", block, [*before, early, *after])


def _depend(one: ast.stmt, other: ast.stmt) -> bool:
    """Whether the order of two statements may matter: what one binds or acts on the other uses."""
    return any(
        changed & {node.id for node in ast.walk(user) if isinstance(node, ast.Name)}
        for changed, user in ((_changed(one), other), (_changed(other), one))
    )


def _changed(statement: ast.stmt) -> set[str]:
    """The names that a statement binds, writes into, or calls a method of."""
    found = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
            found |= {inner.id for inner in ast.walk(node.value) if isinstance(inner, ast.Name)}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            found |= {inner.id for inner in ast.walk(node.func) if isinstance(inner, ast.Name)}
    return found - {"torch", "nn", "F", "math"}


def prints(node: ast.AST) -> bool:
    """Whether a statement only prints."""
    value = node.value if isinstance(node, ast.Expr) else None
    called = value.func if isinstance(value, ast.Call) else None
    return isinstance(called, ast.Name) and called.id == "print"


def _without_finally(statement: ast.Try) -> ast.Try:
    return ast.Try(statement.body, statement.handlers, statement.orelse, [])
