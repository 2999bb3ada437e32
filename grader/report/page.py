"""The report as one HTML file that opens offline: no script, nothing fetched, two themes."""

from __future__ import annotations

import html
from collections.abc import Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from grader.report import charts, style
from grader.report.counted import Figures, Kind, Learner, Made, State

_MARKS = {
    "right": ("✓", "right"),
    "partly": ("◐", "partly right"),
    "wrong": ("✗", "wrong"),
    "not attempted": ("○", "not attempted"),
    "could not check": ("?", "could not be checked"),
}

_OTHERS = {
    Kind.SIGN: "What the values show",
    Kind.ERROR: "Errors raised",
    Kind.EFFECT: "Side effects",
    Kind.UNANSWERED: "Not answered",
}
"""The headings under which findings that are no named mistakes stand."""


def page(figures: Figures) -> str:
    """The page. Give it `figures.anonymous()` for one without names."""
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            figures=figures,
            outcomes=charts.outcomes(figures),
            scores=charts.scores(figures),
            titles={one.id: one.title for one in figures.exercises},
            others=[
                (title, _of(figures, kind)) for kind, title in _OTHERS.items() if _of(figures, kind)
            ],
            states=[
                (state, figures.of_state(state))
                for state in (State.WAITING, State.UNREAD, State.MISSING)
                if figures.of_state(state)
            ],
            unwalled=[one for one in figures.learners if one.isolation == "none"],
            marks=_MARKS,
            states_of=State,
            rules=Markup(style.page_theme() + style.chart_rules()),
        )
    )


def _of(figures: Figures, kind: Kind) -> tuple[Made, ...]:
    return tuple(made for made in figures.made if made.kind is kind)


@cache
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("grader.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"prose": prose, "who": _who, "listed": _listed, "hours": _hours}
    return found


def prose(text: str) -> Markup:
    """A sentence with `code` between backticks set as code, and the rest escaped."""
    pieces = html.escape(text).split("`")
    return Markup(
        "".join(f"<code>{piece}</code>" if i % 2 else piece for i, piece in enumerate(pieces))
    )


def _who(learner: Learner) -> str:
    """A learner as a teacher knows them."""
    return f"{learner.name} ({learner.full_name})" if learner.full_name else learner.name


def _listed(learners: Sequence[Learner]) -> str:
    return ", ".join(map(_who, learners))


def _hours(seconds: float) -> str:
    """How late, in the unit in which one says it."""
    hours = seconds / 3600
    if hours < 1:
        return f"{max(1, round(seconds / 60))} min"
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} days"
