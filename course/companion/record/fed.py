"""What a loss was fed: probabilities for scores, shapes that broadcast, targets all ignored."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch._C._functorch import is_functorch_wrapped_tensor

from course.companion.record.calls import Call, Record

_SCORES = {F.cross_entropy: "softmax", F.binary_cross_entropy_with_logits: "sigmoid"}
_LOGS = {F.nll_loss, F.kl_div}
_SAME_SHAPE = {F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss}
_DIFFERENCE = {Tensor.sub, torch.sub, Tensor.__sub__, torch.rsub}
MODE = "mode"
"""The note of a call that is told whether the model is in training."""
_TOLD = {F.dropout: 2, F.dropout2d: 2, F.dropout1d: 2, F.batch_norm: 5}
"""Where among the arguments that stands."""
PADDING = "padding"
"""The note of an embedding that was given nothing but its padding."""
_PRODUCT = {Tensor.mul, torch.mul, Tensor.__mul__, torch.multiply}
OUTER = "outer"
"""The note of a product of (n, 1) and (n,)."""
FOLDED = "folded"
"""The note of a change of shape that makes other rows than there are samples."""
_SHAPING = {Tensor.view, Tensor.reshape, torch.reshape, Tensor.flatten, torch.flatten}
ROWS = "rows"
"""The note of a comparison of a few rows with the rows of a target."""
NEAREST = "nearest"
"""The note of a call that samples at the nearest place of a grid."""
CHECKED = {
    F.embedding,
    F.grid_sample,
    *_SHAPING,
    *_TOLD,
    *_SCORES,
    *_LOGS,
    *_SAME_SHAPE,
    *_DIFFERENCE,
    *_PRODUCT,
}
HANDED_ON = {
    "view",
    "reshape",
    "flatten",
    "squeeze",
    "unsqueeze",
    "transpose",
    "permute",
    "contiguous",
    "float",
    "double",
    "to",
    "__getitem__",
    "clone",
    "T",
}
"""What gives the values that it was given, in another shape or dtype, or some of them."""


def noted(
    func: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    tensors: list[Tensor],
    outs: list[Tensor],
) -> tuple[str, Any]:
    """What is wrong with a loss's arguments, as a kind and a detail, or ("", None)."""
    if func in _TOLD:
        at = _TOLD[func]
        training = args[at] if len(args) > at else kwargs.get("training", func is not F.batch_norm)
        return (MODE, bool(training))
    if func in _SHAPING:
        before, after = tensors[0].shape, outs[0].shape
        folds = len(before) > 2 and len(after) == 2 and before[0] > after[0]
        return (FOLDED, (before[0], after[0])) if folds else ("", None)
    if len(tensors) < 2:
        return ("", None)
    if func is F.grid_sample:
        mode = args[2] if len(args) > 2 else kwargs.get("mode", "bilinear")
        return (NEAREST, None) if mode == "nearest" else ("", None)
    if func is F.embedding:
        return _only_padding(tensors[0], args[2] if len(args) > 2 else kwargs.get("padding_idx"))
    given, target = tensors[0], tensors[1]
    if func in _DIFFERENCE or func in _SAME_SHAPE or func in _PRODUCT:
        shapes = tuple(given.shape), tuple(target.shape)
        if _outer(*shapes):
            kind = OUTER if func in _PRODUCT else "broadcast"
            return (kind, (*shapes, tuple(torch.broadcast_shapes(*shapes))))
        for at, (tensor, other) in enumerate(((given, target), (target, given))):
            if tensor.dim() == other.dim() == 2 and len(tensor) == 1 < len(other):
                return (ROWS, (at, len(other))) if tensor.requires_grad else ("", None)
        return ("", None)
    if func is F.cross_entropy and _all_ignored(target, outs[0], kwargs):
        return ("ignored", kwargs.get("ignore_index", -100))
    return ("", None)


def folded(call: Call, record: Record) -> Call | None:
    """The change of shape that made one row of a whole batch, of which a target has the rows."""
    at, rows = call.note[1]
    for number in sorted(record.before(call.sources[at : at + 1]), reverse=True):
        made = record.call(number) if number >= 0 else None
        if made is not None and made.note == (FOLDED, (rows, 1)):
            return made
    return None


def _only_padding(indices: Tensor, padding: int | None) -> tuple[str, Any]:
    if padding is None or not indices.numel() or not _is_readable(indices):
        return ("", None)
    return (PADDING, padding) if bool((indices == padding).all()) else ("", None)


def _is_readable(tensor: Tensor) -> bool:
    """Whether its numbers may be read here without anybody seeing that they were."""
    plain = type(tensor) is Tensor and tensor.device.type == "cpu"
    return (
        plain
        and not torch._C._len_torch_dispatch_stack()
        and not is_functorch_wrapped_tensor(tensor)
    )


def misfed(call: Call, record: Record) -> tuple[str, Call] | None:
    """Whether a loss was given what another call made of the scores, and which call."""
    if not call.sources or call.func not in CHECKED:
        return None
    maker = _maker(call.sources[0], record)
    if maker is None:
        return None
    if call.func in _SCORES and maker.name == _SCORES[call.func]:
        return ("probabilities", maker)
    if call.func in _LOGS and maker.name in ("softmax", "sigmoid"):
        return ("no_logarithm", maker)
    if call.func in _LOGS and maker.name == "linear":
        return ("scores_for_logs", maker)
    return None


def _maker(source: int, record: Record) -> Call | None:
    """The call whose result this is, seen through changes of shape."""
    for _ in range(8):
        call = record.call(source) if source >= 0 else None
        if call is None:
            return None
        if call.name not in HANDED_ON or not call.sources:
            return call
        source = call.sources[0]
    return None


def _outer(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether (n, 1) meets (n,): two columns of n numbers that make n times n."""
    short, long = sorted((one, other), key=len)
    return len(short) == 1 and len(long) == 2 and long == (short[0], 1) and short[0] > 1


def _all_ignored(target: Tensor, loss: Tensor, kwargs: dict[str, Any]) -> bool:
    if loss.dim() or not _is_readable(loss):
        return False
    if not math.isnan(loss.item()) or target.is_floating_point() or type(target) is not Tensor:
        return False
    return bool(target.numel()) and bool((target == kwargs.get("ignore_index", -100)).all())
