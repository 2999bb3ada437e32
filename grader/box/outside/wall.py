"""The outer wall: which paths exist for a zygote, and the bubblewrap command that makes it so."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import grader
from grader import rooms
from grader.box.both.limits import Limits
from grader.box.both.settings import PRIVATE, WORK, Level
from grader.box.outside.users import available

LIBRARY = "/box-library"
"""Where the visible part of this package is, behind the wall."""

MOVED = "/box-python"
"""Below it is, behind the wall, what lies where a box has folders of its own: in /work, say."""

# Of an environment's folder only these: it may be the course's own folder, submissions and all.
_OF_PREFIX = ("bin", "lib", "lib64", "pyvenv.cfg")
_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64")
_SHARED = (
    "/usr/bin",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/local/lib",
    "/usr/share/fonts",
    "/usr/share/fontconfig",
    "/usr/share/zoneinfo",
    "/nix/store",
    "/etc/alternatives",
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
)
_DEVICES = ("null", "zero", "full", "random", "urandom")

_PASSWD = "root:x:0:0::/:/bin/false\nlearner:x:65534:65534::/work:/bin/false\n"
_GROUP = "root:x:0:\nlearner:x:65534:\n"


@dataclass(frozen=True)
class Mount:
    """A path of this machine and where a zygote sees it."""

    source: str
    seen: str


def seen(path: str) -> str:
    """Where a path of this machine is behind the wall."""
    return MOVED + path if _is_below(path, list(PRIVATE.values())) else path


def environment(home: str, scratch: str, programs: Sequence[str]) -> dict[str, str]:
    """The whole environment of a zygote, with nothing of the judge's; `programs` begin its PATH."""
    threads = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "VECLIB_MAXIMUM")
    bins = dict.fromkeys([*programs, "/usr/bin", "/bin"])
    return {
        **{f"{name}_NUM_THREADS": "1" for name in threads},
        "HOME": home,
        "IPYTHONDIR": f"{scratch}/ipython",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MPLCONFIGDIR": f"{scratch}/matplotlib",
        "PATH": ":".join(bins),
        "PYTHONHASHSEED": "0",  # a submission judged again behaves as it did
        "PYTHONUTF8": "1",
        "USER": "learner",
        "XDG_CACHE_HOME": f"{scratch}/cache",
    }


def python_paths() -> list[str]:
    """The parts of Python's installation, and of the environment on top of it, that exist."""
    roots = [sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix]
    roots += [str(Path(sys.executable).resolve().parent.parent)]
    roots += [os.path.realpath(root) for root in roots]
    found = [str(Path(root) / part) for root in dict.fromkeys(roots) for part in _OF_PREFIX]
    found += [entry for entry in library_paths() if not _is_below(entry, found)]
    return [path for path in dict.fromkeys(found) if os.path.lexists(path)]


def library_paths() -> list[str]:
    """The judge's sys.path without the folders that hold source trees."""
    library = [entry for entry in sys.path if os.path.isabs(entry) and os.path.exists(entry)]
    return [
        entry
        for entry in library
        if "site-packages" in entry
        or "dist-packages" in entry
        or _is_below(entry, [str(Path(sys.base_prefix) / "lib")])
    ]


def search_path(extra: Sequence[str] = ()) -> list[str]:
    """sys.path of a zygote behind bubblewrap."""
    return [LIBRARY, *map(seen, (*extra, *library_paths()))]


def interpreter() -> str:
    """The program that is a zygote behind bubblewrap.

    An environment's python names the Python it stands on by a path, which must be there as well.
    """
    moved = seen(sys.base_prefix) != sys.base_prefix
    return seen(os.path.realpath(sys.executable) if moved else sys.executable)


def copy_visible(target: Path) -> None:
    """Copy what a box may see of this package, for a zygote that has no wall to bind it behind."""
    for path in rooms.parts(rooms.BOX):
        copy = target / path.relative_to(rooms.PACKAGE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if path.is_dir() else shutil.copyfile)(path, copy)


def masked_copies() -> list[str]:
    """Copies of this package among the installed libraries: covered by an empty folder."""
    found = (Path(entry) / "grader" for entry in library_paths())
    return [str(path) for path in found if path.is_dir()]


def mounts(extra: Sequence[str]) -> list[Mount]:
    """Everything but the system's folders, in the order of mounting."""
    paths = [path for path in _SHARED if os.path.lexists(path)]
    paths += [path for path in python_paths() if not _is_below(path, paths)]
    wanted = [Mount(path, seen(path)) for path in (*paths, *extra)]
    package = Path(LIBRARY, "grader")
    return wanted + [
        Mount(str(path), str(package / path.relative_to(rooms.PACKAGE)))
        for path in rooms.parts(rooms.BOX)
    ]


def _parents(paths: Iterable[str]) -> list[str]:
    """Every folder above these paths, outermost first."""
    above = {str(parent) for path in paths for parent in Path(path).parents}
    return sorted(above - {"/"})


def _is_below(path: str, folders: Sequence[str]) -> bool:
    return any(Path(path).is_relative_to(folder) for folder in folders)


def command(
    level: Level, limits: Limits, extra: Sequence[str], *, gpu: bool, files: tuple[int, int]
) -> list[str]:
    """bubblewrap's command line up to the program; `files` are descriptors of passwd and group.

    Raises FileNotFoundError where it is not installed.
    """
    root = available() is not None
    program = shutil.which("bwrap")
    if program is None:
        raise FileNotFoundError("there is no program bwrap")
    args = [program]
    if not root:
        # A zygote is root of its own namespace; a cold worker mounts nothing and is nobody.
        own = "0" if level is Level.FULL else "65534"
        args += ["--unshare-user", "--uid", own, "--gid", own]
    args += ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    args += ["--unshare-cgroup-try", "--hostname", "box", "--new-session", "--as-pid-1"]
    args += ["--clearenv"]
    programs = [str(Path(program).parent) for program in (seen(sys.executable), interpreter())]
    for name, value in environment(WORK, "/tmp", programs).items():
        args += ["--setenv", name, value]
    args += ["--cap-drop", "ALL"]
    if level is Level.FULL:
        args += ["--cap-add", "CAP_SYS_ADMIN"]
    if root:
        for capability in ("CHOWN", "SETUID", "SETGID", "KILL"):
            args += ["--cap-add", f"CAP_{capability}"]
    args += _folders(level, limits)
    for path in _SYSTEM:
        if os.path.islink(path):
            args += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            args += ["--ro-bind", path, path]
    wanted = mounts(extra)
    for folder in _parents(mount.seen for mount in wanted):
        args += ["--dir", folder]  # bubblewrap makes missing parents for their owner alone
    for mount in wanted:
        args += ["--ro-bind", mount.source, mount.seen]
    for path in map(seen, masked_copies()):
        args += ["--tmpfs", path, "--remount-ro", path]
    for fd, path in zip(files, ("/etc/passwd", "/etc/group"), strict=True):
        args += ["--file", str(fd), path]
    if gpu:
        args += _gpu()
    return [*args, "--remount-ro", "/", "--chdir", "/", "--"]


def _folders(level: Level, limits: Limits) -> list[str]:
    """A /dev without terminals, and the private folders: the box's own where it can mount none."""
    args = ["--proc", "/proc", "--dir", "/dev"]
    for name in _DEVICES:
        args += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    links = {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}
    for name, number in links.items():
        args += ["--symlink", f"/proc/self/fd{number}", f"/dev/{name}"]
    if level is Level.FULL:
        # The zygote's own /tmp; each box covers it, /work and /dev/shm with what it mounts.
        return [*args, "--tmpfs", "/tmp", "--dir", WORK, "--dir", "/dev/shm", "--dir", "/.box"]
    for path, share in ((WORK, 2), ("/tmp", 4), ("/dev/shm", 4)):
        args += ["--size", str(limits.files // share), "--tmpfs", path]
    return [*args, "--remount-ro", "/proc"]


def _gpu() -> list[str]:
    devices = sorted(map(str, Path("/dev").glob("nvidia*")))
    args = [arg for device in devices for arg in ("--dev-bind", device, device)]
    return [*args, "--ro-bind", "/sys", "/sys"]


def open_files() -> tuple[int, int]:
    """Descriptors from which bubblewrap copies passwd and group."""
    made = []
    for text in (_PASSWD, _GROUP):
        fd = os.memfd_create("etc")
        os.write(fd, text.encode())
        os.lseek(fd, 0, os.SEEK_SET)
        made.append(fd)
    return made[0], made[1]


def landlock_readable(extra: Sequence[str]) -> tuple[str, ...]:
    """What a box may read where there is no wall: the same, without this package's own folder."""
    hidden = [*map(str, grader.__path__), *masked_copies()]
    paths = [mount.source for mount in mounts(extra) if not _is_below(mount.seen, [LIBRARY])]
    paths += [path for path in _SYSTEM if os.path.isdir(path)]
    found = [part for path in paths for part in _without(path, hidden)]
    return tuple(dict.fromkeys(found))


def _without(path: str, hidden: Sequence[str]) -> list[str]:
    """A folder as its entries, as deep as needed to leave the hidden folders out."""
    if path in hidden:
        return []
    if not any(Path(one).is_relative_to(path) for one in hidden):
        return [path]
    return [
        part for entry in sorted(os.listdir(path)) for part in _without(f"{path}/{entry}", hidden)
    ]
