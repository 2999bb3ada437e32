"""The settings with which nbconvert draws a submission, for feedback and for formgrader alike."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

# Found, not imported: every command that reads a class's settings would wait for it.
_NBGRADER = find_spec("nbgrader")
assert _NBGRADER is not None
assert _NBGRADER.origin is not None

# formgrader's templates are nbgrader's own; ours fill one hole in them (see templates/).
FOLDERS = [
    str(Path(__file__).parent / "templates"),
    str(Path(_NBGRADER.origin).parent / "server_extensions" / "formgrader" / "templates"),
]
_FILTERS = (
    "ansi2html",
    "clean_html",
    "get_metadata",
    "highlight_code",
    "markdown2html",
    "strip_files_prefix",
)


def configure(c: Any) -> None:
    """Set nbgrader's configuration `c` so that no page runs or fetches what a submission holds.

    The two pages share every setting but their template, so none of these may name one.
    """
    c.HTMLExporter.sanitize_html = True
    c.HTMLExporter.preprocessors = ["grader.judge.pages.rendering.Sieve"]
    c.HTMLExporter.extra_template_basedirs = FOLDERS
    c.HTMLExporter.filters = {name: f"grader.judge.pages.rendering.{name}" for name in _FILTERS}
    c.GenerateFeedback.exporter_class = "grader.judge.pages.feedback.FeedbackExporter"
    c.GenerateFeedback.preprocessors = [
        "nbgrader.preprocessors.GetGrades",
        "grader.judge.pages.feedback.AsReleased",
    ]
