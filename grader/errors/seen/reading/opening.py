"""What lies inside of variables: entries of short lists and dicts, attributes of objects."""

from __future__ import annotations

import argparse
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from torch import Tensor, nn

MOST_ITEMS = 64
MOST_OPENED = 4000
DEPTH = 2
_PLAIN = (types.SimpleNamespace, argparse.Namespace)
_CODE = (type, types.FunctionType, types.MethodType, types.ModuleType)


def opened(
    values: Iterable[tuple[str, Any]], is_library: Callable[[str], bool]
) -> Iterator[tuple[str, Any]]:
    """Variables, then what lies in them, then what lies in that: `agent.optimizers['critic']`.

    Objects of classes that the reader wrote are opened, and namespaces; those of a library are not.
    """
    level, seen, count = list(values), set[int](), 0
    for depth in range(DEPTH + 1):
        inside: list[tuple[str, Any]] = []
        for name, value in level:
            count += 1
            if count > MOST_OPENED:
                return
            yield name, value
            if depth < DEPTH and not isinstance(value, Tensor) and id(value) not in seen:
                seen.add(id(value))
                inside += entries(name, value, is_library)
        level = inside


def entries(name: str, value: Any, is_library: Callable[[str], bool]) -> Iterator[tuple[str, Any]]:
    """What one value holds, each part with its spelling."""
    if isinstance(value, list | tuple):
        if len(value) <= MOST_ITEMS:
            yield from ((f"{name}[{index}]", one) for index, one in enumerate(value))
    elif isinstance(value, dict):
        if len(value) <= MOST_ITEMS:
            yield from ((f"{name}[{key!r}]", one) for key, one in list(value.items()))
    elif isinstance(value, nn.Module):
        yield from ((f"{name}.{key}", one) for key, one in list(vars(value).items()))
        yield from ((f"{name}.{key}", one) for key, one in value.named_children())
    elif is_own(value, is_library):
        yield from ((f"{name}.{key}", one) for key, one in list(vars(value).items()))


def is_own(value: Any, is_library: Callable[[str], bool]) -> bool:
    """Whether it is an object of a class that the reader wrote, such as a trainer."""
    if isinstance(value, _CODE) or not hasattr(value, "__dict__"):
        return False
    if isinstance(value, _PLAIN):
        return True
    home = sys.modules.get(type(value).__module__)
    if home is None or home.__name__ == "__main__":
        return home is not None
    file = getattr(home, "__file__", None)
    return bool(file and not is_library(file))
