"""Where a gradient becomes zero or nan: the first node that gets a good one and hands on a bad."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from course.companion import curvature, fed, twins
from course.companion.calls import Pass, Record
from course.companion.finding import Finding, found
from course.companion.places import Place
from course.companion.reach import Reach
from course.companion.sizes import PASSES_ON, Measured, Size, Sizes, largest, nodes, size_of

_STEPS = ("Round", "Floor", "Ceil", "Sign", "Trunc")
_DRAWS = ("Bernoulli", "Normal", "Poisson")
_RELU = ("Relu", "Threshold")
_FLAT = (
    *("Sigmoid", "Tanh", "Clamp", "Hardtanh", "Hardsigmoid", "BinaryCrossEntropy", "Erf", "Elu"),
    *("Softplus", "LogSigmoid", "Silu", "Gelu", "Hardswish", "Relu6", "Exp"),
)
_FACTOR = ("Mul", "Mm", "Addmm", "Bmm", "Baddbmm", "Linear", "Convolution", "Dot", "Mv", "Where")
_FACTORS = (*_FACTOR, "MaskedFill", "NativeDropout", "MkldnnLinear", "Addcmul", "Pow", "Prod")
_SUMS = ("Softmax", "LogSoftmax", "NativeLayerNorm", "NativeBatchNorm", "NativeGroupNorm", "Norm")
_POINTS = (
    *("Sqrt", "Rsqrt", "Pow", "Log", "Div", "Reciprocal", "Norm", "LinalgVectorNorm", "Std", "Var"),
    *("Acos", "Asin", "Atan2", "Cdist", "PairwiseDistance", "Xlogy", "Acosh", "Float"),
)
TINY = 1e-6


def seen(record: Record) -> list[Finding]:
    """The losses of watched backward passes that were nan or inf."""
    broken = [event.about.broken for event in record.events_of("backward")]
    calls = [record.of_node(one) for one in broken if one >= 0]
    return [
        found(
            "nan_loss", tensor="the loss", bad="nan or inf", first=f"{one.name}()", place=one.place
        )
        for one in calls
        if one is not None
    ]


class Freed(Exception):
    """The graph was freed, and no watched pass went through it."""


class Births:
    """The gradients of one loss, node by node, as a watched pass or one of its own saw them."""

    def __init__(
        self,
        record: Record | None,
        loss: Tensor,
        reach: Reach,
        names: Callable[[Tensor], str] = lambda tensor: "another factor",
    ) -> None:
        self._record, self._loss, self._reach, self._names = record, loss, reach, names
        self._ends: dict[int, Size | None] = {}
        """The size of each leaf's gradient, where it was measured anew."""

    @cached_property
    def _measured(self) -> Pass | None:
        """A pass that went through this graph; None if the graph was freed before one was seen."""
        number = _number(self._reach.root)
        events = self._record.events_of("backward") if self._record is not None else []
        for event in reversed(events):
            seen: Pass = event.about
            if number in seen.roots and (seen.sizes or seen.broken >= 0):
                return seen
        measured = Measured()
        leaves = [one.variable for one in self._reach.nodes if hasattr(one, "variable")]
        measured.begin([self._loss])
        try:
            gradients = _differentiated(self._loss, leaves)
            sizes = map(size_of, gradients)
            self._ends = dict(zip(map(id, leaves), sizes, strict=True))
        except Freed:
            return None
        finally:
            measured.end()
        return measured.as_pass(True)

    def why_bad(self, tensor: Tensor, name: str) -> list[Finding]:
        """The nodes in which a tensor's gradient becomes zero or nan. Raises Freed."""
        if self._measured is None:
            raise Freed
        measured, broken = self._measured.sizes, self._measured.broken
        if broken >= 0 or not _is_finite(self._loss):
            return [_of_loss(self._record, self._loss, self._reach, broken)]
        target = self._reach.target(tensor)
        born, bad, last, into = _followed(self._reach, target, measured)
        end = self._size_at(tensor)
        ways = _ways(self._reach, target)
        if end == 0 and (twin := twins.difference(self._record, tensor, self._loss, name)):
            return [twin]
        if end == 0 and not _is_bad(bad) and ways > 1:
            return [found("zero_cancels", tensor=name, count=ways)]
        if (
            end is not None
            and not _is_bad(bad)
            and (not math.isfinite(end) or _is_tiny(end, into, last))
        ):
            born, bad = [(last, end)], end  # at the last operation before the leaf
        wanted = [one for one in born if math.isfinite(one[1]) == math.isfinite(bad)]
        if target is None or not _is_bad(bad):
            return []
        told = dict(wanted).items()
        straight = curvature.missing(self._record, self._reach, [node for node, _ in told], name)
        if bad == 0 and straight is not None:
            return [straight]
        return [self._told(node, size, tensor, name) for node, size in told][:2]

    def _told(self, node: Any, size: float, tensor: Tensor, name: str) -> Finding:
        finding = _finding(self._record, node, size, name, self._end_of(tensor))
        if finding.code == "nan_other" and (row := self._masked_row(node, name)) is not None:
            return row
        if finding.code != "zero_factor" or (other := self._starting(node)) is None:
            return finding
        call, place = _call(self._record, node)
        words = {"node": node.name(), "call": call, "other": self._names(other)}
        return found("zero_start", tensor=name, place=place, sure=False, **words)

    def _masked_row(self, born: Any, name: str) -> Finding | None:
        """The softmax before a node that gave nan: its factor there is no number."""
        shares = self._measured.shares if self._measured is not None else {}
        for node in nodes([born]):
            size = shares.get(_number(node))
            if size is not None and math.isnan(largest(size)):
                call, place = _call(self._record, node)
                return found("nan_row", tensor=name, place=place, call=call)
        return None

    def _starting(self, node: Any) -> Tensor | None:
        """The other factor of a node, if it is a leaf that has a gradient of its own."""
        for leaf in map(_leaf_behind, (below for below, _ in node.next_functions)):
            if leaf is not None and not _is_bad(self._size_at(leaf) or 0.0):
                return leaf
        return None

    def _end_of(self, tensor: Tensor) -> float:
        """What a tensor has of its gradient: 0 where that is unknown."""
        return self._size_at(tensor) or 0.0

    def _size_at(self, tensor: Tensor) -> float | None:
        size = self._ends.get(id(tensor))
        if size is None and tensor.is_leaf:
            size = size_of(tensor.grad)
        return None if size is None else largest(size)


def _followed(
    reach: Reach, target: Any, measured: Sizes
) -> tuple[list[tuple[Any, float]], float, Any, float]:
    """The nodes on the way to a target that make a good gradient bad.

    Also what arrives at the target, the last node before it that computes something, and what
    arrives there.
    """
    leading = reach.leading_to(target)
    coming: dict[Any, float] = {reach.root: 1.0}
    born: list[tuple[Any, float]] = []
    last, at_last = reach.root, 1.0
    for node in sorted(leading, key=lambda one: -_number(one)):
        into = coming.get(node, 0.0)
        out = measured[_number(node)][1] if _number(node) in measured else {}
        if node is target:
            break
        if type(node).__name__ not in PASSES_ON:
            last, at_last = node, into
        for index, (below, _) in enumerate(node.next_functions):
            if below not in leading:
                continue
            went = out.get(index)
            size = into if went is None else largest(went)
            if _is_tiny(size, into, node) or (math.isfinite(into) and not math.isfinite(size)):
                born.append((node, size))
                size = 0.0 if math.isfinite(size) else size
            before = coming.get(below, 0.0)
            worst = not math.isfinite(before) or before > size
            coming[below] = before if worst and math.isfinite(size) else size
    return born, coming.get(target, 0.0), last, at_last


def _ways(reach: Reach, target: Any) -> int:
    """How many edges lead into a node."""
    return sum(below is target for node in reach.nodes for below, _ in node.next_functions)


def _leaf_behind(node: Any) -> Tensor | None:
    """The leaf that a node hands its gradient to as it is."""
    while node is not None and not hasattr(node, "variable"):
        if type(node).__name__ not in PASSES_ON or len(node.next_functions) != 1:
            return None
        ((node, _),) = node.next_functions
    return node.variable if node is not None else None


def _differentiated(loss: Tensor, tensors: list[Tensor]) -> tuple[Tensor | None, ...]:
    start = torch.ones_like(loss)
    try:
        return torch.autograd.grad(loss, tensors, start, retain_graph=True, allow_unused=True)
    except RuntimeError as error:
        if "second time" in str(error):
            raise Freed from error
        raise


def _of_loss(record: Record | None, loss: Tensor, reach: Reach, broken: int) -> Finding:
    node = next((one for one in reach.nodes if _number(one) == broken), reach.root)
    call, place = _call(record, node)
    if _is_one_of(node, ("Softmax", "LogSoftmax")):
        return found("nan_row", tensor="the loss", place=place, call=call)
    bad = "nan" if bool(torch.isnan(loss.detach()).any()) else "inf"
    return found("nan_loss", tensor="the loss", bad=bad, first=call, place=place)


def _finding(record: Record | None, node: Any, size: float, name: str, end: float) -> Finding:
    """`size` is what leaves the node, `end` what the tensor has of it."""
    call, place = _call(record, node)
    words = {"node": node.name(), "call": call, "place": place, "tensor": name}
    if not math.isfinite(size):
        code = "nan_point" if _is_one_of(node, _POINTS) else "nan_other"
        return found(code, bad="nan" if math.isnan(size) or math.isnan(end) else "inf", **words)
    if _is_one_of(node, ("Softmax", "LogSoftmax")) and _is_single(node):
        return found("zero_single", **words)
    if _is_alone(node):
        return found("zero_alone", **words)
    if (index := _padded(record, node)) is not None:
        return found("zero_padding", index=index, **words)
    groups = (
        (_STEPS, "zero_step"),
        (_DRAWS, "zero_draw"),
        (_RELU, "zero_relu"),
        (_FLAT, "zero_flat"),
    )
    for names, code in (*groups, (_SUMS, "zero_sum"), (_FACTORS, "zero_factor")):
        if _is_one_of(node, names):
            return found(code, **words)
    return found("zero_other", sure=False, **words)


def _call(record: Record | None, node: Any) -> tuple[str, Place | None]:
    by_hand = isinstance(node, torch.autograd.function.BackwardCFunction)  # no call makes it
    call = record.of_node(_number(node)) if record is not None and not by_hand else None
    if call is not None:
        return f"{call.name}()", call.place
    started = record.pass_of_node(_number(node)) if record is not None and not by_hand else None
    if started is not None:
        return "made by the pass with create_graph=True that is started here", started.place
    return re.sub(r"Backward\d*$", "", node.name()), None


def _is_one_of(node: Any, names: tuple[str, ...]) -> bool:
    plain = re.sub(r"Backward\d*$", "", node.name())
    return plain in names or re.sub(r"\d+$", "", plain) in names


def _is_single(node: Any) -> bool:
    """Whether a softmax went over a dimension of size 1."""
    dim, (shape,) = node._saved_dim, [one.shape for one in node._input_metadata]
    return bool(shape) and shape[dim if dim < len(shape) else dim - 2**64] == 1


def _is_alone(node: Any) -> bool:
    """Whether a normalization went over groups of one value."""
    if _is_one_of(node, ("NativeLayerNorm",)):
        return math.prod(map(int, node._saved_normalized_shape)) == 1
    if _is_one_of(node, ("NativeGroupNorm",)):
        return int(node._saved_C * node._saved_HxW) == int(node._saved_group)
    return False


def _padded(record: Record | None, node: Any) -> int | None:
    """The padding_idx of an embedding that was given nothing else."""
    call = record.of_node(_number(node)) if record is not None else None
    if call is None or not _is_one_of(node, ("Embedding",)) or call.note[0] != fed.PADDING:
        return None
    return int(call.note[1])


def _is_tiny(size: float, into: float, node: Any) -> bool:
    if not math.isfinite(into) or into == 0:
        return False
    # Of one value the root of eps divides what rounding left of 0.
    most = 1e-3 if _is_alone(node) else TINY
    return size == 0 or (_is_one_of(node, _SUMS) and size < most * into)


def _is_bad(size: float) -> bool:
    return not math.isfinite(size) or size <= TINY


def _is_finite(tensor: Tensor) -> bool:
    return bool(torch.isfinite(tensor.detach()).all())


def _number(node: Any) -> int:
    """When a node was made; leaves come last in a pass."""
    return -1 if hasattr(node, "variable") else int(node._sequence_nr())
