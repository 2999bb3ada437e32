"""LaTeX formulas as MathML, which a browser draws by itself: no script, nothing to fetch."""

from __future__ import annotations

import functools
import html
import re
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert_to_element

from grader.judge.pages.safe_html import words

_LONGEST = 4000
_TAGS = words(
    "math mrow mi mn mo mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover "
    "mtable mtr mtd mstyle mpadded mphantom menclose mmultiscripts mprescripts"
)
_ATTRIBUTES = words(
    "accent accentunder align columnalign columnlines columnspacing depth display displaystyle "
    "fence form height largeop linethickness lspace mathcolor mathvariant maxsize minsize "
    "movablelimits notation rowlines rowspacing rspace scriptlevel separator stretchy symmetric "
    "voffset width"
)
# A word, or a number of at most two digits: no space that throws a formula across the page.
_VALUE = r"(?:[A-Za-z#][\w#-]{0,30}|[+-]?\d{0,2}(?:\.\d{1,4})?(?:em|ex|mu|pt|px|%)?)"
_VALUES = re.compile(rf"{_VALUE}(?: {_VALUE}){{0,9}}", re.ASCII)
# latex2mathml knows the starred environments, and not the ones that stand inside a formula.
_ENVIRONMENT = re.compile(r"\\(begin|end)\{(?:aligned|split|gathered|align|gather|equation)\*?\}")


@functools.lru_cache(maxsize=2048)
def mathml(latex: str, block: bool) -> str | None:
    """A formula as one <math> element, or None if it cannot be read as one."""
    if len(latex) > _LONGEST:
        return None
    known = _ENVIRONMENT.sub(r"\\\1{align*}", latex)
    try:
        tree = convert_to_element(known, display="block" if block else "inline")
        return _written(tree)
    except Exception:  # latex2mathml raises nearly anything on what is no LaTeX: all mean no
        return None


def _written(element: Element) -> str:
    """An element as HTML: by allowed names alone, with every text escaped.

    latex2mathml's own writer does not escape text, so that \\text{<img ...>} would be live.
    """
    inside = html.escape(html.unescape(element.text or "")) + "".join(map(_written, element))
    if element.tag not in _TAGS:
        return inside
    attributes = "".join(
        f' {name}="{value}"'
        for name, value in element.attrib.items()
        if name in _ATTRIBUTES and _VALUES.fullmatch(value)
    )
    return f"<{element.tag}{attributes}>{inside}</{element.tag}>"
