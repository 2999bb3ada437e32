"""The exercise that makes a leaf of another dtype."""

from typing import Any

import torch
from torch import Tensor

from grader.engine.task import Case, Inputs, Rng, Task, case
from grader.tasks.leaves.making import _standing, held_gradient, source_of


def _cast(name: str, start: str, target: str, kind: str, **settings: Any) -> Case:
    return case(name, start=start, target=target, kind=kind, **settings)


class CastLeaf(Task):
    """Return a leaf of the given dtype that requires grad, holds the values of t on its device and
    has memory of its own, also where t has that dtype already, and no .grad yet. If tensors of the
    dtype cannot require grad, raise TypeError. Leave t as it is."""

    id = "cast_leaf"
    signatures = ("to_leaf(t, dtype) -> leaf",)
    title, points, difficulty, minutes = "A leaf in another dtype", 6, 2, 8
    prerequisites = ("make_leaf",)
    hints = (
        "Read section 2.4, on how a leaf is lost and made: a cast of a tensor that requires grad "
        "is recorded.",
        "What does t.to(t.dtype) return? And which dtypes can require grad: look at "
        "dtype.is_floating_point and dtype.is_complex.",
        "Test the dtype first. Then detach, cast with copy=True so that there is always new "
        "memory, and set the flag last.",
    )
    CASES = (
        _cast("float64 to float32", "float64", "float32", "plain", visible=True),
        _cast(
            "a leaf that requires grad, to bfloat16", "float64", "bfloat16", "leaf", visible=True
        ),
        _cast("a non-leaf, to complex64", "float64", "complex64", "computed", visible=True),
        _cast("to the dtype it has", "float32", "float32", "plain"),
        _cast("a non-leaf, float32 to float64", "float32", "float64", "computed"),
        _cast("to int64", "float64", "int64", "leaf", visible=True),
        _cast("to bool", "float32", "bool", "plain"),
        _cast("to uint8", "float32", "uint8", "plain"),
        _cast("to int32", "float32", "int32", "plain"),
        _cast("to int16", "float64", "int16", "plain"),
        _cast("to int8", "float64", "int8", "plain"),
        _cast("to float8_e5m2", "float64", "float8_e5m2", "plain"),
        _cast("to complex128", "float64", "complex128", "plain"),
        _cast("large numbers, to bfloat16", "float32", "bfloat16", "plain", factor=1e6),
        _cast("a leaf, to float16", "float64", "float16", "leaf"),
        _cast(
            "a leaf with an old .grad, float64 to float64",
            "float64",
            "float64",
            "trained",
            visible=True,
        ),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {"t": rng.apart(0.5, 3.0, 5)}

    def observe(self, to_leaf, t, start, target, kind, factor=1):
        # Which dtype t has is what this exercise is about: the case's own has no say in it.
        source = source_of(kind, (factor * t).to(getattr(torch, start)))
        dtype = getattr(torch, target)
        own = t.dtype  # t may be the source itself, and an answer may cast that
        if kind == "trained":  # digits that float32 has no place for
            source.data.mul_(1 + 2**-40)
        try:
            leaf = to_leaf(source, dtype)
        except (TypeError, ValueError) as refusal:
            if dtype.is_floating_point or dtype.is_complex:
                raise
            return {"raised": type(refusal).__name__}
        if not (dtype.is_floating_point or dtype.is_complex):
            return {"raised": "nothing"}
        standing = {**_standing(leaf, source), "leaf.grad": held_gradient(leaf)}
        if not isinstance(leaf, Tensor):
            return {"leaf": leaf, **standing}
        values = leaf.detach()
        return {
            "leaf": (values.real if values.is_complex() else values).to(own),
            **standing,
            "dtype": "as asked" if leaf.dtype == dtype else str(leaf.dtype),
            **({} if kind != "trained" else {"digits": _digits(values, source)}),
            **({"imaginary part": _imaginary(values)} if values.is_complex() else {}),
        }


def _digits(values: Tensor, source: Tensor) -> str:
    return "all of t" if torch.equal(values.to(source.dtype), source.detach()) else "fewer than t"


def _imaginary(values: Tensor) -> str:
    return "another" if not values.is_meta and bool(values.imag.any()) else "0"
