"""References and mistakes of the exercises on backward hooks of modules."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from grader.trusted.key import Key, raises

Pair = tuple[Any, Any]
Register = Callable[[nn.Module], Callable[[Any], Any]]


def _full(module: nn.Module) -> Callable[[Any], Any]:
    return module.register_full_backward_hook


def _legacy(module: nn.Module) -> Callable[[Any], Any]:
    return module.register_backward_hook


def _probe(module, x, gy, register=_full, which=0):
    """What a backward hook is called with: entry `which` of the inputs' gradients, and gout."""
    seen = []
    handle = register(module)(lambda m, gin, gout: seen.append((gin[which], gout[0])))
    try:
        module(x.requires_grad_()).backward(gy)
    finally:
        handle.remove()
    return seen[0]


class FullBackwardProbeKey(Key, task="full_backward_probe"):
    def reference(module: nn.Module, x: Tensor, gy: Tensor) -> Pair:
        x = x.detach().requires_grad_()
        y = module(x)
        gin, gout = torch.autograd.grad(y, (x, y), gy)
        return gin, gout

    def legacy_hook(module, x, gy):
        """register_backward_hook is deprecated, and its first gradient is that of the bias: it
        speaks of the last operation of the module, whose inputs are the bias, x and the transposed
        weight. Use register_full_backward_hook."""
        return _probe(module, x, gy, _legacy)

    @raises(r"index out of range")
    def legacy_hook_second(module, x, gy):
        """You picked the second of the gradients that the deprecated register_backward_hook gives.
        That is the input's for one linear layer with bias and rows, and something else for every
        other module. Use register_full_backward_hook."""
        return _probe(module, x, gy, _legacy, 1)

    def x_without_grad(module, x, gy):
        """The gradient of the input is None: x does not require grad, so nobody computed one. Call
        x.requires_grad_() first."""
        return None, FullBackwardProbeKey.reference(module, x, gy)[1]

    def tuples(module, x, gy):
        """You returned what the hook was called with. Those are tuples, with one gradient for each
        input and each output: take the first of each."""
        gin, gout = FullBackwardProbeKey.reference(module, x, gy)
        return (gin,), (gout,)

    def swapped(module, x, gy):
        """The two are in the wrong order: the input's gradient comes first, in the hook's arguments
        and in what you return."""
        gin, gout = FullBackwardProbeKey.reference(module, x, gy)
        return gout, gin

    def started_from_ones(module, x, gy):
        """You started the pass from ones. Start it from gy: y.backward(gy)."""
        return FullBackwardProbeKey.reference(module, x, torch.ones_like(gy))

    def hook_stays(module, x, gy):
        """Your hook stays on the module, and runs in every later pass. Keep the handle, and call
        remove()."""
        module.register_full_backward_hook(lambda *_: None)
        return FullBackwardProbeKey.reference(module, x, gy)

    def hook_stays_after_an_error(module, x, gy):
        """When the module raises, your hook stays on it: the line that removes it does not run. Put
        the passes into try, and the removal into finally."""
        handle = module.register_full_backward_hook(lambda *_: None)
        answer = FullBackwardProbeKey.reference(module, x, gy)
        handle.remove()
        return answer


Grads = Sequence[Tensor | None]


def _by_hand(model: nn.Sequential, x: Tensor, gy: Tensor, *, clone: bool = True) -> list[Tensor]:
    """The gradient of what goes into each layer, and of what the last one returned."""
    places = [x.detach().requires_grad_()]
    for layer in model:
        places.append(layer(places[-1].clone() if clone else places[-1]))
    return list(torch.autograd.grad(places[-1], places, gy))


class RetainOrHookKey(Key, task="retain_or_hook"):
    def reference(model: nn.Sequential, x: Tensor, gy: Tensor) -> Grads:
        return _by_hand(model, x, gy)[1:]

    def backward_order(model, x, gy):
        """Your list is the wrong way round. The hooks run in the order in which the pass reaches
        the tensors, from the last layer to the first."""
        return _by_hand(model, x, gy)[:0:-1]

    def grad_not_kept(model):
        """Your gradients are None. The outputs are no leaves, so nobody kept what arrived there:
        register a tensor hook on each output."""
        return [None for _ in model]

    def retained_after_the_edit(model, x, gy):
        """For a layer whose output was edited in place you have the gradient of the edited values.
        retain_grad() moves on with an edit. A tensor hook registered before the edit gets the
        gradient of the values before it."""
        grads = _by_hand(model, x, gy)[1:]
        for i, layer in enumerate(model):
            if isinstance(layer, nn.ReLU):
                grads[i - 1] = grads[i]
        return grads

    @raises(r"is a view and is being modified inplace")
    def module_hooks_and_an_edit(model, x, gy):
        """A full backward hook wraps what its module returns, and the next layer edits that in
        place, which is refused. Register a forward hook, and in it a tensor hook on the output."""
        grads = []

        def hook(layer, gin, gout):
            grads.insert(0, gout[0])

        handles = [layer.register_full_backward_hook(hook) for layer in model.children()]
        try:
            model(x).backward(gy)
        finally:
            for handle in handles:
                handle.remove()
        return grads

    def inputs(model, x, gy):
        """You listed the gradients of what goes into each layer. What it returned is asked for."""
        return _by_hand(model, x, gy)[:-1]

    def registered_twice(model, x, gy):
        """Some of your gradients are listed twice. A layer that stands in the model twice is one
        module, and you registered two hooks on it: model.children() lists each module once."""
        found = []
        for layer, grad in zip(model, _by_hand(model, x, gy)[1:], strict=True):
            found += [grad] * sum(layer is other for other in model)
        return found

    def one_per_module(model, x, gy):
        """You have one gradient for each module. A layer that stands in the model twice is called
        twice, and each call has its own: keep a list of calls, and no dict of modules."""
        first = {}
        for layer, grad in zip(model, _by_hand(model, x, gy)[1:], strict=True):
            first.setdefault(layer, grad)
        return list(first.values())

    def hooks_stay(model, x, gy):
        """Your hooks stay on the model, and run in every later pass. Keep the handles, and call
        remove() on each."""
        answer = _by_hand(model, x, gy)[1:]
        for layer in model.children():
            layer.register_forward_hook(lambda m, args, output: None)
        return answer
