"""Reference and mistakes of the exercise on a linear layer as a Function."""

import torch
import torch.nn.functional as F
from torch import Tensor

from grader.keys.functions.flags import FLAGS
from grader.keys.functions.formula import Layer, rows
from grader.trusted.families.functions import NO_GRADIENT, applied, around, kept_outside
from grader.trusted.key import Key, raises


def _linear(x, w, b):
    return Layer()(x, w, b)


_ONE_MATRIX = (
    r"t\(\) expects a tensor with <= 2 dim|inconsistent tensor size|size mismatch"
    r"|must match the size of tensor|(self|mat1) must be a matrix"
)
"""What torch says where rows are taken for a matrix that they are not."""


def _mean_of_w(x, w, gy):
    return rows(gy).T @ rows(x) / len(rows(x))


def _mean_of_b(x, w, gy):
    return rows(gy).mean(0)


def _of_a_matrix(x, w, gy):
    return gy.t() @ x


def _over_the_first_axis(x, w, gy):
    return gy.sum(0)


def _right_parts(needed, gy, x, w, b):
    right = Layer()
    parts = zip((right.gx, right.gw, right.gb), needed, strict=True)
    return tuple(part(x, w, gy) if flag else None for part, flag in parts)


def _edited(needed, gy, x, w, b):
    parts = _right_parts(needed, gy, x, w, b)
    gy.mul_(2)
    return parts


def _nothing(x, w, gy):
    return None


class LinearFnKey(Key, task="linear_fn"):
    sentences = NO_GRADIENT

    def reference(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
        return _linear(x, w, b)

    @raises("'NoneType'")
    def missing_bias_used(x, w, b):
        """b may be None, and you ask something of it, or add it, all the same. Ask first whether
        there is one: `if b is not None`."""
        return Layer(value=lambda x, w, b: x @ w.T + b)(x, w, b)

    @raises("'NoneType'")
    def missing_bias_asked(x, w, b):
        """b may be None, and you ask something of it all the same. Ask first whether there is one:
        `if b is not None`."""
        return Layer(value=lambda x, w, b: F.linear(x, w, b.view(-1)))(x, w, b)

    @raises(r"index 1 - got \[(\d+), (\d+)\] but expected shape compatible with \[\2, \1\]")
    def weight_transposed(x, w, b):
        """The gradient of w has the shape (I, O). It belongs to w, of shape (O, I): transpose gy,
        and not x."""
        return Layer(gw=lambda x, w, gy: rows(x).T @ rows(gy))(x, w, b)

    @raises(r"cannot be multiplied \(\d+x(\d+) and \d+x\1\)")
    def weight_turned_for_x(x, w, b):
        """For the gradient of x you multiplied gy by w.T, which belongs to forward. w has a row for
        each output, and gy an entry: gy @ w, as w lies."""
        return Layer(gx=lambda x, w, gy: gy @ w.T)(x, w, b)

    def weight_reshaped(x, w, b):
        """The gradient of w is that of its transpose, brought to w's shape by a reshape: its
        entries stand in wrong places. Transpose gy, and not x: the product has shape (O, I)."""
        return Layer(gw=lambda x, w, gy: (rows(x).T @ rows(gy)).reshape(w.shape))(x, w, b)

    def bias_as_it_arrives(x, w, b):
        """backward returned what arrives for b as it is. torch's engine summed it. Sum over all
        rows yourself: b has one entry for each output."""
        return Layer(gb=lambda x, w, gy: gy.clone())(x, w, b)

    def bias_not_summed(x, w, b):
        """backward returned a gradient of b for every row. torch's engine summed it. Sum over all
        rows yourself: b has one entry for each output."""
        return Layer(gb=lambda x, w, gy: rows(gy))(x, w, b)

    def bias_with_an_axis_too_many(x, w, b):
        """You summed the gradient of b with keepdim=True: it has the shape (1, O), and torch's
        engine made it fit. b has the shape (O,): leave keepdim out."""
        return Layer(gb=lambda x, w, gy: rows(gy).sum(0, keepdim=True))(x, w, b)

    def arriving_forgotten_for_w(x, w, b):
        """The gradient of w is a sum of the rows of x, the same for every output: what arrives is
        missing in it. Multiply: gy, transposed, times the rows of x."""
        return Layer(gw=lambda x, w, gy: rows(torch.ones_like(gy)).T @ rows(x))(x, w, b)

    def arriving_forgotten_for_x(x, w, b):
        """The gradient of x is a sum of the rows of w, the same for every row: what arrives is
        missing in it. Multiply: gy times w."""
        return Layer(gx=lambda x, w, gy: torch.ones_like(gy) @ w)(x, w, b)

    def bias_averaged(x, w, b):
        """The gradient of b is averaged over the rows. Each row adds b, and the parts add up: take
        the sum."""
        return Layer(gb=_mean_of_b)(x, w, b)

    def weight_averaged(x, w, b):
        """The gradient of w is divided by the number of rows. The rows add up; a mean belongs to
        the loss, and is in what arrives already."""
        return Layer(gw=_mean_of_w)(x, w, b)

    def averaged(x, w, b):
        """The gradients of w and b are divided by the number of rows. The rows add up; a mean
        belongs to the loss, and is in what arrives already."""
        return Layer(gw=_mean_of_w, gb=_mean_of_b)(x, w, b)

    @raises(r"index [01] - got \[.*but expected shape compatible with")
    def x_and_w_exchanged(x, w, b):
        """backward returned the gradients of x and w in the wrong order: one for each argument of
        forward, in their order."""
        return Layer(order=(1, 0, 2))(x, w, b)

    @raises("but expected shape compatible with|gradient different than None")
    def order_exchanged(x, w, b):
        """backward returned the gradients of w and b in the wrong order: one for each argument of
        forward, in their order."""
        return Layer(order=(0, 2, 1))(x, w, b)

    @raises("gradient different than None")
    def gradient_for_no_bias(x, w, b):
        """Where b is None, backward returned a gradient for it. Return None there:
        ctx.needs_input_grad[2] is False then."""
        return Layer(wanted=lambda needed, b: (*needed[:2], True))(x, w, b)

    @raises("incorrect number of gradients|gradient different than None")
    def two_gradients(x, w, b):
        """backward has to return one value for every argument of forward, in their order: a tuple
        of three, also where b is None. A list counts as one value."""
        return Layer(order=(0, 1))(x, w, b)

    def arriving_forgotten_for_b(x, w, b):
        """The gradient of b is the number of rows: you summed ones. What arrives is summed: b is
        added to every row, with derivative 1, times what arrives."""
        return Layer(gb=lambda x, w, gy: rows(torch.ones_like(gy)).sum(0))(x, w, b)

    def bias_left_out(x, w, b):
        """Your result lacks b: add it, unless it is None."""
        return Layer(value=lambda x, w, b: F.linear(x, w))(x, w, b)

    @raises(_ONE_MATRIX)
    def rows_alone(x, w, b):
        """Your backward is right for a matrix x, and not for other numbers of axes: it transposes
        all of them, or takes the wrong ones together. Make rows of all axes but the last first, by
        reshape(-1, I) and reshape(-1, O)."""
        return Layer(gw=_of_a_matrix, gb=_over_the_first_axis)(x, w, b)

    @raises(_ONE_MATRIX)
    def weight_of_rows_alone(x, w, b):
        """The gradient of w is right for a matrix x, and not for other numbers of axes: gy is
        transposed as it is. Make rows of all axes but the last first, of gy and of x, by
        reshape(-1, O) and reshape(-1, I)."""
        return Layer(gw=_of_a_matrix)(x, w, b)

    @raises("mT is only supported on matrices")
    def weight_for_every_matrix(x, w, b):
        """You transposed the last two axes of gy: with three axes that gives a gradient of w for
        every matrix of the batch, which torch's engine summed, and with one axis there are no two.
        Make rows of all axes but the last first, by reshape(-1, O) and reshape(-1, I)."""
        return Layer(gw=lambda x, w, gy: gy.mT @ x)(x, w, b)

    @raises("Dimension out of range")
    def weight_for_every_matrix_by_transpose(x, w, b):
        """You transposed the last two axes of gy: with three axes that gives a gradient of w for
        every matrix of the batch, which torch's engine summed, and with one axis there are no two.
        Make rows of all axes but the last first, by reshape(-1, O) and reshape(-1, I)."""
        return Layer(gw=lambda x, w, gy: gy.transpose(-1, -2) @ x)(x, w, b)

    @raises(r"index 2 - got \[\] but expected shape compatible with")
    def bias_summed_over_the_first_axis(x, w, b):
        """You summed gy over its first axis for the gradient of b. That is right for a matrix x;
        with more axes some are left, and with one axis there is nothing to sum. Make rows first:
        gy.reshape(-1, O).sum(0)."""
        return Layer(gb=_over_the_first_axis)(x, w, b)

    def bias_summed_over_the_first_axis_alone(x, w, b):
        """You summed gy over its first axis for the gradient of b. With three axes a second one is
        left, which torch's engine summed. Make rows first: gy.reshape(-1, O).sum(0)."""
        return Layer(gb=lambda x, w, gy: gy.sum(0) if gy.ndim > 1 else gy)(x, w, b)

    def a_row_for_one_axis(x, w, b):
        """For an x of one axis, backward returned a gradient of shape (1, I), which torch's engine
        made fit. It has the shape of x: gy @ w needs no rows."""
        return Layer(gx=lambda x, w, gy: gy @ w if x.ndim > 1 else rows(gy) @ w)(x, w, b)

    @raises("Dimension out of range")
    def flattened_without_a_batch(x, w, b):
        """You flattened all axes but the last by flatten(0, -2), which needs two axes: an x of one
        axis has none to flatten. reshape(-1, I) makes one row of it."""
        return Layer(
            gw=lambda x, w, gy: gy.flatten(0, -2).T @ x.flatten(0, -2),
            gb=lambda x, w, gy: gy.flatten(0, -2).sum(0),
        )(x, w, b)

    def products_not_summed(x, w, b):
        """backward returned gradients of w and b for every row. torch's engine summed them. Sum
        over all rows yourself: gy, transposed, times x does it for w, and sum(0) for b."""
        return Layer(
            gw=lambda x, w, gy: gy.unsqueeze(-1) * x.unsqueeze(-2), gb=lambda x, w, gy: gy.clone()
        )(x, w, b)

    def arriving_edited(x, w, b):
        """backward wrote into grad_output, with an operation such as mul_. The tensor that arrives
        belongs to others: what else the result went to may get the same one. Return new tensors."""
        return applied(F.linear, _edited, x, w, b)

    def none_for_x(x, w, b):
        """backward returned None for x, also where it requires grad. Its gradient is gy @ w."""
        return Layer(gx=_nothing)(x, w, b)

    def none_for_w(x, w, b):
        """backward returned None for w, also where it requires grad. Its gradient is gy,
        transposed, times the rows of x."""
        return Layer(gw=_nothing)(x, w, b)

    def none_for_b(x, w, b):
        """backward returned None for b, also where it requires grad. Its gradient is the sum of
        gy over all rows."""
        return Layer(gb=_nothing)(x, w, b)

    @raises("non-empty TensorList")
    def outer_products_stacked(x, w, b):
        """You join the products of the rows, one for each, by stack or cat, and an empty batch has
        none to join. One product of matrices takes all rows, or none: gy, transposed, times x."""

        def joined(x, w, gy):
            pairs = zip(rows(gy), rows(x), strict=True)
            return torch.stack([torch.outer(g, row) for g, row in pairs]).sum(0)

        return Layer(gw=joined)(x, w, b)

    families = (
        *FLAGS,
        *around(_linear, F.linear, 0, 1, 2),
        *kept_outside(F.linear, _right_parts),
    )
