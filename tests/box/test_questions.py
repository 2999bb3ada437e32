"""Several questions go to a box in one message, and each gets its own reply, clock and end."""

import os
import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.box.both.channel import DeadlinePassed, ProtocolViolated, encode, read_message
from grader.box.both.ended import BoxEnded, CallFailed, CallInterrupted, Cause
from grader.box.outside.box import Box, Pipes
from grader.box.outside.watchdog import Guard
from tests.box.common import LEVELS, SMALL, WALLED, Peer, need_bubblewrap, patiently, pool

FIVE = [({}, b"")] * 5


@pytest.fixture(params=LEVELS)
def level(request):
    if request.param in WALLED:
        need_bubblewrap()
    return request.param


def sources(*texts):
    """Questions that run these in a box under test."""
    return [({"source": text}, b"") for text in texts]


def taken(replies):
    """What was replied until the box ended, and how it ended."""
    found, ended = [], None
    try:
        for reply in replies:
            found += [type(reply) if isinstance(reply, Exception) else reply[0]["result"]]
    except BoxEnded as death:
        ended = death.ended
    return found, ended


# On the wire, with nobody at the other end.


@given(st.lists(st.integers(0, 5), max_size=8))
def test_replies_count_as_long_as_they_come_in_the_order_of_the_questions(order):
    """Five questions, and replies to any of them, or to none (5), in any order and number."""
    right = next((at for at, one in enumerate(order) if one != at), len(order))
    with Peer() as peer:
        peer.line.send(FIVE, patiently())
        nonces = [*peer.read_nonces(), "0" * 32]
        frames = [encode({"nonce": nonces[one], "at": at}) for at, one in enumerate(order)]
        os.write(peer.answers, b"".join(frames))
        os.write(peer.going, b"gone")
        surplus = right >= 5 and len(order) > 5
        for at in range(min(right, 4 if surplus else 5)):
            assert peer.line.receive(patiently(), 100) == ({"at": at}, b"")
        if surplus or right < len(order):
            why = "more than once" if surplus else "to another request"
            with pytest.raises(ProtocolViolated, match=why):
                peer.line.receive(patiently(), 100)


def test_every_question_has_a_nonce_of_its_own():
    with Peer() as peer:
        peer.line.send(FIVE, patiently())
        assert len(set(peer.read_nonces())) == 5


def test_half_a_reply_too_many_is_refused_with_the_last():
    with Peer() as peer:
        peer.line.send(FIVE[:2], patiently())
        first, second = (encode({"nonce": nonce}) for nonce in peer.read_nonces())
        os.write(peer.answers, first + second + second[:3])
        assert peer.line.receive(patiently(), 100) == ({}, b"")
        with pytest.raises(ProtocolViolated, match="more than once"):
            peer.line.receive(patiently(), 100)


def test_a_message_is_refused_where_something_was_sent_before_it():
    with Peer() as peer:
        os.write(peer.answers, b"x")
        with pytest.raises(ProtocolViolated, match="before it was asked"):
            peer.line.send(FIVE, patiently())


# A box with a script at the other end, which needs no luck with the time.


class Scripted(Peer):
    """A box whose replies to each message are written: whether each says it was interrupted.

    The first message takes too long: it replies when it is interrupted, and all at once.
    """

    def __init__(self, *scripts):
        super().__init__()
        self.scripts, self.messages = scripts, []
        handles = [os.dup(fd) for fd in (self.requests, self.replies, self.spill.fd)]
        self.pipes = Pipes(*handles, os.open(os.devnull, os.O_RDONLY))
        self.worker, self.pid = self.gone, 0
        guard = Guard(self, SMALL, None, None)
        self.box = Box(self, self.pipes, SMALL, guard, lambda box: None)
        self.receive, self.box._channel.receive = self.box._channel.receive, self.is_late
        self.later = threading.Thread(target=self.serve, daemon=True)

    def __exit__(self, *failure):
        self.later.join(300)
        self.pipes.close()
        super().__exit__(*failure)

    def is_late(self, deadline, max_body):
        self.box._channel.receive = self.receive
        raise DeadlinePassed

    def interrupt(self):
        self.box.limits = replace(SMALL, call=300.0)
        self.reply(self.scripts[0])
        self.later.start()

    def serve(self):
        for script in self.scripts[1:]:
            self.reply(script)

    def reply(self, script):
        message = read_message(self.asked)
        self.messages.append([header["request"]["number"] for header, _ in message])
        replies = [
            {"nonce": header["nonce"], "result": header["request"]["number"], "interrupted": flag}
            for (header, _), flag in zip(message, script, strict=True)
        ]
        os.write(self.answers, b"".join(map(encode, replies)))

    def ask(self, count):
        return taken(self.box.calls([({"number": number}, b"") for number in range(count)]))

    def kept_waiting(self):
        return 0.0


@pytest.mark.parametrize("hit", [1, 2, 3])
def test_what_an_interrupt_hits_that_was_meant_for_another_is_asked_again(hit):
    """The reply had left when its time was up, so the interrupt fell on a question after it."""
    with Scripted([number == hit for number in range(4)], [False] * (4 - hit)) as peer:
        assert peer.ask(4) == ([CallInterrupted, 1, 2, 3], None)
        assert peer.messages == [[0, 1, 2, 3], [*range(hit, 4)]]


def test_what_is_interrupted_again_with_nobody_interrupting_it_is_late():
    with Scripted([False, True, False], [True, False]) as peer:
        assert peer.ask(3) == ([CallInterrupted, CallInterrupted, 2], None)


def test_an_interrupt_that_falls_between_two_questions_hits_none():
    with Scripted([False, False, False]) as peer:
        assert peer.ask(3) == ([CallInterrupted, 1, 2], None)
        assert peer.messages == [[0, 1, 2]]


def test_an_interrupt_that_hit_what_it_was_meant_for_excuses_no_other():
    with Scripted([True, True, False]) as peer:
        assert peer.ask(3) == ([CallInterrupted, CallInterrupted, 2], None)
        assert peer.messages == [[0, 1, 2]]


# Real boxes.

SOME_TIME = replace(SMALL, call=2.5)  # enough for what answers at once


def test_each_question_is_answered_in_its_turn_and_a_failure_is_its_own(level):
    with pool(level).open() as box:
        questions = [({"source": "result = body.decode()"}, b"%d" % n) for n in range(20)]
        questions[7] = ({"source": "1 / 0"}, b"")
        wanted = [CallFailed if n == 7 else str(n) for n in range(20)]
        assert taken(box.calls(questions)) == (wanted, None)
        assert taken(box.calls([])) == ([], None)
        assert taken(box.calls(questions)) == (wanted, None)


def test_what_a_box_answered_before_it_ended_stands(level):
    with pool(level).open() as box:
        dies = sources("result = 1", "result = 2", "result = 3", "import os; os._exit(3)", "")
        replies, ended = taken(box.calls(dies))
    assert (replies, ended.cause) == ([1, 2, 3], Cause.EXITED)
    assert box.ended == ended


def test_a_question_that_hangs_is_late_alone(level):
    with pool(level, SOME_TIME).open() as box:
        hangs = sources("result = 1", "while True: pass", "result = 3", "result = 4", "result = 5")
        assert taken(box.calls(hangs)) == ([1, CallInterrupted, 3, 4, 5], None)


def test_a_question_that_ignores_its_interrupt_ends_the_box_after_what_was_answered(level):
    deaf = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
    with pool(level, SOME_TIME).open() as box:
        replies, ended = taken(box.calls(sources("result = 1", deaf, "result = 3")))
    assert (replies, ended.cause) == ([1], Cause.TIME)


def test_every_question_has_the_time_of_a_call(level):
    with pool(level, SOME_TIME).open() as box:
        slow = "import time; time.sleep(0.7); result = 1"
        assert taken(box.calls(sources(*[slow] * 4))) == ([1, 1, 1, 1], None)


def test_all_questions_together_have_the_time_of_a_submission(level):
    with pool(level, replace(SMALL, submission=3.0)).open() as box:
        slow = "import time; time.sleep(0.8); result = 1"
        replies, ended = taken(box.calls(sources(*[slow] * 9)))
    assert 1 <= replies.count(1) <= 3
    assert ended is None or "in all" in ended.sentence
    assert box._spent >= 3.0


@pytest.mark.parametrize("size", [10_000, 3_000_000])
def test_neither_questions_nor_replies_need_fit_into_a_pipe(level, size):
    with pool(level).open() as box:
        questions = [
            ({"source": f"result = chr(65 + {n}) * min(len(body), 200_000)"}, b"x" * size)
            for n in range(12)
        ]
        wanted = [chr(65 + n) * min(size, 200_000) for n in range(12)]
        assert taken(box.calls(questions)) == (wanted, None)


def test_a_child_of_any_question_that_falls_through_answers_none():
    need_bubblewrap()
    with pool(WALLED[0]).open() as box:
        forks = "import os\npid = os.fork()\nresult = 'child' if pid == 0 else 'parent'"
        assert taken(box.calls(sources(*[forks] * 5))) == (["parent"] * 5, None)


FORGERIES = {
    "ahead of its turn": "send(frames[0].f_locals['message'][2][0])",
    "twice": "send(header); send(header)",
    "to nobody": "send({'nonce': '0' * 32})",
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_reply_out_of_turn_ends_the_box_and_what_came_before_stands(level, forgery):
    forged = (
        "import json, os, struct, sys\n"
        "def send(header):\n"
        "    text = json.dumps({'result': 'forged', 'nonce': header['nonce']}).encode()\n"
        "    os.write(4, struct.pack('>II', len(text), 0) + text)\n"
        "frames = [sys._getframe()]\n"
        "while 'message' not in frames[0].f_locals: frames.insert(0, frames[0].f_back)\n"
        "header = frames[0].f_locals['header']\n" + FORGERIES[forgery]
    )
    with pool(level).open() as box:
        replies, ended = taken(box.calls(sources("result = 1", forged, "result = 3")))
    assert replies == ([1, "forged"] if forgery == "twice" else [1])
    assert (ended.cause, ended.sentence) == (Cause.PROTOCOL, "Its reply is to another request.")
