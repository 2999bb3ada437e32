"""Frames between the judge and one box: a JSON header with a binary body, over two pipes.

A message of the judge's is one frame that holds one question or several; the box replies to each
by a frame of its own, in their order. The box's side blocks. The judge's side trusts nothing it
reads: lengths are capped, every reply has one deadline for all of it, and must repeat the nonce of
its question. Pipes, not a socket: a socket of the judge's would carry the judge's network namespace
into the box.
"""

from __future__ import annotations

import json
import os
import secrets
import select
import struct
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Header = dict[str, Any]
Question = tuple[Mapping[str, Any], bytes]
"""A header and a body, of which the box makes another header and body."""

MAX_HEADER = 256 * 1024
_LENGTHS = struct.Struct(">II")
_CHUNK = 1024 * 1024
_PIPE = 64 * 1024


class ProtocolViolated(Exception):
    """The box sent what no honest box sends; the text says what."""


class DeadlinePassed(Exception):
    """The reply was not complete in time."""


class PeerGone(Exception):
    """The other end closed."""


def encode(header: Mapping[str, Any], body: bytes = b"") -> bytes:
    """One frame: the lengths of header and body, the header as JSON, the body."""
    text = json.dumps(header, allow_nan=False).encode()
    return _LENGTHS.pack(len(text), len(body)) + text + body


def read_message(fd: int) -> list[tuple[Header, bytes]]:
    """Inside the box: block for the next questions. Raises PeerGone when the judge is."""
    sizes = _LENGTHS.unpack(_read_exactly(fd, _LENGTHS.size))
    headers, bodies = (memoryview(_read_exactly(fd, size)) for size in sizes)
    questions, at = [], 0
    for header in json.loads(bytes(headers))["questions"]:
        questions.append((header, bytes(bodies[at : at + header["size"]])))
        at += header["size"]
    return questions


def write_frame(fd: int, header: Mapping[str, Any], body: bytes = b"") -> None:
    """Inside the box: send a reply."""
    rest = memoryview(encode(header, body))
    while rest:
        rest = rest[os.write(fd, rest) :]


def _read_exactly(fd: int, size: int) -> bytearray:
    data = bytearray()
    while len(data) < size:
        part = os.read(fd, min(size - len(data), _CHUNK))
        if not part:
            raise PeerGone
        data += part
    return data


class Spill:
    """What a box wrote to its descriptor 1 or 2: the first bytes, and how many were dropped."""

    def __init__(self, fd: int) -> None:
        self.fd, self.kept, self.dropped = fd, bytearray(), 0

    def drain(self, room: int) -> int:
        """Take what is there now, at most two pipes full; how many bytes were kept."""
        kept = 0
        for _ in range(32):
            try:
                part = os.read(self.fd, 65536)
            except BlockingIOError:
                break
            if not part:
                break
            keep = part[: max(0, room - kept)]
            self.kept += keep
            kept += len(keep)
            self.dropped += len(part) - len(keep)
        return kept

    def take(self) -> tuple[bytes, int]:
        """The bytes kept since the last time, and how many were dropped."""
        taken = bytes(self.kept), self.dropped
        self.kept, self.dropped = bytearray(), 0
        return taken


class Channel:
    """The judge's end of a box's pipes: `requests` to write to, `replies` to read from.

    `ended` becomes readable when the box's process is gone. Between and during exchanges
    `spilled` is called whenever there is output to drain.
    """

    def __init__(
        self,
        requests: int,
        replies: int,
        ended: int,
        spills: tuple[Spill, ...],
        spilled: Callable[[Spill], None],
    ) -> None:
        self.requests, self.replies, self.ended = requests, replies, ended
        self.spills, self.spilled = {spill.fd: spill for spill in spills}, spilled
        for fd in (requests, replies, *self.spills):
            os.set_blocking(fd, False)
        self._buffer = bytearray()
        self._nonces = deque[str]()
        self._poll = select.poll()  # epoll's watches are counted per user: a box may use them up
        # First of all `ended`: where that is not seen yet, no reply from before it is missed.
        for fd in (ended, replies, *self.spills):
            self._poll.register(fd, select.POLLIN)

    def send(self, questions: Sequence[Question], deadline: float) -> None:
        """Send one message. Raises ProtocolViolated if a reply to none is there already."""
        headers = [
            {**header, "size": len(body), "nonce": secrets.token_hex(16)}
            for header, body in questions
        ]
        self._nonces = deque(header["nonce"] for header in headers)
        message = encode({"questions": headers}, b"".join(body for _, body in questions))
        self._poll.register(self.requests, select.POLLOUT)
        try:
            self._write(memoryview(message), deadline)
        finally:
            self._poll.unregister(self.requests)

    def _write(self, rest: memoryview, deadline: float) -> None:
        while rest:
            ready = self._wait(deadline)
            if ready.get(self.replies, 0) & select.POLLIN:
                raise ProtocolViolated("It sent something before it was asked.")
            if self.requests not in ready:
                raise PeerGone
            try:
                rest = rest[os.write(self.requests, rest) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise PeerGone from None

    def receive(self, deadline: float, max_body: int) -> tuple[Header, bytes]:
        """The reply to the next question; may be called again after DeadlinePassed.

        Raises ProtocolViolated, DeadlinePassed, or PeerGone.
        """
        wanted = _LENGTHS.size
        sizes: tuple[int, int] | None = None
        while True:
            if sizes is None and len(self._buffer) >= _LENGTHS.size:
                sizes = _LENGTHS.unpack_from(self._buffer)
                if sizes[0] > MAX_HEADER or sizes[1] > max_body:
                    raise ProtocolViolated(f"It announced a reply of {sum(sizes):,} bytes.")
                wanted += sum(sizes)
            if sizes is not None and len(self._buffer) >= wanted:
                return self._open(sizes, wanted)
            if self.replies not in self._wait(deadline):
                raise PeerGone
            self._fill(wanted - len(self._buffer))

    def drain(self) -> None:
        """Take what output there is, without waiting."""
        self._look(0)

    def _fill(self, missing: int) -> None:
        """Read some of the replies, those that are there beyond the next one too."""
        try:
            part = os.read(self.replies, min(max(missing, _PIPE), _CHUNK))
        except BlockingIOError:
            return
        if not part:
            raise PeerGone
        self._buffer += part

    def _open(self, sizes: tuple[int, int], wanted: int) -> tuple[Header, bytes]:
        start = _LENGTHS.size
        try:
            header = json.loads(self._buffer[start : start + sizes[0]])
        except (ValueError, RecursionError):
            raise ProtocolViolated("Its reply is no JSON.") from None
        body = bytes(self._buffer[start + sizes[0] : wanted])
        del self._buffer[:wanted]
        if not isinstance(header, dict) or header.pop("nonce", None) != self._nonces.popleft():
            raise ProtocolViolated("Its reply is to another request.")
        if not self._nonces and (
            self._buffer or self._look(0).get(self.replies, 0) & select.POLLIN
        ):
            raise ProtocolViolated("It replied more than once.")
        return header, body

    def _wait(self, deadline: float) -> dict[int, int]:
        """What happened, by descriptor, apart from output. Raises DeadlinePassed."""
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise DeadlinePassed
            ready = self._look(left)
            if ready:
                return ready

    def _look(self, seconds: float) -> dict[int, int]:
        ready = {}
        for fd, events in self._poll.poll(seconds * 1000):
            if fd not in self.spills:
                ready[fd] = events
            elif events & select.POLLIN:
                self.spilled(self.spills[fd])
            else:
                del self.spills[fd]  # closed by every process of the box
                self._poll.unregister(fd)
        return ready
