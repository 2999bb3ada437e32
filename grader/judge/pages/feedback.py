"""Feedback pages: nbgrader's own, drawn fast, with nothing live in them and no hidden test."""

from __future__ import annotations

import ast
import builtins
import functools
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import nbgrader
from jinja2.runtime import Context, new_context
from nbconvert.exporters import HTMLExporter, TemplateExporter
from nbformat import from_dict
from nbformat.v4 import new_output
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution, is_task
from pygments.formatters import HtmlFormatter
from traitlets.config import Config

from grader.judge.books.rows import CellScore, Recorded
from grader.judge.intake.cells import number_of
from grader.judge.intake.form import Form, FormCell, Notebook, read_forms
from grader.judge.pages import settings as pages
from grader.judge.pages.remarks import for_learners, remark_in

_BOOTSTRAP = "server_extensions/formgrader/static/node_modules/bootstrap/dist/css"
_FONT = re.compile(r"@font-face\s*\{[^}]*\}")
_STYLE = "default"  # as in nbconvert's classic template


class BlockContext(Context):
    """What a template sees, handed on to a block without a copy of the list of all blocks.

    Blocks are only added to that list while templates are put together, before the first is drawn.
    jinja2 copies it for every block of every cell, which takes a tenth of a page's time.
    """

    def derived(self, locals: dict[str, Any] | None = None) -> Context:
        """The same context, and what a block is given besides."""
        context = new_context(self.environment, self.name, {}, self.get_all(), True, None, locals)
        context.eval_ctx, context.blocks = self.eval_ctx, self.blocks
        return context


class FeedbackExporter(HTMLExporter):
    """nbconvert's HTML exporter for pages that are one file, each drawn in a few milliseconds.

    Left out is its last step, which parses the whole page once more to give pictures an alternative
    text: here they have one. Left out are the fonts that a style sheet would fetch. One exporter
    draws one page at a time.
    """

    def _init_resources(self, resources: Any) -> Any:
        exporter: Any = super()  # nbconvert's own is not typed
        resources = exporter._init_resources(resources)
        include = resources["include_css"]
        resources["include_css"] = lambda name: self._style_sheet(name, include)
        return resources

    def _create_environment(self) -> Any:
        exporter: Any = super()  # nbconvert's own is not typed
        environment = exporter._create_environment()
        environment.context_class = BlockContext
        return environment

    def _style_sheet(self, name: str, include: Callable[[str], str]) -> str:
        kept: dict[str, str] = self.__dict__.setdefault("_style_sheets", {})
        if name not in kept:
            kept[name] = _FONT.sub("", str(include(name)))
        return kept[name]

    def _preprocess(self, nb: Notebook, resources: Any) -> tuple[Notebook, Any]:
        """Nothing, where there is no preprocessor for which nbconvert would copy and validate."""
        if not any(one.enabled for one in self._preprocessors):
            return nb, resources
        exporter: Any = super()  # nbconvert's own is not typed
        done: tuple[Notebook, Any] = exporter._preprocess(nb, resources)
        return done

    def from_notebook_node(self, nb: Notebook, resources: Any = None, **kw: Any) -> tuple[Any, Any]:
        """Draw a notebook that was prepared with scores and comments."""
        page, resources = TemplateExporter.from_notebook_node(self, nb, resources, **kw)
        return str(page).replace("<html>", f'<html lang="{self.language_code}">', 1), resources


class AsReleased(NbGraderPreprocessor):  # type: ignore[misc]
    """Shows `nbgrader generate_feedback` each cell as the learner was given it."""

    def __init__(self, **kw: Any) -> None:
        super().__init__(**kw)
        self._forms: dict[str, Mapping[str, Form]] = {}

    def preprocess(self, nb: Notebook, resources: Any) -> tuple[Notebook, Any]:
        """Take hidden tests off a graded notebook."""
        about = resources["nbgrader"]
        if about["assignment"] not in self._forms:
            course = CourseDirectory(parent=self)
            self._forms[about["assignment"]] = read_forms(course, about["assignment"])
        return as_released(nb, self._forms[about["assignment"]][about["notebook"]]), resources


def feedback_page(
    notebook: Notebook, recorded: Recorded, form: Form, *, plain: bool = False
) -> str:
    """The feedback page of one graded notebook, as `nbgrader generate_feedback` writes it.

    The notebook is as `clean` or `showable` gave it: one that was read from a folder is cleaned
    first. The page is one file: nothing in it runs, and a browser fetches nothing to show it. A
    `plain` page shows Markdown and code as they were typed.
    """
    marks = recorded.scores.values()
    about = {
        "notebook": form.name,
        "score": sum(mark.score for mark in marks) - recorded.penalty,
        "max_score": sum(mark.points for mark in marks),
        "late_penalty": recorded.penalty,
    }
    marked = _with_marks(as_released(notebook, form), recorded)
    resources = {"nbgrader": about, "inlining": {"css": [_colours()]}, "plain": plain}
    page, _ = _exporter().from_notebook_node(marked, resources)
    return str(page)


def as_released(notebook: Notebook, form: Form) -> Notebook:
    """A copy in which hidden tests are not shown, nor what a learner could see of them.

    Of such a cell's outputs stays the score, and of an error its type. Its message stays only where
    it is a text that the instructor wrote into the test.
    """
    hiding = {cell.grade_id: cell for cell in form.cells if cell.grade_id and cell.hides}
    cells = []
    for cell in notebook.cells:
        known = hiding.get(cell.metadata.get("nbgrader", {}).get("grade_id"))
        shown = dict(cell)
        if known is not None:
            shown["source"] = known.released
        if cell.cell_type == "code":
            outputs = cell.outputs if known is None else _showable(cell.outputs, known)
            shown["outputs"] = for_learners(outputs)
        cells.append(shown)
    return from_dict(dict(notebook) | {"cells": cells})


def _showable(outputs: Iterable[Any], cell: FormCell) -> Iterable[Any]:
    for output in outputs:
        if output.output_type == "error":
            name = output.ename if _is_pythons(output.ename) else "an exception"
            message = output.evalue if output.evalue in _texts(cell.source) else ""
            line = f"A test that is not shown failed: {name}" + (f": {message}" if message else "")
            yield new_output("error", ename=name, evalue=message, traceback=[line])
        elif output.output_type == "execute_result":
            score = output.data.get("text/plain")
            if number_of(score) is not None:
                yield new_output("execute_result", data={"text/plain": score})
        elif remark_in(output):
            yield remark_in(output)


def _is_pythons(name: str) -> bool:
    kind = getattr(builtins, name, None)
    return isinstance(kind, type) and issubclass(kind, BaseException)


@functools.lru_cache(maxsize=256)
def _texts(source: str) -> frozenset[str]:
    """The texts an instructor wrote into a test."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return frozenset()
    constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return frozenset(value for value in constants if isinstance(value, str))


def _with_marks(notebook: Notebook, recorded: Recorded) -> Notebook:
    """The notebook with what nbgrader's GetGrades lays on it, from what is known already."""
    for cell in notebook.cells:
        about = cell.metadata.get("nbgrader", {})
        name = about.get("grade_id", "")
        if is_grade(cell) or is_task(cell):
            mark = recorded.scores.get(name, CellScore(0.0, about.get("points", 0.0)))
            about["score"], about["points"] = mark.score, mark.points
        if is_solution(cell) or is_task(cell):
            about["comment"] = recorded.comments.get(name)
    return notebook


@functools.cache
def _exporter() -> FeedbackExporter:
    settings = Config()
    pages.configure(settings)
    settings.HTMLExporter.template_name = "feedback"
    settings.HTMLExporter.extra_template_paths = [str(Path(nbgrader.__file__).parent / _BOOTSTRAP)]
    settings.Exporter.default_preprocessors = []
    settings.HTMLExporter.preprocessors = []
    settings.CSSHTMLHeaderPreprocessor.enabled = False
    exporter: Any = FeedbackExporter
    made: FeedbackExporter = exporter(config=settings)
    return made


@functools.cache
def _colours() -> str:
    """The colours of code, which nbconvert works out anew for every page."""
    return str(HtmlFormatter(style=_STYLE).get_style_defs(".highlight"))
