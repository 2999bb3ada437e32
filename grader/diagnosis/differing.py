"""Findings on wrong values: a fact about all of them, one about each part, or what stands there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch

from grader.diagnosis.compared import Compared
from grader.diagnosis.comparison import Difference
from grader.diagnosis.facts import groups, tables, wholes
from grader.diagnosis.facts.claims import the_one
from grader.diagnosis.findings import finding, numbers
from grader.diagnosis.messages import TEMPLATES, say, stable
from grader.diagnosis.misses import Miss, Signature
from grader.diagnosis.naming import is_gradient, is_row, labelled, parts_of, spoken
from grader.diagnosis.shown import shown_apart
from grader.diagnosis.signatures import recognise
from grader.diagnosis.verdict import Finding
from grader.engine.task import Task

_SHOWN = 3
"""Of how many parts a finding shows the numbers."""

_SHOWN_ROWS = 6
"""How many wrong rows of a table it shows."""

_UNNAMED_FACTORS = (
    "RATIO.constant",
    "RATIO.times_size",
    "RATIO.over_size",
    "RATIO.varies",
    "RATIO_CHANNEL",
    "NEARLY",
)
_PLAIN = ("WRONG", "WRONG.value", "WRONG.flag")
_ENDS_GRADIENTS = (
    "TYPE",
    "FACT.container",
    "STRUCTURE",
    "SHAPE.",
    "PER_SAMPLE.",
    "NONE.returned",
)
_NO_GRADIENT = ("NONE", "NONE.gradient")
"""What is wrong in form has no gradient: that another part is None has no cause of its own."""

_OF_EVERY_ROW = (
    "FACT.always",
    "FACT.pairs_swapped",
    "FACT.inverted",
    "FACT.confused",
    "FACT.confused_some",
    "FACT.words_exchanged",
    "FACT.words_exchanged_some",
    "FACT.renamed",
    "FACT.capitals",
    "FACT.too_often",
    "FACT.columns",
    "FACT.sets_larger",
    "FACT.sets_smaller",
)
_ALIASING = ("shares_memory", "same_object")


@dataclass
class _Told:
    """A signature, the case it was first seen in, and the parts it holds for there."""

    signature: Signature
    first: Compared
    differences: list[Difference] = field(default_factory=list)


def of_differences(
    task: Task, sentences: Mapping[str, str], compared: Sequence[Compared]
) -> list[Finding]:
    """One finding per signature, naming every part it holds for; plain differences in one.

    Beside an effect, or a tensor that shares memory it should not, numbers are not read: what
    they seem to say is seldom the cause.
    """
    failing = [c for c in compared if not c.passed]
    effects = any(c.observation.effects for c in failing)
    aliased = any(
        d.kind == "flag" and d.name.rpartition(".")[2] in _ALIASING
        for c in failing
        for d in c.differences
    )
    facts = not effects and not aliased
    misses = [_whole(c) for c in failing if c.differences]
    if facts and misses and len(misses) == len(failing):
        found = the_one(misses, wholes.exchanged, wholes.first_alone, wholes.rows)
        found = found or the_one(misses, tables.confused, tables.columns, tables.sets)
        if found is not None and _is_true_of_passed(found, compared):
            told = _Told(found, failing[0], list(failing[0].differences))
            return [_in_words(task, sentences, told)]
    grouped = sorted(_grouped(failing, facts), key=_rank)
    # What an exercise does not look at where something else is wrong is not missing in the answer.
    grouped = [told for told in grouped if not _is_not_looked_at(told)] or grouped
    codes = [told.signature.code for told in grouped]
    if any(code.startswith("FLAGS.") for code in codes):
        grouped = [_without_causes(told) for told in grouped]
    if any(code.startswith(_ENDS_GRADIENTS) for code in codes) or _is_of_another_form(grouped):
        grouped = [told for told in grouped if told.signature.code not in _NO_GRADIENT]
    elif _has_no_value(failing):
        grouped = [told for told in grouped if told.signature.code != "NONE.gradient"]
    return [_in_words(task, sentences, told) for told in grouped]


def _is_not_looked_at(told: _Told) -> bool:
    """Whether it says of the whole observation that parts are missing, and none is too many."""
    return told.signature.code == "STRUCTURE" and all(
        d.name == ""
        and isinstance(d.expected, dict)
        and isinstance(d.received, dict)
        and set(d.received) < set(d.expected)
        for d in told.differences
    )


def _has_no_value(failing: Sequence[Compared]) -> bool:
    """Whether a part that is no gradient came as None: a gradient beside it is None for that."""
    return any(
        not is_gradient(d.name) and d.received is None
        for c in failing
        for d in c.differences
        if isinstance(d.expected, torch.Tensor)
    )


def _is_of_another_form(grouped: Sequence[_Told]) -> bool:
    """Whether some part is of another kind or shape: what is computed from it may be None then."""
    return any(
        d.kind in ("type", "shape", "structure") for told in grouped for d in told.differences
    )


def is_plain(told: Finding) -> bool:
    """Whether a finding says no more than that values differ."""
    return told.code in _PLAIN


def _whole(c: Compared) -> Miss:
    return _miss(c, c.differences[0])


def _is_true_of_passed(found: Signature, compared: Sequence[Compared]) -> bool:
    """Whether what is said of every row holds of the rows that are right as well."""
    if found.code not in _OF_EVERY_ROW or found.holds is None:
        return True
    nothing = Difference("", "text", None, None)
    return all(found.holds(_miss(c, nothing)) for c in compared if c.passed and c.expected)


def _miss(c: Compared, difference: Difference) -> Miss:
    received = c.observation.values
    return Miss(c.case, c.rules, difference, c.expected, received, c.inputs, c.drawn)


def _grouped(failing: Sequence[Compared], facts: bool) -> list[_Told]:
    """What is said of each part, once for all parts of which it is true: in the first case."""
    read = [(entries, _read(entries, facts)) for entries in _parts(failing, facts)]
    other = {e[0][1].name for e, signature in read if signature.code == "STRUCTURE"}
    # Where a list has another length, that its entries differ says nothing more.
    read = [(e, s) for e, s in read if s.code not in _PLAIN or e[0][1].name not in other]
    read = _of_one_precision(read)
    unread = any(signature.code == "WRONG" for _, signature in read)
    groups_of: dict[tuple[object, ...], _Told] = {}
    for entries, signature in read:
        table = is_row(entries[0][1].name, entries[0][0].case)
        first, difference = entries[0]
        if signature.code in _UNNAMED_FACTORS and unread:
            # A factor without a name is chance beside parts that show none, and so is nearness.
            signature = Signature("WRONG", {})
        if signature.code in _PLAIN:
            # One cause makes many parts wrong: they are told together.
            key: tuple[object, ...] = ("plain", table)
        else:
            key = (signature.code, repr(sorted(signature.values.items())))
        told = groups_of.setdefault(key, _Told(signature, first))
        if told.first is first:
            told.differences.append(difference)
    return list(groups_of.values())


_Read = list[tuple[list[tuple[Compared, Difference]], Signature]]


def _of_one_precision(read: _Read) -> _Read:
    """What is near is told once, with the digits of the part that has fewest.

    A right answer of 0 agrees in no digit: beside parts that do it is left out, and alone it is
    different.
    """
    digits = [s.values["digits"] for _, s in read if s.code == "NEARLY"]
    known = [n for n in digits if isinstance(n, int)]
    told: _Read = []
    for entries, signature in read:
        if signature.code != "NEARLY":
            told.append((entries, signature))
        elif not known:
            told.append((entries, Signature("WRONG", {})))
        elif signature.values["digits"] is not None:
            least = {**signature.values, "digits": min(known)}
            told.append((entries, replace(signature, values=least)))
    return told


def _read(entries: Sequence[tuple[Compared, Difference]], facts: bool) -> Signature:
    """What is true of one part in every case in which it is wrong."""
    table = is_row(entries[0][1].name, entries[0][0].case)
    return recognise([_miss(c, d) for c, d in entries], facts=facts and not table)


def _parts(failing: Sequence[Compared], facts: bool) -> Iterator[list[tuple[Compared, Difference]]]:
    """The failing cases of each part: of a whole list or dict where a fact holds for it."""
    names = dict.fromkeys(d.name for c in failing for d in c.differences)
    for name in names:
        entries = [
            (c, [d for d in c.differences if d.name == name])
            for c in failing
            if any(d.name == name for d in c.differences)
        ]
        whole = [(c, _of_name(c, name, found)) for c, found in entries]
        if facts and _is_group(whole) and not is_row(name, entries[0][0].case):
            misses = [_miss(c, d) for c, d in whole]
            if the_one(misses, groups.orders, groups.keys) is not None:
                yield whole
                continue
        paths: dict[str, list[tuple[Compared, Difference]]] = {}
        for c, found in entries:
            for difference in found:
                paths.setdefault(difference.path, []).append((c, difference))
        yield from paths.values()


def _is_group(whole: Sequence[tuple[Compared, Difference]]) -> bool:
    return all(
        isinstance(value, tuple | list | dict)
        for _, d in whole
        for value in (d.expected, d.received)
    )


def _of_name(c: Compared, name: str, found: Sequence[Difference]) -> Difference:
    """The difference of a whole named value, whatever of it differs."""
    if name == "" or name not in c.observation.values:
        return found[0]
    expected, received = c.expected.get(name), c.observation.values[name]
    return Difference(name, "structure", expected, received, name=name)


def _rank(told: _Told) -> int:
    """What is wrong in form comes before what is wrong in value, and a plain difference last."""
    code = told.signature.code
    if code != "TYPE.none" and code.startswith(("TYPE", "STRUCTURE", "NONE.returned")):
        return 0
    if code.startswith("FLAGS."):
        return 1
    if code == "TYPE.none":
        return 2
    return 4 if code in _PLAIN else 3


def _without_causes(told: _Told) -> _Told:
    """A flag that is wrong is cause enough: no other causes are guessed at beside it."""
    code = told.signature.code
    if stable(code) not in ("NONE", "ZERO"):
        return told
    plain = replace(told.signature, code=stable(code), values={"expected": "a tensor"})
    return replace(told, signature=plain)


def _in_words(task: Task, sentences: Mapping[str, str], told: _Told) -> Finding:
    c, signature, parts = told.first, told.signature, parts_of(task)
    code = signature.code
    if code in _PLAIN and is_row(told.differences[0].name, c.case):
        return _of_rows(told)
    values, about = dict(signature.values), told.differences
    if code in _PLAIN and len(told.differences) > 1:
        code, about, others = _in_turn(told)
        if others:
            values["others"] = spoken(others, c.case, parts, c.secret)
    path = spoken(about, c.case, parts, c.secret)
    own = _own_sentence(sentences, code)
    if own is not None:
        message = own.format(path=path)
    else:
        template = f"HIDDEN.{code}" if c.secret and f"HIDDEN.{code}" in TEMPLATES else code
        message = say(template, path=path, **values)
    message = message[:1].upper() + message[1:]
    lines = [
        line
        for difference in told.differences[:_SHOWN]
        for line in numbers(difference, labelled(difference, c.case, parts), c.secret)
    ]
    return finding(stable(code), message, c, lines)


def _in_turn(told: _Told) -> tuple[str, list[Difference], list[Difference]]:
    """How several plain differences are told: a word says by itself what is wrong, and comes first.

    Numbers say no more than that they differ: then all stand in one sentence.
    """
    first, *others = told.differences
    if told.signature.code == "WRONG.value" and isinstance(first.expected, str):
        return "WRONG.words", [first], others
    return "WRONG", told.differences, []


def _own_sentence(sentences: Mapping[str, str], code: str) -> str | None:
    """What the exercise says under this code, or under the one that its variants share."""
    codes = (code, code.removesuffix(".whole"), stable(code))
    return next((sentences[known] for known in codes if known in sentences), None)


def _of_rows(told: _Told) -> Finding:
    """The wrong rows of a table in its first failing case: how many, and the first of them."""
    c = told.first
    names = list(dict.fromkeys(d.name for d in told.differences))
    template = "HIDDEN.WRONG.rows" if c.secret else "WRONG.rows"
    message = say(template, wrong=len(names), total=len(c.expected))
    lines = []
    for name in [] if c.secret else names[:_SHOWN_ROWS]:
        expected, received = shown_apart(c.expected[name], c.observation.values[name])
        lines.append(f"{name}: expected {expected}, received {received}")
    return finding("WRONG.value", message, c, lines)
