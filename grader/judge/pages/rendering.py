"""What nbconvert draws a submission with: nothing that comes out of it can run or be fetched.

The filters take the place of nbconvert's own, of which each either trusts its input or takes time
that grows with the square of it.
"""

from __future__ import annotations

import functools
import html
import re
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.tasklists import tasklists_plugin
from nbconvert import filters as nbconvert_filters
from nbgrader.preprocessors import NbGraderPreprocessor
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from grader.judge.intake.cells import is_test
from grader.judge.intake.pictures import KINDS, picture
from grader.judge.intake.printable import visible
from grader.judge.pages.clean import showable
from grader.judge.pages.formulas import mathml
from grader.judge.pages.safe_html import as_text, graders_html, learners_html, picture_tag

_THEIRS: Any = nbconvert_filters  # they carry no types

_MOST_DRAWN = 200_000  # characters of one page that are parsed; what comes after is shown as text
_LONGEST_DRAWN = 50_000  # of them, in one cell
_MOST_FORMULAS = 500
_MOST_SEARCHED = 400_000  # lines that are looked through in all, for the ends of formulas
_MOST_ITEMS = 500  # with a box to tick, in one cell
_MOST_CELLS = 20_000  # of tables, in one cell of a notebook
_MOST_ESCAPES = 1000
_LONGEST_KEPT = 5000  # characters of a text whose drawing is kept for the next page
_PLACE = re.compile(r'<span class="formula-(\d+)"></span>')
_FENCE_LANGUAGES = {"python", "python3", "ipython", "py", "pycon", "bash", "console", "json"}


class Sieve(NbGraderPreprocessor):  # type: ignore[misc]
    """Takes what cannot be shown off a notebook that is about to be drawn."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Keep of each output what `grader.judge.pages.clean` keeps."""
        return showable(nb), resources


@pass_context
def markdown2html(context: Context, source: str) -> str:
    """A Markdown text as inert HTML.

    In formgrader links lose their addresses: a page there is one click from everything its reader
    may do on that server.
    """
    source = visible(source)
    if not _has_room(context, source):
        return as_text(source)
    links = "submission_id" not in context.get("resources", {})
    attachments = context.get("cell", {}).get("attachments")
    if attachments or len(source) > _LONGEST_KEPT:
        return drawn_markdown(source, links, attachments or {})
    return _kept_markdown(source, links)


@pass_context
def highlight_code(
    context: Context, source: str, language: str | None = None, metadata: object = None
) -> str:
    """Code as coloured HTML, in the language of the notebook."""
    info = context.get("nb", {}).get("metadata", {}).get("language_info", {})
    name = language or info.get("pygments_lexer") or info.get("name") or "python"
    # The lexer for IPython's own syntax takes minutes for some texts of 100,000 characters.
    name = "python" if str(name).startswith("ipython") else str(name)
    source = visible(source)
    if not _has_room(context, source):
        return f'<div class="highlight hl-{html.escape(name)}">{as_text(source)}</div>'
    return _coloured(source, name)


@pass_context
def clean_html(context: Context, text: object) -> str:
    """HTML that a cell displayed, inert; a verdict under a test stays what it is."""
    plain = visible(text.decode(errors="replace") if isinstance(text, bytes) else str(text))
    cell = context.get("cell")
    return graders_html(plain) if cell and is_test(cell) else learners_html(plain)


def ansi2html(text: object) -> str:
    """Text of a terminal with its colours, unless it has more of them than anybody can read."""
    plain = str(text)
    if plain.count("\x1b[") > _MOST_ESCAPES:
        plain = _THEIRS.strip_ansi(plain)
    return visible(str(_THEIRS.ansi2html(plain)))  # escapes that are no colours are left in it


def get_metadata(output: Mapping[str, Any], key: str, mimetype: str | None = None) -> Any:
    """An output's width and height in pixels, and a text for those who cannot see the picture.

    nbconvert's templates write a width into the page without quotes.
    """
    if key == "alt":
        return "A picture that this cell displayed"
    value = _THEIRS.get_metadata(output, key, mimetype) if key in ("width", "height") else None
    return value if type(value) is int and 0 < value < 10_000 else None


def strip_files_prefix(text: str) -> str:
    """The text as it is: no address that this would shorten is left in it."""
    return text


def _has_room(context: Context, source: str) -> bool:
    """Count what is drawn on a page: drawing takes time, and a learner decides how much it is."""
    resources = context.get("resources", {})
    if resources.get("plain"):
        return False
    drawn: MutableMapping[str, int] = resources.setdefault("drawn", {})
    drawn["characters"] = drawn.get("characters", 0) + len(source)
    return len(source) <= _LONGEST_DRAWN and drawn["characters"] <= _MOST_DRAWN


def drawn_markdown(source: str, links: bool, attachments: Mapping[str, Any]) -> str:
    """A Markdown text as inert HTML, with the pictures attached to it.

    One for which that takes time that grows faster than its length stays the text it is.
    """
    if not _is_quick(source):
        return as_text(source)
    formulas: list[str] = []
    env = {"attachments": attachments, "formulas": formulas}
    # One pattern of this plug-in takes time that grows with the square of the environments.
    parser = _WITH_ENVIRONMENTS if source.count("\\begin") <= 50 else _PLAIN
    drawn = learners_html(parser.render(source, env), links=links)
    # Formulas come in last, since nh3 keeps no MathML. A learner who writes such a span inside an
    # attribute finds its quotes escaped there; anywhere else it stands for their own formula.
    return _PLACE.sub(lambda place: _formula(formulas, int(place[1])), drawn)


def _is_quick(source: str) -> bool:
    """Whether the plug-ins' time is in bounds: theirs is the product of two counts."""
    lines = source.count("\n") + 1
    starts = source.count("$$") + source.count("\\begin")
    items = source.count("[ ]") + source.lower().count("[x]")
    # Each row of a table is filled up to the columns of its head.
    columns = max(line.count("|") for line in source.split("\n"))
    return (
        starts * lines <= _MOST_SEARCHED and items <= _MOST_ITEMS and columns * lines <= _MOST_CELLS
    )


def _formula(formulas: Sequence[str], number: int) -> str:
    return formulas[number] if number < len(formulas) else ""


@functools.lru_cache(maxsize=512)
def _kept_markdown(source: str, links: bool) -> str:
    return drawn_markdown(source, links, {})


def _coloured(source: str, language: str) -> str:
    draw = _kept_coloured if len(source) <= _LONGEST_KEPT else _kept_coloured.__wrapped__
    return draw(source, language)


@functools.lru_cache(maxsize=512)
def _kept_coloured(source: str, language: str) -> str:
    return str(highlight(source or " ", *_colouring(language)))


@functools.lru_cache(maxsize=16)
def _colouring(language: str) -> tuple[Lexer, HtmlFormatter]:
    """What reads the code of a language, and what writes it: made once."""
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        lexer = get_lexer_by_name("text")
    return lexer, HtmlFormatter(cssclass=f" highlight hl-{html.escape(language)}")


class _Renderer(RendererHTML):
    """markdown-it's renderer, but for pictures, code, formulas, ticks and the titles of links."""

    def image(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """An attached picture; of any other there is only what it is called."""
        token = tokens[idx]
        alt = self.renderInlineAsText(token.children or [], options, env)
        name = str(token.attrGet("src") or "").removeprefix("attachment:")
        kinds = env["attachments"].get(name)
        for mime in KINDS if isinstance(kinds, Mapping) else ():
            content = picture(mime, kinds.get(mime))
            if content is not None:
                return picture_tag(mime, content, alt or name)
        return html.escape(alt or name)

    def fence(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """A block of code, coloured if it is in a language of the course."""
        token = tokens[idx]
        language = token.info.split(maxsplit=1)[0] if token.info.strip() else ""
        if language not in _FENCE_LANGUAGES:
            return as_text(token.content)
        return _coloured(token.content, "python" if "python" in language else language)

    def link_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """A link that says where it leads, also where it does not lead there."""
        tokens[idx].attrSet("title", str(tokens[idx].attrGet("href") or ""))
        return self.renderToken(tokens, idx, options, env)

    def html_inline(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """HTML as it stands, and the ticks of a task list as signs."""
        content = tokens[idx].content
        if "task-list-item-checkbox" in content:
            return "☑" if 'checked="checked"' in content else "☐"
        return content

    def math_inline(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return _placed(tokens[idx].content, env, "$", block=False)

    def math_block(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return _placed(tokens[idx].content, env, "$$", block=True)

    def amsmath(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return _placed(tokens[idx].content, env, "", block=True)

    math_inline_double = math_block_label = math_block


def _placed(latex: str, env: Any, sign: str, *, block: bool) -> str:
    """A place for a formula, or its LaTeX where it cannot be drawn."""
    drawn = mathml(latex.strip(), block) if len(env["formulas"]) < _MOST_FORMULAS else None
    if drawn is None:
        return f"<code>{html.escape(sign + latex + sign)}</code>"
    env["formulas"].append(drawn)
    return f'<span class="formula-{len(env["formulas"]) - 1}"></span>'


def _parser(*plugins: Any) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True}, renderer_cls=_Renderer)
    parser.enable(["table", "strikethrough"])
    parser.use(dollarmath_plugin, double_inline=True).use(tasklists_plugin)
    for plugin in plugins:
        parser.use(plugin)
    for rule in ("math_inline", "math_inline_double", "math_block", "math_block_label", "amsmath"):
        parser.add_render_rule(rule, getattr(_Renderer, rule))  # in place of the plug-in's own
    return parser


_PLAIN, _WITH_ENVIRONMENTS = _parser(), _parser(amsmath_plugin)
