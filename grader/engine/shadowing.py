"""Names the file beside a notebook that was imported in the place of an installed module."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path


def why(error: BaseException) -> str:
    """What to do about such files, if an import failed for them; else an empty text."""
    return " ".join(
        f"{path.name if path.stem == name else path.parent.name} lies beside your notebook and is "
        f"imported in the place of the installed module {name}: give it another name, and restart "
        "the kernel."
        for name, path in _shadowing(error)
    )


def _shadowing(error: BaseException) -> Iterator[tuple[str, Path]]:
    """Modules that come from the current folder, though others of their name are installed."""
    here = Path.cwd()
    elsewhere = [entry for entry in sys.path if entry and not _is(entry, here)]
    failed = {frame.filename for frame in traceback.extract_tb(error.__traceback__)}
    for name, path in _files(here):
        # One that failed is no module any more, and stands in the traceback.
        found = getattr(sys.modules.get(name), "__file__", None)
        is_used = found == str(path) or (found is None and str(path) in failed)
        if is_used and (name in sys.stdlib_module_names or PathFinder.find_spec(name, elsewhere)):
            yield name, path


def _is(entry: str, folder: Path) -> bool:
    try:
        return os.path.samefile(entry, folder)
    except OSError:
        return False


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.glob("*.py")):
        yield path.stem, path
    for path in sorted(folder.glob("*/__init__.py")):
        yield path.parent.name, path
