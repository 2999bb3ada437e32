"""How a value is written in a sentence: four significant digits, no `tensor(...)`, cut if long."""

from __future__ import annotations

import re
from typing import Any

import torch

from grader.engine.observation import Plain, Unrecordable

MOST_ENTRIES = 8
MOST_CHARACTERS = 400
DIGITS = 4
MOST_DIGITS = 17


def shown(value: Plain, digits: int = DIGITS) -> str:
    """A value for reading."""
    text = _shown(value, MOST_ENTRIES, digits)
    return text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS] + " …"


def shown_apart(one: Plain, other: Plain) -> tuple[str, str]:
    """Two values for reading, in as many digits as it takes until they differ, if they do at all.

    >>> shown_apart(-0.53881, -0.5388)
    ('-0.53881', '-0.5388')
    """
    for digits in range(DIGITS, MOST_DIGITS + 1):
        texts = shown(one, digits), shown(other, digits)
        if texts[0] != texts[1]:
            return texts
    return shown(one), shown(other)


def _shown(value: Plain, most: int, digits: int) -> str:
    if isinstance(value, torch.Tensor):
        return _tensor(value, most, digits)
    if isinstance(value, Unrecordable):
        return value.type_name
    inside = max(2, most // 2)
    if isinstance(value, dict):
        pairs = [
            f"{_shown(k, inside, digits)}: {_shown(v, inside, digits)}"
            for k, v in _first(value.items(), most)
        ]
        return "{" + ", ".join(pairs) + _more(value, most) + "}"
    if isinstance(value, tuple | list | frozenset):
        ordered = sorted(value, key=repr) if isinstance(value, frozenset) else value
        left, right = {list: ("[", "]"), tuple: ("(", ")")}.get(type(value), ("{", "}"))
        entries = [_shown(item, inside, digits) for item in _first(ordered, most)]
        return left + ", ".join(entries) + _more(value, most) + right
    return _number(value, digits)


def _tensor(value: torch.Tensor, most: int, digits: int) -> str:
    if value.is_meta:
        return article(value)
    if value.ndim == 0:
        return _number(value.item(), digits)
    flat = value.flatten()
    inner = ", ".join(_number(entry, digits) for entry in flat[:most].tolist())
    more = _more(flat, most)
    shape = f" of shape {tuple(value.shape)}" if value.ndim != 1 or more else ""
    return f"[{inner}{more}]{shape}"


def _first(values: Any, most: int) -> list[Any]:
    return [entry for entry, _ in zip(values, range(most), strict=False)]


def _more(values: Any, most: int) -> str:
    return ", …" if len(values) > most else ""


def _number(value: object, digits: int) -> str:
    if isinstance(value, float | complex):
        return f"{value:.{digits}g}"
    text = repr(value)
    return text if len(text) <= 100 else text[:100] + "…"


def short_text(message: str, most: int = 300) -> str:
    """What an exception says, in whole sentences of its first line, and no part of a tensor.

    >>> short_text("y is bad. " + "Because it is " * 50)
    'y is bad.'
    """
    lines = (line.strip() for line in _without_tensors(message).splitlines())
    text = " ".join(next((line for line in lines if line), "").split())
    if len(text) <= most:
        return text
    ends = [end.end() for end in re.finditer(r"[.!?](?=\s)", text[: most + 1])]
    return text[: ends[-1]] if ends else (text[:most].rpartition(" ")[0] or text[:most]) + " …"


def _without_tensors(text: str) -> str:
    """A text with `tensor(…)` for every tensor that is written out in it, whole or cut off."""
    kept, start = [], 0
    for found in re.finditer(r"\btensor\(", text):
        if found.start() < start:
            continue
        kept.append(text[start : found.start()] + "tensor(…)")
        start = _closing(text, found.end())
    return "".join(kept) + text[start:]


def _closing(text: str, start: int) -> int:
    """Behind the parenthesis that closes the one before `start`."""
    depth = 1
    for at in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth == 0:
            return at + 1
    return len(text)


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
