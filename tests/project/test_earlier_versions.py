"""A class's folder that an earlier version made goes on as it is."""

import shutil

from traitlets.utils.importstring import import_item

from grader.judge.batch.plugins import Judged, SubmissionExporter
from grader.judge.books.gradebook import SaveGrades
from grader.judge.intake.course import settings_of
from tests.conftest import ROOT

OLD = ROOT / "tests" / "project" / "nbgrader_config-0.1.0.txt"


def names(value):
    """Every text in a configuration that names something of this package."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from names(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from names(inner)
    elif isinstance(value, str) and value.startswith("grader."):
        yield value


def test_the_settings_of_a_class_made_with_0_1_0_reach_the_same_judge(tmp_path):
    shutil.copy(OLD, tmp_path / "nbgrader_config.py")
    old = settings_of(tmp_path)
    reached = {name.rpartition(".")[2]: import_item(name) for name in names(old)}
    assert reached["SubmissionExporter"] is SubmissionExporter
    assert reached["Judged"] is Judged
    assert reached["SaveGrades"] is SaveGrades
    assert {"Sieve", "FeedbackExporter", "AsReleased", "markdown2html"} <= set(reached)
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    new = settings_of(tmp_path)
    assert {import_item(name) for name in names(new)} == set(reached.values())
