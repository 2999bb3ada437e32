"""The made-up class: its learners make the mistakes it says, and the report counts the same."""

import ast
import json
import os
import re
from collections import Counter

import pytest
from traitlets.config import Config

from grader.demo.folder import TRUTH, CannotMakeClass, hand_in, make, read, refuse, truth
from grader.demo.learners import made_up, mistakes
from grader.demo.typed import CannotBeTyped, typed
from grader.diagnosis.diagnose import Seen, diagnose
from grader.engine import state
from grader.engine.catalogue import tasks
from grader.engine.watch import observe
from grader.judge.intake.course import course_directory
from grader.report import figures
from grader.trusted.key import Mistake, key_of
from grader.trusted.live import LiveAnswers
from tests.conftest import ROOT
from tests.fixtures import classroom
from tests.fixtures.commands import forked

CHAPTERS = sorted({task.chapter for task in tasks().values()})
ASSIGNMENT, SIZE, SEED = "01-graphs", 10, 10
TYPED = 5
"""Of so many mistakes of an exercise one is run as it is typed: as functions all are proved."""


@pytest.fixture(scope="module")
def assignments():
    """Every chapter's release, with the solutions to it."""
    return {name: read(ROOT, name) for name in CHAPTERS}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A class as the command leaves it, where an earlier one stood, and what the command said."""

    def lay(folder):
        where = folder / "a class"
        where.mkdir(parents=True)
        (where / TRUTH).write_text(json.dumps(truth(ASSIGNMENT, 0, [])))
        (where / "old.txt").write_text("of the class before")
        options = ("--size", SIZE, "--seed", SEED, "--jobs", 1)
        said = forked("grader.cli", "demo", where, *options, cwd=ROOT, timeout=900)
        assert said.returncode == 0, said.stdout
        (folder / "said.txt").write_text(said.stdout)

    made = classroom.shared(tmp_path_factory, "demo", lay)
    return made / "a class", (made / "said.txt").read_text()


def found(task, answers, functions):
    """The codes of what `check` finds in an answer."""
    with state.defaults():
        seen = [
            Seen(case, observe(task, functions, answers.inputs(case), case).observation)
            for case in task.cases()
        ]
        return [finding.code for finding in diagnose(task, answers, seen).findings]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_mistake_as_a_learner_types_it_is_named_as_itself(chapter, assignments):
    for exercise in assignments[chapter].exercises:
        task, key = exercise.task, key_of(exercise.task)
        answers = LiveAnswers(task, key, "a class", "cpu")
        works = mistakes(exercise)
        said = {code: sentence for code, sentence, _ in answers.mistakes()}
        typable = {one.mistake for one in works}
        assert len(typable) == len(works)
        for mistake in key.mistakes(task.functions):
            if mistake.code not in typable:  # made for several exercises at once
                with pytest.raises(CannotBeTyped):
                    typed(task, mistake)
        for work in works[::TYPED]:
            namespace = {}
            exec("\n".join((*exercise.imported, work.source)), namespace)
            functions = [namespace[name] for name in task.functions]
            named = [said.get(code, code) for code in found(task, answers, functions)]
            assert named == [said[work.mistake]], work.source


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_no_answer_redefines_what_another_of_the_notebook_stands_on(chapter, assignments):
    meanings = {}
    for exercise in assignments[chapter].exercises:
        for source in (exercise.solved, *(work.source for work in mistakes(exercise))):
            for name, meaning in top_level(source):
                known = meanings.setdefault(name, meaning or exercise.task.id)
                assert known == (meaning or exercise.task.id), f"{name} in {exercise.task.id}"


def top_level(source):
    """The names that a cell binds; with an import, its line, which may stand in many cells."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, ast.unparse(node)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name, None
        elif isinstance(node, ast.Assign):
            yield from ((name.id, None) for name in node.targets if isinstance(name, ast.Name))


def test_the_report_counts_the_mistakes_the_class_was_made_of(demo):
    folder, _ = demo
    told = json.loads((folder / TRUTH).read_text())
    counted = figures.of(folder, ASSIGNMENT)
    works = {
        (student, exercise): work
        for student, learner in told["learners"].items()
        for exercise, work in learner["exercises"].items()
    }
    made = Counter(work["mistake"] for work in works.values() if work["mistake"])
    assert len(made) > SIZE
    assert {one.code: one.count for one in counted.mistakes} == made
    for one in counted.mistakes:
        for student in one.learners:
            assert works[student, one.exercise]["mistake"] == one.code
    outcomes = {
        (learner.name, exercise): outcome.replace("partly", "wrong")
        for learner in counted.learners
        for exercise, outcome in learner.outcomes.items()
    }
    assert outcomes == {place: work["outcome"] for place, work in works.items()}
    assert len(counted.learners) == SIZE
    late = {student for student, learner in told["learners"].items() if learner["late"]}
    assert {learner.name for learner in counted.late} == late


def test_what_happens_in_every_class_happens_in_a_small_one(demo):
    folder, _ = demo
    told = json.loads((folder / TRUTH).read_text())["learners"].values()
    works = [work for learner in told for work in learner["exercises"].values()]
    assert sum(not learner["handed_in"] for learner in told) == 1
    assert any(learner["late"] for learner in told)
    assert {learner["habit"] for learner in told} == {"", "renamed", "deleted"}
    assert {work["outcome"] for work in works} == {
        "right",
        "wrong",
        "not attempted",
        "could not check",
    }
    assert any(work["outcome"] == "wrong" and not work["mistake"] for work in works)
    assert any(exercise.partly for exercise in figures.of(folder, ASSIGNMENT).exercises)


def test_the_demo_says_what_to_type_next(demo):
    folder, said = demo
    told = json.loads((folder / TRUTH).read_text())["learners"]
    student, exercise = re.search(r"autograd-course replay (\S+) (\S+)", said).groups()
    assert told[student]["exercises"][exercise]["mistake"]
    assert f"cd '{folder.parent}.unfinished/{folder.name}'" in said
    assert (folder / "reports" / f"{ASSIGNMENT}.html").is_file()
    assert not (folder / "old.txt").exists()


def test_the_same_seed_makes_the_same_class(demo, assignments, tmp_path):
    folder, _ = demo
    assignment = assignments[ASSIGNMENT]
    learners = made_up(assignment.exercises, assignment.model_answer, SIZE, SEED)
    for learner in learners:
        hand_in(tmp_path, assignment, learner)
    assert contents(tmp_path / "submitted") == contents(folder / "submitted")
    assert truth(ASSIGNMENT, SEED, learners) == json.loads((folder / TRUTH).read_text())
    assert made_up(assignment.exercises, assignment.model_answer, SIZE, SEED + 1) != learners


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    (tmp_path / TRUTH).write_text('{"made_by": "me"}')
    with pytest.raises(CannotMakeClass, match="no demo made"):
        make(ROOT, tmp_path, ASSIGNMENT, SIZE, SEED)
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    with pytest.raises(CannotMakeClass, match="no folder"):
        refuse(link)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_a_demo_keeps_to_its_folder_whatever_the_courses_settings_say(demo):
    folder, _ = demo
    course = course_directory(folder)
    assert course.db_url == f"sqlite:///{folder.resolve()}/gradebook.db"
    assert course.config.Exchange.root == f"{folder}/exchange"
    settings = (folder / "nbgrader_config.py").read_text().partition("# This class is made up")[2]
    elsewhere = Config(CourseDirectory={"db_url": "postgresql://"}, Grading={"ledger_url": "x"})
    exec("#" + settings, {"os": os, "c": elsewhere, "__file__": str(folder / "nbgrader_config.py")})
    assert not elsewhere.CourseDirectory
    assert not elsewhere.Grading


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotMakeClass, match="file/class cannot be written: "):
        make(ROOT, tmp_path / "file" / "class", ASSIGNMENT, SIZE, SEED)


def test_an_assignment_that_is_not_there_is_told_with_those_that_are(tmp_path):
    with pytest.raises(CannotMakeClass, match=r"'graphs'[\s\S]*01-graphs, 02-leaves"):
        make(ROOT, tmp_path / "class", "graphs", SIZE, SEED)
    assert not (tmp_path / "class").exists()


def test_a_mistake_that_nobody_can_type_says_why():
    task = tasks()["two_path_grad"]
    strange = Mistake(
        "two_path_grad.made_in_a_loop", "You did.", lambda x, w: None, "two_path_grad"
    )
    with pytest.raises(CannotBeTyped, match="made_in_a_loop is not defined"):
        typed(task, strange)
