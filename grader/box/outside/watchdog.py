"""Looks at every living box ten times a second and kills one that holds too much.

Memory is bounded in total here where no control group does it. A box's processes are those in its
own /proc, so none can hide by moving away from its parent.
"""

from __future__ import annotations

import contextlib
import os
import resource
import stat
import threading

from grader.box.both.ended import Cause
from grader.box.both.limits import Limits
from grader.box.outside.cgroups import Group
from grader.box.outside.process import Process

_TICK = 0.1
_CROWDED = 3
_PAGE = resource.getpagesize()
_FREE_DESCRIPTORS = 64
_PER_DESCRIPTOR = 256 * 1024  # what the kernel can hold in one socket or pipe, roughly


class Watchdog:
    """A thread of the judge's that exists while there are boxes."""

    def __init__(self) -> None:
        self._guards: set[Guard] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()

    def add(self, guard: Guard) -> None:
        """Watch a box until `discard`."""
        with self._lock:
            self._guards.add(guard)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
                self._thread.start()

    def discard(self, guard: Guard) -> None:
        """Watch a box no longer."""
        with self._lock:
            self._guards.discard(guard)

    def close(self) -> None:
        """Stop watching."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._closed.wait(_TICK):
            with self._lock:
                guards = list(self._guards)
            for guard in guards:
                guard.look()


class Guard:
    """Holds one box to its limits: measures what it uses, and kills it when that is too much."""

    def __init__(
        self, process: Process, limits: Limits, group: Group | None, home: str | None
    ) -> None:
        self.stopped: Cause | None = None
        self._process, self._limits, self._group, self._home = process, limits, group, home
        self._census: Census | None = None
        self._crowded = 0  # looks in a row that found as many processes as allowed
        self._released = False
        self._lock = threading.Lock()  # between who stops the box and who lets go of it

    def count_by(self, census: Census) -> None:
        """From now on count with this."""
        with self._lock:
            if self._released:
                os.close(census.proc)
            else:
                self._census = census

    def stop(self, cause: Cause) -> None:
        """Kill the box, from any thread; whoever waits for its reply learns of it at once."""
        with self._lock:
            if not self._released and self.stopped is None:
                self.stopped = cause
                self._process.kill()

    def look(self) -> None:
        """Kill the box if it holds too much; `stopped` then says of what."""
        with self._lock:
            if self._census is None or self.stopped is not None:
                return
            with contextlib.suppress(OSError):  # it is ending
                self.stopped = self._over(self._census)
            if self.stopped is not None:
                self._process.kill()

    def release(self) -> None:
        """The box is ending: look no more."""
        with self._lock:
            self._released = True
            if self._census is not None:
                os.close(self._census.proc)
                self._census = None

    def killed_for_memory(self) -> bool:
        """Whether the kernel killed a process of the box for want of memory."""
        return self._group is not None and self._group.killed_for_memory()

    def _over(self, census: Census) -> Cause | None:
        limits = self._limits
        self._crowded = self._crowded + 1 if census.tasks() >= limits.processes else 0
        if self._crowded >= _CROWDED:
            return Cause.PROCESSES
        if self._group is None:
            if census.memory(limits.memory) > limits.memory:
                return Cause.MEMORY
        elif self._group.killed_for_memory():
            return Cause.MEMORY
        if self._home is not None and census.disk(self._home, limits.files) > limits.files:
            return Cause.FILES
        return None


class Census:
    """Counts a box's processes and memory, seen through a /proc that shows only them."""

    def __init__(self, proc: int, pids: list[str] | None) -> None:
        """`proc` is the open folder; `pids` names the processes where it shows others too."""
        self.proc, self._pids = proc, pids
        self.base = max((size for _, size, _ in self._stats()), default=0)

    def tasks(self) -> int:
        """Threads of all processes together, zombies included."""
        return sum(threads for threads, _, _ in self._stats())

    def memory(self, limit: int) -> int:
        """Bytes in use, exactly if that might be over `limit`, else an upper bound."""
        bound = sum(max(rss, size - self.base) for _, size, rss in self._stats())
        bound += self._descriptors()
        return bound if bound <= limit else self._exact()

    def disk(self, home: str, limit: int) -> int:
        """Bytes on disk below `home`, and in deleted files that are still open or mapped.

        For a box whose folder is no file system of its own. How large a mapped file is cannot be
        seen: each counts as a quarter of the limit.
        """
        sizes: dict[object, int] = {}
        for folder, _, names in os.walk(home):
            for name in names:
                with contextlib.suppress(OSError):
                    seen = os.lstat(f"{folder}/{name}")
                    sizes[seen.st_dev, seen.st_ino] = seen.st_blocks * 512
        for pid in self.pids():
            with contextlib.suppress(OSError):
                for name in self._names(f"{pid}/fd"):
                    seen = os.stat(f"{pid}/fd/{name}", dir_fd=self.proc)
                    if stat.S_ISREG(seen.st_mode):
                        sizes[seen.st_dev, seen.st_ino] = seen.st_blocks * 512
                for line in self._read(f"{pid}/maps").splitlines():
                    if line.endswith(b" (deleted)"):
                        sizes.setdefault(line.split()[4], limit // 4)
        return sum(sizes.values())

    def pids(self) -> list[str]:
        """The box's processes."""
        if self._pids is not None:
            return self._pids
        return [name for name in os.listdir(self.proc) if name.isdigit()]

    def _stats(self) -> list[tuple[int, int, int]]:
        """Threads, address space and resident bytes of each process."""
        found = []
        for pid in self.pids():
            with contextlib.suppress(OSError):  # it may have ended meanwhile
                fields = self._read(f"{pid}/stat").rpartition(b")")[2].split()
                found.append((int(fields[17]), int(fields[20]), int(fields[21]) * _PAGE))
        return found

    def _exact(self) -> int:
        """Proportional set sizes, and shared mappings whole: their pages may be unmapped again."""
        total, shared = self._descriptors(), {}
        for pid in self.pids():
            with contextlib.suppress(OSError):
                for line in self._read(f"{pid}/smaps_rollup").splitlines():
                    if line.startswith(b"Pss:"):
                        total += int(line.split()[1]) * 1024
                for line in self._read(f"{pid}/maps").splitlines():
                    area, mode, _, device, inode, *_ = line.split()
                    if mode.startswith(b"rw") and mode.endswith(b"s"):
                        start, end = (int(edge, 16) for edge in area.split(b"-"))
                        shared[device, inode] = end - start
        return total + sum(shared.values())

    def _descriptors(self) -> int:
        """What the kernel may hold for open pipes and sockets beyond the usual number."""
        extra = 0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                extra += max(0, len(self._names(f"{pid}/fd")) - _FREE_DESCRIPTORS)
        return extra * _PER_DESCRIPTOR

    def _names(self, folder: str) -> list[str]:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY, dir_fd=self.proc)
        try:
            return os.listdir(fd)
        finally:
            os.close(fd)

    def _read(self, name: str) -> bytes:
        fd = os.open(name, os.O_RDONLY, dir_fd=self.proc)
        try:
            parts = []
            while part := os.read(fd, 65536):
                parts.append(part)
            return b"".join(parts)
        finally:
            os.close(fd)
