"""Makes an SVG harmless: what is left can neither run, fetch, nor keep a browser busy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError, tostring

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

_SVG = "{http://www.w3.org/2000/svg}"
_HREFS = ("href", "{http://www.w3.org/1999/xlink}href")
_LONGEST = 1024 * 1024
_MOST_ELEMENTS = 20_000
_DEEPEST = 64  # elements in elements, and references to references
_MOST_WORK = 5_000_000  # characters that a browser draws, once every reference is followed
_LAYER = 500  # what it costs to draw something half transparent
_LARGEST = 100_000.0  # the largest number in an attribute


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SHAPES = _words("path rect circle ellipse line polyline polygon")
_TAGS = _SHAPES | _words(
    "svg g a defs symbol use text tspan title desc clipPath linearGradient radialGradient stop "
    "pattern image style"
)
_PRESENTATION = _words(
    "alignment-baseline baseline-shift clip-path clip-rule color display dominant-baseline fill "
    "fill-opacity fill-rule font-family font-size font-style font-weight letter-spacing opacity "
    "paint-order shape-rendering stop-color stop-opacity stroke stroke-dasharray stroke-dashoffset "
    "stroke-linecap stroke-linejoin stroke-miterlimit stroke-opacity stroke-width text-anchor "
    "text-decoration vector-effect visibility white-space"
)
_ATTRIBUTES = _PRESENTATION | _words(
    "class clipPathUnits cx cy d dx dy fx fy gradientTransform gradientUnits height id offset "
    "patternContentUnits patternTransform patternUnits points preserveAspectRatio r rotate rx ry "
    "spreadMethod transform version viewBox width x x1 x2 y y1 y2"
)
_GEOMETRY = ("cx", "cy", "d", "height", "points", "r", "rx", "ry", "width", "x1", "x2", "y1", "y2")
_REFERENCE = re.compile(r"""url\(\s*["']?#([\w.:-]+)["']?\s*\)""")
# No escape, and no function but colours, places and a reference inside the picture.
_VALUE = re.compile(
    r"""(?:url\(\s*["']?\#[\w.:-]+["']?\s*\)|"""
    r"(?:rgba?|hsla?|matrix|translate|scale|rotate|skewX|skewY)\([\w\s.,%+-]*\)|"
    r"""[\w\s.,#%+"'-])*+"""
)
_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?P<unit>%|[a-z]{2})?")
_NO_NUMBERS = {"class", "color", "fill", "id", "stop-color", "stroke"}
_RULE = re.compile(r"([\w\s.,#*>:-]*)\{([^{}]*)\}")
_LONGEST_SHEET = 20_000


class _Refused(Exception):
    """Too much to draw, or a picture that refers to itself."""


Gate = Callable[[str], str | None]
"""The data: address of a bitmap as it is shown, or None for any other address."""


def drawing(text: str, bitmap: Gate) -> str | None:
    """The SVG with nothing in it but shapes, text and bitmaps, or None if it is not to be shown.

    What is given back comes back unchanged when it is given in once more. The time is linear in
    the text.
    """
    if len(text) > _LONGEST or "<!ENTITY" in text.upper():
        return None
    try:
        root = fromstring(text.encode(errors="replace"), forbid_dtd=False)
        kept = _kept(root, 0, _Count(), bitmap)
        if kept is None or kept.tag != "svg":
            return None
        _Work(kept).check()
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError, _Refused):
        return None
    kept.set("xmlns", _SVG.strip("{}"))
    return tostring(kept, encoding="unicode")


class _Count:
    """The elements of one picture."""

    def __init__(self) -> None:
        self.elements = 0

    def one_more(self, depth: int) -> None:
        self.elements += 1
        if self.elements > _MOST_ELEMENTS or depth > _DEEPEST:
            raise _Refused


def _kept(element: Any, depth: int, count: _Count, bitmap: Gate) -> Element | None:
    """A copy by allowed names alone."""
    tag = element.tag.removeprefix(_SVG) if isinstance(element.tag, str) else ""
    count.one_more(depth)
    if tag not in _TAGS:
        return None
    made = Element("g" if tag == "a" else tag)
    for name, value in element.items():
        if name in _ATTRIBUTES and _is_harmless(name, value):
            made.set(name, value)
    if style := _declarations(element.get("style", "")):
        made.set("style", style)
    if tag in ("use", "image") and not _refer(made, element, bitmap):
        return None
    if tag == "style":
        made.text = _sheet(element.text or "")
        return made
    made.text = element.text
    for inside in element:
        copy = _kept(inside, depth + 1, count, bitmap)
        if copy is not None:
            copy.tail = inside.tail
            made.append(copy)
    return made


def _refer(made: Element, element: Any, bitmap: Gate) -> bool:
    """Let a copy point to what the picture holds itself; whether there was anything."""
    address = next((element.get(name) for name in _HREFS if element.get(name)), "")
    is_inside = re.fullmatch(r"#[\w.:-]+", address) is not None
    kept = address if is_inside and made.tag == "use" else bitmap(address)
    if kept is None or (made.tag == "use" and not is_inside):
        return False
    made.set("href", kept)
    return True


def _is_harmless(name: str, value: str) -> bool:
    if not _VALUE.fullmatch(value):
        return False
    if name in _NO_NUMBERS:
        return True
    if name == "stroke-dasharray" and any(0 < number < 0.5 for number in _numbers(value)):
        return False
    return all(number <= _LARGEST for number in _numbers(value))


def _numbers(value: str) -> Iterator[float]:
    """The numbers in a value, without their signs; a unit makes one as large as it can be.

    The digits in the name of what a value refers to are none.
    """
    for found in _NUMBER.finditer(_REFERENCE.sub("", value)):
        unit = found["unit"] or ""
        number = float(found[0].removesuffix(unit))
        yield number * (1.0 if unit in ("", "px") else 200.0 if unit == "%" else 4.0)


def _declarations(style: str) -> str:
    kept = []
    for declaration in style.split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if name in _PRESENTATION and value and _is_harmless(name, value):
            kept.append(f"{name}: {value}")
    return "; ".join(kept)


def _sheet(text: str) -> str:
    """A style sheet's plain rules; one with anything else in it is not kept at all."""
    if len(text) > _LONGEST_SHEET or _RULE.sub("", text).strip():
        return ""
    rules = ((match[1].strip(), _declarations(match[2])) for match in _RULE.finditer(text))
    kept = [f"{selector} {{{inside}}}" for selector, inside in rules if inside]
    return "" if any("url(" in rule for rule in kept) else "\n".join(kept)


class _Work:
    """What a browser has to draw, in characters of the picture, with every reference followed."""

    def __init__(self, root: Element) -> None:
        self._root = root
        self._named = {element.get("id", ""): element for element in root.iter()}
        self._known: dict[tuple[int, bool], float] = {}
        self._open: set[int] = set()
        self._sheets = "".join(element.text or "" for element in root.iter("style"))
        self._period = min(self._periods(), default=1.0)

    def check(self) -> None:
        """Raise _Refused if it is too much."""
        elements = sum(1 for _ in self._root.iter())
        layers = _LAYER * elements if "opacity" in self._sheets else 0
        matching = len(self._sheets) * elements / 10
        dashed = "stroke-dasharray" in self._sheets
        if layers + matching + self._of(self._root, dashed, 0) > _MOST_WORK:
            raise _Refused

    def _of(self, element: Element, dashed: bool, depth: int) -> float:
        dashed = dashed or _has(element, "stroke-dasharray")
        key = (id(element), dashed)
        if key in self._known:
            return self._known[key]
        if id(element) in self._open or depth > 2 * _DEEPEST:
            raise _Refused
        self._open.add(id(element))
        work = self._alone(element, dashed)
        for inside in (*element, *self._referred(element)):
            work += self._of(inside, dashed, depth + 1)
            if work > _MOST_WORK:
                raise _Refused
        self._open.discard(id(element))
        self._known[key] = work
        return work

    def _alone(self, element: Element, dashed: bool) -> float:
        """One element without what is in it."""
        work = 40.0 + sum(len(value) for value in element.attrib.values())
        work += 20 * len(element.text or "") + 20 * len(element.tail or "")
        if _has(element, "opacity"):
            work += _LAYER
        if element.tag in ("image", "pattern"):
            work += 10_000
        if dashed and element.tag in _SHAPES:  # no shape is longer than its numbers make it
            numbers = (n for name in _GEOMETRY for n in _numbers(element.get(name, "")))
            work += 7 * sum(numbers) / self._period
        return work

    def _referred(self, element: Element) -> Iterator[Element]:
        names = [name for value in element.attrib.values() for name in _REFERENCE.findall(value)]
        if element.tag == "use":
            names.append(element.get("href", "").removeprefix("#"))
        yield from (self._named[name] for name in names if name in self._named)

    def _periods(self) -> Iterator[float]:
        """How far apart dashes begin, for every pattern of dashes in the picture."""
        values = [self._sheets, *(element.get("style", "") for element in self._root.iter())]
        found = re.findall(r"stroke-dasharray: ([^;}]*)", "; ".join(values))
        found += [element.get("stroke-dasharray", "") for element in self._root.iter()]
        for value in found:
            total = sum(_numbers(value))
            if total:
                yield total


def _has(element: Element, name: str) -> bool:
    return name in element.attrib or f"{name}: " in element.get("style", "")
