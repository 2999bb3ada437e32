"""What an exercise lacks is named, all of it, whatever else is missing."""

import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import grader.tasks.graphs as chapter
from grader.authoring import parts
from grader.engine import catalogue
from grader.engine.task import Task
from grader.keys.graphs import right_answers
from grader.trusted.key import Key
from tests.conftest import ROOT

NAME = "two_heads"
TEXT = (ROOT / "solutions" / "01-graphs" / "01-graphs.md").read_text()
SECTION = TEXT[TEXT.index(f"## {NAME}\n") : TEXT.index("## second_derivative\n")]
STATEMENT, CELL = SECTION.split("\n", 1)[1].split("```{code-cell}", 1)
CELL = "```{code-cell}" + CELL

IN_MEMORY = {"task", "place in its chapter's list", "key", "other right answers"}
IN_TEXT = {
    "section": lambda text: text.replace(SECTION, ""),
    "statement": lambda text: text.replace(STATEMENT, "\n"),
    "solution cell": lambda text: text.replace(CELL, ""),
    "marks around its answer": lambda text: text.replace(CELL, CELL.replace(parts.END, "#")),
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A checkout whose solutions a test may change."""
    place = tmp_path_factory.mktemp("checkout")
    (place / "grader").symlink_to(ROOT / "grader")
    shutil.copytree(ROOT / "solutions", place / "solutions")
    return place


@pytest.fixture(scope="module")
def one_chapter(tmp_path_factory):
    """A checkout that has the solutions of one chapter alone."""
    place = tmp_path_factory.mktemp("one-chapter")
    (place / "grader").symlink_to(ROOT / "grader")
    (place / "solutions" / "01-graphs").mkdir(parents=True)
    return place


def take_away(gone, patch, checkout, name=NAME):
    if "task" in gone:
        patch.delitem(Task.registry, name)
    if "place in its chapter's list" in gone:
        patch.setattr(chapter, "EXERCISES", tuple(n for n in chapter.EXERCISES if n != name))
    if "key" in gone:
        patch.delitem(Key.registry, name)
    if "other right answers" in gone:
        patch.delitem(right_answers.ANSWERS, name)
    text = TEXT
    for part, without in IN_TEXT.items():
        text = without(text) if part in gone else text
    (checkout / "solutions" / "01-graphs" / "01-graphs.md").write_text(text)


def named(gone):
    """What is to be named: where a section is not, none of its parts is; nothing of nothing."""
    if {*IN_MEMORY, "section"} <= gone:
        return set()
    inside = set(IN_TEXT) - {"section"} if "section" in gone else set()
    return gone - inside - ({"marks around its answer"} if "solution cell" in gone else set())


def test_no_exercise_of_the_course_lacks_a_part():
    assert parts.missing(ROOT) == []


@settings(max_examples=50)
@given(st.sets(st.sampled_from([*sorted(IN_MEMORY), *IN_TEXT]), min_size=1))
def test_whatever_is_taken_away_is_named_and_nothing_else(one_chapter, gone):
    with pytest.MonkeyPatch.context() as patch:
        take_away(gone, patch, one_chapter)
        found = parts.missing(one_chapter, NAME)
        assert {one.part for one in found} == named(gone)
        assert all(one.cure.endswith(".") for one in found)


def test_one_missing_part_of_one_exercise_is_the_whole_list(checkout, monkeypatch):
    take_away({"key"}, monkeypatch, checkout)
    cure = "Write a class (Key, task='two_heads') in grader/keys/graphs/sweeps.py."
    assert parts.missing(checkout) == [parts.Missing(NAME, "key", cure)]


def test_a_key_in_another_module_than_its_tasks_is_missing(checkout, monkeypatch):
    take_away(set(), monkeypatch, checkout)
    monkeypatch.setattr(Key.registry[NAME], "__module__", "grader.keys.graphs.paths")
    assert [one.part for one in parts.missing(checkout)] == ["key"]


def test_a_section_in_another_place_than_its_chapters_list_has_it_is_named(checkout):
    text = checkout / "solutions" / "01-graphs" / "01-graphs.md"
    text.write_text(
        TEXT.replace(SECTION, "").replace("## walk_graph\n", f"{SECTION}## walk_graph\n")
    )
    (found,) = parts.missing(checkout)
    assert found.exercise == "walk_graph"
    assert "has 'two_heads' there" in found.cure


def test_a_chapter_without_a_text_lacks_every_section(checkout, monkeypatch):
    take_away(set(), monkeypatch, checkout)
    (checkout / "solutions" / "01-graphs" / "01-graphs.md").unlink()
    assert [one.exercise for one in parts.missing(checkout)] == list(chapter.EXERCISES)


def test_a_class_need_not_have_every_chapter_nor_every_exercise(tmp_path):
    folder = tmp_path / "solutions" / "01-graphs"
    folder.mkdir(parents=True)
    (folder / "01-graphs.md").write_text(TEXT.replace(SECTION, ""))
    assert parts.missing(tmp_path) == []
    (folder / "01-graphs.md").write_text(TEXT.replace(CELL, ""))
    assert [one.part for one in parts.missing(tmp_path)] == ["solution cell"]


@pytest.mark.parametrize("field", ["title", "points", "signatures"])
def test_what_a_task_does_not_say_is_named(checkout, monkeypatch, field):
    take_away(set(), monkeypatch, checkout)
    monkeypatch.delattr(type(Task.registry[NAME]), field)
    assert [one.part for one in parts.missing(checkout, NAME)] == [field]


@pytest.mark.parametrize(
    ("names", "part"), [({"CASES", "cases"}, "CASES"), ({"draw"}, "method draw")]
)
def test_what_a_task_does_not_do_is_named(checkout, monkeypatch, names, part):
    take_away(set(), monkeypatch, checkout)
    task = type(Task.registry[NAME])
    for name in names & set(vars(task)):
        monkeypatch.delattr(task, name)
    assert [one.part for one in parts.missing(checkout, NAME)] == [part]


@pytest.mark.parametrize(
    ("listed", "complaint"),
    [
        (("no_such_task",), "01-graphs lists 'no_such_task', and no task there has that id"),
        ((NAME,), f"01-graphs lists '{NAME}' 2 times"),
    ],
)
def test_a_list_and_tasks_that_do_not_agree_are_refused_by_name(monkeypatch, listed, complaint):
    monkeypatch.setattr(chapter, "EXERCISES", (*chapter.EXERCISES, *listed))
    with pytest.raises(catalogue.BrokenOrder, match=complaint) as refusal:
        catalogue.tasks.__wrapped__()
    assert "grader/tasks/graphs/__init__.py" in refusal.value.what


def test_a_task_that_its_chapter_does_not_list_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(chapter, "EXERCISES", chapter.EXERCISES[1:])
    with pytest.raises(catalogue.BrokenOrder, match="does not list 'two_path_grad'"):
        catalogue.tasks.__wrapped__()


def test_a_chapter_has_its_exercises_in_the_order_of_its_list(monkeypatch):
    turned = chapter.EXERCISES[::-1]
    monkeypatch.setattr(chapter, "EXERCISES", turned)
    assert tuple(catalogue.tasks.__wrapped__())[: len(turned)] == turned
