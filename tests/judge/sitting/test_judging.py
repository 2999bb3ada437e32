"""A submission is judged by hidden cases, the same for a class, and by nothing it says itself."""

import ast
import contextlib
import json
import sys
import warnings

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.utils import determine_grade

from grader.box.both.ended import BoxEnded, CallFailed, CallInterrupted, Cause, Ended
from grader.box.inside import observing
from grader.box.outside.outputs import CellResult
from grader.diagnosis.diagnose import diagnose
from grader.diagnosis.verdict import Outcome
from grader.engine.catalogue import find
from grader.engine.wire import unpack
from grader.judge.books.left import is_left
from grader.judge.books.needs import Cause as NeedCause
from grader.judge.books.needs import Need
from grader.judge.sitting import judging
from grader.judge.sitting.checks import check_in
from grader.judge.sitting.happened import dropped
from grader.judge.sitting.judging import Judge
from grader.judge.sitting.sitting import MOST_BOXES, Sitting
from grader.judge.sitting.unrun import not_run

SECRET = b"s" * 32
RIGHT = "def two_path_grad(x, w):\n    return w + 1, x + 2 * w + 1"
WEIGHTS = {case.name: case.weight for case in find("two_path_grad").cases()}


class Asked:
    """A box that is a namespace of this process, and what it was asked."""

    def __init__(self, source="", reply=None):
        self.namespace, self.reply, self.cases = {"__name__": "__main__"}, reply, []
        exec("import torch\n" + source, self.namespace)

    def __call__(self, questions):
        for header, body in questions:
            self.cases.append((header["case"], body))
            if self.reply is not None:
                yield self.reply(header, body)
            else:
                yield observing.reply(json.loads(json.dumps(header)), body, self.namespace)


JUDGE = Judge(SECRET)
ASKED = [header["case"] for header, _ in JUDGE.questions("two_path_grad", ["two_path_grad"])]


def verdict(source="", reply=None, **settings):
    return JUDGE.verdict("two_path_grad", ["two_path_grad"], Asked(source, reply), **settings)


def test_a_whole_class_meets_the_same_cases_and_another_secret_draws_others():
    one, other, stranger = Asked(RIGHT), Asked(RIGHT), Asked(RIGHT)
    Judge(SECRET).verdict("two_path_grad", ["two_path_grad"], one)
    Judge(SECRET).verdict("two_path_grad", ["two_path_grad"], other)
    Judge(b"t" * 32).verdict("two_path_grad", ["two_path_grad"], stranger)
    assert one.cases == other.cases
    drawn = [(name, body) for name, body in one.cases if name != "another device"]
    assert all(pair not in stranger.cases for pair in drawn)


def test_a_right_answer_earns_full_marks_whatever_it_prints_warns_or_takes_as_style():
    source = (
        "import sys, warnings\nclass Answer:\n"
        "    def __call__(self, x, w):\n        print('0.0'); print('no', file=sys.stderr)\n"
        "        warnings.warn('careful')\n        return [w + 1, x + (w + 1) + w]\n"
        "two_path_grad = Answer()"
    )
    with contextlib.redirect_stderr(sys.stdout), warnings.catch_warnings():
        found = verdict(source)
    assert (found.outcome, found.credit) == (Outcome.RIGHT, 1.0)


def test_credit_is_the_weight_of_the_cases_that_pass():
    wrong_at_zero = RIGHT + " + (w == 0)"
    found = verdict(wrong_at_zero)
    passed = {case.name for case in found.cases if case.passed}
    assert {case.name for case in found.cases} - passed == {"w = 0"}
    total = sum(case.weight for case in found.cases)
    assert found.credit == pytest.approx(1 - WEIGHTS["w = 0"] / total)


def test_the_same_replies_are_compared_once_and_any_others_anew(monkeypatch):
    compared, judge = [], Judge(SECRET)

    def counted(task, answers, seen, **settings):
        compared.append(task.id)
        return diagnose(task, answers, seen, **settings)

    monkeypatch.setattr(judging, "diagnose", counted)

    def asked(source, **settings):
        return judge.verdict("two_path_grad", ["two_path_grad"], Asked(source), **settings)

    first = asked(RIGHT)
    assert asked("def two_path_grad(x, w):\n    return 1 + w, x + 2 * w + 1") == first
    assert len(compared) == 1
    assert not asked(RIGHT + " + (w == 0)").passed
    assert not asked(RIGHT + " + (w == 0)", hidden=False).passed
    assert len(compared) == 3
    assert asked(RIGHT) == first


LEAKS = [
    "raise RuntimeError(str(x.tolist() + w.tolist()))",
    "raise type('v'.join(map(str, x.tolist())), (Exception,), {})()",
    "return x.tolist(), w.tolist()",
    "return str(x.tolist()), {str(w.tolist()): x}",
    "return x * 1e6, w + float(x[0])",
    "return x.repeat(int(x[0].abs() * 1e3)), w",
]


@pytest.mark.parametrize("body", LEAKS)
def test_no_finding_on_a_hidden_case_carries_its_inputs(body):
    asked = Asked(f"def two_path_grad(x, w):\n    {body}")
    found = JUDGE.verdict("two_path_grad", ["two_path_grad"], asked)
    assert found.credit == 0
    told = str(found) + found._repr_html_()
    for _, message in asked.cases:
        for tensor in unpack(message).values():
            for value in [] if tensor.is_meta else tensor.flatten().tolist():
                if value:  # every input but w = 0 is drawn
                    assert f"{abs(value):.3f}"[:5] not in told


def test_the_instructor_is_shown_the_numbers_when_asking_for_them():
    wrong = "def two_path_grad(x, w):\n    return w + 1, 3 * x"
    assert "expected" not in str(verdict(wrong))
    assert "expected" in str(verdict(wrong, hidden=False))


def test_a_case_that_does_not_finish_fails_alone():
    slow = Asked(RIGHT)
    quick = slow.reply

    def reply(header, body):
        if header["case"] == "one number":
            return {"state": "interrupted"}, b""
        return observing.reply(header, body, slow.namespace)

    slow.reply = reply
    found = JUDGE.verdict("two_path_grad", ["two_path_grad"], slow)
    assert quick is None
    assert [case.name for case in found.cases if not case.passed] == ["one number"]
    assert "did not come to an end" in str(found)


words = st.text() | st.sampled_from(["seen", "missing", "interrupted"])
headers = st.dictionaries(
    st.sampled_from(["state", "function", "interrupted"]),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text()
        | st.sampled_from(["seen", "missing"]),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    ),
)


@given(headers, st.binary())
def test_no_reply_a_submission_can_forge_raises_or_earns_anything(header, body):
    found = verdict(reply=lambda *_: (header, body))
    assert found.credit == 0
    assert found.outcome is not Outcome.RIGHT


@given(st.text(max_size=40))
def test_only_the_exact_cell_is_a_check(extra):
    def graded(source):
        cell = new_code_cell(source)
        cell.metadata["nbgrader"] = {"grade": True, "solution": False, "grade_id": "x"}
        return cell

    exact = 'check("two_path_grad", two_path_grad)'
    assert check_in(graded(exact)).functions == ("two_path_grad",)
    if extra.strip():
        assert check_in(graded(extra + exact)) is None
        assert check_in(graded(exact + extra)) is None
    ungraded = graded(exact)
    ungraded.metadata.nbgrader.grade = False
    assert check_in(ungraded) is None
    assert check_in(graded('check("two_path_grad", two_path_grad, two_path_grad)')) is None
    assert check_in(graded('check("no_such_exercise", two_path_grad)')) is None


class Room:
    """A box in this process, in which the functions die, lose, drop and late do what they say."""

    def __init__(self, number, ran):
        self.ran = ran
        self.flags = {"dropped": 0, "interrupted": False}
        self.namespace = {
            "die": self.ender(Cause.EXITED, "The process exited with status 1."),
            "lose": self.ender(Cause.LOST, "The process that boxes are forked from is gone."),
            "drop": lambda: self.flags.update(dropped=9),
            "late": lambda: self.flags.update(interrupted=True),
            "box": number,
        }

    @staticmethod
    def ender(cause, sentence):
        def end(condition=True):
            if condition:
                raise BoxEnded(Ended(cause, sentence))

        return end

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.ran.append("closed")

    def run_cell(self, source):
        self.ran.append(source)
        self.flags.update(dropped=0, interrupted=False)
        outputs, error = [], None
        tree = ast.parse(source)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        try:
            exec(compile(tree, "cell", "exec"), self.namespace)
            code = compile(ast.Expression(last.value), "cell", "eval") if last else "None"
            value = eval(code, self.namespace)
            if value is not None:
                data = {"text/plain": repr(value)}
                outputs = [{"output_type": "execute_result", "data": data, "metadata": {}}]
        except BoxEnded:
            raise
        except BaseException as raised:
            error = type(raised).__name__
            about = {"ename": error, "evalue": str(raised), "traceback": []}
            outputs = [{"output_type": "error"} | about]
        if self.flags["dropped"]:
            outputs = []
        ok = error is None and not self.flags["interrupted"]
        return CellResult(tuple(outputs), ok, error, 1, seconds=0.0, **self.flags)

    def calls(self, questions):
        for header, body in questions:
            yield self.call(header, body)

    def call(self, header, body):
        return observing.reply(header, body, self.namespace)


class Rooms:
    """Opens them, and remembers what ran in which."""

    def __init__(self, refuses=None, dies=False):
        self.opened, self.refuses, self.dies = [], refuses, dies

    def open(self, files):
        if self.refuses is not None:
            raise self.refuses
        self.opened.append([])
        room = Room(len(self.opened), self.opened[-1])
        if self.dies:
            room.call = lambda header, body: room.namespace["die"]()
        return room


def sit(*sources, points=4, rooms=None, ignored="", **clock):
    """Grade a notebook whose cells have these sources; those that begin with `graded:` are plain
    graded cells and those with `check` checks."""
    cells = []
    for number, source in enumerate(sources):
        cell = new_code_cell(source.removeprefix("graded:"))
        if source.startswith(("graded:", "check(")):
            cell.metadata["nbgrader"] = {
                "grade": True, "solution": False, "grade_id": f"cell{number}", "points": points,
                "locked": True, "task": False, "schema_version": 3,
            }  # fmt: skip
        cells.append(cell)
    rooms = rooms or Rooms()
    sitting = Sitting(rooms, JUDGE, {}, clock.pop("seconds", 300.0), ignored, **clock)
    return sitting.grade(new_notebook(cells=cells)), rooms


def score(graded, index=-1):
    return determine_grade(graded.notebook.cells[index])[0]


CHECK = 'check("two_path_grad", two_path_grad)'


class Clock:
    """A clock that goes on when a cell says so, or while a box starts."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr("time.monotonic", lambda: self.now)
        monkeypatch.setattr("builtins.spend", self.spend, raising=False)

    def spend(self, seconds):
        self.now += seconds


class SlowRooms(Rooms):
    """Their boxes take an hour to be ready."""

    def __init__(self, clock):
        super().__init__()
        self.clock = clock

    def open(self, files):
        self.clock.spend(3600)
        return super().open(files)


def test_the_clock_of_a_submission_starts_when_its_first_box_is_ready(monkeypatch):
    clock = Clock(monkeypatch)
    paused = []

    @contextlib.contextmanager
    def pause():
        before = clock.now
        yield
        paused.append(clock.now - before)

    graded, _ = sit(RIGHT, "spend(9)", CHECK, rooms=SlowRooms(clock), seconds=10, pause=pause)
    assert score(graded) == 4
    assert graded.incidents == []
    assert paused == [3600]


def test_both_runs_of_a_submission_and_all_that_is_run_again_share_one_time(monkeypatch):
    clock = Clock(monkeypatch)
    slow, shows, earns, passes = (
        "spend(60)",
        "'shown'",
        "graded:print('x') or 1.5",
        "graded:shows = 7",
    )
    fails = "graded:assert shows == 8"
    graded, rooms = sit(RIGHT, CHECK, slow, shows, earns, passes, fails, seconds=100)
    assert clock.now == 120  # and not a second more than the cell that was begun in time
    assert len(rooms.opened) == 2
    assert [score(graded, index) for index in (1, 4, 5, 6)] == [4, 1.5, 4, 0]
    told = "It is not shown what this cell displayed. The time for this submission was up before"
    assert any(incident.startswith(f"Cell 4: {told}") for incident in graded.incidents)
    assert told in graded.notebook.cells[3].outputs[0].text
    assert "shown'" not in str(graded.notebook.cells[3].outputs)


def test_no_cell_runs_past_the_time_of_its_submission(monkeypatch):
    Clock(monkeypatch)
    untils = []
    put = property(lambda room: 0, lambda room, at: untils.append(at))
    monkeypatch.setattr(Room, "until", put, raising=False)
    sit(RIGHT, "die()", "spend(30)", "die()", CHECK, seconds=100)
    assert untils == [100, 100, 100]


def test_no_more_replies_are_waited_for_when_the_time_of_the_submission_is_up(monkeypatch):
    clock = Clock(monkeypatch)
    graded, _ = sit(RIGHT.replace("return", "spend(30); return"), CHECK, seconds=100)
    assert clock.now == 120
    (found,) = graded.verdicts.values()
    assert [case.passed for case in found.cases] == [number < 4 for number in range(len(ASKED))]
    assert graded.incidents == ["Cell 2: The time for this submission was up before this cell."]


def test_a_cell_that_was_interrupted_is_told(monkeypatch):
    graded, _ = sit("late()\nraise KeyboardInterrupt", "graded:late()\nTrue")
    told = "It ran for 0 s, which is too long, and was interrupted."
    assert graded.incidents == [f"Cell 1: {told}", f"Cell 2: {told}"]
    for cell in graded.notebook.cells:
        assert [one.get("ename") for one in cell.outputs if one.output_type == "error"] == [
            "TimeUp"
        ]


def test_a_judged_cell_ends_in_one_number_that_nbgrader_reads():
    graded, _ = sit("import torch", RIGHT, CHECK, points=8)
    assert score(graded) == 8
    assert graded.trusted == {2}
    kinds = [output.output_type for output in graded.notebook.cells[2].outputs]
    assert kinds == ["display_data", "execute_result"]
    nbformat.validate(graded.notebook)


def test_a_cell_that_ends_the_process_costs_itself_and_not_the_others():
    graded, rooms = sit("import torch", "die()", RIGHT, CHECK)
    assert score(graded) == 4
    assert rooms.opened[1][:2] == ["import torch", RIGHT]
    assert "die()" not in rooms.opened[1]
    assert graded.incidents == ["Cell 2: The process exited with status 1."]
    assert graded.notebook.cells[1].outputs[0].evalue == "The process exited with status 1."


def test_an_answer_that_ends_the_process_is_told_so_and_asked_once():
    graded, rooms = sit(RIGHT, CHECK, rooms=Rooms(dies=True))
    (found,) = graded.verdicts.values()
    assert found.credit == 0
    assert "ended before it answered" in str(found)
    assert graded.incidents == ["Cell 2: The process exited with status 1."]
    assert len(rooms.opened) == 1


def test_a_submission_that_keeps_ending_its_process_is_stopped():
    graded, rooms = sit(*["die()"] * (MOST_BOXES + 5))
    assert len(rooms.opened) == MOST_BOXES
    several, stopped = graded.incidents
    assert stopped == (
        f"Cell {MOST_BOXES + 1}: Not run: this submission ended its process too often. It may use "
        f"{MOST_BOXES}. Nothing below it was run."
    )
    assert graded.needs == [Need(NeedCause.PART_NOT_RUN, stopped)]
    assert several == f"Cells 1, 2, 3 and {MOST_BOXES - 3} more: The process exited with status 1."


def test_what_was_not_run_earns_nothing_by_running_once_more_without_what_ended_the_process():
    graded, _ = sit(RIGHT, CHECK, *["die()"] * MOST_BOXES, "'shown'", "graded:assert True")
    assert (score(graded, 1), score(graded)) == (4, 0)
    assert "Not run" in str(graded.notebook.cells[-2].outputs)


def test_a_box_lost_by_no_fault_of_the_submission_costs_it_nothing():
    graded, rooms = sit("import torch", "lose(box == 1)", RIGHT, CHECK)
    assert score(graded) == 4
    assert graded.incidents == []
    assert rooms.opened[1][:2] == ["import torch", "lose(box == 1)"]


def test_files_that_do_not_fit_into_a_box_leave_the_submission_unrun():
    graded, _ = sit(RIGHT, CHECK, "graded:1 / 1", rooms=Rooms(CallFailed("OSError", "no space")))
    assert [score(graded, index) for index in (1, 2)] == [0, 0]
    assert "do not fit into a box" in graded.incidents[0]
    assert graded.needs == [Need(NeedCause.PART_NOT_RUN, graded.incidents[0])]


PLAIN = {
    "passes": ("graded:assert True", 4),
    "fails": ("graded:assert False", 0),
    "partial": ("graded:1.5", 1.5),
    "zero": ("graded:0.0", 0),
    "text is no score": ("graded:'well done'", 4),
    "more than its points": ("graded:4.5", 0),
    "less than nothing": ("graded:-1.0", 0),
    "not a number": ("graded:float('nan')", 0),
    "an error that was dropped": ("graded:drop()\nassert False", 0),
    "a score that was dropped": ("graded:drop()\n2.0", 0),
    "interrupted": ("graded:late()", 0),
    "ends its process": ("graded:die()", 0),
}


@pytest.mark.parametrize("case", PLAIN)
def test_a_plain_cell_scores_as_nbgrader_scores_it_and_nothing_by_silence(case):
    source, deserved = PLAIN[case]
    graded, _ = sit(source)
    assert score(graded) == deserved
    assert graded.plain == ["cell0"]


def test_a_cell_that_ran_too_long_is_told_and_shows_nothing_from_inside_the_box():
    graded, _ = sit("late()\nraise KeyboardInterrupt", RIGHT, CHECK)
    said = "Cell 1: It ran for 0 s, which is too long, and was interrupted."
    assert graded.incidents == [said]
    assert graded.needs == [Need(NeedCause.OUT_OF_TIME, said)]
    (shown,) = graded.notebook.cells[0].outputs
    assert (shown.ename, shown.evalue) == ("TimeUp", said.removeprefix("Cell 1: "))
    assert score(graded) == 4


def test_a_call_that_ran_too_long_and_a_box_ended_for_its_time_need_a_person():
    rooms = Rooms()
    room = rooms.open({})
    room.call = lambda header, body: ({"state": "interrupted"}, b"")
    rooms.open = lambda files: room
    graded, _ = sit(RIGHT, CHECK, rooms=rooms)
    assert [str(need) for need in graded.needs] == [
        "out of time: Cell 2: A call of two_path_grad ran too long."
    ]
    slow = Room.ender(Cause.TIME, "It ran for more than 2 s and did not stop when interrupted.")
    graded, _ = sit("slow()", rooms=Ready(slow))
    assert [need.cause for need in graded.needs] == [NeedCause.OUT_OF_TIME]


class Ready(Rooms):
    """Rooms in which `slow` is known."""

    def __init__(self, slow):
        super().__init__()
        self.slow = slow

    def open(self, files):
        room = super().open(files)
        room.namespace["slow"] = self.slow
        return room


def test_packages_that_are_missing_need_a_person_each_once():
    again = "import no_such_package"
    graded, _ = sit(again, again, "import no_such_other", "import ast.no_part", "import ast")
    (need,) = graded.needs
    assert need.cause is NeedCause.MISSING_PACKAGE
    told = "There are no packages no_such_package and no_such_other where submissions run."
    assert need.sentence.startswith(told)
    (need,) = sit(again)[0].needs
    assert need.sentence.startswith("There is no package no_such_package where submissions run.")


def test_what_befell_many_cells_alike_is_told_once_and_each_cause_is_one_need():
    graded, _ = sit(*["drop()"] * 5, *["late()"] * 4, "graded:-1.0", "graded:2.0", points=1)
    lost, late, none = graded.incidents
    assert lost == "Cells 1, 2, 3 and 2 more: 45 characters of their output were not kept."
    assert late.startswith("Cells 6, 7, 8 and 1 more: They ran for up to 0 s, which is too long")
    assert none == "The results of cell9 and cell10 are no scores between 0 and their points."
    assert graded.needs == [Need(NeedCause.OUT_OF_TIME, late)]


def test_two_kinds_of_lateness_are_one_need():
    rooms = Rooms()
    room = rooms.open({})
    room.call = lambda header, body: ({"state": "interrupted"}, b"")
    rooms.open = lambda files: room
    graded, _ = sit(RIGHT, "late()", CHECK, rooms=rooms)
    assert graded.needs == [Need(NeedCause.OUT_OF_TIME, " ".join(graded.incidents))]
    assert len(graded.incidents) == 2


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (1, "1 character of its output was not kept."),
        (1234, "1,234 characters of its output were not kept."),
        (2**53, "Some of its output was not kept."),
    ],
)
def test_what_a_box_says_it_dropped_is_told_as_far_as_it_can_be_true(count, told):
    assert dropped(count).sentence == told


class Ticking(Rooms):
    """An exercise that was asked in the first of them has left a timer, which ends it at what comes
    next: another exercise's question, or a cell."""

    def open(self, files):
        room = super().open(files)
        answer, run_cell, asked = room.call, room.run_cell, set()

        def run(source):
            room.namespace["die"](asked and len(self.opened) == 1)
            return run_cell(source)

        def call(header, body):
            asked.add(header["exercise"])
            room.namespace["die"](len(asked) == 2)
            return answer(header, body)

        room.call, room.run_cell = call, run
        return room


@pytest.mark.parametrize("between", [[], ["y = 1"], ["graded:assert True"]])
def test_what_an_exercise_leaves_running_costs_no_later_cell_its_points(between):
    other = "def make_leaf(values):\n    return torch.tensor(values, requires_grad=True)"
    check = 'check("make_leaf", make_leaf)'
    fine, _ = sit("import torch", other, check)
    graded, rooms = sit("import torch", RIGHT, other, CHECK, *between, check, rooms=Ticking())
    assert (score(graded, 3), score(graded)) == (4, score(fine))
    if between == ["graded:assert True"]:
        assert score(graded, 4) == 4
    (told,) = graded.incidents
    assert told.endswith(
        "The process exited with status 1. An exercise before it had left something running. "
        "It was run again by itself."
    )
    assert len(rooms.opened) == 2


def test_an_answer_that_ends_its_process_halfway_earns_the_same_wherever_it_stands():
    class Halfway(Rooms):
        def open(self, files):
            room, asked = super().open(files), []
            answer = room.call

            def call(header, body):
                asked.append(header["exercise"])
                room.namespace["die"](asked.count("two_path_grad") == 3)
                return answer(header, body)

            room.call = call
            return room

    other = "def make_leaf(values):\n    return torch.tensor(values, requires_grad=True)"
    alone, _ = sit("import torch", RIGHT, CHECK, rooms=Halfway())
    after, _ = sit(
        "import torch", other, RIGHT, 'check("make_leaf", make_leaf)', CHECK, rooms=Halfway()
    )
    assert 0 < score(alone) == score(after) < 4
    assert after.incidents == ["Cell 5: The process exited with status 1."]


def test_a_cell_that_ends_the_process_itself_is_named_although_an_exercise_was_asked_before():
    graded, rooms = sit(RIGHT, CHECK, "die()", "graded:die()")
    assert score(graded, 1) == 4
    assert [told.partition(": ")[2] for told in graded.incidents] == [
        "The process exited with status 1."
    ] * 2
    assert len(rooms.opened) == 4  # two for the first of them, and one for what it showed


def test_a_submission_that_was_not_handed_in_scores_nothing_in_any_cell():
    cells = sit("graded:1 / 1", CHECK)[0].notebook
    graded = not_run(cells, "Nothing was handed in.")
    assert [score(graded, index) for index in (1, 2)] == [0, 0]
    assert graded.notebook.cells[0].source == "**Nothing was handed in.**"
    assert [v.outcome for v in graded.verdicts.values()] == [Outcome.NOT_ATTEMPTED]
    assert not graded.ran


@pytest.mark.parametrize("error", [CallInterrupted("late"), CallFailed("ValueError", "no")])
def test_a_call_that_fails_fails_its_case_and_not_the_batch(error):
    rooms = Rooms()
    opened = rooms.open

    def broken(files):
        box = opened(files)
        box.call = lambda header, body: error
        return box

    rooms.open = broken
    graded, _ = sit(RIGHT, CHECK, rooms=rooms)
    (found,) = graded.verdicts.values()
    assert (found.credit, found.outcome) == (0, Outcome.WRONG)


class Studio(Rooms):
    """Writes down what it is told before it opens a room."""

    draws = False

    def will_draw(self):
        assert not self.opened
        self.draws = True


@pytest.mark.parametrize("source", ["import matplotlib.pyplot as plt", "1 + 1"])
def test_boxes_are_told_before_they_are_opened_that_cells_will_draw(source):
    _, rooms = sit(source, rooms=Studio())
    assert rooms.draws == ("matplotlib" in source)


class Lossy(Rooms):
    """Each of its rooms is lost at the question of the number that is given for it."""

    def __init__(self, *losses):
        super().__init__()
        self.losses, self.asked = losses, []

    def open(self, files):
        room = super().open(files)
        number, answer = len(self.opened), room.call
        loss = (*self.losses, *[None] * MOST_BOXES)[number - 1]

        def call(header, body):
            self.asked.append((number, ASKED.index(header["case"])))
            room.namespace["lose"](self.asked[-1][1] == loss)
            return answer(header, body)

        room.call = call
        return room


def test_what_was_answered_before_a_box_was_lost_is_not_asked_again():
    graded, rooms = sit(RIGHT, CHECK, rooms=Lossy(2, 4))
    assert (score(graded), graded.incidents) == (4, [])
    last = [(3, number) for number in range(4, len(ASKED))]
    assert rooms.asked == [(1, 0), (1, 1), (1, 2), (2, 2), (2, 3), (2, 4), *last]


def test_a_question_at_which_a_second_box_is_lost_is_not_asked_again_and_nothing_after_it():
    graded, rooms = sit(RIGHT, CHECK, rooms=Lossy(2, 2))
    assert rooms.asked == [(1, 0), (1, 1), (1, 2), (2, 2)]
    (found,) = graded.verdicts.values()
    assert [case.passed for case in found.cases] == [number < 2 for number in range(len(ASKED))]
    assert graded.incidents == ["Cell 2: The process that boxes are forked from is gone."]
    assert graded.needs == [Need(NeedCause.PART_NOT_RUN, graded.incidents[0])]


def test_where_there_is_nothing_to_call_all_replies_are_taken_and_the_first_says_why():
    asked = Asked(RIGHT)

    def reply(header, body):
        if ASKED.index(header["case"]) == 1:
            asked.namespace["two_path_grad"] = 5
        if ASKED.index(header["case"]) == 2:
            del asked.namespace["two_path_grad"]
        return observing.reply(header, body, asked.namespace)

    asked.reply = reply
    found = JUDGE.verdict("two_path_grad", ["two_path_grad"], asked)
    assert [case for case, _ in asked.cases] == ASKED
    assert found.outcome is Outcome.COULD_NOT_CHECK
    assert [finding.code for finding in found.findings] == ["CHECK.not_callable"]


def test_a_case_on_another_device_fails_where_there_is_no_answer():
    def reply(header, body):
        if header["device"] == "meta":
            return "CHECK.did_not_finish"
        return observing.reply(header, body, Asked(RIGHT).namespace)

    found = verdict(RIGHT, reply)
    assert [case.name for case in found.cases if not case.passed] == ["another device"]
    assert found.outcome is Outcome.WRONG


def test_what_a_cell_knows_of_hidden_cases_is_not_shown():
    remembers = "seen = []\n" + RIGHT.replace("return", "seen.append(x); return")
    graded, rooms = sit("import torch", remembers, CHECK, "len(seen)")
    assert score(graded, 2) == 4
    (shown,) = graded.notebook.cells[3].outputs
    assert shown.data["text/plain"] == "0"
    assert len(rooms.opened) == 2


def test_a_notebook_that_shows_nothing_below_its_checks_runs_once():
    graded, rooms = sit("import torch\nprint('above')", RIGHT, CHECK, "graded:1.5", "progress()")
    assert (score(graded, 2), score(graded, 3)) == (4, 1.5)
    assert len(rooms.opened) == 1
    assert "progress()" not in rooms.opened[0]


def test_a_check_of_an_exercise_that_this_version_lacks_is_left_to_a_person():
    """A class goes on with the release that it began with when the course is updated."""
    gone = 'check("of_another_version", answer)'
    graded, _ = sit("from grader.box.inside.stand_ins import check\nanswer = len", gone)
    cell = graded.notebook.cells[-1]
    assert is_left(cell)
    assert graded.plain == []
    assert determine_grade(cell)[0] == 0
    assert [need.cause for need in graded.needs] == [NeedCause.ANOTHER_VERSION]
    assert "of_another_version" in graded.needs[0].sentence


def test_a_check_of_an_instructors_own_is_a_plain_test_whatever_it_is_called():
    graded, _ = sit(
        "def check(name, answer):\n    assert answer\nanswer = len", 'check("a", answer)'
    )
    assert not is_left(graded.notebook.cells[-1])
    assert (graded.plain, graded.needs, score(graded)) == (["cell1"], [], 4)
