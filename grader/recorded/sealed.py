"""Answers as `seal` recorded them: what the right answer and each mistake do in visible cases.

One zip file, whose members `grader.engine.wire` reads: nothing in it is code, and nothing is
computed from it but differences.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

import torch

from grader.diagnosis.comparison import Rules, agree
from grader.diagnosis.diagnose import SealBroken
from grader.diagnosis.messages import say
from grader.engine import wire
from grader.engine.observation import Observation, Plain
from grader.engine.task import Case, Inputs, Task, draw_inputs

SEALED = Path(__file__).with_name("sealed.bin")
ABOUT = "about"
REFERENCE = "reference"


def member(*names: str | int) -> str:
    """Where something is recorded: the exercise, then the number of the case, then what did it."""
    return "/".join(map(str, names))


def torch_version() -> str:
    """The version of torch, whatever it was built for: `2.13.0` of `2.13.0+cpu`."""
    return str(torch.__version__).partition("+")[0]


def sealed_answers(task: Task, seed: str, path: Path = SEALED) -> SealedAnswers | None:
    """The recorded answers to one exercise; None where there are none, or none for this seed.

    Raises SealBroken.
    """
    if not path.is_file():
        return None
    record = _Record(path)
    about = record.read(ABOUT)
    known = seed == about["seed"] and member(task.id, ABOUT) in record.names
    return SealedAnswers(task, record, about["torch"], seed) if known else None


class SealedAnswers:
    """The trusted half of one exercise, as recorded for its visible cases."""

    def __init__(self, task: Task, record: _Record, recorded_with: str, seed: str) -> None:
        about = record.read(member(task.id, ABOUT))
        self.task, self._record, self._seed = task, record, seed
        self._read: dict[str, Observation] = {}
        self.sentences: dict[str, str] = about["sentences"]
        self.decides: bool = about["decides"]
        self._mistakes: list[tuple[str, str, str | None]] = about["mistakes"]
        self._complaints: dict[str, dict[str, list[tuple[str, str]]]] = about["complaints"]
        self._numbers = {case: number for number, case in enumerate(about["cases"])}
        here = torch_version()
        told = say("other_torch", recorded=recorded_with, here=here)
        self.caveats: tuple[str, ...] = () if recorded_with == here else (told,)

    def holds(self, case: Case) -> bool:
        """Whether the case is recorded, in its dtype."""
        return _named(case) in self._numbers

    def inputs(self, case: Case) -> Inputs:
        """What was drawn for this case: visible cases are drawn from the public seed."""
        return draw_inputs(self.task, case, self._seed, "cpu")

    def reference(self, case: Case) -> Observation:
        """What the right answer does. Raises SealBroken."""
        return self._seen(case, REFERENCE)

    def mistakes(self) -> Iterable[tuple[str, str, str | None]]:
        """Code, sentence and error pattern of each named mistake."""
        return self._mistakes

    def pairs(self) -> Iterable[tuple[str, str, str]]:
        """None: they are many, and not recorded."""
        return ()

    def mistaken(self, code: str, case: Case) -> Observation:
        """What the mistake does in this case. Raises SealBroken."""
        return self._seen(case, code)

    def complaints(self, case: Case, observation: Observation) -> list[tuple[str, str]] | None:
        """None where there is one right answer; else what a mistake was told that did the same."""
        if self.decides:
            return None
        rules = Rules.of(self.task, case)
        for code, told in self._complaints[case.name].items():
            if told and agree(self.mistaken(code, case), observation, rules):
                return told
        return []

    def _seen(self, case: Case, what: str) -> Observation:
        name = member(self.task.id, self._numbers[_named(case)], what)
        if name not in self._read:
            self._read[name] = self._record.observation(name)
        return self._read[name]


def _named(case: Case) -> tuple[str, str]:
    return case.name, str(case.dtype)


class _Record:
    """The file of recorded answers, of which only what is asked for is read."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise SealBroken(f"{path.name}: {error}") from error
        self.names = frozenset(self._file.namelist())

    def read(self, name: str) -> Plain:
        """Plain data. Raises SealBroken."""
        try:
            return wire.unpack(self._bytes(name))
        except wire.MalformedMessage as error:
            raise SealBroken(f"{name}: {error}") from error

    def observation(self, name: str) -> Observation:
        """A recorded observation. Raises SealBroken."""
        try:
            return wire.unpack_observation(self._bytes(name))
        except wire.MalformedMessage as error:
            raise SealBroken(f"{name}: {error}") from error

    def _bytes(self, name: str) -> bytes:
        try:
            return self._file.read(name)
        except (KeyError, OSError, zipfile.BadZipFile) as error:
            raise SealBroken(f"{name}: {error}") from error
