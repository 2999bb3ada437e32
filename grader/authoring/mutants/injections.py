"""One statement added to a right answer, which changes an argument, or a setting of torch."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from grader.authoring.mutants.kinds import Kind
from grader.authoring.mutants.mutation import Change, copied

REBOUND = {
    Kind.TENSOR: ("detach", "clone", "float"),
    Kind.MODULE: ("deepcopy",),
    Kind.TENSORS: ("detach each",),
}
"""What gives an argument's name to another object: of use at the start alone."""

CHANGED = {
    Kind.TENSOR: ("detach_", "requires_grad_", "requires_grad_(False)", "grad = None"),
    Kind.MODULE: (
        "requires_grad_",
        "requires_grad_(False)",
        "eval",
        "train",
        "train as the whole",
        "zero_grad",
        "float in place",
    ),
    Kind.TENSORS: ("requires_grad_ each", "grad = None each"),
    Kind.MODULES: ("eval each", "train each"),
    Kind.OPTIMIZER: ("zero_grad",),
}
"""What changes the argument itself."""

SETTINGS = (
    "torch.manual_seed(0)",
    "torch.rand(1)",
    "torch.set_grad_enabled(False)",
    "torch.set_grad_enabled(True)",
)

_WRITTEN = {
    "detach": "{x} = {x}.detach()",
    "clone": "{x} = {x}.clone()",
    "float": "{x} = {x}.float()",
    "float in place": "{x}.float()",
    "deepcopy": "{x} = __import__('copy').deepcopy({x})",
    "detach each": "{x} = [one.detach() for one in {x}]",
    "detach_": "{x}.detach_()",
    "requires_grad_": "{x}.requires_grad_()",
    "requires_grad_(False)": "{x}.requires_grad_(False)",
    "requires_grad_ each": "for one_ in {x}: one_.requires_grad_()",
    "eval": "{x}.eval()",
    "train": "{x}.train()",
    "train as the whole": "{x}.train({x}.training)",
    "eval each": "for one_ in {x}: one_.eval()",
    "train each": "for one_ in {x}: one_.train()",
    "zero_grad": "{x}.zero_grad()",
    "grad = None": "{x}.grad = None",
    "grad = None each": "for one_ in {x}: one_.grad = None",
}


def changes(
    tree: ast.Module, arguments: Mapping[str, Mapping[str, frozenset[Kind]]]
) -> Iterator[Change]:
    """Every statement put first into a function, and before each of its returns.

    `arguments` says of each function by name of what kinds its arguments are.
    """
    for function in tree.body:
        if isinstance(function, ast.FunctionDef) and function.name in arguments:
            kinds = arguments[function.name]
            where = f"in {function.name}: " if len(arguments) > 1 else ""
            for text in [*_of_arguments(kinds, REBOUND), *_of_arguments(kinds, CHANGED), *SETTINGS]:
                first = [*ast.parse(text).body, *function.body]
                yield Change("put first", function.body, first, where + text)
            for text in [*_of_arguments(kinds, CHANGED), *SETTINGS]:
                last = _before_returns(function.body, ast.parse(text).body)
                yield Change("put last", function.body, last, where + text)


def _of_arguments(
    arguments: Mapping[str, frozenset[Kind]], statements: Mapping[Kind, Sequence[str]]
) -> Iterator[str]:
    for name, kinds in arguments.items():
        for kind, known in statements.items():
            for one in known if kind in kinds else ():
                text = _WRITTEN[one].format(x=name)
                yield text if len(kinds) == 1 else _if_it_is(kind.value.format(x=name), name, text)


def _if_it_is(condition: str, name: str, text: str) -> str:
    """A statement for those cases in which the argument is of the kind, on one line."""
    if text.startswith("for "):
        return text.replace(f" in {name}:", f" in ({name} if {condition} else ()):")
    return f"if {condition}: {text}"


def _before_returns(body: Sequence[ast.stmt], last: list[ast.stmt]) -> list[ast.stmt]:
    """A function's statements, with something done before it returns, whichever way it ends."""
    ended: list[ast.stmt] = []
    for statement in body:
        step = _Last(last).visit(copied(statement))
        ended += step if isinstance(step, list) else [step]
    return ended if isinstance(body[-1], ast.Return) else [*ended, *last]


class _Last(ast.NodeTransformer):
    """Puts statements before every return of one function: the value is worked out first."""

    def __init__(self, last: list[ast.stmt]) -> None:
        self.last = last

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """A function that is defined inside returns for itself."""
        return node

    def visit_Return(self, node: ast.Return) -> list[ast.stmt]:
        """`result_ = value`, the statements, `return result_`."""
        value = node.value or ast.Constant(None)
        keep = ast.Assign([ast.Name("result_", ast.Store())], value, lineno=node.lineno)
        return [keep, *self.last, ast.Return(ast.Name("result_", ast.Load()))]
