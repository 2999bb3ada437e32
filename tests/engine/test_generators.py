"""The global generators: whoever draws is seen, and all draw on as if nobody had."""

import random

import numpy as np
import pytest
import torch

from grader.engine import twisters
from grader.engine.generators import Generators
from grader.engine.twisters import lies_in_memory, place_of_pair

DRAWS = {
    "torch": lambda: torch.rand(1).tolist(),
    "python": random.random,
    "python, of a pair": lambda: random.gauss(0.0, 1.0),
    "numpy": lambda: np.random.rand(2).tolist(),
    "numpy, of a pair": lambda: np.random.randn(3).tolist(),
}


@pytest.fixture(autouse=True)
def put_back():
    before = Generators()
    before.keep()
    yield
    before.put_back()


@pytest.fixture(params=["in memory", "by their own functions"])
def way(request, monkeypatch):
    """Both ways of reading: where the words are known to lie, and where they are not."""
    if request.param != "in memory":
        monkeypatch.setattr(twisters, "_words", None)
        monkeypatch.setattr(twisters, "_numpy_pair", lambda: None)


def all_drawn():
    return [draw() for draw in DRAWS.values()]


@pytest.mark.parametrize("kind", DRAWS)
def test_a_draw_is_seen_and_taken_back(kind, way):
    before = Generators()
    before.keep()
    assert Generators() == before
    DRAWS[kind]()
    assert Generators() != before
    before.put_back()
    expected = all_drawn()
    before.put_back()
    assert all_drawn() == expected


@pytest.mark.parametrize("seed", [torch.manual_seed, random.seed, np.random.seed])
def test_the_seed_that_all_stand_at_is_seen_once_they_were_moved(seed, way):
    seed(7)
    before = Generators()
    before.keep()
    expected = all_drawn()
    before.put_back()
    moved = before.moved()
    seed(7)
    assert Generators() != moved
    before.put_back()
    assert all_drawn() == expected


def test_half_of_a_pair_that_was_taken_stays_taken(way):
    np.random.seed(3)
    np.random.randn()  # the other one of a pair waits
    Generators().keep()
    np.random.randn()  # and is taken, which moves no word
    before = Generators()
    before.keep()
    expected = np.random.randn(2).tolist()
    before.put_back()
    assert np.random.randn(2).tolist() == expected


def test_half_of_a_pair_that_waits_waits_again(way):
    np.random.seed(3)
    np.random.randn()
    before = Generators()
    before.keep()
    expected = np.random.randn(2).tolist()
    before.put_back()
    assert np.random.randn(2).tolist() == expected


def test_half_of_a_pair_that_waits_by_now_does_not(way):
    np.random.seed(3)
    before = Generators()
    before.keep()
    expected = np.random.randn(2).tolist()
    before.put_back()
    np.random.randn()
    before.put_back()
    assert np.random.randn(2).tolist() == expected


@pytest.mark.parametrize("other", [np.random.PCG64, np.random.MT19937])
def test_a_generator_that_took_numpys_place_is_seen_and_leaves_it(other, way):
    own = np.random.get_bit_generator()
    try:
        before = Generators()
        before.keep()
        expected = np.random.randn(3).tolist()
        before.put_back()
        np.random.set_bit_generator(other(1))
        assert Generators() != before
        before.put_back()
        assert np.random.randn(3).tolist() == expected
    finally:
        np.random.set_bit_generator(own)


def test_a_generator_of_numpy_of_another_kind_is_seen_and_put_back():
    own = np.random.get_bit_generator()
    try:
        np.random.set_bit_generator(np.random.PCG64(1))
        before = Generators()
        before.keep()
        drawn = np.random.rand()
        assert Generators() != before
        before.put_back()
        assert np.random.rand() == drawn
    finally:
        np.random.set_bit_generator(own)


def test_pythons_generator_is_read_where_its_words_lie():
    assert lies_in_memory(random.Random(5))


def test_a_generator_that_holds_no_words_is_not_read_in_memory():
    class Other(random.Random):
        def getstate(self):
            return 3, (0,) * 625, None

    assert not lies_in_memory(Other(5))


def test_numpys_pair_is_read_where_it_lies():
    assert place_of_pair(np.random.RandomState) is not None


def test_a_state_of_numpy_that_holds_no_pair_is_not_read_in_memory():
    class Other:
        def __init__(self, seed):
            self.own = np.random.RandomState(seed)

        def __getattr__(self, name):
            return getattr(self.own, name)

    assert place_of_pair(Other) is None
