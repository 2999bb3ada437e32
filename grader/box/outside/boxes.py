"""The pool of boxes: the judge's way in."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from grader.box.both.ended import BoxEnded, BoxRefused
from grader.box.both.limits import Limits
from grader.box.both.settings import Level
from grader.box.outside.box import Box
from grader.box.outside.host import CURES, HANDLER, Plan
from grader.box.outside.making import Maker
from grader.box.outside.probe import probe


def plan_for(limits: Limits, isolation: str, *, gpu: bool) -> Plan:
    """The plan of the boxes that a judge asks; `isolation` as for Boxes. Raises BoxRefused."""
    level = probe().require() if isolation == "auto" else Level(isolation)
    if gpu and level not in (Level.FULL, Level.COLD):
        raise BoxRefused(
            f"a GPU cannot be given to boxes at the level {level.value!r}", CURES[Level.FULL]
        )
    return Plan(level, limits, gpu=gpu)


class Boxes:
    """Makes boxes; use it as a context manager. Safe to use from several threads.

    `isolation` is "auto" (the strongest level this machine allows), "full", "cold", "landlock" or
    "none". `handler` names a module whose `reply` serves `Box.call`; `visible` are further folders
    to import it from. `gpu` lets boxes use NVIDIA's devices. `bare` boxes know neither IPython nor
    torch and start at once: for trying the walls. Raises BoxRefused, with the cure, where no box
    can be made.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        isolation: str = "auto",
        *,
        handler: str | None = HANDLER,
        visible: Iterable[str | Path] = (),
        gpu: bool = False,
        bare: bool = False,
    ) -> None:
        plan = plan_for(limits or Limits(), isolation, gpu=gpu)
        folders = tuple(str(Path(folder).resolve()) for folder in visible)
        self.level = plan.level
        self._maker = Maker(replace(plan, handler=handler, visible=folders, bare=bare))
        self._lock = threading.Lock()
        self._spares: list[Box] = []
        self._opened = False
        self._ahead = ThreadPoolExecutor(max_workers=1, thread_name_prefix="next-box")

    def __enter__(self) -> Boxes:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def open(self, files: Mapping[str, bytes] | None = None) -> Box:
        """A new box with these files in its working folder. Raises BoxRefused, ValueError."""
        box = self._take_spare()
        if self._opened:  # who wants one box may want no other
            with contextlib.suppress(RuntimeError):  # no more are made ahead once this is closed
                self._ahead.submit(self._make_spare)
        self._opened = True
        if box is not None:
            with contextlib.suppress(BoxEnded):  # its zygote died while it waited
                return _filled(box, files or {})
        return _filled(self._maker.make(), files or {})

    def will_draw(self) -> None:
        """Cells will draw: what that needs is imported for all boxes that are still to be made."""
        self._maker.will_draw()

    def close(self) -> None:
        """End every box and the zygote."""
        self._maker.close()  # first: a box that is being made ahead waits for the zygote
        self._ahead.shutdown(cancel_futures=True)

    def _take_spare(self) -> Box | None:
        with self._lock:
            return self._spares.pop() if self._spares else None

    def _make_spare(self) -> None:
        """Make the next box while the present ones work: most of what that takes is waiting.

        What fails here, `open` will report.
        """
        with self._lock:
            enough = len(self._spares) >= max(1, len(self._maker.living) // 2)
        if not enough:
            with contextlib.suppress(BoxRefused):
                box = self._maker.make()
                with self._lock:
                    self._spares.append(box)


def _filled(box: Box, files: Mapping[str, bytes]) -> Box:
    try:
        box.put(files)
    except BaseException:
        box.close()
        raise
    return box
