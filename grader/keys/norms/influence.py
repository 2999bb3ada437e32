"""References and mistakes of the exercises on modes, and on one sample's influence on another."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from grader.trusted.key import Key

Shape = tuple[int, ...]


def _word(layer: str, shape: Shape) -> str:
    """What happens, seen by running it."""
    module = eval(layer, {"nn": nn})
    x = torch.randn(shape)
    try:
        one, other = module.train()(x), module.eval()(x)
    except ValueError:
        return "raises"
    return "equal" if torch.equal(one, other) else "different"


def _belief(applies: Callable[[str, Shape], bool], word: str) -> Callable[[str, Shape], str]:
    """The answer of somebody who says `word` wherever `applies` holds, and is right elsewhere."""
    return lambda layer, shape: word if applies(layer, shape) else _word(layer, shape)


_PER_SAMPLE = ("LayerNorm", "GroupNorm", "RMSNorm")


class TrainOrEvalKey(Key, task="train_or_eval"):
    reference = _word

    def every_norm_has_modes(layer, shape):
        """You let LayerNorm, GroupNorm or RMSNorm depend on the mode. They keep no running
        statistics, so they compute the same in both."""

        def applies(layer, shape):
            return any(name in layer for name in _PER_SAMPLE)

        return _belief(applies, "different")(layer, shape)

    def instance_norm_like_batch_norm(layer, shape):
        """You let InstanceNorm depend on the mode. Unlike BatchNorm it keeps no running statistics
        unless it is asked to, with track_running_stats=True."""
        return _belief(
            lambda layer, shape: "InstanceNorm" in layer and "track" not in layer, "different"
        )(layer, shape)

    def instance_norm_never(layer, shape):
        """You took InstanceNorm for a layer without modes. With track_running_stats=True it uses
        its running statistics in eval mode, as BatchNorm does."""
        return _belief(lambda layer, shape: "InstanceNorm" in layer, "equal")(layer, shape)

    def dropout_in_eval(layer, shape):
        """You let Dropout do the same in both modes. In eval mode it lets everything through, in
        training it zeroes entries and scales the others."""
        return _belief(lambda layer, shape: "Dropout" in layer and "0.0" not in layer, "equal")(
            layer, shape
        )

    def dropout_always_differs(layer, shape):
        """You let Dropout differ between the modes whatever its p is. With p = 0 it drops nothing,
        in training either."""
        return _belief(lambda layer, shape: "Dropout" in layer, "different")(layer, shape)

    def one_value_is_fine(layer, shape):
        """You let BatchNorm accept a single value per channel in training. A variance needs more
        than one: torch raises ValueError."""
        word = _word(layer, shape)
        return "different" if word == "raises" else word

    def batch_of_one_raises(layer, shape):
        """You let BatchNorm raise on every batch of one. What it needs is more than one value per
        channel, and an image brings height times width of them."""
        return _belief(lambda layer, shape: "BatchNorm" in layer and shape[0] == 1, "raises")(
            layer, shape
        )

    def any_batch_of_one_raises(layer, shape):
        """You let every layer raise on a batch of one. LayerNorm and GroupNorm average within the
        sample, and BatchNorm needs more than one value per channel, which an image brings."""
        return _belief(lambda layer, shape: shape[0] == 1, "raises")(layer, shape)

    def tracking_ignored(layer, shape):
        """You let BatchNorm depend on the mode even with track_running_stats=False. Without running
        statistics it normalises by the batch in eval mode, too."""
        return _belief(lambda layer, shape: "stats=False" in layer and shape[0] > 1, "different")(
            layer, shape
        )

    def untracked_accepts_one_value(layer, shape):
        """You let BatchNorm without running statistics accept one value per channel. It normalises
        by the batch in both modes, so it needs more than one."""
        return _belief(lambda layer, shape: "stats=False" in layer and shape[0] == 1, "equal")(
            layer, shape
        )

    def affine_decides(layer, shape):
        """You took BatchNorm with affine=False for a layer without modes. That leaves out weight
        and bias; the running statistics stay."""
        return _belief(lambda layer, shape: "affine=False" in layer, "equal")(layer, shape)

    def momentum_none(layer, shape):
        """You took momentum=None for no running statistics. It makes them a plain average over all
        batches instead of one that forgets."""
        return _belief(lambda layer, shape: "momentum=None" in layer, "equal")(layer, shape)

    def always_different():
        """You answer "different" for every layer. The mode matters to layers that keep running
        statistics and to layers that draw random numbers."""
        return "different"

    def always_equal():
        """You answer "equal" for every layer. BatchNorm uses the batch in training and its running
        statistics in eval mode; Dropout drops in training alone."""
        return "equal"


def _jacobian(module: nn.Module, x: Tensor) -> Tensor:
    """d module(x)[i, a] / d x[j, b], of shape (N, d, N, d), by one pass for each output entry."""
    x = x.detach().requires_grad_()
    y = copy.deepcopy(module)(x)
    rows = [torch.autograd.grad(e, x, retain_graph=True)[0] for e in y.flatten()]
    return torch.stack(rows).reshape(*y.shape, *x.shape)


def _norms(jacobian: Tensor) -> Tensor:
    return jacobian.square().sum((1, 3)).sqrt()


class CrossSampleInfluenceKey(Key, task="cross_sample_influence"):
    def reference(module: nn.Module, x: Tensor) -> Tensor:
        return _norms(_jacobian(module, x))

    def statistics_moved(module, x):
        """The matrix is right, and your call changed the running statistics: BatchNorm updates them
        in every forward pass in training. Call a deep copy, or put the buffers back."""
        matrix = CrossSampleInfluenceKey.reference(module, x)
        module(x)
        return matrix

    def transposed(module, x):
        """Your matrix is transposed: entry [i, j] is to say how output i depends on input j."""
        return CrossSampleInfluenceKey.reference(module, x).T

    def diagonal_alone(module, x):
        """You measured how each output depends on its own input, and put 0 everywhere else. In
        BatchNorm every output also depends on the other inputs, through mean and variance."""
        return torch.diag(CrossSampleInfluenceKey.reference(module, x).diagonal())

    def one_by_one(module, x):
        """You switched to eval mode, where samples do not meet, and back. The influence is asked
        for in the mode that the module comes in."""
        return CrossSampleInfluenceKey.reference(copy.deepcopy(module).eval(), x)

    def eval_left_on(module, x):
        """You switched the module to eval mode and left it there. The influence is asked for in the
        mode that it comes in."""
        return CrossSampleInfluenceKey.reference(module.eval(), x)

    def always_training(module, x):
        """You measured in training mode always. A BatchNorm in eval mode uses its running
        statistics, and then no sample depends on another."""
        return CrossSampleInfluenceKey.reference(copy.deepcopy(module).train(), x)

    def not_rooted(module, x):
        """You returned the sums of squares. The root is missing."""
        return CrossSampleInfluenceKey.reference(module, x).square()

    def absolute_values(module, x):
        """You summed absolute values. Square the derivatives, sum, and take the root."""
        return _jacobian(module, x).abs().sum((1, 3))

    def largest_entry(module, x):
        """You took the largest derivative of each pair. Square all of them, sum, and take the
        root."""
        return _jacobian(module, x).abs().amax((1, 3))

    def outputs_summed_first(module, x):
        """You summed the entries of an output before you took its derivative, as y[i].sum() does.
        Derivatives of different entries can cancel: square each of them first."""
        return _jacobian(module, x).sum(1).square().sum(2).sqrt()

    def derivatives_summed(module, x):
        """You summed the derivatives of each pair with their signs, so that they can cancel. Square
        them, sum, and take the root."""
        return _jacobian(module, x).sum((1, 3))
