"""A zygote that is begun before it is known what for, or that several processes have in common."""

from __future__ import annotations

import contextlib
import sys
import threading

from grader.box.both.ended import BoxRefused
from grader.box.both.limits import Limits
from grader.box.both.settings import Level
from grader.box.outside.host import Host, Lent, Plan

_lock = threading.Lock()
_begun: Host | None = None
_has_begun = False
_borrowed: Lent | None = None


def begin() -> None:
    """Start a zygote of the strongest level, once in a process: what it imports takes longest.

    Where none can be had, whoever needs one is told why.
    """
    global _begun, _has_begun
    if sys.platform != "linux":
        return
    with _lock, contextlib.suppress(BoxRefused):
        if not _has_begun:
            _has_begun = True
            _begun = Host(Plan(Level.FULL, Limits()))


def zygote(plan: Plan) -> Host | Lent:
    """What this process borrowed for such a plan, or one of its own. Raises BoxRefused."""
    global _borrowed
    with _lock:
        borrowed = _borrowed
        if borrowed is not None and borrowed.plan == plan:
            _borrowed = None
            return borrowed
    return own_zygote(plan)


def own_zygote(plan: Plan) -> Host:
    """What this process began, if it does for this plan, or a new one. Raises BoxRefused."""
    global _begun
    if plan.bare:  # for a look at the walls: what was begun is for the work
        return Host(plan)
    with _lock:
        begun, _begun = _begun, None
    if begun is not None:
        if begun.serves(plan):
            return begun
        begun.close()
    return Host(plan)


def borrow(lent: Lent) -> None:
    """Have this process use a zygote that another started. If it is lost, it starts its own."""
    global _borrowed
    with _lock:
        _borrowed = lent
