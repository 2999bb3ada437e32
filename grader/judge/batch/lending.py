"""One zygote for all processes of this machine that judge, begun before they are."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from grader.box.both.ended import BoxRefused
from grader.box.both.settings import Level
from grader.box.outside import sharing
from grader.box.outside.boxes import plan_for
from grader.box.outside.host import Host, Lent

if TYPE_CHECKING:  # where a zygote is only begun, nothing of nbgrader's is needed yet
    from grader.judge.sitting.papers import Round


def begin(isolation: str | None) -> None:
    """Begin a zygote, if one of the strongest level may be wanted: it loads while others do."""
    if isolation in (None, "auto", Level.FULL.value):
        sharing.begin()


class Loan:
    """The zygote that some workers share. Safe to use from several threads.

    Each box belongs to the worker that asked for it, which alone has its descriptors.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = False
        self._zygote: Host | None = None
        self._lent: Lent | None = None

    def of(self, round_: Round) -> Lent | None:
        """What a worker of this round borrows; None where each has to start its own.

        Where no box can be made, each says so in its own time.
        """
        with self._lock, contextlib.suppress(BoxRefused):
            if not self._asked:
                self._asked = True
                plan = plan_for(round_.limits, round_.isolation, gpu=round_.device != "cpu")
                if plan.level is not Level.COLD:
                    self._zygote = sharing.own_zygote(plan)
                    self._lent = self._zygote.lend()
        return self._lent

    def close(self) -> None:
        """End the zygote, and every box with it."""
        with self._lock:
            if self._lent is not None:
                self._lent.close()
            if self._zygote is not None:
                self._zygote.close()
