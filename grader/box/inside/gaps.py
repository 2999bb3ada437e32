"""Fills the gaps in a process's memory, so that what is forked from it starts on fresh pages.

Imports leave gaps between what they keep. A box would make its objects in them, and for each page
that it writes to the kernel copies the whole page first. Fresh pages it fills one after the other.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

_C: Any = ctypes.CDLL(None)
_SMALL = range(48, 513, 16)
"""The sizes of block that Python keeps small objects in, from the least in which bytes fit."""
_OF_A_SIZE = 256 * 1024
"""Bytes of Python's blocks of one size: more than the gaps of any."""
_CHUNKS = (65536, 16384, 8192, 4096, 2048, 1024, 512, 256, 128, 96, 64, 48, 32, 24)
"""The sizes in which C's gaps are filled, the widest first."""

_kept: list[list[bytes]] = []


class _Heap(ctypes.Structure):
    """glibc's `struct mallinfo2`, in bytes: free in all are `fordblks`, at the end `keepcost`."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


def fill() -> None:
    """Fill the gaps of Python's memory and of C's, for as long as this process lives."""
    empty = sys.getsizeof(b"")
    _kept.extend([bytes(size - empty) for _ in range(_OF_A_SIZE // size)] for size in _SMALL)
    if hasattr(_C, "mallinfo2"):  # glibc since 2.33
        _C.mallinfo2.restype = _Heap
        _C.malloc.restype, _C.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
        for size in _CHUNKS:
            _fill(size)


def _fill(size: int) -> None:
    """Take chunks of a size until the heap has to grow for one, or the gaps are used up."""
    now = _C.mallinfo2()
    while now.fordblks - now.keepcost >= size:
        before = now
        for _ in range(64):
            _C.malloc(size)
        now = _C.mallinfo2()
        if (now.arena, now.keepcost) != (before.arena, before.keepcost):
            return
