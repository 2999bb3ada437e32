"""Finds the answers to an exercise: computed where there are keys, else as recorded."""

from __future__ import annotations

import functools
from pathlib import Path

from grader.diagnosis.diagnose import Answers
from grader.engine.task import Task


def answers_for(task: Task, seed: str, device: str) -> Answers | None:
    """The answers to one exercise: from its key, else as recorded, else None.

    Raises SealBroken for recorded answers that cannot be read.
    """
    if not has_keys():
        from grader.recorded.sealed import sealed_answers  # it waits for safetensors

        return sealed_answers(task, seed)
    from grader.trusted.key import NoKey, key_of  # a student's side has no such room
    from grader.trusted.live import LiveAnswers

    try:
        return LiveAnswers(task, key_of(task), seed, device)
    except NoKey:
        return None


@functools.cache
def has_keys() -> bool:
    """Whether the trusted rooms stand beside this one: those of another copy of the course, which
    an environment may have installed as well, are not this one's."""
    return Path(__file__).parent.with_name("trusted").is_dir()
