"""The folder a class's students learn from: the course without anything that can answer for it."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from grader import rooms
from grader.authoring.sealing import sealed_file
from grader.engine.refusal import Refusal
from grader.notebook.files import put_in_place
from grader.notebook.folder import workspace
from grader.recorded.sealed import SEALED, torch_version

SOURCE = Path(__file__).resolve().parents[2]
MANIFEST = "manifest.json"
RECORDING = PurePosixPath("python", "grader", "recorded", SEALED.name)


class CannotWrite(Refusal):
    """The folder cannot be written, or holds what is not ours to replace."""


@dataclass(frozen=True)
class StudentSide:
    """What was written: the folder, its files, and with which course and torch it was made."""

    folder: Path
    files: int
    size: int
    course: str
    torch: str

    @property
    def recording(self) -> Path:
        """The file of recorded answers in it."""
        return self.folder / RECORDING


def seal(folder: Path, source: Path = SOURCE) -> StudentSide:
    """Write the student side of the course in `source` into `folder`, whole or not at all.

    A student side that lies there is replaced. Raises CannotWrite, and CannotSeal where an
    exercise cannot be recorded.
    """
    folder = folder.resolve()
    _refuse_what_is_not_ours(folder)
    if not (source / "course" / "lessons").is_dir():
        raise CannotWrite(
            f"There are no lessons in {source}.", "Seal from the course's own folder."
        )
    files = dict(_files(source))
    about = {"course": _version(source), "torch": torch_version()}
    sums = {str(place): _digest(content) for place, content in sorted(files.items())}
    manifest = json.dumps({**about, "files": sums}, indent=1) + "\n"
    files[PurePosixPath(MANIFEST)] = manifest.encode()
    try:
        _replace(folder, files)
    except OSError as error:
        raise CannotWrite(
            f"{folder} cannot be written: {error.strerror}: {error.filename or folder}.",
            "What lay there is as it was. Name a folder whose parent you may write to.",
        ) from error
    return StudentSide(folder, len(files), sum(map(len, files.values())), **about)


def _files(source: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Every file of the student side but the manifest: its place and its content."""
    chosen = []
    for part in (*rooms.parts(rooms.STUDENT_SIDE, source / "grader"), source / "course"):
        chosen += sorted(path for path in part.rglob("*") if path.is_file()) or [part]
    for path in chosen:
        place = path.relative_to(source)
        # Of the lessons the texts: what a verdict names as the section to read is found in them.
        if place.parts[:2] == ("course", "lessons") and place.suffix != ".md":
            continue
        if not _is_left_behind(place):
            yield PurePosixPath("python", place.as_posix()), path.read_bytes()
    yield RECORDING, sealed_file()
    for offered, content in workspace.offers(source):
        if offered.parts[0] == "lessons":
            yield offered, content


def _is_left_behind(place: Path) -> bool:
    """Whether a file is something that Python or an editor left."""
    return any(part.startswith((".", "__pycache__")) for part in place.parts)


def _version(source: Path) -> str:
    settings = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))
    return str(settings["project"]["version"])


def _refuse_what_is_not_ours(folder: Path) -> None:
    """Raises CannotWrite if the folder holds anything that `seal` did not write as it is now."""
    if not os.path.lexists(folder):
        return
    if not folder.is_dir():
        raise CannotWrite(f"{folder} is no folder.", "Name a folder, or one that is yet to be.")
    ours = _sums(folder)
    foreign = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if not _is_ours(path, path.relative_to(folder), ours)
    )
    if foreign:
        more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
        raise CannotWrite(
            f"{folder} holds files that `seal` did not write: {', '.join(foreign[:3])}{more}.",
            "Name another folder, or empty this one.",
        )


def _is_ours(path: Path, place: Path, ours: Mapping[str, str]) -> bool:
    if path.is_symlink():
        return False
    if path.is_dir() or "__pycache__" in place.parts or (place.as_posix() == MANIFEST and ours):
        return True
    return ours.get(place.as_posix()) == _digest(path.read_bytes())


def _sums(folder: Path) -> dict[str, str]:
    """The checksum of every file, by the manifest; nothing where there is none to be read."""
    try:
        files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        return {str(place): str(digest) for place, digest in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _replace(folder: Path, files: Mapping[PurePosixPath, bytes]) -> None:
    """Put a folder of these files, readable for everybody, in the place of the one before."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as beside:
        fresh = Path(beside, "fresh")
        for place, content in files.items():
            path = fresh / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            path.chmod(0o644)
        for path in (fresh, *fresh.rglob("*/")):
            path.chmod(0o755)
        put_in_place(fresh, folder)
