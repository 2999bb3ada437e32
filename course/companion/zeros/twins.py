"""A difference or a ratio of a value and itself, computed twice: its gradients cancel."""

from __future__ import annotations

from torch import Tensor

from course.companion.finding import Finding, found
from course.companion.places import written
from course.companion.record.calls import Call, Record

_COMPARED = {
    *("sub", "__sub__", "subtract", "div", "__truediv__", "true_divide"),
    *("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"),
}
_WHOLE = {
    *("linear", "conv1d", "conv2d", "conv3d", "embedding", "matmul", "__matmul__", "mm", "addmm"),
    *("layer_norm", "relu", "leaky_relu", "elu", "silu", "gelu", "tanh", "sigmoid", "softplus"),
    *("softmax", "log_softmax", "logsumexp", "exp", "log", "sqrt", "neg", "__neg__", "gather"),
    *("sub", "__sub__", "add", "__add__", "mul", "__mul__", "div", "__truediv__", "clamp"),
    *("sum", "mean", "squeeze", "unsqueeze", "flatten", "broadcast_tensors"),
}
"""What uses a tensor as a whole: of the same tensors it gives the same, if nothing is drawn."""
_SINGLE = {
    *("__getitem__", "index_select", "stack", "cat", "detach", "randn", "rand", "randint"),
    *("tensor", "view", "reshape", "permute", "transpose"),
}
"""What gives one tensor, so that two uses of its result are uses of the same one."""

_CASTS = {"long", "float", "double", "to", "contiguous"}
"""What gives the tensor itself, where it is so already."""


def difference(record: Record | None, tensor: Tensor, loss: Tensor, name: str) -> Finding | None:
    """The line where a value is compared with itself on the way from a tensor to a loss.

    To be asked where the gradient of the tensor is exactly 0.
    """
    end = record.source_of(loss) if record is not None else None
    start = record.source_of(tensor) if record is not None else None
    if record is None or end is None or start is None:
        return None
    for number in sorted(record.before([end])):
        call = record.call(number) if number >= 0 else None
        if call is None or call.name not in _COMPARED or call.recorded != (True, True):
            continue
        first, second = call.sources
        if start in record.before([first]) and _are_twins(record, first, second):
            return found("zero_twins", tensor=name, place=call.place, call=f"{call.name}()")
    return None


def _are_twins(record: Record, first: int, second: int) -> bool:
    """Whether two results come from the same calls of the same tensors."""
    seen, ahead = set(), [(first, second)]
    while ahead:
        one, other = pair = tuple(_uncast(record, number) for number in ahead.pop())
        if pair in seen:
            continue
        seen.add(pair)
        if one == other:
            if one >= 0 and not _is_single(record.call(one)):
                return False
            continue
        call, again = (record.call(number) if number >= 0 else None for number in pair)
        if call is None or again is None or call.func is not again.func:
            return False
        if not (_is_whole(call) and _is_whole(again)) or call.recorded != again.recorded:
            return False
        ahead += zip(call.sources, again.sources, strict=True)
    return True


def _uncast(record: Record, number: int) -> int:
    while number >= 0 and (call := record.call(number)) is not None and call.name in _CASTS:
        number = call.sources[0]
    return number


def _is_whole(call: Call) -> bool:
    """Whether it uses its tensors as a whole, or a library takes the part, always the same."""
    by_library = call.name == "__getitem__" and written(call.code, call.instruction).endswith(")")
    return call.name in _WHOLE or by_library


def _is_single(call: Call | None) -> bool:
    return call is not None and (call.name in _WHOLE or call.name in _SINGLE)
