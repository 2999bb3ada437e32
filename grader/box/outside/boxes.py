"""The pool of boxes: the judge's way in."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

from grader.box.both.ended import BoxEnded, BoxRefused
from grader.box.both.limits import Limits
from grader.box.both.settings import Level
from grader.box.outside.box import Box
from grader.box.outside.host import CURES, Plan
from grader.box.outside.making import Maker
from grader.box.outside.probe import probe


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
        handler: str | None = "grader.box.inside.observing",
        visible: Iterable[str | Path] = (),
        gpu: bool = False,
        bare: bool = False,
    ) -> None:
        if isolation == "auto":
            self.level = probe().require()
        else:
            self.level = Level(isolation)
        if gpu and self.level not in (Level.FULL, Level.COLD):
            raise BoxRefused(
                f"a GPU cannot be given to boxes at the level {self.level.value!r}",
                CURES[Level.FULL],
            )
        folders = tuple(str(Path(folder).resolve()) for folder in visible)
        plan = Plan(self.level, limits or Limits(), handler, folders, gpu, bare)
        self._maker = Maker(plan)
        self._lock = threading.Lock()
        self._spares: list[Box] = []
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
        with contextlib.suppress(RuntimeError):  # no more are made ahead once this is closed
            self._ahead.submit(self._make_spare)
        if box is not None:
            with contextlib.suppress(BoxEnded):  # its zygote died while it waited
                return _filled(box, files or {})
        return _filled(self._maker.make(), files or {})

    def close(self) -> None:
        """End every box and the zygote."""
        self._ahead.shutdown(cancel_futures=True)
        self._maker.close()

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
