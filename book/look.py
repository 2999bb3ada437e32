"""The book's one style sheet and its one script."""

from __future__ import annotations

from pathlib import Path

from course.quiz import page
from course.widgets.frame import look, player
from course.widgets.frame.look import DARK, LIGHT, Palette

_HERE = Path(__file__).parent / "static"
_STAGE = Path(player.__file__).with_name("stage.js")


def style_sheet() -> str:
    """The styles of pictures and questions, in the colours of the page's theme, and the book's."""
    return "\n".join(
        [
            player.STYLE,
            _theme(),
            look.style_sheet(".output .ag-live"),
            page.STYLE,
            (_HERE / "book.css").read_text(encoding="utf-8"),
        ]
    )


def script() -> str:
    """What draws a picture in a notebook, and what plays its recorded steps on a page.

    Both are one plain script: a page that is read from a folder can load no module.
    """
    stage = _STAGE.read_text(encoding="utf-8").replace("export default { render };", "")
    steps = (_HERE / "steps.js").read_text(encoding="utf-8")
    return f"(() => {{\n{stage}\n{steps}\n}})();\n"


def _theme() -> str:
    """The pictures' colours by the theme that a reader chose, or else by the system's."""
    light, dark = _declared(LIGHT), _declared(DARK)
    return (
        f":root {{ {light} }}\n"
        f'body[data-theme="dark"], body[data-theme="dark"] .ag-stage {{ {dark} }}\n'
        "@media (prefers-color-scheme: dark) {\n"
        f'  body:not([data-theme="light"]), body:not([data-theme="light"]) .ag-stage {{ {dark} }}\n'
        "}"
    )


def _declared(palette: Palette) -> str:
    pairs = palette.variables().items()
    return " ".join(f"--ag-{name.replace('_', '-')}: {colour};" for name, colour in pairs)
