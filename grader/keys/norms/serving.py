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

    def sign_of_the_mean(conv, bn):
        """The weight is right. You added the running mean to the bias of the convolution. Take it
        off: s * (conv.bias - rm) + b."""
        scale, bias, _, b = _parts(conv, bn)
        return _scaled(conv, scale), scale * (bias + bn.running_mean) + b

    def mean_not_scaled(conv, bn):
        """The weight is right. You took the running mean off without scaling it. It goes through
        the division and the weight as all else does: s * (conv.bias - rm) + b."""
        scale, bias, _, b = _parts(conv, bn)
        return _scaled(conv, scale), scale * bias - bn.running_mean + b

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

    def parameters_frozen(conv, bn):
        """The pair is right, and you set requires_grad of parameters to False. Leave the modules as
        they are: compute inside no_grad(), or detach the result."""
        conv.requires_grad_(False)
        bn.requires_grad_(False)
        return FoldBnKey.reference(conv, bn)

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

    def made_in_inference_mode(backbone, x):
        """The values are right, and they were made in inference mode. A head cannot save such a
        tensor for its backward pass: use no_grad(), or detach the result."""
        with torch.inference_mode():
            return _eval_output(backbone, x)

    @raises("Expected more than 1 value per channel")
    def statistics_put_back(backbone, x):
        """You ran the backbone in training mode and put its running statistics back. It normalised
        by the batch all the same, and cannot do so for a batch of one. Switch to eval mode."""
        kept = {name: buffer.clone() for name, buffer in backbone.named_buffers()}
        try:
            return _constant(backbone, x)
        finally:
            for name, buffer in backbone.named_buffers():
                buffer.copy_(kept[name])

    @raises("Expected more than 1 value per channel")
    def copy_in_training(backbone, x):
        """You ran a deep copy in the mode the backbone was in. That saves the running statistics,
        and normalises by the batch all the same. Call eval() on the copy."""
        return _constant(copy.deepcopy(backbone), x)

    def batch_norm_alone(backbone, x):
        """You switched the BatchNorm layers to eval mode, and no other. Dropout drops in training
        mode as well: switch every layer, with eval()."""
        modes = [(m, m.training) for m in backbone.modules()]
        for module, _ in modes:
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.training = False
        try:
            return _constant(backbone, x)
        finally:
            for module, mode in modes:
                module.training = mode

    def exception_swallowed(backbone, x):
        """You caught the exception of the forward pass and went on. Put the modes back, and let it
        pass on: try and finally, without except."""
        try:
            return _eval_output(backbone, x).detach()
        except RuntimeError:
            return None

    def frozen_as_well(backbone, x):
        """The features are right, and you set requires_grad of the parameters to False for good.
        Leave the flags as they are: no_grad() records nothing, whatever they say."""
        y = _eval_output(backbone, x).detach()
        backbone.requires_grad_(False)
        return y

    def unfrozen_afterwards(backbone, x):
        """The features are right, and afterwards every parameter requires grad. Some did not: leave
        the flags as they are."""
        y = _eval_output(backbone, x).detach()
        backbone.requires_grad_(True)
        return y

    def grads_emptied(backbone, x):
        """The features are right, and you called zero_grad() on the backbone. Its .grad belong to
        whoever trains it."""
        y = _eval_output(backbone, x).detach()
        backbone.zero_grad()
        return y

    def direct_children_alone(backbone, x):
        """The features are right, and you put back the modes of the direct children alone. A part
        of a part keeps eval mode: note training for every one of backbone.modules()."""
        parts = [backbone, *backbone.children()]
        modes = [(m, m.training) for m in parts]
        try:
            return _constant(backbone.eval(), x)
        finally:
            for module, mode in modes:
                module.training = mode
