"""The system calls that Python's standard library does not offer, for x86-64 and aarch64.

Each function is one call through ctypes and raises OSError with the kernel's errno. Numbers that
differ between the two machines stand in `_NUMBERS`; constants are from the kernel's headers.
"""

from __future__ import annotations

import array
import ctypes
import os
import platform
import socket
from collections.abc import Sequence

# unshare(2), setns(2)
CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
# mount(2)
MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 1 << 18
MNT_DETACH = 2
# prctl(2)
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2
# madvise(2)
MADV_HUGEPAGE = 14
MADV_COLLAPSE = 25  # Linux 6.1
# landlock(7)
LANDLOCK_CREATE_RULESET_VERSION = 1
LANDLOCK_RULE_PATH_BENEATH = 1

_NUMBERS = {
    "x86_64": {"capset": 126},
    "aarch64": {"capset": 91},
}
# Newer calls have one number on every machine.
_LANDLOCK_CREATE_RULESET, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT_SELF = 444, 445, 446

# PyDLL keeps the GIL: every call here is short, or made in a process with a single thread.
_libc = ctypes.PyDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.mount.argtypes = [
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_ulong,
    ctypes.c_char_p,
]
_libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def unshare(flags: int) -> None:
    """Move this process (for CLONE_NEWPID: its next children) into new namespaces."""
    _check(_libc.unshare(ctypes.c_int(flags)), "unshare")


def setns(fd: int, kind: int) -> None:
    """Enter the namespace behind a file descriptor."""
    _check(_libc.setns(ctypes.c_int(fd), ctypes.c_int(kind)), "setns")


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """mount(2); an empty `kind` or `data` is passed as NULL."""
    result = _libc.mount(
        source.encode(), target.encode(), kind.encode() or None, flags, data.encode() or None
    )
    _check(result, f"mount {target}")


def unmount(target: str) -> None:
    """Take a mount out of this namespace; what uses it elsewhere keeps it."""
    _check(_libc.umount2(target.encode(), ctypes.c_int(MNT_DETACH)), f"umount {target}")


def prctl(option: int, value: int) -> None:
    """prctl(2) with one argument."""
    zero = ctypes.c_ulong(0)
    _check(
        _libc.prctl(ctypes.c_int(option), ctypes.c_ulong(value), zero, zero, zero),
        f"prctl {option}",
    )


def drop_capabilities() -> None:
    """Empty the permitted, effective and inheritable sets, for good under no_new_privs."""
    number = _NUMBERS[platform.machine()]["capset"]
    # Version 3 of the header, this process; then three 32-bit sets, twice (bits 0-31, 32-63).
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    nothing = (ctypes.c_uint32 * 6)()
    _check(_libc.syscall(ctypes.c_long(number), header, nothing), "capset")


def receive_with_files(source: socket.socket, size: int, most: int) -> tuple[bytes, list[int]]:
    """A message and up to `most` descriptors that came with it, closed in whatever is executed.

    `socket.recv_fds` does not pass its flags on to the kernel.
    """
    room = socket.CMSG_LEN(most * array.array("i").itemsize)
    message, ancillary, _, _ = source.recvmsg(size, room, socket.MSG_CMSG_CLOEXEC)
    found = array.array("i")
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            found.frombytes(data[: len(data) - len(data) % found.itemsize])
    return message, list(found)


class _BpfProgram(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def load_seccomp(program: bytes) -> None:
    """Install a compiled filter (8 bytes an instruction) on this process. There is no way back."""
    packed = _BpfProgram(len(program) // 8, program)
    result = _libc.prctl(
        ctypes.c_int(PR_SET_SECCOMP), ctypes.c_ulong(SECCOMP_MODE_FILTER), ctypes.byref(packed)
    )
    _check(result, "seccomp")


def landlock_abi() -> int:
    """The kernel's Landlock version. Raises OSError where there is none."""
    zero = ctypes.c_size_t(0)
    version = ctypes.c_uint32(LANDLOCK_CREATE_RULESET_VERSION)
    number = ctypes.c_long(_LANDLOCK_CREATE_RULESET)
    return _check(_libc.syscall(number, None, zero, version), "landlock")


def landlock_ruleset(handled_fs: int, handled_net: int, scoped: int) -> int:
    """A new ruleset's file descriptor: the rights it takes away unless a rule grants them."""
    fields = (handled_fs, handled_net, scoped)
    # The structure grew with the ABI: fields that an older kernel does not know must be absent.
    size = max((i + 1 for i, field in enumerate(fields) if field), default=1)
    attributes = (ctypes.c_uint64 * size)(*fields[:size])
    number = ctypes.c_long(_LANDLOCK_CREATE_RULESET)
    length = ctypes.c_size_t(ctypes.sizeof(attributes))
    return _check(
        _libc.syscall(number, attributes, length, ctypes.c_uint32(0)), "landlock_create_ruleset"
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent_fd", ctypes.c_int32)]


def landlock_allow(ruleset: int, path: str, rights: int) -> None:
    """Grant `rights` at and below a path."""
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = _PathBeneath(rights, fd)
        result = _libc.syscall(
            ctypes.c_long(_LANDLOCK_ADD_RULE),
            ctypes.c_int(ruleset),
            ctypes.c_int(LANDLOCK_RULE_PATH_BENEATH),
            ctypes.byref(rule),
            ctypes.c_uint32(0),
        )
    finally:
        os.close(fd)
    _check(result, f"landlock_add_rule {path}")


def landlock_restrict(ruleset: int) -> None:
    """Put this process and all its children under the ruleset. There is no way back."""
    number = ctypes.c_long(_LANDLOCK_RESTRICT_SELF)
    result = _libc.syscall(number, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    _check(result, "landlock_restrict_self")


def collapse(regions: Sequence[tuple[int, int]]) -> int:
    """Ask for huge pages under address ranges; how many of them the kernel collapsed."""
    huge, done = 2 * 1024 * 1024, 0
    for start, end in regions:
        first, last = -(-start // huge) * huge, end // huge * huge
        if first < last:
            _libc.madvise(first, last - first, MADV_HUGEPAGE)
            done += _libc.madvise(first, last - first, MADV_COLLAPSE) == 0
    return done
