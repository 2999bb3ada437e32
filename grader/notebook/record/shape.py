"""Which parts of a record can be read as what they stand for, and which cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

Check = Callable[[Any], bool]


def parted(record: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What of a record can be read, and what cannot, each under the names that it stood under.

    A file may have been edited by hand. What nobody knows here is no mistake: it stays.
    """
    sound = dict(record)
    odd: dict[str, Any] = {}
    for kind, fields in _KINDS.items():
        if kind in record:
            sound[kind], wrong = _entries(record[kind], fields)
            odd |= {kind: wrong} if wrong is not None else {}
    if not isinstance(record.get("last", ""), str):
        odd["last"] = sound.pop("last")
    return sound, odd


def names(odd: Mapping[str, Any]) -> list[str]:
    """What `parted` took out, in words: an exercise or a question by its name."""
    return [
        f"{kind.removesuffix('s')} {name}" if isinstance(entries, dict) else kind
        for kind, entries in odd.items()
        for name in (entries if isinstance(entries, dict) and entries else [kind])
    ]


def _entries(entries: Any, fields: Mapping[str, Check]) -> tuple[dict[str, Any], Any]:
    """The entries of a kind with their readable fields, and the others; None if all is readable."""
    if not isinstance(entries, dict):
        return {}, entries
    sound, odd = {}, {}
    for name, entry in entries.items():
        if not isinstance(entry, dict):
            odd[name] = entry
            continue
        wrong = {key: value for key, value in entry.items() if not _fits(fields, key, value)}
        sound[name] = {key: value for key, value in entry.items() if key not in wrong}
        odd |= {name: wrong} if wrong else {}
    return sound, odd or None


def _fits(fields: Mapping[str, Check], key: str, value: Any) -> bool:
    return key not in fields or fields[key](value)


def _share(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 <= value <= 1  # which nan and infinity are not


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _first(value: Any) -> bool:
    """A first answer: what was said, and whether it was right."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("said"), str)
        and isinstance(value.get("right"), bool)
    )


def _turn(value: Any) -> bool:
    if not isinstance(value, dict) or not _count(value.get("stage")):
        return False
    return all(_day(value[name]) for name in ("due", "seen") if name in value)


def _day(value: Any) -> bool:
    try:
        date.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True


_KINDS: Mapping[str, Mapping[str, Check]] = {
    "exercises": {"credit": _share, "visible": _share, "hints": _count, "review": _turn},
    "questions": {"first": _first, "right": _flag, "tries": _count, "review": _turn},
}
