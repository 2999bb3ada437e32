"""Moves out of a submission's folder what nbgrader must not copy: links, and what is no file."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from grader.judge.intake.entries import is_taken
from grader.judge.sitting.papers import Paper
from grader.judge.sitting.reading import Place

SET_ASIDE = "set_aside"
"""The folder, beside the submissions, for what must not be copied out of one."""


def set_aside(place: Place, paper: Paper) -> Iterator[Path]:
    """Move out of a submission's folder what the judge did not read there, links above all.

    Nothing is lost: it comes to lie below SET_ASIDE in the course's folder. Yields the old paths;
    raises OSError.
    """
    link, folder = place.linked(), place.folder
    if link is not None:
        yield move_aside(place.root, link)
        return
    kept = {path for one in paper.notebooks.values() for path in one.files} | set(paper.receipt)
    for inside, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted([*folders, *names]):
            path = Path(inside, name)
            mode = path.lstat().st_mode
            if stat.S_ISDIR(mode):
                if Path(inside) == folder and is_taken(name):
                    folders.remove(name)
                    yield move_aside(place.root, path)
                continue
            is_kept = path.suffix.lower() == ".ipynb" or path.relative_to(folder).as_posix() in kept
            if stat.S_ISREG(mode) and is_kept:
                continue
            yield move_aside(place.root, path)


def move_aside(root: Path, path: Path) -> Path:
    """Move what lies in the course's folder `root` below SET_ASIDE, over nothing. Raises OSError.

    Returns the old path.
    """
    target = root / SET_ASIDE / path.relative_to(root)
    target.parent.mkdir(parents=True, exist_ok=True)
    again = (target.with_name(f"{target.name}.{number}") for number in itertools.count(2))
    names = itertools.chain([target], again)
    os.rename(path, next(name for name in names if not os.path.lexists(name)))
    return path
