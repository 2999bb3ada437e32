"""Reads the folder of one submission: its notebook and the files beside it, following no link."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from grader.judge.intake.form import Form
from grader.judge.intake.lenient import MOST_BYTES
from grader.judge.intake.printable import quote
from grader.judge.intake.repairs import Repair, repair
from grader.notebook.files import opened, read_plain

MIB = 1024 * 1024
MOST_FILES = 1000
MOST_BYTES_IN_FILES = 64 * MIB
DEEPEST = 8
"""How many files are read, how many bytes in all of them, and how many folders deep."""

_MOST_ENTRIES = 20_000  # of a folder tree, whatever they are
_MOST_OF_A_KIND = 20  # repairs with one code
_LONGEST_NAME, _LONGEST_PATH = 200, 400
_NOT_THEIRS = {"timestamp.txt", "submission_secret.txt"}
"""What nbgrader's exchange lays beside a submission. A learner can write it as well."""
_LEFTOVERS = {".ipynb_checkpoints", "__pycache__", ".git", ".DS_Store", ".virtual_documents"}


@dataclass(frozen=True)
class Submitted:
    """What a learner handed in: the notebook's bytes, the files beside it by path, and repairs.

    `files` are what a box is given: the learner's, with the assignment's own laid over them.
    """

    notebook: bytes | None
    files: Mapping[str, bytes] = field(default_factory=dict)
    repairs: tuple[Repair, ...] = ()


def read_submission(folder: Path, form: Form) -> Submitted:
    """Read one submission. Never raises, whatever lies in the folder.

    No symbolic link is followed, `folder` itself included, and nothing but plain files is opened.
    A hard link cannot be told from the file it names, so it counts as one: whoever collects
    submissions must not do so on a disk where learners can make links to files of others.
    """
    reader, notebook = _Reader(form), None
    try:
        notebook = reader.read(folder)
    except OSError:
        reader.repairs.append(repair("no_folder"))
    files = _laid_over(reader.files, form.files)
    differing = [name for name in form.files if reader.files.get(name) not in (None, files[name])]
    replaced = [repair("replaced_file", found=quote(name)) for name in differing]
    return Submitted(notebook, files, (*reader.repairs, *replaced))


class _Reader:
    """One walk through a submission's folder, within its limits."""

    def __init__(self, form: Form) -> None:
        self._form, self._wanted = form, f"{form.name}.ipynb"
        self._notebooks: list[str] = []
        self._entries, self._room = 0, MOST_BYTES_IN_FILES
        self._told: Counter[str] = Counter()
        self.files: dict[str, bytes] = {}
        self.repairs: list[Repair] = []

    def read(self, folder: Path) -> bytes | None:
        """Read the files and return the notebook. Raises OSError if the folder cannot be opened."""
        with opened(folder, flags=os.O_DIRECTORY) as descriptor:
            self._walk(descriptor, PurePosixPath(), 0)
            name = self._which()
            if name is None:
                return None
            try:
                content = read_plain(name, MOST_BYTES, folder=descriptor)
            except OSError:
                self._tell("unreadable_file", found=quote(name))
                return None
            if content is None:
                self._tell("notebook_too_large", limit=f"{MOST_BYTES // MIB} MiB")
            return content

    def _which(self) -> str | None:
        """The assignment's notebook, under its own name or under the only other one."""
        wanted = {self._wanted, *(f"{name}.ipynb" for name in self._form.siblings)}
        others = [name for name in self._notebooks if name not in wanted]
        missing = wanted - set(self._notebooks)
        if self._wanted not in missing:
            for name in others if not missing else ():  # else one may be that which is missing
                self._tell("other_notebook", found=quote(name), wanted=self._wanted)
            return self._wanted
        if len(others) == 1 and len(missing) == 1:
            self._tell("renamed", found=quote(others[0]), wanted=self._wanted)
            return others[0]
        listed = ", ".join(map(quote, others[:5]))
        self._tell("which_notebook" if others else "no_notebook", found=listed, wanted=self._wanted)
        return None

    def _tell(self, code: str, **words: str) -> None:
        self._told[code] += 1
        if self._told[code] <= _MOST_OF_A_KIND:
            self.repairs.append(repair(code, **words))
        elif self._told[code] == _MOST_OF_A_KIND + 1:
            self.repairs.append(repair("and_more"))

    def _walk(self, folder: int, path: PurePosixPath, depth: int) -> None:
        with os.scandir(folder) as entries:
            for entry in sorted(self._bounded(entries), key=lambda entry: entry.name):
                self._entry(entry, folder, path / entry.name, depth)

    def _bounded(self, entries: Iterator[os.DirEntry[str]]) -> Iterator[os.DirEntry[str]]:
        for entry in entries:
            self._entries += 1
            if self._entries > _MOST_ENTRIES:
                self._too_many()
                return
            if entry.name not in _LEFTOVERS:
                yield entry

    def _entry(self, entry: os.DirEntry[str], folder: int, path: PurePosixPath, depth: int) -> None:
        found = quote(str(path))
        try:
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISLNK(mode):
                self._tell("link", found=found)
            elif not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                self._tell("not_a_file", found=found)
            elif stat.S_ISDIR(mode) and depth == 0 and is_taken(path.name):
                self._tell("folder", found=found)
            elif not _usable(path):
                self._tell("bad_name", found=found)
            elif stat.S_ISREG(mode):
                self._file(entry.name, folder, path, depth)
            elif depth == DEEPEST:
                self._tell("too_deep", found=found)
            else:
                with opened(entry.name, flags=os.O_DIRECTORY, folder=folder) as inside:
                    self._walk(inside, path, depth + 1)
        except OSError:
            self._tell("unreadable_file", found=found)

    def _file(self, name: str, folder: int, path: PurePosixPath, depth: int) -> None:
        if path.suffix == ".ipynb":
            if depth == 0:
                self._notebooks.append(name)
            else:
                self._tell("other_notebook", found=quote(str(path)), wanted=self._wanted)
        elif depth == 0 and name in _NOT_THEIRS:
            return
        elif len(self.files) >= MOST_FILES:
            self._too_many()
        else:
            content = read_plain(name, self._room, folder=folder)
            if content is None:
                limit = f"{MOST_BYTES_IN_FILES // MIB} MiB"
                self._tell("too_large", found=quote(str(path)), limit=limit)
                return
            self._room -= len(content)
            self.files[str(path)] = content

    def _too_many(self) -> None:
        if not self._told["too_many"]:
            limit = f"{MOST_FILES} files, and {_MOST_ENTRIES} entries of any kind"
            self._tell("too_many", limit=limit)


def _usable(path: PurePosixPath) -> bool:
    """Whether a path is text that any program can show and any file system can hold."""
    return path.name.isprintable() and (
        len(path.name.encode(errors="replace")) <= _LONGEST_NAME
        and len(str(path).encode(errors="replace")) <= _LONGEST_PATH
    )


def is_taken(name: str) -> bool:
    """Whether what is graded will have a file of that name, so that no folder can."""
    return name.endswith(".ipynb") or name in _NOT_THEIRS


def _laid_over(theirs: Mapping[str, bytes], ours: Mapping[str, bytes]) -> dict[str, bytes]:
    """The learner's files under the assignment's: where a file and a folder meet, ours stays."""
    folders = {str(parent) for name in ours for parent in PurePosixPath(name).parents}
    kept = {
        name: content
        for name, content in theirs.items()
        if name not in folders
        and not any(str(parent) in ours for parent in PurePosixPath(name).parents)
    }
    return kept | dict(ours)
