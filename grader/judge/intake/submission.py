"""Reads the folder of one submission: its notebook and the files beside it, following no link."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from grader.judge.intake.entries import (
    LEFTOVERS,
    NOT_THEIRS,
    is_taken,
    is_usable,
    may_be_it,
)
from grader.judge.intake.form import Form
from grader.judge.intake.lenient import MOST_BYTES
from grader.judge.intake.matching import Glance, glance
from grader.judge.intake.printable import quote
from grader.judge.intake.receipts import TIMESTAMP
from grader.judge.intake.repairs import Repair, repair
from grader.notebook.files import opened, read_plain

MIB = 1024 * 1024
MOST_FILES = 1000
MOST_BYTES_IN_FILES = 64 * MIB
DEEPEST = 8
"""How many files are read, how many bytes in all of them, and how many folders deep."""

_MOST_ENTRIES = 20_000  # of a folder tree, whatever they are
_MOST_OF_A_KIND = 20  # repairs with one code
_MOST_BYTES_LOOKED_AT = 2 * MOST_BYTES  # in all notebooks that may be the one
_MOST_LISTED = 5
_ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".7z", ".rar")


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
        self._deeper: list[str] = []
        self._folders: list[str] = []
        self._odd: list[str] = []  # what cannot be it, and why
        self._left: list[str] = []  # what programs leave
        self._glances: dict[str, Glance] = {}
        self._entries, self._room = 0, MOST_BYTES_IN_FILES
        self._unlooked = _MOST_BYTES_LOOKED_AT
        self._told: Counter[str] = Counter()
        self.files: dict[str, bytes] = {}
        self.repairs: list[Repair] = []

    def read(self, folder: Path) -> bytes | None:
        """Read the files and return the notebook. Raises OSError if the folder cannot be opened."""
        with opened(folder, flags=os.O_DIRECTORY) as descriptor:
            self._folder = descriptor
            self._walk(descriptor, PurePosixPath(), 0)
            name = self._which()
            if name is None:
                return None
            try:
                content = self._content(name)
            except OSError:
                self._tell("unreadable_file", found=quote(name))
                return None
            if content is None:
                self._tell("notebook_too_large", limit=f"{MOST_BYTES // MIB} MiB")
            return content

    def _content(self, name: str) -> bytes | None:
        """A notebook's bytes, or None if there are too many. Raises OSError."""
        if name in self.files:
            return self.files[name]
        return read_plain(name, MOST_BYTES, folder=self._folder)

    def _which(self) -> str | None:
        """The assignment's notebook: under its own name, or the one that must be it."""
        named = {self._wanted, *(f"{name}.ipynb" for name in self._form.siblings)}
        others = [name for name in self._notebooks if name not in named]
        disguised = [name for name in self._own_files() if _is_notebook(self.files[name])]
        missing = named - set(self._notebooks)
        if self._wanted not in missing:
            chosen = self._wanted_or_copy([*others, *disguised])
            if missing:  # one of the others may be it
                others = []
        else:
            found = self._only_one(others, disguised, is_alone=len(missing) == 1)
            if found is None:
                return None
            chosen = found
        for name in (*others, *self._deeper):
            if name != chosen:
                self._tell("other_notebook", found=quote(name), wanted=self._wanted)
        return chosen

    def _own_files(self) -> list[str]:
        """The learner's files beside the notebook, by name."""
        return [name for name in self.files if "/" not in name and name not in self._form.files]

    def _wanted_or_copy(self, others: list[str]) -> str:
        """The notebook of the right name; without answers in it, the one other that has some."""
        if not others or self._look(self._wanted).answered:
            return self._wanted
        holding = [name for name in others if self._look(name).answered]
        if not holding:
            return self._wanted
        code = "copy" if len(holding) == 1 else "copies"
        self._tell(code, found=_listed(holding), wanted=self._wanted)
        return holding[0] if len(holding) == 1 else self._wanted

    def _only_one(self, others: list[str], disguised: list[str], *, is_alone: bool) -> str | None:
        """The one notebook that can be the assignment's, or None, which is told.

        It is the only one that holds cells of the assignment, or the only one of these with
        answers; or the only notebook there, where no other of the assignment `is_alone` missing.
        """
        fitting = [name for name in (*others, *disguised) if self._look(name).known]
        answered = [name for name in fitting if self._look(name).answered]
        for found in (fitting, answered, others if is_alone and not fitting else []):
            if len(found) == 1:
                self._tell("renamed", found=quote(found[0]), wanted=self._wanted)
                return found[0]
        if fitting or others:
            listed = _listed(fitting or others)
            self._tell("which_notebook", found=listed, wanted=self._wanted)
        else:
            self._tell("no_notebook", wanted=self._wanted, there=self._there())
        return None

    def _look(self, name: str) -> Glance:
        """What a notebook holds of the assignment; of one that cannot be read, nothing."""
        if name not in self._glances:
            try:
                content = self._content(name)
            except OSError:
                content = None
            size = len(content or b"")
            self._unlooked -= size
            self._glances[name] = glance(content, self._form) if self._unlooked >= 0 else Glance()
        return self._glances[name]

    def _there(self) -> str:
        """What lies in a folder in which there is no notebook, and what to do with it."""
        found = [*self._deeper, *self._own_files()]
        if not (found or self._folders or self._odd or self._told["too_many"]):
            if self._left:
                return f"There lies nothing but what programs leave: {_listed(sorted(self._left))}."
            return "The folder is empty."
        if not (found or self._folders):
            return f"There lies {', '.join(self._odd[:_MOST_LISTED]) or 'too much to be read'}."
        told = f"There lies {_listed(found or self._folders)}."
        if any(name.lower().endswith(_ARCHIVES) for name in found):
            return f"{told} Unpack it, and grade again."
        return f"{told} Lay it where it belongs, and grade again." if self._deeper else told

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
            if entry.name not in LEFTOVERS:
                yield entry
            else:
                self._left.append(entry.name)

    def _entry(self, entry: os.DirEntry[str], folder: int, path: PurePosixPath, depth: int) -> None:
        found = quote(str(path))
        try:
            mode = entry.stat(follow_symlinks=False).st_mode
            if depth == 0 and path.name == TIMESTAMP and not stat.S_ISREG(mode):
                return  # told with the receipt
            if stat.S_ISLNK(mode):
                self._odd.append(f"a link called {found}")
                self._tell("link", found=found)
            elif not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                self._odd.append(f"{found}, which is no file")
                self._tell("not_a_file", found=found)
            elif stat.S_ISDIR(mode) and depth == 0 and is_taken(path.name):
                self._odd.append(f"a folder called {found}")
                self._tell("folder", found=found)
            elif not (is_usable(path) or (depth == 0 and may_be_it(path, mode))):
                self._odd.append(f"{found}, whose name cannot be used")
                self._tell("bad_name", found=found)
            elif stat.S_ISREG(mode):
                self._file(entry.name, folder, path, depth)
            elif depth == DEEPEST:
                self._tell("too_deep", found=found)
            else:
                if depth == 0:
                    self._folders.append(str(path))
                with opened(entry.name, flags=os.O_DIRECTORY, folder=folder) as inside:
                    self._walk(inside, path, depth + 1)
        except OSError:
            self._odd.append(f"{found}, which cannot be read")
            self._tell("unreadable_file", found=found)

    def _file(self, name: str, folder: int, path: PurePosixPath, depth: int) -> None:
        if path.suffix.lower() == ".ipynb":
            if name.startswith("."):  # what macOS and JupyterLab leave beside a notebook
                self._left.append(str(path))
                return
            if depth == 0:
                self._notebooks.append(name)
            else:
                self._deeper.append(str(path))
        elif depth == 0 and name in NOT_THEIRS:
            return
        elif len(self.files) >= MOST_FILES:
            self._too_many()
        else:
            content = read_plain(name, self._room, folder=folder)
            if content is None:
                limit, found = f"{MOST_BYTES_IN_FILES // MIB} MiB", quote(str(path))
                self._odd.append(f"{found}, which is too large")
                self._tell("too_large", found=found, limit=limit)
                return
            self._room -= len(content)
            self.files[str(path)] = content

    def _too_many(self) -> None:
        if not self._told["too_many"]:
            limit = f"{MOST_FILES} files, and {_MOST_ENTRIES} entries of any kind"
            self._tell("too_many", limit=limit)


def _is_notebook(content: bytes) -> bool:
    """Whether a file of another name is a notebook, by its looks."""
    return content[:100].lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{") and (
        len(content) <= MOST_BYTES and b'"cells"' in content and b'"nbformat"' in content
    )


def _listed(names: list[str]) -> str:
    more = ", …" if len(names) > _MOST_LISTED else ""
    return ", ".join(map(quote, names[:_MOST_LISTED])) + more


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
