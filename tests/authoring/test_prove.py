"""The proof for every exercise, the one that `autograd-course prove` runs, and what it says."""

import functools

import pytest

import grader
from grader.authoring.parts import missing
from grader.authoring.prove import chosen, prove
from grader.engine.catalogue import tasks
from grader.notebook.texts.notebooks import read
from grader.trusted.catalogue import keys
from grader.trusted.key import key_of
from tests.conftest import ROOT
from tests.fixtures.exercises import DEVICES


@functools.cache
def lacking():
    """What the course is missing, looked for once in each process."""
    return missing(ROOT)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("exercise", chosen(None))
def test_every_promise_of_an_exercise_holds(exercise, device):
    """Each mistake once; `autograd-course prove` tries it in each precision on five seeds."""
    broken = [
        f"{proof.promise}: {one.what}\n  → {one.cure}"
        for proof in prove(exercise, ROOT, device, lacking(), once=True)
        for one in proof.broken
    ]
    assert not broken, "\n".join(broken)


def test_every_chapter_has_one_written_answer_graded_by_a_person():
    for chapter in {exercise.chapter for exercise in grader.exercises()}:
        cells = read(ROOT / "solutions" / chapter / f"{chapter}.md").cells
        known = [c for c in cells if c.metadata.get("nbgrader", {}).get("grade_id")]
        written = [c for c in known if c.metadata.nbgrader.grade and c.metadata.nbgrader.solution]
        assert len(written) == 1, chapter
        assert "Marking" in written[0].source


def test_every_key_has_a_task():
    assert set(keys()) == set(chosen(None))


def test_exercises_lists_what_is_public():
    listed = {e.id: e for e in grader.exercises()}
    first = listed["two_path_grad"]
    assert (first.chapter, first.points, first.functions) == (
        "01-graphs",
        8,
        ("two_path_grad",),
    )
    assert first.signatures == ("two_path_grad(x, w) -> (dx, dw)",)


def test_a_broken_promise_is_told_with_its_cure(monkeypatch):
    task = type(tasks()["two_path_grad"])
    monkeypatch.setattr(task, "hints", ("Look.", "Look."))
    monkeypatch.setattr(task, "prerequisites", ("no_such_exercise",))
    told = {proof.promise: proof.broken for proof in prove("two_path_grad", ROOT) if proof.broken}
    assert len(told) == 2
    for broken in told.values():
        assert broken[0].what
        assert "grader.tasks.graphs.paths" in broken[0].cure


def test_a_mistake_that_is_no_mistake_is_told(monkeypatch):
    key = key_of(tasks()["two_path_grad"])
    monkeypatch.setattr(key, "first_path_only", staticmethod(key.reference))
    (broken,) = [one for proof in prove("two_path_grad", ROOT) for one in proof.broken][:1]
    assert "two_path_grad.first_path_only" in broken.what
    assert broken.cure


def test_a_mistake_that_can_only_raise_by_mistake_is_told(monkeypatch):
    def first_path_only(x, w):
        """You followed one path."""
        return x.no_such_attribute

    key = key_of(tasks()["two_path_grad"])
    monkeypatch.setattr(key, "first_path_only", staticmethod(first_path_only))
    told = [one for proof in prove("two_path_grad", ROOT) for one in proof.broken]
    assert "two_path_grad.first_path_only raises AttributeError in every case" in told[0].what
    assert "@raises" in told[0].cure


def test_a_part_that_raises_is_named_by_its_file_and_line(monkeypatch):
    def draw(self, rng, case):
        raise KeyError("n")

    monkeypatch.setattr(type(tasks()["two_path_grad"]), "draw", draw)
    broken = [one for proof in prove("two_path_grad", ROOT) for one in proof.broken]
    assert broken
    assert all("KeyError" in one.what and "line" in one.cure for one in broken)


def test_the_command_proves_one_exercise_line_by_line(command):
    status, told = command("prove", "two_path_grad")
    assert status == 0
    assert "two_path_grad: all 13 promises hold" in told
    assert told.count("✓") == 13


def test_an_unknown_chapter_or_exercise_is_refused_and_the_nearest_named(command):
    for typed, meant in (("two_path_grat", "two_path_grad"), ("01-grphs", "01-graphs")):
        status, told = command("prove", typed)
        assert status == 1
        assert f"Did you mean '{meant}'?" in told


def test_outside_a_checkout_nothing_is_proved_or_laid(command, course):
    for words in (["prove"], ["new-exercise", "01-demo", "triple"]):
        status, told = command(*words, "--course", course)
        assert status == 1
        assert "is no checkout of the course" in told
