"""Text read from what may be made to deceive: names of types, texts of exceptions.

It needs no torch, so that what has none can use it, too.
"""

from __future__ import annotations

from typing import Any

KEPT_TEXT = 2000
"""How many characters are kept of the text of an exception."""

_name_of, _module_of = vars(type)["__name__"].__get__, vars(type)["__module__"].__get__


def plain_text(text: str) -> str:
    """Text that every file and every page can hold: lone surrogates become question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def type_name(kind: type) -> str:
    """`Linear` for torch.nn's, `numpy.ndarray`, `method that was not called` for a forgotten call.

    Reads the type itself, so that no metaclass can answer for it.
    """
    name, module = _name_of(kind), _module_of(kind)
    if name in ("builtin_function_or_method", "method"):
        return "method that was not called"
    top = str.partition(module, ".")[0] if issubclass(type(module), str) else ""
    if module == "torch.return_types":  # the pair that x.max(0) gives
        name = f"{module}.{name}"
    elif top not in ("", "builtins", "torch", "__main__"):
        name = f"{top}.{name}"
    return plain_text(name)[:100] or "value"


def text_of(error: Any) -> str:
    """The text of an exception or a warning, whose class may be the learner's and may fail."""
    try:
        text = str.__str__(str(error))
    except BaseException as broken:
        return f"(its text cannot be read: {type_name(type(broken))})"
    return plain_text(text[:KEPT_TEXT])
