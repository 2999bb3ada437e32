"""What a zygote imports and does once, so that no box has to: torch, IPython, matplotlib, tasks."""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import os
import re
import site
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from grader.box.both import syscalls

if TYPE_CHECKING:
    from grader.box.inside.shell import BoxShell


class NotSingleThreaded(RuntimeError):
    """A fork copies one thread only: a zygote with more would make broken boxes."""


def warm(room: int, handler: str | None) -> tuple[BoxShell, ModuleType | None]:
    """A shell that has run cells before, and the handler's module, all lazy imports done."""
    for builtin in (site.sethelper, site.setquit, site.setcopyright):
        builtin()  # the interpreter was started without site
    # A bare zygote imports this module and has neither torch nor IPython.
    from grader.box.inside import stand_ins
    from grader.box.inside.shell import BoxShell
    from grader.engine import catalogue

    stand_ins.install()
    shell = BoxShell(room)
    module = None if handler is None else importlib.import_module(handler)
    streams = io.StringIO()
    with contextlib.redirect_stdout(streams), contextlib.redirect_stderr(streams):
        catalogue.tasks()
        _torch()
        _cells(shell)
        if module is not None and hasattr(module, "warm"):
            module.warm()
        _seed()
    return shell, module


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
    "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]);",
)


def _cells(shell: BoxShell) -> None:
    """Run a cell of each kind, then forget that any was run."""
    async_helpers: Any = importlib.import_module("IPython.core.async_helpers")
    room = shell.outputs.room
    for cell in _CELLS:
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


def settle() -> None:
    """Make forking cheap: nothing for the garbage collector to touch, huge pages to share.

    A fork copies the page table, and the kernel copies a page when either side writes to it. With
    the heap on huge pages there is far less to copy. Kernels before 6.1 keep small pages.
    """
    gc.collect()
    gc.freeze()
    regions = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        found = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw-p \S+ \S+ 0\s*(\[heap\])?$", line)
        if found:
            regions.append((int(found[1], 16), int(found[2], 16)))
    syscalls.collapse(regions)


def require_single_thread() -> None:
    """Raises NotSingleThreaded, or RuntimeError where CUDA is already initialised."""
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        raise NotSingleThreaded(f"it runs {threads} threads where one is allowed")
    torch = importlib.import_module("torch")
    if torch.cuda.is_initialized():
        raise RuntimeError("CUDA is initialised before the fork")
