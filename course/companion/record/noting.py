"""How a torch call is written down: where its tensors came from, and what became of them."""

from __future__ import annotations

import os
import weakref
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef

from course.companion.places import LIBRARY, own_frame
from course.companion.record import fed
from course.companion.record.calls import DERIVED, MOST_CALLS, Record
from course.companion.record.functions import APART, OF_FIRST, READ, SHAPED, tensors_in
from course.companion.record.loop import Loop

_NOTHING = ("", None)
_DATA = vars(torch._C.TensorBase)["data"].__get__
_MODULES = os.path.join("torch", "nn", "modules", "")
next_node = torch._C._autograd._get_sequence_nr
"""The number that this thread's next node will have."""


class Notes:
    """Writes the calls of a watch down in its record."""

    def __init__(self, record: Record, loop: Loop) -> None:
        self.record, self.loop = record, loop
        self._values: dict[int, tuple[StorageWeakRef, int]] = {}
        """Memory whose values `.data` handed on, and which call did."""
        self._handed_on: set[int] = set()
        """Those calls."""
        self._lost: set[int] = set()
        """The calls that gave values without a graph, of values that had one."""
        self._numbers: set[int] = set()
        """Those of them that gave one number."""

    def call(
        self,
        func: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        out: Any,
        frame: FrameType,
        first: int,
    ) -> None:
        """Write down a call that gave `out`; `first` is the number that its first node had."""
        record, end = self.record, next_node()
        if func in APART and len(args) > 1:
            for given, result in zip(args, out, strict=True):
                self.call(func, (given,), {}, result, frame, first)
            return
        tensors = [] if func in SHAPED else tensors_in(args, kwargs)
        if func in OF_FIRST:
            tensors = tensors[:1]
        outs = [out] if type(out) is Tensor else tensors_in((out,), {})
        if not outs and func is not Tensor.__setitem__ and func not in READ:
            self.loop.event(func, args, frame)
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
                self._keep_values(outs[0], number)
                self._handed_on.add(number)
        elif func is Tensor.clone and sources and sources[0] in self._handed_on:
            self._keep_values(outs[0], number)  # as a deepcopy of a parameter makes them
        elif func in fed.CHECKED:
            note = fed.noted(func, args, kwargs, tensors, outs)
        if not gives_grad and (True in recorded or not self._lost.isdisjoint(sources)):
            self._lost.add(number)
            if func != _DATA and func is not Tensor.clone:
                self._keep_number(outs, number)
        at = func, own.f_code, own.f_lasti, tuple(sources), tuple(recorded)
        record.calls.append((*at, gives_grad, bool(outs), sequence, (first, end), note))
        if gives_grad and len(outs) > 1:
            self._note_indices(at, outs)
        if frame is not own and _MODULES not in frame.f_code.co_filename:
            self.loop.inside(frame, own)
        if len(record.calls) > MOST_CALLS:
            record.shorten()

    def begun(self, roots: list[Tensor]) -> None:
        """Meet the leaves that a backward pass begins with: a loss that was wrapped anew."""
        for root in roots:
            found = self.record.made.get(id(root))
            if root.grad_fn is None and (found is None or found[0]() is not root):
                self.record.made[id(root)] = self._met(root)

    def _keep_number(self, outs: list[Tensor], number: int) -> None:
        """Of one number without a graph, note that a new leaf may be made of it."""
        if len(outs) == 1 and type(outs[0]) is Tensor and not outs[0].dim():
            self._numbers.add(number)
            self._keep_values(outs[0], number)

    def _keep_values(self, values: Tensor, number: int) -> None:
        storage = values.untyped_storage()
        self._values[storage._cdata] = (StorageWeakRef(storage), number)

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

        `Variable(x.data)` is such a wrapping, which no mode sees, and so is `Variable(loss)`.
        """
        reference = weakref.ref(tensor)
        kind = type(tensor)
        if self._values and kind in (Tensor, nn.Parameter) and tensor.layout is torch.strided:
            kept = self._values.get(tensor.untyped_storage()._cdata)
            is_copy = kept is not None and not any(
                kept[1] in numbers for numbers in (self._handed_on, self._numbers)
            )
            if kept is not None and not kept[0].expired() and (kind is Tensor or is_copy):
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
            off = self.loop.offs.decisive()
            return ("off", off) if off is not None else ("hidden", None)
        return ("operation", None)

    def derived(self, roots: list[Tensor], outs: list[Tensor], own: FrameType) -> None:
        """Gradients that autograd.grad gave: without create_graph values cut off from its roots."""
        record, live = self.record, [one for one in outs if one.requires_grad]
        sources = []
        for root in roots:
            number = record.source_of(root)
            sources.append(self._met(root)[1] if number is None else number)
        recorded = tuple(root.requires_grad for root in roots)
        number, at = len(record), (torch.autograd.grad, own.f_code, own.f_lasti)
        node = live[0].grad_fn if live else None
        sequence = node._sequence_nr() if node is not None else -1
        note = _NOTHING if live else (DERIVED, None)
        record.calls.append(
            (*at, tuple(sources), recorded, bool(live), True, sequence, (0, 0), note)
        )
        for one in live or outs:
            record.made[id(one)] = (weakref.ref(one), number)
