"""How a value is written in a sentence: four significant digits, no `tensor(...)`, cut if long."""

from __future__ import annotations

from typing import Any

import torch

from grader.engine.observation import Plain, Unrecordable

MOST_ENTRIES = 8
MOST_CHARACTERS = 400


def shown(value: Plain) -> str:
    """A value for reading."""
    text = _shown(value, MOST_ENTRIES)
    return text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS] + " …"


def _shown(value: Plain, most: int) -> str:
    if isinstance(value, torch.Tensor):
        return _tensor(value, most)
    if isinstance(value, Unrecordable):
        return value.type_name
    inside = max(2, most // 2)
    if isinstance(value, dict):
        pairs = [
            f"{_shown(k, inside)}: {_shown(v, inside)}" for k, v in _first(value.items(), most)
        ]
        return "{" + ", ".join(pairs) + _more(value, most) + "}"
    if isinstance(value, tuple | list | frozenset):
        ordered = sorted(value, key=repr) if isinstance(value, frozenset) else value
        left, right = {list: ("[", "]"), tuple: ("(", ")")}.get(type(value), ("{", "}"))
        entries = [_shown(item, inside) for item in _first(ordered, most)]
        return left + ", ".join(entries) + _more(value, most) + right
    return _number(value)


def _tensor(value: torch.Tensor, most: int) -> str:
    if value.is_meta:
        return article(value)
    if value.ndim == 0:
        return _number(value.item())
    flat = value.flatten()
    inner = ", ".join(_number(entry) for entry in flat[:most].tolist())
    more = _more(flat, most)
    shape = f" of shape {tuple(value.shape)}" if value.ndim != 1 or more else ""
    return f"[{inner}{more}]{shape}"


def _first(values: Any, most: int) -> list[Any]:
    return [entry for entry, _ in zip(values, range(most), strict=False)]


def _more(values: Any, most: int) -> str:
    return ", …" if len(values) > most else ""


def _number(value: object) -> str:
    if isinstance(value, float | complex):
        return f"{value:.4g}"
    text = repr(value)
    return text if len(text) <= 100 else text[:100] + "…"


def article(value: Plain) -> str:
    """What a value is: `a tensor of shape (3,)`, `an int`, `None`."""
    if value is None:
        return "None"
    if isinstance(value, torch.Tensor):
        where = " on the meta device, without values" if value.is_meta else ""
        of_complex = " of complex numbers" if value.is_complex() else ""
        return f"a tensor of shape {tuple(value.shape)}{of_complex}{where}"
    word = value.type_name if isinstance(value, Unrecordable) else type(value).__name__
    word = "set" if word == "frozenset" else word
    if isinstance(value, tuple | list | dict | frozenset):
        word += f" of {len(value)}"
    return f"{'an' if word[:1] in tuple('aeiouAEIOU') else 'a'} {word}"
