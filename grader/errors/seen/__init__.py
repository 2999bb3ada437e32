"""What the frames of an error tell beyond its text."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace

from grader.errors.explanation import Explained, Explanation
from grader.errors.seen.batches import collated, unpassed
from grader.errors.seen.readers import READERS
from grader.errors.seen.reading.frames import Frames
from grader.errors.seen.training.recognised import recognised

__all__ = ["made_exact", "recognised"]


def _raised_in(error: BaseException, file: str) -> bool:
    """Whether the last frame of an error stands in a file of this name."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    return step is not None and step.tb_frame.f_code.co_filename.endswith(file)


_NONE = (
    "Your dataset returned None for a sample: its __getitem__ ends without return, or gives up on "
    "a file that cannot be read."
)
_NONE_CURE = (
    "Return a sample in every case. To leave some out, pass a collate_fn: lambda batch: "
    "default_collate([one for one in batch if one is not None]), from torch.utils.data."
)


def _is_none_collated(code: str, error: BaseException) -> bool:
    if code == "collate_kind":
        return "found <class 'NoneType'>" in str(error)
    return code in ("none_used", "none_in_formula") and _raised_in(error, "collate.py")


def made_exact(
    found: Explanation, error: BaseException, known: Callable[[str], Explanation]
) -> Explained:
    """The explanation of an error, by its frames where they decide.

    `known` gives the explanation of a code, where the frames show that another one holds.
    """
    told = Explained.of(found)
    frames = Frames.of(error)
    if "in DataLoader worker process" in str(error) and found.code != "worker_out":
        told = replace(told, meaning=f"A DataLoader's worker raised it. {told.meaning}")
    if _is_none_collated(found.code, error):
        kind = Explained.of(known("collate_kind"))
        with contextlib.suppress(Exception):
            if (entry := collated.read_none(frames, kind)) is not None:
                return unpassed.read(frames, entry)
        return unpassed.read(frames, replace(kind, meaning=_NONE, cure=_NONE_CURE))
    reader = READERS.get(found.code)
    if not frames.own:
        return told
    if reader is not None:
        # The text's own explanation holds whatever the frames contain.
        with contextlib.suppress(Exception):
            told = reader(frames, told, str(error)) or told
    is_below = bool(frames.within) and not told.place
    return replace(told, passed=frames.last.written) if is_below else told
