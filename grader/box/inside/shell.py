"""IPython inside the box: runs cells as a notebook does and keeps their outputs as nbformat's."""

from __future__ import annotations

import ast
import base64
import bdb
import builtins
import contextlib
import ctypes
import getpass
import io
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

from grader.box.both.limits import LEAST_OUTPUT, PER_OUTPUT
from grader.engine.text import text_of

Output = dict[str, Any]

_C = ctypes.CDLL(None)
_AWAITING = re.compile("async|await")


class Outputs:
    """The outputs of one cell, within a budget of characters that all cells share."""

    def __init__(self, room: int) -> None:
        self.room, self.dropped = room, 0
        self.kept: list[Output] = []
        self._clear_next = False

    def start(self) -> None:
        """Forget the last cell's outputs; the budget stays spent, down to the least for a cell."""
        self.kept, self.dropped, self._clear_next = [], 0, False
        self.room = max(self.room, LEAST_OUTPUT)

    def stream(self, name: str, text: str) -> None:
        """Text on stdout or stderr: as much as there is room for."""
        if text and self.room:
            self._clear_if_asked()
        last = self.kept[-1] if self.kept else {}
        is_new = last.get("output_type") != "stream" or last["name"] != name
        part = text[: max(0, self.room - PER_OUTPUT * is_new)]
        self.dropped += len(text) - len(part)
        if not part:
            return
        self.room -= len(part) + PER_OUTPUT * is_new
        if is_new:
            self.kept.append({"output_type": "stream", "name": name, "text": [part]})
        else:
            last["text"].append(part)

    def add(self, output: Output, size: int) -> None:
        """A display, a result or an error: whole, or not at all."""
        self._clear_if_asked()
        if size + PER_OUTPUT > self.room:
            self.dropped += size
            return
        self.room -= size + PER_OUTPUT
        self.kept.append(output)

    def replace(self, display_id: str, output: Output, size: int) -> None:
        """Change what was displayed under an id."""
        for i, old in enumerate(self.kept):
            if old.get("display_id") == display_id and size <= self.room:
                self.room -= size
                self.kept[i] = output

    def clear(self, wait: bool) -> None:
        """Drop this cell's outputs now, or when the next one comes."""
        self._clear_next = wait
        if not wait:
            self.kept = []

    def finished(self) -> list[Output]:
        """This cell's outputs, streams joined."""
        return [
            {**one, "text": "".join(one["text"])} if one["output_type"] == "stream" else one
            for one in self.kept
        ]

    def _clear_if_asked(self) -> None:
        if self._clear_next:
            self.clear(wait=False)


class _Stream(io.TextIOBase):
    """sys.stdout or sys.stderr of the cells."""

    encoding = "UTF-8"
    errors = "replace"

    def __init__(self, name: str, fd: int, outputs: Outputs) -> None:
        self.name, self._fd, self._outputs = name, fd, outputs

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._outputs.stream(self.name, str(text))
        return len(text)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._fd  # for what a subprocess inherits


def _mime(data: Mapping[str, Any]) -> dict[str, Any]:
    """A bundle with bytes as base64, as notebooks store them."""
    return {
        kind: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for kind, value in data.items()
    }


def _size(data: Mapping[str, Any]) -> int:
    return sum(
        len(value) if isinstance(value, str) else len(repr(value)) for value in data.values()
    )


class _Publisher(DisplayPublisher):
    """What `display` sends."""

    shell: Any

    def publish(
        self,
        data: Mapping[str, Any],
        metadata: Mapping[str, Any] | None = None,
        *args: Any,
        transient: Mapping[str, Any] | None = None,
        update: bool = False,
        **kwargs: Any,
    ) -> None:
        bundle = _mime(data)
        output = {"output_type": "display_data", "data": bundle, "metadata": dict(metadata or {})}
        display_id = (transient or {}).get("display_id")
        if display_id is not None:
            output["display_id"] = display_id
        if update:
            self.shell.outputs.replace(display_id, output, _size(bundle))
        else:
            self.shell.outputs.add(output, _size(bundle))

    def clear_output(self, wait: bool = False) -> None:
        self.shell.outputs.clear(wait)


class _Results(DisplayHook):
    """What the last expression of a cell shows."""

    shell: Any

    def write_output_prompt(self) -> None:
        pass  # the notebook shows the number itself

    def write_format_data(
        self, format_dict: Mapping[str, Any], md_dict: Mapping[str, Any] | None = None
    ) -> None:
        bundle = _mime(format_dict)
        output = {
            "output_type": "execute_result",
            "data": bundle,
            "metadata": dict(md_dict or {}),
            "execution_count": self.prompt_count,
        }
        self.shell.outputs.add(output, _size(bundle))

    def finish_displayhook(self) -> None:
        self._is_active = False  # the base class writes a newline to stdout here


class Syntax(TransformerManager):
    """IPython's own syntax (`%magic`, `!command`, `name?`) as Python, at less cost.

    IPython looks for it by splitting every cell into tokens, which takes longer than running most
    cells. Valid Python has none of it: none of these signs can begin a statement or a value, and no
    statement ends in a question mark.
    """

    _THEIRS = TransformerManager().token_transformers

    def do_token_transforms(self, lines: list[str]) -> list[str]:
        """The lines, with the first of IPython's own syntax translated until there is none."""
        if self.token_transformers == self._THEIRS:  # a cell may add one that changes Python, too
            with contextlib.suppress(SyntaxError, ValueError, MemoryError, RecursionError):
                compile("".join(lines), "<>", "exec", ast.PyCF_ONLY_AST)
                return lines
        translated: list[str] = super().do_token_transforms(lines)  # type: ignore[no-untyped-call]
        return translated


class BoxShell(InteractiveShell):
    """An InteractiveShell without history, start-up files, threads, terminal or standard input."""

    displayhook_class = Type(_Results)
    display_pub_class = Type(_Publisher)

    outputs: Outputs

    def __init__(self, room: int) -> None:
        self.outputs = Outputs(room)
        config = Config()
        config.HistoryManager.enabled = False  # it would start a thread
        config.HistoryManager.hist_file = ":memory:"
        super().__init__(config=config)  # type: ignore[no-untyped-call]
        self.input_transformer_manager = Syntax()  # type: ignore[no-untyped-call]
        kinds: tuple[Any, ...] = (BoxShell, InteractiveShell)
        for kind in kinds:  # where get_ipython() and others look for it
            kind._instance = self
        builtins.input = getpass.getpass = no_input
        bdb.Bdb.set_trace = no_debugger  # type: ignore[assignment, method-assign]

    def attach(self) -> None:
        """Make the cells' streams the process's."""
        sys.stdout = _Stream("stdout", 1, self.outputs)
        sys.stderr = _Stream("stderr", 2, self.outputs)

    def run(self, source: str) -> tuple[bool, str | None]:
        """Run one cell; whether it raised nothing, and the type name of what it raised."""
        self.outputs.start()
        self.attach()
        result = self.run_cell(source, store_history=True)  # type: ignore[no-untyped-call]
        _C.fflush(None)  # what C code printed, if it has not arrived yet
        error = result.error_before_exec or result.error_in_exec
        return bool(result.success), None if error is None else type(error).__name__

    def should_run_async(
        self, raw_cell: str, *, transformed_cell: str | None = None, **settings: Any
    ) -> bool:
        """Whether a cell awaits something: not without these words, and else IPython compiles it
        once more to see."""
        if transformed_cell is not None and not _AWAITING.search(transformed_cell):
            return False
        found: bool = super().should_run_async(
            raw_cell, transformed_cell=transformed_cell, **settings
        )
        return found

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        lines = [str(line) for line in stb]
        output = {
            "output_type": "error",
            "ename": str(getattr(etype, "__name__", etype)),
            "evalue": text_of(evalue),
            "traceback": lines,
        }
        self.outputs.add(output, sum(map(len, lines)))

    def system(self, cmd: str) -> None:
        """`!command`: its output comes where the cell's other output stands."""
        command = self.var_expand(cmd, depth=1)  # type: ignore[no-untyped-call]
        with subprocess.Popen(
            command,
            shell=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            errors="replace",
        ) as process:
            assert process.stdout is not None
            while part := process.stdout.read(4096):
                sys.stdout.write(part)
        self.user_ns["_exit_code"] = process.returncode

    system_piped = system_raw = system

    def enable_gui(self, gui: str | None = None) -> None:
        """There is no screen."""

    def ask_exit(self) -> None:
        """`exit` and `quit` do not end a notebook's kernel while it is being graded."""


def no_input(prompt: object = "", *args: object, **kwargs: object) -> NoReturn:
    """Python's own error where nothing can be read, with the call that asked."""
    raise EOFError("input() was called: nobody types an answer while a notebook is graded.")


def no_debugger(*args: object) -> NoReturn:
    """The same for every debugger that would ask for commands."""
    raise EOFError("breakpoint() was called: there is no debugger while a notebook is graded.")
