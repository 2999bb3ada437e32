"""References and mistakes of the exercises that run a model without training it."""

import contextlib
import copy

import torch
from torch import Tensor, nn

from grader.trusted.families.calling import past_hooks
from grader.trusted.key import Key, raises


def _modes(model: nn.Module) -> list[tuple[nn.Module, bool]]:
    return [(module, module.training) for module in model.modules()]


def _restore(modes: list[tuple[nn.Module, bool]]) -> None:
    for module, training in modes:
        module.training = training


@torch.no_grad()
def _left_in_eval(model: nn.Module, x: Tensor) -> Tensor:
    return model.eval()(x)


def _recorded(model: nn.Module, x: Tensor) -> Tensor:
    """model(x) in eval mode, with recording on, and the modes put back."""
    modes = _modes(model)
    try:
        return model.eval()(x)
    finally:
        _restore(modes)


class EvaluateKey(Key, task="evaluate"):
    @torch.no_grad()
    def reference(model: nn.Module, x: Tensor) -> Tensor:
        return copy.deepcopy(model).eval()(x)

    families = past_hooks(reference)

    def neither(model, x):
        """You called the model as it came: in train mode, and recorded. Dropout drops, batch
        normalization uses this batch and changes its running statistics, and the result carries a
        graph. Switch to eval mode, and recording off."""
        return model(x)

    def eval_missing(model, x):
        """Nothing is recorded, but the layers work in the mode they came in. no_grad does not
        change what layers do: in train mode dropout drops, and batch normalization uses this batch
        and changes its running statistics. Call model.eval() as well."""
        with torch.no_grad():
            return model(x)

    def no_grad_missing(model, x):
        """The modes are right, and the result requires grad: eval() does not switch recording off.
        Call the model inside `with torch.no_grad():` as well."""
        return _recorded(model, x)

    def recorded_then_detached(model, x):
        """The result carries no graph, but a graph was recorded and thrown away: detach() comes
        too late to save anything. Switch recording off before you call the model."""
        return _recorded(model, x).detach()

    @raises(r"Expected more than 1 value per channel")
    def copied_in_train_mode(model, x):
        """You called a copy of the model in train mode: dropout drops, and batch normalization uses
        this batch, which a single row does not allow. Call eval() on the copy."""
        with torch.no_grad():
            return copy.deepcopy(model).train()(x)

    def detached_and_one_flag_restored(model, x):
        """A graph was recorded and thrown away: switch recording off before you call the model.
        And one flag was put back for the whole model: keep the flag of each module, and put them
        back in a finally block."""
        training = model.training
        logits = model.eval()(x).detach()
        model.train(training)
        return logits

    def detached_and_left_in_eval(model, x):
        """A graph was recorded and thrown away: switch recording off before you call the model.
        And the model stays in eval mode: put the flags back."""
        return model.eval()(x).detach()

    def detached_and_switched_to_train(model, x):
        """A graph was recorded and thrown away: switch recording off before you call the model.
        And you called model.train() in the end, whatever was before: put back what you found."""
        logits = model.eval()(x).detach()
        model.train()
        return logits

    def left_in_eval(model, x):
        """The logits are right, and the model stays in eval mode: training goes on without dropout,
        and running statistics stand still. Put the flags back. If you did, they were read too late:
        a generator reads them when it is asked, after eval() has changed them."""
        return _left_in_eval(model, x)

    def only_eval(model, x):
        """You called model.eval() and nothing else: the result is recorded, and the model stays in
        eval mode. Switch recording off for the call, and put the flags back afterwards."""
        return model.eval()(x)

    def switched_to_train(model, x):
        """You called model.train() in the end, whatever was before. A model, or a part of it, that
        was in eval mode is in train mode now. Put back what you found; if the model raises, too."""
        logits = _left_in_eval(model, x)
        model.train()
        return logits

    def train_in_finally(model, x):
        """You called model.train() in the end, whatever was before. A model, or a part of it, that
        was in eval mode is in train mode now. Put back what you found."""
        try:
            return _left_in_eval(model, x)
        finally:
            model.train()

    def one_flag_restored(model, x):
        """A part that was in another mode than the whole model is not any more: module.train(flag)
        sets the flag of all parts inside as well. Keep the flag of each module, set
        `module.training = flag`, and do it in a finally block, in case the model raises."""
        training = model.training
        logits = _left_in_eval(model, x)
        model.train(training)
        return logits

    def one_flag_in_finally(model, x):
        """A part that was in another mode than the whole model is not any more: module.train(flag)
        sets the flag of all parts inside as well. Keep the flag of each module, and set
        `module.training = flag` for each."""
        training = model.training
        try:
            return _left_in_eval(model, x)
        finally:
            model.train(training)

    def parts_of_parts_forgotten(model, x):
        """You kept the flags of the model's direct parts, and a part inside a part is in another
        mode now: model.eval() goes through all levels. Keep the flag of every entry of
        model.modules()."""
        parts = [(part, part.training) for part in (model, *model.children())]
        try:
            return _left_in_eval(model, x)
        finally:
            for part, training in parts[::-1]:
                part.train(training)
            for part, training in parts:
                part.training = training

    def eval_only_if_training(model, x):
        """A part in train mode, inside of what is in eval mode, worked in train mode: eval() was
        not called on it. A flag such as model.training is that of one module alone. Call
        model.eval() in any case."""
        if model.training:
            return EvaluateKey.reference(model, x)
        with torch.no_grad():
            return model(x)

    def train_called_on_those_that_trained(model, x):
        """You called train() on every module that was in train mode. That sets the flags of all
        parts inside as well, and one of them was in eval mode. Keep the flag of each module, and
        set `module.training = flag` for each."""
        modes = _modes(model)
        try:
            return _left_in_eval(model, x)
        finally:
            for part, training in modes:
                if training:
                    part.train()

    def trained_parts_forgotten(model, x):
        """You put back the flag of the whole model, and the parts that were in eval mode. A part
        that was in train mode, in a model in eval mode, is in eval mode now: keep the flag of each
        module, and set `module.training = flag` for each."""
        training, modes = model.training, _modes(model)
        try:
            return _left_in_eval(model, x)
        finally:
            model.train(training)
            _restore([(part, flag) for part, flag in modes if not flag])

    def one_flag_for_each_class(model, x):
        """You kept one flag for each class of layer. Two layers of one class may be in different
        modes: keep the flag of each module, in a dict by the module itself or in a list."""
        flags = {type(module): training for module, training in _modes(model)}
        try:
            return _left_in_eval(model, x)
        finally:
            for module in model.modules():
                module.training = flags[type(module)]

    def parameters_frozen_meanwhile(model, x):
        """Where x requires grad, so does your result: recording was on. You switched requires_grad
        off for the parameters, and what is computed from x is recorded all the same. Switch
        recording off."""
        return (_recorded if x.requires_grad else EvaluateKey.reference)(model, x)

    def parts_of_parts_left_in_eval(model, x):
        """You put back the flags of the model and its direct parts alone. A part inside a part
        stays in eval mode: go through model.modules()."""
        parts = [(part, part.training) for part in (model, *model.children())]
        try:
            return _left_in_eval(model, x)
        finally:
            _restore(parts)

    def known_layers_alone(model, x):
        """You put BatchNorm and Dropout into eval mode, by their classes. A layer of another class
        looks at `training` as well, and still works in train mode. model.eval() reaches all."""
        modes = _modes(model)
        for module, _ in modes:
            if isinstance(module, (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)):
                module.eval()
        try:
            with torch.no_grad():
                return model(x)
        finally:
            _restore(modes)

    def recording_switched_on(model, x):
        """Recording is on after your call, also if it was off before: a caller inside no_grad
        suddenly records. Put back what you found, or use a `with torch.no_grad():` block."""
        logits = EvaluateKey.reference(model, x)
        torch.set_grad_enabled(True)
        return logits

    def frozen_for_the_call(model, x):
        """You switched requires_grad of all parameters off and on again. One that was frozen before
        is not any more. `with torch.no_grad():` needs no flag."""
        modes = _modes(model)
        model.requires_grad_(False)
        try:
            return model.eval()(x)
        finally:
            _restore(modes)
            model.requires_grad_(True)

    def grads_cleared(model, x):
        """You emptied .grad of the model's parameters. Nothing else than the modes may be touched,
        and the caller may still need what lies there."""
        model.zero_grad()
        return EvaluateKey.reference(model, x)

    def seed_set(model, x):
        """You set the seed of torch's random numbers, or drew some. In eval mode nothing is drawn:
        leave the generator alone."""
        torch.manual_seed(0)
        return EvaluateKey.reference(model, x)

    def probabilities(model, x):
        """You returned probabilities. model(x) itself is asked for, without softmax."""
        return EvaluateKey.reference(model, x).softmax(1)

    def classes(model, x):
        """You returned the class with the largest logit for each row. model(x) itself is asked
        for."""
        return EvaluateKey.reference(model, x).argmax(1)

    def train_for_eval(model, x):
        """You called the model in train mode: dropout drops, and batch normalization uses this
        batch and changes its running statistics. Call model.eval() before."""
        modes = _modes(model)
        try:
            with torch.no_grad():
                return model.train()(x)
        finally:
            _restore(modes)

    def not_restored_after_an_error(model, x):
        """All is well unless the model raises: then the lines that put the flags back do not run.
        They belong into a finally block."""
        modes = _modes(model)
        logits = _left_in_eval(model, x)
        _restore(modes)
        return logits

    def not_restored_after_an_interrupt(model, x):
        """The flags are put back after an error of the model, and not after an interrupt:
        KeyboardInterrupt, which the stop button raises, is no Exception, and an `except` that names
        Exception, or one kind of error, does not see it. The lines that put the flags back belong
        into a finally block."""
        modes = _modes(model)
        try:
            logits = _left_in_eval(model, x)
        except Exception:
            _restore(modes)
            raise
        _restore(modes)
        return logits

    def error_swallowed(model, x):
        """You caught the model's exception. The caller must hear of it: use `finally` without
        `except`."""
        try:
            return EvaluateKey.reference(model, x)
        except ValueError:
            return None

    def error_swallowed_without_finally(model, x):
        """You caught the model's exception. The caller must hear of it. And where the run is
        interrupted the flags are not put back: KeyboardInterrupt, which the stop button raises, is
        no Exception. Use `finally` without `except`."""
        modes, logits = _modes(model), None
        with contextlib.suppress(Exception):
            logits = _left_in_eval(model, x)
        _restore(modes)
        return logits

    def recording_left_off(model, x):
        """The logits are right, and nothing is recorded after your function:
        torch.set_grad_enabled(False) stays in force. Use a `with torch.no_grad():` block."""
        torch.set_grad_enabled(False)
        return copy.deepcopy(model).eval()(x)


class CachedFeaturesKey(Key, task="cached_features"):
    @torch.no_grad()
    def reference(backbone: nn.Module, x: Tensor) -> Tensor:
        return backbone(x)

    families = past_hooks(reference, "backbone(x)")

    @raises(r"Inference tensors cannot be saved for backward")
    def inference_tensors(backbone, x):
        """Your features are inference tensors: a product with a weight cannot save them for its
        backward pass. Take no_grad. A clone helps only if it is made outside of inference
        mode."""
        with torch.inference_mode():
            return backbone(x)

    def graph_kept(backbone, x):
        """Your features carry the graph of the backbone: every step of the head would go back
        through it, and a second one would raise, because the first frees it. Switch recording off
        for the call."""
        return backbone(x)

    def recorded_then_detached(backbone, x):
        """The features are right, but the backbone was recorded: detach() throws the graph away
        after it was paid for. Switch recording off before you call the backbone."""
        features = backbone(x)
        return features.detach()

    def features_made_leaves(backbone, x):
        """You let the features require grad. Nobody trains them: every pass would compute and store
        a gradient for them."""
        return CachedFeaturesKey.reference(backbone, x).requires_grad_()

    def backbone_frozen(backbone, x):
        """You froze the backbone and left it frozen. The parameters are not yours to change, and an
        x that requires grad is recorded all the same. Switch recording off instead."""
        return backbone.requires_grad_(False)(x)

    def backbone_unfrozen(backbone, x):
        """You switched requires_grad of the backbone off and on again. A parameter that was frozen
        before is not any more, and an x that requires grad is recorded all the same. Switch
        recording off instead."""
        found = backbone.requires_grad_(False)(x)
        backbone.requires_grad_(True)
        return found

    def left_in_eval(backbone, x):
        """The backbone is in eval mode after your call, and a part of it was in train mode: eval()
        sets the flags of all parts, and so does train(flag). It comes in the right mode: call
        neither."""
        return CachedFeaturesKey.reference(backbone.eval(), x)

    def eval_if_it_trains(backbone, x):
        """You put the backbone into eval mode where it is in train mode, and back afterwards. It
        comes in the right mode: leave that as it is."""
        run = CachedFeaturesKey.run_in_eval if backbone.training else CachedFeaturesKey.reference
        return run(backbone, x)

    def run_in_eval(backbone, x):
        """You ran the backbone, or a copy of it, in eval mode, and a part of it was in train mode.
        It comes in the right mode: leave that as it is."""
        return CachedFeaturesKey.reference(copy.deepcopy(backbone).eval(), x)

    def run_in_train(backbone, x):
        """You ran the backbone, or a copy of it, in train mode, and parts of it were in eval mode.
        It comes in the right mode: leave that as it is."""
        return CachedFeaturesKey.reference(copy.deepcopy(backbone).train(), x)

    def ran_twice(backbone, x):
        """The features are right, and more rows went through the backbone than x has: one that
        goes through it again costs as much again. Keep what the first run returned."""
        CachedFeaturesKey.reference(backbone, x)
        return CachedFeaturesKey.reference(backbone, x)

    def grads_cleared(backbone, x):
        """You emptied .grad of the backbone. It stays as it is, also what lies in .grad."""
        backbone.zero_grad()
        return CachedFeaturesKey.reference(backbone, x)

    def x_returned(x):
        """You returned x. The features are backbone(x)."""
        return x.detach()

    def x_made_to_require_grad(backbone, x):
        """You called requires_grad_() on x, which is the caller's. Nothing is to be differentiated
        here: leave x as it is."""
        return CachedFeaturesKey.reference(backbone, x.requires_grad_())

    def x_detached(backbone, x):
        """You detached x. The parameters of the backbone still require grad, so its graph is
        recorded. Switch recording off for the call."""
        return backbone(x.detach())

    def switched_to_train(backbone, x):
        """You switched the backbone to train mode and left it there. It comes in the right mode."""
        return CachedFeaturesKey.reference(backbone.train(), x)

    def recording_left_off(backbone, x):
        """The features are right, and nothing is recorded after your function, so that the head
        gets no gradient: torch.set_grad_enabled(False) stays in force. Use a
        `with torch.no_grad():` block."""
        torch.set_grad_enabled(False)
        return backbone(x)
