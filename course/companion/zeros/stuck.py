"""The other factor of a gradient that is zero: a weight that is stuck at 0, or a centred value."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn

from course.companion.record.calls import Call, Record

_PRODUCTS = {
    *("linear", "matmul", "__matmul__", "mm", "bmm", "mv", "mul", "__mul__", "__rmul__"),
    *("conv1d", "conv2d", "conv3d"),
}
_LAYERS = {"linear", "conv1d", "conv2d", "conv3d"}
_TURNS = {
    *("T", "t", "mT", "transpose", "permute", "view", "reshape", "unsqueeze", "squeeze"),
    *("flatten", "expand", "contiguous", "detach", "to", "float", "double", "clone", "neg"),
    *("__neg__", "__getitem__"),
}
"""What gives zeros of zeros, and of nothing else."""
_DIFFERENCES = {"sub", "__sub__", "subtract"}
_QUOTIENTS = {"div", "__truediv__", "true_divide"}


def at_zero(record: Record | None, call: Call | None, tensor: Tensor) -> Tensor | None:
    """Beside a tensor of zeros in a product: a parameter of zeros whose gradient is 0."""
    if record is None or call is None or call.name not in _PRODUCTS or tensor.detach().any():
        return None
    for leaf in _leaves(record, call):
        if leaf is tensor or not leaf.requires_grad or leaf.grad is None:
            continue
        if not leaf.grad.any() and not leaf.detach().any():
            return leaf
    return None


def _leaves(record: Record, call: Call) -> Iterator[Tensor]:
    """The parameters of a product, and of the products that it was given."""
    ahead = [(one, 0) for one in call.sources[:2]]
    for source, depth in ahead:
        if source < 0:
            leaf = record.sources[-1 - source]()
            if isinstance(leaf, nn.Parameter):
                yield leaf
            continue
        made = record.call(source) if depth < 6 else None
        if made is not None and made.name in _PRODUCTS | _TURNS:
            ahead += [(one, depth + 1) for one in made.sources[:2]]


def weight_before(record: Record | None, call: Call | None) -> Tensor | None:
    """The weight of the layer whose result a call is given as it is."""
    product = _product_before(record, call)
    if record is None or product is None:
        return None
    leaves = (record.sources[-1 - one]() for one in product.sources[1:2] if one < 0)
    return next((one for one in leaves if isinstance(one, nn.Parameter)), None)


def is_given_zeros(record: Record | None, call: Call | None) -> bool:
    """Whether that layer gives 0 everywhere: weight and bias are zeros."""
    product = _product_before(record, call)
    if record is None or product is None:
        return False
    held = [record.sources[-1 - one]() for one in product.sources[1:] if one < 0]
    return len(held) == len(product.sources) - 1 and all(
        one is not None and not one.detach().any() for one in held
    )


def _product_before(record: Record | None, call: Call | None) -> Call | None:
    made = call
    while record is not None and made is not None and made.sources and made.sources[0] >= 0:
        made = record.call(made.sources[0])
        if made is not None and made.name in _LAYERS:
            return made
        if made is not None and made.name not in _TURNS:
            return None
    return None


def readers(record: Record | None, call: Call) -> Iterator[Call]:
    """The calls of other lines that were given what the calls of a line gave."""
    mine: set[int] = set()
    for number, one in record.every() if record is not None else ():
        is_given = not mine.isdisjoint(one.sources)
        if one == call or (is_given and one.place == call.place):
            mine.add(number)
        elif is_given:
            yield one


def centred(record: Record | None, call: Call | None) -> Call | None:
    """The difference of a value and its own mean that a product's other factor was made of."""
    if record is None or call is None or len(call.sources) != 2 or sum(call.recorded) != 1:
        return None
    number = call.sources[call.recorded.index(False)]
    while number >= 0 and (made := record.call(number)) is not None:
        if made.name in _DIFFERENCES and len(made.sources) == 2:
            return made if _is_mean_of(record, *made.sources) else None
        if made.name not in _TURNS | _QUOTIENTS or not made.sources:
            return None
        number = made.sources[0]
    return None


def _is_mean_of(record: Record, value: int, mean: int) -> bool:
    """Whether one value is the mean of another."""
    while mean >= 0 and (made := record.call(mean)) is not None:
        if made.name == "mean":
            return made.sources[:1] == (value,)
        if made.name not in _TURNS or not made.sources:
            return False
        mean = made.sources[0]
    return False
