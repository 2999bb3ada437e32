"""The loop inside the box: reads questions, runs a cell or the handler for each, replies.

Everything here shares its process with the submission, which may change any of it: what is replied
is evidence, never truth. `observe` and its like come in as the handler.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from grader.box.both.channel import Header, PeerGone, read_message, write_frame
from grader.engine.text import text_of, type_name

if TYPE_CHECKING:
    from grader.box.inside.shell import BoxShell

Handler = Callable[[Header, bytes, dict[str, Any]], tuple[Header, bytes]]
"""Serves one question of `Box.calls`: its header and body, the cells' namespace -> header and body.

A module that offers `reply` with this type can be named as the handler of a `Boxes`; if it offers
`warm()`, the zygote calls that once before any box exists.
"""


class Loop:
    """One box's dialogue with the judge."""

    def __init__(
        self, requests: int, replies: int, shell: BoxShell | None, handler: Handler | None
    ) -> None:
        self.requests, self.replies, self.shell, self.handler = requests, replies, shell, handler
        self._running = self._interrupted = False

    def serve(self) -> None:
        """Reply until the judge closes its end."""
        own = os.getpid()
        while True:
            try:
                message = read_message(self.requests)
            except PeerGone:
                return
            for header, body in message:
                self._interrupted = False
                signal.signal(signal.SIGINT, self._on_interrupt)
                replied, content = self._reply(header, body)
                if os.getpid() != own:
                    os._exit(0)  # a child that the submission forked has fallen through to here
                replied["interrupted"] = self._interrupted
                write_frame(self.replies, {**replied, "nonce": header["nonce"]}, content)

    def _reply(self, header: Header, body: bytes) -> tuple[Header, bytes]:
        try:
            try:
                self._running = True
                match header["op"]:
                    case "files":
                        return _write_files(header["sizes"], body), b""
                    case "cell":
                        return self._run_cell(body.decode())
                    case _:
                        return self._call(header, body)
            finally:
                self._running = False
        except KeyboardInterrupt:
            return {"failed": ["KeyboardInterrupt", ""]}, b""
        except BaseException as error:
            return {"failed": [type_name(type(error)), text_of(error)]}, b""

    def _run_cell(self, source: str) -> tuple[Header, bytes]:
        if self.shell is None:
            raise LookupError("this box was made without IPython")
        ok, error = self.shell.run(source)
        outputs = self.shell.outputs
        header = {
            "ok": ok,
            "error": error,
            "execution_count": self.shell.execution_count - 1,
            "dropped": outputs.dropped,
        }
        return header, json.dumps(outputs.finished(), default=repr).encode()

    def _call(self, header: Header, body: bytes) -> tuple[Header, bytes]:
        if self.handler is None:
            raise LookupError("this box was made without a handler")
        if self.shell is None:
            return self.handler(header["request"], body, {})
        self.shell.attach()
        outputs = self.shell.outputs
        room = outputs.room
        try:
            return self.handler(header["request"], body, self.shell.user_ns)
        finally:
            outputs.start()  # what a call prints is nobody's, and costs the cells nothing
            outputs.room = room

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        """The judge's time is over. Between questions that is nobody's concern any more."""
        if self._running:
            self._interrupted = True
            raise KeyboardInterrupt


def _write_files(sizes: dict[str, int], body: bytes) -> Header:
    at = 0
    for name, size in sizes.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body[at : at + size])
        at += size
    return {}
