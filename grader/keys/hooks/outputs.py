"""References and mistakes of the exercises on the outputs of modules."""

from typing import Any

import torch
from torch import Tensor, nn

from grader.keys.hooks.modules import copy_of, input_of, run
from grader.trusted.families.hooks import (
    around_a_run,
    exception_swallowed,
    exception_swallowed_but_interrupts,
    hooks_stay_if_it_raises,
)
from grader.trusted.key import Key, raises


def _scaled(s: float, output: Any) -> Any:
    return tuple(s * t for t in output) if isinstance(output, tuple) else s * output


_LAST: dict[str, float] = {}
"""What the calls of a mistake share."""


class ScaleForwardKey(Key, task="scale_forward"):
    def reference(module: nn.Module, s: float) -> Any:
        return module.register_forward_hook(lambda m, args, output: _scaled(s, output))

    def returned_nothing(module):
        """The output is what it was. Either your hook returns None, which observes: what a hook
        returns replaces the output. Or it is not on the module any more when that is called:
        remove() is for whoever gets the handle."""
        return module.register_forward_hook(lambda m, args, output: None)

    def input_scaled(module, s):
        """You multiplied the input of the module. A forward pre-hook changes the input; a forward
        hook is called after forward and may replace the output."""
        return module.register_forward_pre_hook(lambda m, args: (s * args[0],))

    def scaled_twice(module, s):
        """The output was multiplied by s twice. Two hooks are registered, or the hook multiplies
        twice: every hook gets what the one before it returned."""
        return module.register_forward_hook(lambda m, args, y: _scaled(s, _scaled(s, y)))

    @raises(r"modified by an inplace operation")
    def edited_in_place(module, s):
        """You multiplied the output in place. The layer saved it for its backward pass, which now
        finds other numbers and raises. Return a new tensor."""

        def hook(m, args, output):
            for t in output if isinstance(output, tuple) else (output,):
                t.mul_(s)

        return module.register_forward_hook(hook)

    def edited_past_autograd(module, s):
        """The values are right, and you wrote them into the output's memory through .data, of which
        autograd is not told. The layer's own gradient is then computed from other numbers, and the
        factor s is missing in it. Return a new tensor."""

        def hook(m, args, output):
            for t in output if isinstance(output, tuple) else (output,):
                t.data.mul_(s)

        return module.register_forward_hook(hook)

    def history_cut(module, s):
        """The values are right, and no gradient flows: the new output has no history. Do not detach
        it, and do not compute it inside no_grad()."""

        def hook(m, args, output):
            with torch.no_grad():
                return _scaled(s, output)

        return module.register_forward_hook(hook)

    @raises(r"can't multiply sequence by non-int")
    def tuple_forgotten(module, s):
        """A module may return a tuple, which Python does not multiply by a float, and repeats if
        the number is an int. Multiply each of its tensors."""
        return module.register_forward_hook(lambda m, args, output: output * s)

    def tuple_became_a_list(module, s):
        """The module returned a tuple, and now it returns a list. Whoever called it expects a
        tuple: keep the type."""

        def hook(m, args, output):
            return [s * t for t in output] if isinstance(output, tuple) else s * output

        return module.register_forward_hook(hook)

    def first_alone(module, s):
        """The module returned a tuple, and only its first tensor is left. Multiply each of them and
        return them all."""

        def hook(m, args, output):
            return s * (output[0] if isinstance(output, tuple) else output)

        return module.register_forward_hook(hook)

    def first_scaled_alone(module, s):
        """The module returned a tuple, and only its first tensor was multiplied. Multiply every one
        of them."""

        def hook(m, args, output):
            return (s * output[0], *output[1:]) if isinstance(output, tuple) else s * output

        return module.register_forward_hook(hook)

    def first_flows_alone(module, s):
        """The values are right, and no gradient flows through the tensors of a tuple behind its
        first: they are detached. Multiply each of them as it is."""

        def hook(m, args, output):
            if not isinstance(output, tuple):
                return s * output
            return s * output[0], *(s * t.detach() for t in output[1:])

        return module.register_forward_hook(hook)

    @raises(r"values to unpack")
    def two_at_most(module, s):
        """You take a tuple for a pair. It may hold any number of tensors: go through all of
        them."""

        def hook(m, args, output):
            if isinstance(output, tuple):
                one, other = output
                return s * one, s * other
            return s * output

        return module.register_forward_hook(hook)

    def stacked(module, s):
        """The module returned a tuple, and you made one tensor of it. Return a tuple of products,
        as long as the one before."""

        def hook(m, args, output):
            return s * (torch.stack(output) if isinstance(output, tuple) else output)

        return module.register_forward_hook(hook)

    def added(module, s):
        """You added s to the output. It is to be multiplied by s."""

        def hook(m, args, output):
            return tuple(t + s for t in output) if isinstance(output, tuple) else output + s

        return module.register_forward_hook(hook)

    def divided(module, s):
        """You divided the output by s. It is to be multiplied by s."""
        return module.register_forward_hook(lambda m, args, output: _scaled(1 / s, output))

    def factor_left_out_backward(module, s):
        """The values are right, and the gradient lacks the factor s: the part that makes the
        difference is detached. Return s * output, which is recorded."""

        def hook(m, args, output):
            def one(t: Tensor) -> Tensor:
                return t + (s - 1) * t.detach()

            return tuple(map(one, output)) if isinstance(output, tuple) else one(output)

        return module.register_forward_hook(hook)

    def factor_twice_backward(module, s):
        """The values are right, and the gradient has the factor s twice. The product is recorded,
        and its own backward pass brings s: a backward hook beside it multiplies again."""

        def hook(m, args, output):
            def one(t: Tensor) -> Tensor:
                y = s * t
                y.register_hook(lambda g: s * g)
                return y

            return tuple(map(one, output)) if isinstance(output, tuple) else one(output)

        return module.register_forward_hook(hook)

    def first_call_alone(module, s):
        """Only the first call is multiplied. Your hook removes itself, or counts its calls: leave
        it on the module until handle.remove()."""
        calls = []

        def hook(m, args, output):
            calls.append(m)
            return _scaled(s, output) if len(calls) == 1 else output

        return module.register_forward_hook(hook)

    def all_modules(module, s):
        """You registered the hook for all modules there are, so that parts of module are multiplied
        as well. Register it on module itself."""

        def hook(m, args, output):
            return _scaled(s, output)

        return nn.modules.module.register_module_forward_hook(hook)

    def gradient_scaled(module, s):
        """The output is what it was, and gradients are multiplied: yours is a hook of the backward
        pass. A forward hook replaces the output by what it returns, and its factor comes into the
        gradient by itself."""
        return module.register_full_backward_hook(
            lambda m, gin, gout: tuple(None if g is None else s * g for g in gin)
        )

    def forward_replaced(module, s):
        """You replaced module.forward, and handle.remove() does not bring it back. A forward hook
        leaves the module as it is, and its handle ends it."""
        forward = module.forward
        module.forward = lambda *args: _scaled(s, forward(*args))
        return module.register_forward_hook(lambda m, args, output: None)

    def before_the_hooks_of_others(module, s):
        """A hook that stood on the module before you came gets the multiplied output, and what it
        makes of it is not multiplied. You replaced forward, of the module or of its class, or put
        your hook before that one (prepend=True). Register a forward hook, which gets what the
        hooks before it returned."""
        hook = module.register_forward_hook
        return hook(lambda m, args, output: _scaled(s, output), prepend=True)

    def factor_of_the_last_call(module, s):
        """Your hook multiplies by the factor of the last call of your function, for whichever
        module that was: all calls share one name for it. Each has a factor of its own: a function
        made inside yours sees its s."""
        _LAST["s"] = s
        return module.register_forward_hook(lambda m, args, output: _scaled(_LAST["s"], output))

    def kept_on_the_module(module, s):
        """You put something on the module, such as the factor, and it stays there after remove():
        the module is not as it was. Let the hook know it: a function made inside yours sees s."""
        module.autograd_course_factor = s
        return ScaleForwardKey.reference(module, s)

    def forward_put_back(module, s):
        """You replaced module.forward. A hook that stood on the module before you came gets the
        multiplied output, and what it makes of it is not multiplied; and after remove() the module
        has an attribute forward that it did not have. Register a forward hook."""

        class _Handle:
            forward = staticmethod(module.forward)

            def remove(self) -> None:
                module.forward = _Handle.forward

        module.forward = lambda *args: _scaled(s, _Handle.forward(*args))
        return _Handle()

    def tuples_alone(module, s):
        """Where the output is one tensor it is what it was: your hook returns a product for tuples
        alone. Multiply a tensor as well."""

        def hook(m, args, output):
            return _scaled(s, output) if isinstance(output, tuple) else None

        return module.register_forward_hook(hook)

    def rows_in_a_tuple(module, s):
        """The module returned a tensor, and now it returns a tuple of its rows: a loop over a
        tensor goes through its rows. Ask isinstance(output, tuple) first, and multiply a tensor as
        a whole."""
        return module.register_forward_hook(lambda m, args, output: tuple(s * t for t in output))

    def tuple_of_one(module, s):
        """The module returned a tensor, and now it returns a tuple that holds it. Keep the type:
        a tuple only where the output is one."""

        def hook(m, args, output):
            return tuple(s * t for t in (output if isinstance(output, tuple) else (output,)))

        return module.register_forward_hook(hook)

    def handle_in_a_list(module, s):
        """You returned a list. One hook is asked for, and its handle itself."""
        return [ScaleForwardKey.reference(module, s)]

    def weights_scaled(module, s):
        """You multiplied the weights. That is another function wherever the layer is more than a
        product, and removing a handle does not undo it. Replace the output, in a forward hook."""
        ScaleForwardKey.scaled_now(module, s)
        return module.register_forward_hook(lambda m, args, output: None)

    def every_submodule(module, s):
        """You multiplied what each submodule returns as well. Register one hook, on module
        itself."""
        for part in [one for one in module.modules() if one is not module]:
            part.register_forward_hook(lambda m, args, output: _scaled(s, output))
        return ScaleForwardKey.reference(module, s)

    def scaled_now(module, s):
        """You multiplied the weights. That is another function wherever the layer is more than a
        product, and the module is not as it was when the handle is removed. Replace the output, in
        a forward hook."""
        with torch.no_grad():
            for p in module.parameters():
                p.mul_(s)

    def in_one_mode_alone(module, s):
        """You multiply in train mode alone. From now on counts, in eval mode too: do not ask for
        the mode."""
        return module.register_forward_hook(
            lambda m, args, output: _scaled(s, output) if m.training else None
        )

    def while_recorded_alone(module, s):
        """You multiply only while operations are recorded, or only an output that requires grad.
        From now on counts, inside no_grad() too: ask for neither."""

        def hook(m, args, output):
            return _scaled(s, output) if torch.is_grad_enabled() else None

        return module.register_forward_hook(hook)

    def no_handle(module, s):
        """You returned nothing. Without the handle nobody can remove the hook: return what
        register_forward_hook gave you."""
        module.register_forward_hook(lambda m, args, output: _scaled(s, output))


Stats = dict[str, list[Any]]


def _leaves(model: nn.Module) -> list[str]:
    return [name for name, module in model.named_modules() if not list(module.children())]


def _stats(model, names, x, read, keep=copy_of, stay="no"):
    kept = run(model, names, x, keep, stay)
    return {name: [read(t) for t in calls] for name, calls in kept.items()}


def _pair(t: Tensor) -> tuple[float, float]:
    mean = float(t.mean())
    return mean, float(((t - mean) ** 2).mean()) ** 0.5


class StatsHookKey(Key, task="stats_hook"):
    def reference(model: nn.Module, x: Tensor) -> Stats:
        return _stats(model, _leaves(model), x, _pair)

    def of_a_sample(model, x):
        """Your std divides by one less than the number of entries, and of a single entry it is nan.
        Here it divides by the number of entries: pass correction=0."""
        return _stats(model, _leaves(model), x, lambda t: (float(t.mean()), float(t.std())))

    def of_a_sample_but_of_one(model, x):
        """Your std divides by one less than the number of entries, but for a single entry. Here it
        divides by the number of entries: pass correction=0, which gives 0 for a single one."""

        def pair(t):
            return float(t.mean()), float(t.std()) if t.numel() > 1 else 0.0

        return _stats(model, _leaves(model), x, pair)

    def root_mean_square(model, x):
        """Your second number is the root of the mean square. std takes off the mean first: it is
        the root of the mean of (output - mean)**2."""
        return _stats(
            model, _leaves(model), x, lambda t: (_pair(t)[0], float((t * t).mean()) ** 0.5)
        )

    def never_called_missing(model, x):
        """A submodule that is never called is missing from your dict, and its list is empty. Give
        every name its list before the model runs, and leave the empty ones in."""
        return {name: calls for name, calls in StatsHookKey.reference(model, x).items() if calls}

    def _empty(model, x):
        return {name: [] for name in _leaves(model)}

    families = (
        *around_a_run(reference, _empty, once=True),
        hooks_stay_if_it_raises(reference),
        exception_swallowed(reference),
        exception_swallowed_but_interrupts(reference),
    )

    def forward_called(model, x):
        """Nothing was collected for a model without submodules. Either no hook of yours stands on
        the model itself, or you called model.forward(x), which skips its hooks: call model(x)."""
        found = StatsHookKey.reference(model, x)
        return found | ({"": []} if "" in found else {})

    def variance(model, x):
        """Your second number is the variance. std is its square root."""
        return _stats(model, _leaves(model), x, lambda t: (_pair(t)[0], _pair(t)[1] ** 2))

    def of_inputs(model, x):
        """Your numbers describe what went into each submodule. The third argument of a forward
        hook is what came out."""
        return _stats(model, _leaves(model), x, _pair, keep=input_of)

    def children_alone(model, x):
        """You took the direct children of the model. A child may have children of its own: take the
        modules of named_modules() that have none."""
        return _stats(model, [name for name, _ in model.named_children()], x, _pair)

    def children_or_the_model_itself(model, x):
        """You took the direct children of the model, or the model itself where it has none. A child
        may have children of its own: take the modules of named_modules() that have none."""
        names = [name for name, _ in model.named_children()] or [""]
        return _stats(model, names, x, _pair)

    def containers_too(model, x):
        """You took the model itself and its containers too. Leave out every module that has
        children."""
        return _stats(model, [name for name, _ in model.named_modules()], x, _pair)

    def inner_containers_too(model, x):
        """You took submodules that have submodules of their own as well. Leave out every module
        that has children."""
        names = [name for name, _ in model.named_modules() if name]
        return _stats(model, names or [""], x, _pair)

    def last_call_alone(model, x):
        """A submodule was called twice, and only its last call counts in your dict. Append to a
        list for each name."""
        stats = _stats(model, _leaves(model), x, _pair)
        return {name: calls[-1:] for name, calls in stats.items()}

    def computed_at_the_end(model, x):
        """One of your pairs belongs to a later layer. You kept the outputs and computed afterwards,
        and a layer that works in place had overwritten one. Compute in the hook: then nothing has
        to be kept either."""
        return _stats(model, _leaves(model), x, _pair, keep=lambda m, a, y: y.detach())

    def tensors(model, x):
        """Your numbers are tensors. Call item(): a tensor that was computed with its history keeps
        the graph and all its activations alive."""
        return _stats(model, _leaves(model), x, lambda t: (t.mean(), t.std(correction=0)))

    def numbers_alone(model, x):
        """You kept one pair for each submodule. A list is asked for, with one pair for each call:
        append to it."""
        stats = _stats(model, _leaves(model), x, _pair)
        return {name: calls[-1] if calls else [] for name, calls in stats.items()}

    def numbers_and_none_of_the_uncalled(model, x):
        """You kept one pair for each submodule, and nothing for one that is never called. A list is
        asked for, with one pair for each call: append to it."""
        stats = _stats(model, _leaves(model), x, _pair)
        return {name: calls[-1] for name, calls in stats.items() if calls}

    def mean_of_sizes(model, x):
        """Your first number is the mean of the absolute values. The mean of the output itself is
        asked for."""
        return _stats(model, _leaves(model), x, lambda t: (float(t.abs().mean()), _pair(t)[1]))

    def median(model, x):
        """Your first number is the median. The mean is asked for."""
        return _stats(model, _leaves(model), x, lambda t: (float(t.median()), _pair(t)[1]))

    def least_and_greatest(model, x):
        """Your pairs are the least and the greatest entry. Mean and std are asked for."""
        return _stats(model, _leaves(model), x, lambda t: (float(t.min()), float(t.max())))

    def first_call_alone(model, x):
        """A submodule was called twice, and you kept its first call. Append to the list at every
        call. A hook that removes itself is gone by the second: remove it in finally, not inside the
        hook."""
        stats = _stats(model, _leaves(model), x, _pair)
        return {name: calls[:1] for name, calls in stats.items()}

    def for_each_column(model, x):
        """You took mean and std for each column, over the rows alone. Take both over all entries:
        mean() and std(correction=0) without a dimension."""

        def columns(t: Tensor) -> tuple[Tensor, Tensor]:
            return t.mean(0), t.std(0, correction=0)

        return _stats(model, _leaves(model), x, columns)

    def for_each_column_in_lists(model, x):
        """You took mean and std for each column, over the rows alone, as lists. Take both over all
        entries, one number each: mean() and std(correction=0) without a dimension."""

        def columns(t: Tensor) -> tuple[Any, Any]:
            return t.mean(0).tolist(), t.std(0, correction=0).tolist()

        return _stats(model, _leaves(model), x, columns)

    def columns_averaged(model, x):
        """Your second number is the mean of the columns' std. How far the columns lie apart is
        missing in it: take one std over all entries, std(correction=0) without a dimension."""
        return _stats(
            model,
            _leaves(model),
            x,
            lambda t: (_pair(t)[0], float(t.std(0, correction=0).mean())),
        )

    def without_parameters_left_out(model, x):
        """Layers without parameters, such as activations, are missing. What counts is that a module
        has no submodules of its own: ask for children() alone."""
        kept = [n for n in _leaves(model) if list(model.get_submodule(n).parameters())]
        return _stats(model, kept, x, _pair)

    def rounded(model, x):
        """Your numbers are rounded. Keep them as they are, and round where you print them."""
        return _stats(model, _leaves(model), x, lambda t: tuple(round(n, 4) for n in _pair(t)))

    def std_first(model, x):
        """Your pairs are the wrong way round: the mean comes first, then std. torch.std_mean gives
        them in the other order."""
        return _stats(model, _leaves(model), x, lambda t: _pair(t)[::-1])

    def only_the_mean(model, x):
        """You kept the means alone. A pair (mean, std) is asked for, for each call."""
        return _stats(model, _leaves(model), x, lambda t: _pair(t)[0])

    def last_name_for_all(model, x):
        """All pairs are listed under the last name. A function made in a loop looks `name` up when
        it is called, and by then the loop has ended. Bind it early, for example with
        functools.partial or a default argument."""
        names = _leaves(model)
        order: list[Any] = []

        def keep(module: nn.Module, args: Any, output: Tensor) -> Tensor:
            order.append(_pair(output.detach()))
            return output

        run(model, names, x, keep, "no")
        return {name: order if name == names[-1] else [] for name in names}

    def sequentials_alone_left_out(model, x):
        """You left out the model itself and what is an nn.Sequential. Other modules may have
        submodules as well: leave out every one that has children."""
        known = model.named_modules()
        names = [name for name, m in known if name and not isinstance(m, nn.Sequential)]
        return _stats(model, names or [""], x, _pair)

    def sequentials_left_out_and_the_model_not(model, x):
        """You left out what is an nn.Sequential, and nothing else. The model itself has submodules,
        and others may have some: leave out every one that has children."""
        known = model.named_modules()
        names = [name for name, m in known if not isinstance(m, nn.Sequential)]
        return _stats(model, names, x, _pair)

    def types_of_torch_alone(model, x):
        """You took layers of torch alone. A module of somebody else's type that has no submodules
        counts as well: ask for children, not for the type."""
        kept = [n for n in _leaves(model) if "torch" in type(model.get_submodule(n)).__module__]
        return _stats(model, kept, x, _pair)

    def two_levels_alone(model, x):
        """A submodule that lies three levels deep is missing. named_modules() lists those of all
        levels."""
        return _stats(model, [n for n in _leaves(model) if n.count(".") < 2], x, _pair)

    def all_but_the_root(model, x):
        """You took the containers too, and left out the model itself alone. Leave out every module
        that has children, and keep a model that has none."""
        names = [name for name, _ in model.named_modules() if name]
        return _stats(model, names, x, _pair)

    def root_skipped(model, x):
        """A model without submodules is missing: you left out the name "". It has no children, and
        so it counts."""
        return _stats(model, [name for name in _leaves(model) if name], x, _pair)

    def container_of_one(model, x):
        """You took a container of one layer for a layer. It has a child, and so it is left out: ask
        whether there are any children."""
        known = model.named_modules()
        single = [name for name, module in known if len(list(module.children())) <= 1]
        return _stats(model, single, x, _pair)

    def second_names_too(model, x):
        """A module that stands in the model under two names is listed twice. named_modules() gives
        it one name, the first."""
        known = model.named_modules(remove_duplicate=False)
        return _stats(model, [n for n, m in known if not list(m.children())], x, _pair)

    def named_by_class(model, x):
        """Your keys are names of classes. Two layers of one class then share a list: use the names
        that named_modules() gives."""
        stats = {}
        for name, calls in _stats(model, _leaves(model), x, _pair).items():
            stats.setdefault(type(model.get_submodule(name)).__name__, []).extend(calls)
        return stats

    def hooks_stay(model, x):
        """Your hooks stay on the model, and run in every later call. Keep the handles, and call
        remove() on each."""
        return _stats(model, _leaves(model), x, _pair, stay="always")
