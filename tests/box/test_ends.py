"""What a submission may use up, and what the judge learns when a box ends."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from grader.box.both.ended import BoxEnded, BoxRefused, CallFailed, CallInterrupted, Cause
from grader.box.both.limits import MIB
from grader.box.outside.boxes import Boxes
from grader.box.outside.process import Process
from tests.box.common import (
    HASTY,
    LEVELS,
    ROOT,
    SMALL,
    VISIBLE,
    WALLED,
    need_bubblewrap,
    parent_of,
    pool,
    run,
)
from tests.conftest import environment


@pytest.fixture(params=LEVELS)
def level(request):
    if request.param in WALLED:
        need_bubblewrap()
    return request.param


@pytest.fixture(params=[level for level in LEVELS if level != "landlock"])
def walled(request):
    need_bubblewrap()
    return request.param


@pytest.fixture
def box(level):
    with pool(level).open() as box:
        yield box


def ending(box, source, **names):
    """Run what must end the box; how it ended."""
    with pytest.raises(BoxEnded) as death:
        run(box, source, **names)
    assert box.ended == death.value.ended
    with pytest.raises(BoxEnded):
        run(box, "result = 1")
    return death.value.ended


def unless_ended(box, source, **names):
    """What running this in the box gives, or why the box ended of it."""
    try:
        return run(box, source, **names)
    except BoxEnded as death:
        return death.ended.cause


def assert_others_live(level):
    with pool(level).open() as other:
        assert run(other, "result = 6 * 7") == 42


def test_leaving_is_reported_with_the_status(level, box):
    ended = ending(box, "import os; os._exit(3)")
    assert (ended.cause, ended.sentence) == (Cause.EXITED, "The process exited with status 3.")
    assert_others_live(level)


def test_a_crash_is_reported_with_the_signal_and_the_line(level, box):
    ended = ending(box, "import ctypes\nctypes.string_at(0)")
    assert ended.cause is Cause.KILLED
    assert "SIGSEGV" in ended.sentence
    assert "Segmentation fault" in ended.stderr
    assert_others_live(level)


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGABRT"])
def test_a_signal_to_itself_is_reported_by_name(box, name):
    ended = ending(box, f"import os, signal; os.kill(os.getpid(), signal.{name})")
    assert (ended.cause, ended.sentence) == (
        Cause.KILLED,
        f"The process was killed by {name}.",
    )


def test_what_it_said_last_comes_with_the_end(box):
    ended = ending(box, "import os; os.write(2, b'the last words'); os._exit(0)")
    assert ended.stderr == "the last words"


def test_an_endless_loop_is_interrupted_and_the_box_lives_on(level):
    with pool(level, HASTY).open() as box:
        with pytest.raises(CallInterrupted):
            run(box, "while True: pass")
        box.limits = SMALL
        assert run(box, "result = 2") == 2


def test_a_box_that_waits_for_a_processor_is_not_taken_for_deaf(level, monkeypatch):
    limits = replace(SMALL, call=1.0, grace=0.5)
    slow = "import time\ntry:\n    while True: time.sleep(1)\nfinally:\n    time.sleep(1)"
    with pool(level, limits).open() as box:
        monkeypatch.setattr(box._process, "kept_waiting", time.monotonic)
        with pytest.raises(CallInterrupted):
            run(box, slow)
        monkeypatch.setattr(box._process, "kept_waiting", lambda: 0.0)
        assert ending(box, slow).cause is Cause.TIME


def test_what_a_process_waits_for_a_processor_is_known():
    processor = {min(os.sched_getaffinity(0))}
    with contextlib.ExitStack() as stack:
        spinners = [
            stack.enter_context(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            for _ in range(2)
        ]
        for spinner in spinners:
            stack.callback(spinner.kill)
            os.sched_setaffinity(spinner.pid, processor)
        handles = [os.pidfd_open(spinners[0].pid) for _ in range(2)]
        process = Process(*handles, socket.socketpair()[0])
        stack.callback(process.close)
        until = time.monotonic() + 300.0
        while process.kept_waiting() < 0.1:
            assert time.monotonic() < until


def test_an_interrupt_hits_nothing_but_the_call_it_was_meant_for(level):
    limits = replace(SMALL, call=0.1, grace=5.0)
    for seconds in (0.096, 0.098, 0.1, 0.102):  # the answer and the interrupt cross
        with pool(level, limits).open() as box:
            with contextlib.suppress(CallInterrupted):
                run(box, f"import time; time.sleep({seconds})")
            box.limits = SMALL
            assert [run(box, f"result = {n}") for n in range(20)] == list(range(20))


@pytest.mark.parametrize(
    "stubborn",
    [
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass",
        "def on():\n    while 1: sum(())\nwhile 1:\n    try: on()\n    except BaseException: pass",
        "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
        "import signal; signal.signal(signal.SIGINT, signal.SIG_DFL)\nwhile True: pass",
        "import time\nwhile True:\n    try:\n        time.sleep(1)\n    except BaseException: pass",
    ],
)
def test_a_loop_that_ignores_interrupts_is_killed(level, stubborn):
    with pool(level, HASTY).open() as box:
        assert ending(box, stubborn).cause is Cause.TIME
    assert_others_live(level)


def test_all_calls_together_have_a_limit(level):
    limits = replace(SMALL, submission=3.0)
    with pool(level, limits).open() as box:
        run(box, "import time; time.sleep(0.3)")
        with pytest.raises((CallInterrupted, BoxEnded)):
            run(box, "import time; time.sleep(30)")
        with pytest.raises(BoxEnded) as death:
            run(box, "result = 1")
    assert death.value.ended.cause is Cause.TIME
    assert "in all" in death.value.ended.sentence


def test_too_much_memory_in_one_process_is_an_error_it_can_handle(box):
    source = """
        try:
            big = bytearray(600 << 20)
            result = "had it"
        except MemoryError:
            result = "refused"
    """
    assert run(box, source) == "refused"


LITTLE = replace(SMALL, memory=256 * MIB)
_HOLD = """
    import os, time, select, mmap
    held = []
    for number in range(count):
        got, tell = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                {take}
                os.write(tell, b"1")
                time.sleep(60)
            finally:
                os._exit(0)
        os.close(tell)
        held.append((pid, got))
    told = [os.read(got, 1) for pid, got in held]  # b"" from one that was killed
    gone, until = [], time.monotonic() + 50
    while not any(gone) and time.monotonic() < until:
        time.sleep(0.05)
        gone = [os.waitpid(pid, os.WNOHANG)[0] for pid, got in held]
    result = told.count(b"1") == count and not any(gone)
"""


@pytest.mark.parametrize(
    "take",
    [
        "kept = b'x' * (60 << 20)",
        # shared pages that no process maps any more, but the kernel keeps
        "m = mmap.mmap(-1, 60 << 20); m.write(b'x' * (60 << 20)); m.madvise(mmap.MADV_DONTNEED)",
    ],
    ids=["private", "shared"],
)
def test_memory_is_bounded_over_all_processes_together(walled, take):
    with pool(walled, LITTLE).open() as box:
        held = unless_ended(box, _HOLD.format(take=take), count=8)
        assert held in (False, Cause.MEMORY)
    assert_others_live(walled)


def test_memory_held_by_the_kernel_for_sockets_is_bounded(walled):
    source = """
        import os, socket
        kept = []
        for child in range(30):
            if os.fork() == 0:
                break
        try:
            while True:
                kept.append(socket.socketpair())
                kept[-1][0].setblocking(False)
                try:
                    while True: kept[-1][0].send(b"x" * 65536)
                except BlockingIOError: pass
        except OSError:
            pass
        import time; time.sleep(60)
    """
    with pool(walled, LITTLE).open() as box:
        assert ending(box, source).cause is Cause.MEMORY


def test_files_are_bounded_over_all_folders_together(level, box):
    source = """
        import errno, os
        written = 0
        try:
            for folder in folders:
                for number in range(100):
                    with open(f"{folder}/{number}", "wb", buffering=0) as file:
                        for _ in range(4):
                            written += file.write(b"x" * (1 << 20))
        except OSError as error:
            result = [written, errno.errorcode[error.errno]]
    """
    folders = ["/work", "/tmp", "/dev/shm"] if level in WALLED else ["."]
    if level == "landlock":  # one file is bounded by a limit, all of them by the watchdog
        assert ending(box, source, folders=folders).cause is Cause.FILES
        return
    written, error = run(box, source, folders=folders)
    assert error == "ENOSPC"
    assert written <= SMALL.files


def test_files_count_after_they_are_deleted(level):
    if level != "landlock":
        pytest.skip("here the box's files are a file system of their own")
    source = """
        import mmap, os, time
        kept = []
        for number in range(5):
            with open("big", "wb+") as file:
                file.truncate(12 << 20)
                file.write(b"x" * (12 << 20))
                file.flush()
                kept.append(mmap.mmap(file.fileno(), 4096))
            os.remove("big")
        time.sleep(50)
    """
    with pool(level).open() as box:
        assert ending(box, source).cause is Cause.FILES


def test_a_single_file_is_bounded(box):
    source = """
        import errno
        try:
            with open("big", "wb", buffering=0) as file:
                for _ in range(64):
                    file.write(b"x" * (1 << 20))
        except OSError as error:
            result = errno.errorcode[error.errno]
    """
    assert run(box, source) in {"EFBIG", "ENOSPC"}


def test_more_processes_than_allowed_are_refused(walled):
    source = """
        import os, time
        made = 0
        try:
            while True:
                if os.fork() == 0:
                    time.sleep(60)
                    os._exit(0)
                made += 1
        except BlockingIOError:
            result = made
    """
    with pool(walled).open() as box:
        made = unless_ended(box, source)
        assert made is Cause.PROCESSES or 1 <= made < SMALL.processes


def test_threads_count_as_processes(box):
    source = """
        import threading, time
        made = 0
        try:
            while made < 1000:
                threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
                made += 1
        except RuntimeError:
            pass
        result = made
    """
    made = unless_ended(box, source)
    assert made is Cause.PROCESSES or made < 1000


def test_a_fork_bomb_ends_its_own_box_only(walled):
    source = """
        import os
        while True:
            try: os.fork()
            except OSError: pass
    """
    with pool(walled).open() as neighbour, pool(walled).open() as box:
        bomb = threading.Thread(target=explode, args=(box, source))
        bomb.start()
        answers = [run(neighbour, "result = 1")]
        while bomb.is_alive():
            answers.append(run(neighbour, "result = 1"))
        assert set(answers) == {1}
        assert box.ended.cause is Cause.PROCESSES


def explode(box, source):
    """Run it until the box ends: where the machine is busy, a bomb takes longer than one call."""
    while box.ended is None:
        with contextlib.suppress(CallInterrupted, BoxEnded):
            run(box, source)


def test_killing_everything_in_sight_harms_no_neighbour(level):
    source = """
        import os, signal
        try: os.kill(-1, signal.SIGKILL)
        except OSError: pass
        for pid in range(1, 400):
            if pid != os.getpid():
                try: os.kill(pid, signal.SIGKILL)
                except OSError: pass
        result = "done"
    """
    with pool(level).open() as neighbour, pool(level).open() as box:
        assert run(box, source) == "done"
        assert run(neighbour, "result = 1") == 1


def test_a_flood_written_to_the_descriptors_is_dropped(box):
    source = """
        import os
        for _ in range(200):
            os.write(1, b"x" * 65536)
            os.write(2, b"y" * 65536)
        result = "done"
    """
    assert run(box, source) == "done"


def test_a_background_flood_does_not_hold_up_the_next_call(walled):
    source = """
        import os
        if os.fork() == 0:
            while True: os.write(1, b"x" * 65536)
        result = "forked"
    """
    with pool(walled).open() as box:
        assert run(box, source) == "forked"
        for number in range(5):
            assert run(box, f"result = {number}") == number


def test_a_child_that_falls_through_does_not_answer_too(walled):
    with pool(walled).open() as box:
        source = "import os\npid = os.fork()\nresult = 'child' if pid == 0 else 'parent'"
        for _ in range(3):
            assert run(box, source) == "parent"


def test_what_the_handler_raises_comes_back_as_text(box):
    with pytest.raises(CallFailed, match="ZeroDivisionError: division by zero"):
        run(box, "1 / 0")
    with pytest.raises(CallFailed, match="SystemExit: 3"):
        run(box, "raise SystemExit(3)")
    assert run(box, "result = 1") == 1


def test_files_given_to_a_box_lie_in_its_folder(level):
    files = {"data.csv": b"1,2\n", "deep/er/x.bin": bytes(range(256))}
    with pool(level).open(files) as box:
        seen = run(box, "result = [open('data.csv').read(), open('deep/er/x.bin', 'rb').read()[9]]")
    assert seen == ["1,2\n", 9]


@pytest.mark.parametrize("name", ["/etc/passwd", "../out", "a/../../b", "", "a//b", "./x"])
def test_files_cannot_be_put_elsewhere(name):
    with pytest.raises(ValueError, match="no path below"):
        pool(LEVELS[0]).open({name: b""})


def test_boxes_of_several_threads_do_not_mix(level):
    answers = {}

    def work(number):
        with pool(level).open({"mine": b"%d" % number}) as box:
            answers[number] = [
                run(box, f"result = {number} + {again}, int(open('mine').read())")
                for again in range(3)
            ]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {n: [[n + again, n] for again in range(3)] for n in range(6)}


def test_when_the_zygote_dies_its_boxes_are_lost_and_the_next_gets_another(level):
    with Boxes(SMALL, level, handler="run_code", visible=VISIBLE, bare=True) as boxes:
        box = boxes.open()
        assert run(box, "result = 1") == 1
        os.kill(parent_of(box.pid), signal.SIGKILL)
        with pytest.raises(BoxEnded) as death:
            run(box, "import time; time.sleep(50)")
        assert death.value.ended.cause is Cause.LOST
        with boxes.open() as other:
            assert run(other, "result = 2") == 2


def test_closing_ends_what_another_thread_waits_for(level):
    with Boxes(SMALL, level, handler="run_code", visible=VISIBLE, bare=True) as boxes:
        box, deaths = boxes.open(), []
        run(box, "result = 1")

        def wait():
            with pytest.raises(BoxEnded) as death:
                run(box, "import time; time.sleep(60)")
            deaths.append(death.value.ended.cause)

        waiting = threading.Thread(target=wait)
        waiting.start()
    waiting.join()
    assert deaths == [Cause.CLOSED]
    with pytest.raises(BoxRefused, match="closed"):
        boxes.open()


_LEAVES = """
import os, sys, pytest
from grader.box.both.ended import BoxEnded, Cause
from grader.box.outside.boxes import Boxes
from grader.box.outside.process import Process
from tests.box.common import SMALL, VISIBLE, parent_of, run

def descriptors():
    return sorted(map(int, os.listdir("/proc/self/fd")))

before = descriptors()
with Boxes(SMALL, sys.argv[1], handler="run_code", visible=VISIBLE, bare=True) as boxes:
    for _ in range(3):
        with boxes.open() as box:
            run(box, "result = 1")
        with boxes.open() as box, pytest.raises(BoxEnded):
            run(box, "import os; os._exit(1)")
    last = boxes.open()
    zygote = parent_of(last.pid)
assert last.ended.cause is Cause.CLOSED
assert descriptors() == before
assert not os.path.exists(f"/proc/{zygote}")
with pytest.raises(ChildProcessError):  # none, not even one that is dead and unburied
    os.waitpid(-1, os.WNOHANG)
"""


def test_closing_leaves_no_process_and_no_descriptor(level):
    done = subprocess.run(
        [sys.executable, "-c", _LEAVES, level],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_memory_limit_of_the_defaults_is_two_gibibytes():
    from grader.box.both.limits import Limits

    assert Limits().memory == 2048 * MIB
    assert (Limits().call, Limits().cell, Limits().submission) == (10.0, 60.0, 300.0)
    assert (Limits().processes, Limits().files, Limits().output) == (64, 64 * MIB, MIB)


def test_time_spent_waiting_for_the_judge_is_nobodys(level):
    limits = replace(SMALL, submission=3.0)
    with pool(level, limits).open() as box:
        run(box, "result = 1")
        end = time.monotonic() + 3.1
        while time.monotonic() < end:
            with pool(level).open() as other:
                run(other, "result = 1")
        assert run(box, "result = 1") == 1
