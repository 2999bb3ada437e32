"""Questions about a function's text: what is assigned in which loop, and what comes first."""

from __future__ import annotations

import ast
import inspect
import linecache
import textwrap
from collections.abc import Iterator
from types import FunctionType

Loop = ast.For | ast.While | ast.AsyncFor


def parsed(file: str) -> ast.Module | None:
    """The syntax of a file or a cell, if it can be read."""
    text = "".join(linecache.getlines(file))
    try:
        return _placed(text) if text else None
    except (SyntaxError, ValueError, RecursionError):
        return None


_PLACES = ("outputs", "inputs")


def _placed(text: str) -> ast.Module:
    """The syntax of a text, in which `grad(inputs=x, outputs=y)` is read as `grad(y, x)`."""
    tree = ast.parse(text)
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        named = {one.arg: one.value for one in call.keywords}
        missing = _PLACES[len(call.args) :]
        is_it = getattr(call.func, "attr", getattr(call.func, "id", "")) == "grad"
        if is_it and missing and all(one in named for one in missing):
            call.args += [named[one] for one in missing]
            call.keywords = [one for one in call.keywords if one.arg not in missing]
    return tree


def loop_of(tree: ast.AST, line: int) -> Loop | None:
    """The innermost loop whose body holds a line."""
    found = None
    for node in ast.walk(tree):
        if isinstance(node, Loop) and node.lineno <= line <= (node.end_lineno or 0):
            found = node if found is None or node.lineno >= found.lineno else found
    return found


def spelled(node: ast.AST) -> str:
    """`h`, `self.hidden`, `state[0]`, as it is written."""
    return ast.unparse(node)


def in_brackets(node: ast.expr) -> str:
    """An expression as it can stand in front of a method's dot, and beside an operator."""
    simple = ast.Name | ast.Attribute | ast.Call | ast.Subscript | ast.List | ast.Constant
    return ast.unparse(node) if isinstance(node, simple) else f"({ast.unparse(node)})"


def assigned(tree: ast.AST, name: str) -> list[ast.AST]:
    """The statements that give a name a value, in order."""
    found = [node for node in ast.walk(tree) if any(one == name for one in _targets(node))]
    return sorted(found, key=lambda node: (node.lineno, node.col_offset))  # type: ignore[attr-defined]


def value_of(statement: ast.AST, name: str) -> ast.expr | None:
    """What an assignment gives a name, one of several at a time too."""
    value = getattr(statement, "value", None)
    target = statement.targets[0] if isinstance(statement, ast.Assign) else None
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        pairs = zip(target.elts, value.elts, strict=False)
        return next((one for to, one in pairs if spelled(to) == name), value)
    return value if isinstance(value, ast.expr) else None


def reads(node: ast.AST, name: str) -> bool:
    """Whether an expression or a statement reads a name."""
    if isinstance(node, ast.AugAssign) and spelled(node.target) == name:
        return True
    return any(
        isinstance(one, ast.Name | ast.Attribute)
        and isinstance(one.ctx, ast.Load)
        and spelled(one) == name
        for one in ast.walk(node)
    )


def is_carried(loop: Loop, name: str) -> bool:
    """Whether a pass of the loop reads the value that an earlier pass gave to a name."""
    if name in _targets(loop):
        return False  # each pass begins with another
    return is_read_first(loop.body, name) and bool(assigned(loop, name))


def is_filled(loop: Loop, name: str) -> bool:
    """Whether a loop puts things into a list or a dict of this name."""
    return bool(filled(loop, name))


def filled(tree: ast.AST, name: str) -> list[ast.AST]:
    """The expressions that put something into a list or a dict of this name."""
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.Call | ast.Subscript))
    return [node for node in nodes if _puts_into(node) == name]


def _puts_into(node: ast.Call | ast.Subscript) -> str:
    """The collection that a call or an assignment to an entry fills, or nothing."""
    if isinstance(node, ast.Subscript):
        return spelled(node.value) if isinstance(node.ctx, ast.Store) else ""
    adds = ("append", "extend", "insert", "update", "push")
    if isinstance(node.func, ast.Attribute) and node.func.attr in adds:
        return spelled(node.func.value)
    return ""


def is_read_first(body: list[ast.stmt], name: str) -> bool:
    """Whether statements read a name before they give it a value.

    What is given only where there is nothing yet, under `if h is None:`, does not count.
    """
    beginning: set[ast.stmt] = set()
    for statement in _flat(body):
        if reads(_without_body(statement), name):
            return True
        if isinstance(statement, ast.If) and _is_beginning(statement):
            beginning.update(_flat(statement.body))
        if name in _targets(statement) and statement not in beginning:
            return False
    return False


def _is_beginning(statement: ast.If) -> bool:
    test = statement.test
    compared = isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Is)
    return compared and not statement.orelse


def is_state(kind: type, attribute: str) -> bool:
    """Whether a method of a class reads an attribute before it gives it a value."""
    name = f"self.{attribute}"
    return any(
        method.name != "__init__" and assigned(method, name) and is_read_first(method.body, name)
        for method, _ in methods(kind)
    )


def methods(kind: type) -> list[tuple[ast.FunctionDef, int]]:
    """The methods of a class, each with the line on which the text of the class begins."""
    try:
        lines, first = inspect.getsourcelines(kind)
        tree: ast.AST = _placed(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        if (found := _of_ended_script(kind)) is None:
            return []
        tree, first = found, 1
    return [(node, first) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def file_of(kind: type) -> str:
    """The file that a class is written in, or nothing."""
    try:
        return inspect.getsourcefile(kind) or ""
    except (OSError, TypeError):
        functions = [one for one in vars(kind).values() if isinstance(one, FunctionType)]
        return functions[0].__code__.co_filename if functions else ""


def _of_ended_script(kind: type) -> ast.ClassDef | None:
    """A class of a script that ran to its end: `python -i` leaves __main__ without its file."""
    functions = [one for one in vars(kind).values() if isinstance(one, FunctionType)]
    if kind.__module__ != "__main__" or not functions:
        return None
    code = functions[0].__code__
    tree = parsed(code.co_filename) or ast.Module([], [])
    return next(
        (
            one
            for one in ast.walk(tree)
            if isinstance(one, ast.ClassDef)
            and one.name == kind.__name__
            and one.lineno <= code.co_firstlineno <= (one.end_lineno or 0)
        ),
        None,
    )


def own_code(kind: type | FunctionType) -> tuple[ast.AST, str, int] | None:
    """The syntax of a function, or of a class's forward, with its file and its first line."""
    function = getattr(kind, "forward", None) if isinstance(kind, type) else kind
    function = inspect.unwrap(function) if function is not None else None
    if function is None or getattr(kind, "__module__", "").startswith("torch"):
        return None
    try:
        lines, first = inspect.getsourcelines(function)
        tree = _placed(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return None
    return tree, inspect.getsourcefile(function) or "", first


def called(tree: ast.AST) -> list[ast.Call]:
    """The calls that a piece of code holds."""
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def calls(tree: ast.AST, *methods: str) -> list[tuple[int, str]]:
    """Lines on which one of these is called, with its name, in order."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in methods:
                found.append((node.lineno, name))
    return sorted(found)


def _targets(node: ast.AST) -> list[str]:
    targets: list[ast.AST] = []
    if isinstance(node, ast.Assign):
        targets = list(node.targets)
    elif isinstance(node, (ast.AugAssign | ast.AnnAssign, ast.For | ast.AsyncFor)):
        targets = [node.target]
    flat: list[str] = []
    while targets:
        one = targets.pop()
        if isinstance(one, ast.Tuple | ast.List):
            targets.extend(one.elts)
        else:
            flat.append(spelled(one))
    return flat


def _flat(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements in the order of the text, those inside of blocks too."""
    for statement in body:
        yield statement
        for part in ("body", "orelse", "finalbody"):
            inner = getattr(statement, part, None)
            if isinstance(inner, list) and not isinstance(statement, ast.FunctionDef):
                yield from _flat([one for one in inner if isinstance(one, ast.stmt)])


def _without_body(statement: ast.stmt) -> ast.AST:
    """What a statement evaluates itself: of a loop its iterable, of a block its condition."""
    if isinstance(statement, ast.For | ast.AsyncFor):
        return statement.iter
    if isinstance(statement, ast.While | ast.If):
        return statement.test
    if isinstance(statement, ast.With | ast.AsyncWith):
        return ast.Tuple([item.context_expr for item in statement.items], ast.Load())
    if isinstance(statement, ast.Try | ast.FunctionDef | ast.ClassDef):
        return ast.Pass()
    return statement


def methods_of(tree: ast.AST, kind: str, method: str) -> Iterator[ast.FunctionDef]:
    """The methods of one name of the classes of one name."""
    for one in ast.walk(tree):
        for part in one.body if isinstance(one, ast.ClassDef) and one.name == kind else ():
            if isinstance(part, ast.FunctionDef) and part.name == method:
                yield part
