"""What a submission cannot reach from inside its box, each tried for real at each level."""

import json
import os
import select
import socket
import subprocess
import sys
import time
import venv
from pathlib import Path

import pytest

import grader
from grader.box.both.ended import BoxEnded, Cause
from grader.box.both.seccomp import REFUSED
from grader.box.outside.boxes import Boxes
from tests.box.common import (
    LEVELS,
    ROOT,
    SMALL,
    VISIBLE,
    WALLED,
    need_bubblewrap,
    open_to_all,
    parent_of,
    pool,
    refused,
    run,
)
from tests.conftest import environment


@pytest.fixture(params=LEVELS)
def level(request):
    if request.param in WALLED:
        need_bubblewrap()
    return request.param


@pytest.fixture
def box(level):
    with pool(level).open() as box:
        yield box


def test_no_socket_leads_anywhere(box):
    for family in ("AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_VSOCK", "AF_ALG"):
        kind = "SOCK_RAW" if family in ("AF_NETLINK", "AF_PACKET") else "SOCK_STREAM"
        source = f"import socket; socket.socket(socket.{family}, socket.{kind})"
        assert refused(box, source) == "EPERM"


def test_an_abstract_socket_of_the_machine_cannot_be_reached(box):
    with socket.socket(socket.AF_UNIX) as server:
        name = f"\0autograd-course-{os.getpid()}-{time.monotonic_ns()}"
        server.bind(name)
        server.listen()
        source = """
            import socket
            for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
                one = socket.socket(socket.AF_UNIX, kind)
                one.connect(name)
        """
        assert refused(box, source, name=name) in {"ECONNREFUSED", "EPERM"}


def test_a_pair_of_datagram_sockets_cannot_send_elsewhere(box):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        name = f"\0autograd-course-{os.getpid()}-{time.monotonic_ns()}"
        server.bind(name)
        source = """
            import socket
            one, two = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
            one.sendto(b"out", name)
        """
        assert refused(box, source, name=name) in {"ECONNREFUSED", "EPERM", "ENOSYS"}


def test_files_of_the_machine_cannot_be_read(box, tmp_path):
    secret = tmp_path / "gradebook.db"
    secret.write_text("grades")
    open_to_all(secret)
    paths = ["/etc/shadow", "/etc/hostname", str(Path.home() / ".profile"), str(secret)]
    paths += [str(ROOT / "nbgrader_config.py"), str(ROOT / "solutions"), __file__, "/dev/mem"]
    paths += ["/dev/kvm", "/dev/tty", "/dev/pts/ptmx", "/proc/kcore", "/var/log", "/run", "/boot"]
    source = """
        import os
        result = []
        for path in paths:
            try:
                fd = os.open(path, os.O_RDONLY)
                result.append(path)
            except OSError:
                pass
    """
    assert run(box, source, paths=paths) == []


def test_keys_and_judge_do_not_exist_there(box):
    folder = str(Path(grader.__path__[0]))
    source = """
        import importlib, os, sys
        result = []
        for room in ("keys", "trusted", "recorded", "diagnosis", "notebook", "judge", "cli"):
            name = f"grader.{room}"
            try:
                importlib.import_module(name)
                result.append(name)
            except ImportError:
                pass
        for top in (folder, *sys.modules["grader"].__path__):
            for path in ("keys", "keys/__init__.py", "judge", "notebook", "trusted"):
                try:
                    os.open(f"{top}/{path}", os.O_RDONLY)
                    result.append(path)
                except OSError:
                    pass
    """
    assert run(box, source, folder=folder) == []


def test_of_the_grader_a_box_holds_these_rooms_and_nothing_else(box):
    source = """
        import os, sys
        result = []
        for top in sys.modules["grader"].__path__:
            for folder, _, names in os.walk(top):
                result += [os.path.relpath(os.path.join(folder, name), top) for name in names]
    """
    here = ROOT / "grader"
    rooms = ("box/both", "box/inside", "engine", "tasks")
    wanted = [here / "__init__.py", here / "box" / "__init__.py"]
    wanted += [path for room in rooms for path in (here / room).rglob("*.py")]
    seen = {path for path in run(box, source) if "__pycache__" not in path}
    assert seen == {str(path.relative_to(here)) for path in wanted}


def test_an_installed_copy_of_the_keys_is_covered(level, tmp_path, monkeypatch):
    library = tmp_path / "site-packages"
    for name in ("keys", "box"):
        (library / "grader" / name).mkdir(parents=True)
        (library / "grader" / name / "__init__.py").write_text("")
    (library / "beside.py").write_text("")
    open_to_all(library)
    monkeypatch.syspath_prepend(str(library))
    with (
        Boxes(SMALL, level, handler="run_code", visible=VISIBLE, bare=True) as boxes,
        boxes.open() as box,
    ):
        there = run(box, "import beside, os; result = os.path.dirname(beside.__file__)")
        for folder in (there, str(library)):
            keys = f"{folder}/grader/keys/__init__.py"
            assert refused(box, "open(keys)", keys=keys) in {"ENOENT", "EACCES"}


_ELSEWHERE = """
import json, sys
from tests.box.common import pool, run
with pool(sys.argv[1]).open() as box:
    print(json.dumps(run(box, '''
        import os, subprocess, sys
        import beside
        command = [sys.executable, "-c", "import sys; print(sys.prefix)"]
        result = [os.listdir(path) for path in ("/work", "/tmp", "/dev/shm")]
        result.append(subprocess.run(command, capture_output=True, text=True).stdout.strip())
    ''')))
"""


@pytest.mark.parametrize("level", WALLED)
def test_what_is_installed_where_a_box_has_folders_of_its_own_works_and_leaves_them_empty(
    level, tmp_path
):
    need_bubblewrap()
    assert tmp_path.is_relative_to("/tmp"), "run this with TMPDIR below /tmp"
    own = tmp_path / "environment"
    venv.create(own, symlinks=True)
    library = own / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    (library / "beside.py").write_text("")
    packages = [path for path in sys.path if "-packages" in path]
    found = subprocess.run(
        [own / "bin" / "python", "-c", _ELSEWHERE, level],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *packages])},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    *folders, prefix = json.loads(found.stdout)
    assert folders == [[], [], []]
    assert prefix.endswith(str(own))


def test_nothing_of_the_judges_environment_gets_in(level, monkeypatch):
    secret = f"not-for-boxes-{time.monotonic_ns()}"
    monkeypatch.setenv("AUTOGRAD_COURSE_SECRET", secret)
    with (
        Boxes(SMALL, level, handler="run_code", visible=VISIBLE, bare=True) as boxes,
        boxes.open() as box,
    ):
        source = """
            import os, re
            whole = repr(os.environ) + open("/proc/self/environ").read() if readable else ""
            found = half + other in whole
            for line in open("/proc/self/maps") if readable else ():
                area, mode, *rest = line.split()
                if mode.startswith("rw") and not found:
                    start, end = (int(edge, 16) for edge in area.split("-"))
                    with open("/proc/self/mem", "rb") as memory:
                        memory.seek(start)
                        pieces = memory.read(end - start)
                    found = bytes(half, "ascii") + bytes(other, "ascii") in pieces
            result = [sorted(os.environ), found]
        """
        names = {"half": secret[:10], "other": secret[10:], "readable": level in WALLED}
        environ, found = run(box, source, **names)
    assert "AUTOGRAD_COURSE_SECRET" not in environ
    assert not found


def test_other_processes_do_not_exist(box, level):
    if level == "landlock":  # they exist, but can be neither read nor signalled
        pid = os.getpid()
        for name in ("environ", "mem", "maps", "cmdline", "status"):
            assert refused(box, f"open('/proc/{pid}/{name}')") == "EACCES"
        assert refused(box, f"os.kill({pid}, 0)") == "EPERM"
        assert refused(box, f"os.kill({os.getppid()}, 9)") == "EPERM"
        assert refused(box, "os.kill(-1, 9)") == "EPERM"
        return
    source = "import os; result = [os.getpid(), sorted(filter(str.isdigit, os.listdir('/proc')))]"
    pid, seen = run(box, source)
    assert sorted(map(int, seen)) == [1, pid]


def test_the_init_of_its_namespace_cannot_be_touched(level):
    if level == "landlock":
        pytest.skip("there is no pid namespace at this level")
    with pool(level).open() as box:
        for name in ("environ", "mem", "maps", "cwd", "root", "fd/0", "ns/mnt"):
            opened = (
                "open(path, 'rb').read(1)"
                if name in ("environ", "mem", "maps")
                else ("os.readlink(path)")
            )
            assert refused(box, opened, path=f"/proc/1/{name}") in {"EACCES", "EPERM"}
        assert run(box, "import os; result = [os.getuid()]")
        for number in (9, 15, 19, 2):
            run(box, f"import os\ntry: os.kill(1, {number})\nexcept OSError: pass")
        assert run(box, "result = 'alive'") == "alive"


def test_two_boxes_share_nothing_that_can_be_written(level):
    boxes = pool(level)
    if level == "landlock":
        with boxes.open() as one, boxes.open() as other:
            home = run(one, "open('mine', 'w').write('1'); import os; result = os.getcwd()")
            assert refused(other, f"open('{home}/mine')") == "EACCES"
            assert refused(other, f"open('{home}/yours', 'w')") == "EACCES"
            pid = run(one, "import os; result = os.getpid()")
            assert refused(other, f"os.kill({pid}, 9)") == "EPERM"
        return
    source = """
        import os
        result = []
        for folder in ("/work", "/tmp", "/dev/shm"):
            result += [name for name in os.listdir(folder) if name.startswith("mark-")]
            open(f"{folder}/mark-{os.urandom(4).hex()}", "w").close()
    """
    with boxes.open() as one, boxes.open() as other:
        assert run(one, source) == run(other, source) == []


def test_boxes_of_root_are_users_of_their_own(level):
    if os.geteuid() != 0:
        pytest.skip("only root can give each box a user of its own")
    fresh = [Boxes(SMALL, level, handler="run_code", visible=VISIBLE, bare=True) for _ in range(2)]
    with (
        fresh[0] as pool_of_two,
        fresh[1] as pool_of_one,
        pool_of_two.open() as one,
        pool_of_two.open() as other,
        pool_of_one.open() as stranger,
    ):
        users = [os.stat(f"/proc/{box.pid}").st_uid for box in (one, other, stranger)]
    assert len(set(users)) == 3
    assert 0 not in users


def test_only_the_private_folders_can_be_written(box, level):
    source = """
        import os
        result = []
        skip = ("/proc", "/sys")
        for top, folders, files in os.walk("/"):
            if top.startswith(skip) or top.count("/") > 4:
                folders.clear()
                continue
            try:
                fd = os.open(f"{top}/x-{os.getpid()}", os.O_CREAT | os.O_WRONLY)
                result.append(top)
                os.close(fd)
            except OSError:
                pass
        cwd = os.getcwd()
    """
    allowed = ["/work", "/tmp", "/dev/shm"] if level in WALLED else []
    home = run(box, "import os; result = os.getcwd()")
    written = run(box, source)
    assert [
        p for p in written if not any(Path(p).is_relative_to(a) for a in (*allowed, home))
    ] == []


def test_what_the_kernel_offers_to_write_is_closed(box):
    for path in (
        "/proc/self/oom_score_adj",
        "/proc/sys/kernel/hostname",
        "/proc/sys/kernel/core_pattern",
        "/proc/sysrq-trigger",
        "/proc/self/uid_map",
        "/proc/self/setgroups",
        "/sys/kernel/uevent_helper",
    ):
        assert refused(box, f"os.open({path!r}, os.O_WRONLY)") in {
            "EROFS",
            "EACCES",
            "EPERM",
            "ENOENT",
        }


def test_files_and_processes_of_the_same_user_cannot_be_changed(box, tmp_path):
    book = tmp_path / "gradebook.db"
    book.write_text("grades")
    open_to_all(book)
    book.chmod(0o666)
    before = book.stat()
    for change in (
        "os.chmod(path, 0)",
        "os.chown(path, 1, 1)",
        "os.utime(path, (0, 0))",
        "os.truncate(path, 0)",
        "os.close(os.open(path, os.O_RDONLY | os.O_TRUNC))",
        "os.close(os.open(path, os.O_WRONLY | os.O_APPEND))",
        "os.remove(path)",
        "os.rename(path, path + '.old')",
        "os.link(path, 'linked')",
        "os.setxattr(path, 'user.x', b'1')",
        "open(folder + '/more', 'w')",
        "os.mkdir(folder + '/more')",
        "os.symlink('x', folder + '/more')",
    ):
        refused(box, change, path=str(book), folder=str(tmp_path))
    after = book.stat()
    assert book.read_text() == "grades"
    assert (before.st_mode, before.st_mtime) == (after.st_mode, after.st_mtime)
    judge, kinds = os.getpid(), "import resource\n"
    refused(box, kinds + f"resource.prlimit({judge}, resource.RLIMIT_CPU, (1, 1))")
    refused(box, f"os.setpriority(os.PRIO_PROCESS, {judge}, 19)")
    refused(box, f"os.sched_setaffinity({judge}, [0])")


def test_a_library_cannot_be_emptied_while_it_is_opened(box, level):
    source = """
        import os, colorsys
        os.close(os.open(colorsys.__file__, os.O_RDONLY | os.O_TRUNC))
    """
    assert refused(box, source) in {"EROFS", "EPERM", "EACCES"}


def test_it_has_no_privileges_and_cannot_get_any(box, level):
    if level == "landlock":
        status = Path(f"/proc/{box.pid}/status").read_text()
    else:
        status = run(box, "result = open('/proc/self/status').read()")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(fields[name], 16) == 0
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"


# Arguments with which a call would do harm, where zeros would be refused for their own sake.
_ARGUMENTS = {"unshare": (0x10000000,), "clone": (0x10000000 | 17,), "bpf": (0, 0, 0)}


def test_dangerous_system_calls_are_refused(box):
    seccomp = pytest.importorskip("pyseccomp")
    numbers = {
        name: seccomp.resolve_syscall(seccomp.Arch.NATIVE, name)
        for name in sorted({*REFUSED, "clone", "clone3"})
    }
    calls = [
        (name, number, _ARGUMENTS.get(name, (0, 0, 0, 0, 0)))
        for name, number in numbers.items()
        if number >= 0  # this machine, or this libseccomp, has it
    ]
    source = """
        import ctypes, errno
        libc = ctypes.CDLL(None, use_errno=True)
        result = []
        for name, number, arguments in calls:
            done = libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments))
            if done >= 0 or errno.errorcode[ctypes.get_errno()] not in ("EPERM", "ENOSYS"):
                result.append(name)
    """
    assert len(calls) > 80
    assert run(box, source, calls=calls) == []


def test_a_box_can_neither_ask_nor_change_what_the_machine_has_cached_of_a_file(box):
    seccomp = pytest.importorskip("pyseccomp")
    names = ("preadv2", "readahead", "mincore", "cachestat")
    numbers = {name: seccomp.resolve_syscall(seccomp.Arch.NATIVE, name) for name in names}
    source = """
        import ctypes, errno, mmap, os
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mmap.restype = ctypes.c_void_p
        name = torch_file
        fd = os.open(name, os.O_RDONLY)
        result = {}

        def tried(what, call, *arguments):
            ctypes.set_errno(0)
            done = call(*map(ctypes.c_long, arguments))
            result[what] = errno.errorcode[ctypes.get_errno()] if done < 0 else "done"

        address = libc.mmap(None, ctypes.c_size_t(4096), 1, 2, fd, ctypes.c_long(0))
        buffer = ctypes.create_string_buffer(4096)
        vector = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 4096)
        given = {
            "preadv2": (fd, ctypes.addressof(vector), 1, 0, 0, 8),  # RWF_NOWAIT
            "readahead": (fd, 0, 4096),
            "mincore": (address, 4096, ctypes.addressof(buffer)),
            "cachestat": (fd, ctypes.addressof(buffer), ctypes.addressof(buffer), 0),
        }
        for what, number in numbers.items():
            if number >= 0:
                tried(what, libc.syscall, number, *given[what])
        try:
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            result["posix_fadvise"] = "done"
        except OSError as error:
            result["posix_fadvise"] = errno.errorcode[error.errno]
        for advice in (3, 9, 12, 20, 21, 22, 23, 25):
            tried(f"madvise {advice}", libc.madvise, address, 4096, advice)
        for advice in (0, 4, 14):
            tried(f"own {advice}", libc.madvise, address, 4096, advice)
    """
    found = run(box, source, torch_file=os.__file__, numbers=numbers)
    own = {what: found.pop(what) for what in list(found) if what.startswith("own")}
    assert {"done"} >= set(own.values()) - {"EINVAL"}  # no huge pages in this kernel, or of files
    assert len(found) >= 12
    assert set(found.values()) <= {"EPERM", "ENOSYS"}, found


def test_the_init_of_a_boxs_namespace_holds_no_descriptor_of_anybodys():
    with pool("full").open() as one, pool("full").open() as other:
        for box in (one, other):
            init = run(box, "import os; result = os.getppid()")
            assert init == 0  # the box was forked from outside its namespace
            beside = Path(f"/proc/{box.pid}/root/proc/1/fd")
            held = {fd.name: os.readlink(fd) for fd in beside.iterdir()}
            assert held == dict.fromkeys("012", "/dev/null")


def test_a_foreign_abi_kills_the_process(box):
    if os.uname().machine != "x86_64":
        pytest.skip("only x86-64 has a second ABI")
    # mov eax, 20; int 0x80; ret: getpid in the 32-bit ABI
    source = """
        import ctypes, mmap
        page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        page.write(bytes.fromhex("b814000000cd80c3"))
        address = ctypes.addressof(ctypes.c_char.from_buffer(page))
        ctypes.CFUNCTYPE(ctypes.c_long)(address)()
    """
    with pytest.raises(BoxEnded) as death:
        run(box, source)
    assert death.value.ended.cause is Cause.KILLED


def test_it_inherits_five_descriptors_and_no_more(box, level):
    if level == "landlock":
        found = os.listdir(f"/proc/{box.pid}/fd")
    else:
        found = run(box, "import os; result = os.listdir('/proc/self/fd')")
        found = found[:-1]  # the listing itself
    assert sorted(map(int, found)) == [0, 1, 2, 3, 4]


def test_nothing_outlives_the_box(level):
    seconds = f"8{time.monotonic_ns() % 10**9:09d}"
    source = """
        import os, subprocess
        subprocess.Popen(["sleep", seconds])
        if os.fork() == 0:  # a daemon: its parent is gone
            subprocess.Popen(["sleep", seconds])
            os._exit(0)
        os.wait()
    """
    boxes = pool(level)
    with boxes.open() as box:
        if level == "landlock":
            assert refused(box, source, seconds=seconds) == "EPERM"
            return
        run(box, source, seconds=seconds)
        assert _sleeping(seconds)
    assert not _sleeping(seconds)


def _sleeping(seconds):
    return subprocess.run(["pgrep", "-f", f"sleep {seconds}"], capture_output=True).stdout.split()


def test_when_the_judge_is_killed_its_boxes_die_and_their_folders_go(level, tmp_path):
    program = f"""
import threading, time
from tests.box.common import pool
box = pool({level!r}).open()
print(box.pid, flush=True)
threading.Thread(
    target=box.call, args=({{"source": "import time; time.sleep(60)"}},), daemon=True
).start()
time.sleep(60)
"""
    open_to_all(tmp_path)
    judge = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=environment(TMPDIR=str(tmp_path)),
        text=True,
    )
    pid = int(judge.stdout.readline())
    handles = [os.pidfd_open(pid), os.pidfd_open(parent_of(pid))]
    judge.kill()
    judge.wait()
    judge.stdout.close()
    for handle in handles:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        assert poll.poll(300_000), "the box or its zygote outlived the judge"
        os.close(handle)
    assert list(tmp_path.glob("autograd-box-*")) == []
