"""What happens to a loop beside its calls: optimizers, switches of recording, clipping, scaling."""

from __future__ import annotations

import weakref
from types import FrameType
from typing import Any

from torch import Tensor

from course.companion.places import own_frame
from course.companion.record import marks, switched
from course.companion.record.calls import Event, Record, Stepped
from course.companion.record.functions import PUT_HOOK, SET_DATA, SET_GRAD, SWITCH

_IN_PLACE = {"__iadd__", "__isub__", "__imul__", "__itruediv__"}


class Loop:
    """Writes the events of a watch down in its record."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.offs = switched.Offs()
        self.silent: list[tuple[str, Stepped | None]] = []
        """What optimizers are in the middle of."""

    def event(self, func: Any, args: tuple[Any, ...], frame: FrameType) -> None:
        """A call that gives no tensor: a switch of recording, a flag, a part of a library."""
        if func is SWITCH:
            self.offs.switch(bool(args[0]), frame)
        elif func == SET_GRAD:
            self._of_grad(args[0], args[1], frame)
        elif func is PUT_HOOK:
            if args[0].grad_fn is not None and not args[0].output_nr:
                number = args[0].grad_fn._sequence_nr()
                self.record.hooked.add(number)
                self._add("hook", number, frame)
        elif func == SET_DATA:
            if args[0].grad_fn is not None:
                self._add("data", None, frame)
            else:
                self._add("set", (weakref.ref(args[0]), self.record.source_of(args[1])), frame)
        else:
            own = own_frame(frame)
            if own is not None and own is not frame:
                self.inside(frame, own)

    def _of_grad(self, leaf: Tensor, given: Tensor | None, frame: FrameType) -> None:
        """A .grad was set: to None, or to another tensor; `p.grad *= 2` sets it to itself."""
        number = self.record.source_of(given) if given is not None else None
        call = self.record.call(number) if number is not None and number >= 0 else None
        if call is None or call.name not in _IN_PLACE:
            self._add("empty" if given is None else "filled", weakref.ref(leaf), frame)

    def optimizer(self, args: tuple[Any, ...], frame: FrameType) -> None:
        """A mark of the profiler: an optimizer begins or ends.

        What it did counts from its end: a closure that it was given runs before.
        """
        inner = marks.frame_of_optimizer(frame)
        if marks.is_begin(args):
            if kind := marks.kind_of(args):
                about = marks.optimizer_in(inner)
                steps = about is not None and kind == "step"
                self.silent.append((kind, marks.begun(about) if about and steps else about))
        elif self.silent and inner is not None:
            kind, about = self.silent.pop()
            if about is not None:
                self._add(kind, marks.left_by(about) if kind == "step" else about, frame)

    def inside(self, frame: FrameType, own: FrameType) -> None:
        """Clipping and the gradient scaler, told from the file of torch that made the call."""
        file, above = frame, frame.f_back
        while above is not None and above is not own:
            if above.f_code.co_filename.endswith(("clip_grad.py", "grad_scaler.py")):
                file = above
            above = above.f_back
        name = file.f_code.co_filename
        if name.endswith("clip_grad.py"):
            if self._is_new("clip", own):
                self._add("clip", _is_limit_zero(frame, own), own)
        elif name.endswith("grad_scaler.py") and file.f_code.co_name in ("scale", "unscale_"):
            kind = file.f_code.co_name.rstrip("_")
            if self._is_new(kind, own):
                self._add(kind, None, own)

    def _add(self, kind: str, about: Any, frame: FrameType) -> None:
        own = own_frame(frame) or frame
        self.record.events.append(Event(kind, len(self.record), own.f_code, own.f_lasti, about))

    def _is_new(self, kind: str, own: FrameType) -> bool:
        """Whether the last event is another one than this of the same line."""
        last = self.record.events[-1] if self.record.events else None
        now = (kind, own.f_code, own.f_lasti)
        return last is None or (last.kind, last.code, last.instruction) != now


def _is_limit_zero(frame: FrameType | None, own: FrameType) -> bool:
    """Whether gradients are clipped to 0, as the arguments of the call say."""
    while frame is not None and frame is not own:
        given = frame.f_locals
        for name in ("max_norm", "clip_value"):
            if name in given:
                return isinstance(given[name], int | float) and given[name] == 0
        frame = frame.f_back
    return False
