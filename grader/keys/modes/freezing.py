"""References and mistakes of the exercises on parameters that must not train."""

import copy
import itertools
from collections.abc import Callable, Iterator
from typing import ClassVar

import torch
from torch import Tensor, nn

from grader.trusted.families.recording import left_off
from grader.trusted.key import Key, mistake, raises

Mistakes = tuple[Callable[..., object], ...]


def _freeze(*modules: nn.Module) -> None:
    """Freeze modules, and let no gradient lie in their parameters."""
    for module in modules:
        for parameter in module.parameters():
            parameter.requires_grad = False
            parameter.grad = None


def _freeze_middle(model: nn.Sequential, i: int) -> None:
    _freeze(model[i])


def _sliced(
    name: str, text: str, holds: str, part: Callable[[nn.Sequential, int], nn.Module]
) -> Mistakes:
    """Part of the model frozen, with no .grad emptied, with that of the layer, with all."""

    def kept(model: nn.Sequential, i: int) -> None:
        part(model, i).requires_grad_(False)

    def layer_emptied(model: nn.Sequential, i: int) -> None:
        part(model, i).requires_grad_(False)
        model[i].zero_grad()

    def emptied(model: nn.Sequential, i: int) -> None:
        _freeze(part(model, i))

    sentence = f"You froze the layers of {text}. {holds} Freeze model[i] alone."
    lies = "The gradient of an earlier pass also lies in .grad still: set it to None."
    return (
        mistake(f"{name}_frozen", f"{sentence} {lies}", kept),
        mistake(f"{name}_frozen_and_layer_emptied", sentence, layer_emptied),
        mistake(f"{name}_frozen_and_emptied", sentence, emptied),
    )


def _up_to(model: nn.Sequential, i: int) -> nn.Module:
    return model[: i + 1]


def _before(model: nn.Sequential, i: int) -> nn.Module:
    return model[:i]


def _one(model: nn.Sequential, i: int) -> nn.Module:
    return model[i : i + 1]


def _onwards(model: nn.Sequential, i: int) -> nn.Module:
    return model[i:]


_NO_HOOK = "cannot register a hook on a tensor that doesn't require gradient"


class FrozenMiddleKey(Key, task="frozen_middle"):
    families = (
        *left_off(_freeze_middle),
        *_sliced(
            "up_to_i",
            "model[:i + 1]",
            "It holds the layers before model[i] as well, and with i = -1 it is empty.",
            _up_to,
        ),
        *_sliced("before_i", "model[:i]", "It ends before model[i].", _before),
        *_sliced(
            "one_from_i",
            "model[i:i + 1], or those whose name or position is i",
            "With i = -1 there is none.",
            _one,
        )[:2],
        *_sliced("from_i", "model[i:]", "It holds the layers after model[i] as well.", _onwards)[
            :2
        ],
    )
    reference = _freeze_middle

    @raises(r"has no attribute '(weight|bias)'")
    def named_weight_and_bias(model, i):
        """You took weight and bias of model[i] by name. A layer may be made of layers, and has none
        itself: go through parameters()."""
        for parameter in (model[i].weight, model[i].bias):
            parameter.requires_grad_(False)
            parameter.grad = None

    def parts_of_the_layer_forgotten(model, i):
        """You went one level deep. A layer may be made of layers: parameters() goes through all of
        them, unless recurse=False."""
        for module in (model[i], *model[i].children()):
            for parameter in module.parameters(recurse=False):
                parameter.requires_grad_(False)
                parameter.grad = None

    def own_parameters_only(model, i):
        """You froze the layer's own parameters alone. A layer may be made of layers: parameters()
        goes through all of them, unless recurse=False."""
        for parameter in model[i].parameters(recurse=False):
            parameter.requires_grad_(False)
            parameter.grad = None

    def number_sought_in_the_name(model, i):
        """You looked for the number i anywhere in the names. A part inside another layer may have
        the same number, and no name holds -1. model[i].parameters() needs no name."""
        for name, parameter in model.named_parameters():
            if str(i) in name:
                parameter.requires_grad_(False)
                parameter.grad = None

    def name_begins_with_i(model, i):
        """The last layer, i = -1, goes on training: no name begins with -1, no position counted
        from 0 equals it, and model[i:i + 1] is empty. Take model[i], which needs none of them."""
        for name, parameter in model.named_parameters():
            if name.split(".")[0] == str(i):
                parameter.requires_grad_(False)
                parameter.grad = None

    def name_begins_with_the_digits(model, i):
        """You froze every layer whose name begins with the digits of its position: that of layer 1
        begins like those of layers 10 and 11. Take model[i], which needs no name."""
        position = str(range(len(model))[i])
        _freeze(*(m for name, m in model.named_children() if name.startswith(position)))

    def name_begins_like_i(model, i):
        """You froze every layer whose name begins with the text of i. With i = 1 layers 10 and 11
        are among them, with i = -1 there is none, and a layer may have a name of its own. Take
        model[i], which needs no name."""
        _freeze(*(m for name, m in model.named_children() if name.startswith(str(i))))

    def position_taken_for_the_name(model, i):
        """You looked for the position of the layer in the names. The layers of an nn.Sequential may
        have names of their own, and then none is a number. Take model[i], which needs no name."""
        position = str(range(len(model))[i])
        _freeze(*(m for name, m in model.named_children() if name == position))

    @raises(r"has no attribute .\d")
    def position_taken_for_a_part(model, i):
        """You looked for the position of the layer in the names. The layers of an nn.Sequential may
        have names of their own, and then none is a number. Take model[i], which needs no name."""
        _freeze(model.get_submodule(str(range(len(model))[i])))

    def weight_and_bias_of_all_parts(model, i):
        """You froze what is called weight or bias. A parameter may have any name: go through
        parameters() of the layer, which lists them all."""
        for name, parameter in model[i].named_parameters():
            if name.rpartition(".")[2] in ("weight", "bias"):
                parameter.requires_grad_(False)
                parameter.grad = None

    def replaced_by_a_copy(model, i):
        """You put frozen copies in the place of the parameters, or one in that of the layer. The
        optimizer knows the old ones, which still learn or still have a .grad. Freeze those that are
        there."""
        model[i] = copy.deepcopy(model[i])
        _freeze(model[i])

    def output_detached(model, i):
        """You detached what model[i] returns, or what it is given. No gradient gets past it any
        more, and the layers before it stop training. Freeze its parameters; its operations must
        still be recorded."""
        _freeze(model[i])
        model[i].register_forward_hook(lambda layer, given, y: y.detach())

    @raises(_NO_HOOK)
    def gradients_zeroed_by_hooks(model, i):
        """You set the gradients to 0 with hooks. .grad is zeros then, and an optimizer with
        momentum or weight decay still moves the parameter. Switch requires_grad off, and set .grad
        to None."""
        for parameter in model[i].parameters():
            parameter.register_hook(torch.zeros_like)

    @raises(_NO_HOOK)
    def gradients_emptied_and_zeroed_by_hooks(model, i):
        """You set the gradients to 0 with hooks. .grad is zeros then, and an optimizer with
        momentum or weight decay still moves the parameter. Switch requires_grad off, and set .grad
        to None."""
        for parameter in model[i].parameters():
            parameter.grad = None
            parameter.register_hook(torch.zeros_like)

    def gradients_of_the_others_zeroed_by_hooks(model, i):
        """You set the gradients to 0 with hooks. .grad is zeros then, and an optimizer with
        momentum or weight decay still moves the parameter. Switch requires_grad off, and set .grad
        to None."""
        for parameter in model[i].parameters():
            if parameter.requires_grad:
                parameter.register_hook(torch.zeros_like)

    def next_layer_frozen(model, i):
        """You froze the layer after the one that is asked for. Positions begin at 0: model[i]."""
        _freeze(list(model)[(i + 1) % len(model)])

    def layers_with_parameters_counted(model, i):
        """You counted the layers that have parameters. i counts all of them, those without
        parameters too: model[i]."""
        layers = [layer for layer in model if any(True for _ in layer.parameters())]
        _freeze(layers[min(i, len(layers) - 1)])

    def first_layer_frozen(model):
        """You froze the first layer, whatever i is. model[i] is asked for."""
        _freeze(model[0])

    def all_but_the_layer(model, i):
        """You froze all layers but model[i]. It is the other way round."""
        _freeze(*(layer for layer in model if layer is not model[i]))

    def all_but_the_layer_with_gradients(model, i):
        """You froze all layers but model[i]. It is the other way round. And .grad of what is frozen
        is to be None."""
        for layer in model:
            if layer is not model[i]:
                layer.requires_grad_(False)

    def both_sides_frozen(model, i):
        """You froze model[:i] and model[i + 1:], the layers around the one that is asked for. It is
        the other way round; and with i = -1 the second of them is the whole model."""
        model[:i].requires_grad_(False)
        model[i + 1 :].requires_grad_(False)

    def later_layers_too(model, i):
        """You froze the layers after model[i] as well. They go on training."""
        layers = list(model)
        _freeze(*layers[layers.index(model[i]) :])

    def old_gradient_kept(model, i):
        """The flags are right, and the layer moves once more: the gradient of an earlier pass still
        lies in .grad, and the optimizer takes it. Set .grad of the frozen parameters to None."""
        model[i].requires_grad_(False)

    def gradient_zeroed(model, i):
        """You filled .grad with zeros. An optimizer with momentum or weight decay still moves such
        a parameter. It skips only those whose .grad is None."""
        for parameter in model[i].parameters():
            parameter.requires_grad_(False)
            if parameter.grad is not None:
                parameter.grad.zero_()

    def gradient_made_of_zeros(model, i):
        """You put zeros into .grad. An optimizer with momentum or weight decay still moves such a
        parameter. It skips only those whose .grad is None."""
        for parameter in model[i].parameters():
            parameter.requires_grad_(False)
            parameter.grad = torch.zeros_like(parameter)

    def first_parameter_only(model, i):
        """You froze the first parameter of the layer and no other. Look for a `return` or a `break`
        inside the loop."""
        parameter = next(model[i].parameters())
        parameter.requires_grad_(False)
        parameter.grad = None

    def flag_not_set(model, i):
        """No flag has changed: the layer goes on training. Possible causes: the flag is misspelled,
        which Python accepts in silence; it was set on the module, where it is an attribute of no
        meaning; or the parameters were sought where this layer has none. Set it on the parameters,
        or call requires_grad_(False) on the layer."""
        model[i].requires_grad = False

    def gradient_cleared_alone(model, i):
        """You cleared .grad and left the flags as they were: the next pass fills it again. Switch
        requires_grad off. If you did, check its spelling, and that it is set on the parameters."""
        model[i].zero_grad()

    def eval_for_frozen(model, i):
        """You put the layer into eval mode. That changes what dropout and batch normalization do,
        and freezes no parameter. Switch requires_grad off."""
        model[i].eval()

    def everything_frozen(model):
        """You froze the whole model. Only model[i] is to stand still: gradients pass through a
        frozen layer to those before it."""
        _freeze(model)

    def earlier_layers_too(model, i):
        """You froze the layers before model[i] as well. They can train: gradients pass through a
        frozen layer."""
        layers = list(model)
        _freeze(*layers[: layers.index(model[i]) + 1])

    def graph_cut(model, i):
        """You run model[i] without recording. No gradient gets past it any more, and the layers
        before it stop training. Freeze its parameters; its operations must still be recorded."""
        layer = model[i]
        _freeze(layer)
        layer.forward = torch.no_grad()(layer.forward)

    def weights_alone(model, i):
        """You froze the weight, and the bias goes on training. Go through parameters() of the
        layer."""
        weight = model[i].weight
        weight.requires_grad_(False)
        weight.grad = None

    def weight_alone_if_there_is_one(model, i):
        """You froze an attribute weight of model[i], and no other parameter. The bias goes on
        training, and a layer made of layers has no weight itself: go through parameters()."""
        if hasattr(model[i], "weight"):
            model[i].weight.requires_grad_(False)
            model[i].weight.grad = None

    def parameter_i_frozen(model, i):
        """You froze parameter number i of the model. i counts layers, and a layer has several
        parameters, or none: freeze all of model[i].parameters()."""
        parameter = list(model.parameters())[i]
        parameter.requires_grad_(False)
        parameter.grad = None

    def eval_and_gradient_cleared(model, i):
        """You put the layer into eval mode and cleared .grad. Eval mode freezes no parameter: the
        next pass fills .grad again. Switch requires_grad off, and leave the mode alone."""
        model[i].eval()
        model[i].zero_grad()

    def all_gradients_cleared(model, i):
        """You cleared the gradients of the whole model. Those of the other layers are still to be
        used: clear .grad of the frozen layer alone."""
        model[i].requires_grad_(False)
        model.zero_grad()

    def frozen_before_passed_over(model, i):
        """You passed over a parameter of the layer that was frozen before. Its gradient of an
        earlier pass may still lie in .grad, and the optimizer takes it: set .grad to None for every
        parameter of model[i]."""
        for parameter in model[i].parameters():
            if parameter.requires_grad:
                parameter.requires_grad_(False)
                parameter.grad = None

    def others_unfrozen(model, i):
        """You set the flag of every layer, so that one which was frozen before trains again. Touch
        model[i] and no other."""
        for layer in model:
            layer.requires_grad_(layer is not model[i])
        _freeze(model[i])


Pairs = Iterator[tuple[Tensor, Tensor]]


def _parameters(target: nn.Module, online: nn.Module) -> Pairs:
    return zip(target.parameters(), online.parameters(), strict=True)


def _buffers(target: nn.Module, online: nn.Module) -> Pairs:
    return zip(target.buffers(), online.buffers(), strict=True)


def _average(pairs: Pairs, old: float, new: float) -> None:
    """Each becomes old times itself plus new times the other; integers are copied."""
    with torch.no_grad():
        for t, o in pairs:
            t.copy_(old * t + new * o if t.is_floating_point() else o)


def _by_name(
    target: nn.Module, online: nn.Module, beta: float, averaged: Callable[[str, Tensor], bool]
) -> None:
    """Of the buffers some are averaged, whatever their dtype, and the others copied."""
    with torch.no_grad():
        for name, t in target.named_buffers():
            o = online.get_buffer(name)
            t.copy_(beta * t + (1 - beta) * o if averaged(name, t) else o)


class EmaUpdateKey(Key, task="ema_update"):
    sentences: ClassVar = {
        "FLAGS.shares_memory": "{path} lies in other memory than before the call. Write into the "
        "tensor that is there, by copy_(...) or mul_(...): t.data = ... and set_() put others in "
        "the place of its values."
    }

    def first_only(target, online, beta):
        """The first parameter is right, and the others are as they were. Look for a `return` or a
        `break` inside the loop."""
        _average(itertools.islice(_parameters(target, online), 1), beta, 1 - beta)

    def beta_twice(target, online, beta):
        """You multiplied by beta twice: the share of online is 1 - beta, and not beta * (1 -
        beta)."""
        for pairs in (_parameters, _buffers):
            _average(pairs(target, online), beta, beta * (1 - beta))

    def averaged_half(target, online):
        """You averaged the two in equal shares. beta says how much of its own value target keeps:
        beta * own value + (1 - beta) * online."""
        EmaUpdateKey.reference(target, online, 0.5)

    def difference_added(target, online, beta):
        """Your share of online is beta, in the parameters, and the buffers are as they were. The
        share is 1 - beta: t + (1 - beta) * (o - t). Go through buffers() as well."""
        _average(_parameters(target, online), 1 - beta, beta)

    def buffers_alone(target, online, beta):
        """The buffers are right, and the parameters are as they were. Go through parameters() as
        well."""
        _average(_buffers(target, online), beta, 1 - beta)

    def frozen_left_out(target, online, beta):
        """You left out parameters that do not require grad. All of target moves, frozen or not."""
        pairs = ((t, o) for t, o in _parameters(target, online) if t.requires_grad)
        _average(pairs, beta, 1 - beta)
        _average(_buffers(target, online), beta, 1 - beta)

    def online_moved(target, online, beta):
        """You moved online towards target. It is target that changes."""
        EmaUpdateKey.reference(online, target, beta)

    def both_moved(target, online, beta):
        """target is right, and you wrote the same numbers into online. It goes on training with its
        own: leave it as it is."""
        EmaUpdateKey.reference(target, online, beta)
        for one, other in zip(
            target.state_dict().values(), online.state_dict().values(), strict=True
        ):
            other.copy_(one)

    def sum_of_both(target, online, beta):
        """You subtracted what has to be added: the values of online come with a plus, times
        1 - beta."""
        _average(_parameters(target, online), beta, beta - 1)
        _average(_buffers(target, online), beta, beta - 1)

    def gradients_moved_as_well(target, online, beta):
        """You changed .grad of the target's parameters. What lies there is no part of the module's
        state: leave it as it is."""
        EmaUpdateKey.reference(target, online, beta)
        for t in target.parameters():
            if t.grad is not None:
                t.grad.mul_(beta)

    def in_eval_afterwards(target, online, beta):
        """The values are right, and you left a module in eval mode. Modes are not asked for."""
        EmaUpdateKey.reference(target.eval(), online, beta)

    def reference(target: nn.Module, online: nn.Module, beta: float) -> None:
        _average(_parameters(target, online), beta, 1 - beta)
        _average(_buffers(target, online), beta, 1 - beta)

    def beta_swapped(target, online, beta):
        """You gave beta to the new values. It is the share of the old ones: beta * own value +
        (1 - beta) * online. In lerp_ the number is the share of the other tensor."""
        EmaUpdateKey.reference(target, online, 1 - beta)

    def beta_swapped_and_buffers_copied(target, online, beta):
        """You gave beta to the new values: it is the share of the old ones, and in lerp_ the number
        is the share of the other tensor. And you copied every buffer: only integers are copied."""
        _average(_parameters(target, online), 1 - beta, beta)
        _average(_buffers(target, online), 0.0, 1.0)

    def online_unscaled(target, online, beta):
        """You added the values of online in full. Their share is 1 - beta."""
        _average(_parameters(target, online), beta, 1.0)
        _average(_buffers(target, online), beta, 1.0)

    def own_values_unscaled(target, online, beta):
        """You added the share of online to the values of target in full. Those have a share, too:
        beta. Scale them before you add."""
        _average(_parameters(target, online), 1.0, 1 - beta)
        _average(_buffers(target, online), 1.0, 1 - beta)

    def moved_away(target, online, beta):
        """You moved target away from online: the difference is taken the wrong way round. Add
        (1 - beta) * (o - t) to t."""
        _average(_parameters(target, online), 2 - beta, beta - 1)
        _average(_buffers(target, online), 2 - beta, beta - 1)

    def beta_ignored(target, online):
        """You copied online. Only a share of 1 - beta comes from it; the rest stays."""
        EmaUpdateKey.reference(target, online, 0.0)

    def nothing_changed(target, online, beta):
        """target is unchanged. Either a line such as `t = beta * t + ...` made a new tensor and let
        the name t stand for it. Or you gave entries of state_dict() new values, by
        `state[name] = ...` or `t.data = ...`: the dict is a new one, with other tensors on the same
        memory. Write into t: t.mul_(...), t.copy_(...)."""
        for t, o in _parameters(target, online):
            t = beta * t + (1 - beta) * o

    def integers_alone_copied(target, online, beta):
        """The integers are copied, and everything else in target is unchanged. A line such as `t =
        beta * t + ...` makes a new tensor and lets the name t stand for it. Write into t:
        t.mul_(...), t.copy_(...)."""
        whole = ((t, o) for t, o in _buffers(target, online) if not t.is_floating_point())
        _average(whole, 0.0, 1.0)

    def buffers_forgotten(target, online, beta):
        """The parameters are right, and the buffers are as they were: running statistics belong to
        the model too. Go through buffers() as well."""
        _average(_parameters(target, online), beta, 1 - beta)

    def buffers_copied(target, online, beta):
        """You copied every buffer from online. Those of floating point numbers are averaged like
        the parameters; only integers are copied."""
        _average(_parameters(target, online), beta, 1 - beta)
        _average(_buffers(target, online), 0.0, 1.0)

    def integers_left(target, online, beta):
        """You left out the buffers of integers, such as num_batches_tracked. Copy them from
        online."""
        _average(_parameters(target, online), beta, 1 - beta)
        floats = ((t, o) for t, o in _buffers(target, online) if t.is_floating_point())
        _average(floats, beta, 1 - beta)

    def integers_averaged(target, online, beta):
        """You averaged the buffers of integers too, and what comes after the decimal point was cut
        off. Copy them from online."""
        _average(_parameters(target, online), beta, 1 - beta)
        with torch.no_grad():
            for t, o in _buffers(target, online):
                t.copy_(beta * t + (1 - beta) * o)

    def counters_copied_alone(target, online, beta):
        """You copied num_batches_tracked, and averaged the other integers: what comes after the
        decimal point was cut off. Integers may have another name, and another dtype than int64: ask
        t.is_floating_point()."""
        _average(_parameters(target, online), beta, 1 - beta)
        _by_name(target, online, beta, lambda name, t: "num_batches_tracked" not in name)

    def statistics_averaged_alone(target, online, beta):
        """You averaged running_mean and running_var alone, and copied every other buffer. Those of
        floating point numbers are averaged, whatever their name: ask t.is_floating_point()."""
        _average(_parameters(target, online), beta, 1 - beta)
        _by_name(target, online, beta, lambda name, t: "running" in name)

    def single_numbers_copied(target, online, beta):
        """You copied each buffer that is a single number, and averaged the others. What counts is
        the dtype: copy integers, however many they are, and average floating point numbers."""
        _average(_parameters(target, online), beta, 1 - beta)
        _by_name(target, online, beta, lambda name, t: t.ndim > 0)

    def norms_alone(target, online, beta):
        """Of the buffers you moved those of batch normalization alone. A module of any kind may
        have some: go through buffers() of the whole."""
        _average(_parameters(target, online), beta, 1 - beta)
        known = (name for name, _ in target.named_buffers())
        moved = (name for name in known if "running" in name or "num_batches_tracked" in name)
        _average(((target.get_buffer(n), online.get_buffer(n)) for n in moved), beta, 1 - beta)

    @raises(r"can't be cast to the desired output type|not implemented for '(Long|Int)'")
    def integers_scaled(target, online, beta):
        """You scaled a buffer of integers in place, which torch refuses: an integer cannot hold a
        fraction. Copy buffers that are not floating point from online."""
        with torch.no_grad():
            for t, o in (*_parameters(target, online), *_buffers(target, online)):
                t.mul_(beta).add_((1 - beta) * o)

    @raises(r"leaf Variable that requires grad")
    def recorded(target, online, beta):
        """You edited target while autograd records. A target that requires grad refuses that; one
        that does not stops being a leaf, with a graph that grows with every call. Put the
        edits inside `with torch.no_grad():`."""
        for t, o in _parameters(target, online):
            t.mul_(beta).add_(o, alpha=1 - beta)
        _average(_buffers(target, online), beta, 1 - beta)

    def memory_replaced(target, online, beta):
        """You gave the parameters other memory: t.data = ... puts a new tensor in the place of
        their values. All that shares the old memory still sees the old ones. Write into t inside
        no_grad."""
        for t, o in _parameters(target, online):
            t.data = beta * t.data + (1 - beta) * o.data
        _average(_buffers(target, online), beta, 1 - beta)

    def parameters_alone_in_other_memory(target, online, beta):
        """You gave the parameters other memory, t.data = ..., and left the buffers as they were.
        Write into t inside no_grad, and go through buffers() as well."""
        for t, o in _parameters(target, online):
            t.data = beta * t.data + (1 - beta) * o.data

    def integers_of_online(target, online, beta):
        """You let the integers of target use the memory of online, by t.data = ... or set_(): what
        online counts later, target counts as well. Write into t: t.copy_(...)."""
        _average(_parameters(target, online), beta, 1 - beta)
        floats = ((t, o) for t, o in _buffers(target, online) if t.is_floating_point())
        _average(floats, beta, 1 - beta)
        for t, o in _buffers(target, online):
            if not t.is_floating_point():
                t.data = o

    def everything_in_other_memory(target, online, beta):
        """You gave parameters and buffers other memory: t.data = ... puts a new tensor in the place
        of their values. All that shares the old memory still sees the old ones. Write into t inside
        no_grad."""
        for t, o in (*_parameters(target, online), *_buffers(target, online)):
            averaged = t.is_floating_point()
            t.data = beta * t.data + (1 - beta) * o.data if averaged else o.data.clone()

    def target_frozen(target, online, beta):
        """You switched requires_grad of target off and left it off. no_grad lets you write into
        parameters without touching their flags."""
        EmaUpdateKey.reference(target.requires_grad_(False), online, beta)

    def online_scaled(target, online, beta):
        """You scaled the values of online in place: the model that is being trained has other
        weights now. Compute (1 - beta) * o out of place."""
        with torch.no_grad():
            for t, o in (*_parameters(target, online), *_buffers(target, online)):
                if t.is_floating_point():
                    t.mul_(beta).add_(o.mul_(1 - beta))
                else:
                    t.copy_(o)

    def recording_left_off(target, online, beta):
        """The values are right, and nothing is recorded after your function:
        torch.set_grad_enabled(False) stays in force. Use a `with torch.no_grad():` block."""
        torch.set_grad_enabled(False)
        EmaUpdateKey.reference(target, online, beta)
