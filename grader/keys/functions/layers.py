"""Reference and mistakes of the exercise on a linear layer as a Function."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

from grader.trusted.families.functions import around
from grader.trusted.key import Key, raises


@dataclass(frozen=True)
class _Layer:
    """A linear layer of rows as a Function, with what backward does for each of the three."""

    gx: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda rows, w, gy: gy @ w
    gw: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda rows, w, gy: gy.T @ rows
    gb: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda rows, w, gy: gy.sum(0)
    value: Callable[..., Tensor] = F.linear
    asks: bool = True
    bias_first: bool = False
    bias_anyway: bool = False

    def __call__(self, x, w, b):
        layer = self

        class Linear(Function):
            @staticmethod
            def forward(ctx, x, w, b):
                ctx.save_for_backward(x, w)
                return layer.value(x, w, b)

            @staticmethod
            def backward(ctx, arriving):
                x, w = ctx.saved_tensors
                rows, gy = x.reshape(-1, x.shape[-1]), arriving.reshape(-1, arriving.shape[-1])
                wanted = ctx.needs_input_grad if layer.asks else (True, True, b is not None)
                gx = layer.gx(rows, w, gy).reshape(x.shape) if wanted[0] else None
                gw = layer.gw(rows, w, gy) if wanted[1] else None
                gb = layer.gb(rows, w, gy) if wanted[2] or layer.bias_anyway else None
                return (gx, gb, gw) if layer.bias_first else (gx, gw, gb)

        return Linear.apply(x, w, b)


def _linear(x, w, b):
    return _Layer()(x, w, b)


_ONE_MATRIX = r"t\(\) expects a tensor with <= 2 dim|inconsistent tensor size|size mismatch"
"""What torch says where rows are taken for a matrix that they are not."""


class LinearFnKey(Key, task="linear_fn"):
    def reference(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
        return _linear(x, w, b)

    def everything_computed(x, w, b):
        """The gradients are right, and backward computes them for tensors that do not require grad
        as well. ctx.needs_input_grad has a flag for each argument of forward: ask it before each
        product."""
        return _Layer(asks=False)(x, w, b)

    @raises("but expected shape compatible with")
    def weight_transposed(x, w, b):
        """The gradient of w has the shape (I, O). It belongs to w, of shape (O, I): transpose gy,
        and not x."""
        return _Layer(gw=lambda rows, w, gy: rows.T @ gy)(x, w, b)

    def bias_not_summed(x, w, b):
        """backward returned a gradient of b for every row. torch's engine summed it. Sum over all
        rows yourself: b has one entry for each output."""
        return _Layer(gb=lambda rows, w, gy: gy)(x, w, b)

    def bias_with_an_axis_too_many(x, w, b):
        """You summed the gradient of b with keepdim=True: it has the shape (1, O), and torch's
        engine made it fit. b has the shape (O,): leave keepdim out."""
        return _Layer(gb=lambda rows, w, gy: gy.sum(0, keepdim=True))(x, w, b)

    def arriving_forgotten_for_w(x, w, b):
        """The gradient of w is a sum of the rows of x, the same for every output: what arrives is
        missing in it. Multiply: gy, transposed, times the rows of x."""
        return _Layer(gw=lambda rows, w, gy: torch.ones_like(gy).T @ rows)(x, w, b)

    def arriving_forgotten_for_x(x, w, b):
        """The gradient of x is a sum of the rows of w, the same for every row: what arrives is
        missing in it. Multiply: gy times w."""
        return _Layer(gx=lambda rows, w, gy: torch.ones_like(gy) @ w)(x, w, b)

    def bias_averaged(x, w, b):
        """The gradient of b is averaged over the rows. Each row adds b, and the parts add up: take
        the sum."""
        return _Layer(gb=lambda rows, w, gy: gy.mean(0))(x, w, b)

    def weight_averaged(x, w, b):
        """The gradient of w is divided by the number of rows. The rows add up; a mean belongs to
        the loss, and is in what arrives already."""
        return _Layer(gw=lambda rows, w, gy: gy.T @ rows / len(rows))(x, w, b)

    def averaged(x, w, b):
        """The gradients of w and b are divided by the number of rows. The rows add up; a mean
        belongs to the loss, and is in what arrives already."""
        return _Layer(
            gw=lambda rows, w, gy: gy.T @ rows / len(rows), gb=lambda rows, w, gy: gy.mean(0)
        )(x, w, b)

    @raises("but expected shape compatible with|gradient different than None")
    def order_exchanged(x, w, b):
        """backward returned the gradients of w and b in the wrong order: one for each argument of
        forward, in their order."""
        return _Layer(bias_first=True)(x, w, b)

    @raises("gradient different than None")
    def gradient_for_no_bias(x, w, b):
        """Where b is None, backward returned a gradient for it. Return None there:
        ctx.needs_input_grad[2] is False then."""
        return _Layer(bias_anyway=True)(x, w, b)

    @raises("incorrect number of gradients|gradient different than None")
    def two_gradients(x, w, b):
        """backward has to return one value for every argument of forward, in their order: three,
        also where b is None."""

        class Two(Function):
            @staticmethod
            def forward(ctx, x, w, b):
                ctx.save_for_backward(x, w)
                return F.linear(x, w, b)

            @staticmethod
            def backward(ctx, arriving):
                return arriving @ ctx.saved_tensors[1], None

        return Two.apply(x, w, b)

    def arriving_forgotten_for_b(x, w, b):
        """The gradient of b is the number of rows: you summed ones. What arrives is summed: b is
        added to every row, with derivative 1, times what arrives."""
        return _Layer(gb=lambda rows, w, gy: torch.ones_like(gy).sum(0))(x, w, b)

    def bias_left_out(x, w, b):
        """Your result lacks b: add it, unless it is None."""
        return _Layer(value=lambda x, w, b: F.linear(x, w))(x, w, b)

    @raises(_ONE_MATRIX)
    def rows_alone(x, w, b):
        """Your backward is right for a matrix x, and not for other numbers of axes: it transposes
        all of them, or takes the wrong ones together. Make rows of all axes but the last first, by
        reshape(-1, I) and reshape(-1, O)."""

        class Rows(Function):
            @staticmethod
            def forward(ctx, x, w, b):
                ctx.save_for_backward(x, w)
                return F.linear(x, w, b)

            @staticmethod
            def backward(ctx, arriving):
                x, w = ctx.saved_tensors
                needed = ctx.needs_input_grad
                return (
                    arriving @ w if needed[0] else None,
                    arriving.t() @ x if needed[1] else None,
                    arriving.sum(0) if needed[2] else None,
                )

        return Rows.apply(x, w, b)

    @raises("Dimension out of range")
    def flattened_without_a_batch(x, w, b):
        """You flattened all axes but the last by flatten(0, -2), which needs two axes: an x of one
        axis has none to flatten. reshape(-1, I) makes one row of it."""

        def rows(t):
            return t.flatten(0, -2)

        class Flattened(Function):
            @staticmethod
            def forward(ctx, x, w, b):
                ctx.save_for_backward(x, w)
                return F.linear(x, w, b)

            @staticmethod
            def backward(ctx, arriving):
                x, w = ctx.saved_tensors
                needed = ctx.needs_input_grad
                return (
                    arriving @ w if needed[0] else None,
                    rows(arriving).T @ rows(x) if needed[1] else None,
                    rows(arriving).sum(0) if needed[2] else None,
                )

        return Flattened.apply(x, w, b)

    families = around(_linear, F.linear, 0, 1, 2)
