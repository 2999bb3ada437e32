"""How every picture of the course looks: colours, sizes, one style sheet, one matplotlib style.

Hues are those of Okabe and Ito, which colour-blind readers can tell apart. Each hue gives a fill
(a tint of the card) and a stroke (darkened or lightened until it stands 3 : 1 against the card), so
that text on any shape keeps 4.5 : 1 in the light and in the dark theme.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

HUES: Mapping[str, str] = {
    "leaf": "#009E73",
    "constant": "#7F7F7F",
    "tensor": "#56B4E9",
    "accumulate": "#E69F00",
    "gradient": "#D55E00",
    "saved": "#CC79A7",
    "storage": "#0072B2",
}

TEXT_CONTRAST = 4.5
SHAPE_CONTRAST = 3.0

FONT_SIZE = 13
SMALL_FONT_SIZE = 12
LINE_HEIGHT = 18
THIN = 1.25
MEDIUM = 2.0
THICK = 3.5
RADIUS = 8
CODE_FONT = "Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"
TEXT_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', Arial, sans-serif"
MOTION_MS = 180


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    """Relative luminance in [0, 1], as WCAG 2 defines it."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (channel / 255 for channel in _channels(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours ``#rrggbb`` in [1, 21], as WCAG 2 defines it."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def mix(colour: str, other: str, share: float) -> str:
    """``share`` of ``colour``, the rest ``other``; channels mixed linearly in sRGB."""
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(share * a + (1 - share) * b):02X}" for a, b in pairs)


def readable(colour: str, card: str, ratio: float) -> str:
    """``colour`` moved away from ``card`` by no more than reaching the contrast ``ratio`` needs."""
    towards = "#000000" if _luminance(card) > 0.18 else "#FFFFFF"
    shades = (mix(colour, towards, 1 - step / 50) for step in range(51))
    return next(shade for shade in shades if contrast(shade, card) >= ratio)


@dataclass(frozen=True)
class Palette:
    """The colours of one theme: the card, what is written on it, a fill and a stroke per hue."""

    card: str
    ink: str
    muted: str
    line: str
    hairline: str
    fill: Mapping[str, str]
    stroke: Mapping[str, str]

    def variables(self) -> dict[str, str]:
        """Every colour under the name that style sheets use for it."""
        flat = {name: getattr(self, name) for name in ("card", "ink", "muted", "line", "hairline")}
        for hue in HUES:
            flat[f"{hue}_fill"], flat[f"{hue}_stroke"] = self.fill[hue], self.stroke[hue]
        return flat


def _palette(card: str, ink: str, muted: str, line: str, hairline: str, tint: float) -> Palette:
    return Palette(
        card,
        ink,
        muted,
        line,
        hairline,
        fill={hue: mix(colour, card, tint) for hue, colour in HUES.items()},
        stroke={hue: readable(colour, card, SHAPE_CONTRAST) for hue, colour in HUES.items()},
    )


LIGHT = _palette("#FFFFFF", "#1A1A1A", "#565656", "#444444", "#C8C8C8", tint=0.16)
DARK = _palette("#181818", "#F2F2F2", "#BDBDBD", "#BBBBBB", "#4A4A4A", tint=0.24)

_RULES = """
text {{ font-family: {code_font}; font-size: {size}px; fill: {ink}; }}
text.small {{ font-size: {small}px; }}
text.words {{ font-family: {text_font}; font-size: {small}px; }}
text.sentence {{ font-family: {text_font}; }}
text.strong {{ font-weight: 600; }}
text.muted {{ fill: {muted}; }}
.shape {{ stroke-width: {medium}; }}
.leaf {{ fill: {leaf_fill}; stroke: {leaf_stroke}; }}
.constant {{ fill: {constant_fill}; stroke: {constant_stroke}; stroke-width: {thin}; }}
.tensor {{ fill: {tensor_fill}; stroke: {tensor_stroke}; }}
.node {{ fill: {card}; stroke: {ink}; stroke-width: {thin}; }}
.accumulate {{ fill: {accumulate_fill}; stroke: {accumulate_stroke}; }}
.saved {{ fill: {saved_fill}; stroke: {saved_stroke}; stroke-width: {thin}; }}
.freed {{ fill: {card}; stroke: {saved_stroke}; stroke-width: {thin}; stroke-dasharray: 4 3; }}
.read {{ stroke-width: {thick}; }}
.strike {{ stroke: {ink}; stroke-width: {thin}; }}
.storage {{ fill: {storage_fill}; stroke: {storage_stroke}; }}
.cut {{ fill: none; stroke: {ink}; stroke-width: {thick}; }}
.forward {{ fill: none; stroke: {line}; stroke-width: {thin}; }}
.forward-head {{ fill: {line}; stroke: none; }}
.pointer {{ fill: none; stroke: {hairline}; stroke-width: {thin}; }}
.pointer-head {{ fill: {hairline}; stroke: none; }}
.gradient {{ fill: none; stroke: {gradient_stroke}; stroke-width: {medium}; }}
.gradient-now {{ stroke-width: {thick}; }}
.gradient-head {{ fill: {gradient_stroke}; stroke: none; }}
.label {{ fill: {card}; stroke: {gradient_stroke}; stroke-width: {thin}; }}
.label-now {{ fill: {gradient_fill}; stroke-width: {medium}; }}
.halo {{ fill: none; stroke: {gradient_stroke}; stroke-width: {medium}; }}
.halo-forward {{ fill: none; stroke: {line}; stroke-width: {medium}; }}
.later {{ fill: {card}; stroke: {hairline}; stroke-width: {thin}; stroke-dasharray: 2 4; }}
.later-edge {{ fill: none; stroke: {hairline}; stroke-width: {thin}; stroke-dasharray: 2 4; }}
.card {{ fill: {card}; stroke: {hairline}; stroke-width: 1; }}
"""


def style_sheet(scope: str, palette: Palette | None = None) -> str:
    """CSS rules for the shapes above, each selector behind ``scope`` (``.ag-static``).

    With a palette the colours are written out, which every SVG viewer understands; without one they
    are custom properties (``var(--ag-ink)``) that ``theme_variables`` sets for the page's theme.
    """
    if palette is None:
        colours = {name: f"var(--ag-{name.replace('_', '-')})" for name in LIGHT.variables()}
    else:
        colours = palette.variables()
    rules = _RULES.format(
        **colours,
        code_font=CODE_FONT,
        text_font=TEXT_FONT,
        size=FONT_SIZE,
        small=SMALL_FONT_SIZE,
        thin=THIN,
        medium=MEDIUM,
        thick=THICK,
    )
    return "\n".join(f"{scope} {rule}" for rule in rules.strip().splitlines())


def theme_variables(scope: str) -> str:
    """CSS that gives ``scope`` the light colours, and the dark ones inside a dark theme.

    JupyterLab says its theme in an attribute of the page's body, VS Code in a class.
    """

    def declare(palette: Palette) -> str:
        pairs = palette.variables().items()
        return " ".join(f"--ag-{name.replace('_', '-')}: {colour};" for name, colour in pairs)

    dark = ", ".join(
        f"{theme} {scope}"
        for theme in ('[data-jp-theme-light="false"]', ".vscode-dark", ".vscode-high-contrast")
    )
    return f"{scope} {{ {declare(LIGHT)} }}\n{dark} {{ {declare(DARK)} }}"


def figure_style() -> AbstractContextManager[None]:
    """A ``with`` context in which matplotlib draws with the course's colours, sizes and dashes.

    Lines differ by colour and by dash, so that colour is never the only sign.
    """
    import matplotlib
    from cycler import cycler

    hues = ("storage", "gradient", "leaf", "accumulate", "saved", "tensor")
    dashes: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (6, 2, 1, 2, 1, 2)), (0, (1, 1)))
    colours = cycler(color=[LIGHT.stroke[hue] for hue in hues]) + cycler(linestyle=dashes)
    return matplotlib.rc_context(
        {
            "axes.prop_cycle": colours,
            "axes.edgecolor": LIGHT.line,
            "axes.labelcolor": LIGHT.ink,
            "axes.titlecolor": LIGHT.ink,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.titlesize": FONT_SIZE,
            "axes.titlelocation": "left",
            "figure.facecolor": LIGHT.card,
            "figure.constrained_layout.use": True,
            "figure.figsize": (7.0, 4.0),
            "font.size": SMALL_FONT_SIZE,
            "grid.color": LIGHT.hairline,
            "grid.linewidth": 0.6,
            "legend.frameon": False,
            "lines.linewidth": MEDIUM,
            "savefig.facecolor": LIGHT.card,
            "text.color": LIGHT.ink,
            "xtick.color": LIGHT.line,
            "ytick.color": LIGHT.line,
            "xtick.labelcolor": LIGHT.ink,
            "ytick.labelcolor": LIGHT.ink,
        }
    )
