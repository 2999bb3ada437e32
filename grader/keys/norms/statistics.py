"""Reference and mistakes of the exercise that measures running statistics anew."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from grader.trusted.key import Key

Momenta = list[float | None]


def _norms(model: nn.Module) -> list[nn.BatchNorm1d]:
    return [m for m in model.modules() if isinstance(m, nn.BatchNorm1d)]


def _seen_by_norms(
    model: nn.Module, batches: list[Tensor], *, training: bool = True, only_norms: bool = False
) -> list[list[Tensor]]:
    """For every BatchNorm, what it is given, batch by batch."""
    twin = copy.deepcopy(model).train(training and not only_norms)
    for norm in _norms(twin):
        norm.train(training)
    seen: list[list[Tensor]] = []
    for norm in _norms(twin):
        inputs: list[Tensor] = []
        norm.register_forward_pre_hook(lambda _, args, inputs=inputs: inputs.append(args[0]))
        seen.append(inputs)
    with torch.no_grad():
        for x in batches:
            twin(x)
    return seen


def _average(means: list[Tensor], variances: list[Tensor]) -> tuple[Tensor, Tensor]:
    return torch.stack(means).mean(0), torch.stack(variances).mean(0)


def _write(
    model: nn.Module,
    batches: list[Tensor],
    correction: int = 1,
    by_rows: bool = False,
    of: list[nn.BatchNorm1d] | None = None,
) -> None:
    """Average the statistics over the batches into the layers, evenly or by the number of rows."""
    for norm, inputs in zip(_norms(model), _seen_by_norms(model, batches), strict=True):
        if of is not None and norm not in of:
            continue
        sizes = [float(len(x)) if by_rows else 1.0 for x in inputs]
        shares = [size / sum(sizes) for size in sizes]
        means = [share * x.mean(0) for share, x in zip(shares, inputs, strict=True)]
        variances = [
            share * x.var(0, correction=correction) for share, x in zip(shares, inputs, strict=True)
        ]
        _set(norm, torch.stack(means).sum(0), torch.stack(variances).sum(0))


def _set(norm: Any, mean: Tensor, var: Tensor) -> None:
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(var)


def _run(model: nn.Module, batches: list[Tensor], momenta: Momenta, reset: bool = True) -> None:
    """Let the layers measure with the given momenta, and put momenta and modes back."""
    norms = _norms(model)
    kept = [norm.momentum for norm in norms]
    modes = [(m, m.training) for m in model.modules()]
    model.train()
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        if reset:
            norm.reset_running_stats()
    with torch.no_grad():
        for x in batches:
            model(x)
    for module, mode in modes:
        module.training = mode
    for norm, momentum in zip(norms, kept, strict=True):
        norm.momentum = momentum


class RunningStatsRecalibrationKey(Key, task="running_stats_recalibration"):
    reference = _write

    def own_momentum(model, batches):
        """You left the momentum as it is, so the statistics are a moving average, in which late
        batches count most and part of the fresh 0 and 1 is left. Set momentum to None meanwhile:
        then the layer takes the plain average."""
        _run(model, batches, [norm.momentum for norm in _norms(model)])

    def moved_not_measured(model, batches):
        """You ran the batches in training mode and did no more: the old statistics were moved by
        momentum. Reset them first, and set momentum to None meanwhile."""
        _run(model, batches, [norm.momentum for norm in _norms(model)], reset=False)

    def not_reset(model, batches):
        """You did not reset the statistics. With momentum None the layer goes on with the average
        over all batches it has counted, the old ones too: call reset_running_stats() first."""
        _run(model, batches, [None for _ in _norms(model)], reset=False)

    def last_batch_alone(model, batches):
        """The statistics are those of the last batch. Each batch is to count the same: average over
        all."""
        _run(model, batches, [1.0 for _ in _norms(model)])

    def weighted_by_rows(model, batches):
        """You weighted each batch by its number of rows. That is a fair average, and not what is
        asked, nor what the layer does: with momentum None each batch counts the same."""
        _write(model, batches, by_rows=True)

    def pooled(model, batches):
        """You put all rows together and took their mean and variance. Average the batches' own: the
        variance of all rows also holds how far the batches' means lie apart."""
        for norm, inputs in zip(_norms(model), _seen_by_norms(model, batches), strict=True):
            rows = torch.cat(inputs)
            _set(norm, rows.mean(0), rows.var(0))

    def one_large_batch(model, batches):
        """You ran all rows as one batch. Run the batches one by one: every BatchNorm normalises by
        its batch."""
        _write(model, [torch.cat(batches)])

    def biased_variance(model, batches):
        """The means are right. You averaged the variances over n; running_var holds the unbiased
        ones, over n - 1."""
        _write(model, batches, correction=0)

    def reset_alone(model):
        """The statistics are fresh, 0 and 1, and no batch has come in: none was run, or the layers
        were in eval mode, in which a BatchNorm measures nothing. Run the batches in training
        mode."""
        for norm in _norms(model):
            norm.reset_running_stats()

    def momentum_left_none(model, batches):
        """The statistics are right, and you left momentum at None. Training would go on with a
        plain average: put each layer's momentum back."""
        _write(model, batches)
        for norm in _norms(model):
            norm.momentum = None

    def training_left_on(model, batches):
        """The statistics are right, and you left the model in training mode. Put each module back
        into the mode it came in."""
        _write(model, batches)
        model.train()

    def eval_afterwards(model, batches):
        """The statistics are right, and you left the model in eval mode. Put each module back into
        the mode it came in."""
        _write(model, batches)
        model.eval()

    def one_mode_for_all(model, batches):
        """The statistics are right, and several layers have one mode now, that of the model or of
        another layer. A layer may have a mode of its own: note training for every one of
        model.modules(), by the module itself."""
        _write(model, batches)
        model.train(model.training)

    def default_momentum_left(model, batches):
        """The statistics are right, and each momentum is now 0.1, torch's default. The layers had
        others: note momentum before you set it to None, and put it back."""
        _write(model, batches)
        for norm in _norms(model):
            norm.momentum = 0.1

    def default_momentum_for_none(model, batches):
        """The statistics are right, and a layer that came with momentum None has 0.1 now, torch's
        default. None is a setting like any other: put back what you noted."""
        _write(model, batches)
        for norm in _norms(model):
            norm.momentum = 0.1 if norm.momentum is None else norm.momentum

    def first_momentum_for_all(model, batches):
        """The statistics are right, and all layers have the momentum of one of them now. Each came
        with its own: note momentum for every layer, and put each one back."""
        _write(model, batches)
        for norm in _norms(model):
            norm.momentum = _norms(model)[0].momentum

    def last_momentum_for_all(model, batches):
        """The statistics are right, and all layers have the momentum of one of them now. Each came
        with its own: note momentum for every layer, and put each one back."""
        _write(model, batches)
        for norm in _norms(model):
            norm.momentum = _norms(model)[-1].momentum

    def momenta_by_width(model, batches):
        """The statistics are right, and two layers of one width have one momentum now. Each layer
        came with its own: note momentum by the layer itself, and put each one back."""
        _write(model, batches)
        known = {norm.num_features: norm.momentum for norm in _norms(model)}
        for norm in _norms(model):
            norm.momentum = known[norm.num_features]

    def parameters_reset(model, batches):
        """The statistics are right, and weight and bias of the layers are 1 and 0 again:
        reset_parameters() resets these too. Call reset_running_stats()."""
        for norm in _norms(model):
            norm.reset_parameters()
        _write(model, batches)

    def tensors_replaced(model, batches):
        """The statistics are right, and the layers have new tensors for them: `norm.running_mean =
        ...` puts another one in the place of the old. Write into the one that is there:
        reset_running_stats(), zero_(), copy_()."""
        _write(model, batches)
        for norm in _norms(model):
            for name, buffer in list(norm.named_buffers()):
                setattr(norm, name, buffer.clone())

    def mean_and_variance_replaced(model, batches):
        """The statistics are right, and the layers have new tensors for them: `norm.running_mean =
        ...` puts another one in the place of the old. Write into the one that is there:
        reset_running_stats(), zero_(), copy_()."""
        _write(model, batches)
        for norm in _norms(model):
            norm.running_mean = norm.running_mean.clone()
            norm.running_var = norm.running_var.clone()

    def nested_layers_missed(model, batches):
        """You looked for BatchNorms among the model's direct children alone. A layer may stand in a
        part of a part, or be the model itself: go through model.modules()."""
        found = [m for m in model.children() if isinstance(m, nn.BatchNorm1d)]
        _write(model, batches, of=found)

    def model_itself_missed(model, batches):
        """You looked through the model's parts and not at the model itself, which may be a
        BatchNorm. model.modules() and named_modules() begin with it."""
        _write(model, batches, of=[m for m in _norms(model) if m is not model])

    def zeroed(model, batches):
        """You filled the running statistics with zeros and left the counter: the average goes on
        counting from the batches seen before. reset_running_stats() resets mean, variance and
        num_batches_tracked."""
        for norm in _norms(model):
            norm.running_mean.zero_()
            norm.running_var.zero_()
        _run(model, batches, [None for _ in _norms(model)], reset=False)

    def share_of_the_batches(model, batches):
        """You set momentum to 1 / len(batches). That is a moving average, in which late batches
        count most and part of the fresh 0 and 1 is left. With momentum None the layer takes the
        plain average."""
        _run(model, batches, [1 / len(batches) for _ in _norms(model)])

    def measured_in_eval_mode(model, batches):
        """You measured what reaches each BatchNorm while the model ran in eval mode: the layers
        before it normalised by their old statistics. Run the batches in training mode."""
        inputs = _seen_by_norms(model, batches, training=False)
        for norm, seen in zip(_norms(model), inputs, strict=True):
            _set(norm, *_average([x.mean(0) for x in seen], [x.var(0) for x in seen]))

    def dropout_switched_off(model, batches):
        """You switched the BatchNorms alone to training mode. The batches are to go through the
        model as in training, where Dropout drops as well: call model.train()."""
        inputs = _seen_by_norms(model, batches, only_norms=True)
        for norm, seen in zip(_norms(model), inputs, strict=True):
            _set(norm, *_average([x.mean(0) for x in seen], [x.var(0) for x in seen]))

    def modes_left_as_they_came(model, batches):
        """You reset the statistics and ran the batches in the modes that the layers came in. In
        eval mode a BatchNorm measures nothing: call model.train() before, and put the modes
        back."""
        norms = _norms(model)
        kept = [norm.momentum for norm in norms]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None
        with torch.no_grad():
            for x in batches:
                model(x)
        for norm, momentum in zip(norms, kept, strict=True):
            norm.momentum = momentum

    def train_for_models_in_eval_mode_alone(model, batches):
        """You call model.train() only where the model is in eval mode. A BatchNorm in a model that
        trains may be in eval mode all the same, and measures nothing there: call model.train() in
        any case, and put each layer back into its mode."""
        if model.training:
            RunningStatsRecalibrationKey.modes_left_as_they_came(model, batches)
        else:
            _write(model, batches)

    def modes_of_the_norms_alone(model, batches):
        """The statistics are right, and a layer that is no BatchNorm is in another mode now. It may
        have a mode of its own as well: note training for every one of model.modules()."""
        _write(model, batches)
        kept = [norm.training for norm in _norms(model)]
        model.train(model.training)
        for norm, mode in zip(_norms(model), kept, strict=True):
            norm.training = mode

    def nested_layers_moved(model, batches):
        """You looked for BatchNorms among the model's direct children alone. One inside a part, or
        the model itself, ran along in training mode and moved by its own momentum: go through
        model.modules()."""
        norms, direct = _norms(model), list(model.children())
        momenta = [None if norm in direct else norm.momentum for norm in norms]
        for norm in norms:
            if norm in direct:
                norm.reset_running_stats()
        _run(model, batches, momenta, reset=False)

    def deeper_layers_moved(model, batches):
        """A BatchNorm inside a part ran along in training mode and moved by its own momentum: you
        looked at the model and its direct children alone. Go through model.modules(), which lists
        all levels."""
        norms, found = _norms(model), [model, *model.children()]
        for norm in norms:
            if norm in found:
                norm.reset_running_stats()
        momenta = [None if norm in found else norm.momentum for norm in norms]
        _run(model, batches, momenta, reset=False)

    def none_taken_for_done(model, batches):
        """A BatchNorm whose momentum is None already was not reset, and goes on with the average
        over all batches it has counted. Leave the momentum out of the question: every BatchNorm is
        measured anew."""
        norms = _norms(model)
        for norm in norms:
            if norm.momentum is not None:
                norm.reset_running_stats()
        _run(model, batches, [None for _ in norms], reset=False)

    def emptied_by_hand(model, batches):
        """You set the running mean to 0 and the variance to 1 and left the counter: the average
        goes on counting from the batches seen before. reset_running_stats() also resets
        num_batches_tracked."""
        for norm in _norms(model):
            norm.running_mean.zero_()
            norm.running_var.fill_(1)
        _run(model, batches, [None for _ in _norms(model)], reset=False)

    def frozen_afterwards(model, batches):
        """The statistics are right, and no parameter requires grad any more. Leave the flags: under
        no_grad() nothing is recorded, whatever they say."""
        _write(model, batches)
        model.requires_grad_(False)

    def unfrozen_afterwards(model, batches):
        """The statistics are right, and every parameter requires grad now. Some did not: leave the
        flags as they are."""
        _write(model, batches)
        model.requires_grad_(True)

    def grads_emptied(model, batches):
        """The statistics are right, and you emptied .grad with zero_grad(). Nothing here fills it:
        leave it as it is."""
        _write(model, batches)
        model.zero_grad()

    def first_batch_alone(model, batches):
        """The statistics are those of the first batch. Run all of them: the loop ends too soon."""
        _write(model, batches[:1])

    def first_layer_alone(model, batches):
        """Your statistics of the first BatchNorm are right, and the others keep their old ones: a
        loop over the layers ends too soon, or every layer takes its input from the batch. Each is
        measured on what reaches it."""
        _write(model, batches, of=_norms(model)[:1])
