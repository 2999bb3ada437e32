"""The watch: sees every torch call that Python code makes, and changes none of them."""

from __future__ import annotations

import contextlib
import os
import sys
import weakref
from types import CodeType, FrameType, TracebackType
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from course.companion import fed, sizes
from course.companion.calls import MOST_CALLS, Event, Pass, Record, Stepped
from course.companion.places import own_frame

_last: list[Watch] = []
"""The watch that was left last, for whoever asks without naming one."""

_PLAIN = (
    "shape dtype device layout requires_grad is_leaf grad_fn grad is_cuda is_sparse is_nested ndim "
    "is_meta is_quantized is_mps is_xpu is_mkldnn is_cpu _version names output_nr retains_grad "
    "itemsize nbytes is_sparse_csr"
).split()
_ASKS = (
    "dim size numel stride is_complex is_floating_point element_size is_contiguous data_ptr "
    "storage_offset register_hook retain_grad is_inference __len__ __hash__ __repr__ ndimension "
    "type is_conj is_neg register_post_accumulate_grad_hook nelement __format__"
).split()
QUIET = {
    *(getattr(Tensor, name).__get__ for name in _PLAIN if hasattr(Tensor, name)),
    *(getattr(Tensor, name) for name in _ASKS if hasattr(Tensor, name)),
    torch.is_complex,
    torch.is_floating_point,
    torch.numel,
}
"""What only asks, and makes nothing that a loss could be computed from."""

_BACKWARD = {Tensor.backward, torch.autograd.backward, torch.autograd.grad}
_SET_GRAD = Tensor.grad.__set__
_SWITCH = torch._C._set_grad_enabled
_READ = {
    Tensor.item,
    Tensor.tolist,
    Tensor.numpy,
    Tensor.__float__,
    Tensor.__int__,
    Tensor.__bool__,
    Tensor.__array__,
    Tensor.__index__,
}
_NOTHING = ("", None)
_MODE_FILES = ("grad_mode.py", "_contextlib.py")
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
        self._silent: list[str] = []
        self._offs: list[tuple[CodeType, int, bool]] = []
        """Where recording was switched off, and whether a checkpoint did it."""
        self._passes: list[Pass] = []
        self._newest = 0

    def __enter__(self) -> Watch:
        super().__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, traceback)
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
        if torch.compiler.is_compiling():
            # A compiler reads this method too, and is to find nothing in it but the call.
            return func(*args, **kwargs)
        if func in QUIET or (self._silent and self._is_routine(func)):
            return func(*args, **kwargs)
        if func in _BACKWARD:
            return self._backward(func, args, kwargs, sys._getframe(1))
        out = func(*args, **kwargs)
        # Whatever goes wrong in here must not reach the code that is watched.
        try:
            self._note(func, args, kwargs, out, sys._getframe(1))
        except Exception as error:
            self._lost(f"A call of {getattr(func, '__name__', func)} was not understood: {error}.")
        return out

    def _is_routine(self, func: Any) -> bool:
        """Whether a call inside an optimizer is the optimizer's own arithmetic."""
        if func is _SWITCH or getattr(func, "__name__", "")[:16] == "_record_function":
            return False
        return self._silent[-1] == "zero" or not torch.is_grad_enabled()

    def _note(
        self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any, frame: FrameType
    ) -> None:
        record = self.record
        tensors = _given(args, kwargs)
        outs = _given((out,), {})
        if not outs and func is not Tensor.__setitem__ and func not in _READ:
            self._event(func, args, out, frame)
            return
        own = own_frame(frame) or frame
        made, number = record.made, len(record)
        sources, recorded = [], []
        for tensor in tensors:
            found = made.get(id(tensor))
            if found is None or found[0]() is not tensor:
                reference = weakref.ref(tensor)
                record.sources.append(reference)
                found = made[id(tensor)] = (reference, -len(record.sources))
            sources.append(found[1])
            recorded.append(tensor.requires_grad)
        note: tuple[str, Any] = _NOTHING
        gives_grad, sequence = False, -1
        if func is Tensor.__setitem__:
            outs = [args[0]]
        for tensor in outs:
            if tensor.requires_grad:
                gives_grad = True
                if (node := tensor.grad_fn) is not None and sequence < 0:
                    sequence = node._sequence_nr()
            if not (tensor.requires_grad and tensor.is_leaf and id(tensor) in made):
                # A leaf that is updated in place stays the leaf it was.
                made[id(tensor)] = (weakref.ref(tensor), number)
        if tensors and outs and outs[0] is tensors[0] and tensors[0]._is_view():
            base = tensors[0]._base
            if base is not None:
                made[id(base)] = (weakref.ref(base), number)
        if not gives_grad and True in recorded:
            note = self._cut(func, outs)
        elif func in fed.CHECKED:
            note = fed.noted(func, args, kwargs, tensors, outs, sources, record)
        self._newest = max(self._newest, sequence)
        record.calls.append(
            (func, own.f_code, own.f_lasti, tuple(sources), tuple(recorded), gives_grad)
            + (bool(outs), sequence, note)
        )
        if frame is not own:
            self._inside(func, frame, own)
        if len(record.calls) > MOST_CALLS:
            record.shorten()

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
            return ("off", self._offs[-1]) if self._offs else ("hidden", None)
        return ("operation", None)

    def _event(self, func: Any, args: tuple[Any, ...], out: Any, frame: FrameType) -> None:
        if func is _SWITCH:
            self._switch(bool(args[0]), frame)
        elif func == _SET_GRAD:
            self._add("empty", weakref.ref(args[0]), frame)
        elif getattr(func, "__name__", "").startswith("_record_function"):
            self._optimizer(args, frame)
        else:
            own = own_frame(frame)
            if own is not None and own is not frame:
                self._inside(func, frame, own)

    def _switch(self, on: bool, frame: FrameType) -> None:
        own = own_frame(frame) or frame
        leaving, outer = False, frame
        while outer.f_back is not None and outer.f_code.co_filename.endswith(_MODE_FILES):
            leaving = leaving or outer.f_code.co_name == "__exit__"
            outer = outer.f_back
        if on:
            self._offs.clear()
        elif leaving:
            del self._offs[1:]
        else:
            checkpoint = outer.f_code.co_filename.endswith("checkpoint.py")
            self._offs.append((own.f_code, own.f_lasti, checkpoint))

    def _optimizer(self, args: tuple[Any, ...], frame: FrameType) -> None:
        """The profiler's marks around every optimizer's step and zero_grad."""
        if not (args and isinstance(args[0], str)):
            if self._silent and _within(frame, "optimizer.py"):
                self._silent.pop()
            return
        kind = {"Optimizer.step": "step", "Optimizer.zero_grad": "zero"}.get(args[0].split("#")[0])
        if kind is None:
            return
        self._silent.append(kind)
        optimizer = _self_of(frame)
        if optimizer is not None:
            rates = tuple(float(group["lr"]) for group in optimizer.param_groups if "lr" in group)
            self._add(kind, Stepped(weakref.ref(optimizer), rates), frame)

    def _inside(self, func: Any, frame: FrameType, own: FrameType) -> None:
        """Clipping and the gradient scaler, told from the file of torch that made the call."""
        if _MODULES in frame.f_code.co_filename:
            return
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
        roots = _given(args[:1], {}) or _given((), kwargs)
        own = own_frame(frame) or frame
        kept = bool(kwargs.get("retain_graph") or kwargs.get("create_graph"))
        measured = sizes.Measured()
        with contextlib.suppress(Exception):
            measured.begin(roots)
        about = measured.as_pass(self._newest, kept)
        self._passes.append(about)
        if len(self._passes) > MOST_PASSES:
            self._passes.pop(0).sizes.clear()
        self.record.events.append(
            Event("backward", len(self.record), own.f_code, own.f_lasti, about)
        )
        try:
            return func(*args, **kwargs)
        finally:
            measured.end()

    def _add(self, kind: str, about: Any, frame: FrameType) -> None:
        own = own_frame(frame) or frame
        self.record.events.append(
            Event(kind, len(self.record), own.f_code, own.f_lasti, about)
        )

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


def _given(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Tensor]:
    """The tensors among arguments, also in lists and tuples, three deep."""
    found: list[Tensor] = []
    for one in args:
        if isinstance(one, Tensor):
            found.append(one)
        elif isinstance(one, list | tuple):
            _nested(one, found, 3)
    if kwargs:
        for one in kwargs.values():
            if isinstance(one, Tensor):
                found.append(one)
            elif isinstance(one, list | tuple):
                _nested(one, found, 3)
    return found


def _nested(values: Any, found: list[Tensor], deep: int) -> None:
    for one in values:
        if isinstance(one, Tensor):
            found.append(one)
        elif deep > 1 and isinstance(one, list | tuple):
            _nested(one, found, deep - 1)
        elif isinstance(one, int | float):
            return  # a list of plain numbers may be long


def _within(frame: FrameType, file: str) -> bool:
    above: FrameType | None = frame
    for _ in range(6):
        if above is None:
            return False
        if above.f_code.co_filename.endswith(file):
            return True
        above = above.f_back
    return False


def _self_of(frame: FrameType) -> Any:
    """The optimizer whose method a frame of torch/optim was called on."""
    above: FrameType | None = frame
    for _ in range(6):
        if above is None:
            return None
        found = above.f_locals.get("self")
        if isinstance(found, torch.optim.Optimizer):
            return found
        given = above.f_locals.get("args")
        if isinstance(given, tuple) and given and isinstance(given[0], torch.optim.Optimizer):
            return given[0]
        above = above.f_back
    return None
