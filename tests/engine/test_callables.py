"""Whether an answer takes its arguments is told as its signature tells it, with no call."""

import functools
import inspect

import pytest

from grader.engine.callables import takes


def keyword_needed(x, w, *, lr):
    pass


def keyword_given(x, w, *, lr=0.1):
    pass


@functools.wraps(keyword_needed)
def wrapped(x, w):
    pass


def told_otherwise(x, w):
    pass


told_otherwise.__signature__ = inspect.signature(lambda: None)


class Answer:
    def __init__(self, x):
        pass

    def __call__(self, x, w):
        pass


TAKES_TWO = [
    lambda x, w: None,
    lambda x, w, /: None,
    lambda x, w, *rest, **named: None,
    lambda x, w=1: None,
    lambda x, w, lr=0.1: None,
    lambda *given: None,
    keyword_given,
    functools.partial(lambda lr, x, w: None, 0.1),
    Answer(1),
    Answer(1).__call__,
    max,
]
DOES_NOT = [
    lambda: None,
    lambda x: None,
    lambda x, w, b: None,
    lambda x, *, w: None,
    keyword_needed,
    wrapped,
    told_otherwise,
    Answer,
]


@pytest.mark.parametrize("function", TAKES_TWO)
def test_what_can_be_called_with_two_arguments_is_called(function):
    assert takes(function, ("x", "w"))


@pytest.mark.parametrize("function", DOES_NOT)
def test_what_cannot_be_is_not(function):
    assert not takes(function, ("x", "w"))
