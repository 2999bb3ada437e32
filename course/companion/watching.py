"""The watch: sees every torch call that Python code makes, and changes none of them."""

from __future__ import annotations

import contextlib
import os
import sys
import weakref
from types import FrameType, TracebackType
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.overrides import TorchFunctionMode

from course.companion import fed, marks, sizes, switched, warned
from course.companion.calls import DERIVED, MOST_CALLS, Event, Pass, Record, Stepped
from course.companion.functions import (
    APART,
    BACKWARD,
    OF_FIRST,
    QUIET,
    READ,
    SET_DATA,
    SET_GRAD,
    SHAPED,
    SWITCH,
    tensors_in,
)
from course.companion.marks import MARKS
from course.companion.places import LIBRARY, own_frame

_is_compiling = torch.compiler.is_compiling
_is_nested = torch._C._len_torch_function_stack
_next_node = torch._C._autograd._get_sequence_nr
"""The number that this thread's next node will have."""
_last: list[Watch] = []
"""The watch that was left last, for whoever asks without naming one."""

_NOTHING = ("", None)
_DATA = vars(torch._C.TensorBase)["data"].__get__
_MODULES = os.path.join("torch", "nn", "modules", "")
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
        self._silent: list[tuple[str, Stepped | None]] = []
        """What optimizers are in the middle of."""
        self._offs = switched.Offs()
        self._values: dict[int, tuple[StorageWeakRef, int]] = {}
        """Memory whose values `.data` handed on, and which call did."""
        self._passes: list[Pass] = []

    def __enter__(self) -> Watch:
        super().__enter__()  # type: ignore[no-untyped-call]
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
        first = _next_node()
        out = func(*args, **kwargs)
        if func in MARKS:
            self._optimizer(args, sys._getframe(1))
            return out
        # Whatever goes wrong in here must not reach the code that is watched.
        try:
            if types or _is_nested():
                with torch._C.DisableTorchFunction():  # nobody else is to see what is read here
                    self._note(func, args, kwargs, out, sys._getframe(1), first)
            else:
                self._note(func, args, kwargs, out, sys._getframe(1), first)
        except Exception as error:
            self._lost(f"A call of {getattr(func, '__name__', func)} was not understood: {error}.")
        return out

    def _is_routine(self, func: Any) -> bool:
        """Whether a call inside an optimizer is the optimizer's own arithmetic."""
        if func in MARKS:
            return False
        # A switch is on again at the end, so that nothing has to be remembered.
        return func is SWITCH or self._silent[-1][0] == "zero" or not torch.is_grad_enabled()

    def _note(
        self,
        func: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        out: Any,
        frame: FrameType,
        first: int,
    ) -> None:
        record, end = self.record, _next_node()
        if func in APART and len(args) > 1:
            for given, result in zip(args, out, strict=True):
                self._note(func, (given,), {}, result, frame, first)
            return
        tensors = [] if func in SHAPED else tensors_in(args, kwargs)
        if func in OF_FIRST:
            tensors = tensors[:1]
        outs = [out] if type(out) is Tensor else tensors_in((out,), {})
        if not outs and func is not Tensor.__setitem__ and func not in READ:
            self._event(func, args, out, frame)
            return
        own = frame if not LIBRARY.get(frame.f_code.co_filename, True) else own_frame(frame)
        own = own or frame
        made, number = record.made, len(record)
        sources, recorded = [], []
        for tensor in tensors:
            found = made.get(id(tensor))
            if found is None or found[0]() is not tensor:
                found = made[id(tensor)] = self._met(tensor)
            sources.append(found[1])
            recorded.append(tensor.requires_grad)
        note: tuple[str, Any] = _NOTHING
        gives_grad, sequence = False, -1
        if func is Tensor.__setitem__:
            outs = [args[0]]
        for tensor in outs:
            if tensor.requires_grad:
                if (node := tensor.grad_fn) is None:
                    kept = made.get(id(tensor))
                    if kept is not None and kept[0]() is tensor:  # no other of the same address
                        gives_grad = True
                        continue  # a leaf that is updated in place stays the leaf it was
                    gives_grad = gives_grad or True not in recorded  # else values alone were taken
                else:
                    gives_grad = True
                    if sequence < 0:
                        sequence = node._sequence_nr()
            made[id(tensor)] = (weakref.ref(tensor), number)
        if tensors and outs and outs[0] is tensors[0] and tensors[0]._is_view():
            base = tensors[0]._base
            if base is not None:
                made[id(base)] = (weakref.ref(base), number)
        if not gives_grad and True in recorded:
            note = self._cut(func, outs)
            if func == _DATA:
                storage = outs[0].untyped_storage()
                self._values[storage._cdata] = (StorageWeakRef(storage), number)
        elif func in fed.CHECKED:
            note = fed.noted(func, args, kwargs, tensors, outs)
        at = func, own.f_code, own.f_lasti, tuple(sources), tuple(recorded)
        record.calls.append((*at, gives_grad, bool(outs), sequence, (first, end), note))
        if gives_grad and len(outs) > 1:
            self._note_indices(at, outs)
        if frame is not own and _MODULES not in frame.f_code.co_filename:
            self._inside(func, frame, own)
        if len(record.calls) > MOST_CALLS:
            record.shorten()

    def _note_indices(self, at: tuple[Any, ...], outs: list[Tensor]) -> None:
        """Of values and their indices the indices are cut off, as if a call of theirs made them."""
        floats = torch.float16, torch.bfloat16, torch.float32, torch.float64
        without = [one for one in outs if one.dtype not in floats and one._base is None]
        if without:
            number = len(self.record)
            self.record.calls.append((*at, False, True, -1, (0, 0), self._cut(at[0], without)))
            for one in without:
                self.record.made[id(one)] = (weakref.ref(one), number)

    def _met(self, tensor: Tensor) -> tuple[weakref.ref[Tensor], int]:
        """A tensor that no call gave: a new source, or the values that were cut off wrapped anew.

        `Variable(x.data)` is such a wrapping, which no mode sees.
        """
        reference = weakref.ref(tensor)
        if self._values and type(tensor) is Tensor and tensor.layout is torch.strided:
            kept = self._values.get(tensor.untyped_storage()._cdata)
            if kept is not None and not kept[0].expired():
                return reference, kept[1]
        self.record.sources.append(reference)
        return reference, -len(self.record.sources)

    def _cut(self, func: Any, outs: list[Tensor]) -> tuple[str, Any]:
        """How the recording ended at a call whose inputs required grad."""
        if not outs:
            return ("number", None)
        if outs[0].is_inference():
            return ("inference", None)
        if not (outs[0].is_floating_point() or outs[0].is_complex()):
            return ("integer", str(outs[0].dtype).removeprefix("torch."))
        if not torch.is_grad_enabled():
            # A custom Function's forward switches recording off where nobody sees it.
            off = self._offs.decisive()
            return ("off", off) if off is not None else ("hidden", None)
        return ("operation", None)

    def _event(self, func: Any, args: tuple[Any, ...], out: Any, frame: FrameType) -> None:
        if func is SWITCH:
            self._offs.switch(bool(args[0]), frame)
        elif func == SET_GRAD:
            self._add("empty", weakref.ref(args[0]), frame)
        elif func == SET_DATA:
            if args[0].grad_fn is not None:
                self._add("data", None, frame)
        else:
            own = own_frame(frame)
            if own is not None and own is not frame:
                self._inside(func, frame, own)

    def _optimizer(self, args: tuple[Any, ...], frame: FrameType) -> None:
        """A mark of the profiler: an optimizer begins or ends.

        What it did counts from its end: a closure that it was given runs before.
        """
        inner = marks.frame_of_optimizer(frame)
        if marks.is_begin(args):
            if kind := marks.kind_of(args):
                self._silent.append((kind, marks.optimizer_in(inner)))
        elif self._silent and inner is not None:
            kind, about = self._silent.pop()
            if about is not None:
                self._add(kind, about, frame)

    def _inside(self, func: Any, frame: FrameType, own: FrameType) -> None:
        """Clipping and the gradient scaler, told from the file of torch that made the call."""
        file, above = frame, frame.f_back
        while above is not None and above is not own:
            if above.f_code.co_filename.endswith(("clip_grad.py", "grad_scaler.py")):
                file = above
            above = above.f_back
        name = file.f_code.co_filename
        if name.endswith("clip_grad.py"):
            self._once("clip", None, own)
        elif name.endswith("grad_scaler.py") and file.f_code.co_name in ("scale", "unscale_"):
            self._once(file.f_code.co_name.rstrip("_"), None, own)

    def _backward(
        self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], frame: FrameType
    ) -> Any:
        roots = [args[0]] if args and type(args[0]) is Tensor else tensors_in(args[:1], {})
        roots = roots or tensors_in((), kwargs)
        own = own_frame(frame) or frame
        kept = bool(kwargs.get("retain_graph") or kwargs.get("create_graph"))
        measured = sizes.Measured()
        with contextlib.suppress(Exception), torch._C.DisableTorchFunction():
            measured.begin(roots)
        first, out = _next_node(), None
        try:
            out = func(*args, **kwargs)
            return out
        finally:
            measured.end()
            made = first, _next_node()
            about = measured.as_pass(kept, made)
            with contextlib.suppress(Exception), torch._C.DisableTorchFunction():
                about = sizes.with_results(about, roots, kwargs, out)
            self._keep(about)
            if func is torch.autograd.grad and out and not kwargs.get("create_graph"):
                with contextlib.suppress(Exception), torch._C.DisableTorchFunction():
                    self._note_derived(roots, tensors_in((out,), {}), own)
            event = Event("backward", len(self.record), own.f_code, own.f_lasti, about)
            self.record.events.append(event)

    def _note_derived(self, roots: list[Tensor], outs: list[Tensor], own: FrameType) -> None:
        """Gradients that autograd.grad gave without create_graph: values cut off from its roots."""
        record = self.record
        sources = []
        for root in roots:
            number = record.source_of(root)
            sources.append(self._met(root)[1] if number is None else number)
        recorded = tuple(root.requires_grad for root in roots)
        number, at = len(record), (torch.autograd.grad, own.f_code, own.f_lasti)
        note = (DERIVED, None)
        record.calls.append((*at, tuple(sources), recorded, False, True, -1, (0, 0), note))
        for one in outs:
            if not one.requires_grad:
                record.made[id(one)] = (weakref.ref(one), number)

    def _keep(self, about: Pass) -> None:
        """Keep the sizes of the last few passes alone."""
        self._passes.append(about)
        if len(self._passes) > MOST_PASSES:
            old = self._passes.pop(0)
            old.sizes.clear()
            old.shares.clear()

    def _add(self, kind: str, about: Any, frame: FrameType) -> None:
        own = own_frame(frame) or frame
        self.record.events.append(Event(kind, len(self.record), own.f_code, own.f_lasti, about))

    def _once(self, kind: str, about: Any, own: FrameType) -> None:
        last = self.record.events[-1] if self.record.events else None
        if last is None or (last.kind, last.code, last.instruction) != (
            kind,
            own.f_code,
            own.f_lasti,
        ):
            self._add(kind, about, own)

    def _lost(self, sentence: str) -> None:
        if len(self.record.blind) < 5:
            self.record.blind.append(sentence)


def last_watch() -> Watch | None:
    """The watch that was left last."""
    return _last[0] if _last else None
