"""One box, seen from the judge: its cells, its calls, its clock, and how it ended."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

from grader.box.both.channel import (
    Channel,
    DeadlinePassed,
    Header,
    PeerGone,
    ProtocolViolated,
    Question,
    Spill,
)
from grader.box.both.ended import (
    BoxEnded,
    BoxRefused,
    CallFailed,
    CallInterrupted,
    Cause,
    Ended,
)
from grader.box.both.limits import Limits
from grader.box.outside.ending import ending
from grader.box.outside.outputs import CellResult, MalformedOutputs, OutputBudget, stream
from grader.box.outside.process import Process
from grader.box.outside.reply import Reply
from grader.box.outside.watchdog import Guard


@dataclass(frozen=True)
class Pipes:
    """The judge's ends of a box's pipes."""

    requests: int
    replies: int
    out: int
    err: int

    def close(self) -> None:
        """Close them."""
        for fd in (self.requests, self.replies, self.out, self.err):
            os.close(fd)


class Box:
    """A process in which one submission's code runs.

    Use it from one thread at a time; `close` may come from any.
    """

    def __init__(
        self,
        process: Process,
        pipes: Pipes,
        limits: Limits,
        guard: Guard,
        closed: Callable[[Box], None],
    ) -> None:
        self.limits, self.guard = limits, guard
        self._process, self._pipes, self._closed = process, pipes, closed
        self._spills = Spill(pipes.out), Spill(pipes.err)
        self._spill_room = limits.output
        self._channel = Channel(
            pipes.requests, pipes.replies, process.worker, self._spills, self._drain
        )
        self._output_budget = OutputBudget(limits.output)
        self._spent = 0.0
        self.until = math.inf
        """When, by the monotonic clock, the time of all that this box is used for is up."""
        self._ended: Ended | None = None
        self._using = threading.RLock()  # held by whoever waits for a reply, or ends it

    @property
    def pid(self) -> int:
        """The process id of the worker, as the judge sees it."""
        return self._process.pid

    def __enter__(self) -> Box:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def put(self, files: Mapping[str, bytes]) -> None:
        """Write files below the box's working folder.

        Raises ValueError for a path that leads out of it, BoxRefused if the box could not wall
        itself in, BoxEnded.
        """
        for name in files:
            parts = name.split("/")
            if name.startswith("/") or not name or {"", ".", ".."} & set(parts):
                raise ValueError(f"{name!r} is no path below the box's folder")
        sizes = {name: len(data) for name, data in files.items()}
        question = {"op": "files", "sizes": sizes}, b"".join(files.values())
        reply = self._ask(question, self.limits.cell, 65536)
        if "refused" in reply.header:
            self.close()
            raise BoxRefused(f"a box cannot wall itself in: {reply.header['refused']}", "")
        if reply.failure is not None:
            raise reply.failure

    def run_cell(self, source: str) -> CellResult:
        """Run one cell as a notebook would. Raises BoxEnded if the box did not survive it."""
        start = time.monotonic()
        reply_cap = 8 * self.limits.output + 65536
        question = {"op": "cell"}, source.encode(errors="replace")
        reply = self._ask(question, self.limits.cell, min(reply_cap, self.limits.reply))
        header, seconds = reply.header, time.monotonic() - start
        count, dropped = header.get("execution_count"), header.get("dropped")
        count = count if isinstance(count, int) else 0
        dropped = min(dropped, 2**53) if isinstance(dropped, int) and dropped > 0 else 0
        outputs: list[Any] = []
        if reply.failure is None:
            try:
                outputs, more = self._output_budget.read(reply.body, count)
            except MalformedOutputs as error:
                raise self._end(Cause.PROTOCOL, f"Its outputs are {error}.") from None
            dropped += more
        for name, spill in zip(("stdout", "stderr"), self._spills, strict=True):
            data, lost = spill.take()
            dropped += lost
            if data:
                outputs.append(stream(name, data))
        kind = header.get("error")
        return CellResult(
            outputs=tuple(outputs),
            ok=header.get("ok") is True and not reply.late,
            error=kind[:200] if isinstance(kind, str) else None,
            execution_count=count,
            dropped=dropped,
            interrupted=reply.late,
            seconds=seconds,
        )

    def call(self, request: Mapping[str, Any], body: bytes = b"") -> tuple[Header, bytes]:
        """Ask the handler; its reply's header and body are whatever the box chose to say.

        Raises CallInterrupted, CallFailed, BoxEnded.
        """
        (reply,) = self.calls([(request, body)])
        if isinstance(reply, Exception):
            raise reply
        return reply

    def calls(
        self, questions: Sequence[Question]
    ) -> Iterator[tuple[Header, bytes] | CallInterrupted | CallFailed]:
        """Ask the handler several questions in one message; to each a reply, or why there is none.

        The time of a call begins for each when the reply before it was received. Take them all,
        else they are in the way of what the box is asked next. Raises BoxEnded.
        """
        rest = [({"op": "call", "request": dict(request)}, body) for request, body in questions]
        while rest:
            asked, rest = rest, []
            stray = False  # whether an interrupt was sent for a reply that was on its way already
            replies = self._exchange(asked, self.limits.call, self.limits.reply)
            for question, reply in zip(asked, replies, strict=True):
                if rest or (stray and reply.interrupted and not reply.overdue):
                    rest.append(question)  # it was hit in its own time, and is asked again
                    continue
                stray = stray or (reply.overdue and not reply.interrupted)
                yield self._called(reply)

    def _called(self, reply: Reply) -> tuple[Header, bytes] | CallInterrupted | CallFailed:
        for spill in self._spills:
            spill.take()
        if reply.late:
            return CallInterrupted(f"The call ran for more than {self.limits.call:g} s.")
        if reply.failure is not None:
            return reply.failure
        reply.header.pop("interrupted", None)
        return reply.header, reply.body

    @property
    def ended(self) -> Ended | None:
        """How the box ended, if it did."""
        return self._ended

    def close(self) -> None:
        """End the box and everything it started."""
        self.guard.stop(Cause.CLOSED)  # so that nobody has to be waited for
        with self._using:
            if self._ended is None:
                self._end(Cause.CLOSED)

    def _ask(self, question: Question, seconds: float, max_reply: int) -> Reply:
        (reply,) = self._exchange([question], seconds, max_reply)
        return reply

    def _exchange(
        self, questions: Sequence[Question], seconds: float, max_reply: int
    ) -> Iterator[Reply]:
        """Send the questions, and receive a reply to each; each has so many seconds."""
        for at in range(len(questions)):
            with self._using:
                reply = self._reply([] if at else questions, seconds, max_reply)
            yield reply

    def _reply(self, unsent: Sequence[Question], seconds: float, max_reply: int) -> Reply:
        """The next reply, once what is `unsent` was sent."""
        if self._ended is not None:
            raise BoxEnded(self._ended)
        start = time.monotonic()
        seconds = min(seconds, self.limits.submission - self._spent, self.until - start)
        if seconds <= 0:
            raise self._end(Cause.TIME, self._late(seconds))
        late = False
        try:
            try:
                if unsent:
                    self._channel.send(unsent, start + seconds)
                replied, content = self._channel.receive(start + seconds, max_reply)
            except DeadlinePassed:
                late = True
                replied, content = self._interrupted(max_reply)
        except DeadlinePassed:
            raise self._end(Cause.TIME, self._late(seconds)) from None
        except ProtocolViolated as error:
            raise self._end(Cause.PROTOCOL, str(error)) from None
        except PeerGone:
            cause = (Cause.TIME, self._late(seconds)) if late else (None, "")
            raise self._end(*cause) from None
        finally:
            self._spent += time.monotonic() - start
        return Reply(replied, content, late)

    def _interrupted(self, max_reply: int) -> tuple[Header, bytes]:
        """Interrupt, and receive the reply. Raises DeadlinePassed if the box is deaf.

        Where the machine is crowded the box is given back what it waited for a processor.
        """
        self._process.interrupt()
        start, waited = time.monotonic(), self._process.kept_waiting()
        until = start + self.limits.grace
        while True:
            try:
                return self._channel.receive(until, max_reply)
            except DeadlinePassed:
                lost = self._process.kept_waiting() - waited
                later = start + self.limits.grace + min(lost, 4 * self.limits.grace)
                if later <= time.monotonic():
                    raise
                until = later

    def _late(self, seconds: float) -> str:
        used_up = self._spent + seconds >= self.limits.submission
        if used_up or time.monotonic() >= self.until:
            return f"The submission ran for more than {self.limits.submission:g} s in all."
        return f"It ran for more than {seconds:g} s and did not stop when interrupted."

    def _drain(self, spill: Spill) -> None:
        self._spill_room -= spill.drain(self._spill_room)

    def _end(self, cause: Cause | None, sentence: str = "") -> BoxEnded:
        """Kill what is left, learn how it ended, let go of everything."""
        self.guard.release()
        self._process.kill()
        wait_status = self._process.wait()
        self._channel.drain()
        stderr = self._spills[1].take()[0].decode(errors="replace")[-2000:]
        self._ended = replace(
            ending(cause, sentence, wait_status, self.guard, self.limits), stderr=stderr
        )
        self._process.close()
        self._pipes.close()
        self._closed(self)
        return BoxEnded(self._ended)
