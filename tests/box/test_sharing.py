"""Processes that judge share one zygote: each has its own boxes, which end with it."""

import multiprocessing
import os
import select
import signal
import socket
import subprocess
import sys
import types
from dataclasses import replace

import pytest

from grader.box.both.limits import Limits
from grader.box.both.settings import Level
from grader.box.inside.zygote import Zygote
from grader.box.outside import sharing
from grader.box.outside.boxes import Boxes
from grader.box.outside.host import Host, Lent, Plan
from tests.box.common import LEVELS, SMALL, VISIBLE, run
from tests.conftest import environment

SHARED = [level for level in LEVELS if level != "cold"]
FOLDERS = tuple(map(str, VISIBLE))


def bare(level):
    return Plan(Level(level), SMALL, "run_code", FOLDERS, bare=True)


def borrowing(lent):
    """A pool of this process whose boxes are forked from what was lent."""
    sharing.borrow(lent)
    return Boxes(SMALL, lent.plan.level.value, handler="run_code", visible=FOLDERS, bare=True)


@pytest.fixture(params=SHARED)
def host(request):
    host = Host(bare(request.param))
    yield host
    host.close()


def test_two_who_share_a_zygote_see_nothing_of_each_others_boxes(host):
    look = "import os; result = [os.getpid(), sorted(os.listdir('/proc/self/fd'))]"
    with (
        borrowing(host.lend()) as ada,
        ada.open() as one,
        borrowing(host.lend()) as grace,
        grace.open() as other,
    ):
        assert isinstance(ada._maker._host, Lent)
        assert isinstance(grace._maker._host, Lent)
        for box, number in ((one, "1"), (other, "2")):
            box.put({"mine": number.encode()})
        for box, own, theirs in ((one, "1", other), (other, "2", one)):
            assert run(box, "result = open('mine').read()") == own
            assert len(run(box, look)[1]) <= 6  # five, and the listing's own
            reach = f"import os; result = os.path.exists('/proc/{theirs.pid}/mem')"
            if host.plan.level is Level.FULL:
                assert run(box, reach) is False


def hold(lent, told):
    """What another process does: have a box run without end."""
    boxes = borrowing(lent)
    box = boxes.open()
    told.send(box.pid)
    run(box, "while True: pass")


def test_the_boxes_of_a_process_that_is_killed_end_with_it_and_nobody_elses(host):
    context = multiprocessing.get_context("spawn")
    heard, told = context.Pipe(duplex=False)
    with borrowing(host.lend()) as boxes, boxes.open() as mine:
        worker = context.Process(target=hold, args=(host.lend(), told))
        worker.start()
        assert heard.poll(60)
        gone = os.pidfd_open(heard.recv())
        worker.kill()
        worker.join()
        assert select.select([gone], [], [], 20)[0]
        os.close(gone)
        assert run(mine, "result = 1 + 1") == 2


def test_whoever_loses_a_zygote_that_was_lent_starts_their_own(host):
    with borrowing(host.lend()) as boxes:
        with boxes.open() as box:
            assert run(box, "result = 1 + 1") == 2
        host.close()
        with boxes.open() as box:
            assert run(box, "result = 1 + 1") == 2
        assert isinstance(boxes._maker._host, Host)


BEGUN = """
from dataclasses import replace
from grader.box.both.limits import Limits
from grader.box.both.settings import Level
from grader.box.inside.zygote import Zygote
from grader.box.outside import sharing
from grader.box.outside.host import Plan
sharing.begin()
begun = sharing._begun
wanted = Plan(Level.{level}, replace(Limits(), call=3.0))
host = sharing.own_zygote(wanted)
assert (host is begun) is {same}, host
assert host.plan == wanted
assert (begun.process.poll() is None) is {same}
host.close()
other = sharing.own_zygote(wanted)
assert other is not begun
other.close()
"""


@pytest.mark.parametrize(("level", "same"), [("FULL", True), ("NONE", False)])
def test_a_zygote_that_was_begun_serves_whatever_limits_and_is_ended_where_it_does_not(level, same):
    program = BEGUN.format(level=level, same=same)
    subprocess.run([sys.executable, "-c", program], env=environment(), check=True, timeout=300)


def test_boxes_wait_for_what_pictures_need_only_once_cells_will_draw():
    modules = "import sys; ['torch._dynamo' in sys.modules, 'matplotlib.pyplot' in sys.modules]"
    shown = []

    def ask(boxes):
        with boxes.open() as box:
            shown.append(box.run_cell(modules).outputs[0].data["text/plain"])

    with Boxes(replace(Limits(), start=120.0), "full") as boxes:
        for _ in range(2):
            ask(boxes)
        for _ in range(2):  # the next one may be there already
            boxes.will_draw()
            ask(boxes)
    assert shown[:2] == ["[True, False]"] * 2
    assert shown[-1] == "[True, True]"


def test_whoever_lets_a_zygote_go_does_not_wait_for_what_later_boxes_need():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    judge, heard = os.pidfd_open(os.getpid()), signal.getsignal(signal.SIGCHLD)
    ahead = iter(["memory", "more of it"])
    settings = types.SimpleNamespace(folder=None)
    zygote = Zygote(theirs, judge, settings, shell=None, handler=None, ahead=ahead)
    zygote._has_work = True  # as after the first box
    with ours, theirs:
        ours.send(b"")
        zygote.serve()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, heard)
    for descriptor in (judge, zygote.own_pids, zygote.woken, zygote.waker):
        os.close(descriptor)
    assert list(ahead) == ["memory", "more of it"]
