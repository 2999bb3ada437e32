"""What one submission does to the process that handles it is nobody else's loss."""

import pytest

from grader.judge.batch.errands import Clock, ErrandFailed, OutOfTime
from grader.judge.batch.workers import WorkerLost, Workers
from grader.judge.books.ledger import Secret
from grader.judge.sitting.papers import Round
from tests.fixtures.errands import Ending, Errand, Raising, Recursive, Stuck, Unsendable

ROUND = Round("01", {}, Secret(1, bytes(32)))
SHORT = 2.0


@pytest.fixture(scope="module")
def workers():
    crew = Workers(2)
    yield crew
    crew.close()


def clock(seconds=300.0):
    return Clock(seconds, seconds)


def test_a_worker_that_is_stuck_is_replaced_and_its_neighbours_notice_nothing(workers):
    workers.submit(Errand("warm"), ROUND, clock()).result(300)
    stuck = [workers.submit(Stuck(), ROUND, clock(SHORT)) for _ in range(2)]
    others = [workers.submit(Errand(str(number)), ROUND, clock()) for number in range(4)]
    for one in stuck:
        with pytest.raises(OutOfTime, match="the 2 s that a submission has in all"):
            one.result(300)
    assert [one.result(300) for one in others] == ["0", "1", "2", "3"]


@pytest.mark.parametrize("name", ["MemoryError", "OSError", "ZeroDivisionError", "EOFError"])
def test_whatever_an_errand_raises_ends_that_errand_alone(workers, name):
    with pytest.raises(ErrandFailed, match=f"{name}: of ours"):
        workers.submit(Raising(name), ROUND, clock()).result(300)
    assert workers.submit(Errand("next"), ROUND, clock()).result(300) == "next"


def test_an_exception_that_cannot_be_sent_and_one_without_words_are_told_in_words(workers):
    odd = Raising("UnicodeEncodeError", ("utf-8", "\udcff", 0, 1, "surrogates not allowed"))
    with pytest.raises(ErrandFailed, match=r"UnicodeEncodeError: .*surrogates not allowed"):
        workers.submit(odd, ROUND, clock()).result(300)
    with pytest.raises(ErrandFailed, match="RecursionError"):
        workers.submit(Recursive(), ROUND, clock()).result(300)
    with pytest.raises(ErrandFailed, match="TypeError"):
        workers.submit(Unsendable(), ROUND, clock()).result(300)


def test_a_worker_that_ends_is_replaced_and_it_is_known_that_it_was_at_work(workers):
    lost = [workers.submit(Ending(), ROUND, clock()) for _ in range(2)]
    for one in lost:
        with pytest.raises(WorkerLost) as loss:
            one.result(300)
        assert loss.value.at_work
    assert workers.submit(Errand("next"), ROUND, clock()).result(300) == "next"


def test_one_clock_runs_for_all_errands_of_a_submission_and_stands_still_in_a_pause(workers):
    one = clock()
    assert workers.submit(Errand("a", seconds=0.6, paused=6.0), ROUND, one).result(300) == "a"
    assert 0.6 < one.whole - one.left < 6.0
    one.spend(one.left - SHORT)
    with pytest.raises(OutOfTime):
        workers.submit(Errand("b", seconds=600.0), ROUND, one).result(300)
    assert one.left == 0
