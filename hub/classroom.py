"""A classroom's folder: who is in the class, where everything lies, what is kept between runs."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from grader.notebook import files

COURSE = "autograd-course"
GRADER = "grader"
INSTRUCTOR = "instructor"
CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass
class Classroom:
    """`accounts` says whether everybody is a Unix user of their own, or all are who runs it.

    The passwords are for the trial's sign-in: one that students share, one for the instructors.
    """

    folder: Path
    environment: Path
    accounts: bool
    port: int
    students: list[str]
    instructors: list[str]
    grader: str
    password: str
    instructors_password: str

    @property
    def python(self) -> Path:
        """The interpreter that everybody's servers run."""
        return self.environment / "bin" / "python"

    @property
    def hub(self) -> Path:
        """The hub's own files, secrets among them: closed to everybody else."""
        return self.folder / "hub"

    @property
    def proxy(self) -> Path:
        """The proxy that npm installed."""
        return self.folder / "proxy"

    @property
    def settings(self) -> Path:
        """What servers read: nbgrader's and Jupyter's settings, and the package `classroom`."""
        return self.folder / "settings"

    @property
    def student(self) -> Path:
        """The sealed student side: `python` and `lessons`."""
        return self.folder / "student"

    @property
    def instructors_side(self) -> Path:
        """The whole course, keys and judge included: closed to students."""
        return self.folder / "instructors"

    @property
    def course(self) -> Path:
        """The class's own folder: solutions, submissions, gradebook, verdicts. The grader's."""
        return self.folder / "course"

    @property
    def exchange(self) -> Path:
        """nbgrader's exchange, in which assignments go out and submissions come in."""
        return self.folder / "exchange"

    @property
    def homes(self) -> Path:
        """Where everybody's home lies in a trial without accounts."""
        return self.folder / "homes"

    @property
    def record(self) -> Path:
        """What `save` writes: the classroom itself, passwords included."""
        return self.hub / "classroom.json"

    @property
    def database(self) -> Path:
        """JupyterHub's: who is in which group, tokens, and servers while they run."""
        return self.hub / "jupyterhub.sqlite"

    @property
    def everybody(self) -> list[str]:
        """Everybody with a server or a service."""
        return [*self.instructors, self.grader, *self.students]

    def home(self, name: str) -> Path:
        """Somebody's home. Raises KeyError where there is no such account."""
        if not self.accounts:
            return self.homes / name
        import pwd

        return Path(pwd.getpwnam(name).pw_dir)

    def save(self) -> None:
        """Write the record, readable for its owner alone."""
        self.hub.mkdir(parents=True, exist_ok=True)
        self.hub.chmod(0o700)
        fields = asdict(self) | {"folder": str(self.folder), "environment": str(self.environment)}
        files.write(self.record, json.dumps(fields, indent=1).encode(), 0o600)


def load(record: Path) -> Classroom:
    """The classroom that a record describes."""
    fields = json.loads(record.read_text())
    fields["folder"], fields["environment"] = Path(fields["folder"]), Path(fields["environment"])
    return Classroom(**fields)


def has_left(room: Classroom) -> bool:
    """Whether somebody whom the record names has a place no more, or another one."""
    if not room.record.exists():
        return False
    before = load(room.record)
    gone = {*before.students} - {*room.students} or {*before.instructors} - {*room.instructors}
    return bool(gone)


def plan(
    folder: Path,
    environment: Path,
    *,
    accounts: bool,
    port: int,
    students: list[str],
    instructors: list[str],
) -> Classroom:
    """The classroom as asked for; one that was there before keeps its passwords."""
    made = Classroom(
        folder=folder,
        environment=environment,
        accounts=accounts,
        port=port,
        students=students,
        instructors=instructors,
        grader=GRADER,
        password=secrets.token_urlsafe(9),
        # JupyterHub asks for at least 32 characters here.
        instructors_password=secrets.token_urlsafe(24),
    )
    if made.record.exists():
        before = load(made.record)
        made.password, made.instructors_password = before.password, before.instructors_password
    return made
