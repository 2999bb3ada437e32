"""Where the global random generators of torch, Python and NumPy stand, read in a microsecond each.

What an answer draws is found by comparing before and after every call. Python's and NumPy's own
functions make Python numbers of 624 words, one by one, which took longer than most answers.
"""

from __future__ import annotations

import ctypes
import functools
import random
import struct
import sys
import zlib
from typing import Any

import torch

_TWISTER = struct.Struct("@i624I")
"""Python's generator in memory: the number of its next word, and its 624 words of 32 bits."""

_MT19937_BYTES = 624 * 4 + 4
"""NumPy's: the words, and then the number."""

_FAR = 2**61
"""Seeds from here on are not typed by hand."""


class Generators:
    """Where every global generator stands now."""

    def __init__(self) -> None:
        self.torch = torch.get_rng_state().numpy().tobytes()
        self.python = _python_words()
        self.numpy = _numpy_words() if "numpy" in sys.modules else None
        cuda = torch.cuda.is_initialized()
        self.cuda = torch.cuda.get_rng_state().numpy().tobytes() if cuda else None
        self._kept: tuple[Any, Any] | None = None

    def __eq__(self, other: object) -> bool:
        """Whether none has moved; one that is there since then is no news."""
        if not isinstance(other, Generators):
            return NotImplemented
        return (self.torch, self.python) == (other.torch, other.python) and all(
            one is None or another is None or one == another
            for one, another in ((self.numpy, other.numpy), (self.cuda, other.cuda))
        )

    def keep(self) -> None:
        """Keep what they can be put back by, while they stand here."""
        self._kept = _python_state(self.python), _numpy_state(self.numpy)

    def moved(self) -> Generators:
        """Where all stand once they were moved from here, to where no seed leads that one types.

        One that is seeded as it was seeded before would stand where it stood, and look untouched.
        """
        seed = zlib.crc32(self.torch) + _FAR
        torch.default_generator.manual_seed(seed)
        _python.random()
        if self.numpy is not None:
            sys.modules["numpy"].random.get_bit_generator().random_raw()
        if self.cuda is not None:
            torch.cuda.manual_seed(seed)
        return Generators()

    def put_back(self) -> None:
        """Let all draw on from here, as if nothing had been drawn since `keep`."""
        assert self._kept is not None
        python, numpy = self._kept
        torch.set_rng_state(_as_tensor(self.torch))
        _python.setstate(python)
        if numpy is not None:
            sys.modules["numpy"].random.set_state(numpy)
        if self.cuda is not None:
            torch.cuda.set_rng_state(_as_tensor(self.cuda))


def _as_tensor(state: bytes) -> torch.Tensor:
    return torch.frombuffer(bytearray(state), dtype=torch.uint8)


def lies_in_memory(generator: random.Random) -> bool:
    """Whether a generator's words lie behind the head of its object, as in CPython."""
    if sys.implementation.name != "cpython":
        return False
    if type(generator).__basicsize__ < object.__basicsize__ + _TWISTER.size:
        return False
    _, words, _ = generator.getstate()
    return _words_of(generator) == _TWISTER.pack(words[-1], *words[:-1])


def _words_of(generator: random.Random) -> bytes:
    return ctypes.string_at(id(generator) + object.__basicsize__, _TWISTER.size)


_python: random.Random = random.getstate.__self__  # type: ignore[attr-defined]
_is_in_memory = lies_in_memory(_python)


def _python_words() -> Any:
    """Python's global generator, read as it lies in memory where that is known."""
    if _is_in_memory:
        return _words_of(_python), _python.gauss_next  # type: ignore[attr-defined]
    return _python.getstate()


@functools.lru_cache(maxsize=1)
def _python_state(words: Any) -> Any:
    """What Python's global generator can be put back by, now that it stands at these words."""
    return _python.getstate()


def _numpy_words() -> bytes:
    """The words of NumPy's global generator and its place in them, as they lie in memory."""
    numpy_random: Any = sys.modules["numpy"].random
    generator = numpy_random.get_bit_generator()
    if type(generator) is numpy_random.MT19937:
        return ctypes.string_at(generator.ctypes.state_address, _MT19937_BYTES)
    return repr(generator.state).encode()


def _numpy_state(words: bytes | None) -> Any:
    """What NumPy's global generator can be put back by, now that it stands at these words."""
    if words is None:
        return None
    state = _numpy_state_at(words)
    # The other one of a pair of normal numbers may have been taken since, which moves no word.
    return sys.modules["numpy"].random.get_state(legacy=False) if state["has_gauss"] else state


@functools.lru_cache(maxsize=1)
def _numpy_state_at(words: bytes) -> Any:
    return sys.modules["numpy"].random.get_state(legacy=False)
