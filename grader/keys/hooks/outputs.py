"""References and mistakes of the exercises on the outputs of modules."""

from typing import Any

import torch
from torch import Tensor, nn

from grader.keys.hooks.modules import copy_of, input_of, run
from grader.trusted.key import Key, raises


def _scaled(s: float, output: Any) -> Any:
    return tuple(s * t for t in output) if isinstance(output, tuple) else s * output


class ScaleForwardKey(Key, task="scale_forward"):
    def reference(module: nn.Module, s: float) -> Any:
        return module.register_forward_hook(lambda m, args, output: _scaled(s, output))

    def returned_nothing(module):
        """The output is what it was. A forward hook that returns None observes; what it returns
        replaces the output."""
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

    def history_cut(module, s):
        """The values are right, and no gradient flows: the new output has no history. Do not detach
        it, and do not compute it inside no_grad()."""

        def hook(m, args, output):
            with torch.no_grad():
                return _scaled(s, output)

        return module.register_forward_hook(hook)

    @raises(r"can't multiply sequence by non-int")
    def tuple_forgotten(module, s):
        """A module may return a tuple, and a tuple cannot be multiplied by a number. Multiply each
        of its tensors."""
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

    def variance(model, x):
        """Your second number is the variance. std is its square root."""
        return _stats(model, _leaves(model), x, lambda t: (_pair(t)[0], _pair(t)[1] ** 2))

    def ofinput_ofs(model, x):
        """Your numbers describe what went into each submodule. The third argument of a forward
        hook is what came out."""
        return _stats(model, _leaves(model), x, _pair, keep=input_of)

    def children_alone(model, x):
        """You took the direct children of the model. A child may have children of its own: take the
        modules of named_modules() that have none."""
        return _stats(model, [name for name, _ in model.named_children()], x, _pair)

    def containers_too(model, x):
        """You took the model itself and its containers too. Leave out every module that has
        children."""
        return _stats(model, [name for name, _ in model.named_modules()], x, _pair)

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
        return _stats(model, _leaves(model), x, lambda t: tuple(map(torch.tensor, _pair(t))))

    def hooks_stay(model, x):
        """Your hooks stay on the model, and run in every later call. Keep the handles, and call
        remove() on each."""
        return _stats(model, _leaves(model), x, _pair, stay="always")
