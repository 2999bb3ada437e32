"""What went wrong comes back after 1, 3, 7 and 21 days, at most ten minutes a day."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from grader.notebook.record import review
from grader.notebook.record.review import DAYS, MINUTES, Turn, after, due

START = date(2026, 1, 1)
days = st.integers(0, 400).map(lambda number: START + timedelta(number))
answers = st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=30)
turns = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=3),
    st.builds(Turn, st.integers(0, 3), days, st.none() | days),
    max_size=30,
)


def test_what_is_right_each_time_comes_back_after_1_3_7_and_21_days_and_no_more():
    turn, day, came = after(None, False, START), START, []
    while turn.due is not None:
        came.append((turn.due - day).days)
        day = turn.due
        turn = after(turn, True, day)
    assert tuple(came) == DAYS == (1, 3, 7, 21)
    assert after(turn, True, day + timedelta(99)) == turn


@given(answers)
def test_what_was_never_wrong_never_comes_back(given_answers):
    turn = None
    for gap, _ in given_answers:
        turn = after(turn, True, START + timedelta(gap))
    assert turn is None


@given(answers)
def test_a_mistake_begins_anew_and_tomorrow_is_the_day(given_answers):
    turn, day = None, START
    for gap, right in given_answers:
        day += timedelta(gap)
        turn = after(turn, right, day)
        if not right:
            assert (turn.stage, turn.due) == (0, day + timedelta(1))
        elif turn is not None and turn.due is not None:
            assert turn.due > day  # what was answered today is done for today
            assert (turn.due - day).days <= max(DAYS)


@given(st.builds(Turn, st.integers(0, 3), days), days)
def test_a_right_answer_before_it_is_due_changes_nothing(turn, day):
    if day < turn.due:
        assert after(turn, True, day) == turn


minutes = st.integers(1, 25)


@given(turns, st.data(), days)
def test_a_day_has_ten_minutes_and_only_what_is_due(known, data, today):
    takes = {name: data.draw(minutes) for name in known}
    chosen = due(known, takes, today)
    assert len(set(chosen)) == len(chosen)
    assert all(known[name].due <= today for name in chosen)
    seen = [name for name, turn in known.items() if turn.seen == today]
    spent = sum(min(takes[name], MINUTES) for name in {*chosen, *seen})
    before = sum(min(takes[name], MINUTES) for name in seen)
    assert spent <= max(MINUTES, before)


@given(turns, st.data(), days)
def test_what_waits_longest_is_asked_on_a_day_that_has_not_begun(known, data, today):
    known = {name: Turn(turn.stage, turn.due) for name, turn in known.items()}
    waiting = {name: turn.due for name, turn in known.items() if turn.due <= today}
    chosen = due(known, {name: data.draw(minutes) for name in known}, today)
    assert bool(chosen) == bool(waiting)
    if waiting:
        assert waiting[chosen[0]] == min(waiting.values())


@given(st.dictionaries(st.text("abcdefgh", min_size=1), minutes, min_size=1, max_size=12))
def test_everything_that_was_wrong_is_through_in_the_end(takes):
    """Whoever does each day what is due, and rightly, is done after some days."""
    known = {name: after(None, False, START) for name in takes}
    for number in range(1, 40 * len(takes) + 40):
        today = START + timedelta(number)
        for name in due(known, takes, today):
            known[name] = after(known[name], True, today)
        assert due(known, takes, today) == () or any(turn.seen == today for turn in known.values())
    assert all(turn.due is None for turn in known.values())


def test_what_is_no_more_in_the_course_is_not_asked():
    assert due({"gone": after(None, False, START)}, {}, START + timedelta(9)) == ()


def test_a_hint_counts_as_an_answer_that_was_not_right():
    assert review.after(None, False, START) == Turn(0, START + timedelta(1))


def test_what_is_due_since_one_day_comes_in_the_order_of_the_course():
    turns = {name: Turn(0, START) for name in ("a", "b", "c")}
    assert due(turns, {"c": 1, "a": 1, "b": 1}, START) == ("c", "a", "b")
