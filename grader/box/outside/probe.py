"""Which isolation this machine allows: a box is made at each level and looks around."""

from __future__ import annotations

import contextlib
import functools
import platform
import sys
from dataclasses import dataclass, replace
from typing import Any

from grader.box.both.ended import BoxEnded, BoxRefused, CallFailed
from grader.box.both.limits import Limits
from grader.box.both.settings import WORK, Level

MACHINES = ("x86_64", "aarch64")
WALLED = (Level.FULL, Level.COLD, Level.LANDLOCK)


@dataclass(frozen=True)
class Trial:
    """One level, tried: `why` says what was seen or what failed, `cure` what to do about it."""

    level: Level
    works: bool
    why: str
    cure: str = ""


@dataclass(frozen=True)
class Report:
    """The levels tried, strongest first, up to the first that works; how memory is bounded."""

    trials: tuple[Trial, ...]
    memory: str = ""

    @property
    def level(self) -> Level | None:
        """The strongest level that works here."""
        return next((trial.level for trial in self.trials if trial.works), None)

    def require(self) -> Level:
        """The strongest level that works. Raises BoxRefused, with every level's reason and cure."""
        if self.level is not None:
            return self.level
        reasons = "; ".join(f"{trial.level.value}: {trial.why}" for trial in self.trials)
        cures = dict.fromkeys(trial.cure for trial in self.trials if trial.cure)
        raise BoxRefused(f"No isolation works on this machine. {reasons}", "\n".join(cures))


@functools.cache
def probe() -> Report:
    """Try each level by making a box at it, until one works."""
    if platform.system() != "Linux" or platform.machine() not in MACHINES:
        why = f"this is {platform.system()} on {platform.machine()}"
        cure = "Grade on Linux, on x86-64 or aarch64."
        return Report((Trial(Level.FULL, False, why, cure),))
    trials: list[Trial] = []
    for level in WALLED:
        trials.append(_try(level))
        if trials[-1].works:
            break
    return Report(tuple(trials), _memory())


def _try(level: Level) -> Trial:
    from grader.box.outside.host import Plan  # Linux only
    from grader.box.outside.making import Maker

    plan = Plan(level, replace(Limits(), start=20.0), "grader.box.inside.selftest", bare=True)
    try:
        with contextlib.closing(Maker(plan)) as maker, maker.make() as box:
            seen, _ = box.call({"secret": "/etc/shadow"})
    except BoxRefused as refusal:
        return Trial(level, False, refusal.what, refusal.cure)
    except (BoxEnded, CallFailed, OSError) as error:
        return Trial(level, False, str(error), "Report this: it is a fault of the course.")
    return _assess(level, seen)


def _assess(level: Level, seen: dict[str, Any]) -> Trial:
    """Whether the walls stand where they should."""
    if not seen["library"]:
        return Trial(
            level,
            False,
            f"the users that boxes run as cannot read Python's libraries in {sys.base_prefix}",
            "Install Python and the course where every user can read them, not in /root",
        )
    holes = [name for name in ("secret", "network") if seen[name]]
    if level is not Level.LANDLOCK and set(seen["processes"]) != {1, seen["pid"]}:
        holes.append("processes")
    if holes or not seen["write"]:
        what = f"its walls have holes: {', '.join(holes)}" if holes else "it cannot write files"
        return Trial(level, False, what, "Report this: it is a fault of the course.")
    return Trial(level, True, _WORKS[level])


_WORKS = {
    Level.FULL: f"each box has its own namespaces, its own {WORK} and no network",
    Level.COLD: "each box is a fresh Python behind bubblewrap, which has to import torch first",
    Level.LANDLOCK: (
        "Landlock and seccomp, without namespaces: a box can start no processes, and can see that "
        "files exist which it cannot read"
    ),
}


def _memory() -> str:
    from grader.box.outside.cgroups import Groups

    try:
        groups = Groups(Limits())
    except OSError as refusal:
        return f"memory is bounded by a watchdog, since no control group can be made ({refusal})"
    groups.close()
    return f"memory is bounded by control groups, version {groups.version}"
