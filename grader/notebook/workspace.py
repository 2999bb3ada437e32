"""The learner's workspace: brought up to date, and never written over what the learner changed.

A notebook counts as changed when the source of a cell did. Outputs, execution counts and the
metadata JupyterLab keeps are not the learner's work: a notebook that was only run is replaced when
its lesson changes, and left alone, outputs and all, when it does not.
"""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path, PurePosixPath

from grader.engine.refusal import Refusal
from grader.notebook import files, notebooks, places
from grader.notebook.places import MANIFEST


class WorkspaceRefused(Refusal):
    """The workspace cannot be read or written."""


class Placement(enum.Enum):
    """What happened to one file of the workspace."""

    NEW = "new"
    UPDATED = "updated"
    RESTORED = "laid again, since it was gone"
    BESIDE = "changed by you, so the new one is laid beside it"
    KEPT = "left alone"


@dataclass(frozen=True)
class Placed:
    """One file of the workspace: what happened to it, and where its newest version lies."""

    path: PurePosixPath
    outcome: Placement
    newest: PurePosixPath


@dataclass
class _Record:
    """What was ever laid under one name: the newest content offered, the sources of them all."""

    offered: str = ""
    known: set[str] = field(default_factory=set)


def build(course: Path, workspace: Path) -> list[Placed]:
    """Lay the course's lessons and exercises into the workspace.

    A file the learner changed is kept as it is, and its new version laid beside it, once, as
    `name.new.ipynb`. Raises WorkspaceRefused, and BrokenText for a lesson that cannot be read.
    """
    return lay(dict(offers(course)), workspace)


def offers(course: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Every file of the workspace as the course has it now: its place, and its content."""
    lessons = course / "course" / "lessons"
    for text in sorted(lessons.glob("*.md"), key=lambda text: text.stem):
        yield places.lesson(text.stem), notebooks.to_bytes(notebooks.read(text))
    for folder, skipped in ((lessons, {".md", ".ipynb"}), (course / "exercises", set[str]())):
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            inside = file.relative_to(folder.parent)
            hidden = any(part.startswith((".", "__")) for part in inside.parts)
            if file.suffix not in skipped and not hidden:
                yield PurePosixPath(inside.as_posix()), file.read_bytes()


def lay(offered: Mapping[PurePosixPath, bytes], workspace: Path) -> list[Placed]:
    """Lay files into the workspace by the rule of `build`.

    What was laid is recorded before it is written and again after, so that a run which is cut off
    leaves nothing of ours that the next run could take for the learner's.
    """
    with _refusals(workspace):
        workspace.mkdir(parents=True, exist_ok=True)
        records = _load(workspace)
        plan = [_decide(workspace, place, new, records) for place, new in offered.items()]
        for place, new in offered.items():
            records.setdefault(str(place), _Record()).known.add(_fingerprint(place, new))
        _save(workspace, records)
        for placed in plan:
            if placed.outcome is not Placement.KEPT:
                files.write(workspace / placed.newest, offered[placed.path])
        for place, new in offered.items():
            records[str(place)].offered = _digest(new)
        _save(workspace, records)
    return plan


def _decide(
    workspace: Path, place: PurePosixPath, new: bytes, records: Mapping[str, _Record]
) -> Placed:
    record = records.get(str(place), _Record())
    if _is_absent(workspace / place):
        return Placed(place, Placement.RESTORED if record.known else Placement.NEW, place)
    if record.offered == _digest(new):
        return Placed(place, Placement.KEPT, place)
    if _is_ours(workspace, place, record):
        return Placed(place, Placement.UPDATED, place)
    if _reads_as(workspace / place, _fingerprint(place, new)):
        return Placed(place, Placement.KEPT, place)  # the learner took the new version over
    return Placed(place, Placement.BESIDE, _beside(workspace, place, record))


def _beside(workspace: Path, place: PurePosixPath, record: _Record) -> PurePosixPath:
    """The first name beside a changed file that holds nothing of the learner's."""
    marks = (".new" if number == 1 else f".new-{number}" for number in count(1))
    names = (place.with_name(f"{place.stem}{mark}{place.suffix}") for mark in marks)
    return next(
        name for name in names if _is_absent(workspace / name) or _is_ours(workspace, name, record)
    )


def _is_absent(path: Path) -> bool:
    return not path.exists() and not path.is_symlink()


def _is_ours(workspace: Path, place: PurePosixPath, record: _Record) -> bool:
    """Whether a file is one we laid and nobody changed. A link is the learner's own doing."""
    path = workspace / place
    return not path.is_symlink() and any(_reads_as(path, known) for known in record.known)


def _reads_as(path: Path, fingerprint: str) -> bool:
    return _fingerprint(PurePosixPath(path.name), path.read_bytes()) == fingerprint


def _fingerprint(place: PurePosixPath, content: bytes) -> str:
    if place.suffix == ".ipynb":
        try:
            return _digest(json.dumps(notebooks.sources(content)).encode())
        except ValueError:
            pass  # a notebook that cannot be read is compared as the bytes it is
    return _digest(content)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _load(workspace: Path) -> dict[str, _Record]:
    """The manifest. One that is missing or damaged means only that nothing is known to be ours."""
    try:
        entries = json.loads((workspace / MANIFEST).read_text(encoding="utf-8"))
        return {
            str(place): _Record(str(entry["offered"]), set(map(str, entry["known"])))
            for place, entry in entries.items()
        }
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _save(workspace: Path, records: Mapping[str, _Record]) -> None:
    entries = {
        place: {"offered": record.offered, "known": sorted(record.known)}
        for place, record in records.items()
    }
    written = json.dumps(entries, indent=1, sort_keys=True) + "\n"
    files.write(workspace / MANIFEST, written.encode())


@contextmanager
def _refusals(workspace: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place = error.filename or workspace
        raise WorkspaceRefused(
            f"The workspace {workspace} cannot be brought up to date: {error.strerror}: {place}",
            "Nothing you changed was touched. Make that file or folder readable and writable for "
            "you (not a broken link, not a folder in a file's place), or name another workspace: "
            "autograd-course open --workspace FOLDER",
        ) from error
