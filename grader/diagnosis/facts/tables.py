"""Facts about a table of words, truth values or sets: what is taken for what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from grader.diagnosis.facts.claims import Claim
from grader.diagnosis.misses import Miss
from grader.diagnosis.shown import shown
from grader.engine.observation import Plain


def confused(misses: Sequence[Miss]) -> Iterator[Claim]:
    """One word, wherever it is right, is taken for another; or each wrong row has the same two."""
    wrong = {pair for miss in misses for pair in _wrong(miss)}
    if not wrong or not all(map(_is_of_words, misses)):
        return
    if all(isinstance(got, str) and _are_capitals(right, got) for right, got in wrong):
        right, received = min(wrong)
        told: dict[str, object] = {"right": shown(right), "received": shown(received)}
        yield Claim("FACT.capitals", _is_right_but_for_capitals, told)
        return
    if len(wrong) == 2 and (pair := min(wrong, key=str)) and pair[::-1] in wrong:
        one, other = pair
        told = {"one": shown(one), "other": shown(other)}
        always = all(_are_exchanged(miss, one, other, always=True) for miss in misses)
        code = "FACT.words_exchanged" if always else "FACT.words_exchanged_some"
        yield Claim(code, lambda m: _are_exchanged(m, one, other, always=always), told)
        return
    if len(wrong) > 1:
        answers = {received for _, received in wrong}
        if len(answers) == 1:
            word = answers.pop()
            yield Claim("FACT.too_often", lambda m: _is_all(m, word), {"received": shown(word)})
        elif _are_met_again(renamed := dict(wrong), misses) and len(renamed) == len(wrong):
            pairs = sorted((shown(other), shown(right)) for right, other in wrong)
            said = " and ".join(f"{other} wherever {right} is right" for other, right in pairs)
            yield Claim("FACT.renamed", lambda m: _are_renamed(m, renamed), {"pairs": said})
        return
    ((right, received),) = wrong
    told = {"right": shown(right), "received": shown(received)}
    rows = [value for miss in misses for value in miss.expected.values()]
    taken = sum(len(_wrong(miss)) for miss in misses)
    if rows.count(right) == taken and len(set(rows)) > 1:
        yield Claim("FACT.confused", lambda miss: _always(miss, right, received), told)
    elif taken > 1:
        yield Claim("FACT.confused_some", lambda miss: _only(miss, right, received), told)


def _are_capitals(right: Plain, received: Plain) -> bool:
    return isinstance(right, str) and right.casefold() == received.casefold()


def _is_right_but_for_capitals(miss: Miss) -> bool:
    return _is_of_words(miss) and all(
        isinstance(miss.received[name], str) and _are_capitals(right, miss.received[name])
        for name, right in miss.expected.items()
    )


def _are_exchanged(miss: Miss, one: Plain, other: Plain, *, always: bool) -> bool:
    turned = {one: other, other: one}
    return _is_of_words(miss) and all(
        miss.received[name] == turned.get(right, right)
        or (not always and miss.received[name] == right)
        for name, right in miss.expected.items()
    )


def _are_met_again(renamed: Mapping[Plain, Plain], misses: Sequence[Miss]) -> bool:
    """Whether these are words, one of which is right in several rows: a habit shows only there."""
    rows = [list(miss.expected.values()) for miss in misses]
    return not any(", " in str(word) for word in renamed) and any(
        of_one.count(word) > 1 for of_one in rows for word in renamed
    )


def _are_renamed(miss: Miss, renamed: Mapping[Plain, Plain]) -> bool:
    return _is_of_words(miss) and all(
        miss.received[name] == renamed.get(right, right) for name, right in miss.expected.items()
    )


def _is_of_words(miss: Miss) -> bool:
    return set(miss.received) == set(miss.expected) and all(
        isinstance(value, str | bool) for value in miss.expected.values()
    )


def _wrong(miss: Miss) -> list[tuple[Plain, Plain]]:
    """Right and received of every row that is wrong and holds words."""
    return [
        (right, miss.received.get(name))
        for name, right in miss.expected.items()
        if isinstance(right, str | bool)
        and isinstance(miss.received.get(name), str | bool)
        and miss.received[name] != right
    ]


def _is_all(miss: Miss, received: Plain) -> bool:
    return _is_of_words(miss) and all(got == received for _, got in _wrong(miss))


def _only(miss: Miss, right: Plain, received: Plain) -> bool:
    return _is_of_words(miss) and all(
        miss.received[name] == value or (value == right and miss.received[name] == received)
        for name, value in miss.expected.items()
    )


def _always(miss: Miss, right: Plain, received: Plain) -> bool:
    return _is_of_words(miss) and all(
        miss.received[name] == (received if value == right else value)
        for name, value in miss.expected.items()
    )


def columns(misses: Sequence[Miss]) -> Iterator[Claim]:
    """In rows of several flags, every wrong flag of one name is wrong in one direction."""
    if not all(map(_is_of_flags, misses)):
        return
    flags = [flag for miss in misses for flag in _wrong_flags(miss)]
    wrong = set(flags)
    if len({name for name, _, _ in wrong}) < len(wrong) or len(flags) < 2:
        return
    said = ", and every wrong ".join(
        f"`{name}` is {received}, where {right} is right" for name, right, received in sorted(wrong)
    )
    told: dict[str, object] = {"flags": said}
    yield Claim(
        "FACT.columns", lambda m: _is_of_flags(m) and wrong.issuperset(_wrong_flags(m)), told
    )


def _wrong_flags(miss: Miss) -> list[tuple[str, bool, bool]]:
    """Name, right and received of every wrong flag."""
    return [
        (name, flag, miss.received[row][name])
        for row, right in miss.expected.items()
        for name, flag in right.items()
        if flag is not miss.received[row][name]
    ]


def _is_of_flags(miss: Miss) -> bool:
    """Whether every row is a dict of truth values, of the same names as it should be."""
    rows = [(right, miss.received.get(row)) for row, right in miss.expected.items()]
    return bool(rows) and all(
        isinstance(right, dict)
        and isinstance(received, dict)
        and right.keys() == received.keys()
        and all(isinstance(flag, bool) for flag in (*right.values(), *received.values()))
        for right, received in rows
    )


def sets(misses: Sequence[Miss]) -> Iterator[Claim]:
    """No set lacks anything that is right, or none holds anything that is wrong."""
    if any(", " in value for miss in misses for value in map(str, miss.expected.values())):
        yield Claim("FACT.sets_larger", lambda miss: _are_sets(miss, frozenset.issuperset))
        yield Claim("FACT.sets_smaller", lambda miss: _are_sets(miss, frozenset.issubset))


def _are_sets(miss: Miss, stands: Callable[[frozenset[str], frozenset[str]], bool]) -> bool:
    """Whether every row holds names, and all that was received stands to the right ones so."""
    if set(miss.received) != set(miss.expected):
        return False
    pairs = [(_names(miss.received[row]), _names(right)) for row, right in miss.expected.items()]
    return all(one is not None and other is not None and stands(one, other) for one, other in pairs)


def _names(value: Plain) -> frozenset[str] | None:
    """The names in a text such as `"w, x"`, or in `"no name"`; None where it is another text."""
    if value == "no name":
        return frozenset()
    names = value.split(", ") if isinstance(value, str) else [""]
    return frozenset(names) if all(name.isidentifier() for name in names) else None
