"""An exception as data: its type, its text, whose it is, and the learner's line it came from."""

from __future__ import annotations

import dis
import linecache
import sysconfig
from types import TracebackType

from grader.engine.observation import IN_TEXT, Raised
from grader.engine.text import plain_text, text_of, type_name

_RAISE = dis.opmap["RAISE_VARARGS"]
_ENGINE, _, _ = __file__.rpartition("raising.py")
_COURSE, _, _ = _ENGINE.rpartition("engine")
_LIBRARIES = (_COURSE, "<frozen ", sysconfig.get_path("stdlib"))
_module_of = vars(type)["__module__"].__get__


def describe(error: BaseException, of_class: bool = False) -> Raised:
    """What is kept of an exception that came out of `Task.observe`.

    Whatever a class that answers raises is its own: nothing else is run with it.
    """
    kind = type(error)
    called, innermost, own = of_class, error.__traceback__, None
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        called = called or (code.co_filename, code.co_name) == (_ENGINE + "watch.py", "answer")
        own = own if _is_library(code.co_filename) else step
        innermost, step = step, step.tb_next
    return Raised(
        type_name(kind),
        text_of(error),
        str(_module_of(kind)).partition(".")[0] in ("builtins", "torch", "_pickle"),
        called or own is not None,
        "" if own is None else _line(own),
        own is not None and own is innermost and _raises(own),
    )


def _is_library(filename: str) -> bool:
    return filename.startswith(_LIBRARIES) or "site-packages" in filename


def _line(step: TracebackType) -> str:
    code, number = step.tb_frame.f_code, step.tb_lineno
    if code.co_filename == "<string>":  # so exec and eval call a text
        return f"line {number}{IN_TEXT}"
    source = linecache.getline(code.co_filename, number, step.tb_frame.f_globals).strip()
    return plain_text(f"line {number}, in {code.co_name}: {source}")[:300] if source else ""


def _raises(step: TracebackType) -> bool:
    """Whether the frame stopped at a `raise` statement, not inside a call."""
    return step.tb_frame.f_code.co_code[step.tb_lasti] == _RAISE
