"""A distribution's parameter out of its range: which argument it was, and what it holds."""

from __future__ import annotations

import ast
import inspect
from dataclasses import replace

from torch import Tensor
from torch.distributions import Distribution
from torch.distributions.constraints import Constraint

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up

_SCORES = ("Categorical", "Bernoulli", "OneHotCategorical", "Multinomial", "Binomial", "Geometric")
"""What takes probabilities, and logits in their place."""


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """A spread that is not above 0, or scores where probabilities belong."""
    names = frames.given("__init__")
    distribution, parameter = names.get("self"), names.get("param")
    if not isinstance(distribution, Distribution) or not isinstance(parameter, str):
        return None
    kind = type(distribution)
    found = _argument(frames.last, kind, parameter)
    if found is None:
        return None
    call, given = found
    value = looked_up(given, frames.last)
    value = value if isinstance(value, Tensor) else names.get("value")
    if not isinstance(value, Tensor) or not value.numel() or bool(value.isnan().any()):
        return None
    value, name = value.detach(), source.in_brackets(given)
    least = float(value.min())
    if parameter == "probs" and kind.__name__ in _SCORES and least < 0:
        return replace(
            told,
            meaning=f"{kind.__name__} was given {name} as probabilities, and the least of its "
            f"numbers is {least:.3g}: these are scores, as a layer gives them.",
            cure=f"Give them as such: {_with(call, given, f'logits={ast.unparse(given)}')}.",
            place=frames.last.place,
        )
    constraint = names.get("constraint")
    if not isinstance(constraint, Constraint) or least > 0:
        return None
    if getattr(constraint, "lower_bound", None) != 0:
        return None
    bad = int((~constraint.check(value)).sum())
    holds = f"{bad:,} of its {value.numel():,} numbers are not, the least is {least:.3g}"
    if isinstance(held := looked_up(given, frames.last), int | float) or _is_number(given):
        number = "1.0" if held is None else f"max({name}, 1e-6)"
        cure = f"Give a number above 0: {_with(call, given, number)}."
    elif least < 0:
        right = f"F.softplus({ast.unparse(given)}) + 1e-4"
        cure = (
            "Nothing keeps what a layer or a difference gives above 0, so make that part of the "
            f"computation: {_with(call, given, right)}. Or take it for a logarithm: {name}.exp()."
        )
    else:
        cure = f"Keep it away from 0: {_with(call, given, f'{name}.clamp(1e-6)')}."
    return replace(
        told,
        meaning=f"{kind.__name__} wants every {parameter} above 0. {name} is what it was given, "
        f"and {holds}.",
        cure=cure,
        place=frames.last.place,
    )


def _is_number(node: ast.expr) -> bool:
    """Whether it is a number as it stands in the text."""
    return isinstance(node.operand if isinstance(node, ast.UnaryOp) else node, ast.Constant)


def _argument(frame: Frame, kind: type, parameter: str) -> tuple[ast.Call, ast.expr] | None:
    """The call on the failing line that makes a distribution, and its argument of that name."""
    calls = [
        node
        for node in failing.on_line(frame)
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == kind.__name__
    ]
    if len(calls) != 1 or any(isinstance(one, ast.Starred) for one in calls[0].args):
        return None
    names = list(inspect.signature(kind).parameters)
    for name, given in zip(names, calls[0].args, strict=False):
        if name == parameter:
            return calls[0], given
    for keyword in calls[0].keywords:
        if keyword.arg == parameter:
            return calls[0], keyword.value
    return None


def _with(call: ast.Call, given: ast.expr, right: str) -> str:
    """The call as text, with another text for an argument and its keyword."""
    texts = [right if one is given else ast.unparse(one) for one in call.args]
    for one in call.keywords:
        spelled = right if right.startswith("logits=") else f"{one.arg}={right}"
        texts.append(spelled if one.value is given else ast.unparse(one))
    return f"{ast.unparse(call.func)}({', '.join(texts)})"
