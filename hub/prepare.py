"""Lays everything a classroom needs into its folder. Run again, it brings the folder up to date."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from grader.engine.refusal import Refusal
from grader.notebook.files import put_in_place
from hub import accounts
from hub.classroom import CHECKOUT, COURSE, Classroom
from hub.environment import as_account

_HERE = Path(__file__).resolve().parent
_NO_NEWS = CHECKOUT / "grader" / "cli" / "lab_settings" / "overrides.json"
_LEFT_OUT = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "*.pyc")


class CannotPrepare(Refusal):
    """A part of the classroom could not be made."""


def lay(room: Classroom) -> None:
    """Every folder of the classroom but its Python, its proxy and its accounts."""
    room.folder.chmod(0o755)
    if not room.accounts:
        for name in room.everybody:
            room.home(name).mkdir(parents=True, exist_ok=True, mode=0o700)
    _settings(room)
    _student_side(room)
    _instructors_side(room)
    _exchange(room)
    _class_folder(room)


def _fresh(target: Path, write: Callable[[Path], object], reader: int | None = None) -> None:
    """Make a folder anew beside the old one, then put it in its place.

    It is for everybody to read, whatever the umask of whoever started this; or, where there is a
    `reader`, for that group alone. Until it is whole it is closed to all.
    """
    new = target.with_name(f".{target.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    write(new)
    for path in new.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    if reader is not None:
        shutil.chown(new, group=reader)
    new.chmod(0o755 if reader is None else 0o750)
    put_in_place(new, target)


def _settings(room: Classroom) -> None:
    def write(new: Path) -> None:
        shutil.copytree(_HERE / "settings", new, ignore=_LEFT_OUT, dirs_exist_ok=True)
        for labconfig in new.glob("*/labconfig"):  # no JupyterLab asks other machines for news
            shutil.copy(_NO_NEWS, labconfig / "default_setting_overrides.json")
        _compile(room, new / "python")

    _fresh(room.settings, write)


def _student_side(room: Classroom) -> None:
    """The sealed course. Sealing runs every exercise, so it is done when the course changed."""
    digest = _digest(CHECKOUT / part for part in ("grader", "course"))
    record = room.hub / "sealed-from"
    if room.student.exists() and record.exists() and record.read_text() == digest:
        return
    print("Sealing the students' side.", flush=True)
    _run(
        [
            str(room.python),
            "-m",
            "grader.cli",
            "seal",
            str(room.student),
            "--course",
            str(CHECKOUT),
        ],
        "The students' side could not be sealed",
        PYTHONPATH=str(CHECKOUT),
    )
    _compile(room, room.student / "python")
    record.write_text(digest)


def _instructors_side(room: Classroom) -> None:
    """The whole course, for the grader's account alone."""

    def write(new: Path) -> None:
        for package in ("grader", "course"):
            shutil.copytree(CHECKOUT / package, new / "python" / package, ignore=_LEFT_OUT)
        _compile(room, new / "python")
        offered = new / "offered"
        no_notebooks = shutil.ignore_patterns("*.ipynb", ".ipynb_checkpoints")
        shutil.copytree(CHECKOUT / "solutions", offered / "solutions", ignore=no_notebooks)
        lessons = Path("course", "lessons")
        shutil.copytree(CHECKOUT / lessons, offered / lessons, ignore=no_notebooks)
        shutil.copytree(CHECKOUT / "exercises", offered / "exercises", ignore=_LEFT_OUT)
        shutil.copy(CHECKOUT / "nbgrader_config.py", offered)
        command = new / "bin" / "autograd-course"
        command.parent.mkdir()
        # The path is set here as well, for a shell that is not of the grader's JupyterLab.
        path = f"{room.settings / 'python'}:{room.instructors_side / 'python'}"
        command.write_text(
            f'#!/bin/sh\nPYTHONPATH="{path}" exec "{room.python}" -m grader.cli "$@"\n'
        )
        command.chmod(0o755)

    reader = accounts.group_of(room.grader if room.accounts else None)
    _fresh(room.instructors_side, write, reader)


def _compile(room: Classroom, folder: Path) -> None:
    """Now, since those who import it may not write there."""
    command = [str(room.python), "-m", "compileall", "-q", str(folder)]
    _run(command, f"{folder} does not compile")


def _exchange(room: Classroom) -> None:
    """nbgrader's exchange: assignments out, submissions in, feedback out.

    nbgrader asks that everybody may write into its root, and a student hands in by making a folder
    in `inbound`. The sticky bit keeps either from taking away what others put there, and `inbound`
    cannot be listed. What is made in it has the grader's group (setgid).
    """
    course = room.exchange / COURSE
    modes = {
        room.exchange: 0o1777,
        course: 0o755,
        course / "outbound": 0o755,
        course / "inbound": 0o3733,
        course / "feedback": 0o711,
    }
    for folder, mode in modes.items():
        folder.mkdir(exist_ok=True)
        if room.accounts:
            # Root's, so that nobody else changes what lies in it.
            owner = "root" if folder == room.exchange else room.grader
            shutil.chown(folder, owner, accounts.group_of(owner))
        folder.chmod(mode)
    for left in (course / "inbound").glob(".under-way-*"):
        shutil.rmtree(left)  # nobody's server runs now: these were cut off, and never handed in


def _class_folder(room: Classroom) -> None:
    """The class's own folder, written by its owner: a link there leads nobody astray."""
    room.course.mkdir(exist_ok=True, mode=0o700)
    if room.accounts:
        shutil.chown(room.course, room.grader, accounts.group_of(room.grader))
    room.course.chmod(0o700)
    offered = room.instructors_side / "offered"
    _run(
        [str(room.python), "-m", "classroom.class_folder", str(offered), json.dumps(room.students)],
        "The class's folder could not be laid",
        account=room.grader if room.accounts else None,
        PYTHONPATH=f"{room.settings / 'python'}:{room.instructors_side / 'python'}",
        CLASSROOM_ROOT=str(room.course),
        CLASSROOM_EXCHANGE=str(room.exchange),
        HOME=str(room.home(room.grader)),
    )


def _digest(folders: Iterable[Path]) -> str:
    """A fingerprint of every file in some folders, compiled ones aside."""
    whole = hashlib.sha256()
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    for path in sorted(path for path in files if "__pycache__" not in path.parts):
        whole.update(f"{path}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()


def _run(command: list[str], what: str, account: str | None = None, **environment: str) -> None:
    path = os.pathsep.join([str(Path(command[0]).parent), os.defpath])
    done = subprocess.run(
        command,
        cwd="/",
        env={"PATH": path, "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"} | environment,
        stdin=subprocess.DEVNULL,
        check=False,
        **as_account(account),
    )
    if done.returncode:
        raise CannotPrepare(f"{what}; the reason is above.", "Mend it, and start again.")
