"""A gradient of another shape: which entry of a custom Function's return it is."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import replace
from typing import Any

from grader.errors.explanation import Explained
from grader.errors.seen.again import graph
from grader.errors.seen.again.passes import start_of
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frames, file_name

_COUNT = re.compile(
    r"function (\w+)Backward returned an incorrect number of gradients \(expected (\d+), got (\d+)"
)
_TEXT = re.compile(
    r"Function (\w+)Backward returned an invalid gradient at index (\d+) - got (.*?]) "
)
_WANTED = re.compile(r"compatible with (\[.*?\])")


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The one return of the Function's backward, and what stands at the index of the message."""
    found, wanted = _TEXT.search(message), _WANTED.search(message)
    if found is None or wanted is None:
        return None
    name, index, given = found[1], int(found[2]), found[3]
    returns = _returns(frames, name)
    if len(returns) != 1:
        return None
    node, file = returns[0]
    values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
    before = values[: index + 1]
    if len(before) <= index or any(one is None or _is_none(one) for one in before):
        return None  # torch counts tensors alone, and None may stand for a number
    entry = ast.unparse(before[index] or ast.Constant(None))
    if (other := _other_argument(frames, name, wanted[1], given)) is not None:
        own, at, argument = other
        return replace(
            told,
            meaning=f"{name}.backward returns {entry} in the place of the gradient of {own}. It "
            f"has the shape {given}, which is that of {argument}, and {own} has {wanted[1]}.",
            cure="Return the gradients in the order of forward's arguments: that of "
            f"{argument} at place {at}, counted from 0 behind ctx.",
            place=f"{file_name(file)}, line {node.lineno}",
        )
    return replace(
        told,
        meaning=f"{name}.backward returns {entry} as the gradient of forward's argument {index}, "
        f"counted from 0 behind ctx. It has the shape {given}, and that argument {wanted[1]}: a "
        "sum over what was broadcast does not bring it there.",
        cure=_brought(before[index], _sizes(given), _sizes(wanted[1]))
        or _padded(frames, name, index, entry, _sizes(given), _sizes(wanted[1]))
        or told.cure,
        place=f"{file_name(file)}, line {node.lineno}",
    )


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(one) for one in re.findall(r"\d+", text))


def _brought(value: ast.expr | None, given: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """How a gradient is given its argument's shape, where the two shapes tell it."""
    entry = source.in_brackets(value) if value is not None else "grad"
    long = [one for one in given if one != 1]
    if long == [one for one in wanted if one != 1]:
        return f"The numbers are right, and dimensions of 1 are not: {entry}.reshape{wanted}."
    if len(given) == 2 and given == wanted[::-1]:
        return f"Return it transposed: {entry}.t()."
    return ""


def _padded(
    frames: Frames,
    name: str,
    index: int,
    entry: str,
    given: tuple[int, ...],
    wanted: tuple[int, ...],
) -> str:
    """How a gradient of fewer columns is cured, where forward reads the first columns alone."""
    if len(given) != len(wanted) or not given or given[:-1] != wanted[:-1]:
        return ""
    if given[-1] >= wanted[-1]:
        return ""
    for tree, _ in frames.files():
        for kind in ast.walk(tree):
            if not isinstance(kind, ast.ClassDef) or kind.name != name:
                continue
            methods = {one.name: one for one in kind.body if isinstance(one, ast.FunctionDef)}
            names = [one.arg for one in methods["forward"].args.args]
            argument = names[index + 1] if len(names) > index + 1 else ""
            columns = _columns(methods["forward"], argument)
            if columns and max(columns) < given[-1]:
                return (
                    f"forward reads {given[-1]} of the {wanted[-1]} columns of {argument}: give it "
                    f"{argument} with {given[-1]}. If the others are meant to be there, their "
                    f"gradient is 0: return torch.nn.functional.pad({entry}, "
                    f"(0, {wanted[-1] - given[-1]})) in the place of {entry}."
                )
    return ""


def _columns(forward: ast.AST, argument: str) -> list[int]:
    """The columns of an argument that forward takes by number; none if it reads it otherwise."""
    found = []
    for node in ast.walk(forward):
        if not isinstance(node, ast.Subscript) or ast.unparse(node.value) != argument:
            continue
        places = node.slice.elts if isinstance(node.slice, ast.Tuple) else []
        numbers = [
            one.value
            for one in places
            if isinstance(one, ast.Constant) and isinstance(one.value, int)
        ]
        if len(numbers) != 1:
            return []
        found += numbers
    return found


def _other_argument(
    frames: Frames, name: str, wanted: str, given: str
) -> tuple[str, int, str] | None:
    """The argument of a wrong gradient's place, and place and name of the one that it fits.

    Shapes are those of the node's edges; no shape may be that of two arguments.
    """
    _, root = start_of(frames)
    nodes = graph.nodes(root.grad_fn) if root is not None and root.grad_fn is not None else []
    for node in nodes:
        function = getattr(type(node), "_forward_cls", None)
        if getattr(function, "__name__", "") != name:
            continue
        names = list(inspect.signature(function.forward).parameters)[1:]  # type: ignore[union-attr]
        shapes = [_shape_of_edge(*edge) for edge in node.next_functions]
        if len(names) < len(shapes) or shapes.count(given) != 1 or shapes.count(wanted) != 1:
            continue
        at = shapes.index(given)
        if at < shapes.index(wanted):
            continue  # what stands there fits, or it would have been refused first
        return names[shapes.index(wanted)], at, names[at]
    return None


def _shape_of_edge(node: Any, number: int) -> str:
    """The shape of what an edge leads to, as torch's messages spell it."""
    variable = getattr(node, "variable", None)
    kinds = getattr(node, "_input_metadata", ())
    shape = variable.shape if variable is not None else kinds[number].shape if kinds else None
    return str(list(shape)) if shape is not None else ""


def read_count(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The one return of the Function's backward, and how many entries it lacks."""
    found = _COUNT.search(message)
    returns = _returns(frames, found[1]) if found is not None else []
    if found is not None and not returns:
        return _without_return(frames, told, found[1], int(found[2]))
    if found is None or len(returns) != 1:
        return None
    node, file = returns[0]
    name, wanted, given = found[1], int(found[2]), int(found[3])
    return replace(
        told,
        meaning=f"{name}.backward returns {given}, and forward takes {wanted} arguments, ctx not "
        "counted: each gets one gradient, and a list counts as one.",
        place=f"{file_name(file)}, line {node.lineno}",
    )


def _without_return(frames: Frames, told: Explained, name: str, wanted: int) -> Explained | None:
    """Of a backward that computes its gradients and ends without a return."""
    found = [
        (method, tree, file)
        for tree, file in frames.files()
        for method in source.methods_of(tree, name, "backward")
    ]
    if len(found) != 1:
        return None
    method, tree, file = found[0]
    last = method.body[-1]
    forward = next(source.methods_of(tree, name, "forward"), None)
    names = [one.arg for one in forward.args.args[1 : wanted + 1]] if forward is not None else []
    given = {one for node in ast.walk(method) for one in _stored(node)}
    mine = [next((one for one in given if _is_of(one, name)), "None") for name in names]
    entries = ", ".join(mine) if set(mine) - {"None"} else ""
    return replace(
        told,
        meaning=f"{name}.backward ends without a return, so it gives None alone; forward takes "
        f"{wanted} arguments, ctx not counted, and each gets one gradient.",
        cure=f"End it with `return {entries or '...'}`: the gradients in the order of forward's "
        "arguments, with None in the place of every argument that needs none.",
        place=f"{file_name(file)}, line {last.end_lineno or last.lineno}",
    )


def _stored(node: ast.AST) -> list[str]:
    return [node.id] if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else []


def _is_of(name: str, argument: str) -> bool:
    """Whether a name is that of an argument's gradient: `grad_x`, `x_grad`, `dx`, `gx`."""
    spelled = (f"grad_{argument}", f"{argument}_grad", f"d{argument}", f"d_{argument}")
    return name.lower() in {one.lower() for one in (*spelled, f"g{argument}", f"grad{argument}")}


def read_hook(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The one return of the hook that a message names."""
    named = re.search(r"hook '(\w+)' has changed the size", message)
    found = [
        (node, function, file)
        for tree, file in frames.files()
        for function in ast.walk(tree)
        if named is not None and isinstance(function, ast.FunctionDef) and function.name == named[1]
        for node in ast.walk(function)
        if isinstance(node, ast.Return) and node.value is not None
    ]
    if len(found) != 1 or not found[0][1].args.args:
        return None
    node, function, file = found[0]
    gradient = function.args.args[-1].arg
    if part := _part_of(node.value, gradient):
        given = ast.unparse(node.value or node) if isinstance(node.value, ast.BinOp) else part
        return replace(
            told,
            meaning=f"{function.name} returns {ast.unparse(node.value or node)}, a part of "
            f"{gradient} alone. It takes the place of {gradient}, and has to have its shape.",
            cure=f"Keep the shape, with 0 in the rest: kept = torch.zeros_like({gradient}), then "
            f"{part.replace(gradient, 'kept', 1)} = {given}, and return kept. By a mask that is "
            f"{gradient} * mask.",
            place=f"{file_name(file)}, line {node.lineno}",
        )
    return replace(
        told,
        meaning=f"{function.name} returns {ast.unparse(node.value or node)}, which takes the place "
        f"of the gradient and has another shape than {gradient}.",
        cure=f"Return a tensor of {gradient}.shape: leave out what takes a mean or a part of it, "
        f"or spread the result, .expand_as({gradient}). To look at it alone, return nothing.",
        place=f"{file_name(file)}, line {node.lineno}",
    )


def _part_of(value: ast.expr | None, gradient: str) -> str:
    """The part of the gradient that a hook returns: `grad[mask]`."""
    for node in ast.walk(value) if value is not None else ():
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == gradient:
            return ast.unparse(node)
    return ""


def read_result(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The one backward of this code, where it returned NumPy's numbers."""
    if "numpy" not in message:
        return None
    names = [
        kind.name
        for tree, _ in frames.files()
        for kind in ast.walk(tree)
        if isinstance(kind, ast.ClassDef)
        and any(ast.unparse(one).endswith("Function") for one in kind.bases)
    ]
    returns = _returns(frames, names[0]) if len(names) == 1 else []
    if len(returns) != 1:
        return None
    node, file = returns[0]
    return replace(
        told,
        meaning=f"{names[0]}.backward returns {ast.unparse(node.value or node)}, of NumPy's "
        "numbers, and tensors are wanted.",
        cure="Make a tensor of it and multiply by the incoming gradient: torch.from_numpy(a) * g, "
        "or torch.as_tensor(a, dtype=g.dtype) * g; None for what has no gradient.",
        place=f"{file_name(file)}, line {node.lineno}",
    )


def _returns(frames: Frames, name: str) -> list[tuple[ast.Return, str]]:
    """The returns of the backward of a class of this name, with their files."""
    return [
        (node, file)
        for tree, file in frames.files()
        for kind in ast.walk(tree)
        if isinstance(kind, ast.ClassDef) and kind.name == name
        for method in kind.body
        if isinstance(method, ast.FunctionDef) and method.name == "backward"
        for node in ast.walk(method)
        if isinstance(node, ast.Return)
    ]


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
