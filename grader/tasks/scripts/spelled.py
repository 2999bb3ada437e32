"""Values with their types in words, so that 3, 3.0, "3" and True are told apart."""

from __future__ import annotations

from typing import Any

from grader.engine.text import type_name

_PLAIN = (bool, int, float, str)


def spelled(value: Any) -> Any:
    """`"float 0.1"` for 0.1, `"text 0.1"` for the text, `"list of int 5, int 3"` for a list or a
    tuple. What stands in a dict is spelled by itself. Of anything else the type's name is left."""
    kind = type(value)
    if value is None:
        return "None"
    if kind in _PLAIN:
        return f"{'text' if kind is str else kind.__name__} {value}"
    if issubclass(kind, list | tuple):
        return f"list of {', '.join(map(str, map(spelled, value))) or 'nothing'}"
    if issubclass(kind, dict):
        return {str(name): spelled(one) for name, one in value.items() if type(name) in _PLAIN}
    return type_name(kind)
