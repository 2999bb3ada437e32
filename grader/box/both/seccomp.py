"""Which system calls a box may make: a list of what is allowed, compiled by libseccomp.

The trusted side compiles once, each box loads the bytes. What is not listed fails with ENOSYS
("this kernel has no such call"), for which libraries have a fallback; what a reader would look for
and find refused fails with EPERM. A call in another machine's ABI (32 bit, x32) kills the process.
"""

from __future__ import annotations

import errno
import functools
import importlib
import os
import struct
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ALLOWED = _words("""
    access arch_prctl brk capget chdir chmod chown clock_getres clock_gettime clock_nanosleep
    close close_range copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl
    epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 execve exit exit_group faccessat
    faccessat2 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fdatasync flock fork
    fstat fstatfs fsync ftruncate futex futex_requeue futex_wait futex_waitv futex_wake
    futimesat get_robust_list getcpu getcwd getdents getdents64 getegid geteuid getgid getgroups
    getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid
    getresuid getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid
    getxattr lchown lgetxattr link linkat listxattr llistxattr lseek lstat membarrier mkdir
    mkdirat mmap mprotect mremap msync munmap nanosleep newfstatat open openat openat2 pause
    pipe pipe2 poll ppoll pread64 preadv prlimit64 pselect6 pwrite64 pwritev read readlink
    readlinkat readv recvfrom recvmmsg recvmsg rename renameat renameat2 restart_syscall rmdir
    rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigtimedwait
    sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getparam
    sched_getscheduler sched_rr_get_interval sched_yield select sendfile sendmmsg sendmsg
    set_robust_list set_tid_address setitimer setpgid setpriority setrlimit shutdown sigaltstack
    signalfd signalfd4 stat statfs statx symlink symlinkat sysinfo time timer_create
    timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime
    timerfd_settime times truncate umask uname unlink unlinkat utime utimensat utimes vfork
    wait4 waitid write writev
""")

# clone3 is in neither list: ENOSYS sends the C library to clone, whose flags a filter can read.
# Whatever asks what the machine has cached of a file, or changes it, is refused: all boxes share
# that cache, and could tell each other through it what only one of them knows.
REFUSED = _words("""
    acct add_key adjtimex bpf cachestat chroot clock_adjtime clock_settime delete_module
    execveat fadvise64 fanotify_init finit_module fsconfig fsetxattr fsmount fsopen fspick
    init_module inotify_init inotify_init1 io_uring_enter io_uring_register io_uring_setup
    ioperm iopl ioprio_set kcmp kexec_file_load kexec_load keyctl lookup_dcookie lsetxattr
    memfd_create memfd_secret migrate_pages mincore mlock mlock2 mlockall modify_ldt mount
    mount_setattr move_mount move_pages mq_open msgget name_to_handle_at open_by_handle_at
    open_tree perf_event_open personality pidfd_getfd pidfd_open pidfd_send_signal pivot_root
    preadv2 process_madvise process_mrelease process_vm_readv process_vm_writev ptrace pwritev2
    quotactl readahead reboot removexattr request_key rt_sigqueueinfo rt_tgsigqueueinfo
    sched_setaffinity sched_setattr sched_setparam sched_setscheduler seccomp semget
    setdomainname setfsgid setfsuid setgid setgroups sethostname setns setregid setresgid
    setresuid setreuid setsid settimeofday setuid setxattr shmat shmget splice swapoff swapon
    sync syncfs syslog tee umount2 unshare userfaultfd vhangup vmsplice
""")

# What Landlock does not govern, or not in every version, and what reaches other processes of the
# same user: refused where there are no namespaces.
UNWALLED = _words("""
    chmod chown execve fchmodat fchmodat2 fchownat fork futimesat lchown openat2 setpriority
    truncate utime utimes vfork
""")

FOR_CUDA = _words("""
    get_mempolicy mbind memfd_create mlock mlock2 munlock sched_setaffinity sched_setparam
    sched_setscheduler set_mempolicy
""")

_NEW_NAMESPACES = 0x7E020000  # every CLONE_NEW* that clone(2) takes
_CLONE_PARENT = 0x00008000  # would make a child of the zygote's
_CLONE_PTRACE = 0x00002000
_CLONE_THREAD = 0x00010000
# FIOCLEX, FIONCLEX, FIONREAD, FIONBIO, TCGETS, TIOCGWINSZ: what Python asks of files and terminals
_IOCTLS = (0x5451, 0x5450, 0x541B, 0x5421, 0x5401, 0x5413)
# Duplicates, flags, locks and pipe sizes: no leases, directory notices or signals to owners
_FCNTLS = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032)
# What allocators say of their own memory: nothing that reads files ahead, pages them out or merges
# equal pages
_MADVICE = (0, 1, 2, 4, 8, 10, 11, 14, 15, 16, 17, 18, 19)
# Names of threads and mappings, the parent-death signal, and questions
_PRCTLS = (1, 2, 3, 15, 16, 21, 23, 39, 0x53564D41)
_AF_UNIX, _SOCK_STREAM, _SOCK_TYPES = 1, 1, 0xF
_SOL_SOCKET, _SO_REUSEADDR = 1, 2
_OWN_PID = 0x7EDCBA98  # larger than any pid can be

Add = Callable[..., None]


@dataclass(frozen=True)
class Policy:
    """What differs between boxes: a GPU's calls, and whether there are namespaces around the box.

    Without them (`walled` False) the filter stands in for the network and the pid namespace: no
    socket can be had but a connected pair of streams, no process can be started, and a process can
    signal and limit only itself (`for_process` fills its pid in).
    """

    gpu: bool = False
    walled: bool = True


@functools.cache
def compile_filter(policy: Policy) -> bytes:
    """The policy as BPF instructions for this machine.

    Raises ImportError or RuntimeError where libseccomp or its binding is missing.
    """
    lib: Any = importlib.import_module("pyseccomp")
    rules = lib.SyscallFilter(lib.ERRNO(errno.ENOSYS))
    rules.set_attr(lib.Attr.CTL_OPTIMIZE, 2)  # a binary tree of comparisons, not a list

    def add(action: int, name: str, *conditions: Any) -> None:
        if lib.resolve_syscall(lib.Arch.NATIVE, name) >= 0:  # negative: no such call here
            rules.add_rule(action, name, *conditions)

    allowed = ALLOWED | FOR_CUDA if policy.gpu else ALLOWED
    if not policy.walled:
        allowed -= UNWALLED | {"open", "openat", "prlimit64", "utimensat"}
    for name in sorted(allowed):
        add(lib.ALLOW, name)
    for name in sorted((REFUSED | UNWALLED) - allowed):
        add(lib.ERRNO(errno.EPERM), name)
    forbidden = _NEW_NAMESPACES | _CLONE_PARENT | _CLONE_PTRACE
    if policy.walled:
        add(lib.ALLOW, "clone", lib.Arg(0, lib.MASKED_EQ, forbidden, 0))
        for name in ("kill", "tgkill", "tkill"):
            add(lib.ALLOW, name)
    else:
        _add_own_process_only(lib, add, forbidden)
    if policy.gpu:
        add(lib.ALLOW, "ioctl")
        add(lib.ALLOW, "madvise")
    for name, at, values in (
        ("ioctl", 1, () if policy.gpu else _IOCTLS),
        ("fcntl", 1, _FCNTLS),
        ("madvise", 2, () if policy.gpu else _MADVICE),
        ("prctl", 0, _PRCTLS),
    ):
        for value in values:
            add(lib.ALLOW, name, lib.Arg(at, lib.EQ, value))
    _add_sockets(lib, add, policy.walled)
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def _add_own_process_only(lib: Any, add: Add, forbidden: int) -> None:
    """Threads but no processes; signals and limits for oneself; files by their descriptors."""
    refuse = lib.ERRNO(errno.EPERM)
    thread = lib.Arg(0, lib.MASKED_EQ, forbidden | _CLONE_THREAD, _CLONE_THREAD)
    add(lib.ALLOW, "clone", thread)
    add(refuse, "clone", lib.Arg(0, lib.MASKED_EQ, _CLONE_THREAD, 0))
    for name in ("kill", "tgkill", "tkill"):
        add(lib.ALLOW, name, lib.Arg(0, lib.EQ, _OWN_PID))
        add(refuse, name, lib.Arg(0, lib.NE, _OWN_PID))
    add(lib.ALLOW, "prlimit64", lib.Arg(0, lib.EQ, 0))
    add(lib.ALLOW, "utimensat", lib.Arg(1, lib.EQ, 0))
    # Before Linux 6.2 Landlock lets whoever may read a file truncate it while opening.
    for name, at in (("open", 1), ("openat", 2)):
        reading = os.O_ACCMODE | os.O_TRUNC
        add(lib.ALLOW, name, lib.Arg(at, lib.MASKED_EQ, reading, os.O_RDONLY))
        add(refuse, name, lib.Arg(at, lib.MASKED_EQ, reading, os.O_TRUNC))
        for mode in (os.O_WRONLY, os.O_RDWR):
            add(lib.ALLOW, name, lib.Arg(at, lib.MASKED_EQ, os.O_ACCMODE, mode))


def _add_sockets(lib: Any, add: Add, walled: bool) -> None:
    unix = lib.Arg(0, lib.EQ, _AF_UNIX)
    refuse = lib.ERRNO(errno.EPERM)
    if not walled:
        add(refuse, "socket")
        # A datagram socket of a pair can still send to any address.
        stream = lib.Arg(1, lib.MASKED_EQ, _SOCK_TYPES, _SOCK_STREAM)
        add(lib.ALLOW, "socketpair", unix, stream)
        add(lib.ALLOW, "sendto", lib.Arg(4, lib.EQ, 0))
        return
    add(lib.ALLOW, "socketpair", unix)
    add(lib.ALLOW, "socket", unix)
    add(refuse, "socket", lib.Arg(0, lib.NE, _AF_UNIX))
    for name in ("accept", "accept4", "bind", "connect", "listen", "sendto"):
        add(lib.ALLOW, name)
    reuse = lib.Arg(1, lib.EQ, _SOL_SOCKET), lib.Arg(2, lib.EQ, _SO_REUSEADDR)
    add(lib.ALLOW, "setsockopt", *reuse)


def for_process(program: bytes, pid: int) -> bytes:
    """The filter of a process that may signal nothing but itself."""
    return program.replace(struct.pack("=I", _OWN_PID), struct.pack("=I", pid))
