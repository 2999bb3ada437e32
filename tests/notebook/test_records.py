"""The learner's record: nothing is lost, whatever becomes of its file."""

import json
import os
import subprocess
import sys
import threading
from datetime import timedelta

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

import grader
from grader.diagnosis.verdict import Outcome, Verdict
from grader.notebook.record import records, shape, store
from tests.conftest import environment
from tests.fixtures.today import TODAY, stand_still

RIGHT = Verdict("two_path_grad", Outcome.RIGHT, 1.0)
WRONG = Verdict("two_path_grad", Outcome.WRONG, 0.25)


@pytest.fixture
def record(tmp_path, monkeypatch):
    """Where the record of this test is kept."""
    monkeypatch.setenv("AUTOGRAD_COURSE_DATA", str(tmp_path))
    return tmp_path / "record.json"


def aside(record):
    """The damaged records that were kept beside it."""
    return sorted(record.parent.glob("record.damaged-*.json"))


TEN = """
import sys
from grader.diagnosis.verdict import Outcome, Verdict
from grader.notebook.record import records
for number in range(20):
    records.answered(f"question-{sys.argv[1]}-{number}", "5", True)
    records.remember(Verdict(f"exercise_{sys.argv[1]}_{number}", Outcome.RIGHT, 1.0))
    records.next_hint("of_all", 1000)
"""


def test_ten_notebooks_at_once_lose_no_result(record):
    processes = [
        subprocess.Popen([sys.executable, "-c", TEN, str(number)], env=environment())
        for number in range(10)
    ]
    assert [process.wait(300) for process in processes] == [0] * 10
    assert len(records.answers()) == 200
    assert len(records.best()) == 200
    assert records.hints_read("of_all") == 200


def test_threads_of_one_notebook_lose_no_result(record):
    def work(number):
        for at in range(20):
            records.answered(f"question-{number}-{at}", "5", True)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(records.answers()) == 80


def test_a_notebook_that_is_killed_while_it_writes_stops_no_other(record):
    killed = (
        "import os, sys; from filelock import FileLock; FileLock(sys.argv[1]).acquire();"
        "os.kill(os.getpid(), 9)"
    )
    lock = str(record.with_name(".record.json.lock"))
    subprocess.run([sys.executable, "-c", killed, lock], check=False)
    records.remember(RIGHT)
    assert records.untold() == []
    assert json.loads(record.read_text())["exercises"]["two_path_grad"]["credit"] == 1.0


def test_a_record_is_whole_json_that_only_its_owner_reads(record):
    records.remember(RIGHT)
    assert json.loads(record.read_text()) == {
        "version": store.VERSION,
        "last": "two_path_grad",
        "exercises": {"two_path_grad": {"credit": 1.0}},
    }
    if os.name == "posix":
        assert record.stat().st_mode & 0o777 == 0o600
    assert records.has_passed("two_path_grad")


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '"text"', "{}", "\xff", "[" * 99_999])
def test_a_damaged_record_is_kept_aside_and_said_once(text, record, capsys):
    record.write_bytes(text.encode("latin-1"))
    records.remember(RIGHT)
    assert records.has_passed("two_path_grad")
    (kept,) = aside(record)
    assert kept.read_bytes() == text.encode("latin-1")
    said = capsys.readouterr().out
    assert said.count("could not be read") == 1
    assert str(kept) in said
    records.remember(WRONG)
    assert capsys.readouterr().out == ""


def test_every_damaged_record_of_a_day_is_kept(record, monkeypatch):
    for number in range(3):
        record.write_text(f"damaged {number}")
        store.Store(record).read()
    assert len(aside(record)) == 3


ODD = [
    ({"exercises": {"two_path_grad": 3}}, "exercise two_path_grad"),
    ({"exercises": 3, "questions": [], "last": 7}, "exercises, questions, last"),
    (
        {"exercises": {"two_path_grad": {"credit": "high", "hints": None, "review": {"due": 1}}}},
        "exercise two_path_grad",
    ),
    ({"questions": {"two-paths": {"first": {"said": 5}, "tries": []}}}, "question two-paths"),
    (
        {"exercises": {name: {"credit": 2} for name in "abcdefg"}},
        "exercise a, exercise b, exercise c, exercise d, exercise e, and 2 more",
    ),
    ({"exercises": {"a": {"hints": float("inf")}}}, "exercise a"),
    ({"exercises": {"a": {"credit": float("nan")}}}, "exercise a"),
    ({"exercises": {"a": {"visible": 10**400}}}, "exercise a"),
    ({"exercises": {"a": {"review": {"stage": 0, "due": "soon"}}}}, "exercise a"),
    ({"questions": {"a": {"right": "yes", "tries": True}}}, "question a"),
]


@pytest.mark.parametrize(("entries", "named"), ODD)
def test_what_cannot_be_read_of_a_record_is_kept_aside_and_said_once(
    entries, named, record, capsys
):
    written = {"version": store.VERSION} | entries
    record.write_text(json.dumps(written))
    said = str(grader.progress())
    assert f"could not be read: {named}. They are kept in {aside(record)[0]}" in said
    assert "○ not attempted" in said
    (kept,) = aside(record)
    assert kept.read_text() == json.dumps(written, indent=1, sort_keys=True) + "\n"
    if os.name == "posix":
        assert kept.stat().st_mode & 0o777 == 0o600
    records.remember(RIGHT)
    assert records.answered("two-paths", "5", True).right
    assert str(grader.hint("two_path_grad")).startswith("Hint 1")
    assert "✓ right" in str(grader.progress())
    assert aside(record) == [kept]
    assert capsys.readouterr().out == ""


def test_what_can_be_read_beside_it_counts_as_before(record):
    whole = {"credit": 1.0, "hints": 2}
    odd = {"two_path_grad": whole | {"visible": "all"}, "make_leaf": whole, "walk_graph": []}
    known_to_others = {"a": {"colour": 3}, "b": {"first": {"said": "5", "right": True}}}
    parts = {"exercises": odd, "questions": known_to_others, "unknown": {"credit": 1}}
    record.write_text(json.dumps({"version": store.VERSION, **parts}))
    assert records.best() == {"two_path_grad": 1.0, "make_leaf": 1.0}
    assert records.answers()["b"].first == "5"
    (kept,) = aside(record)
    assert json.loads(kept.read_text())["exercises"] == {
        "two_path_grad": {"visible": "all"},
        "walk_graph": [],
    }
    left = json.loads(record.read_text())
    assert left["exercises"] == {"two_path_grad": whole, "make_leaf": whole}
    assert (left["questions"], left["unknown"]) == (known_to_others, {"credit": 1})


def test_what_cannot_be_read_is_left_out_and_said_where_nothing_can_be_written(record, monkeypatch):
    def refuses(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(store.files, "write", refuses)
    text = json.dumps({"version": store.VERSION, "exercises": {"make_leaf": 3}})
    record.write_text(text)
    assert records.best() == {}
    assert records.untold() == [
        "Parts of your record of results could not be read: exercise make_leaf. They still stand "
        f"in {record}; everything else in it counts as before."
    ]
    assert records.best() == {}
    assert records.untold() == []
    assert record.read_text() == text


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["a", "first", "said", "right", "review", "stage", "due", "credit"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(exercises=anything, questions=anything, last=anything)
def test_nothing_in_a_record_is_lost_and_all_that_is_left_can_be_read(exercises, questions, last):
    record = {"exercises": exercises, "questions": questions, "last": last}
    sound, odd = shape.parted(record)
    assert shape.parted(sound) == (sound, {})
    for kind in ("exercises", "questions"):
        if kind in odd and not isinstance(odd[kind], dict):
            assert sound[kind] == {}
            continue
        for name, entry in (record[kind] or {}).items():
            wrong = odd.get(kind, {}).get(name)
            if isinstance(entry, dict):
                assert repr(sorted((sound[kind][name] | (wrong or {})).items())) == repr(
                    sorted(entry.items())
                )
            else:
                assert name not in sound[kind]
                assert wrong is entry


def test_a_record_that_cannot_be_written_is_said_once_and_all_works_from_memory(
    tmp_path, monkeypatch, capsys
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AUTOGRAD_COURSE_DATA", str(tmp_path / "file" / "below"))
    records.remember(WRONG)
    said = capsys.readouterr().out
    assert said.count("cannot be written") == 1
    assert "kept until this notebook's kernel ends" in said
    records.remember(RIGHT)
    assert records.next_hint("two_path_grad", 3) == 1
    assert records.next_hint("two_path_grad", 3) == 2
    assert records.has_passed("two_path_grad")
    assert "✓ right" in str(grader.progress())
    assert capsys.readouterr().out == ""


def test_what_could_not_be_written_is_written_as_soon_as_it_can_be(tmp_path, monkeypatch):
    place = tmp_path / "file"
    place.write_text("")
    monkeypatch.setenv("AUTOGRAD_COURSE_DATA", str(place))
    records.remember(RIGHT)
    place.unlink()
    records.next_hint("two_path_grad", 3)
    written = json.loads((place / "record.json").read_text())["exercises"]["two_path_grad"]
    assert (written["credit"], written["hints"]) == (1.0, 1)


def test_a_record_that_another_program_holds_is_waited_for_and_then_left(
    record, monkeypatch, capsys
):
    monkeypatch.setattr(store, "WAIT", 0.05)
    with FileLock(record.with_name(".record.json.lock")):
        records.remember(RIGHT)
        assert records.has_passed("two_path_grad")
        assert "another program holds it" in capsys.readouterr().out
    records.next_hint("two_path_grad", 3)
    assert json.loads(record.read_text())["exercises"]["two_path_grad"]["credit"] == 1.0


def test_a_file_system_without_locks_keeps_the_record_all_the_same(record, monkeypatch):
    def refuses(*_):
        raise NotImplementedError("FileSystem does not appear to support flock")

    monkeypatch.setattr(FileLock, "acquire", refuses)
    records.remember(RIGHT)
    assert json.loads(record.read_text())["exercises"]["two_path_grad"]["credit"] == 1.0


def test_a_record_of_a_newer_version_is_read_and_never_written(record, capsys):
    newer = {"version": store.VERSION + 1, "exercises": {"make_leaf": {"credit": 1.0, "new": []}}}
    record.write_text(json.dumps(newer))
    records.remember(RIGHT)
    assert capsys.readouterr().out.count("a newer version of this course") == 1
    records.answered("two-paths", "5", True)
    assert set(records.best()) == {"make_leaf", "two_path_grad"}
    assert records.answers()["two-paths"].right
    assert records.untold() == []
    assert json.loads(record.read_text()) == newer


def test_the_results_of_the_first_version_are_taken_over_and_its_file_stays(record):
    before = record.with_name("progress.json")
    before.write_text('{"make_leaf": {"credit": 1.0, "hints": 2}, "odd": 3}')
    text = before.read_text()
    assert records.has_passed("make_leaf")
    records.remember(RIGHT)
    assert records.hints_read("make_leaf") == 2
    assert set(records.best()) == {"make_leaf", "two_path_grad"}
    assert before.read_text() == text


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_a_damaged_file_of_the_first_version_costs_nothing(text, record):
    record.with_name("progress.json").write_text(text)
    records.remember(RIGHT)
    assert records.has_passed("two_path_grad")


def test_the_best_credit_stays_and_a_mistake_comes_back_tomorrow(record, monkeypatch):
    stand_still(monkeypatch)
    records.remember(RIGHT)
    assert records.turns() == {}
    records.remember(WRONG)
    assert records.best() == {"two_path_grad": 1.0}
    tomorrow = TODAY + timedelta(1)
    assert records.turns()["two_path_grad"].due == tomorrow
    records.next_hint("make_leaf", 3)
    records.answered("two-paths", "3", False)
    due = {name: turn.due for name, turn in records.turns().items()}
    assert due == dict.fromkeys(("two_path_grad", "make_leaf", "question:two-paths"), tomorrow)


def test_what_was_not_attempted_leaves_no_trace(record):
    records.remember(Verdict("two_path_grad", Outcome.NOT_ATTEMPTED))
    records.remember(Verdict("two_path_grad", Outcome.COULD_NOT_CHECK))
    assert not record.exists()
