"""Makes HTML that a learner wrote inert: what a page may hold of it, and nothing else.

Nothing that is left can run, ask a machine for anything, or reach out of its place on the page.
nh3 parses and filters (bleach, which nbconvert brings along, is no longer developed).
"""

from __future__ import annotations

import html
import re
from collections import Counter
from typing import Any

import nh3
from pygments.token import STANDARD_TYPES

from grader.judge.intake.pictures import picture_in


def words(text: str) -> frozenset[str]:
    """A set of names, written as one text."""
    return frozenset(text.split())


_TAGS = words(
    "a abbr b blockquote br caption code col colgroup dd del details div dl dt em figcaption "
    "figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp small span strong sub "
    "summary sup table tbody td tfoot th thead tr tt u ul var"
)
_ATTRIBUTES = {
    "*": {"class", "dir", "lang", "style", "title"},
    "a": {"href"},
    "col": {"span"},
    "colgroup": {"span"},
    "details": {"open"},
    "img": {"alt", "height", "src", "width"},
    "ol": {"start"},
    "table": {"border"},
    "td": {"align", "colspan", "rowspan", "valign"},
    "th": {"align", "colspan", "rowspan", "scope", "valign"},
}
_NUMBERS = {"border", "colspan", "height", "rowspan", "span", "start", "width"}
_STYLES = words(
    "background-color border border-bottom border-collapse border-color border-left border-radius "
    "border-right border-style border-top border-width color font-family font-size font-style "
    "font-weight height line-height list-style-type margin margin-bottom margin-left margin-right "
    "margin-top max-height max-width overflow-wrap padding padding-bottom padding-left "
    "padding-right padding-top text-align text-decoration vertical-align white-space width "
    "word-break"
)
# No escapes, no functions but colours, no negative lengths, which lay a thing over its neighbours.
_HARMLESS_STYLE = re.compile(
    r"""(?:[\w\s.,:;#%!"'/+]|-(?![\d.\s])|\b(?:rgb|rgba|hsl|hsla)\([\d\s.,%/]*\))*""", re.ASCII
)
_LINK = re.compile(r"https?://[^/\s]|mailto:", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,4}%?")
_FORMULA = re.compile(r"formula-\d{1,3}")
_CLASSES = {"dataframe", "highlight", *filter(None, STANDARD_TYPES.values())}

_VERDICT = {"class": {"autograd-verdict"}, "role": {"status"}}
"""What a verdict of the grader has on it and a learner's HTML may not: it says who speaks."""

_DEEPEST = 200  # tags inside tags; parsing takes time that grows with the square of it
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_CLOSE_THEMSELVES = words(
    "area base br col dd dt embed hr img input li link meta option p param source td tfoot th "
    "thead tbody tr track wbr"
)


def learners_html(text: str, *, links: bool = False) -> str:
    """HTML of a learner's, inert. Without `links` the text of a link stays and its address goes."""
    return _cleaned(text, _WITH_LINKS if links else _WITHOUT_LINKS)


def graders_html(text: str) -> str:
    """The same for what may be a verdict of the grader, whose own marks stay on it."""
    return _cleaned(text, _VERDICTS)


def picture_tag(mime: str, base64: str, alt: str) -> str:
    """An <img> that holds its picture."""
    return f'<img src="data:{mime};base64,{base64}" alt="{html.escape(alt)}">'


def as_text(text: str) -> str:
    """Text as it stands, for what is too large or too deep to be drawn."""
    return f"<pre>{html.escape(text)}</pre>"


def _cleaned(text: str, cleaner: nh3.Cleaner) -> str:
    if _depth(text) > _DEEPEST:
        return as_text(text)
    return cleaner.clean(text)


def _depth(text: str) -> int:
    """How deep tags are nested, at most."""
    if text.count("<") <= _DEEPEST:
        return 0
    still_open: Counter[str] = Counter()
    depth = deepest = 0
    for closing, name in _TAG.findall(text):
        tag = name.lower()
        if tag in _CLOSE_THEMSELVES:
            continue
        if not closing:
            still_open[tag] += 1
            depth += 1
            deepest = max(deepest, depth)
        elif still_open[tag]:
            still_open[tag] -= 1
            depth -= 1
    return deepest


def _attribute(tag: str, name: str, value: str) -> str | None:
    """The value that an allowed attribute keeps, or None to drop it."""
    if name == "class":
        kept = [word for word in value.split() if word in _CLASSES or _FORMULA.fullmatch(word)]
        return " ".join(kept) or None
    if name in _NUMBERS:
        return value if _NUMBER.fullmatch(value) else None
    if name == "src":
        return picture_in(value)
    allowed = {"style": _HARMLESS_STYLE.fullmatch, "href": _LINK.match}
    return value if name not in allowed or allowed[name](value) else None


def _attribute_of_verdict(tag: str, name: str, value: str) -> str | None:
    if name in _VERDICT and value in _VERDICT[name]:
        return value
    return value if name == "data-outcome" else _attribute(tag, name, value)


def _cleaner(*, links: bool = False, verdicts: bool = False) -> nh3.Cleaner:
    attributes: dict[str, Any] = {tag: set(names) for tag, names in _ATTRIBUTES.items()}
    if not links:
        del attributes["a"]
    if verdicts:
        attributes["div"] = {"data-outcome", "role"}
    return nh3.Cleaner(
        tags=set(_TAGS),
        # What stands inside these is no text; nh3 keeps the text of any other tag it drops.
        clean_content_tags={"script", "style", "title", "template", "svg", "math", "iframe"},
        attributes=attributes,
        attribute_filter=_attribute_of_verdict if verdicts else _attribute,
        filter_style_properties=set(_STYLES),
        url_schemes={"data", "http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )


_WITH_LINKS, _WITHOUT_LINKS = _cleaner(links=True), _cleaner()
_VERDICTS = _cleaner(verdicts=True)
