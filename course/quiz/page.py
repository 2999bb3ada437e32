"""The HTML that questions and errors share: it reads without a kernel, in light and dark."""

from __future__ import annotations

import html
from collections.abc import Iterable

from markdown_it import MarkdownIt

from course.quiz.outcome import Outcome
from course.widgets.frame.look import HUES

FRAME = "cq"
"""The class of the frame that every rule of `STYLE` starts from."""

_MARKDOWN = MarkdownIt("commonmark", {"html": False})

# Text takes the theme's own colour, so its contrast is the theme's; colour only marks borders.
STYLE = f"""
.cq {{box-sizing: border-box; max-width: 46em; margin: .4em 0; padding: .6em .9em .7em;
  font-size: 14px; line-height: 1.5;
  border: 1px solid color-mix(in srgb, currentColor 30%, transparent); border-radius: 6px;
  color: var(--jp-content-font-color1, inherit)}}
.cq-bar {{display: flex; flex-wrap: wrap; gap: .5em; margin: .4em 0}}
.cq-bar input {{flex: 0 1 20em; min-width: 8em}}
.cq-bar input, .cq-bar button, .cq-lines button {{font-size: 14px; line-height: 1.4;
  padding: .3em .7em; border-radius: 4px; color: inherit; cursor: pointer;
  border: 1px solid color-mix(in srgb, currentColor 45%, transparent);
  background: color-mix(in srgb, currentColor 6%, transparent)}}
.cq-bar input {{cursor: text; background: transparent}}
.cq-bar input::placeholder {{color: inherit; opacity: .75}}
.cq-lines button {{display: block; width: 100%; max-width: 46em; margin: .25em 0}}
.cq p {{margin: .3em 0}}
.cq.cq pre {{margin: .5em 0; padding: .5em .7em; color: inherit; border-radius: 4px;
  background: color-mix(in srgb, currentColor 7%, transparent); font-size: 13px; line-height: 1.45;
  white-space: pre-wrap; word-break: normal; overflow-wrap: break-word}}
.cq code {{color: inherit; font-size: 13px; padding: 0 .2em; border-radius: 3px;
  background: color-mix(in srgb, currentColor 7%, transparent)}}
.cq.cq pre code {{background: none; padding: 0}}
.cq-kind {{font-size: 12px; letter-spacing: .04em; text-transform: uppercase; margin: 0}}
.cq details {{border: 1px solid color-mix(in srgb, currentColor 30%, transparent);
  border-radius: 5px; margin: .4em 0}}
.cq summary {{cursor: pointer; padding: .35em .7em; border-radius: 5px}}
.cq summary p {{display: inline; margin: 0}}
.cq summary:hover {{background: color-mix(in srgb, currentColor 7%, transparent)}}
.cq summary:focus-visible, .cq-lines button:focus, .cq-bar button:focus, .cq-bar input:focus
  {{outline: 3px solid {HUES["storage"]} !important; outline-offset: 1px}}
.cq-reply {{border-left: 5px solid {HUES["constant"]}; padding: .1em .8em; margin: .3em .7em .5em}}
.cq-right {{border-left-color: {HUES["leaf"]}}}
.cq-wrong {{border-left-color: {HUES["gradient"]}}}
.cq-lines button {{text-align: left; white-space: pre-wrap; font-size: 13px;
  font-family: var(--jp-code-font-family, monospace)}}
"""


def prose(text: str) -> str:
    """A sentence or two of Markdown as HTML paragraphs."""
    return str(_MARKDOWN.render(text)).strip()


def inline(text: str) -> str:
    """Markdown of one line, without a paragraph around it."""
    return str(_MARKDOWN.renderInline(text))


def code(source: str) -> str:
    """A block of code."""
    return f"<pre><code>{html.escape(source)}</code></pre>" if source else ""


def titled(kind: str, content: str) -> str:
    """Content under a line that says what it is; for a box of widgets of the class `FRAME`."""
    return f"<style>{STYLE}</style><p class='cq-kind'>{html.escape(kind)}</p>{content}"


def box(kind: str, content: str) -> str:
    """The same in a frame, where there are no widgets."""
    return f"<div class='{FRAME}' role='group'>{titled(kind, content)}</div>"


def fold(summary: str, content: str) -> str:
    """Text that stays closed until it is asked for, in a browser with or without a kernel.

    While the summary has the focus, JupyterLab must not take a key for one of its shortcuts.
    """
    return (
        f"<details><summary data-lm-suppress-shortcuts='true'>{inline(summary)}</summary>"
        f"{content}</details>"
    )


def reply(right: bool | None, text: str, announce: bool = False) -> str:
    """An explanation, marked by a word, a sign and a colour; None marks neither."""
    mark = {True: "<strong>✓ Right.</strong> ", False: "<strong>✗ Not so.</strong> ", None: ""}
    kind = {True: "cq-right", False: "cq-wrong", None: ""}[right]
    role = " role='alert'" if announce else ""
    return f"<div class='cq-reply {kind}'{role}>{_lead(mark[right], text)}</div>"


def listing(items: Iterable[str]) -> str:
    """A bulleted list of Markdown lines."""
    return "<ul>" + "".join(f"<li>{inline(item)}</li>" for item in items) + "</ul>"


def report(outcome: Outcome) -> str:
    """What a run gave, in full: printed lines, the value or the error, the warnings."""
    lines = outcome.printed.rstrip("\n").splitlines()
    if outcome.error is not None:
        lines.append(f"{outcome.text}: {outcome.error}")
    elif outcome.value is not None or not lines:
        lines.append(outcome.text)
    lines += [f"⚠ {text}" for text in outcome.warned]
    return code("\n".join(lines))


def _lead(mark: str, text: str) -> str:
    return prose(text).replace("<p>", f"<p>{mark}", 1)
