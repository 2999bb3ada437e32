"""References and mistakes of the exercises on trained layers."""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

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
        scale, bias, _, b = _parts(conv, bn)
        return _scaled(conv, scale), scale * bias + b

    def conv_bias_forgotten(conv, bn):
        """The weight is right. You left out the bias of the convolution: it goes through the
        BatchNorm like all else, so the new bias is s * (conv.bias - rm) + b."""
        scale, _, _, b = _parts(conv, bn)
        return _scaled(conv, scale), b - scale * bn.running_mean

    def conv_bias_not_scaled(conv, bn):
        """The weight is right. You added the bias of the convolution as it is. It goes through the
        BatchNorm, which scales it too: s * (conv.bias - rm) + b."""
        scale, bias, _, b = _parts(conv, bn)
        return _scaled(conv, scale), bias - scale * bn.running_mean + b

    def bn_bias_forgotten(conv, bn):
        """The weight is right. You left out the bias of the BatchNorm, which is added at the
        end."""
        scale, bias, _, _ = _parts(conv, bn)
        return _scaled(conv, scale), scale * (bias - bn.running_mean)

    def bn_bias_scaled(conv, bn):
        """The weight is right. You scaled the bias of the BatchNorm. It is added after the scaling:
        s * (conv.bias - rm) + b."""
        scale, bias, _, b = _parts(conv, bn)
        return _scaled(conv, scale), scale * (bias - bn.running_mean + b)

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
        return FoldBnKey.reference(conv, _with_eps(bn, 0.0))

    def default_eps(conv, bn):
        """You took 1e-5 for eps, which is the default. This layer has an eps of its own: bn.eps."""
        return FoldBnKey.reference(conv, _with_eps(bn, 1e-5))

    def eps_outside_the_root(conv, bn):
        """You added eps to the root of rv. It belongs under the root: sqrt(rv + eps)."""
        return _folded(conv, bn, _parts(conv, bn)[2] / (bn.running_var.sqrt() + bn.eps))

    def divided_by_variance(conv, bn):
        """You divided by rv plus eps. rv is a variance: divide by its square root."""
        return _folded(conv, bn, _parts(conv, bn)[2] / (bn.running_var + bn.eps))

    def weight_of_bn_forgotten(conv, bn):
        """You left out the weight of the BatchNorm: s = w / sqrt(rv + eps)."""
        return _folded(conv, bn, 1 / (bn.running_var + bn.eps).sqrt())

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

    def modules_changed(conv, bn):
        """The pair is right, and you wrote it into the convolution that you were given. With bn
        still behind it, everything is scaled twice. Return new tensors."""
        weight, bias = FoldBnKey.reference(conv, bn)
        conv.weight.data.copy_(weight)
        return weight, bias


def _eval_output(backbone: nn.Module, x: Tensor) -> Tensor:
    return copy.deepcopy(backbone).eval()(x)


def _constant(backbone: nn.Module, x: Tensor) -> Tensor:
    """The output in the present mode, without history."""
    with torch.no_grad():
        return backbone(x)


class ConstantFeaturesKey(Key, task="constant_features"):
    def reference(backbone: nn.Module, x: Tensor) -> Tensor:
        return _eval_output(backbone, x).detach()

    def still_training(backbone, x):
        """You ran the backbone in the mode it was in. In training, BatchNorm normalises by the
        batch and moves its running statistics, with or without no_grad(): they are buffers, and
        no gradient is needed to change them. Switch to eval mode for the call."""
        return _constant(backbone, x)

    def parameters_frozen(backbone, x):
        """You set requires_grad to False. That freezes the parameters, outlasts your function, and
        leaves the mode as it was: BatchNorm in training goes on moving its running statistics."""
        return backbone.requires_grad_(False)(x)

    def eval_left_on(backbone, x):
        """The features are right, and you left the backbone in eval mode. Note the mode of every
        module, and put each back when you are done."""
        return _constant(backbone.eval(), x)

    def training_afterwards(backbone, x):
        """The features are right, and afterwards you called train(), which switches every layer to
        training mode. Some were in eval mode: note each module's mode and put it back, in a finally
        block, because the forward pass may raise."""
        y = _constant(backbone.eval(), x)
        backbone.train()
        return y

    def training_in_the_end(backbone, x):
        """The features are right, and in the end you call train(), which switches every layer to
        training mode. Some were in eval mode: note each module's mode and put it back."""
        try:
            return _constant(backbone.eval(), x)
        finally:
            backbone.train()

    def one_mode_for_all(backbone, x):
        """The features are right, and you gave all layers the mode of the backbone itself. A layer
        may have a mode of its own: note training for every one of backbone.modules(), and put it
        back in a finally block, because the forward pass may raise."""
        was = backbone.training
        y = _constant(backbone.eval(), x)
        backbone.train(was)
        return y

    def one_mode_in_the_end(backbone, x):
        """The features are right, and in the end you give all layers the mode of the backbone
        itself. A layer may have a mode of its own: note training for every one of
        backbone.modules()."""
        was = backbone.training
        try:
            return _constant(backbone.eval(), x)
        finally:
            backbone.train(was)

    def mode_lost_on_error(backbone, x):
        """All is right until the forward pass raises: then the backbone stays in eval mode. Put the
        modes back in a finally block."""
        modes = [(module, module.training) for module in backbone.modules()]
        y = _constant(backbone.eval(), x)
        for module, mode in modes:
            module.training = mode
        return y

    def history_kept(backbone, x):
        """The values are right, and the features require grad: gradients would reach the backbone.
        eval() does not stop the recording. Use no_grad(), or detach the result."""
        return _eval_output(backbone, x)
