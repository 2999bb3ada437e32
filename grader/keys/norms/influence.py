"""References and mistakes of the exercises on modes, and on one sample's influence on another."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from grader.trusted.families.calling import past_hooks
from grader.trusted.key import Key, Pair, raises

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
        """You answer "different" where a call raises. BatchNorm, InstanceNorm and GroupNorm may
        refuse to take a variance of one value, by ValueError: the answer is "raises"."""
        word = _word(layer, shape)
        return "different" if word == "raises" else word

    def raises_if_both_do(layer, shape):
        """You answer "different" where the call in training alone raises. "raises" is right if one
        of the two calls does."""
        word = _word(layer, shape)
        if word == "raises":
            try:
                eval(layer, {"nn": nn}).eval()(torch.randn(shape))
            except ValueError:
                return word
            return "different"
        return word

    def equal_if_training_alone_raises(layer, shape):
        """You answer "equal" where the call in training alone raises. "raises" is right if one of
        the two calls does."""
        word = TrainOrEvalKey.raises_if_both_do(layer, shape)
        return "equal" if word == "different" and _word(layer, shape) == "raises" else word

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

    def only_what_is_named(layer, shape):
        """You let the names decide: BatchNorm and Dropout differ, all else is equal. What decides
        is whether a layer keeps running statistics or draws random numbers, and whether it gets
        enough values for a variance."""
        return "different" if "BatchNorm" in layer or "Dropout" in layer else "equal"

    def equal_or_different_alone(layer, shape):
        """You never answer "raises". With one value for a variance BatchNorm raises ValueError, and
        so do InstanceNorm and, for a single sample, GroupNorm."""
        return _belief(lambda layer, shape: _word(layer, shape) == "raises", "equal")(layer, shape)

    def running_statistics_decide(layer, shape):
        """You never answer "raises". With one value for a variance BatchNorm raises ValueError, and
        so do InstanceNorm and, for a single sample, GroupNorm."""
        word = _word(layer, shape)
        if word != "raises":
            return word
        keeps = getattr(eval(layer, {"nn": nn}), "running_mean", None) is not None
        return "different" if keeps else "equal"

    @raises("Expected more than 1")
    def errors_not_caught(layer, shape):
        """You let the error out. That a layer raises is one of the three answers: catch ValueError
        around both calls, and return "raises"."""
        module = eval(layer, {"nn": nn})
        x = torch.randn(shape)
        return "equal" if torch.equal(module.train()(x), module.eval()(x)) else "different"

    def truth_of_a_tensor(layer, shape):
        """You compared the outputs with ==, which gives a tensor. `if` on it raises, and you caught
        that error as if the layer had raised. Use torch.equal(a, b)."""
        return "raises"

    def two_inputs(layer, shape):
        """You drew a new input for the second call, so nearly every pair of outputs differs. Draw x
        once, and hand it to the layer in both modes."""
        module = eval(layer, {"nn": nn})
        try:
            same = torch.equal(
                module.train()(torch.randn(shape)), module.eval()(torch.randn(shape))
            )
        except ValueError:
            return "raises"
        return "equal" if same else "different"

    def two_layers(layer, shape):
        """You made the layer anew for the second call, so that weights drawn at random differ as
        well. Make it once, and call it in both modes."""
        return "different" if "Linear" in layer else _word(layer, shape)

    def zeros_for_an_input(layer, shape):
        """You never answer "different". On an input of zeros Dropout has nothing to drop, and
        BatchNorm little to divide: draw it with torch.randn(shape), and compare the values of both
        outputs."""
        module, x = eval(layer, {"nn": nn}), torch.zeros(shape)
        try:
            same = torch.equal(module.train()(x), module.eval()(x))
        except ValueError:
            return "raises"
        return "equal" if same else "different"

    def ones_for_an_input(layer, shape):
        """You answer "equal" for a BatchNorm whose running statistics are those of this batch, with
        momentum None or 1. They hold the unbiased variance, so the outputs differ a little. An
        input of ones hides that, and so does a comparison that allows a difference: draw
        torch.randn(shape), and compare with torch.equal."""
        module, x = eval(layer, {"nn": nn}), torch.ones(shape)
        try:
            same = torch.equal(module.train()(x), module.eval()(x))
        except ValueError:
            return "raises"
        return "equal" if same else "different"

    def eval_forgotten(layer, shape):
        """You called the layer in training mode twice: only layers that draw random numbers differ
        then. Call eval() before the second call."""
        module, x = eval(layer, {"nn": nn}), torch.randn(shape)
        try:
            return "equal" if torch.equal(module(x), module(x)) else "different"
        except ValueError:
            return "raises"

    def buffers_decide(layer, shape):
        """You asked whether the layer has buffers. Dropout has none and depends on the mode all the
        same, and a layer may raise."""
        buffers = list(eval(layer, {"nn": nn}).buffers())
        return "different" if buffers else "equal"

    def train_forgotten(layer, shape):
        """You called the layer in eval mode twice, so nothing differs. Call train() before the
        first call: the layer is new, and asked for are both modes."""
        module, x = eval(layer, {"nn": nn}).eval(), torch.randn(shape)
        try:
            return "equal" if torch.equal(module(x), module(x)) else "different"
        except ValueError:
            return "raises"

    def statistics_in_every_norm(layer, shape):
        """You took InstanceNorm and GroupNorm for layers with running statistics. GroupNorm never
        has any, and InstanceNorm only with track_running_stats=True."""

        def applies(layer, shape):
            return "InstanceNorm" in layer or "GroupNorm" in layer

        return _belief(applies, "different")(layer, shape)

    def instance_norm_never_raises(layer, shape):
        """You let InstanceNorm accept a single value per channel and sample. It needs more than one
        for a variance, and raises ValueError."""
        one = shape[2:] == (1, 1)
        return _belief(lambda layer, shape: "InstanceNorm" in layer and one, "equal")(layer, shape)

    def group_norm_never_raises(layer, shape):
        """You let GroupNorm accept one sample with one value in each group. torch refuses to take a
        variance of it: ValueError."""
        return _belief(lambda layer, shape: "GroupNorm(3, 3)" in layer, "equal")(layer, shape)

    def only_batch_norm_raises(layer, shape):
        """You let BatchNorm alone raise. InstanceNorm needs more than one value per channel and
        sample as well, and GroupNorm refuses one sample with one value in each group."""
        word = _word(layer, shape)
        return "equal" if word == "raises" and "BatchNorm" not in layer else word

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


def _with_statistics_moved(key: dict[str, Any], *others: str) -> Iterator[Pair]:
    """Each of these mistakes, made by a call that moves the running statistics as well."""
    said = {name: " ".join(key[name].__doc__.split()) for name in (*others, "statistics_moved")}
    for name in others:

        def both(module: nn.Module, x: Tensor, name: str = name) -> Any:
            found = key[name](module, x)
            module(x)
            return found

        yield Pair(f"{name}+statistics_moved", said[name], said["statistics_moved"], both)


class CrossSampleInfluenceKey(Key, task="cross_sample_influence"):
    def reference(module: nn.Module, x: Tensor) -> Tensor:
        return _norms(_jacobian(module, x))

    families = past_hooks(reference, "module(x)")

    def inputs_moved_together(module, x):
        """You summed the derivatives with respect to the entries of an input before you squared
        them: that is the derivative in one direction, in which they can cancel. Square each of them
        first."""
        return _jacobian(module, x).sum(3).square().sum(1).sqrt()

    def statistics_moved(module, x):
        """The matrix is right, and your call changed the running statistics: BatchNorm updates them
        in every forward pass in training. Call a deep copy, or put the buffers back."""
        matrix = CrossSampleInfluenceKey.reference(module, x)
        module(x)
        return matrix

    def count_moved(module, x):
        """The matrix is right, and the running means and variances are as they were.
        num_batches_tracked is not: it is a buffer as well, and counts the batches. Put all buffers
        back."""
        matrix = CrossSampleInfluenceKey.reference(module, x)
        for name, buffer in module.named_buffers():
            if name.endswith("num_batches_tracked") and module.training:
                buffer.add_(1)
        return matrix

    def grads_left(module, x):
        """The matrix is right, and your passes filled .grad of the module's parameters. Ask for the
        gradient of x alone, with torch.autograd.grad(..., x), or call a deep copy."""
        twin = copy.deepcopy(module)
        for p in twin.parameters():
            p.requires_grad_()
        for p in module.parameters():
            if p.requires_grad:
                p.grad = torch.ones_like(p) if p.grad is None else p.grad + 1
        return CrossSampleInfluenceKey.reference(twin, x)

    def parameters_frozen(module, x):
        """The matrix is right, and you set requires_grad of the module's parameters to False.
        torch.autograd.grad(..., x) needs no parameter frozen."""
        matrix = CrossSampleInfluenceKey.reference(module, x)
        module.requires_grad_(False)
        return matrix

    def parameters_unfrozen(module, x):
        """The matrix is right, and afterwards all of the module's parameters require grad. Some did
        not: leave their flags as they are."""
        matrix = CrossSampleInfluenceKey.reference(module, x)
        module.requires_grad_(True)
        return matrix

    def grad_adds_up(module, x):
        """You did not empty x.grad between the outputs, so each row holds those before it as well.
        Set x.grad = None before every pass, or use torch.autograd.grad."""
        rows = _jacobian(module, x).square().sum(3).sqrt()
        return rows.sum(1).cumsum(0)

    @raises("Expected more than 1 value per channel")
    def rows_by_themselves(module, x):
        """You called the module with a single row. There no sample meets another, and a BatchNorm
        that takes its variance from the batch refuses. Call it with the whole batch."""
        twin = copy.deepcopy(module)
        blocks = [_norms(_jacobian(twin, row[None])) for row in x]
        return torch.block_diag(*blocks)

    def largest_singular_value(module, x):
        """You took the spectral norm of each block, its largest singular value. Asked for is the
        root of the sum of squares, the Frobenius norm."""
        return torch.linalg.matrix_norm(_jacobian(module, x).movedim(1, 2), ord=2)

    def mean_of_squares(module, x):
        """You took the mean of the squares before the root. Sum them."""
        return _jacobian(module, x).square().mean((1, 3)).sqrt()

    def axes_of_outputs_alone(module, x):
        """You summed over the entries of the outputs alone, so that an axis for the entries of the
        inputs is left. Sum over both axes of length d: 1 and 3."""
        return _jacobian(module, x).square().sum(1).sqrt()

    def samples_summed(module, x):
        """You summed over the axes of the samples, 0 and 2, and kept those of the entries. Sum over
        the axes of length d: 1 and 3."""
        return _jacobian(module, x).square().sum((0, 2)).sqrt()

    def norm_of_the_output(module, x):
        """You took the derivative of the norm of each output. Take the derivatives of its entries,
        and then the norm of these."""
        x = x.detach().requires_grad_()
        y = copy.deepcopy(module)(x)
        rows = [torch.autograd.grad(one.norm(), x, retain_graph=True)[0] for one in y]
        return torch.stack(rows).norm(dim=2)

    def transposed(module, x):
        """Your matrix is transposed: entry [i, j] is to say how output i depends on input j."""
        return CrossSampleInfluenceKey.reference(module, x).T

    def diagonal_alone(module, x):
        """You measured how each output depends on its own input, and put 0 everywhere else. Where
        BatchNorm uses the batch, it depends on the other inputs, too, by mean and variance."""
        return torch.diag(CrossSampleInfluenceKey.reference(module, x).diagonal())

    def one_by_one(module, x):
        """You measured in eval mode, where running statistics stand in for those of the batch. The
        influence is asked for in the mode that the module comes in."""
        return CrossSampleInfluenceKey.reference(copy.deepcopy(module).eval(), x)

    def measured_in_eval_and_one_mode_put_back(module, x):
        """You measured in eval mode, and then put one mode into all layers, that of the module. The
        influence is asked for in the mode that the module comes in, and a layer may have a mode of
        its own: change none."""
        matrix = CrossSampleInfluenceKey.one_by_one(module, x)
        module.train(module.training)
        return matrix

    def one_mode_for_all_layers(module, x):
        """You put one mode into all layers, that of the module: of the module itself, or of a copy
        on which you measured. A layer may have a mode of its own: change none."""
        twin = copy.deepcopy(module)
        return CrossSampleInfluenceKey.reference(twin.train(twin.training), x)

    def one_mode_for_all_layers_of_the_module(module, x):
        """You put one mode into all layers of the module, its own. A layer may have a mode of its
        own: change none."""
        return CrossSampleInfluenceKey.reference(module.train(module.training), x)

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

    pairs = tuple(
        _with_statistics_moved(
            locals(),
            "transposed",
            "not_rooted",
            "absolute_values",
            "largest_entry",
            "outputs_summed_first",
            "derivatives_summed",
            "mean_of_squares",
        )
    )
