"""What a notebook is told by check, hint, solution and progress, and nbgrader by check."""

import ast
import html.parser
import inspect
import io
import json
import math
import re
import signal
import sys
import threading
import time
from types import ModuleType, SimpleNamespace

import IPython.display
import pytest
import torch

import grader
from grader import CheckFailed, Outcome, UnknownExercise, check
from grader.engine.catalogue import find, tasks
from grader.notebook import clock, guidance, onward
from grader.notebook.checking import verdict_on
from grader.notebook.texts.solutions import other_answers
from tests.conftest import environment
from tests.fixtures import kernels


def right(x, w):
    return w + 1, x + 2 * w + 1


def wrong(x, w):
    return w + 1, w + 1


def codes(verdict):
    return [finding.code for finding in verdict.findings]


@pytest.fixture
def own_record(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOGRAD_COURSE_DATA", str(tmp_path))
    return tmp_path / "record.json"


# The four outcomes


def test_a_right_answer_is_told_what_was_checked(own_record):
    verdict = check("two_path_grad", right)
    assert verdict.passed
    assert verdict.credit == 1.0
    assert verdict.headline == "Right: two_path_grad agrees with torch in all 4 cases."
    assert "Checked: 5 numbers; one number; 7 numbers in float32; w = 0" in str(verdict)


def test_a_wrong_answer_is_told_its_mistake_with_the_numbers(own_record):
    verdict = check("two_path_grad", wrong)
    assert verdict.outcome is Outcome.WRONG
    assert codes(verdict) == ["two_path_grad.first_path_only"]
    assert verdict.headline == "Not yet: 0 of 4 cases pass."
    told = str(verdict)
    assert "You followed only the path from w through a = x + w." in told
    assert re.search(r"dw: expected \[.*\]\n +received \[", told)
    assert "greatest absolute difference" in told


def untouched(x, w):
    raise NotImplementedError


def empty(x, w):
    """Return dy/dx and dy/dw."""


def ellipsis(x, w): ...


def passing(x, w):
    pass


def returning_none(x, w):
    return None


@pytest.mark.parametrize("answer", [untouched, empty, ellipsis, passing, returning_none])
def test_starting_code_is_not_attempted(answer, own_record):
    verdict = check("two_path_grad", answer)
    assert (verdict.outcome, verdict.credit) == (Outcome.NOT_ATTEMPTED, 0.0)
    assert "starting code of two_path_grad" in verdict.headline
    assert "run its cell first" in verdict.headline
    assert not own_record.exists()


@pytest.mark.parametrize(
    "answer",
    [
        lambda x, w: "constant",
        lambda x, w: 0,
        lambda x, w: ...,
        lambda x, w: x,
        lambda x, w: (None, None),
    ],
)
def test_a_short_answer_is_an_attempt(answer, own_record):
    assert check("two_path_grad", answer).outcome is Outcome.WRONG


@pytest.mark.parametrize(
    ("functions", "code", "told"),
    [
        ((), "CHECK.missing", 'write check("two_path_grad", two_path_grad)'),
        ((right, right), "CHECK.missing", 'write check("two_path_grad", two_path_grad)'),
        ((None,), "CHECK.not_callable", "a value of type NoneType, and not a function"),
        ((torch.ones(2),), "CHECK.not_callable", "a value of type Tensor, and not a function"),
        (((right, 1),), "CHECK.not_callable", "a value of type tuple"),
        ((lambda x: x,), "CHECK.arguments", "arguments (x, w), but yours is defined with (x)"),
        ((lambda: 1,), "CHECK.arguments", "yours is defined with ()"),
        ((lambda x, w, v: 1,), "CHECK.arguments", "yours is defined with (x, w, v)"),
        ((lambda *, x, w: 1,), "CHECK.arguments", "yours is defined with (*, x, w)"),
    ],
)
def test_what_cannot_be_called_could_not_be_checked(functions, code, told, own_record):
    verdict = check("two_path_grad", *functions)
    assert (verdict.outcome, verdict.credit) == (Outcome.COULD_NOT_CHECK, 0.0)
    assert codes(verdict) == [code]
    assert told in verdict.findings[0].message
    assert not own_record.exists()


class Callable:
    """An object that answers when it is called, and lies about how."""

    __signature__ = "not a signature"
    __name__ = 5

    def __call__(self, x, w):
        return right(x, w)


class Unpresentable:
    def __repr__(self):
        raise ValueError


UNPRESENTABLE = Unpresentable()


def odd_default(x, w, v, scale=UNPRESENTABLE):
    return 1


def test_anything_that_can_be_called_may_answer(own_record):
    assert check("two_path_grad", Callable()).passed
    assert check("two_path_grad", lambda *args: right(*args)).passed
    assert check("two_path_grad", lambda x, w, scale=1: right(x, w)).passed
    assert check("two_path_grad", torch.no_grad()(right)).passed
    assert check("two_path_grad", max).outcome is Outcome.WRONG
    assert codes(check("two_path_grad", odd_default)) == ["CHECK.arguments"]


def test_what_comes_later_is_no_answer(own_record):
    def one_by_one(x, w):
        yield from right(x, w)

    async def later(x, w):
        return right(x, w)

    assert "a generator" in check("two_path_grad", one_by_one).findings[0].message
    with pytest.warns(RuntimeWarning, match="never awaited"):
        assert "a coroutine" in check("two_path_grad", later).findings[0].message


# Ids


@pytest.mark.parametrize(
    ("given", "near"),
    [
        ("two_path_gard", "two_path_grad"),
        ("two path grad", "two_path_grad"),
        ("Two_Path_Grad", "two_path_grad"),
        ("jacobian", "jacobian_rows"),
        ("weighted_backward", "vjp_vector"),
        ("hess_diag", "second_derivative"),
    ],
)
def test_an_unknown_id_is_met_with_the_nearest(given, near):
    with pytest.raises(UnknownExercise, match=f"Did you mean '{near}'"):
        check(given)
    for call in (grader.hint, grader.solution):
        assert f"Did you mean '{near}'" in str(call(given))


@pytest.mark.parametrize("given", ["", "qqqqqq", "\x00", "a" * 10_000])
def test_an_id_like_no_other_is_met_with_the_list(given):
    with pytest.raises(UnknownExercise, match=r"grader\.exercises\(\)") as error:
        check(given, right)
    assert len(str(error.value)) < 200


@pytest.mark.parametrize("given", [right, None, 3, ["two_path_grad"], {}, torch.ones(3)])
def test_an_id_that_is_no_text_is_met_with_an_example(given):
    with pytest.raises(UnknownExercise, match="a text such as 'two_path_grad'"):
        check(given, right)


# Where the course cannot do its part


def test_without_keys_nothing_is_compared(monkeypatch, own_record):
    monkeypatch.setattr("grader.recorded.find.has_keys", lambda: False)
    verdict = check("two_path_grad", right)
    assert verdict.outcome is Outcome.COULD_NOT_CHECK
    assert codes(verdict) == ["CHECK.no_key"]
    assert not own_record.exists()


def test_a_device_that_is_not_there_is_named(monkeypatch, own_record):
    monkeypatch.setenv("AUTOGRAD_COURSE_DEVICE", "no_such_device")
    verdict = check("two_path_grad", right)
    assert verdict.outcome is Outcome.COULD_NOT_CHECK
    assert codes(verdict) == ["CHECK.no_device"]
    assert "AUTOGRAD_COURSE_DEVICE" in verdict.findings[0].message


def test_the_device_can_be_chosen(monkeypatch):
    monkeypatch.setenv("AUTOGRAD_COURSE_DEVICE", "cpu")
    assert grader.device() == "cpu"


def test_a_reference_that_the_notebook_broke_is_not_the_learners_mistake(monkeypatch, own_record):
    monkeypatch.setattr(torch.autograd, "grad", None)
    verdict = check("two_path_grad", right)
    assert verdict.outcome is Outcome.COULD_NOT_CHECK
    assert codes(verdict) == ["CHECK.reference_failed"]
    assert "restart the kernel" in verdict.findings[0].message


# What is shown


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> & \"quotes\" 'and' `ticks`"


class Tags(html.parser.HTMLParser):
    """Which tags and attributes a page has."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes = set(), set()
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def hostile_error(x, w):
    raise ValueError(HOSTILE)


def hostile_prints(x, w):
    print(HOSTILE)
    return wrong(x, w)


def hostile_warning(x, w):
    import warnings

    warnings.warn(HOSTILE, stacklevel=1)
    return wrong(x, w)


def hostile_value(x, w):
    return type(HOSTILE, (), {"__module__": "__main__"})(), HOSTILE


def hostile_error_name(x, w):
    raise type(HOSTILE, (Exception,), {"__module__": "__main__"})(HOSTILE)


@pytest.mark.parametrize(
    "answer",
    [hostile_error, hostile_prints, hostile_warning, hostile_value, hostile_error_name],
)
def test_nothing_of_the_learners_is_live_in_the_page(answer, own_record):
    verdict = check("two_path_grad", answer)
    page = Tags(verdict._repr_html_())
    assert page.tags <= {"div", "strong", "p", "pre", "code", "details", "summary"}
    assert page.attributes <= {"role", "class", "data-outcome", "style"}
    assert "alert(1)" in verdict._repr_html_()


def test_hostile_keys_of_a_dict_are_not_live_in_the_page(own_record):
    verdict = check("edge_products", lambda a, w1, w2, w3, w4: {HOSTILE: a})
    assert Tags(verdict._repr_html_()).tags <= {"div", "strong", "p", "pre", "code"}


def test_a_verdict_reads_as_text_wherever_no_page_is_shown(own_record):
    verdict = check("two_path_grad", wrong)
    assert repr(verdict) == str(verdict)
    for line in str(verdict).splitlines():
        words = [word for word in re.split(r"[ `]+", line) if word]
        shown = re.sub(r"<[^>]+>", "", verdict._repr_html_())
        assert all(word.replace("'", "&#x27;") in shown for word in words if word.isalnum())


def test_what_was_printed_and_warned_is_in_text_and_page(own_record):
    verdict = check("two_path_grad", hostile_prints)
    assert "  | <script>" in str(verdict)
    assert "What it printed" in verdict._repr_html_()
    verdict = check("two_path_grad", hostile_warning)
    assert "  warning: <script>" in str(verdict)
    assert "⚠ Warning: &lt;script&gt;" in verdict._repr_html_()


# nbgrader


@pytest.fixture(params=["validate", "autograde"])
def displayed(request, monkeypatch, own_record):
    monkeypatch.setenv("NBGRADER_EXECUTION", request.param)
    shown = []
    monkeypatch.setattr(IPython.display, "display", shown.append)
    return shown


def test_under_nbgrader_a_passed_check_displays_and_returns_nothing(displayed, own_record, capfd):
    assert check("two_path_grad", right) is None
    assert [verdict.passed for verdict in displayed] == [True]
    assert not own_record.exists()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "functions",
    [(wrong,), (untouched,), (), (None,), (hostile_error,), (lambda x, w: right(x, w)[0],)],
)
def test_under_nbgrader_every_other_outcome_raises_the_verdict(
    functions, displayed, own_record, capfd
):
    with pytest.raises(CheckFailed) as failed:
        check("two_path_grad", *functions)
    assert str(failed.value) == str(verdict_on(find("two_path_grad"), functions))
    assert not displayed
    assert not own_record.exists()
    assert capfd.readouterr().err == ""


def test_an_answer_cannot_leave_nbgrader_by_the_environment(displayed, monkeypatch):
    def leaving(x, w):
        monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
        return wrong(x, w)

    with pytest.raises(CheckFailed):
        check("two_path_grad", leaving)


def test_a_warning_of_torch_costs_no_points_under_nbgrader(displayed, capfd):
    def warned(x, w):
        y = x.clone().requires_grad_() * 2
        assert y.grad is None
        return right(x, w)

    assert check("two_path_grad", warned) is None
    assert displayed[0].warned[0].startswith("The .grad attribute of a Tensor")
    assert capfd.readouterr().err == ""


# Hints, solutions, progress


def test_hints_come_one_after_the_other_and_then_stay(own_record):
    shown = [str(grader.hint("two_path_grad")) for _ in range(4)]
    assert [text[:11] for text in shown] == [
        "Hint 1 of 3",
        "Hint 2 of 3",
        "Hint 3 of 3",
        "Hint 3 of 3",
    ]
    assert str(grader.hint("two_path_grad", 1)).startswith("Hint 1 of 3")
    assert str(grader.hint("two_path_grad", 99)).startswith("Hint 3 of 3")


def test_the_solution_is_kept_until_the_hints_are_read_or_the_exercise_is_right(own_record):
    assert "reveal=True" in str(grader.solution("two_path_grad"))
    assert "press" not in str(grader.solution("two_path_grad"))  # here is no button
    assert "def two_path_grad" in str(grader.solution("two_path_grad", reveal=True))
    for _ in range(3):
        grader.hint("two_path_grad")
    assert "def two_path_grad" in str(grader.solution("two_path_grad"))
    assert "reveal=True" in str(grader.solution("vjp_vector"))
    check("vjp_vector", lambda x, v: 3 * x**2 * v)
    assert "def weighted_backward" in str(grader.solution("vjp_vector"))


def test_a_hint_without_a_name_is_about_the_last_check(own_record, monkeypatch):
    monkeypatch.setattr(guidance, "_last", [])
    assert "Name the exercise" in str(grader.hint())
    assert "Name the exercise" in str(grader.solution())
    check("vjp_vector", lambda x, v: v)
    assert str(grader.hint()).startswith(f"Hint 1 of 3: {find('vjp_vector').hints[0]}")
    check("two_path_grad", wrong)
    assert str(grader.hint(number=2)).startswith(f"Hint 2 of 3: {find('two_path_grad').hints[1]}")
    assert "def two_path_grad" in str(grader.solution(reveal=True))


def test_a_hint_names_the_section_and_the_last_one_what_is_left(own_record):
    first, *_, last = (str(grader.hint("two_path_grad")) for _ in range(3))
    assert "The section to read: 1.2 " in first
    assert "solution(" not in first
    assert "What is left is solution('two_path_grad')" in last


def test_a_solution_is_coloured_explained_and_followed_by_other_right_answers(own_record):
    shown = grader.solution("two_path_grad", reveal=True)
    assert "Yours may look different and be right" in str(shown)
    assert "2 other right answers" in shown.page
    assert re.search(r"<span class=\"k\">def</span>", shown.page)
    assert "1.2 " in shown.page


@pytest.mark.parametrize("task", tasks().values(), ids=lambda task: task.id)
def test_every_other_right_answer_that_is_shown_stands_by_itself(task, same_answers):
    """It runs in a namespace that holds what an exercise notebook imports, and passes."""
    for source in other_answers(task.id):
        space = {"torch": torch}
        exec(source, space)
        defined = [one.name for one in ast.parse(source).body if hasattr(one, "decorator_list")]
        assert verdict_on(task, [space[name] for name in defined]).passed, source


def test_a_failure_leads_to_the_section_and_a_pass_to_the_next_exercise(own_record):
    failed, passed = check("two_path_grad", wrong), check("two_path_grad", right)
    assert "The section to read: 1.2 " in str(failed)
    assert "`hint()` gives the next hint, and `solution()` a model answer" in str(failed)
    assert "Next exercise: 2. Products along edges" in str(passed)
    assert "section" not in str(passed)
    assert failed.onward.buttons == ("hint", "solution")
    assert passed.onward.buttons == ("solutions",)


def test_what_is_right_already_is_not_the_next_exercise(own_record):
    own = [task.id for task in tasks().values() if task.chapter == "01-graphs"]
    entries = {name: {"credit": 1.0} for name in own[1:]}
    record = {"version": 2, "exercises": entries | {own[3]: {"credit": 0.5}}}
    own_record.write_text(json.dumps(record))
    assert f"Next exercise: 4. {find(own[3]).title}" in str(check("two_path_grad", right))
    own_record.write_text(json.dumps({"version": 2, "exercises": entries}))
    last = str(check("two_path_grad", right))
    assert "Every exercise of this chapter is right." in last
    assert "Next lesson: 2 " in last


def test_links_of_a_verdict_lead_to_places_of_the_workspace(own_record, tmp_path, monkeypatch):
    inside = tmp_path / "exercises" / "01-graphs"
    inside.mkdir(parents=True)
    (inside / "01-graphs.ipynb").write_text("{}")
    (tmp_path / "lessons").mkdir()
    (tmp_path / "lessons" / "lesson-01-graphs.ipynb").write_text("{}")
    monkeypatch.chdir(inside)
    page = check("two_path_grad", wrong)._repr_html_()
    assert "href='../../lessons/lesson-01-graphs.ipynb#cell-id=1-2-" in page
    assert "href='01-graphs.ipynb#cell-id=2-" in check("two_path_grad", right)._repr_html_()


def test_where_no_solutions_are_there_is_no_button_for_one(own_record, monkeypatch):
    monkeypatch.setattr(onward, "has_solutions", lambda chapter: False)
    failed, passed = check("two_path_grad", wrong), check("two_path_grad", right)
    assert (failed.onward.buttons, passed.onward.buttons) == (("hint",), ())
    assert "solution()" not in f"{failed}{passed}"


def test_as_many_cases_are_counted_in_a_pass_as_in_a_failure(own_record):
    assert "0 of 4 cases" in check("two_path_grad", wrong).headline
    passed = check("two_path_grad", right)
    assert "all 4 cases" in passed.headline
    named = re.search("Checked: (.*?)[.] On another device it holds too", str(passed))[1]
    assert len(named.split("; ")) == 4


def test_progress_keeps_the_best_credit_of_each_exercise(own_record):
    assert "01-graphs: 0 of 77 points" in str(grader.progress())
    check("two_path_grad", right)
    check("two_path_grad", wrong)
    check("vjp_vector", lambda x, v: 3 * x**2)
    told = str(grader.progress())
    assert "01-graphs: 8 of 77 points" in told
    assert re.search(r"✓ right +two_path_grad \(8\)", told)
    assert re.search(r"✗ wrong so far \(0%\) +vjp_vector", told)
    assert re.search(r"○ not attempted +walk_graph", told)
    assert "two_path_grad" in grader.progress()._repr_html_()


# The failing case, to be looked at


def test_the_inputs_of_the_failing_case_are_given_as_copies_by_name(own_record):
    verdict = check("two_path_grad", wrong)
    inputs = verdict.inputs()
    assert list(inputs) == ["x", "w"]
    kept = inputs["w"].clone()
    inputs["w"].zero_()
    assert torch.equal(verdict.inputs()["w"], kept)
    assert all(map(torch.equal, verdict.rerun(), wrong(**verdict.inputs())))
    assert "v.inputs() gives the inputs of the case &quot;5 numbers&quot;" in verdict._repr_html_()


def only_one_number(x, w):
    return right(x, w) if len(x) != 1 else wrong(x, w)


def test_the_case_is_the_first_that_fails(own_record):
    verdict = check("two_path_grad", only_one_number)
    assert verdict.inputs()["x"].shape == (1,)
    assert 'the inputs of the case "one number"' in str(verdict)


def test_running_it_again_shows_the_answers_own_traceback(own_record):
    def broken(x, w):
        return w.missing

    with pytest.raises(AttributeError, match="missing") as raised:
        check("two_path_grad", broken).rerun()
    assert raised.traceback[-1].name == "broken"


def test_models_are_given_as_the_answer_gets_them(own_record):
    verdict = check("evaluate", lambda model, x: model(x))
    inputs = verdict.inputs()
    assert isinstance(inputs["model"], torch.nn.Module)
    assert inputs["model"] is not verdict.inputs()["model"]
    assert isinstance(verdict.rerun(), torch.Tensor)


def test_of_a_table_it_is_the_first_answer_that_is_wrong(own_record):
    def always(expression, x, retain_graph):
        return True

    def raising(expression, x, retain_graph):
        y = eval(expression, {"x": x, "torch": torch}).sum()
        y.backward()
        y.backward()
        return True

    for answer in (always, raising):
        assert check("will_it_raise", answer).inputs()["expression"] == "x * 2"


def test_nothing_is_given_where_no_case_fails_or_a_class_is_graded(own_record):
    with pytest.raises(LookupError, match="No case fails"):
        check("two_path_grad", right).inputs()
    with pytest.raises(LookupError, match="hidden cases are drawn where it is graded"):
        verdict_on(find("two_path_grad"), [wrong]).rerun()


def test_nothing_of_it_stands_in_what_nbgrader_shows(displayed):
    with pytest.raises(CheckFailed) as failed:
        check("two_path_grad", wrong)
    assert "v.inputs()" not in str(failed.value)


# The clock


def endless(x, w):
    while True:
        x = x + 1


def stubborn(x, w):
    while True:
        try:
            x = x + 1
        except KeyboardInterrupt:
            raise ValueError from None


def catching_once(x, w):
    try:
        endless(x, w)
    except KeyboardInterrupt:
        endless(x, w)


@pytest.mark.parametrize("answer", [endless, stubborn, catching_once])
def test_what_never_ends_is_stopped_and_told_how_to_get_more_time(answer, own_record):
    verdict = check("two_path_grad", answer, seconds=0.2)
    assert (verdict.outcome, codes(verdict)) == (Outcome.WRONG, ["CHECK.too_long"])
    assert "check(&quot;two_path_grad&quot;, two_path_grad, seconds=2)" in verdict._repr_html_()
    assert check("two_path_grad", right).passed


def test_a_package_whose_import_was_stopped_is_imported_anew(own_record, tmp_path, monkeypatch):
    package = tmp_path / "slow_to_load"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import slow_to_load.part\nimport pathlib, time\n"
        "time.sleep(0 if pathlib.Path(__file__).with_name('again').exists() else 60)\n"
    )
    (package / "part.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)

    def loading(x, w):
        import slow_to_load

        assert slow_to_load.part
        return right(x, w)

    assert codes(check("two_path_grad", loading, seconds=0.5)) == ["CHECK.too_long"]
    (package / "again").touch()
    assert check("two_path_grad", loading).passed


def test_a_part_of_torch_that_is_being_imported_is_waited_for(own_record, monkeypatch):
    """Some of torch raises when it is imported a second time, and every later check with it."""
    part = ModuleType("torch.slow_to_load")
    part.__spec__ = SimpleNamespace(_initializing=True)
    looked, look = [], clock._being_imported
    monkeypatch.setattr(clock, "_being_imported", lambda: looked.append(1) or look())

    def loading(x, w):
        if not looked:
            monkeypatch.setitem(sys.modules, part.__name__, part)
            signal.setitimer(signal.ITIMER_REAL, 0.001, 300)  # its time is up, and once alone
            while not looked:
                pass
            part.__spec__._initializing = False
        return right(x, w)

    assert check("two_path_grad", loading).passed


def test_a_check_leaves_the_process_its_timer_and_its_handler(own_record):
    before = signal.getsignal(signal.SIGALRM)
    signal.setitimer(signal.ITIMER_REAL, 1000)
    try:
        check("two_path_grad", right)
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    assert signal.getsignal(signal.SIGALRM) is before


class Heard(io.StringIO):
    """A stream that knows whether something was said on it."""

    def __init__(self):
        super().__init__()
        self.said = threading.Event()

    def flush(self):
        self.said.set()


def test_elsewhere_than_in_the_main_thread_a_line_says_how_to_stop_it(own_record, monkeypatch):
    heard = Heard()
    monkeypatch.setattr(sys, "stderr", heard)

    def slow(x, w):
        assert heard.said.wait(300)
        return right(x, w)

    checked = []
    thread = threading.Thread(
        target=lambda: checked.append(check("two_path_grad", slow, seconds=0.1))
    )
    thread.start()
    thread.join()
    assert checked[0].passed
    assert "interrupt the kernel" in heard.getvalue()


def test_under_nbgrader_its_own_clock_counts(displayed):
    def slow(x, w):
        time.sleep(0.1)
        return right(x, w)

    assert check("two_path_grad", slow, seconds=0.01) is None


# What may be returned


class Loud:
    def __repr__(self):
        raise ValueError

    __str__ = __repr__


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda x, w: (one for one in (x, w)), "The answer is a generator"),
        (lambda x, w: right, "The answer is a function"),
        (lambda x, w: (Loud(), Loud()), "Each of `dx`, `dw` is a"),
        (lambda x, w: ("x" * 10**6, w), "very long text"),
        (lambda x, w: (nested(1000), w), "is a list of 1"),
        (lambda x, w: (x * math.nan, w * math.nan), "has nan or inf in 5 of 5 entries"),
        (lambda x, w: (torch.ones(10**7), w), "more than are compared"),
        (lambda x, w: {"dx": x, "dw": w}, "a dict of 2. Expected was the pair (dx, dw)"),
    ],
)
def test_whatever_is_returned_has_a_sentence_that_says_what_it_is(answer, told, own_record):
    verdict = check("two_path_grad", answer)
    assert verdict.outcome is Outcome.WRONG
    assert told in str(verdict)
    assert len(str(verdict)) < 3000


# In a real kernel


class Kernel:
    """A running ipykernel that cells are sent to."""

    def __init__(self, manager, client):
        self.manager, self.client = manager, client

    def run(self, source, *, interrupt_on_display=False):
        """Run a cell; what it showed: texts of its results, displays and streams."""
        message = self.client.execute(source)
        shown = []
        while True:
            reply = self.client.get_iopub_msg(timeout=300)
            if reply["parent_header"].get("msg_id") != message:
                continue
            content = reply["content"]
            if reply["msg_type"] == "display_data" and interrupt_on_display:
                interrupt_on_display = False  # what is displayed afterwards is the verdict
                self.manager.interrupt_kernel()
            elif reply["msg_type"] in ("execute_result", "display_data"):
                shown.append(content["data"].get("text/plain", ""))  # buttons have no text
            elif reply["msg_type"] == "stream":
                shown.append(f"{content['name']}: {content['text']}")
            elif reply["msg_type"] == "error":
                shown.append("\n".join(content["traceback"]))
            elif reply["msg_type"] == "status" and content["execution_state"] == "idle":
                return "\n".join(shown)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    env = environment(AUTOGRAD_COURSE_DATA=str(tmp_path_factory.mktemp("record")))
    env.pop("NBGRADER_EXECUTION", None)
    with kernels.started(env) as (manager, client):
        running = Kernel(manager, client)
        source = "import torch\nfrom grader import check\nfrom IPython.display import display\n"
        assert running.run(source + inspect.getsource(right)) == ""
        yield running


LOOPS = {
    "in Python": "while True:\n        pass",
    "in torch": "while True:\n        x = x + 1",
    "inside a context": "with torch.no_grad():\n        while True:\n            x = x + 1",
    "with settings left changed": "torch.set_grad_enabled(False)\n"
    "    torch.set_default_device('meta')\n    while True:\n        pass",
}


@pytest.mark.parametrize("loop", LOOPS)
def test_a_loop_without_end_can_be_interrupted_and_the_next_check_is_unaffected(kernel, loop):
    source = f"def endless(x, w):\n    display('running')\n    {LOOPS[loop]}\n"
    shown = kernel.run(source + "check('two_path_grad', endless)", interrupt_on_display=True)
    assert "did not finish" in shown
    assert "Traceback" not in shown
    assert "Right" in kernel.run("check('two_path_grad', right)")
    state = "(torch.is_grad_enabled(), torch.get_default_dtype(), str(torch.get_default_device()))"
    assert kernel.run(state) == "(True, torch.float32, 'cpu')"


@pytest.mark.parametrize("leaving", ["exit()", "quit()", "import sys; sys.exit(0)"])
def test_leaving_the_program_does_not_end_the_kernel(kernel, leaving):
    kernel.run(f"def leaver(x, w):\n    {leaving}\nkept = 1")
    assert "raised SystemExit" in kernel.run("check('two_path_grad', leaver)")
    assert "Right" in kernel.run("check('two_path_grad', right)")
    assert kernel.run("kept") == "1"


def test_what_an_answer_prints_in_a_kernel_stays_in_its_verdict(kernel):
    kernel.run("def loud(x, w):\n    print('x' * 10**7)\n    return right(x, w)")
    shown = kernel.run("check('two_path_grad', loud)")
    assert "Right" in shown
    assert "stdout:" not in shown
    assert len(shown) < 10_000
    assert kernel.run("print('hello')") == "stdout: hello\n"


def test_the_line_of_a_cell_is_shown_with_its_error(kernel):
    shown = kernel.run(
        "def broken(x, w):\n    y = x * 2\n    return y.backward()\ncheck('two_path_grad', broken)"
    )
    assert "line 3, in broken: return y.backward()" in shown


def test_interrupts_reach_the_notebook_again_after_a_check(kernel):
    kernel.run("check('two_path_grad', right)")
    shown = kernel.run("display('running')\nwhile True:\n    pass", interrupt_on_display=True)
    assert "KeyboardInterrupt" in shown
