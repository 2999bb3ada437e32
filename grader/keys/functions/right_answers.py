"""Other right answers to the exercises of chapter 8."""

import numpy as np
import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable


class ExpInTwoSteps(Function):
    @staticmethod
    def forward(x):
        return torch.exp(x)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx, grad_output):
        (y,) = ctx.saved_tensors
        return y * grad_output


def exp_in_two_steps(x):
    return ExpInTwoSteps.apply(x)


class ExpOnce(Function):
    @staticmethod
    def forward(ctx, x):
        result = x.exp()
        ctx.save_for_backward(result)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_output):
        return torch.mul(grad_output, ctx.saved_tensors[0])


def exp_once(x):
    return ExpOnce.apply(x)


class ExpByNumpy(Function):
    @staticmethod
    def forward(ctx, x):
        y = torch.from_numpy(np.asarray(np.exp(x.numpy())))
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, grad_output):
        (y,) = ctx.saved_tensors
        return grad_output * y


def exp_by_numpy(x):
    return ExpByNumpy.apply(x)


class ReluByMask(Function):
    @staticmethod
    def forward(ctx, x):
        mask = x > 0
        ctx.save_for_backward(mask)
        return torch.where(mask, x, 0.0)

    @staticmethod
    def backward(ctx, grad_output):
        (mask,) = ctx.saved_tensors
        return torch.where(mask, grad_output, 0.0)


def relu_by_mask(x):
    return ReluByMask.apply(x)


class ReluByResult(Function):
    @staticmethod
    def forward(ctx, x):
        y = torch.relu(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, grad_output):
        (y,) = ctx.saved_tensors
        return grad_output * y.sign()


def relu_by_result(x):
    return ReluByResult.apply(x)


class ReluEdited(Function):
    @staticmethod
    def forward(ctx, x):
        y = x.clone()
        y[x < 0] = 0
        ctx.save_for_backward(x)
        return y

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        grad = grad_output.clone()
        grad[x <= 0] = 0
        return grad


def relu_edited(x):
    return ReluEdited.apply(x)


class ClampByBounds(Function):
    @staticmethod
    def forward(ctx, x, lo, hi):
        return torch.minimum(torch.maximum(x, x.new_tensor(lo)), x.new_tensor(hi))

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output.clone(), None, None


def clamp_by_bounds(x, lo, hi):
    return ClampByBounds.apply(x, lo, hi)


class Instead(Function):
    @staticmethod
    def forward(ctx, x, value):
        return value.clone()

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output, None


def clamp_instead(x, lo, hi):
    return Instead.apply(x, x.detach().clamp(lo, hi))


def clamp_a_copy(x, lo, hi):
    y = x.clone()
    with torch.no_grad():
        y.clamp_(lo, hi)
    return y


class TanhFromX(Function):
    @staticmethod
    def forward(ctx, x, k):
        ctx.k = k
        ctx.save_for_backward(x)
        return torch.tanh(x * k)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * ctx.k / torch.cosh(x * ctx.k) ** 2, None


def tanh_from_x(x, k):
    return TanhFromX.apply(x, k)


class TanhInTwoSteps(Function):
    @staticmethod
    def forward(x, k):
        return (k * x).tanh()

    @staticmethod
    def setup_context(ctx, inputs, output):
        _, ctx.k = inputs
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx, grad_output):
        (y,) = ctx.saved_tensors
        return (grad_output - grad_output * y * y) * ctx.k, None


def tanh_in_two_steps(x, k):
    return TanhInTwoSteps.apply(x, k)


class TanhByItsSlope(Function):
    @staticmethod
    def forward(ctx, x, k):
        y = torch.tanh(k * x)
        ctx.slope = k * (1 - y * y)
        return y

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output * ctx.slope, None


def tanh_by_its_slope(x, k):
    return TanhByItsSlope.apply(x, k)


class MulByHand(Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return torch.mul(a, b)

    @staticmethod
    def backward(ctx, grad_output):
        a, b = ctx.saved_tensors
        grads = []
        for one, other in ((a, b), (b, a)):
            grad = grad_output * other
            while grad.ndim > one.ndim:
                grad = grad.sum(0)
            for axis, size in enumerate(one.shape):
                if size == 1:
                    grad = grad.sum(axis, keepdim=True)
            grads.append(grad)
        return tuple(grads)


def mul_by_hand(a, b):
    return MulByHand.apply(a, b)


def mul_of_views(a, b):
    return MulByHand.apply(a.view_as(a), b.view_as(b))


class LinearByEinsum(Function):
    @staticmethod
    def forward(ctx, x, w, b):
        ctx.save_for_backward(x, w)
        y = torch.einsum("...i,oi->...o", x, w)
        return y if b is None else y + b

    @staticmethod
    def backward(ctx, gy):
        x, w = ctx.saved_tensors
        grads = [None, None, None]
        if ctx.needs_input_grad[0]:
            grads[0] = torch.einsum("...o,oi->...i", gy, w)
        if ctx.needs_input_grad[1]:
            grads[1] = torch.einsum("...o,...i->oi", gy, x)
        if ctx.needs_input_grad[2]:
            grads[2] = torch.einsum("...o->o", gy)
        return tuple(grads)


def linear_by_einsum(x, w, b):
    return LinearByEinsum.apply(x, w, b)


class LinearOfRows(Function):
    @staticmethod
    def forward(x, w, b):
        return torch.nn.functional.linear(x, w, b)

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, w, _ = inputs
        ctx.save_for_backward(x if w.requires_grad else None, w)

    @staticmethod
    def backward(ctx, gy):
        x, w = ctx.saved_tensors
        for_x, for_w, for_b = ctx.needs_input_grad
        return (
            gy.matmul(w) if for_x else None,
            gy.flatten(0, -2).T.mm(x.flatten(0, -2)) if for_w and gy.ndim > 1
            else torch.outer(gy, x) if for_w else None,
            gy.sum(tuple(range(gy.ndim - 1))) if for_b and gy.ndim > 1 else gy if for_b else None,
        )  # fmt: skip


def linear_of_rows(x, w, b):
    return LinearOfRows.apply(x, w, b)


class CubeByProducts(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return 3 * x * x * grad_output


def cube_by_products(x):
    return CubeByProducts.apply(x)


class CubeOfTwo(Function):
    @staticmethod
    def forward(x):
        return x.pow(3)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return Slope.apply(x, grad_output)


class Slope(Function):
    @staticmethod
    def forward(ctx, x, v):
        ctx.save_for_backward(x, v)
        return 3 * v * x**2

    @staticmethod
    def backward(ctx, u):
        x, v = ctx.saved_tensors
        return 6 * u * v * x, 3 * u * x**2


def cube_by_two_functions(x):
    return CubeOfTwo.apply(x)


ANSWERS = {
    "my_exp": [(exp_in_two_steps,), (exp_once,), (exp_by_numpy,)],
    "relu_at_zero": [(relu_by_mask,), (relu_by_result,), (relu_edited,)],
    "clamp_ste": [(clamp_by_bounds,), (clamp_instead,), (clamp_a_copy,)],
    "kept_result": [(tanh_from_x,), (tanh_in_two_steps,), (tanh_by_its_slope,)],
    "mul_broadcast": [(mul_by_hand,), (mul_of_views,)],
    "linear_fn": [(linear_by_einsum,), (linear_of_rows,)],
    "double_backward": [(cube_by_products,), (cube_by_two_functions,)],
}
