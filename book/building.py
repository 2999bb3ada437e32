"""Builds the book: lays its sources into a folder, and lets Sphinx make the pages."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import nbformat
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from book import errors, exercises, front, lessons, look, searching
from book.words import without_paths
from grader.engine.refusal import Refusal
from grader.notebook.texts.cells import Notebook

CONF = Path(__file__).resolve().parent
ROOT = CONF.parent


class BookRefused(Refusal):
    """The book cannot be made: Sphinx warned, or its folder holds something else."""


@dataclass(frozen=True)
class Built:
    """The folder of the finished pages, how many there are, and their bytes with all they load."""

    folder: Path
    pages: int
    size: int


def build(into: Path, run: Callable[[Path], Notebook], work: Path) -> Built:
    """Make the book in the folder `into`, which is replaced.

    `run` gives the executed notebook of a lesson's text; `work` is a folder for what lies between.
    Raises BookRefused, also where `into` holds anything but a book, and LessonFailed.
    """
    if into.exists() and not (into / "searchindex.js").is_file():
        raise BookRefused(
            f"{into} is there already and is no book, so it is not replaced.",
            "Name a folder that is yet to be, or the one of an earlier book.",
        )
    source, static = work / "source", work / "static"
    for folder in (source, static):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    _lay(source, static, run)
    fresh = work / "pages"
    shutil.rmtree(fresh, ignore_errors=True)
    _make(source, static, fresh, work / "doctrees")
    shutil.rmtree(into, ignore_errors=True)
    into.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(fresh, into)
    files = [path for path in into.rglob("*") if path.is_file()]
    pages = sum(path.suffix == ".html" for path in files)
    return Built(into, pages, sum(path.stat().st_size for path in files))


def _lay(source: Path, static: Path, run: Callable[[Path], Notebook]) -> None:
    steps = static / "steps"
    for folder in (source / "lessons", source / "exercises", steps):
        folder.mkdir()
    for text in front.lessons():
        made = lessons.page(run(text), text.stem)
        nbformat.write(made.notebook, source / "lessons" / f"{text.stem}.ipynb")
        for name, script in made.scripts.items():
            (steps / f"{name}.js").write_text(script, encoding="utf-8")
    own = list(exercises.pages(ROOT))
    for page in own:
        _write(source / "exercises" / f"{page.name}.md", page.text)
    _write(source / "errors.md", errors.text())
    _write(source / "index.md", front.text([page.name for page in own if not page.facts]))
    _write(static / "book.css", look.style_sheet())
    _write(static / "book.js", look.script())
    _write(static / searching.FILE, searching.script())


def _make(source: Path, static: Path, into: Path, doctrees: Path) -> None:
    said = io.StringIO()
    chosen = {"html_static_path": [str(static)], "version": version("autograd-course")}
    with patch_docutils(), docutils_namespace():
        app = Sphinx(
            source, CONF, into, doctrees, "html",
            confoverrides=chosen, status=None, warning=said, freshenv=True,
        )  # fmt: skip
        app.build(force_all=True)
    warned = without_paths(said.getvalue())
    if warned.strip():
        raise BookRefused(
            f"The book was not made. Sphinx says:\n{warned}",
            f"Mend the text or the link it names. The sources of the pages lie in {source}.",
        )


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
