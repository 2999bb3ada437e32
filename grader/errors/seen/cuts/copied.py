"""A module that cannot be copied: which attribute holds a result, and what put it there."""

from __future__ import annotations

import ast
import inspect
import textwrap
from dataclasses import replace

from torch import Tensor, nn
from torch.nn.utils import prune
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from grader.errors.explanation import Explained
from grader.errors.seen.again import kept
from grader.errors.seen.modules.layers import parts
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frames, file_name

_NORMS = {WeightNorm: "weight_norm", SpectralNorm: "spectral_norm"}


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The attribute that holds a non-leaf: a hook of torch.nn.utils computes it, or your code."""
    for name, part in parts(frames):
        for attribute, value in vars(part).items():
            values = value if isinstance(value, list | tuple) else [value]
            if any(isinstance(one, Tensor) and not one.is_leaf for one in values):
                return _of_hook(told, name, part, attribute) or _of_code(
                    frames, told, name, part, attribute
                )
    return None


def _of_hook(told: Explained, name: str, part: nn.Module, attribute: str) -> Explained | None:
    for hook in part._forward_pre_hooks.values():
        norm = next((word for kind, word in _NORMS.items() if isinstance(hook, kind)), "")
        if norm and getattr(hook, "name", "") == attribute:
            return replace(
                told,
                meaning=f"torch.nn.utils.{norm} computes {name}.{attribute} anew in each forward "
                "and keeps the result, with its graph, as a plain attribute.",
                cure=f"Use the {norm} of torch.nn.utils.parametrizations, called the same way: it "
                "keeps no result, and the model can be copied.",
            )
        if isinstance(hook, prune.BasePruningMethod) and hook._tensor_name == attribute:
            return replace(
                told,
                meaning=f"torch.nn.utils.prune computes {name}.{attribute} anew in each forward "
                "and keeps the result, with its graph, as a plain attribute.",
                cure="Run one forward inside of `with torch.no_grad():` right before you copy: "
                "then what is kept has no graph. Or end the pruning, "
                f'prune.remove(layer, "{attribute}"), which makes it a parameter again.',
            )
    return None


def _of_code(
    frames: Frames, told: Explained, name: str, part: nn.Module, attribute: str
) -> Explained:
    inside = _set_in(type(part), attribute)
    outside = _set_at(frames, attribute)
    where = inside or outside
    return replace(
        told,
        meaning=f"{name}.{attribute} keeps a non-leaf with its graph, which cannot be copied.",
        cure="Let forward go on with the tensor itself, say h, and keep a detached one beside it: "
        f"self.{attribute} = h.detach(). Or set it to None before you copy.",
        place=where,
    )


def _set_in(kind: type, attribute: str) -> str:
    """The line of a class that gives its attribute the value, if it is one line."""
    if kind.__module__.startswith("torch."):
        return ""
    try:
        lines, first = inspect.getsourcelines(kind)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return ""
    made = [
        one
        for method in ast.walk(tree)
        if isinstance(method, ast.FunctionDef) and method.name != "__init__"
        for one in source.assigned(method, f"self.{attribute}")
    ]
    if len(made) != 1:
        return ""
    line = first + made[0].lineno - 1  # type: ignore[attr-defined]
    return f"{file_name(inspect.getsourcefile(kind) or '')}, line {line}"


def _set_at(frames: Frames, attribute: str) -> str:
    """The one line of the reader's code that sets an attribute of this name on something."""
    found = set()
    for tree, file, first in kept.code_of(frames):
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.ctx, ast.Store)
                and node.attr == attribute
            ):
                found.add(f"{file_name(file)}, line {first + node.lineno - 1}")
    return found.pop() if len(found) == 1 else ""
