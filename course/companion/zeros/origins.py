"""What a node that makes a zero or a nan of a gradient does: its kind of finding, and its line."""

from __future__ import annotations

import ast
import inspect
import math
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from course.companion.finding import Finding, found
from course.companion.places import Place, is_library
from course.companion.record import fed
from course.companion.record.calls import Record
from course.companion.record.sizes import Size, largest
from course.companion.zeros import makers, stuck

Names = Callable[[Tensor], str]

_ZERO = re.compile(r"(?<![\w.])0(\.0*)?\s*\*(?!\*)|(?<!\*)\*\s*0(\.0*)?(?![\w.])")
"""A number 0 as a factor in the text of a line."""
_STEPS = ("Round", "Floor", "Ceil", "Sign", "Trunc")
_DRAWS = ("Bernoulli", "Normal", "Poisson")
_RELU = ("Relu", "Threshold")
FLAT = (
    *("Sigmoid", "Tanh", "Hardtanh", "Hardsigmoid", "BinaryCrossEntropy", "Erf", "Elu"),
    *("Softplus", "LogSigmoid", "Silu", "Gelu", "Hardswish", "Relu6", "Exp"),
)
_CLAMPS = ("Clamp", "ClampMin", "ClampMax")
_FACTOR = ("Mul", "Mm", "Addmm", "Bmm", "Baddbmm", "Linear", "Convolution", "Dot", "Mv", "Where")
_FACTORS = (*_FACTOR, "MaskedFill", "NativeDropout", "MkldnnLinear", "Addcmul", "Pow", "Div")
_LOSSES = ("MseLoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "Abs")
_SOFTMAX = ("Softmax", "LogSoftmax")
NORMS = tuple(
    f"{one}Norm"
    for one in ("NativeBatch", "CudnnBatch", "MiopenBatch", "NativeLayer", "NativeGroup")
)
"""Normalizations that may end in a factor and a shift of their own."""
SUMS = (*_SOFTMAX, *NORMS, "Norm")
_POINTS = (
    *("Sqrt", "Rsqrt", "Pow", "Log", "Div", "Reciprocal", "Norm", "LinalgVectorNorm", "Std", "Var"),
    *("Acos", "Asin", "Atan2", "Cdist", "PairwiseDistance", "Xlogy", "Acosh", "Float"),
)


@dataclass(frozen=True)
class Birth:
    """A node that makes a good gradient bad."""

    node: Any
    size: float
    """What leaves it."""
    is_lost: bool = False
    """Whether it is what arrived that is 0, though what was sent is not."""
    is_none: bool = False
    """Whether it gave None."""
    is_half: bool = False
    """Whether it gave float16, and what it was given was too small or too large for that."""


def finding(
    record: Record | None, birth: Birth, name: str, end: float, shares: Size | None = None
) -> Finding:
    """What to say of a node that makes a zero or a nan.

    `end` is what the tensor has of what leaves it, `shares` the extremes of what a softmax gave,
    or of a normalization's weight.
    """
    node, size = birth.node, birth.size
    call, place = call_of(record, node)
    step = call.replace("_()", "()") if call.endswith("()") else "round()"
    words = {"node": node.name(), "call": call, "place": place, "tensor": name, "step": step}
    if _is_hook(node):
        return found("zero_hook", tensor=name)
    if birth.is_none:
        return found("none_returned", **words)
    if not math.isfinite(size):
        bad = "nan" if math.isnan(size) or math.isnan(end) else "inf"
        if is_one_of(node, _POINTS):
            return found("nan_point", bad=bad, **words)
        if birth.is_half:
            return found("inf_half", **words)
        if bad == "nan" and (by := makers.chosen_behind(record, number_of(node))) is not None:
            hiding: dict[str, Any] = {"by": f"{by.name}()", "at": by.place}
            return found("nan_hidden", bad=bad, sure=False, **hiding, **words)
        return found("nan_other", bad=bad, **words)
    if shares is not None and is_one_of(node, NORMS) and largest(shares) == 0:
        return found("zero_factor", other=", its weight", **words)
    if birth.is_half and not is_one_of(node, (*_STEPS, *_DRAWS, *_RELU)):
        return found("zero_half", **words)
    if is_one_of(node, _SOFTMAX) and (_is_single(node) or _is_one(node, shares)):
        return found("zero_single", **words)
    if is_alone(node):
        return found("zero_alone", **words)
    if (index := _padded(record, node)) is not None:
        return found("zero_padding", index=index, **words)
    if shares is not None and is_one_of(node, _SOFTMAX) and _is_saturated(*shares):
        return found("zero_saturated", **words)
    if makers.is_nearest(record, number_of(node)):
        return found("zero_nearest", **words)
    if (
        is_one_of(node, (*_FACTORS, "Prod"))
        and (by := makers.limits(record, number_of(node))) is not None
    ):
        told: dict[str, Any] = {"by": f"{by.name}()", "at": by.place}
        return found("zero_beyond", sure=False, **told, **words)
    if is_one_of(node, _LOSSES):
        return found("zero_equal", **words)
    if is_one_of(node, ("Stack", "Cat")):
        return found("zero_part", sure=False, **words)
    groups = (
        (_STEPS, "zero_step"),
        (("Prod",), "zero_product"),
        (("NanToNum",), "zero_nan_hidden"),
        (_DRAWS, "zero_draw"),
        (_RELU, "zero_relu"),
        (_CLAMPS, "zero_clamped"),
        (FLAT, "zero_flat"),
    )
    for names, code in (*groups, (SUMS, "zero_sum"), (_FACTORS, "zero_factor")):
        if is_one_of(node, names):
            other = _other_factor(record, node) if code == "zero_factor" else ""
            return found(code, other=other, **words)
    return found("zero_other", sure=False, **words)


def by_factor(
    record: Record | None, told: Finding, node: Any, tensor: Tensor, names: Names
) -> Finding:
    """The same, where a product is 0 for a reason that was seen."""
    call = record.of_node(number_of(node)) if record is not None else None
    if call is not None and call.name == "_pad_packed_sequence" and told.code == "zero_other":
        reads = [one.place for one in stuck.readers(record, call)]
        place, read = (reads[0], " here") if len(set(reads)) == 1 else (told.place, "")
        made = f" at {told.place}" if read else " here"
        return found("zero_behind_end", tensor=told.tensor, place=place, made=made, read=read)
    leaf = stuck.weight_before(record, call) if told.code == "zero_relu" else None
    if call is not None and leaf is not None:
        if not stuck.is_given_zeros(record, call):
            return replace(told, sentence=_behind(told.sentence, names(leaf)))
        words = {"tensor": told.tensor, "node": node.name(), "call": f"{call.name}()"}
        other = "the weight in front of it" if leaf is tensor else names(leaf)
        return found("zero_relu_start", place=told.place, other=other, **words)
    if told.code != "zero_factor" or call is None:
        return told
    words = {"tensor": told.tensor, "node": node.name(), "call": f"{call.name}()"}
    if len(call.sources) == 1 and _ZERO.search(call.place.text):
        return found("zero_number", sure=False, place=told.place, **words)
    if (zeros := makers.zeros(record, number_of(node))) is not None:
        by = f"{zeros.name}()"
        return found("zero_made", place=zeros.place, at=told.place, by=by, **words)
    if (leaf := stuck.at_zero(record, call, tensor)) is not None:
        return found("zero_both", place=told.place, other=names(leaf), **words)
    if (difference := stuck.centred(record, call)) is not None:
        return found("zero_centred", place=difference.place, **words)
    return told


def _behind(sentence: str, weight: str) -> str:
    """The same, with the layer that gives the input."""
    return sentence.replace("the input is not", f"the input, which {weight} makes, is not")


def _other_factor(record: Record | None, node: Any) -> str:
    """Words on what a product meets that requires no grad, if a watched call gave it."""
    call = record.of_node(number_of(node)) if record is not None else None
    if record is None or call is None or len(call.sources) != 2 or sum(call.recorded) != 1:
        return ""
    number = call.sources[call.recorded.index(False)]
    made = record.call(number) if number >= 0 else None
    return f", which {made.name}() gave at {made.place}" if made else ""


def call_of(record: Record | None, node: Any) -> tuple[str, Place | None]:
    """The call, or the pass with create_graph=True, that made a node; and its line."""
    if isinstance(node, torch.autograd.function.BackwardCFunction):  # no call makes it
        return _plain(node), backward_of(getattr(type(node), "_forward_cls", None))
    call = record.of_node(number_of(node)) if record is not None else None
    if call is not None:
        return f"{call.name}()", call.place
    started = record.pass_of_node(number_of(node)) if record is not None else None
    if started is not None:
        return "made by the pass with create_graph=True that is started here", started.place
    return _plain(node), None


def is_one_of(node: Any, names: tuple[str, ...]) -> bool:
    """Whether a node is of an operation with one of these names."""
    plain = _plain(node)
    return plain in names or re.sub(r"\d+$", "", plain) in names


def is_alone(node: Any) -> bool:
    """Whether a normalization went over groups of one value."""
    if is_one_of(node, ("NativeLayerNorm",)) and hasattr(node, "_saved_normalized_shape"):
        return math.prod(map(int, node._saved_normalized_shape)) == 1
    if is_one_of(node, ("NativeGroupNorm",)) and hasattr(node, "_saved_group"):
        return int(node._saved_C * node._saved_HxW) == int(node._saved_group)
    return False


def number_of(node: Any) -> int:
    """When a node was made; leaves come last in a pass."""
    return -1 if hasattr(node, "variable") else int(node._sequence_nr())


def _plain(node: Any) -> str:
    return re.sub(r"Backward\d*$", "", node.name())


def backward_of(function: Any) -> Place | None:
    """Where the backward of a custom Function returns, if that is its reader's own."""
    function = getattr(function, "backward", None)
    code = getattr(function, "__code__", None)
    if code is None or is_library(code.co_filename):
        return None
    try:
        lines, first = inspect.getsourcelines(code)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, SyntaxError):
        return Place(code.co_filename, code.co_firstlineno)
    returns = [one.lineno for one in ast.walk(tree) if isinstance(one, ast.Return)]
    return Place(code.co_filename, first + max(returns, default=1) - 1)


def _is_hook(node: Any) -> bool:
    """Whether it is where torch calls the backward hooks of a module."""
    return str(node.name()).startswith("BackwardHookFunction")


def _is_saturated(low: Tensor, high: Tensor) -> bool:
    """Whether a softmax gave rows of one 1 and zeros, where it is flat."""
    return high.item() > 1 - 1e-6 and low.item() < 1e-30


def _is_single(node: Any) -> bool:
    """Whether a softmax went over a dimension of size 1."""
    if not hasattr(node, "_saved_dim"):
        return False  # what is left of one that is gone
    dim, (shape,) = node._saved_dim, [one.shape for one in node._input_metadata]
    return bool(shape) and shape[dim if dim < len(shape) else dim - 2**64] == 1


def _is_one(node: Any, shares: Size | None) -> bool:
    """Whether everything that a softmax gave is 1, which only a dimension of size 1 can make."""
    of_ones = 0.0 if is_one_of(node, ("LogSoftmax",)) else 1.0
    return shares is not None and all(one.item() == of_ones for one in shares)


def _padded(record: Record | None, node: Any) -> int | None:
    """The padding_idx of an embedding that was given nothing else."""
    call = record.of_node(number_of(node)) if record is not None else None
    if call is None or not is_one_of(node, ("Embedding",)) or call.note[0] != fed.PADDING:
        return None
    return int(call.note[1])
