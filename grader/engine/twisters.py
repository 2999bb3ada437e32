"""The global generators of Python and NumPy, read and written where they lie in memory.

Their own functions make Python numbers of 624 words, one by one, which took longer than most
answers. What does not lie in memory as it is known to is left to these functions.
"""

from __future__ import annotations

import ctypes
import functools
import random
import struct
import sys
from typing import Any

_TWISTER = struct.Struct("@i624I")
"""Python's generator in memory: the number of its next word, and its 624 words of 32 bits."""

_MT19937_BYTES = 624 * 4 + 4
"""NumPy's: the words, and then the number."""

_PAIR = struct.Struct("@i4xd")
"""Whether the other one of a pair of normal numbers waits in NumPy's, and that number."""

_Memory = ctypes.Array[ctypes.c_char]
"""A part of memory, whose `raw` reads and writes it."""


def _at(address: int, size: int) -> _Memory:
    return (ctypes.c_char * size).from_address(address)


def _words_of(generator: random.Random) -> _Memory:
    return _at(id(generator) + object.__basicsize__, _TWISTER.size)


def lies_in_memory(generator: random.Random) -> bool:
    """Whether a generator's words lie behind the head of its object, as in CPython."""
    if sys.implementation.name != "cpython":
        return False
    if type(generator).__basicsize__ < object.__basicsize__ + _TWISTER.size:
        return False
    _, words, _ = generator.getstate()
    return _words_of(generator).raw == _TWISTER.pack(words[-1], *words[:-1])


python: Any = random.getstate.__self__  # type: ignore[attr-defined]
"""Python's global generator."""

_words = _words_of(python) if lies_in_memory(python) else None


def python_state() -> Any:
    """Where Python's stands, and what it can be put back by."""
    return python.getstate() if _words is None else (_words.raw, python.gauss_next)


def put_python_back(state: Any) -> None:
    """Let Python's stand there again."""
    if _words is None:
        python.setstate(state)
    else:
        _words.raw, python.gauss_next = state


def numpy_words() -> bytes:
    """Where NumPy's stands. The other one of a pair is not in it: to take that moves no word."""
    generator = sys.modules["numpy"].random.get_bit_generator()
    words = _numpy_words(generator)
    return repr(generator.state).encode() if words is None else words.raw


class KeptNumpy:
    """What NumPy's can be put back by, the other one of a pair included."""

    def __init__(self) -> None:
        numpy_random: Any = sys.modules["numpy"].random
        self._generator = numpy_random.get_bit_generator()
        self._words, self._pair = _numpy_words(self._generator), _numpy_pair()
        self._state: Any
        if self._words is None or self._pair is None:
            self._state = numpy_random.get_state(legacy=False)
        else:
            self._state = self._words.raw, self._pair.raw

    def put_back(self) -> None:
        """Let it stand there again, whichever generator is NumPy's by now."""
        numpy_random: Any = sys.modules["numpy"].random
        if numpy_random.get_bit_generator() is not self._generator:
            numpy_random.set_bit_generator(self._generator)
        if self._words is None or self._pair is None:
            numpy_random.set_state(self._state)
        else:
            self._words.raw, self._pair.raw = self._state


def _numpy_words(generator: Any) -> _Memory | None:
    """The memory of a generator of the kind that NumPy's is unless somebody sets another."""
    usual = type(generator) is sys.modules["numpy"].random.MT19937
    return _words_at(generator) if usual else None


@functools.lru_cache(maxsize=1)
def _words_at(generator: Any) -> _Memory:
    return _at(generator.ctypes.state_address, _MT19937_BYTES)


def _numpy_pair() -> _Memory | None:
    """The memory of the pair in NumPy's global state, which no function reads by itself."""
    numpy_random: Any = sys.modules["numpy"].random
    own = getattr(numpy_random.get_state, "__self__", None)
    return _pair_in(own) if type(own) is numpy_random.RandomState else None


@functools.lru_cache(maxsize=1)
def _pair_in(state: Any) -> _Memory | None:
    place = place_of_pair(type(state))
    return None if place is None else _at(id(state) + place, _PAIR.size)


def place_of_pair(kind: Any) -> int | None:
    """How far behind the head of its object a RandomState has the pair, if it is found there."""
    trial = kind(0)
    trial.standard_normal()
    pair = _PAIR.pack(1, trial.get_state(legacy=False)["gauss"])
    place = ctypes.string_at(id(trial), kind.__basicsize__).find(pair)
    return None if place < 0 else place
