"""A question's live form: the whole answer comes in the message that commits it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from course.quiz import page
from grader.notebook.pressing import with_asking

Answer = Callable[[Any], str | None]
"""What a committed value comes to, as HTML; None for a value that is no answer."""


class Form(anywidget.AnyWidget):
    """What the learner fills in, and the reply below it.

    Args:
        kind: `text`, `lines` or `options`; the value committed is a text, the numbers of the lines
            in their order, or the number of an option.
        asked: the question as HTML; for options, each a `<details>`.
        answer: called with every value that is committed.
        lines: what is to be put in order.
    """

    _esm = with_asking(Path(__file__).with_name("form.js"))
    kind = traitlets.Unicode().tag(sync=True)
    asked = traitlets.Unicode().tag(sync=True)
    lines = traitlets.List(traitlets.Unicode()).tag(sync=True)
    committed = traitlets.Any().tag(sync=True)
    reply = traitlets.Unicode().tag(sync=True)
    number = traitlets.Int().tag(sync=True)
    still = traitlets.Unicode().tag(sync=True)

    def __init__(self, kind: str, asked: str, answer: Answer, lines: Sequence[str] = ()) -> None:
        self._answer = answer
        super().__init__(kind=kind, asked=asked, lines=list(lines))
        self.still = f"cq-still-{self.model_id}"
        self.add_class(page.FRAME)
        self.on_msg(self._received)

    def _received(self, _: object, message: dict[str, Any], __: object) -> None:
        if message.get("event") == "commit":
            self.commit(message.get("value"))

    def commit(self, value: Any) -> None:
        """Take an answer, and show what it comes to."""
        reply = self._answer(value)
        if reply is not None:
            with self.hold_sync():  # one message: the front end never shows half of it
                self.committed, self.reply, self.number = value, reply, self.number + 1
