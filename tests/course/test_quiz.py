"""Questions: every option explains itself, answers are computed, and the keyboard is enough."""

import re
import warnings
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course.errors import shows_error
from course.quiz import choice, order, predict
from course.quiz.outcome import run, shown
from grader.notebook.record import records

numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)


def two_paths():
    """A gradient, computed where a question can show how."""
    w = torch.tensor(1.0, requires_grad=True)
    y = (2 + w) * (w + 1)  # two paths
    y.backward()
    return w.grad


def two_paths_asked(**beliefs):
    return predict("What is it?", two_paths, why="Paths **add**.", beliefs=beliefs)


def heads():
    return order(
        "Put in order.",
        {
            "a": "a = torch.tensor(3.0, requires_grad=True)",
            "b": "b = a**2",
            "keep": "b.backward(retain_graph=True)",
            "last": "b.backward()",
        },
        {
            ("a", "b"): "It needs a.",
            ("b", "keep"): "It needs b.",
            ("keep", "last"): "It frees what the other needs.",
        },
        gives="a.grad",
    )


# choices


def test_an_option_without_an_explanation_is_refused():
    with pytest.raises(ValueError, match="no explanation for"):
        choice("?", {"1": "yes", "2": " "}, answer="1")


def test_an_answer_that_is_not_what_the_code_gives_is_refused():
    with pytest.raises(ValueError, match=r"answer='1', but the code gives '2'"):
        choice("?", {"1": "a", "2": "b"}, answer="1", run=lambda: 2)


def test_an_answer_that_is_not_among_the_options_is_refused():
    with pytest.raises(ValueError, match="'3' is right but not among the options"):
        choice("?", {"1": "a", "2": "b"}, run=lambda: 3)


def test_a_question_with_neither_code_nor_answer_is_refused():
    with pytest.raises(ValueError, match="needs run= or answer="):
        choice("?", {"1": "a"})


def test_every_option_shows_its_explanation_and_the_right_one_is_marked_in_words():
    page = choice("?", {"5": "both paths", "3": "one path"}, run=two_paths)._repr_html_()
    assert re.search(r"<summary[^>]*>5</summary>.*?✓ Right\.</strong> both paths", page)
    assert re.search(r"<summary[^>]*>3</summary>.*?✗ Not so\.</strong> one path", page)
    assert page.count("<details>") == 2
    assert page.count("✓") == 1


def test_an_error_can_be_the_answer_and_its_text_is_shown():
    asked = choice("?", {"TypeError": "a", "5": "b"}, run=lambda: None + 1)
    assert asked.answer == "TypeError"
    assert "TypeError: unsupported operand" in asked._repr_html_()


def test_text_of_a_question_is_markdown_and_never_html():
    page = choice("`a<b`", {"<i>x</i>": "**so**"}, answer="<i>x</i>")._repr_html_()
    assert "<code>a&lt;b</code>" in page
    assert "<i>" not in page
    assert "<strong>so</strong>" in page


# predictions


@given(st.lists(numbers, min_size=1, max_size=4))
def test_a_prediction_written_as_it_would_be_shown_is_right(values):
    assert run(lambda: values).agrees(shown(values))
    assert run(lambda: torch.tensor(values)).agrees(shown(torch.tensor(values)))


@given(numbers.filter(lambda value: abs(value) > 1e-3), st.sampled_from([-1, 0, 0.99, 1.01, 2]))
def test_a_prediction_that_is_off_is_wrong(value, factor):
    assert not run(lambda: value).agrees(repr(factor * value))


@pytest.mark.parametrize("text", ["5", "5.0", " 5. ", "tensor(5.)", "10/2"])
def test_a_number_may_be_written_in_many_ways(text):
    assert run(two_paths).agrees(text)


@pytest.mark.parametrize(
    ("value", "right", "wrong"),
    [
        (-76, "−76", "76"),
        (None, "none", "0"),
        (True, "yes", "1"),
        ((True, False), "(True, False)", "(False, True)"),
        ([2, 4], "2, 4", "[4, 2]"),
        ([2, 4], "[2,4]", "[2, 4, 6]"),
        ("AddBackward0", "addbackward0", "MulBackward0"),
        (7, "7", "seven"),
    ],
)
def test_a_prediction_is_compared_by_what_it_means(value, right, wrong):
    assert run(lambda: value).agrees(right)
    assert not run(lambda: value).agrees(wrong)


@pytest.mark.parametrize("text", ["error", "It raises", "ZeroDivisionError"])
def test_an_error_can_be_predicted(text):
    outcome = run(lambda: 1 / 0)
    assert outcome.agrees(text)
    assert not outcome.agrees("0")


def test_a_question_shows_the_code_that_it_runs():
    assert two_paths_asked().source.splitlines() == [
        '"""A gradient, computed where a question can show how."""',
        "w = torch.tensor(1.0, requires_grad=True)",
        "y = (2 + w) * (w + 1)  # two paths",
        "y.backward()",
        "w.grad",
    ]


def test_the_output_is_shown_only_after_a_prediction_is_in():
    form = two_paths_asked(**{"3": "One path alone."}).widget()
    assert form.reply == ""
    assert "5" not in re.sub(r"<style>.*?</style>|<[^>]+>", "", form.asked, flags=re.S)

    form.commit("3")
    assert "<code>5</code>" in form.reply
    assert "✗ Not so.</strong> You predicted <code>3</code>. One path alone." in form.reply
    assert "Paths <strong>add</strong>." in form.reply


def test_a_right_prediction_is_called_right_and_explained_too():
    form = two_paths_asked().widget()
    form.commit("5")
    assert "✓ Right.</strong> You predicted <code>5</code>." in form.reply
    assert "Paths <strong>add</strong>." in form.reply


@pytest.mark.parametrize("value", ["", "  ", None, 5, ["5"]])
def test_what_is_no_prediction_is_not_judged(value):
    form = two_paths_asked().widget()
    form.commit(value)
    assert (form.reply, form.number) == ("", 0)


# answers are recorded


@pytest.fixture
def own_record(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOGRAD_COURSE_DATA", str(tmp_path))


def test_the_first_answer_is_kept_and_shown_with_every_later_one(own_record):
    form = replace(two_paths_asked(), id="two-paths").widget()
    form.commit("3")
    assert "first answer" not in form.reply
    form.commit("5")
    assert "✓ Right." in form.reply
    assert "Your first answer was not right: <code>3</code>." in form.reply
    assert records.answers() == {"two-paths": records.Answered("3", False, True, 2)}


def test_of_options_the_one_opened_first_is_the_answer(own_record):
    asked = replace(choice("?", {"5": "both", "3": "one"}, run=two_paths), id="which")
    asked.widget().commit(1)
    assert records.answers() == {"which": records.Answered("3", False, False, 1)}


@pytest.mark.parametrize("value", [2, -1, None, "5", 1.0])
def test_what_is_no_option_is_not_recorded(own_record, value):
    replace(choice("?", {"5": "both", "3": "one"}, run=two_paths), id="which").widget().commit(
        value
    )
    assert records.answers() == {}


def test_an_answer_belongs_to_the_record_of_when_the_question_was_asked(
    own_record, tmp_path, monkeypatch
):
    """The page to start from goes on with a record of its own, to try things out."""
    form = replace(two_paths_asked(), id="two-paths").widget()
    monkeypatch.setenv("AUTOGRAD_COURSE_DATA", str(tmp_path / "another"))
    form.commit("3")
    assert records.answers() == {}
    monkeypatch.setenv("AUTOGRAD_COURSE_DATA", str(tmp_path))
    assert "two-paths" in records.answers()


def test_an_order_is_recorded_as_it_was_laid(own_record):
    asked = replace(heads(), id="heads")
    shown = asked.shuffled()
    form = asked.widget()
    assert form.lines == [asked.lines[name] for name in shown]
    form.commit([shown.index(name) for name in ("a", "b", "keep", "last")])
    assert "✓ Right." in form.reply
    assert "<code>a.grad</code> is <code>12</code>" in form.reply
    known = records.answers()["heads"]
    assert known.first_right
    assert known.first.endswith("b.backward(retain_graph=True); b.backward()")


@pytest.mark.parametrize(
    "value", [[0, 1], [0, 0, 1, 2], [0, 1, 2, 9], "0123", None, [0, 1, 2, [3]]]
)
def test_what_is_no_whole_order_is_not_judged(value):
    form = heads().widget()
    form.commit(value)
    assert (form.reply, form.number) == ("", 0)


def test_a_question_of_the_notebooks_own_is_not_kept(own_record):
    two_paths_asked().widget().commit("3")
    assert records.answers() == {}


def test_what_has_become_of_the_record_is_said_with_the_answer(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AUTOGRAD_COURSE_DATA", str(tmp_path / "file" / "below"))
    form = replace(two_paths_asked(), id="two-paths").widget()
    form.commit("3")
    assert "cannot be written" in form.reply
    form.commit("5")
    assert "cannot be written" not in form.reply
    assert "Your first answer was not right" in form.reply  # all works from memory


# asked another time


def test_options_and_lines_are_asked_again_in_another_order():
    asked = choice("?", {str(n): "so" for n in range(6)}, answer="3")
    again = asked.in_another_order(1)
    assert list(again.options) != list(asked.options)
    assert again.options == asked.options
    assert again.answer == asked.answer
    turns = {tuple(replace(heads(), id="heads", turn=turn).shuffled()) for turn in range(8)}
    assert len(turns) > 1
    assert not any(heads().broken(order) is None for order in turns)


def test_a_prediction_without_a_reason_or_with_a_belief_that_is_right_is_refused():
    with pytest.raises(ValueError, match="say why"):
        predict("?", two_paths, why="")
    with pytest.raises(ValueError, match="is called a mistake, but it is right"):
        two_paths_asked(**{"5.0": "No."})


def test_a_warning_is_shown_with_the_answer_and_not_before(recwarn):
    def warns():
        warnings.warn("look out", stacklevel=1)
        print("printed")
        return

    asked = predict("?", warns, why="Because.")
    assert not recwarn.list
    folded = asked._repr_html_().split("<details>")[1]
    assert "printed" in folded
    assert "⚠ UserWarning: look out" in folded


# orders


def test_an_order_is_right_if_and_only_if_it_runs_to_the_result():
    asked = heads()
    meant = asked.outcome(list(asked.lines)).text
    for names in asked.orders():
        works = asked.outcome(names).text == meant
        assert ("✓ Right." in asked.reply(names)) == works
        assert ("✗ Not so." in asked.reply(names)) != works


def test_a_wrong_order_is_told_which_line_comes_too_late_and_what_happens():
    told = heads().reply(("a", "b", "last", "keep"))
    assert "RuntimeError: Trying to backward through the graph a second time" in told
    assert "It frees what the other needs." in told


@given(st.text(max_size=8))
def test_lines_are_never_laid_out_in_an_order_that_is_right(id):
    asked = replace(order("?", {"x": "x = 1", "y": "y = x"}, {("x", "y"): "y"}, gives="y"), id=id)
    assert asked.broken(asked.shuffled()) is not None


@pytest.mark.parametrize(
    ("lines", "before", "said"),
    [
        ({"x": "x = 1"}, {("x", "z"): "."}, r"no line called \['z'\]"),
        ({"y": "y = 1", "x": "x = 1"}, {("x", "y"): "."}, "write the lines in an order that works"),
        ({"x": "x = nothing"}, {}, "the lines as written raise"),
    ],
)
def test_an_order_that_contradicts_itself_is_refused(lines, before, said):
    with pytest.raises(ValueError, match=said):
        order("?", lines, before, gives="x")


# pages without a kernel


@pytest.mark.parametrize("variable", ["AUTOGRAD_COURSE_STATIC", "NBGRADER_EXECUTION"])
def test_where_there_will_be_no_kernel_a_question_is_plain_html(monkeypatch, variable):
    live = two_paths_asked()._repr_mimebundle_()
    assert set(live) == {
        "application/vnd.jupyter.widget-view+json",
        "text/html",
        "text/plain",
    }
    monkeypatch.setenv(variable, "1")
    assert set(two_paths_asked()._repr_mimebundle_()) == {"text/html", "text/plain"}


def test_the_static_form_folds_the_answer_and_the_replies():
    asked, folded = two_paths_asked(**{"3": "One path."})._repr_html_().split("<details>")
    assert "w.grad" in asked
    for part in ("<code>5</code>", "Paths <strong>add</strong>", "One path."):
        assert part not in asked
        assert part in folded


# errors in lessons


def test_an_error_of_autograd_is_shown_with_its_meaning_and_its_cure(capsys):
    with shows_error(RuntimeError, "scalar outputs"):
        torch.ones(3, requires_grad=True).exp().backward()
    said = capsys.readouterr().out
    assert said.startswith("RuntimeError: grad can be implicitly created only for scalar outputs")
    assert "What it means: " in said
    assert "Cure: " in said


def test_an_error_is_shown_without_the_marks_that_a_terminal_writes_bold_by(capsys):
    with shows_error(ValueError, "do so only"):
        raise ValueError("two options, \x1b[1mdo so only if you trust the file\x1b[0m.")
    said = capsys.readouterr().out
    assert said.startswith("ValueError: two options, do so only if you trust the file.")


def test_code_that_was_to_raise_and_does_not_is_a_failure():
    with (
        pytest.raises(AssertionError, match="was to raise RuntimeError"),
        shows_error(RuntimeError, "anything"),
    ):
        torch.ones(())


def test_an_error_that_says_something_else_is_a_failure():
    with shows_error(RuntimeError, "for scalar outputs"):
        torch.ones(3, requires_grad=True).exp().backward()
    with (
        pytest.raises(AssertionError, match="was to say 'a second time'"),
        shows_error(RuntimeError, "a second time"),
    ):
        torch.ones(3, requires_grad=True).exp().backward()


def test_an_error_of_another_kind_is_not_swallowed():
    with pytest.raises(ZeroDivisionError), shows_error(RuntimeError, "by zero"):
        1 / 0  # noqa: B018
