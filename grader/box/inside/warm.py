"""What a zygote imports and does once, so that no box has to: torch, IPython, tasks, matplotlib."""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import itertools
import os
import re
import site
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from grader.box.both import syscalls
from grader.box.inside import gaps

if TYPE_CHECKING:
    from grader.box.inside.shell import BoxShell


_OFTEN = 30
"""Times that something runs before a second box: Python rewrites a function at its eighth call."""
_STRETCH = 16 * 1024 * 1024
"""Bytes of memory that are settled in one step: a multiple of a huge page."""


class NotSingleThreaded(RuntimeError):
    """A fork copies one thread only: a zygote with more would make broken boxes."""


def warm(room: int, handler: str | None) -> tuple[BoxShell, ModuleType | None]:
    """A shell that has run cells before, and the handler's module: what any box needs.

    Whatever a call of an answer may import for the first time is imported here, so that no call
    has to wait for it. Raises NotSingleThreaded.
    """
    for builtin in (site.sethelper, site.setquit, site.setcopyright):
        builtin()  # the interpreter was started without site
    # A bare zygote imports this module and has neither torch nor IPython.
    from grader.box.inside import stand_ins
    from grader.box.inside.shell import BoxShell
    from grader.engine import catalogue

    stand_ins.install()
    shell = BoxShell(room)
    module = None if handler is None else importlib.import_module(handler)
    with _silence():
        catalogue.tasks()
        _torch()
        _cells(shell, _CELLS)
        if module is not None and hasattr(module, "warm"):
            module.warm()
        _seed()
    _require_single_thread()
    gc.freeze()
    return shell, module


def warm_pictures(shell: BoxShell) -> None:
    """What a cell that draws would have to import, for half a second."""
    with _silence():
        _cells(shell, (_PICTURE,))
        _seed()
    _require_single_thread()
    _settle()


def warm_more(shell: BoxShell, module: ModuleType | None) -> Iterator[None]:
    """What makes boxes cheaper: a short step for each `next`.

    What runs often Python rewrites into faster instructions. Boxes find that done, and need not
    copy the pages that it is written to. On huge pages, memory is forked in half the time.
    """
    with _silence():
        if module is not None and hasattr(module, "warm"):
            for _ in range(_OFTEN):
                module.warm()
        _cells(shell, (f"def f(x):\n    return x + {number}" for number in range(_OFTEN)))
        _seed()
    yield
    _settle()
    yield
    for regions in _stretches():
        syscalls.collapse(regions)
        yield


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    streams = io.StringIO()
    with contextlib.redirect_stdout(streams), contextlib.redirect_stderr(streams):
        yield


def _torch() -> None:
    """The first use of each of these imports for up to a second."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    class Through(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            return func(*args, **(kwargs or {}))

    torch.set_num_threads(1)
    x = torch.ones(3, requires_grad=True)
    with Through():  # type: ignore[no-untyped-call]
        (x * x).sum().backward()
    torch.func.vmap(torch.func.jacrev(torch.sin))(torch.ones(2, 3))
    torch.autograd.gradcheck(torch.sin, torch.ones(2, dtype=torch.float64, requires_grad=True))
    layer = torch.nn.Linear(2, 2)
    for optimizer in (torch.optim.SGD, torch.optim.Adam):
        layer(torch.ones(2)).sum().backward()
        optimizer(layer.parameters(), lr=0.1).step()


_CELLS = (
    "1 + 1",
    "print(1)",
    "raise ValueError(1)",
    "import asyncio\nawait asyncio.sleep(0)",
)
_PICTURE = "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]);"


def _cells(shell: BoxShell, cells: Iterable[str]) -> None:
    """Run some cells, then forget that any was run."""
    async_helpers: Any = importlib.import_module("IPython.core.async_helpers")
    room = shell.outputs.room
    for cell in cells:
        with contextlib.suppress(ImportError):  # matplotlib may be missing
            shell.run(cell)
    async_helpers.get_asyncio_loop().close()  # a box opens its own, as fork closes this one's files
    shell.reset(new_session=True)  # type: ignore[no-untyped-call]
    shell.execution_count = 1
    shell.outputs.start()
    shell.outputs.room, shell.outputs.dropped = room, 0


def _seed() -> None:
    """Start every box from the same seeds, so that a submission judged again does the same."""
    torch, numpy = importlib.import_module("torch"), importlib.import_module("numpy")
    torch.manual_seed(torch.initial_seed())  # where a new kernel starts, too
    numpy.random.seed(0)


def _settle() -> None:
    """Keep what is there out of the way of what a box makes."""
    gc.collect()
    gc.freeze()
    gaps.fill()


def _stretches() -> Iterator[list[tuple[int, int]]]:
    """The regions of this process's own memory, some megabytes at a time."""
    stretch: list[tuple[int, int]] = []
    for first, last in _regions():
        stretch.append((first, last))
        if sum(end - start for start, end in stretch) >= _STRETCH:
            yield stretch
            stretch = []
    yield stretch


def _regions() -> Iterator[tuple[int, int]]:
    """This process's own memory, in regions of some megabytes at most.

    A fork copies the page table, and the kernel copies a page when either side writes to it. With
    the heap on huge pages there is far less to copy. Kernels before 6.1 keep small pages.
    """
    for line in Path("/proc/self/maps").read_text().splitlines():
        found = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw-p \S+ \S+ 0\s*(\[heap\])?$", line)
        if found:
            first, last = int(found[1], 16), int(found[2], 16)
            edges = [first, *range(-(-first // _STRETCH) * _STRETCH, last, _STRETCH), last]
            yield from itertools.pairwise(edges)


def _require_single_thread() -> None:
    """Raises NotSingleThreaded, or RuntimeError where CUDA is already initialised."""
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        raise NotSingleThreaded(f"it runs {threads} threads where one is allowed")
    torch = importlib.import_module("torch")
    if torch.cuda.is_initialized():
        raise RuntimeError("CUDA is initialised before the fork")
