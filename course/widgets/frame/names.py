"""What the learner calls their tensors: the names found in a notebook's variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import FrameType

import torch

MOST_ITEMS = 64


def names_in(frame: FrameType) -> dict[str, torch.Tensor]:
    """Every tensor a caller can name, by name, the plainest names first.

    Looks at the frame's local variables, then its global ones; inside lists, tuples, dicts and
    modules too (``w[0]``, ``params['w']``, ``model.fc1.weight``). Names starting with an
    underscore are skipped: IPython keeps its own there.
    """
    found: dict[str, torch.Tensor] = {}
    for scope in (frame.f_locals, frame.f_globals):
        for name, value in list(scope.items()):
            if not name.startswith("_") and name not in ("In", "Out"):
                for full_name, tensor in _tensors(name, value):
                    found.setdefault(full_name, tensor)
    return dict(sorted(found.items(), key=lambda item: _plainness(item[0])))


def _plainness(name: str) -> tuple[bool, int]:
    return not name.isidentifier(), len(name)


def _tensors(name: str, value: object) -> Iterator[tuple[str, torch.Tensor]]:
    if isinstance(value, torch.Tensor):
        yield name, value
    elif isinstance(value, torch.nn.Module):
        for parameter_name, parameter in value.named_parameters():
            yield f"{name}.{parameter_name}", parameter
    elif isinstance(value, list | tuple) and len(value) <= MOST_ITEMS:
        for index, item in enumerate(value):
            if isinstance(item, torch.Tensor):
                yield f"{name}[{index}]", item
    elif isinstance(value, Mapping) and len(value) <= MOST_ITEMS:
        for key, item in list(value.items()):
            if isinstance(item, torch.Tensor):
                yield f"{name}[{key!r}]", item
