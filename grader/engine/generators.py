"""Where the global random generators of torch, Python and NumPy stand, read in a microsecond each.

What an answer draws is found by comparing before and after every call.
"""

from __future__ import annotations

import sys
import zlib

import torch

from grader.engine import twisters

_FAR = 2**61
"""Seeds from here on are not typed by hand."""


class Generators:
    """Where every global generator stands now."""

    def __init__(self) -> None:
        self.torch = torch.default_generator.get_state().numpy().tobytes()
        self.python = twisters.python_state()
        self.numpy = twisters.numpy_words() if "numpy" in sys.modules else None
        cuda = torch.cuda.is_initialized()
        self.cuda = torch.cuda.get_rng_state().numpy().tobytes() if cuda else None
        self._numpy: twisters.KeptNumpy | None = None

    def __eq__(self, other: object) -> bool:
        """Whether none has moved; one that is there since then is no news."""
        if not isinstance(other, Generators):
            return NotImplemented
        return (
            (self.torch, self.python) == (other.torch, other.python)
            and (self.numpy == other.numpy or None in (self.numpy, other.numpy))
            and (self.cuda == other.cuda or None in (self.cuda, other.cuda))
        )

    def keep(self) -> None:
        """Keep what they can be put back by, while they stand here."""
        if self.numpy is not None:
            self._numpy = twisters.KeptNumpy()

    def moved(self) -> Generators:
        """Where all stand once they were moved from here, to where no seed leads that one types.

        One that is seeded as it was seeded before would stand where it stood, and look untouched.
        """
        seed = zlib.crc32(self.torch) + _FAR
        torch.default_generator.manual_seed(seed)
        twisters.python.random()
        if self.numpy is not None:
            sys.modules["numpy"].random.get_bit_generator().random_raw()
        if self.cuda is not None:
            torch.cuda.manual_seed(seed)
        return Generators()

    def put_back(self) -> None:
        """Let all draw on from here, as if nothing had been drawn since `keep`."""
        torch.set_rng_state(_as_tensor(self.torch))
        twisters.put_python_back(self.python)
        if self._numpy is not None:
            self._numpy.put_back()
        if self.cuda is not None:
            torch.cuda.set_rng_state(_as_tensor(self.cuda))


def _as_tensor(state: bytes) -> torch.Tensor:
    return torch.frombuffer(bytearray(state), dtype=torch.uint8)
