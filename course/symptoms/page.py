"""The index as a text: what torch says, what a learner sees, the cause, the cure, the section.

It is made of `grader.errors` and of the companion's kinds, and links as lessons do, so that the
workspace and the book each lead to their own pages.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from course.companion.kinds import KINDS, Kind
from course.symptoms.said import LEFT_OUT, said
from grader.errors import EXPLANATIONS, Explanation
from grader.errors.sections import Section
from grader.notebook.texts.cells import slug

_LONGEST_HEADING = 90
_NOTHING_WRONG = {"fine"}
_MARK = re.compile(r"[*\[\]<>\\]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_FIELD = re.compile(r"\{(\w+)\}")
_CODE = re.compile(r"`` (.+?) ``|`(.+?)`")
_TENSOR = "`w`"
"""The tensor whose gradient one asks for."""
_LEFT_OUT = {"off", "owner", "shared"}
_VERBS = {"holds": "holds", "does": "does"}
"""Fields that are a verb, of one optimizer or of several."""
"""Fields that a finding fills with half a sentence, or with nothing."""


@dataclass(frozen=True)
class Entry:
    """One cause: its heading, what torch says at it, what else one sees, and what helps."""

    code: str
    heading: str
    title: str
    meaning: str
    cure: str
    section: Section
    said: tuple[str, ...] = ()
    symptoms: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The heading without Markdown's marks."""
        return _CODE.sub(lambda found: found[1] or found[2], self.heading).replace("\\", "")


def errors() -> list[Entry]:
    """Every error and warning that torch has words for, in the order of its explanations."""
    known = said()
    told: dict[str, Entry] = {}
    for one in EXPLANATIONS:
        if one.code in known:
            entry = _of_torch(one, known[one.code], told)
            told[entry.heading] = entry
    return list(told.values())


def silent() -> list[Entry]:
    """What torch says nothing about: what the companion finds."""
    return [_found(kind) for kind in KINDS.values() if kind.code not in _NOTHING_WRONG]


def by_symptom() -> dict[str, list[Entry]]:
    """The causes of everything that a learner may see, the symptom with the most causes first."""
    found: dict[str, list[Entry]] = {}
    for entry in [*silent(), *errors()]:
        for symptom in entry.symptoms:
            found.setdefault(symptom, []).append(entry)
    return dict(sorted(found.items(), key=lambda one: -len(one[1])))


def text() -> str:
    """The index as Markdown; its links to lessons go by name, as a lesson's own do."""
    warnings = [entry for entry in errors() if "Warning: " in entry.said[0]]
    raised = [entry for entry in errors() if entry not in warnings]
    parts = [_OPENING, "## What you see"]
    for symptom, entries in by_symptom().items():
        name = symptom[0].upper() + symptom[1:] if " " in symptom else symptom
        parts += [f"### {_plain(name)}", _listed(entries)]
    for heading, entries in (
        ("What torch says nothing about", silent()),
        ("Errors, in torch's own words", raised),
        ("Warnings, in torch's own words", warnings),
    ):
        parts.append(f"## {heading}")
        parts += [part for entry in entries for part in _written(entry)]
    return "\n\n".join(parts) + "\n"


_OPENING = """\
# Errors and symptoms

You have an error: search this page for a few words of its last line. You have none, and something
is wrong all the same: begin with what you see. Each entry says the cause and the cure, and leads to
the section of a lesson that explains it. What stands in *italics* differs from program to program.

In a notebook `explain()` says the same of the last error, and reads your variables too; in a
terminal it is `autograd-course explain "the text"`. Where a gradient is missing, zero or nan,
`why_no_grad` looks at your own training step and names the line:

```python
from course import explain, watch, why_no_grad

with watch():
    loss = step(batch)
why_no_grad(net.layer.weight, loss)
```"""


def _of_torch(one: Explanation, texts: Sequence[str], taken: Container[str]) -> Entry:
    heading = _heading(texts[0])
    if one.where:  # words that anybody's error may have
        heading = _plain(one.title)
    elif heading in taken:  # two errors that begin alike
        heading = f"{_plain(one.title)}: {heading}"
    symptoms, section = one.symptoms, one.section
    return Entry(
        one.code, heading, one.title, one.meaning, one.cure, section, tuple(texts), symptoms
    )


def _found(kind: Kind) -> Entry:
    says, cure = _general(kind.says), _general(kind.cure)
    return Entry(kind.code, _plain(kind.title), "", says, cure, kind.section, (), kind.symptoms)


def _heading(text: str) -> str:
    """The beginning of an error's text, as code: what somebody searches for finds it."""
    last = text.removesuffix(f" {LEFT_OUT}").rpartition(f" {LEFT_OUT} ")[2]  # of a worker's error
    words = last.partition(": ")[2]
    first = re.split(r"(?<=[a-z)])\. | \(or |: \[|, (?=which|please|try)", words)[0]
    if len(first) > _LONGEST_HEADING:
        first = first[:_LONGEST_HEADING].rpartition(" ")[0]
    first = first.rstrip(".:, ")
    return _code(first)


def _code(words: str) -> str:
    return f"`` {words} ``" if "`" in words else f"`{words}`"


def _written(entry: Entry) -> Iterator[str]:
    yield f"### {entry.heading}"
    if entry.said:
        yield "\n\n".join(map(_code, entry.said))
    lead = f"**{_plain(entry.title)}.** " if entry.title else ""
    meaning = entry.meaning if entry.said == () else _plain(entry.meaning)
    cure = entry.cure if entry.said == () else _plain(entry.cure)
    yield f"{lead}{meaning}"
    yield f"**Cure.** {cure}"
    yield f"More: {_link(entry.section)}"


def _listed(entries: Sequence[Entry]) -> str:
    return "\n".join(
        f"- [{entry.heading}](#cell-id={slug(entry.heading)})"
        + (f": {entry.title}" if entry.title else f": {entry.meaning}")
        for entry in entries
    )


def _link(section: Section) -> str:
    heading = section.heading
    anchor = re.sub(r"[()]", "", heading).replace(" ", "-")  # a bracket would end the link
    target = f"lesson:{section.lesson}" + (f"#{anchor}" if anchor else "")
    return f"[{_plain(heading or section.title)}]({target})"


def _general(template: str) -> str:
    """A finding's sentence with the names of its fields in the place of what they hold."""
    parts = _FIELD.split(template)
    told = [_plain(part) if place % 2 == 0 else _field(part) for place, part in enumerate(parts)]
    sentence = "".join(told)
    return sentence[:1].upper() + sentence[1:] if template[:1].isupper() else sentence


def _field(name: str) -> str:
    if name in _LEFT_OUT:
        return ""
    if name in _VERBS:
        return _VERBS[name]
    return _TENSOR if name == "name" else f"*{name.replace('_', ' ')}*"


def _plain(words: str) -> str:
    """Words in which Markdown finds no mark but code in backticks."""
    pieces = words.split("`")
    return "`".join(
        piece if place % 2 else _MARK.sub(r"\\\g<0>", piece) for place, piece in enumerate(pieces)
    )
