"""What a cell showed, as the judge takes it from a box: nbformat's outputs, checked and capped."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from grader.box.both.limits import LEAST_OUTPUT, PER_OUTPUT

Output = Any  # nbformat's NotebookNode: a dict whose items are attributes, too

_MAX_NAME = 200


@dataclass(frozen=True)
class CellResult:
    """One cell's run.

    `outputs` are nbformat's nodes, with nothing in them but text; `error` is the type name of what
    the cell raised. `dropped` counts the characters that were not kept. `interrupted` says that the
    cell ran over its time and was stopped as by Ctrl-C.
    """

    outputs: tuple[Output, ...]
    ok: bool
    error: str | None
    execution_count: int
    dropped: int
    interrupted: bool
    seconds: float

    @property
    def truncated(self) -> bool:
        """Whether some output was not kept."""
        return self.dropped > 0


class MalformedOutputs(ValueError):
    """The bytes are no list of outputs."""


class OutputBudget:
    """Keeps outputs while there is room for them; counts what it drops."""

    def __init__(self, room: int) -> None:
        self.room = room

    def read(self, body: bytes, count: int) -> tuple[list[Output], int]:
        """The outputs in a box's reply, and how many characters were dropped.

        Raises MalformedOutputs.
        """
        try:
            raw = json.loads(body)
        except (ValueError, RecursionError):
            raise MalformedOutputs("not JSON") from None
        if not isinstance(raw, list):
            raise MalformedOutputs("not a list")
        kept, dropped = [], 0
        self.room = max(self.room, LEAST_OUTPUT)
        for one in raw:
            output, size = _clean(one, count)
            if size + PER_OUTPUT <= self.room:
                kept.append(_node(output))
                self.room -= size + PER_OUTPUT
            else:
                dropped += size
        return kept, dropped


def stream(name: str, data: bytes) -> Output:
    """What was written to a file descriptor, already capped, as a stream output."""
    return _node({"output_type": "stream", "name": name, "text": data.decode(errors="replace")})


def _node(output: dict[str, Any]) -> Output:
    from nbformat import from_dict  # not at the top: behind the wall nothing needs it

    return from_dict(output)


def _clean(raw: Any, count: int) -> tuple[dict[str, Any], int]:
    """One output rebuilt from the fields it may have, and its size in characters."""
    kind = raw.get("output_type") if isinstance(raw, dict) else None
    match kind:
        case "stream":
            name = "stderr" if raw.get("name") == "stderr" else "stdout"
            text = _text(raw.get("text"))
            return {"output_type": "stream", "name": name, "text": text}, len(text)
        case "error":
            lines = raw.get("traceback")
            lines = [_text(line) for line in lines] if isinstance(lines, list) else []
            ename, evalue = _text(raw.get("ename"))[:_MAX_NAME], _text(raw.get("evalue"))
            error = {"ename": ename, "evalue": evalue, "traceback": lines}
            size = len(ename) + len(evalue) + sum(map(len, lines))
            return {"output_type": "error", **error}, size
        case "display_data" | "execute_result":
            data = _bundle(raw.get("data"))
            output: dict[str, Any] = {"output_type": kind, "data": data, "metadata": {}}
            if kind == "execute_result":
                output["execution_count"] = count
            return output, sum(len(key) + len(value) for key, value in data.items())
    raise MalformedOutputs("an output of no known type")


def _bundle(raw: Any) -> dict[str, str]:
    """A MIME bundle's texts. Anything else (widget state, JSON trees) needs a live kernel."""
    if not isinstance(raw, dict):
        return {}
    texts = {kind: value for kind, value in raw.items() if isinstance(value, str)}
    return {_text(kind)[:_MAX_NAME]: _text(value) for kind, value in texts.items()}


def _text(raw: Any) -> str:
    """A string that can be written as UTF-8: JSON can spell lone surrogates."""
    return raw.encode(errors="replace").decode() if isinstance(raw, str) else ""
