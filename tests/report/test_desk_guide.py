"""The worked examples of docs/desk.md, run as they stand there."""

import re
import shlex

import pytest
from nbgrader.api import Gradebook

from grader.report import figures
from grader.report.counted import State
from tests.conftest import ROOT
from tests.fixtures import classroom, graded
from tests.fixtures.classroom import ASSIGNMENT
from tests.fixtures.commands import forked

LATE = "late-0"  # 25 points, 4 days and 21 hours after the due date


@pytest.fixture
def typed(command, here):
    """A command of `autograd-course` that judges in this process."""
    return command


def example(heading):
    """The Python under a heading of the guide, for the class of the tests."""
    text = (ROOT / "docs" / "desk.md").read_text()
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    (block,) = re.findall(r"```python\n(.*?)```", section, re.S)
    return block.replace("01-graphs", ASSIGNMENT)


def command_under(heading):
    """The first command under a heading of the guide, for the class of the tests, as its words."""
    text = (ROOT / "docs" / "desk.md").read_text()
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    line = re.search(r"(?m)^autograd-course (.*)$", section)[1]
    return [{"01-graphs": ASSIGNMENT, "ada": LATE}.get(word, word) for word in shlex.split(line)]


def stands(course):
    return classroom.rows(course)[LATE]


def test_a_late_penalty_and_an_extension_work_as_the_guide_says(typed, tmp_path, monkeypatch):
    course = classroom.course(tmp_path / "course", [LATE])
    with (course / "nbgrader_config.py").open("a") as settings:
        settings.write(example("Late penalties"))
    assert typed(*command_under("Late penalties"), "--course", course)[0] == 0
    grade = "grade", ASSIGNMENT, "--course", course
    assert typed(*grade)[0] == 0
    assert (stands(course)["score"], stands(course)["penalty"]) == (25, 12.5)
    monkeypatch.chdir(course)
    assert typed(*command_under("An extension for one student"))[0] == 0
    assert typed(*grade, "--students", LATE, "--force")[0] == 0
    assert stands(course)["late"] == 21 * 3600
    assert stands(course)["penalty"] == pytest.approx(2.5)
    (one,) = figures.of(course, ASSIGNMENT).late
    assert (one.name, one.final) == (LATE, 22.5)


def test_an_extension_can_be_given_before_anything_is_handed_in(typed, tmp_path, monkeypatch):
    course = classroom.course(tmp_path / "course", ["honest-00"])
    with graded.opened(course) as gradebook:
        gradebook.add_student(LATE)
    monkeypatch.chdir(course)
    assert typed(*command_under("An extension for one student"))[0] == 0
    assert typed("grade", ASSIGNMENT, "--course", course)[0] == 0
    found = figures.of(course, ASSIGNMENT)
    assert [one.name for one in found.of_state(State.MISSING)] == [LATE]
    assert found.late == ()
    classroom.hand_in(course, LATE)
    assert typed("grade", ASSIGNMENT, "--course", course)[0] == 0
    assert stands(course)["late"] == 21 * 3600


def test_a_due_date_is_set_as_the_guide_says(tmp_path):
    course = classroom.course(tmp_path / "course", [])
    said = forked(
        "nbgrader", "db", "assignment", "add", ASSIGNMENT, "--duedate", "2026-01-20 12:00 UTC",
        cwd=course,
    )  # fmt: skip
    assert said.returncode == 0, said.stdout
    with Gradebook(f"sqlite:///{course}/gradebook.db", "autograd-course") as gradebook:
        assert gradebook.find_assignment(ASSIGNMENT).duedate.isoformat() == "2026-01-20T12:00:00"


def test_figures_are_plain_data_as_the_guide_says(tmp_path, monkeypatch, capsys):
    course = classroom.course(tmp_path / "course", [])
    graded.judge(course, "bob", graded.wrong(graded.ONE, f"{graded.ONE}.first_path_only"))
    monkeypatch.chdir(course)
    names = {}
    exec(example("What the class misunderstood"), names)
    assert capsys.readouterr().out == "1 two_path_grad.first_path_only ('bob',)\n"
    assert [row["learner"] for row in names["table"]] == ["bob"]
