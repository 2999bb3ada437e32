"""Judges one exercise: draws its hidden cases, has a box observe the answer, and decides."""

from __future__ import annotations

import functools
import hashlib
import hmac
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from grader.diagnosis.diagnose import Seen, diagnose
from grader.diagnosis.messages import say
from grader.diagnosis.verdict import CaseOutcome, Finding, Outcome, Verdict
from grader.engine.catalogue import find
from grader.engine.observation import Observation, Raised
from grader.engine.task import Case, Task
from grader.engine.wire import MAX_BYTES, MalformedMessage, pack, unpack_observation
from grader.trusted.key import key_of
from grader.trusted.live import LiveAnswers

Question = tuple[dict[str, Any], bytes]
"""What a box is asked about one case: header and body."""

Ask = Callable[[Sequence[Question]], Iterator[tuple[Mapping[str, Any], bytes] | str]]
"""Puts questions to a box: to each the reply's header and body, or the code that says why not."""

_Reply = bytes | str
"""A box's observation in one case, or the code that says why there is none."""

_REMEMBERED = 64
"""How many answers to one exercise are remembered."""
_LARGEST_REMEMBERED = 64 * 1024
"""Bytes of replies to one exercise."""


@dataclass
class _Prepared:
    """An exercise with everything about it that is the same for the whole class."""

    task: Task
    reference: LiveAnswers
    cases: tuple[Case, ...]
    inputs: dict[str, bytes]

    def __post_init__(self) -> None:
        self._remembered = functools.lru_cache(maxsize=_REMEMBERED)(self._decide)

    def verdict(self, replies: tuple[_Reply, ...], hidden: bool) -> Verdict:
        """The verdict on what a box replied, case by case.

        It depends on nothing else. Most answers of a class are right and give the very same
        numbers, or are as they were released: the same replies are read and compared once.
        """
        is_small = sum(map(len, replies)) <= _LARGEST_REMEMBERED
        return (self._remembered if is_small else self._decide)(replies, hidden)

    def _decide(self, replies: tuple[_Reply, ...], hidden: bool) -> Verdict:
        seen, silent = list[Seen](), dict[str, str]()
        for case, reply in zip(self.cases, replies, strict=True):
            found = _observation(reply)
            if isinstance(found, str):
                silent[case.name] = found
                seen.append(_without_reply(case, found))
            else:
                seen.append(Seen(case, found))
        return _with_reasons(diagnose(self.task, self.reference, seen, hidden=hidden), silent)


class Judge:
    """Judges exercises for one class: one secret, one device, every reference computed once.

    Safe to use from several threads: while one waits for its box, another computes.
    """

    def __init__(self, secret: bytes, device: str = "cpu") -> None:
        self._secret, self.device = secret, device
        self._prepared: dict[str, _Prepared] = {}
        # Observing a reference sets torch's default dtype and the streams of the whole process.
        self._computing = threading.Lock()

    def verdict(
        self, exercise: str, functions: Sequence[str], ask: Ask, *, hidden: bool = True
    ) -> Verdict:
        """The verdict on the functions of these names that stand in the box's namespace.

        Every case counts as hidden, the visible ones too: here their inputs are drawn from the
        secret. A case without a reply fails. Unless `hidden`, the findings carry all numbers: for
        no eyes but the instructor's.
        """
        with self._computing:
            prepared = self._prepare(exercise)
            questions = self.questions(exercise, functions)
        replies = list[_Reply]()
        uncallable = list[str]()
        for reply in ask(questions):
            if isinstance(reply, str):
                replies.append(reply)
            elif reply[0].get("state") in _UNCALLABLE:
                uncallable.append(reply[0]["state"])
            else:
                replies.append(_kept(*reply))
        if uncallable:
            return _could_not_check(prepared.task, prepared.cases, uncallable[0])
        with self._computing:
            return prepared.verdict(tuple(replies), hidden)

    def questions(self, exercise: str, functions: Sequence[str]) -> list[Question]:
        """What a box is asked about an exercise, a question for each case."""
        prepared = self._prepare(exercise)
        return [
            (_question(prepared.task, functions, case, self.device), prepared.inputs[case.name])
            for case in prepared.cases
        ]

    def _prepare(self, exercise: str) -> _Prepared:
        if exercise not in self._prepared:
            task = find(exercise)
            key = key_of(task)
            seed = hmac.new(self._secret, exercise.encode(), hashlib.sha256).hexdigest()
            reference = LiveAnswers(task, key, seed, self.device)
            cases = [replace(case, visible=False) for case in task.cases()]
            if task.meta and self.device == "cpu":
                cases.append(task.meta_case())
            inputs = {case.name: pack(reference.inputs(case)) for case in cases}
            self._prepared[exercise] = _Prepared(task, reference, tuple(cases), inputs)
        return self._prepared[exercise]


_UNCALLABLE = ("missing", "not_callable", "arguments")
"""The states of a reply that say why there is nothing to call."""


def _question(task: Task, functions: Sequence[str], case: Case, device: str) -> dict[str, Any]:
    return {
        "op": "observe",
        "exercise": task.id,
        "functions": list(functions),
        "case": case.name,
        "dtype": str(case.dtype).removeprefix("torch."),
        "device": case.device or device,
    }


def _kept(header: Mapping[str, Any], body: bytes) -> _Reply:
    """What is kept of a reply, which may be anything, until all replies are there."""
    if header.get("state") == "interrupted":
        return "CHECK.did_not_finish"
    return body if len(body) <= MAX_BYTES else "CHECK.forged"


def _observation(reply: _Reply) -> Observation | str:
    """What a reply says, or the code that says why it says nothing."""
    if isinstance(reply, str):
        return reply
    try:
        return unpack_observation(reply)
    except MalformedMessage:
        return "CHECK.forged"


def _without_reply(case: Case, code: str) -> Seen:
    """A case without a reply: it fails by a stand-in error.

    On the meta device only an error about devices would count, hence a case of no device.
    """
    error = Raised(code, "", known_type=False)
    return Seen(replace(case, device=None), Observation(error=error))


def _could_not_check(task: Task, cases: tuple[Case, ...], state: str) -> Verdict:
    names = " and ".join(task.functions)
    finding = Finding(f"CHECK.{state}", say(f"CHECK.judged_{state}", functions=names))
    outcomes = tuple(CaseOutcome(case.name, False, False, case.weight) for case in cases)
    return Verdict(task.id, Outcome.COULD_NOT_CHECK, 0.0, (finding,), outcomes, task.functions)


def _with_reasons(verdict: Verdict, silent: Mapping[str, str]) -> Verdict:
    """Say why a case has no reply, in place of the stand-in error it was given."""
    if not silent:
        return verdict
    kept = [f for f in verdict.findings if f.case not in silent]
    codes = dict.fromkeys(silent.values())
    reasons = [
        Finding(code, say(code), next(case for case, c in silent.items() if c == code))
        for code in codes
    ]
    return replace(verdict, findings=(*reasons, *kept))
