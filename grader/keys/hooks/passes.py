"""References and mistakes of the exercises on backward hooks of modules."""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from grader.trusted.families.calling import past_hooks
from grader.trusted.families.hooks import (
    around_a_run,
    exception_swallowed,
    exception_swallowed_but_interrupts,
    hooks_stay_if_it_raises,
)
from grader.trusted.key import Key, mistake, raises

Pair = tuple[Any, Any]
Register = Callable[[nn.Module], Callable[[Any], Any]]


def _full(module: nn.Module) -> Callable[[Any], Any]:
    return module.register_full_backward_hook


def _legacy(module: nn.Module) -> Callable[[Any], Any]:
    return module.register_backward_hook


def _probe_at(place, module, x, gy):
    """The same gradients of a part of the module."""
    seen = []
    handle = _full(place)(lambda m, gin, gout: seen.append((gin[0], gout[0])))
    try:
        module(x.requires_grad_()).backward(gy)
    finally:
        handle.remove()
    return seen[0]


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

    def run_in_eval_mode(module, x, gy):
        """You ran the module in eval mode. Layers such as Dropout and BatchNorm compute something
        else there than in training: run it in the mode that it is in."""
        modes = [(part, part.training) for part in module.modules()]
        module.eval()
        try:
            return FullBackwardProbeKey.reference(module, x, gy)
        finally:
            for part, mode in modes:
                part.training = mode

    def added_to_an_old_grad(module, x, gy):
        """Your gin is x.grad, which held something before: backward adds to it. Work on
        x.detach().clone(), or take what a hook is called with."""
        gin, gout = FullBackwardProbeKey.reference(module, x, gy)
        return (gin if x.grad is None else gin + x.grad), gout

    def difference_with_itself(module, x, gy):
        """Where x had a .grad from before, your gin is 0. If you took off x.grad as it was before
        the pass: backward adds to that very tensor, so that the name you kept stands for the sum as
        well. Work on x.detach().clone(), or keep a clone of x.grad."""
        gin, gout = FullBackwardProbeKey.reference(module, x, gy)
        return (gin if x.grad is None else torch.zeros_like(gin)), gout

    def linear_alone(module, x, gy):
        """You computed the input's gradient as gy @ weight, which is that of a linear layer.
        Another module may have a weight as well, and another derivative: let autograd do it."""
        gin, gout = FullBackwardProbeKey.reference(module, x, gy)
        weight = getattr(module, "weight", None)
        return (gin if weight is None else gy @ weight), gout

    def legacy_hook(module, x, gy):
        """Your gin is the first gradient of the last operation alone, for a linear layer that of
        its bias. The deprecated register_backward_hook hands that over, and so does a hook of the
        output's grad_fn. Use register_full_backward_hook."""
        return _probe(module, x, gy, _legacy)

    @raises(r"index out of range")
    def legacy_hook_second(module, x, gy):
        """You picked the second of the gradients that the deprecated register_backward_hook gives.
        That is the input's for one linear layer with bias and rows, and mostly something else for
        other modules. Use register_full_backward_hook."""
        return _probe(module, x, gy, _legacy, 1)

    def legacy_hook_last(module, x, gy):
        """You picked the last of the gradients that the deprecated register_backward_hook gives.
        That is the transposed weight's for one linear layer on rows, and mostly something else for
        other modules. Use register_full_backward_hook."""
        return _probe(module, x, gy, _legacy, -1)

    def x_without_grad(module, x, gy):
        """The gradient of the input is None: x does not require grad, so nobody computed one. Call
        x.requires_grad_() first."""
        return None, FullBackwardProbeKey.reference(module, x, gy)[1]

    def read_from_the_callers_x(module, x, gy):
        """Your gin is x.grad, to which no pass of yours added: you ran the module on another
        tensor, such as a clone of x. Read the .grad of the tensor that you handed to the module."""
        return x.grad, FullBackwardProbeKey.reference(module, x.detach().clone(), gy)[1]

    def tuples(module, x, gy):
        """You returned two groups of one tensor, as a hook is called with: one gradient for each
        input and each output. Take the first of each."""
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

    def started_from_ones_beside_gy(module, x, gy):
        """Your gout is gy, and gin belongs to another pass, one that started from ones, as that of
        y.sum() does. Start the pass from gy: y.backward(gy)."""
        return FullBackwardProbeKey.reference(module, x, torch.ones_like(gy))[0], gy.clone()

    def two_passes(module, x, gy):
        """The pair is right, and the parameters have what two passes bring: you ran one more. A
        single pass gives both gradients."""
        for _ in range(2):
            module(x.detach().requires_grad_()).backward(gy)
        return FullBackwardProbeKey.reference(module, x, gy)

    def _nothing(module, x, gy):
        return None

    families = (
        *(one for one in around_a_run(reference, _nothing) if one.__name__ != "no_run"),
        exception_swallowed(reference),
        exception_swallowed_but_interrupts(reference),
        *past_hooks(reference, "module(x)"),
    )

    def frozen_for_good(module, x, gy):
        """You made the module's parameters require no grad, for good: whoever trains it gets no
        gradients any more. Leave their flags: gradients of parameters do no harm."""
        module.requires_grad_(False)
        return FullBackwardProbeKey.reference(module, x, gy)

    def last_layer_alone(module, x, gy):
        """You looked at the last layer of a chain. With a hook on every submodule, the first that
        is called is that of the last layer. Register one hook, on the module itself."""
        last = list(module.modules())[-1]
        return _probe_at(last, module, x, gy)

    def output_in_place_of_its_gradient(module, x, gy):
        """Your second tensor holds the values of the output. Its gradient is asked for: what the
        pass starts from."""
        gin, _ = FullBackwardProbeKey.reference(module, x, gy)
        return gin, module(x).detach()

    def input_in_place_of_its_gradient(module, x, gy):
        """Your first tensor holds the values of the input. Its gradient is asked for, what arrives
        at x."""
        return x.detach().clone(), FullBackwardProbeKey.reference(module, x, gy)[1]

    def started_from_the_mean(module, x, gy):
        """You started the pass at the mean of the output. Start it at the output itself, from gy:
        y.backward(gy)."""
        return FullBackwardProbeKey.reference(module, x, torch.ones_like(gy) / gy.numel())

    def weighted_by_the_values(module, x, gy):
        """You started the pass at the sum of the squares of the output, or from the output itself.
        Start it from gy: y.backward(gy)."""
        return FullBackwardProbeKey.reference(module, x, module(x).detach())

    def gradient_of_the_weight(module, x, gy):
        """Your first tensor is the gradient of the weight. That of the module's input is asked for,
        in the shape of x."""
        gin, gout = FullBackwardProbeKey.reference(module, x, gy)
        first = next(module.parameters())
        if not first.requires_grad:
            return gin, gout
        return torch.autograd.grad(module(x), first, gy)[0], gout

    def grad_of_the_weight(module, x, gy):
        """Your first tensor is the .grad of a weight. That of the module's input is asked for, in
        the shape of x."""
        _, gout = FullBackwardProbeKey.reference(module, x, gy)
        module(x).backward(gy)
        return next(module.parameters()).grad, gout

    def gout_not_kept(module, x, gy):
        """Your gout is None: the output is no leaf, so its .grad stays empty unless you call
        retain_grad() on it first. What arrives there is what the pass starts from."""
        return FullBackwardProbeKey.reference(module, x, gy)[0], None

    def gout_twice(module, x, gy):
        """You returned the gradient of the output twice. A full backward pre-hook is called with
        that alone: register_full_backward_hook gives both."""
        _, gout = FullBackwardProbeKey.reference(module, x, gy)
        return gout, gout

    @raises(r"list index out of range")
    def hook_never_called(module, x, gy):
        """You asked your list for an entry that it does not have. One call of a hook makes one
        entry, [0]. If there is none, no hook was called: module.forward(x) skips hooks, and so does
        a run before the hook is registered. Register it, then call module(x) and backward."""
        module.forward(x.requires_grad_())
        return [][0]

    def backward_hooks_cleared(module, x, gy):
        """A backward hook that was there before you came is gone: you emptied the module's dict of
        hooks. Remove your own alone, by handle.remove()."""
        module._backward_hooks.clear()
        return FullBackwardProbeKey.reference(module, x, gy)

    def hook_stays(module, x, gy):
        """Your hook stays on the module, and runs in every later pass. Keep the handle, and call
        remove()."""
        module.register_full_backward_hook(lambda *_: None)
        return FullBackwardProbeKey.reference(module, x, gy)

    def hook_stays_after_an_error(module, x, gy):
        """Your hook is still on the module after a run that was broken off, by an error or by the
        stop button: the line that removes it did not run, and `except Exception` does not see the
        stop button. Put the passes into try, and the removal into finally."""
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


def _full_hooks_and_an_edit() -> Iterator[Callable[..., Any]]:
    """Full backward hooks on all layers of a chain, one of which edits its input in place."""
    listings = {"": lambda model: model.children(), "_on_every_place": list}
    orders = {"": lambda found: found[::-1], "_in_backward_order": list}
    for at, which, asked in ((2, "", False), (1, "_of_inputs", False), (1, "_of_all_inputs", True)):
        for place, listed in listings.items():
            for order, ordered in orders.items():

                def wrong(model, x, gy, at=at, asked=asked, listed=listed, ordered=ordered):
                    found = []
                    x = x.clone().requires_grad_() if asked else x

                    def hook(*given):
                        found.append(given[at][0])

                    handles = [layer.register_full_backward_hook(hook) for layer in listed(model)]
                    try:
                        model(x).backward(gy)
                    finally:
                        for handle in handles:
                            handle.remove()
                    return ordered(found)

                yield mistake(
                    f"full_hooks_and_an_edit{which}{place}{order}",
                    "A full backward hook wraps what its module returns, and the next layer edits "
                    "that in place, which is refused. Register a forward hook on each layer, and "
                    "in it a tensor hook on the output.",
                    wrong,
                    raises=r"is a view and is being modified inplace",
                )


def _of_calls(model: nn.Sequential, x: Tensor, gy: Tensor, modules: Sequence[nn.Module]) -> Grads:
    """The gradients of what each call of the modules returned, in the order of the calls."""
    found: dict[int, Tensor] = {}

    def note(module: nn.Module, args: Any, output: Tensor) -> None:
        place = len(found)
        found[place] = output
        output.register_hook(functools.partial(found.__setitem__, place))

    handles = [module.register_forward_hook(note) for module in modules]
    try:
        y = model(x)
    finally:
        for handle in handles:
            handle.remove()
    y.backward(gy)
    return list(found.values())


class RetainOrHookKey(Key, task="retain_or_hook"):
    def reference(model: nn.Sequential, x: Tensor, gy: Tensor) -> Grads:
        return _by_hand(model, x, gy)[1:]

    def _nothing(model, x, gy):
        return []

    families = (
        *around_a_run(reference, _nothing),
        *_full_hooks_and_an_edit(),
        hooks_stay_if_it_raises(reference),
        exception_swallowed(reference),
        exception_swallowed_but_interrupts(reference),
    )

    def forward_called(model, x, gy):
        """A hook that stands on a layer did not run: you called the layer's forward. Call the layer
        itself: layer(h) runs its hooks as well."""
        hooks = [dict(layer._forward_hooks) for layer in model]
        for layer in model:
            layer._forward_hooks.clear()
        try:
            return RetainOrHookKey.reference(model, x, gy)
        finally:
            for layer, before in zip(model, hooks, strict=True):
                layer._forward_hooks.update(before)

    def two_passes(model, x, gy):
        """The list is right, and the parameters have what two passes bring: you ran one more. A
        single pass gives all gradients."""
        for _ in range(2):
            model(x).backward(gy)
        return _by_hand(model, x, gy)[1:]

    def frozen_for_good(model, x, gy):
        """You made the model's parameters require no grad, for good: whoever trains it gets no
        gradients any more. Leave their flags."""
        model.requires_grad_(False)
        return _by_hand(model, x, gy)[1:]

    def started_from_ones(model, x, gy):
        """You started the pass from the sum of the output, that is from ones. Start it from gy:
        y.backward(gy)."""
        return _by_hand(model, x, torch.ones_like(gy))[1:]

    def model_too(model, x, gy):
        """You have one gradient too many. modules() lists the model itself as well, whose output is
        that of its last layer. Walk over its layers."""
        return _of_calls(model, x, gy, [*model.modules()])

    def innermost_alone(model, x, gy):
        """You took the modules that have no parts. A layer is an entry of the model, and one that
        is made of several counts as one: walk over the model itself, `for layer in model`."""
        return _of_calls(model, x, gy, [m for m in model.modules() if not [*m.children()]])

    def parts_of_layers_too(model, x, gy):
        """You listed the parts of a layer as well. A layer is an entry of the model, and one that
        is made of several counts as one: walk over the model itself, `for layer in model`."""
        return _of_calls(model, x, gy, [*model.modules()][1:])

    def every_layer_once(model, x, gy):
        """A layer that stands in the model twice was called once: children() and modules() list
        every module a single time. Walk over the model itself: `for layer in model`."""
        return _by_hand(nn.Sequential(*model.children()), x, gy)[1:]

    def last_output_missing(model, x, gy):
        """The gradient of the last output is missing. It is gy, with which the pass starts, and it
        is asked for like the others."""
        return _by_hand(model, x, gy)[1:-1]

    def first_output_alone(model, x, gy):
        """Your list ends after the first call. Either a `return` or a `break` ends the loop in its
        first round, or the hooks are gone before the pass: one gradient for each call is asked
        for."""
        return _by_hand(model, x, gy)[1:2]

    def last_arrival_alone(model, x, gy):
        """Your list holds the gradient of the last output alone. Every call of a layer needs a
        tensor hook of its own."""
        return _by_hand(model, x, gy)[-1:]

    def listed_by_module(model, x, gy):
        """A layer that is called twice has one gradient twice in your list. You looked them up in a
        dict by module, which keeps one for each module: keep a list of calls."""
        found = {}
        grads = _by_hand(model, x, gy)[1:]
        for layer, grad in zip(model, grads, strict=True):
            found.setdefault(layer, grad)
        return [found[layer] for layer in model]

    def listed_by_module_last_call(model, x, gy):
        """A layer that is called twice has one gradient twice in your list, that of its last call.
        You looked them up by module, which has one output at a time: keep a list of calls."""
        grads = _by_hand(model, x, gy)[1:]
        found = dict(zip(model, grads, strict=True))
        return [found[layer] for layer in model]

    def last_place_for_all(model, x, gy):
        """Your list holds one gradient, at its end, that of the first call, and None before it. A
        function made in a loop looks its place up when it is called, and by then the loop has
        ended. Let the forward hook note the place, or bind it early: i=i."""
        grads = _by_hand(model, x, gy)[1:]
        return [*(None for _ in grads[1:]), grads[0]]

    def values_in_place_of_gradients(model, x, gy):
        """You listed what the layers returned. The gradients that arrive there are asked for."""
        kept = []
        for layer in model:
            x = layer(x.clone())
            kept.append(x.detach().clone())
        return kept

    def of_parameters(model, x, gy):
        """You listed the gradients of the parameters. Those of what each layer returned are asked
        for."""
        trained = [p for p in model.parameters() if p.requires_grad]
        return list(torch.autograd.grad(model(x), trained, gy))

    @raises(r"leaf Variable that requires grad")
    def every_layer_by_itself(model, x, gy):
        """You handed each layer a detached tensor, and started the pass behind the last: it ends
        there, and the layers before it get no gradient. A layer that works in place refuses such a
        leaf besides. Run model(x) as it is, and register a tensor hook on each output."""
        outputs = []
        for layer in model:
            x = layer(x)
            x.retain_grad()
            outputs.append(x)
            x = x.detach().clone().requires_grad_()
        outputs[-1].backward(gy)
        return [output.grad for output in outputs]

    def one_pass_for_each_call(model, x, gy):
        """Your list is right, and the parameters got several times what one pass brings: you ran a
        pass for each entry. One pass brings all: register a tensor hook on each output, or hand
        all of them to torch.autograd.grad."""
        outputs, found = [], []
        for layer in model:
            outputs.append(layer((outputs[-1] if outputs else x).clone()))
            outputs[-1].retain_grad()
        for output in outputs:
            for each in outputs:
                each.grad = None
            outputs[-1].backward(gy, retain_graph=True)
            found.append(output.grad.clone())
        return found

    def backward_order(model, x, gy):
        """Your list is the wrong way round. The hooks run in the order in which the pass reaches
        the tensors, from the last layer to the first."""
        return _by_hand(model, x, gy)[:0:-1]

    def grad_not_kept(model, x, gy):
        """Your gradients are None. The outputs are no leaves, so nobody kept what arrived there:
        register a tensor hook on each output."""
        model(x).backward(gy)
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

    def inplace_switched_off(model, x, gy):
        """Your list is right, and a layer that worked in place does so no more: you switched
        inplace off and left it so. Leave the layers as they are: a tensor hook that is registered
        before the edit gets the gradient of the values before it."""
        for layer in model:
            if hasattr(layer, "inplace"):
                layer.inplace = False
        return _by_hand(model, x, gy)[1:]

    def retained_and_registered_twice(model, x, gy):
        """Two things are wrong. A layer that stands in the model twice is one module, on which you
        registered two hooks: model.children() lists each module once. And retain_grad() moves on
        with an edit: where the next layer edits an output in place you have the gradient of the
        edited values. A tensor hook registered before the edit gets that of the values before."""
        found = []
        grads = RetainOrHookKey.retained_after_the_edit(model, x, gy)
        for layer, grad in zip(model, grads, strict=True):
            found += [grad] * sum(layer is other for other in model)
        return found

    def grads_of_parameters(model, x, gy):
        """You listed the .grad of the parameters, also of those that have none. What each layer
        returned is asked for, and the gradient that arrives there."""
        model(x).backward(gy)
        return [p.grad for p in model.parameters()]

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
        """You have one gradient for each module, that of its first call. A layer that stands in the
        model twice is called twice, and each call has its own: keep a list of calls, and no dict of
        modules."""
        first = {}
        for layer, grad in zip(model, _by_hand(model, x, gy)[1:], strict=True):
            first.setdefault(layer, grad)
        return list(first.values())

    def one_per_module_last_call(model, x, gy):
        """You have one gradient for each module, that of its last call. A layer that stands in the
        model twice is called twice, and each call has its own: keep a list of calls, and no dict of
        modules."""
        return list(dict(zip(model, _by_hand(model, x, gy)[1:], strict=True)).values())

    def hooks_stay(model, x, gy):
        """Your hooks stay on the model, and run in every later pass. Keep the handles, and call
        remove() on each."""
        answer = _by_hand(model, x, gy)[1:]
        for layer in model.children():
            layer.register_forward_hook(lambda m, args, output: None)
        return answer
