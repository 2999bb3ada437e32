"""A finding and a report of them, as text and as HTML."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from course.companion.kinds import KINDS, Kind
from course.companion.kinds.kind import ARRIVES
from course.companion.places import Place
from grader.errors.shown import LIKELY, SURE, box, code, link, paragraph


@dataclass(frozen=True)
class Finding:
    """One thing found: certain or a candidate, with file and line where one is known."""

    kind: Kind
    sentence: str
    cure: str
    sure: bool = True
    place: Place | None = None
    tensor: str = ""
    """The name of the tensor that it is about."""

    @property
    def code(self) -> str:
        """Its kind's stable code."""
        return self.kind.code

    def __str__(self) -> str:
        lines = [("" if self.sure else "Probably: ") + self.sentence]
        if self.place is not None:
            text = self.place.text
            lines.append(f"  {self.place}" + (f":  {text}" if text else ""))
        lines += ["  " + ("" if self.kind.is_remark else "Cure: ") + self.cure]
        lines += [f"  More: {self.kind.section}"]
        return "\n".join(lines)


@dataclass(frozen=True)
class Report:
    """What was found, the certain first, and what could not be seen."""

    about: str
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = field(default=())
    """Sentences about what was not looked at, or not seen."""

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the findings, in order."""
        return tuple(finding.code for finding in self.findings)

    def __str__(self) -> str:
        parts = [self.about] if self.about else []
        parts += [str(finding) for finding in self.findings]
        parts += [f"Note: {note}" for note in self.notes]
        return "\n".join(parts)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        blocks = [_page(one) for one in self.findings]
        return box(self.about, blocks, self.notes)


_NAN = ("nan_given", "nan_loss", "nan_weights")
_FOLLOWS = {"loss_without_graph", "loss_is_leaf", "emptied", "frozen_batchnorm", *_NAN, *ARRIVES}
"""Kinds that often follow from another that was found too."""
_UNKNOWN_TO_MODELS = {"in_a_list", "in_an_object", "plain_tensor"}
"""What `parameters()` leaves out, and with it an optimizer that was made of them."""
_EMPTIED_TOO_EARLY = {"emptied_before_step", "emptied_unused"}
"""What says of an emptied gradient that this was wrong."""
_TOLD_BESIDE = {"step_on_nothing", "no_backward", "emptied", "loss_without_graph", *ARRIVES}
"""What explains no step without a gradient; anything else does."""


def found(
    kind_code: str,
    *,
    sure: bool = True,
    place: Place | None = None,
    tensor: str = "",
    **words: Any,
) -> Finding:
    """A finding of a kind, its templates filled in; `tensor` is `{name}`."""
    kind = KINDS[kind_code]
    words = {"name": tensor, **words}
    return Finding(kind, _filled(kind.says, words), _filled(kind.cure, words), sure, place, tensor)


def ordered(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Each once, the certain ones first, and causes before what follows from them."""
    codes = {one.code for one in findings}
    follows = _FOLLOWS | ({"not_in_optimizer"} if codes & _UNKNOWN_TO_MODELS else set())
    dropped = {"emptied"} if codes & _EMPTIED_TOO_EARLY else set()
    if codes - _TOLD_BESIDE:
        dropped = dropped | {"step_on_nothing"}
    if "term_cut" in codes:
        follows = follows | {"zero_part"}
    if "unemptied" in codes:
        dropped = dropped | {"added_to_old"}  # it names the loop to which the sum belongs
    if "swapped" in codes:
        dropped = dropped | {"cut_off", "cut_detach"}  # meant for the other model
    places = {one.place for one in findings if one.code != "term_cut"}
    findings = [one for one in findings if one.code != "term_cut" or one.place not in places]
    once = {(one.code, one.place, one.sentence): one for one in findings if one.code not in dropped}
    return tuple(sorted(once.values(), key=lambda one: (not one.sure, one.code in follows)))


def counted(count: int, word: str) -> str:
    """`1 parameter`, `1,024 parameters`."""
    return f"{count:,} {word}" + "s" * (count != 1)


def _page(finding: Finding) -> str:
    blocks = [paragraph("" if finding.sure else "Probably", finding.sentence)]
    if finding.place is not None:
        place = html.escape(str(finding.place))
        blocks.append(f"<p>{place}: {code(finding.place.text)}</p>")
    blocks += [paragraph("" if finding.kind.is_remark else "Cure", finding.cure)]
    blocks += [link(finding.kind.section)]
    return box("", blocks, hue=SURE if finding.sure else LIKELY)


def _filled(template: str, words: dict[str, Any]) -> str:
    text = template.format(**words)
    return text[:1].upper() + text[1:] if template.startswith("{count}") else text
