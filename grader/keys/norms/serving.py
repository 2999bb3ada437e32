"""Reference and mistakes of the exercise on folding."""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from grader.trusted.families.pairs import formula, of_formula
from grader.trusted.key import Key, raises

Pair = tuple[Tensor, Tensor]


def _parts(conv: nn.Conv2d, bn: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The scale of each channel, the bias of conv, and weight and bias of bn, where None is 0 or
    1."""
    zero, one = torch.zeros_like(bn.running_mean), torch.ones_like(bn.running_mean)
    bias = zero if conv.bias is None else conv.bias.detach()
    w = one if bn.weight is None else bn.weight.detach()
    b = zero if bn.bias is None else bn.bias.detach()
    return w / (bn.running_var + bn.eps).sqrt(), bias, w, b


def _scaled(conv: nn.Conv2d, scale: Tensor) -> Tensor:
    return conv.weight.detach() * scale.reshape(-1, 1, 1, 1)


def _folded(conv: nn.Conv2d, bn: Any, scale: Tensor) -> Pair:
    """The two with another scale of the channels."""
    _, bias, _, b = _parts(conv, bn)
    return _scaled(conv, scale), scale * (bias - bn.running_mean) + b


def _scale(bn: Any, w: Tensor) -> Tensor:
    return w / (bn.running_var + bn.eps).sqrt()


def _shifted(scale: Tensor, bias: Tensor, mean: Tensor, b: Tensor) -> Tensor:
    return scale * (bias - mean) + b


@formula
def _fold(conv, bn, *, scale=_scale, bias=_shifted):
    """The pair from `scale(bn, w)` and `bias(scale, conv's bias, running mean, bn's bias)`."""
    _, of_conv, w, b = _parts(conv, bn)
    each = scale(bn, w)
    return _scaled(conv, each), bias(each, of_conv, bn.running_mean, b)


def _with_eps(bn: Any, eps: float) -> Any:
    other = copy.deepcopy(bn)
    other.eps = eps
    return other


class FoldBnKey(Key, task="fold_bn"):
    def reference(conv: nn.Conv2d, bn: Any) -> Pair:
        return fuse_conv_bn_weights(
            conv.weight, conv.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
        )

    def running_mean_forgotten(conv, bn):
        """The weight is right. The bias lacks the running mean: take rm off the bias of the
        convolution before you scale it."""
        return _fold(conv, bn, bias=lambda s, of_conv, rm, b: s * of_conv + b)

    def conv_bias_forgotten(conv, bn):
        """The weight is right. You left out the bias of the convolution: it goes through the
        BatchNorm like all else, so the new bias is s * (conv.bias - rm) + b."""
        return _fold(conv, bn, bias=lambda s, of_conv, rm, b: b - s * rm)

    def conv_bias_not_scaled(conv, bn):
        """The weight is right. You added the bias of the convolution as it is. It goes through the
        BatchNorm, which scales it too: s * (conv.bias - rm) + b."""
        return _fold(conv, bn, bias=lambda s, of_conv, rm, b: of_conv - s * rm + b)

    def bn_bias_forgotten(conv, bn):
        """The weight is right. You left out the bias of the BatchNorm, which is added at the
        end."""
        return _fold(conv, bn, bias=lambda s, of_conv, rm, b: s * (of_conv - rm))

    def bn_bias_scaled(conv, bn):
        """The weight is right. You scaled the bias of the BatchNorm. It is added after the scaling:
        s * (conv.bias - rm) + b."""
        return _fold(conv, bn, bias=lambda s, of_conv, rm, b: s * (of_conv - rm + b))

    def weight_and_bias_exchanged(conv, bn):
        """You exchanged weight and bias of the BatchNorm: its weight scales, and its bias is
        added."""
        if bn.weight is None:
            return FoldBnKey.reference(conv, bn)
        other = copy.deepcopy(bn)
        other.weight, other.bias = bn.bias, bn.weight
        return FoldBnKey.reference(conv, other)

    def kernel_not_scaled(conv, bn):
        """The bias is right, and the weight is that of the convolution as it was. Scale each output
        channel of it by s = w / sqrt(rv + eps)."""
        return conv.weight.detach().clone(), FoldBnKey.reference(conv, bn)[1]

    def input_channels_scaled(conv, bn):
        """You scaled along axis 1 of the weight, the input channels. BatchNorm follows the
        convolution, so its channels are the output channels, axis 0: s.view(-1, 1, 1, 1)."""
        weight = conv.weight.detach() * _parts(conv, bn)[0].reshape(1, -1, 1, 1)
        return weight, FoldBnKey.reference(conv, bn)[1]

    def eps_missing(conv, bn):
        """You left out eps: s = w / sqrt(rv + eps). It counts where a running variance is small."""
        return _fold(conv, bn, scale=lambda bn, w: w / bn.running_var.sqrt())

    def default_eps(conv, bn):
        """You took 1e-5 for eps, which is the default. This layer has an eps of its own: bn.eps."""
        return _fold(conv, bn, scale=lambda bn, w: w / (bn.running_var + 1e-5).sqrt())

    def eps_outside_the_root(conv, bn):
        """You added eps to the root of rv. It belongs under the root: sqrt(rv + eps)."""
        return _fold(conv, bn, scale=lambda bn, w: w / (bn.running_var.sqrt() + bn.eps))

    def divided_by_variance(conv, bn):
        """You divided by rv plus eps. rv is a variance: divide by its square root."""
        return _fold(conv, bn, scale=lambda bn, w: w / (bn.running_var + bn.eps))

    def multiplied_by_std(conv, bn):
        """You multiplied by sqrt(rv + eps). Divide by it: s = w / sqrt(rv + eps)."""
        return _fold(conv, bn, scale=lambda bn, w: w * (bn.running_var + bn.eps).sqrt())

    def difference_turned_round(conv, bn):
        """The weight is right. You took the bias of the convolution off the running mean: it is the
        other way round, s * (conv.bias - rm) + b."""
        return _fold(conv, bn, bias=lambda s, of_conv, rm, b: s * (rm - of_conv) + b)

    def bn_bias_subtracted(conv, bn):
        """The weight is right. You subtracted the bias of the BatchNorm. It is added at the end."""
        return _fold(conv, bn, bias=lambda s, of_conv, rm, b: s * (of_conv - rm) - b)

    def weight_of_bn_forgotten(conv, bn):
        """You left out the weight of the BatchNorm: s = w / sqrt(rv + eps)."""
        return _fold(conv, bn, scale=lambda bn, w: 1 / (bn.running_var + bn.eps).sqrt())

    @raises("NoneType")
    def missing_bias_not_expected(conv, bn):
        """You computed with conv.bias where it is None. A convolution made with bias=False has
        none, as is usual in front of a BatchNorm: take 0 in its place."""
        weight, bias = FoldBnKey.reference(conv, bn)
        return weight, bias + 0 * conv.bias

    @raises("NoneType")
    def missing_affine_not_expected(conv, bn):
        """You computed with bn.weight or bn.bias where they are None. A BatchNorm made with
        affine=False has neither: take 1 and 0 in their places."""
        weight, bias = FoldBnKey.reference(conv, bn)
        return weight, bias + 0 * bn.weight

    @raises("NoneType")
    def nothing_missing_expected(conv, bn):
        """All is right as long as every part is there. conv.bias is None after bias=False, and the
        weight and bias of bn are None after affine=False: take 0 for a bias and 1 for the
        weight."""
        weight, bias = FoldBnKey.reference(conv, bn)
        return weight, bias + 0 * conv.bias + 0 * bn.weight

    def sign_of_the_mean(conv, bn):
        """The weight is right. You added the running mean to the bias of the convolution. Take it
        off: s * (conv.bias - rm) + b."""
        return _fold(conv, bn, bias=lambda s, of_conv, rm, b: s * (of_conv + rm) + b)

    def mean_not_scaled(conv, bn):
        """The weight is right. You took the running mean off without scaling it. It goes through
        the division and the weight as all else does: s * (conv.bias - rm) + b."""
        return _fold(conv, bn, bias=lambda s, of_conv, rm, b: s * of_conv - rm + b)

    def bias_as_it_was(conv, bn):
        """The weight is right, and the bias is that of the convolution as it was. The BatchNorm
        scales and shifts it: s * (conv.bias - rm) + b."""
        scale, bias, _, _ = _parts(conv, bn)
        return _scaled(conv, scale), bias.clone()

    def no_bias_for_none(conv, bn):
        """For a convolution without bias you returned None as the bias. The BatchNorm shifts all
        the same: take 0 for conv.bias, and return s * (0 - rm) + b."""
        weight, bias = FoldBnKey.reference(conv, bn)
        return weight, None if conv.bias is None else bias

    def probed_in_training(conv, bn):
        """You ran bn to see what it does, in training mode: there it normalises by what you put in,
        and moves its running statistics. Use its numbers, or a deep copy in eval mode."""
        if not bn.training:
            return FoldBnKey.reference(conv, bn)
        c = len(bn.running_mean)
        at = torch.eye(c, dtype=conv.weight.dtype, device=conv.weight.device)[:, :, None, None]
        at_zero = bn(torch.zeros_like(at[:2])).flatten(1)[0].detach()
        slope = bn(at).flatten(1).diagonal().detach() - at_zero
        bias = at_zero if conv.bias is None else at_zero + slope * conv.bias.detach()
        return _scaled(conv, slope), bias

    def eval_left_on(conv, bn):
        """The pair is right, and you left bn in eval mode. Its numbers can be read in any mode:
        leave out eval()."""
        bn.eval()
        return FoldBnKey.reference(conv, bn)

    def train_left_on(conv, bn):
        """The pair is right, and you left bn in training mode. Its numbers can be read in any mode:
        leave out eval() and train()."""
        bn.train()
        return FoldBnKey.reference(conv, bn)

    def run_in_its_own_mode(conv, bn):
        """You measured bn by running it in the mode that it is in. In training mode it normalises
        by what you put in, and moves its running statistics besides. Read running_mean and
        running_var as they are."""
        probe = conv.weight.new_zeros(1, conv.out_channels, 2, 2)
        bias = 0.0 if conv.bias is None else conv.bias
        with torch.no_grad():
            shift, one = (bn(probe + at)[0, :, 0, 0] for at in (0, 1))
            scale = one - shift
            return conv.weight * scale.view(-1, 1, 1, 1), scale * bias + shift

    def parameters_frozen(conv, bn):
        """The pair is right, and you set requires_grad of parameters to False. Leave the modules as
        they are: compute inside no_grad(), or detach the result."""
        conv.requires_grad_(False)
        bn.requires_grad_(False)
        return FoldBnKey.reference(conv, bn)

    def modules_changed(conv, bn):
        """The pair is right, and you wrote into the convolution that you were given. bn still
        stands behind it, and would scale once more. Return new tensors."""
        weight, bias = FoldBnKey.reference(conv, bn)
        conv.weight.data.copy_(weight)
        return weight, bias

    pairs = (
        *of_formula(
            lambda conv, bn: _fold(conv, bn),
            running_mean_forgotten,
            conv_bias_forgotten,
            conv_bias_not_scaled,
            bn_bias_forgotten,
            bn_bias_scaled,
            sign_of_the_mean,
            mean_not_scaled,
            eps_missing,
            default_eps,
            eps_outside_the_root,
            divided_by_variance,
            weight_of_bn_forgotten,
        ),
    )
