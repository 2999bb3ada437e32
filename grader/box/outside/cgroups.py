"""A control group per box, where this machine lets us make one: memory bounded in total, exactly.

Version 2 where it is delegated to us or we are root; version 1's memory controller for root. Where
neither can be had the watchdog bounds memory by looking.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from grader.box.both.limits import Limits

_ROOT = Path("/sys/fs/cgroup")


@dataclass
class Group:
    """One box's control group."""

    path: Path
    version: int

    def add(self, pid: int) -> None:
        """Move a process, and all that it will start, into the group."""
        (self.path / "cgroup.procs").write_text(str(pid))

    def killed_for_memory(self) -> bool:
        """Whether the kernel killed a process of the group for want of memory."""
        name = "memory.events" if self.version == 2 else "memory.oom_control"
        with contextlib.suppress(OSError):
            for line in (self.path / name).read_text().splitlines():
                if line.startswith("oom_kill "):
                    return int(line.split()[1]) > 0
        return False

    def remove(self) -> None:
        """Delete the group; its processes are dead, the kernel may need a moment to agree."""
        for _ in range(50):
            try:
                self.path.rmdir()
            except FileNotFoundError:
                return
            except OSError:
                time.sleep(0.01)
            else:
                return


class Groups:
    """Makes a group per box below one parent. Raises OSError where that is not allowed."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._made = 0
        self.parent, self.version = _parent()
        trial = self.make()
        trial.remove()

    def make(self) -> Group:
        """A new, empty group with the limits set."""
        self._made += 1
        path = self.parent / f"box-{self._made}"
        path.mkdir()
        group = Group(path, self.version)
        try:
            for name, value in self._settings().items():
                (path / name).write_text(str(value))
            for name, value in self._wishes().items():
                with contextlib.suppress(OSError):
                    (path / name).write_text(str(value))
        except OSError:
            group.remove()
            raise
        return group

    def close(self) -> None:
        """Delete the parent."""
        Group(self.parent, self.version).remove()

    def _settings(self) -> dict[str, int]:
        if self.version == 1:
            return {"memory.limit_in_bytes": self.limits.memory}
        return {"memory.max": self.limits.memory, "pids.max": self.limits.processes}

    def _wishes(self) -> dict[str, int]:
        if self.version == 1:
            return {"memory.memsw.limit_in_bytes": self.limits.memory}
        return {"memory.swap.max": 0, "memory.oom.group": 1}


def _parent() -> tuple[Path, int]:
    """A new group of ours to make the boxes' groups in, and the version of the hierarchy."""
    own = dict(line.split(":", 2)[1:] for line in _lines("/proc/self/cgroup"))
    name = f"autograd-course-{os.getpid()}-{time.monotonic_ns()}"
    refusals = []
    if (_ROOT / "cgroup.controllers").exists():
        here = _ROOT / own.get("", "/").lstrip("/")
        for above in (here, *here.parents):
            if not above.is_relative_to(_ROOT):
                break
            try:
                return _delegate(above, name), 2
            except OSError as error:
                refusals.append(f"{above}: {error.strerror}")
    elif (_ROOT / "memory" / "memory.limit_in_bytes").exists():
        above = _ROOT / "memory" / own.get("memory", "/").lstrip("/")
        _remove_stale(above)
        path = above / name
        path.mkdir()
        return path, 1
    raise OSError(0, "; ".join(refusals) or "there is no memory controller here")


def _remove_stale(above: Path) -> None:
    """Delete what judges that were killed left behind: empty groups named after them."""
    for left in above.glob("autograd-course-*"):
        judge = left.name.split("-")[2]
        if not Path("/proc", judge).exists():
            for group in (*left.glob("box-*"), left):
                with contextlib.suppress(OSError):
                    group.rmdir()


def _delegate(above: Path, name: str) -> Path:
    """A group below `above` whose children have memory and process limits."""
    wanted = {"memory", "pids"}
    if not wanted <= set((above / "cgroup.subtree_control").read_text().split()):
        # Refused where `above` has processes of its own, as our own group has.
        (above / "cgroup.subtree_control").write_text("+memory +pids")
    _remove_stale(above)
    path = above / name
    path.mkdir()
    try:
        (path / "cgroup.subtree_control").write_text("+memory +pids")
    except OSError:
        path.rmdir()
        raise
    return path


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
