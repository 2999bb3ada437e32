"""How a freshly forked child of the zygote walls itself in, at each level of isolation.

All of this runs before any line of the submission. What cannot be done raises OSError, and then
there is no box.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import signal
from pathlib import Path

from grader.box.both import syscalls
from grader.box.both.seccomp import for_process
from grader.box.both.settings import PRIVATE, WORK, Level, Settings

_STAGE = "/.box"

# Landlock's rights of access, by ABI version: what a ruleset takes away.
_LANDLOCK_FS = {1: (1 << 13) - 1, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
_READ = (1 << 0) | (1 << 2) | (1 << 3)  # execute, read file, read directory
_FILE_ONLY = (1 << 0) | (1 << 1) | (1 << 2) | (1 << 14) | (1 << 15)
_LANDLOCK_NET_ABI, _LANDLOCK_NET = 4, 0b11  # bind and connect TCP
_LANDLOCK_SCOPE_ABI, _LANDLOCK_SCOPE = 6, 0b11  # abstract Unix sockets and signals outside


def enter(settings: Settings, uid: int | None, home: str) -> None:
    """Wall this process in; `uid` is the box's own user where the zygote is root."""
    os.setsid()
    if settings.level is Level.FULL:
        syscalls.unshare(
            syscalls.CLONE_NEWNS
            | syscalls.CLONE_NEWNET
            | syscalls.CLONE_NEWIPC
            | syscalls.CLONE_NEWUTS
            | syscalls.CLONE_NEWCGROUP
        )
        _mount_private(settings, uid)
    else:
        syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)  # daemons stay findable
    os.chdir(home)
    if settings.level is Level.COLD and uid is not None:
        for folder in PRIVATE.values():
            os.chown(folder, uid, uid)
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    if settings.level is Level.FULL:
        # A user namespace last, so that it owns none of the others, and without a map: there is
        # no user to become in it. It gives the box a count of processes of its own.
        syscalls.unshare(syscalls.CLONE_NEWUSER)
    os.umask(0o022)
    # The zygote is not to be read by what it forked; a box may well read itself.
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)
    # Cleared by a change of user, hence here. In a pid namespace the init's death does the same.
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
    _limit(settings, uid)
    if settings.level is Level.NONE:
        return
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    syscalls.drop_capabilities()
    if settings.level is Level.LANDLOCK:
        restrict_files(settings.readable, home)
    syscalls.load_seccomp(for_process(settings.seccomp, os.getpid()))


def _mount_private(settings: Settings, uid: int | None) -> None:
    """One tmpfs of limited size, seen as /work, /tmp and /dev/shm; a /proc of this namespace."""
    syscalls.mount("", "/", "", syscalls.MS_REC | syscalls.MS_PRIVATE)
    plain = syscalls.MS_NOSUID | syscalls.MS_NODEV
    size = f"size={settings.limits.files},nr_inodes=16384,mode=0755"
    syscalls.mount("box", _STAGE, "tmpfs", plain, size)
    owner = 0 if uid is None else uid
    for part, seen in PRIVATE.items():
        own = f"{_STAGE}/{part}"
        os.mkdir(own)
        os.chmod(own, 0o755 if seen == WORK else 0o1777)
        os.chown(own, owner, owner)
    for part, seen in PRIVATE.items():
        syscalls.mount(f"{_STAGE}/{part}", seen, "", syscalls.MS_BIND | syscalls.MS_REC)
    syscalls.unmount(_STAGE)
    syscalls.mount("proc", "/proc", "proc", plain | syscalls.MS_NOEXEC | syscalls.MS_RDONLY)


def _limit(settings: Settings, uid: int | None) -> None:
    limits = settings.limits
    wanted = {
        # 0 would still hand a crashed process to the machine's core handler, which is root's.
        resource.RLIMIT_CORE: 1,
        resource.RLIMIT_CPU: int(limits.submission) + 60,  # the judge's clock comes first
        resource.RLIMIT_FSIZE: limits.files,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_NOFILE: 256,
        resource.RLIMIT_RTPRIO: 0,
        resource.RLIMIT_SIGPENDING: 1024,
    }
    if not settings.gpu:  # CUDA reserves address space by the hundred gigabytes
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        wanted[resource.RLIMIT_AS] = pages * resource.getpagesize() + limits.memory
    processes = _process_limit(settings, uid)
    if processes is not None:
        wanted[resource.RLIMIT_NPROC] = processes
    for kind, value in wanted.items():
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))


def _process_limit(settings: Settings, uid: int | None) -> int | None:
    """What RLIMIT_NPROC must be for this box; None where only the watchdog can count.

    The kernel counts per user: the box's own where the zygote is root; and since Linux 5.14 per
    user namespace, which a box behind bubblewrap has to itself.
    """
    if uid is not None:
        return settings.limits.processes
    if settings.level in (Level.FULL, Level.COLD):
        version = tuple(map(int, re.findall(r"\d+", os.uname().release)[:2]))
        return settings.limits.processes if version >= (5, 14) else None
    others = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_uid == os.getuid():
                others += len(os.listdir(folder / "task"))
    return settings.limits.processes + others


def landlock_rights(abi: int) -> tuple[int, int, int]:
    """What this kernel's Landlock can take away: rights on files, on TCP, and scopes."""
    files = sum(bits for version, bits in _LANDLOCK_FS.items() if version <= abi)
    net = _LANDLOCK_NET if abi >= _LANDLOCK_NET_ABI else 0
    scope = _LANDLOCK_SCOPE if abi >= _LANDLOCK_SCOPE_ABI else 0
    return files, net, scope


def restrict_files(readable: tuple[str, ...], home: str) -> None:
    """Leave this process the paths it may read, and `home` to write in."""
    files, net, scope = landlock_rights(syscalls.landlock_abi())
    ruleset = syscalls.landlock_ruleset(files, net, scope)
    try:
        for path in readable:
            rights = _READ if os.path.isdir(path) else _READ & _FILE_ONLY
            if os.path.exists(path):
                syscalls.landlock_allow(ruleset, path, rights & files)
        device = (_READ | (1 << 1)) & _FILE_ONLY & files
        for path in ("/dev/null", "/dev/zero", "/dev/full"):
            syscalls.landlock_allow(ruleset, path, device)
        for path in ("/dev/urandom", "/dev/random"):
            syscalls.landlock_allow(ruleset, path, _READ & _FILE_ONLY & files)
        syscalls.landlock_allow(ruleset, home, files & ~_DEVICES)
        syscalls.landlock_restrict(ruleset)
    finally:
        os.close(ruleset)


_DEVICES = (1 << 6) | (1 << 11)  # make character and block devices
