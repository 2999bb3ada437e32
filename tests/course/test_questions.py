"""What the lessons ask: each question stands on its own, and its answer is what its code gives."""

import ast
import inspect

import pytest

from course.questions import UnknownQuestion, ask, by_chapter, catalogue, of
from course.questions.entry import Entry, question
from course.quiz import Choice, Order, Predict, choice, predict
from tests.fixtures.lesson_texts import ROOT, made

ASKED = [id for ids in by_chapter().values() for id in ids]
FILES = {path.stem for path in (ROOT / "course" / "questions").glob("*.py")}

every_question = pytest.mark.parametrize("id", ASKED)
every_chapter = pytest.mark.parametrize(
    "chapter", catalogue.CHAPTERS, ids=lambda chapter: chapter.__name__.rpartition(".")[2]
)


def test_every_question_of_the_course_has_an_id_of_its_own():
    assert len(set(ASKED)) == len(ASKED)


def test_no_chapter_is_forgotten():
    assert FILES - {"__init__", "catalogue", "entry"} == set(by_chapter())


@every_chapter
def test_a_chapter_holds_questions_and_nothing_else(chapter):
    """A function that is not marked, or that another of its name hides, would never be asked."""
    written = ast.parse(inspect.getsource(chapter)).body
    names = [node.name for node in written if isinstance(node, ast.FunctionDef)]
    assert [name.replace("_", "-") for name in names] == list(
        of(chapter.__name__.rpartition(".")[2])
    )
    for node in written[1:]:
        assert isinstance(node, ast.ImportFrom | ast.Import | ast.FunctionDef), ast.unparse(node)


@every_chapter
def test_a_question_needs_nothing_but_torch(chapter):
    """A program that is shown runs where it is copied to."""
    imported = {
        node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.parse(inspect.getsource(chapter)).body
        if isinstance(node, ast.ImportFrom | ast.Import)
    }
    assert imported <= {"__future__", "torch", "course.questions.entry", "course.quiz"}


@every_question
def test_the_right_answer_is_what_the_code_gives(id):
    """Making it raises if an option has no explanation, if the computed answer is not among the
    options, or if a belief called wrong is right.
    """
    asked = made(id)
    assert asked.id == id
    if isinstance(asked, Choice):
        assert asked.outcome is not None, "give the question run=, which computes its answer"
        assert asked.answer == asked.outcome.text
        assert len(asked.options) >= 2
    elif isinstance(asked, Predict):
        assert asked.outcome.agrees(asked.outcome.text)
        assert asked.source
    else:
        assert isinstance(asked, Order)


@every_chapter
def test_an_order_is_accepted_if_and_only_if_it_works(chapter):
    """Every order of the lines is run."""
    for id in of(chapter.__name__.rpartition(".")[2]):
        asked = made(id)
        if isinstance(asked, Order):
            meant = asked.outcome(list(asked.lines))
            for names in asked.orders():
                outcome = asked.outcome(names)
                works = outcome.error is None and outcome.text == meant.text
                assert (asked.broken(names) is None) == works, (id, names)


@every_question
def test_the_id_of_a_question_does_not_hold_its_answer(id):
    """It stands in the lesson's cell, and is read before the question."""
    asked = made(id)
    if not isinstance(asked, Order):
        assert asked.outcome.text.strip("`").casefold() not in id.split("-")


# finding and making one


@pytest.mark.parametrize("unknown", ["two-path", "two_paths", "Two paths", "", "x" * 500, None])
def test_a_question_that_is_not_there_is_answered_by_the_nearest(unknown):
    with pytest.raises(UnknownQuestion) as caught:
        ask(unknown)
    assert str(caught.value).startswith(f"There is no question {str(unknown)[:60]!r}. Did you mean")
    if unknown and len(unknown) < 10:
        assert "Did you mean 'two-paths'?" in str(caught.value)


def test_a_question_runs_its_code_when_it_is_asked_and_not_before():
    runs = []

    @question
    def how_many_runs():
        return predict("How many?", lambda: runs.append(1), why="Once.")

    assert runs == []
    assert isinstance(how_many_runs, Entry)
    assert how_many_runs.ask().id == "how-many-runs"
    assert runs == [1]


@pytest.mark.parametrize("answer", ["3", None])
def test_a_question_that_cannot_be_made_is_named(answer):
    @question
    def of_two_options():
        return choice("Which?", {"1": "One.", "2": "Two."}, answer=answer)

    with pytest.raises(ValueError, match=r"among the options|needs run=") as caught:
        of_two_options.ask()
    assert caught.value.__notes__ == [f"This is the question 'of-two-options' of {__name__}."]
