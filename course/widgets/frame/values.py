"""One tensor as a picture shows it: its numbers if they are few, else its shape and norm."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch

MOST_NUMBERS = 16
WIDEST = 24

Number = float | int | bool | complex


def number(value: Number) -> str:
    """Four significant digits; whole numbers below a million in full."""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, complex):
        sign = "-" if math.copysign(1, value.imag) < 0 else "+"
        return f"{number(value.real)}{sign}{number(abs(value.imag))}j"
    if math.isfinite(value) and value == int(value) and abs(value) < 1e6:
        return str(int(value))
    return f"{value:.4g}"


def shape_text(shape: tuple[int, ...]) -> str:
    """``(7, 3)``, ``(3,)``, ``()``."""
    return str(tuple(shape))


@dataclass(frozen=True)
class Value:
    """What is remembered of a tensor: shape, dtype, at most 16 numbers (flat), and its norm.

    ``bad`` names the worst among all its numbers: nan, inf (of either sign), or neither.
    """

    shape: tuple[int, ...]
    dtype: str
    numbers: tuple[Number, ...] | None
    norm: float | None
    bad: Literal["", "inf", "nan"] = ""

    @classmethod
    def of(cls, tensor: torch.Tensor) -> Value:
        """Read ``tensor`` (any dtype, device or layout) without recording anything."""
        dense = tensor.detach()
        if dense.layout != torch.strided:
            dense = dense.to_dense()
        few = dense.numel() <= MOST_NUMBERS and dense.device.type != "meta"
        has_norm = dense.device.type != "meta" and dense.is_floating_point()
        return cls(
            shape=tuple(dense.shape),
            dtype=str(dense.dtype).removeprefix("torch."),
            numbers=tuple(dense.flatten().tolist()) if few else None,
            norm=float(torch.linalg.vector_norm(dense)) if has_norm else None,
            bad=_bad(dense) if dense.device.type != "meta" else "",
        )

    @property
    def is_number(self) -> bool:
        """Whether it is one number without dimensions."""
        return self.shape == () and self.numbers is not None

    def short(self, widest: int = WIDEST) -> str:
        """For a box: the numbers if they fit in ``widest`` characters, else the shape."""
        if self.numbers is None:
            return shape_text(self.shape)
        if self.is_number:
            return number(self.numbers[0])
        if 0 in self.shape:
            return shape_text(self.shape)
        text = _nested([number(value) for value in self.numbers], self.shape)
        return text if len(text) <= widest else shape_text(self.shape)

    def words(self) -> str:
        """For a sentence: the numbers if they fit, else the shape and the norm."""
        short = self.short()
        if short != shape_text(self.shape):
            return short
        if self.norm is None:
            return f"a {short} tensor"
        return f"a {short} tensor with norm {number(self.norm)}"


def _bad(dense: torch.Tensor) -> Literal["", "inf", "nan"]:
    if bool(torch.isfinite(dense).all()):
        return ""
    return "nan" if bool(torch.isnan(dense).any()) else "inf"


def _nested(texts: list[str], shape: tuple[int, ...]) -> str:
    if not shape:
        return texts[0]
    stride = len(texts) // shape[0]
    parts = [_nested(texts[i : i + stride], shape[1:]) for i in range(0, len(texts), stride)]
    return "[" + ", ".join(parts) + "]"
