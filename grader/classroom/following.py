"""What arrives in the exchange of a class: collected once, and its feedback handed out."""

from __future__ import annotations

import contextlib
import fcntl
import filecmp
import glob
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeError, ExchangeFactory
from nbgrader.exchange.default.collect import ExchangeCollect
from nbgrader.exchange.default.exchange import Exchange
from nbgrader.utils import notebook_hash
from traitlets.config import Config

from grader.classroom.collecting import Collect, Record
from grader.classroom.settings import settings_of
from grader.engine.refusal import Refusal
from grader.judge.batch.handing_out import handed_in
from grader.judge.intake.naming import require_folder
from grader.notebook.files import read_plain

_RECEIPT = ("timestamp.txt", "submission_secret.txt")
_MOST = 1000  # bytes of each


class NoExchange(Refusal):
    """There is no exchange to follow."""


class AlreadyFollowed(Refusal):
    """Somebody else follows the assignment."""


class Arrivals:
    """One assignment's submissions in the exchange of a class.

    A submission is taken once it has lain unchanged from one look to the next, so that none is
    taken half written. Without `tries` it is everybody's last one, as nbgrader collects; with it,
    everybody's submissions one after the other in the order they came, until `tries` of them were
    `judged`.
    """

    def __init__(
        self,
        folder: Path,
        assignment: str,
        judged: Callable[[str], int],
        tries: int | None,
        tell: Callable[[str], None],
    ) -> None:
        """`tell` is given sentences for the instructor. Raises NoExchange and BadName."""
        require_folder(folder)
        self._config = settings_of(folder)
        self.assignment, self._judged, self._tries, self._tell = assignment, judged, tries, tell
        self._kind, self._as_claimed = _collecting(self._config)
        self._exchange = exchange_of(self._config)
        self._seen: dict[str, datetime] = {}
        self._failed: set[tuple[str, datetime]] = set()
        self._told: Counter[str] = Counter()
        self._log = logging.Logger(f"following {assignment}", logging.ERROR)
        self._log.addHandler(_Telling(self._tell_once))

    def collect(self) -> list[str]:
        """Collect what has arrived; of whom something was collected."""
        collector = self._kind(
            coursedir=self._directory(), authenticator=None, config=self._config, log=self._log
        )
        collector.update, collector.choose = True, self._choose
        self._collector = collector
        try:
            collector.start()
        except ExchangeError as error:
            raise NoExchange(
                f"The exchange {self._exchange} cannot be collected from: {error}.",
                "Make it readable for you, and start this again.",
            ) from error
        self._failed |= {(one["filename"], one["timestamp"]) for one in collector.failed}
        return collector.collected

    def release(self, student: str) -> bool:
        """Hand out a student's feedback, if it is not there yet; whether it was now.

        Without the exchange's own files of a submission nobody could fetch it: it stays.
        """
        directory = self._directory(student)
        step = directory.feedback_directory
        folder = Path(directory.format_path(step, student, self.assignment))
        pages = sorted(folder.glob("*.html"))
        try:
            receipt = [read_plain(folder / name, _MOST) or b"" for name in _RECEIPT]
            secret = receipt[1].decode()
        except (OSError, UnicodeDecodeError):
            self._tell_once(
                f"{self.assignment}: {student}'s feedback cannot be handed out, nor that of "
                f"anybody else whose folder lacks {' or '.join(_RECEIPT)}, which nbgrader's "
                "exchange lays beside a submission.",
                "no receipt",
            )
            return False
        place = Path(directory.format_path(directory.submitted_directory, student, self.assignment))
        if not {page.stem for page in pages} & handed_in(place):
            self._tell_once(
                f"{student} cannot fetch the feedback on {self.assignment}: nbgrader looks for it "
                "by the name of the notebook that was handed in, and none goes with a page."
            )
            return False
        if not secret or all(self._is_out(page, secret) for page in pages):
            return False
        kind = ExchangeFactory(config=self._config).release_feedback
        releasing = kind(
            coursedir=directory, authenticator=None, config=self._config, log=self._log
        )
        try:
            releasing.start()
        except (ExchangeError, OSError) as error:
            self._tell_once(f"{student}'s feedback could not be handed out: {error}")
            return False
        return True

    def _is_out(self, page: Path, secret: str) -> bool:
        name = notebook_hash(secret=secret, notebook_id=page.stem)
        there = self._exchange / "feedback" / f"{name}.html"
        return there.is_file() and filecmp.cmp(page, there, shallow=False)

    def _directory(self, student: str = "*") -> CourseDirectory:
        directory = CourseDirectory(config=self._config, log=self._log)
        directory.assignment_id = self.assignment
        directory.student_id = student if student == "*" else glob.escape(student)
        return directory

    def _choose(self, newest: list[Record], every: list[Record]) -> list[Record]:
        """Of what lies in the exchange, what is to be collected now."""
        before, self._seen = self._seen, {one["filename"]: one["timestamp"] for one in every}
        settled = {name for name, came in self._seen.items() if before.get(name) == came}
        wanted = newest if self._tries is None else self._next(every, self._tries)
        return [one for one in wanted if one["filename"] in settled and not self._is_done(one)]

    def _is_done(self, record: Record) -> bool:
        """Whether a submission was tried in vain, or lies collected with the time it claims."""
        if (record["filename"], record["timestamp"]) in self._failed:
            return True
        if not self._as_claimed:
            return False
        here = (
            self._exchange / "inbound" / record["filename"],
            self._collector.target(record["username"]),
        )
        try:
            theirs, ours = (read_plain(folder / _RECEIPT[1], _MOST) for folder in here)
        except OSError:
            return False
        return bool(ours) and theirs == ours

    def _next(self, every: list[Record], tries: int) -> Iterator[Record]:
        """Everybody's oldest submission that was not collected yet, while they have tries left."""
        waiting: dict[str, Record] = {}
        for record in sorted(every, key=lambda one: one["timestamp"]):
            student = record["username"]
            came = self._collector.came(student)
            if not self._is_done(record) and (came is None or record["timestamp"] > came):
                waiting.setdefault(student, record)
        for student, record in waiting.items():
            if self._judged(student) < tries:
                yield record
            else:
                self._tell_once(
                    f"{student} handed in once more, after {tries} "
                    f"{'try' if tries == 1 else 'tries'}: it stays in the exchange."
                )

    def _tell_once(self, sentence: str, about: str = "") -> None:
        """Tell it once, and of all that is `about` the same the first alone."""
        self._told[about or sentence] += 1
        if self._told[about or sentence] == 1:
            self._tell(sentence)


class _Telling(logging.Handler):
    """Gives what nbgrader logs to whoever follows."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.ERROR)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        self._tell(record.getMessage())


def exchange_of(config: Config) -> Path:
    """The folder of the course in the exchange. Raises NoExchange."""
    course: str = CourseDirectory(config=config).course_id
    folder = Path(Exchange(config=config).root) / course
    if not course or not (folder / "inbound").is_dir():
        raise NoExchange(
            f"There is no exchange with submissions: no {folder / 'inbound'}.",
            "autograd-course class make lays a class with one, and so does nbgrader "
            "release_assignment where c.Exchange.root names a shared folder.",
        )
    if not os.access(folder / "inbound", os.R_OK | os.X_OK):
        raise NoExchange(
            f"{folder / 'inbound'} cannot be listed.", "Follow it as whoever owns the exchange."
        )
    return folder


def handed_out(folder: Path) -> list[str]:
    """The assignments that lie in the exchange for students. Raises NoExchange."""
    outbound = exchange_of(settings_of(folder)) / "outbound"
    return sorted(path.name for path in outbound.glob("*/")) if outbound.is_dir() else []


@contextlib.contextmanager
def alone(folder: Path, assignment: str) -> Iterator[None]:
    """As the only one who follows an assignment, until the process ends. Raises AlreadyFollowed."""
    with (folder / f".following-{assignment}").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise AlreadyFollowed(
                f"{assignment} is followed already, by process {file.read().strip() or 'unknown'}.",
                "That one grades what arrives. End it first, if this one should.",
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()} of {os.uname().nodename}\n")
        file.flush()
        yield


def _collecting(config: Config) -> tuple[type[Collect], bool]:
    """How the class collects, and whether what is collected has the time that its sender claims.

    nbgrader's own way could be cut off halfway, and follows links: ours takes its place.
    """
    configured = ExchangeFactory(config=config).collect
    if configured is ExchangeCollect:
        return Collect, True
    if issubclass(configured, Collect):
        return configured, False
    raise NoExchange(
        f"This class collects by {configured.__module__}.{configured.__qualname__}, which cannot "
        "be followed.",
        "Collect with it, and grade what it brought: nbgrader collect, autograd-course grade.",
    )
