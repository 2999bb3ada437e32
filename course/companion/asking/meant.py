"""Findings that the reader's own source shows to be meant: each becomes a note."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from course.companion.asking.statements import name_of
from course.companion.asking.written import own_files, tree_of
from course.companion.finding import Finding
from course.companion.places import Place
from course.companion.surroundings import Surroundings

_BLOCKS = (ast.For, ast.While, ast.FunctionDef)
_DRAWING = ("item", "argmax", "multinomial", "randint", "randrange", "choice", "topk", "sample")


def sorted_out(
    findings: Sequence[Finding], around: Surroundings
) -> tuple[list[Finding], list[str]]:
    """The findings that stand, and a sentence on each of the others."""
    real: list[Finding] = []
    notes: list[str] = []
    for one in findings:
        note = _target(one, around) if one.code == "untrained_model" and not one.sure else None
        note = _chosen(one, around) if one.code == "idle" else note
        if note is None:
            real.append(one)
        else:
            notes.append(note)
    return real, list(dict.fromkeys(notes))


def _target(one: Finding, around: Surroundings) -> str | None:
    """Of a model without an optimizer: that a line of the training gives it another's weights."""
    for tree, file in _trees(around):
        for block in (node for node in ast.walk(tree) if isinstance(node, _BLOCKS)):
            if isinstance(block, ast.FunctionDef) and _begins(block):
                continue
            for node in ast.walk(block):
                if _gives_weights(node, one.tensor.rpartition(".")[2]):
                    place = Place(file, getattr(node, "lineno", 0))
                    return (
                        f"{one.tensor} is given another model's weights at {place}, as a target "
                        "network is, and this loss gives it gradients that no optimizer uses. "
                        "Compute its values inside `with torch.no_grad():`."
                    )
    return None


def _begins(function: ast.FunctionDef) -> bool:
    """Whether a function runs once, before the training: it makes models or optimizers."""
    calls = (node for node in ast.walk(function) if isinstance(node, ast.Call))
    made = any(name_of(getattr(one.func, "value", None)) == "optim" for one in calls)
    return made or function.name == "__init__"


def _gives_weights(node: ast.AST, model: str) -> bool:
    """`target.load_state_dict(net.state_dict())`, `zip(target.parameters(), net.parameters())`."""
    if not isinstance(node, ast.Call):
        return False
    if name_of(node.func) == "load_state_dict":
        given = [one for arg in node.args for one in ast.walk(arg) if isinstance(one, ast.Call)]
        into = name_of(getattr(node.func, "value", None))
        others = [_owner(one) for one in given if name_of(one.func) == "state_dict"]
        return into == model and bool(others) and model not in others
    if name_of(node.func) != "zip":
        return False
    owners = {_owner(one) for one in node.args if isinstance(one, ast.Call)}
    return model in owners and len(owners) > 1


def _owner(call: ast.Call) -> str:
    return name_of(getattr(call.func, "value", None))


def _chosen(one: Finding, around: Surroundings) -> str | None:
    """Of what was not used in a step: that the reader's source chooses among these."""
    container = one.sentence.rpartition("beside it in ")[2].split(" were used")[0]
    name = next((part for part in reversed(container.split(".")) if not part.isdigit()), "")
    if not any(_chooses(tree, name) for tree, _ in _trees(around)):
        return None
    verb = "were" if " " in one.tensor else "was"
    return f"{one.tensor} {verb} not chosen among those in {container} in this step."


def _chooses(tree: ast.AST, name: str) -> bool:
    """`self.ops[index](x)` of a drawn index, or a loop over `self.ops` with a condition in it."""
    drawn = {
        name_of(one)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and _draws(node.value)
        for one in node.targets
    }
    return any(_picks(node, name, drawn) for node in ast.walk(tree))


def _picks(node: ast.AST, name: str, drawn: set[str]) -> bool:
    if isinstance(node, ast.Subscript) and name_of(node.value) == name:
        return name_of(node.slice) in drawn or _draws(node.slice)
    if isinstance(node, ast.For) and _goes_over(node, name):
        return any(isinstance(one, ast.If | ast.IfExp) for one in ast.walk(node))
    if not isinstance(node, ast.GeneratorExp | ast.ListComp):
        return False
    picks = any(isinstance(one, ast.IfExp) for one in ast.walk(node.elt))
    return any(_goes_over(over, name) and bool(picks or over.ifs) for over in node.generators)


def _draws(value: ast.AST) -> bool:
    calls = (node for node in ast.walk(value) if isinstance(node, ast.Call))
    return any(name_of(one.func) in _DRAWING for one in calls)


def _goes_over(loop: ast.For | ast.comprehension, name: str) -> bool:
    return any(name_of(one) == name for one in ast.walk(loop.iter))


def _trees(around: Surroundings) -> Iterator[tuple[ast.Module, str]]:
    for file in own_files(around):
        tree = tree_of(file)
        if tree is not None:
            yield tree, file
