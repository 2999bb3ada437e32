"""Python code on a page, in the colours that the notebook's own cells have."""

from __future__ import annotations

import html

# JupyterLab names its editor's colours; elsewhere those of its light theme are taken, all of which
# stand at least 4.5 : 1 against white.
_COLOURS = {
    ".k, .kn, .kc, .ow": ("--jp-mirror-editor-keyword-color", "#006700"),
    ".s1, .s2, .sd, .sa, .si": ("--jp-mirror-editor-string-color", "#a81111"),
    ".c1": ("--jp-mirror-editor-comment-color", "#356e6e"),
    ".mi, .mf": ("--jp-mirror-editor-number-color", "#006a00"),
    ".nf, .nc": ("--jp-mirror-editor-def-color", "#0000c8"),
}
_SCOPE = "autograd-code"


def coloured(source: str) -> str:
    """A program as HTML: with colours where Pygments is installed, as plain text elsewhere."""
    try:
        from pygments import highlight
        from pygments.formatters import HtmlFormatter
        from pygments.lexers import PythonLexer
    except ImportError:
        code = html.escape(source)
    else:
        code = highlight(source, PythonLexer(), HtmlFormatter(nowrap=True))
    rules = "".join(
        f"{', '.join(f'.{_SCOPE} {one}' for one in kinds.split(', '))} "
        f"{{ color: var({name}, {colour}); }}"
        for kinds, (name, colour) in _COLOURS.items()
    )
    return f"<style>{rules}</style><pre class='{_SCOPE}'>{code}</pre>"
