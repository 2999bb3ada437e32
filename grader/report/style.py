"""How the desk's charts and pages look: the course's hues, in a light and in a dark theme."""

from __future__ import annotations

SCOPE = ".autograd-desk"

# The tints carry text at 5 : 1 or better, the strokes stand 3 : 1 against the card.
_LIGHT = {
    "card": "#FFFFFF",
    "ink": "#1A1A1A",
    "muted": "#565656",
    "line": "#C8C8C8",
    "right": "#94D6C4",
    "right-edge": "#009E73",
    "partly": "#F4D794",
    "partly-edge": "#C68900",
    "wrong": "#EDBB94",
    "wrong-edge": "#D55E00",
    "unchecked": "#94C4DF",
    "unchecked-edge": "#0072B2",
    "untouched": "#FFFFFF",
    "untouched-edge": "#7F7F7F",
}
_DARK = {
    "card": "#181818",
    "ink": "#F2F2F2",
    "muted": "#BDBDBD",
    "line": "#4A4A4A",
    "right": "#0C5B46",
    "right-edge": "#009E73",
    "partly": "#7F5C0C",
    "partly-edge": "#E69F00",
    "wrong": "#763B0C",
    "wrong-edge": "#D55E00",
    "unchecked": "#0C4565",
    "unchecked-edge": "#4A9BC8",
    "untouched": "#181818",
    "untouched-edge": "#9A9A9A",
}

_FONT = (
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', 'Liberation Sans', Arial, "
    "sans-serif"
)

_CHARTS = """
{scope} svg {{ display: block; width: 100%; overflow: visible; }}
{scope} svg text {{ fill: var(--ink); font: 13px {font}; }}
{scope} svg text.number {{ font-weight: 600; paint-order: stroke; stroke-linejoin: round; }}
{scope} svg text.muted {{ fill: var(--muted); font-size: 12px; }}
{scope} svg .axis {{ stroke: var(--line); stroke-width: 1; }}
{shapes}
"""
_SHAPE = """\
{scope} svg .{name} {{ fill: var(--{name}); stroke: var(--{name}-edge); stroke-width: 1.5; }}
{scope} svg .{name}-lines {{ fill: none; stroke: var(--{name}-edge); stroke-width: 1.5; }}
{scope} svg text.on-{name} {{ stroke: var(--{name}); stroke-width: 5px; }}
"""
_SHAPES = ("right", "partly", "wrong", "unchecked", "untouched")


def chart_rules() -> str:
    """The rules of every chart, in colours that `page_theme` or `lab_theme` set."""
    shapes = "".join(_SHAPE.format(scope=SCOPE, name=name) for name in _SHAPES)
    return _CHARTS.format(scope=SCOPE, font=_FONT, shapes=shapes)


def page_theme() -> str:
    """The colours of a page of its own: light, or dark where the reader's system is."""
    dark = f"@media (prefers-color-scheme: dark) {{ {SCOPE} {{ {_declared(_DARK)} }} }}"
    return f"{SCOPE} {{ color-scheme: light dark; {_declared(_LIGHT)} }}\n{dark}"


def lab_theme() -> str:
    """The colours inside JupyterLab and VS Code, which say their theme themselves."""
    themes = ('[data-jp-theme-light="false"]', ".vscode-dark", ".vscode-high-contrast")
    dark = ", ".join(f"{theme} {SCOPE}" for theme in themes)
    return f"{SCOPE} {{ {_declared(_LIGHT)} }}\n{dark} {{ {_declared(_DARK)} }}"


def _declared(colours: dict[str, str]) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in colours.items())
