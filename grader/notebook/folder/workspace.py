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
from grader.notebook import files
from grader.notebook.folder import carrying
from grader.notebook.texts import notebooks, places
from grader.notebook.texts.home import HOME
from grader.notebook.texts.places import MANIFEST


class WorkspaceRefused(Refusal):
    """The workspace cannot be read or written."""


class Placement(enum.Enum):
    """What happened to one file of the workspace."""

    NEW = "new"
    UPDATED = "updated"
    RESTORED = "laid again, since it was gone"
    BESIDE = "changed by you, so the new one is laid beside it"
    KEPT = "left alone"
    GONE = "lies elsewhere now, and nobody had changed it"
    LEFT = "changed by you, so it stays; the course goes on at another place"


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
    carried: set[str] = field(default_factory=set)
    """What was laid beside it with the learner's own answers in it: ours only as long as it is."""
    starts: set[str] = field(default_factory=set)
    """What its answers were to begin with, in every version."""


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
    if course.resolve() == HOME or (course / "course" / "symptoms").is_dir():
        # It reads what a course of one's own does not have.
        from grader.notebook.folder import index

        yield places.INDEX, notebooks.to_bytes(index.notebook())
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
        contents = {one.path: _content(workspace, one, offered, records) for one in plan}
        for place, new in offered.items():
            records.setdefault(str(place), _Record()).known.add(_fingerprint(place, new))
            records[str(place)].starts.update(map(_digest_of, carrying.answers(new).values()))
        for one in plan:
            if contents[one.path] != offered[one.path]:
                records[str(one.path)].carried.add(_fingerprint(one.path, contents[one.path]))
        _save(workspace, records)
        for placed in plan:
            if placed.outcome is not Placement.KEPT:
                files.write(workspace / placed.newest, contents[placed.path])
        left = list(_moved_on(workspace, offered, records))
        for place, new in offered.items():
            records[str(place)].offered = _digest(new)
        _save(workspace, records)
    return [*plan, *left]


def _decide(
    workspace: Path, place: PurePosixPath, new: bytes, records: Mapping[str, _Record]
) -> Placed:
    record = records.get(str(place), _Record())
    if _is_absent(workspace / place):
        return Placed(place, Placement.RESTORED if record.known else Placement.NEW, place)
    if record.offered == _digest(new):
        return Placed(place, Placement.KEPT, place)
    if _is_ours(workspace, place, record.known):
        return Placed(place, Placement.UPDATED, place)
    if _reads_as(workspace / place, _fingerprint(place, new)):
        return Placed(place, Placement.KEPT, place)  # the learner took the new version over
    return Placed(place, Placement.BESIDE, _beside(workspace, place, record))


def _content(
    workspace: Path,
    placed: Placed,
    offered: Mapping[PurePosixPath, bytes],
    records: Mapping[str, _Record],
) -> bytes:
    """What is laid: beside a changed exercise notebook, the new one with the learner's answers."""
    new = offered[placed.path]
    if placed.outcome is not Placement.BESIDE or placed.path.suffix != ".ipynb":
        return new
    starts = records.get(str(placed.path), _Record()).starts
    mine = carrying.answers((workspace / placed.path).read_bytes())
    written = {name: text for name, text in mine.items() if _digest_of(text) not in starts}
    return carrying.carried(new, written)


def _moved_on(
    workspace: Path,
    offered: Mapping[PurePosixPath, bytes],
    records: dict[str, _Record],
) -> Iterator[Placed]:
    """Files of ours that lie at a place of an earlier version: gone, or left to the learner."""
    for place, before in ((now, one) for now in offered for one in places.earlier(now)):
        if before in offered or str(before) not in records:
            continue
        record = records.pop(str(before))
        if _is_absent(workspace / before):
            continue
        if _is_ours(workspace, before, record.known):
            (workspace / before).unlink()
            yield Placed(before, Placement.GONE, place)
        else:
            yield Placed(before, Placement.LEFT, place)


def _beside(workspace: Path, place: PurePosixPath, record: _Record) -> PurePosixPath:
    """The first name beside a changed file that holds nothing of the learner's."""
    marks = (".new" if number == 1 else f".new-{number}" for number in count(1))
    names = (place.with_name(f"{place.stem}{mark}{place.suffix}") for mark in marks)
    return next(
        name
        for name in names
        if _is_absent(workspace / name) or _is_ours(workspace, name, record.known | record.carried)
    )


def _is_absent(path: Path) -> bool:
    return not path.exists() and not path.is_symlink()


def _is_ours(workspace: Path, place: PurePosixPath, laid: set[str]) -> bool:
    """Whether a file is one we laid and nobody changed. A link is the learner's own doing."""
    path = workspace / place
    return not path.is_symlink() and any(_reads_as(path, known) for known in laid)


def _reads_as(path: Path, fingerprint: str) -> bool:
    return _fingerprint(PurePosixPath(path.name), path.read_bytes()) == fingerprint


def _fingerprint(place: PurePosixPath, content: bytes) -> str:
    if place.suffix == ".ipynb":
        try:
            return _digest(json.dumps(notebooks.sources(content)).encode())
        except ValueError:
            pass  # a notebook that cannot be read is compared as the bytes it is
    return _digest(content)


def _digest_of(text: str) -> str:
    return _digest(text.encode())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _load(workspace: Path) -> dict[str, _Record]:
    """The manifest. One that is missing or damaged means only that nothing is known to be ours."""
    try:
        entries = json.loads((workspace / MANIFEST).read_text(encoding="utf-8"))
        return {
            str(place): _Record(str(entry["offered"]), *(_set(entry, kind) for kind in _SETS))
            for place, entry in entries.items()
        }
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return {}


_SETS = ("known", "carried", "starts")


def _set(entry: Mapping[str, list[str]], kind: str) -> set[str]:
    """One of an entry's lists; the course up to 0.3.0 wrote `known` alone."""
    return set(map(str, entry["known"] if kind == "known" else entry.get(kind, [])))


def _save(workspace: Path, records: Mapping[str, _Record]) -> None:
    entries = {
        place: {
            "offered": record.offered,
            **{kind: sorted(getattr(record, kind)) for kind in _SETS if getattr(record, kind)},
        }
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
