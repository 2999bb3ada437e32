"""How a part of an answer is called in a sentence: `dx`, the answer, a row of a table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from grader.diagnosis.comparison import Difference
from grader.engine.observation import FLAGS
from grader.engine.task import Case, returned

_GRADIENT = re.compile(r"d[a-z]\w?|g_\w+|g(x|in|out)|J|(.*[ ._,])?grad(s|ients?)?( .*)?")
_DERIVATIVE = re.compile(r"Hv|diagonal|matrix|(.* )?derivatives?( .*)?")
_OF_CODE = re.compile(r"[^\w .,]")


def is_gradient(name: str) -> bool:
    """Whether a part holds a gradient, so far as its name tells: `dx`, `g_mean`, `w.grad`.

    >>> is_gradient("w.grad"), is_gradient("weight"), is_gradient("y.requires_grad")
    (True, False, False)
    """
    return bool(_GRADIENT.fullmatch(name)) and name.rpartition(".")[2] not in FLAGS


def is_derivative(name: str) -> bool:
    """Whether a part holds a gradient, or a derivative that is none: of second order, or its norms.

    >>> is_derivative("dx"), is_derivative("second derivative"), is_derivative("y")
    (True, True, False)
    """
    return is_gradient(name) or bool(_DERIVATIVE.fullmatch(name))


def parts_of(task: Any) -> tuple[str, ...]:
    """What a task's one function returns, by name; () for several functions, or one value."""
    signatures: Sequence[str] = getattr(task, "signatures", ())
    names = returned(signatures[0]) if len(signatures) == 1 else ()
    return names if len(names) > 1 else ()


def is_row(name: str, case: Case) -> bool:
    """Whether a part is named after a text that the case's answer was asked about."""
    if name in ("", "answer"):
        return False
    asked = [_bare(text) for text in _asked(case.params.values()) if text]
    inside = any(text in _bare(name) for text in asked)
    return _bare(name) in asked or (inside and bool(_OF_CODE.search(name)))


def _bare(text: str) -> str:
    """A program without what stands between its lines."""
    return re.sub(r"[\s;]", "", text)


def _asked(params: Iterable[Any]) -> Iterator[str]:
    """Texts within the lists of a case: programs, expressions, pairs of these."""
    for value in params:
        if isinstance(value, list | tuple):
            yield from (item for item in value if isinstance(item, str))
            yield from _asked(item for item in value if isinstance(item, list | tuple))


def spoken(
    differences: Sequence[Difference], case: Case, parts: Sequence[str], secret: bool
) -> str:
    """What a sentence about some parts has as its subject, in the singular.

    Of a hidden case the keys and positions inside a value are left out, which may come from its
    inputs: its name alone does not.
    """
    if is_row(differences[0].name, case):
        return _rows(differences, parts, secret)
    called = dict.fromkeys(_called(d, secret) for d in differences)
    if len(called) == 1:
        return next(iter(called))
    return "each of " + ", ".join(list(called)[:4]) + (", …" if len(called) > 4 else "")


def _called(difference: Difference, secret: bool) -> str:
    name, steps = difference.name, () if secret else difference.steps
    stem, dot, flag = name.rpartition(".")
    inside = "".join(f"[{step!r}]" for step in steps)
    if name in ("", "answer"):
        return f"`{inside}` of the answer" if inside else "the answer"
    return f"`{stem}`" if dot and flag in FLAGS else f"`{name}{inside}`"


def _rows(differences: Sequence[Difference], parts: Sequence[str], secret: bool) -> str:
    names = list(dict.fromkeys(f"`{d.name}`" for d in differences))
    what = {"the answer" if secret else _within(d, parts) for d in differences}
    subject = what.pop() if len(what) == 1 else "the answer"
    if len(names) == 1:
        return f"for {names[0]}, {subject}"
    return f"for each of {', '.join(names[:4])}{', …' if len(names) > 4 else ''}, {subject}"


def _within(difference: Difference, parts: Sequence[str]) -> str:
    """The part of a row: `requires_grad` for entry 0 of a pair, else its key."""
    if len(difference.steps) != 1:
        return "the answer"
    (step,) = difference.steps
    if isinstance(step, int):
        return parts[step] if step < len(parts) else f"entry {step} of the answer"
    return f"`{step}`"


def labelled(difference: Difference, case: Case, parts: Sequence[str]) -> str:
    """What stands before a part's numbers: `dx`, `stats['stem'][0]`, `x * 2, requires_grad`."""
    if is_row(difference.name, case):
        inside = _within(difference, parts) if difference.steps else ""
        return f"{difference.name}, {inside}" if inside else difference.name
    return difference.path
