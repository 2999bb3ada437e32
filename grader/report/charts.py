"""The charts of one assignment, as SVG that reads at any width and in either theme.

Widths are percentages and texts are never scaled, so that nothing shrinks on a phone. What a colour
says, a pattern and a number say too.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grader.report import style
from grader.report.counted import ExerciseFigures, Figures, Made

_ROW, _BAR = 58, 26
_DIGIT_PERCENT = 2.5
"""What a digit takes of the width on a phone: a number without room stands in the table only."""

_PARTS = (
    ("right", "right", "right"),
    ("partly", "partly right", "partly"),
    ("wrong", "wrong", "wrong"),
    ("could_not_check", "could not be checked", "unchecked"),
    ("not_attempted", "not attempted", "untouched"),
)

_LEGEND = ((0, 2), (33, 2), (66, 2), (0, 26), (50, 26))
"""Where each stands in the legend: percent of the width, and pixels from above."""
_LEGEND_HEIGHT = 52

_PATTERNS = {
    "partly": '<path d="M0 8 L8 0" class="partly-lines"/>',
    "wrong": '<path d="M0 0 L8 8 M0 8 L8 0" class="wrong-lines"/>',
    "unchecked": '<path d="M4 0 V8" class="unchecked-lines"/>',
}


@dataclass(frozen=True)
class Chart:
    """A chart, and in one sentence what it shows: its text alternative."""

    svg: str
    sentence: str

    def _repr_html_(self) -> str:
        rules = style.lab_theme() + style.chart_rules()
        return (
            f'<div class="autograd-desk" style="background:var(--card);color:var(--ink);'
            f'padding:12px;max-width:52em"><style>{rules}</style>{self.svg}'
            f'<details style="margin:8px 0 0"><summary>In words</summary>'
            f"{html.escape(self.sentence)}</details></div>"
        )


def outcomes(figures: Figures) -> Chart:
    """How each exercise went: a bar of its learners, by outcome."""
    rows = figures.exercises
    drawn = [_legend()]
    for number, exercise in enumerate(rows):
        drawn += _outcome_bar(exercise, _LEGEND_HEIGHT + _ROW * number + 24)
    sentence = "; ".join(_outcome_words(exercise) for exercise in rows)
    return _chart(drawn, _LEGEND_HEIGHT + _ROW * len(rows), f"By exercise: {sentence}.")


def mistakes(figures: Figures, most: int = 12) -> Chart:
    """How many made each named mistake, the most frequent first."""
    rows = figures.mistakes[:most]
    if not rows:
        return _chart([], 0, "Nobody made a mistake that has a name.")
    widest = max(made.count for made in rows)
    drawn = [
        part for number, made in enumerate(rows) for part in _count(made, widest, _ROW * number)
    ]
    words = "; ".join(f"{made.code} by {_learners(made.count)}" for made in rows)
    left = len(figures.mistakes) - len(rows)
    rest = f"; and {left} more" if left else ""
    return _chart(drawn, _ROW * len(rows), f"Named mistakes: {words}{rest}.")


def scores(figures: Figures) -> Chart:
    """How many learners reached each tenth of the points, late penalties taken off."""
    counts = [0] * 10
    for learner in figures.graded:
        share = learner.final / figures.points if figures.points else 0.0
        counts[min(9, max(0, int(share * 10 + 1e-9)))] += 1
    tallest, height = max(counts) or 1, 120
    drawn = []
    for tenth, count in enumerate(counts):
        tall = height * count / tallest
        if count:
            drawn += [
                f'<rect class="right" x="{tenth * 10 + 0.8:g}%" y="{24 + height - tall:.1f}" '
                f'width="8.4%" height="{tall:.1f}"/>',
                f'<text class="number" text-anchor="middle" x="{tenth * 10 + 5}%" '
                f'y="{18 + height - tall:.1f}">{count}</text>',
            ]
    base = height + 24
    drawn.append(f'<line class="axis" x1="0" x2="100%" y1="{base}" y2="{base}"/>')
    for percent in (0, 20, 40, 60, 80, 100):
        anchor = {0: "start", 100: "end"}.get(percent, "middle")
        drawn.append(
            f'<text class="muted" text-anchor="{anchor}" x="{percent}%" y="{base + 18}">'
            f"{percent} %</text>"
        )
    words = "; ".join(
        f"{_learners(count)} from {10 * tenth} to {10 * tenth + 10} %"
        for tenth, count in enumerate(counts)
        if count
    )
    return _chart(drawn, base + 24, f"Share of the points: {words or 'nobody was graded'}.")


def _chart(drawn: Sequence[str], height: int, sentence: str) -> Chart:
    patterns = "".join(
        f'<pattern id="autograd-desk-{name}" width="8" height="8" patternUnits="userSpaceOnUse">'
        f"{lines}</pattern>"
        for name, lines in _PATTERNS.items()
    )
    alt = html.escape(sentence, quote=True)
    body = f"<defs>{patterns}</defs>{''.join(drawn)}"
    return Chart(
        f'<svg role="img" aria-label="{alt}" width="100%" height="{height}">{body}</svg>', sentence
    )


def _legend() -> str:
    """What the looks of a bar's parts mean, in two lines, so that it fits beside a thumb."""
    drawn = []
    for (_, words, look), (left, top) in zip(_PARTS, _LEGEND, strict=True):
        box = f'y="{top}" width="16" height="16"'
        inner = f'<rect class="{look}" x="{left}%" {box}/>'
        if look in _PATTERNS:
            inner += f'<rect fill="url(#autograd-desk-{look})" x="{left}%" {box}/>'
        drawn.append(f'{inner}<text x="{left}%" dx="24" y="{top + 13}">{words}</text>')
    return "".join(drawn)


def _outcome_bar(exercise: ExerciseFigures, top: int) -> Iterator[str]:
    yield f'<text x="0" y="{top - 8}">{html.escape(exercise.title)}</text>'
    yield (
        f'<text class="muted" text-anchor="end" x="100%" y="{top - 8}">'
        f"mean {100 * exercise.mean_credit:.0f} %</text>"
    )
    left = 0.0
    for name, _, look in _PARTS:
        count = getattr(exercise, name)
        wide = 100 * count / exercise.judged
        if count:
            yield from _part(look, left, wide, top, count)
        left += wide


def _part(look: str, left: float, wide: float, top: int, count: int) -> Iterator[str]:
    place = f'x="{left:.3f}%" y="{top}" width="{wide:.3f}%" height="{_BAR}"'
    yield f'<rect class="{look}" {place}/>'
    if look in _PATTERNS:
        yield f'<rect fill="url(#autograd-desk-{look})" {place}/>'
    if wide >= _DIGIT_PERCENT * len(str(count)):
        yield (
            f'<text class="number on-{look}" text-anchor="middle" x="{left + wide / 2:.3f}%" '
            f'y="{top + _BAR / 2 + 5:g}">{count}</text>'
        )


def _count(made: Made, widest: int, top: int) -> Iterator[str]:
    # The number stands right of the bar, for which the last tenth is kept free.
    wide = 90 * made.count / widest
    yield f'<text x="0" y="{top + 16}">{html.escape(made.code)}</text>'
    yield f'<rect class="wrong" x="0" y="{top + 24}" width="{wide:.3f}%" height="{_BAR}"/>'
    yield (
        f'<text class="number" x="{wide + 1.5:.3f}%" y="{top + 24 + _BAR / 2 + 5:g}">'
        f"{made.count}</text>"
    )


def _outcome_words(exercise: ExerciseFigures) -> str:
    told = [
        f"{getattr(exercise, name)} {words}" for name, words, _ in _PARTS if getattr(exercise, name)
    ]
    return f"{exercise.title}, of {exercise.judged}: {', '.join(told)}"


def _learners(count: int) -> str:
    return "1 learner" if count == 1 else f"{count} learners"
