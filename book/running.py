"""One run of a lesson, kept until the lesson or the course's code changes."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from book.kernels import POSSIBLE, ForkedKernelManager, private
from grader.notebook.texts import notebooks
from grader.notebook.texts.cells import Notebook

ROOT = Path(__file__).resolve().parents[1]
_CODE = ("course/**/*.py", "course/**/*.js", "grader/errors/**/*.py", "constraints.txt")
"""What a lesson's outputs depend on besides its text."""


def run(text: Path, folder: Path) -> Notebook:
    """A lesson executed from top to bottom in `folder`, with every step of its pictures recorded.

    A cell that raises does not stop it: the notebook holds the error.
    """
    notebook = notebooks.read(text)
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    with (
        tempfile.TemporaryDirectory(prefix="autograd-kernel-") as own,
        _environment(PYTHONPATH=path, AUTOGRAD_COURSE_STEPS="1", OMP_NUM_THREADS="1"),
    ):
        client = NotebookClient(
            notebook, kernel_name="python3", timeout=600, allow_errors=True, config=private(own),
            resources={"metadata": {"path": str(folder)}},
        )  # fmt: skip
        if POSSIBLE:
            client.kernel_manager_class = ForkedKernelManager
        client.execute()
    return notebook


def kept(text: Path, folder: Path) -> Notebook:
    """The lesson as `folder` has it from an earlier run; run anew where something has changed."""
    file, mark = folder / f"{text.stem}.ipynb", folder / f"{text.stem}.digest"
    now = _digest(text)
    if not file.is_file() or not mark.is_file() or mark.read_text() != now:
        folder.mkdir(parents=True, exist_ok=True)
        nbformat.write(run(text, folder), file)
        mark.write_text(now)
    return nbformat.read(file, as_version=4)


def _digest(text: Path) -> str:
    read = hashlib.sha256(text.read_bytes())
    for pattern in _CODE:
        for path in sorted(ROOT.glob(pattern)):
            read.update(path.read_bytes())
    return read.hexdigest()


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value
