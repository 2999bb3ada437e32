"""The global generators: whoever draws is seen, and all draw on as if nobody had."""

import random

import numpy as np
import pytest
import torch

from grader.engine.generators import Generators, lies_in_memory

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


def all_drawn():
    return [draw() for draw in DRAWS.values()]


@pytest.mark.parametrize("kind", DRAWS)
def test_a_draw_is_seen_and_taken_back(kind):
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
def test_the_seed_that_all_stand_at_is_seen_once_they_were_moved(seed):
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


def test_half_of_a_pair_that_was_taken_stays_taken():
    np.random.seed(3)
    np.random.randn()  # the other one of a pair waits
    Generators().keep()
    np.random.randn()  # and is taken, which moves no word
    before = Generators()
    before.keep()
    expected = np.random.randn(2).tolist()
    before.put_back()
    assert np.random.randn(2).tolist() == expected


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
