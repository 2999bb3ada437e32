"""The watch: sees every torch call that Python code makes, and changes none of them."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import replace
from types import FrameType, TracebackType
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from course.companion.places import own_frame
from course.companion.record import earlier, given, sizes, warned
from course.companion.record.calls import Event, Pass, Record
from course.companion.record.functions import BACKWARD, QUIET, SWITCH, tensors_in
from course.companion.record.loop import Loop
from course.companion.record.marks import MARKS
from course.companion.record.noting import Notes, next_node

_is_compiling = torch.compiler.is_compiling
_is_nested = torch._C._len_torch_function_stack
_last: list[Watch] = []
"""The watch that was left last, for whoever asks without naming one."""

MOST_PASSES = 3
"""Of how many backward passes the sizes of gradients are kept."""


class Watch(TorchFunctionMode):
    """Sees the torch calls of a block of code; `with watch() as seen:` makes one.

    What it keeps of a call is numbers, code and weak references, and at most `MOST_CALLS` calls.
    Calls of other threads and processes, and of compiled code, are not seen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.record = Record()
        self._loop = Loop(self.record)
        self._silent = self._loop.silent
        self._note = Notes(self.record, self._loop)
        self._passes: list[Pass] = []
        self._has_filled = False

    def __enter__(self) -> Watch:
        super().__enter__()  # type: ignore[no-untyped-call]
        self._loop.offs.begin(sys._getframe(1))
        warned.begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        warned.end()
        super().__exit__(kind, error, traceback)  # type: ignore[no-untyped-call]
        _last[:] = [self]

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Call `func`, and write down what was seen of it."""
        kwargs = kwargs or {}
        if _is_compiling():
            # A compiler reads this method too, and is to find nothing in it but the call.
            return func(*args, **kwargs)
        if func in QUIET or (self._silent and self._is_routine(func)):  # most calls of a step
            return func(*args, **kwargs) if kwargs else func(*args)
        if func in BACKWARD:
            return self._backward(func, args, kwargs, sys._getframe(1))
        first = next_node()
        out = func(*args, **kwargs)
        if func in MARKS:
            self._loop.optimizer(args, sys._getframe(1))
            return out
        # Whatever goes wrong in here must not reach the code that is watched.
        try:
            if types or _is_nested():
                with torch._C.DisableTorchFunction():  # nobody else is to see what is read here
                    self._note.call(func, args, kwargs, out, sys._getframe(1), first)
            else:
                self._note.call(func, args, kwargs, out, sys._getframe(1), first)
        except Exception as error:
            self._lost(f"A call of {getattr(func, '__name__', func)} was not understood: {error}.")
        return out

    def _is_routine(self, func: Any) -> bool:
        """Whether a call inside an optimizer is the optimizer's own arithmetic."""
        if func in MARKS:
            return False
        # A switch is on again at the end, so that nothing has to be remembered.
        return func is SWITCH or self._silent[-1][0] == "zero" or not torch.is_grad_enabled()

    def _backward(
        self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], frame: FrameType
    ) -> Any:
        roots = [args[0]] if args and type(args[0]) is Tensor else tensors_in(args[:1], {})
        roots = roots or tensors_in((), kwargs)
        own = own_frame(frame) or frame
        kept = bool(kwargs.get("retain_graph") or kwargs.get("create_graph"))
        is_grad, onto = func is torch.autograd.grad, frozenset[int]()
        if not is_grad and not self._has_filled:
            self._has_filled = True
            with contextlib.suppress(Exception), torch._C.DisableTorchFunction():
                onto = earlier.filled(roots)
        measured = sizes.Measured()
        with contextlib.suppress(Exception), torch._C.DisableTorchFunction():
            self._note.begun(roots)
            measured.begin(roots, self.record)
        first, out = next_node(), None
        try:
            out = func(*args, **kwargs)
            return out
        finally:
            measured.end()
            made = first, next_node()
            about = replace(measured.as_pass(kept, made), fills=not is_grad, onto=onto)
            with contextlib.suppress(Exception), torch._C.DisableTorchFunction():
                about = given.with_results(about, roots, kwargs, out)
            self._keep(about)
            if is_grad and out:
                with contextlib.suppress(Exception), torch._C.DisableTorchFunction():
                    self._note.derived(roots, tensors_in((out,), {}), own)
            event = Event("backward", len(self.record), own.f_code, own.f_lasti, about)
            self.record.events.append(event)

    def _keep(self, about: Pass) -> None:
        """Keep the sizes of the last few passes alone."""
        self._passes.append(about)
        if len(self._passes) > MOST_PASSES:
            old = self._passes.pop(0)
            old.sizes.clear()
            old.shares.clear()
            old.arrived.clear()
            old.by_hand.clear()
            old.last_nodes.clear()
            old.by_leaf.clear()

    def _lost(self, sentence: str) -> None:
        if len(self.record.blind) < 5:
            self.record.blind.append(sentence)


def last_watch() -> Watch | None:
    """The watch that was left last."""
    return _last[0] if _last else None
