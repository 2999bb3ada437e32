"""Reference and mistakes of the exercise on what a call of a module does beside its forward."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from grader.trusted.key import Key, raises


def _through(layers: list[nn.Module], x: Tensor) -> Tensor:
    for layer in layers:
        x = layer(x)
    return x


def _chained(layers: list[nn.Module], x: Tensor, step: Callable[..., Tensor]) -> Tensor:
    for layer in layers:
        x = step(layer, x)
    return x


def _by_hand(layer: nn.Module, x: Tensor, *, before: bool = False, used: bool = True) -> Tensor:
    """forward, and the forward hooks one by one: also those `before`, and what they give `used`."""
    for hook in layer._forward_pre_hooks.values() if before else ():
        hook(layer, (x,))
    y = layer.forward(x)
    for hook in layer._forward_hooks.values():
        given = hook(layer, (x,), y)
        y = given if used else y
    return y


class HookableCallKey(Key, task="hookable_call"):
    reference = _through

    def forward_called(layers, x):
        """You called layer.forward(x), and no hook ran. Hooks are run by the call, layer(x), which
        calls forward itself."""
        return _chained(layers, x, lambda layer, x: layer.forward(x))

    def forward_hooks_by_hand(layers, x):
        """You called layer.forward(x), and the forward hooks yourself: what a hook returned is not
        used, and neither hooks that run before forward nor those of the backward pass ran. The
        call, layer(x), runs all of them, each in its way."""
        return _chained(layers, x, lambda layer, x: _by_hand(layer, x, used=False))

    def forward_hooks_by_hand_and_used(layers, x):
        """You called layer.forward(x), and the forward hooks yourself: neither hooks that run
        before forward nor those of the backward pass ran. The call, layer(x), runs all of them,
        each in its way."""
        return _chained(layers, x, _by_hand)

    def all_forward_hooks_by_hand(layers, x):
        """You called layer.forward(x), and the hooks before and behind it yourself: those of the
        backward pass did not run. The call, layer(x), runs all of them, each in its way."""
        return _chained(layers, x, lambda layer, x: _by_hand(layer, x, before=True))

    def reversed_order(layers, x):
        """You went through the layers from last to first. The first in the list is the first to
        run."""
        return _through(layers[::-1], x)

    def each_given_x(layers, x):
        """You gave x itself to every layer, and returned what the last made of it. Each layer is
        given what the one before it returned."""
        for layer in layers:
            y = layer(x)
        return y if layers else x

    def all_results(layers, x):
        """You returned a list of what all layers returned. The last result alone is asked for."""
        results = [x]
        for layer in layers:
            results.append(layer(results[-1]))
        return results[1:]

    def last_left_out(layers, x):
        """Your last layer does not run. Go through the whole list."""
        return _through(layers[:-1], x)

    def first_left_out(layers, x):
        """Your first layer does not run. Go through the whole list."""
        return _through(layers[1:], x)

    def containers_opened(layers, x):
        """You went into a container and called its parts: the container itself was not called, and
        its hooks did not run. Call what stands in the list, and let it call its parts."""
        parts = [one for m in layers for one in (m if isinstance(m, nn.Sequential) else [m])]
        return _through(parts, x)

    def each_module_once(layers, x):
        """A module that stands in the list twice runs once in your function. It runs as often as it
        stands there: go through the list itself."""
        return _through(list(dict.fromkeys(layers)), x)

    def results_added(layers, x):
        """You added what the layers make to what they are given. Each is given the result of the
        one before it, and nothing is added."""
        return _chained(layers, x, lambda layer, x: x + layer(x))

    def without_gradient(layers, x):
        """The value is right, and no gradient gets back: you detached, or ran the layers under
        no_grad."""
        with torch.no_grad():
            return _through(layers, x)

    def parameters_cut(layers, x):
        """The value and the gradient of x are right, and no gradient reaches the parameters of the
        modules: you detached them, or switched off their requires_grad, for the call. Call each
        module as it is."""

        def cut(layer, x):
            trained = [p for p in layer.parameters() if p.requires_grad]
            for p in trained:
                p.requires_grad_(False)
            y = layer(x)
            for p in trained:
                p.requires_grad_(True)
            return y

        return _chained(layers, x, cut)

    @raises(r"out of range|pop from empty list|empty")
    def empty_list_raises(layers, x):
        """With an empty list your function raises: it takes a first layer in any case. Begin with x
        and go through the list."""
        return _through(layers[1:], layers[0](x))

    def empty_list_gives_none(layers, x):
        """With an empty list your function returns None. Then x itself is asked for."""
        return _through(layers, x) if layers else None

    def empty_list_gives_a_copy(layers, x):
        """With an empty list your function returns another tensor that holds the numbers of x. Then
        x itself is asked for."""
        return _through(layers, x) if layers else x.clone()

    def list_used_up(layers, x):
        """You took the layers out of the list, and whoever called you has none left. Go through the
        list, and leave it as it is."""
        while layers:
            x = layers.pop(0)(x)
        return x

    def copies(layers, x):
        """The modules that you were given did not run: you ran copies of them. Call the very
        modules of the list."""
        return _through(copy.deepcopy(layers), x)

    def put_into_eval_mode(layers, x):
        """You put the modules into eval mode. Leave each in the mode that it is in."""
        for layer in layers:
            layer.eval()
        return _through(layers, x)

    def put_into_train_mode(layers, x):
        """You called train(), and a module that was in eval mode is in train mode now. Leave each
        in the mode that it is in."""
        for layer in layers:
            layer.train()
        return _through(layers, x)

    def one_of_each_type(layers, x):
        """Of several modules of one type the last alone runs: you put them into a dict by the name
        of their type. Go through the list itself."""
        return _through(list({type(layer).__name__: layer for layer in layers}.values()), x)

    def dropout_left_out(layers, x):
        """nn.Dropout did not run: you left it out, or called a function in its place. In eval mode
        it changes no number, and its hooks run all the same: call it like any other module."""
        return _through([layer for layer in layers if not isinstance(layer, nn.Dropout)], x)

    def those_in_eval_mode_left_out(layers, x):
        """You left out the modules that are in eval mode. The mode says how a module works, and not
        whether it runs: call each."""
        return _through([layer for layer in layers if layer.training], x)

    def each_runs_twice(layers, x):
        """Every module ran twice: you called it once more to look at its result. Keep the result
        of one call."""
        for layer in layers:
            layer(x)
            x = layer(x)
        return x
