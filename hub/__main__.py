"""`python -m hub`: prepares the classroom's folder, opens the classroom, and ends it at Ctrl-C."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036  whoever types `python3` may have an older one
    sys.exit("The classroom needs Python 3.11 or newer. Name one: make hub PYTHON=python3.12")

from grader.engine.refusal import Refusal
from hub import accounts, environment, following, prepare, proxy, running
from hub.classroom import CHECKOUT, GRADER, INSTRUCTOR, Classroom, has_left, load, plan

_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")


def main() -> int:
    """Do what was asked on the command line, and say with which status to end."""
    asked = _asked()
    try:
        if not sys.platform.startswith("linux"):
            raise Refusal("A classroom runs on Linux.", "To learn alone you need none: make course")
        if asked.remove_accounts:
            return _remove_accounts(asked.folder)
        room = _prepared(asked)
        if asked.prepare:
            print(f"The classroom in {room.folder} is prepared.")
            return 0
        return running.run(room, ready=lambda: _ready(room, asked))
    except Refusal as refusal:
        print(f"Stopped. {refusal.what}\n{refusal.cure}", file=sys.stderr)
        return 1


def _asked() -> argparse.Namespace:
    root = os.geteuid() == 0
    folder = Path("/srv/autograd-course") if root else CHECKOUT / "classroom"
    parser = argparse.ArgumentParser(prog="python -m hub", description=__doc__)
    parser.add_argument("--folder", type=Path, default=folder, help=f"default: {folder}")
    parser.add_argument("--port", type=int, default=8000, help="default: 8000")
    parser.add_argument(
        "--students", default="2", help="how many for a trial, or names: ada,grace (default: 2)"
    )
    parser.add_argument("--instructors", default=INSTRUCTOR, help=f"names (default: {INSTRUCTOR})")
    parser.add_argument(
        "--environment",
        type=Path,
        help="a Python environment with all that pyproject.toml asks for, and open to students "
        "(default: the one this runs in if it will do, else one made in the folder)",
    )
    parser.add_argument("--prepare", action="store_true", help="prepare, and do not start")
    parser.add_argument(
        "--remove-accounts",
        action="store_true",
        help="remove the Unix accounts that were made here, homes included",
    )
    parser.add_argument(
        "--follow", action="store_true", help="grade what is handed in, and hand feedback out"
    )
    parser.add_argument(
        "--tries", type=int, help="with --follow: everybody's first so many (default: the last)"
    )
    asked = parser.parse_args()
    if asked.tries is not None and (not asked.follow or asked.tries < 1):
        parser.error("--tries is a number from 1 on, and goes with --follow")
    asked.folder = asked.folder.absolute()
    asked.students = _names(parser, asked.students)
    asked.instructors = _names(parser, asked.instructors)
    twice = {*asked.students} & {*asked.instructors, GRADER}
    if twice:
        parser.error(f"both student and instructor or grader: {', '.join(sorted(twice))}")
    return asked


def _names(parser: argparse.ArgumentParser, given: str) -> list[str]:
    if given.isdigit() and int(given):
        return [f"student-{number}" for number in range(1, int(given) + 1)]
    names = [name.strip() for name in given.split(",") if name.strip()]
    wrong = [name for name in names if not _NAME.fullmatch(name)]
    if wrong or not names:
        parser.error(f"no name of a Unix account: {', '.join(wrong) or repr(given)}")
    return list(dict.fromkeys(names))


def _prepared(asked: argparse.Namespace) -> Classroom:
    """The classroom, with all that it needs in its folder. Raises a Refusal."""
    os.umask(0o022)
    as_root = os.geteuid() == 0
    room = plan(
        asked.folder,
        asked.folder / "env",
        accounts=as_root,
        port=asked.port,
        students=asked.students,
        instructors=asked.instructors,
    )
    room.folder.mkdir(parents=True, exist_ok=True)
    if has_left(room):
        print("Somebody left the class: the hub's database is made anew, and all sign in again.")
        room.database.unlink(missing_ok=True)
    room.save()
    room.environment = _environment(room, asked.environment)
    environment.require(room)
    proxy.install(room.proxy)
    _say_who(room)
    if room.accounts:
        for name in accounts.make(room):
            print(f"Made the Unix account {name}.")
        for home in accounts.open_homes(room):
            print(f"Other users can look into {home}. To close it: chmod 700 {home}")
    prepare.lay(room)
    environment.require(room, room.students[0] if room.accounts else None)
    room.save()
    return room


def _environment(room: Classroom, given: Path | None) -> Path:
    if given is not None:
        return given.absolute()
    made = room.folder / "env"
    here = Path(sys.prefix)
    for ready in (made, here):
        room.environment = ready
        try:
            environment.require(room)
        except environment.BadEnvironment:
            continue
        return ready
    environment.make(made)
    return made


def _say_who(room: Classroom) -> None:
    if room.accounts:
        missing = accounts.missing(room.everybody)
        if missing:
            print(f"These Unix accounts are made: {', '.join(missing)}.")
            print("To remove them again: python -m hub --remove-accounts")
    else:
        print("A trial without root: everybody in it is you, so nothing is protected from anybody.")
        print("For a class, start it as root: every student is a Unix user then.")


def _ready(room: Classroom, asked: argparse.Namespace) -> None:
    """The hub answers: say so, and grade what arrives if that was asked for."""
    _say_how_to_sign_in(room)
    if asked.follow:
        following.start(room, asked.tries)


def _say_how_to_sign_in(room: Classroom) -> None:
    print(f"\nThe classroom is at http://127.0.0.1:{room.port}/\n")
    print(f"  {', '.join(room.instructors)}: {room.instructors_password}")
    print(f"  {room.students[0]} … {room.students[-1]}: {room.password}\n")
    print("Ctrl-C ends it.", flush=True)


def _remove_accounts(folder: Path) -> int:
    record = folder / "hub" / "classroom.json"
    if not record.exists():
        raise Refusal(f"There is no classroom in {folder}.", "Name its folder: --folder FOLDER")
    removed = accounts.remove(load(record))
    print(f"Removed: {', '.join(removed) or 'none, since none was made here'}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
