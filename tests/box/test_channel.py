"""Whatever bytes a box sends, the judge gets an answer to its question or a reason: in time."""

import contextlib
import json
import os
import struct
import textwrap
import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.box.both.channel import (
    DeadlinePassed,
    PeerGone,
    ProtocolViolated,
    encode,
)
from grader.box.both.ended import BoxEnded, Cause
from tests.box.common import (
    LEVELS,
    SMALL,
    WALLED,
    Peer,
    need_bubblewrap,
    patiently,
    pool,
    run,
    soon,
)


@given(st.binary(min_size=1, max_size=300))
def test_arbitrary_bytes_are_refused_or_waited_for(data):
    with Peer() as peer:
        peer.line.send([({}, b"")], patiently())
        os.write(peer.answers, data)
        with pytest.raises((ProtocolViolated, DeadlinePassed)):
            peer.line.receive(soon(0.02), 1000)


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(_JSON, st.binary(max_size=50))
def test_well_formed_frames_without_the_nonce_are_refused(header, body):
    text = json.dumps(header).encode()
    with Peer() as peer:
        peer.line.send([({}, b"")], patiently())
        os.write(peer.answers, struct.pack(">II", len(text), len(body)) + text + body)
        with pytest.raises(ProtocolViolated):
            peer.line.receive(patiently(), 1000)


@given(st.binary(max_size=3000), st.dictionaries(st.text(), st.integers() | st.text(), max_size=4))
def test_the_right_answer_arrives_whole(body, header):
    with Peer() as peer:
        peer.line.send([({"op": "x"}, b"y")], patiently())
        os.write(peer.answers, encode({**header, "nonce": peer.read_nonces()[0]}, body))
        header.pop("nonce", None)
        assert peer.line.receive(patiently(), 3000) == (header, body)


@pytest.mark.parametrize(
    "text",
    [b"[" * 100_000, b'{"a":' * 30_000, b"1" * 10_000, b"\xff\xfe", b"{", b'{"nonce": NaN}'],
)
def test_hostile_json_is_refused(text):
    with Peer() as peer:
        peer.line.send([({}, b"")], patiently())
        frame = struct.pack(">II", len(text), 0) + text
        writer = threading.Thread(target=os.write, args=(peer.answers, frame))
        writer.start()
        with pytest.raises(ProtocolViolated):
            peer.line.receive(patiently(), 1000)
        writer.join()


def test_an_announcement_over_the_cap_is_refused_before_it_is_read():
    with Peer() as peer:
        peer.line.send([({}, b"")], patiently())
        os.write(peer.answers, struct.pack(">II", 10, 0xFFFFFFFF))
        with pytest.raises(ProtocolViolated, match="announced"):
            peer.line.receive(patiently(), 1000)


def test_an_answer_before_the_question_is_refused():
    with Peer() as peer:
        os.write(peer.answers, b"x")
        with pytest.raises(ProtocolViolated, match="before"):
            peer.line.send([({}, b"")], patiently())


def test_a_second_answer_is_refused():
    with Peer() as peer:
        peer.line.send([({}, b"")], patiently())
        frame = encode({"nonce": peer.read_nonces()[0]})
        os.write(peer.answers, frame + frame)
        with pytest.raises(ProtocolViolated, match="more than once"):
            peer.line.receive(patiently(), 1000)


def test_an_old_answer_is_no_answer_to_a_new_question():
    with Peer() as peer:
        peer.line.send([({}, b"")], patiently())
        frame = encode({"nonce": peer.read_nonces()[0]})
        os.write(peer.answers, frame)
        peer.line.receive(patiently(), 1000)
        peer.line.send([({}, b"")], patiently())
        os.write(peer.answers, frame)
        with pytest.raises(ProtocolViolated, match="another request"):
            peer.line.receive(patiently(), 1000)


def test_a_dripping_answer_meets_the_same_deadline():
    with Peer() as peer:
        peer.line.send([({}, b"")], patiently())
        frame = encode({"nonce": peer.read_nonces()[0]}, b"x" * 100_000)
        stop = threading.Event()

        def drip():
            for at in range(len(frame)):
                if stop.wait(0.02):
                    return
                os.write(peer.answers, frame[at : at + 1])

        dripping = threading.Thread(target=drip)
        dripping.start()
        with pytest.raises(DeadlinePassed):
            peer.line.receive(soon(0.2), 200_000)
        assert dripping.is_alive()  # for half an hour more
        stop.set()
        dripping.join()


def test_a_box_that_never_reads_does_not_hold_the_judge():
    with Peer() as peer, pytest.raises(DeadlinePassed):
        peer.line.send([({}, b"x" * 10_000_000)], soon())


def test_output_without_end_does_not_hold_the_judge():
    with Peer() as peer:
        peer.line.send([({}, b"")], patiently())
        stop = threading.Event()

        def flood():
            while not stop.is_set():
                os.write(peer.out, b"x" * 65536)

        flooding = threading.Thread(target=flood, daemon=True)
        flooding.start()
        with pytest.raises(DeadlinePassed):
            peer.line.receive(soon(), 1000)
        stop.set()
        while flooding.is_alive():
            peer.spill.drain(0)
        assert len(peer.spill.kept) <= 32 * 65536


def test_a_closed_line_is_told_apart_from_a_slow_one():
    with Peer() as peer:
        peer.line.send([({}, b"")], patiently())
        os.write(peer.going, b"gone")
        with pytest.raises(PeerGone):
            peer.line.receive(patiently(), 1000)


# The same from inside a box, where the submission holds the descriptor itself.


@pytest.fixture(params=LEVELS)
def box(request):
    if request.param in WALLED:
        need_bubblewrap()
    with pool(request.param).open() as box:
        yield box


FORGERIES = {
    "noise": "os.write(4, os.urandom(100))",
    "forged": "os.write(4, frame({'result': 'forged', 'nonce': '0' * 32}))",
    "huge": "os.write(4, struct.pack('>II', 2**32 - 1, 2**32 - 1))",
    "nested": "os.write(4, struct.pack('>II', 60000, 0) + b'[' * 60000)",
    "twice": "os.write(4, frame({'result': 1, 'nonce': nonce()}) * 2)",
    "early": "os.write(4, frame({'result': 1, 'nonce': nonce()}))",
    "no dict": "os.write(4, struct.pack('>II', 2, 0) + b'[]')",
    "half, then gone": "os.write(4, frame({'result': 1, 'nonce': nonce()})[:-3]); os._exit(0)",
}
_TOOLS = """
    import gc, json, os, struct
    def frame(header, body=b""):
        text = json.dumps(header).encode()
        return struct.pack(">II", len(text), len(body)) + text + body
    def nonce():
        found = [o["nonce"] for o in gc.get_objects() if type(o) is dict and "nonce" in o]
        import sys
        at = sys._getframe()
        while at:
            if "header" in at.f_locals and "nonce" in (at.f_locals["header"] or {}):
                return at.f_locals["header"]["nonce"]
            at = at.f_back
        return found[0]
"""


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forger_loses_its_box_and_nothing_else_happens(box, forgery):
    source = textwrap.dedent(_TOOLS) + FORGERIES[forgery]
    with contextlib.suppress(BoxEnded):
        run(box, source)
    with pytest.raises(BoxEnded) as death:  # an answer too many may be noticed only here
        run(box, source)
    gone = forgery == "half, then gone"
    assert death.value.ended.cause is (Cause.EXITED if gone else Cause.PROTOCOL)


def test_a_box_that_answers_byte_by_byte_runs_out_of_time():
    limits = replace(SMALL, call=0.5)
    source = """
        import os, struct, time, signal
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.write(4, struct.pack(">II", 1000, 0))
        while True:
            os.write(4, b" ")
            time.sleep(0.05)
    """
    with pool(LEVELS[0], limits).open() as box, pytest.raises(BoxEnded) as death:
        run(box, source)
    assert death.value.ended.cause in {Cause.TIME, Cause.PROTOCOL}
