"""Reference and mistakes of the exercise on forward hooks that collect."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import torch
from torch import Tensor, nn

from grader.trusted.families.hooks import around_a_run
from grader.trusted.key import Key, raises

Features = dict[str, list[Tensor]]
Keep = Callable[[nn.Module, Any, Any], Tensor]


def copy_of(module: nn.Module, args: Any, output: Tensor) -> Tensor:
    """What a module returned, without history and in memory of its own."""
    return output.detach().clone()


def input_of(module: nn.Module, args: Any, output: Tensor) -> Tensor:
    """What went into a module, without history and in memory of its own."""
    return args[0].detach().clone()


@contextmanager
def _collected(model, names, keep, *, stay="no"):
    """Collect what `keep` makes of every call. `stay`: whether hooks stay, or `on error` alone."""
    found = {name: [] for name in names}
    with ExitStack() as stack:
        for name in names:

            def hook(module: nn.Module, args: Any, output: Any, name: str = name) -> None:
                found[name].append(keep(module, args, output))

            handle = model.get_submodule(name).register_forward_hook(hook)
            stack.callback(handle.remove)
        try:
            yield found
        except BaseException:
            if stay != "no":
                stack.pop_all()
            raise
        if stay == "always":
            stack.pop_all()


def run(model: nn.Module, names: Sequence[str], x: Tensor, keep: Keep, stay: str) -> Features:
    """Collect while model(x) runs; `stay` says when hooks stay: no, always, or on error."""
    with _collected(model, names, keep, stay=stay) as found:
        model(x)
    return found


class CaptureFeaturesKey(Key, task="capture_features"):
    def reference(model: nn.Module, names: Sequence[str], x: Tensor) -> Features:
        return run(model, names, x, copy_of, "no")

    def _empty(model, names, x):
        return {name: [] for name in names}

    families = (*around_a_run(reference, _empty, once=True),)

    def hooks_stay_after_an_error(model, names, x):
        """Your hooks are still on the model after a run that was broken off, by an error or by the
        stop button: the lines that remove them did not run, and `except Exception` does not see the
        stop button. Put the call of the model into try, and the removal into finally."""
        return run(model, names, x, copy_of, "on error")

    def hooks_stay(model, names, x):
        """Your hooks stay on the model, and go on collecting in every later call. Keep the handles,
        and call remove() on each."""
        return run(model, names, x, copy_of, "always")

    def error_swallowed(model, names, x):
        """The model raised, and your function returned half a dict as if all were well. Remove the
        hooks and let the exception pass: no except, and no return inside finally."""
        with _collected(model, names, copy_of) as found:
            try:
                model(x)
            except RuntimeError:
                return found
        return found

    def error_swallowed_but_interrupts(model, names, x):
        """The model raised, and your function returned half a dict as if all were well: let the
        exception pass. And your hooks stayed on the model when the run was interrupted, for an
        interrupt is no Exception: remove them in finally."""
        with (
            _collected(model, names, copy_of, stay="on error") as found,
            suppress(Exception),
        ):
            model(x)
        return found

    def history_kept(model, names, x):
        """Your tensors require grad, so each keeps the whole graph behind it alive. Detach what you
        keep."""
        return run(model, names, x, lambda m, a, y: y.clone(), "no")

    def overwritten(model, names, x):
        """A later layer edited its input in place, and with it what you had kept: that shares its
        memory with what the model goes on with. detach() and .data do, and so does a clone that
        the hook returns. Keep a clone, and return nothing."""
        return run(model, names, x, lambda m, a, y: y.detach(), "no")

    def output_itself(model, names, x):
        """You kept the output itself. It carries its graph, and a layer that works in place
        overwrites it later. Detach it and clone it."""
        return run(model, names, x, lambda m, a, y: y, "no")

    def inputs_collected(model, names, x):
        """You collected what went into each submodule. A forward hook is called with (module, args,
        output): the third is what it returned."""
        return run(model, names, x, input_of, "no")

    def inputs_collected_before(model, names, x):
        """You collected what went into each submodule: a forward pre-hook is called before forward
        has run. Use register_forward_hook, whose third argument is what the submodule returned."""
        found = {name: [] for name in names}
        with ExitStack() as stack:
            for name in names:

                def hook(module: nn.Module, args: Any, name: str = name) -> None:
                    found[name].append(args[0].detach().clone())

                handle = model.get_submodule(name).register_forward_pre_hook(hook)
                stack.callback(handle.remove)
            model(x)
        return found

    def last_name_for_all(model, names, x):
        """All tensors are listed under the last name. A function made in a loop looks `name` up
        when it is called, and by then the loop has ended. Bind it early, for example with
        functools.partial or a default argument."""
        found = {name: [] for name in names}
        with ExitStack() as stack:
            for name in names:

                def hook(module, args, output):
                    found[name].append(copy_of(module, args, output))  # noqa: B023

                handle = model.get_submodule(name).register_forward_hook(hook)
                stack.callback(handle.remove)
            model(x)
        return found

    def last_call_alone(model, names, x):
        """A submodule was called twice, and you kept its last call. Append to a list for each
        name."""
        return {name: calls[-1:] for name, calls in run(model, names, x, copy_of, "no").items()}

    def forward_called(model, names, x):
        """Nothing was collected for the model itself. Either no hook of yours stands on it: the
        name "" means the model. Or you called model.forward(x), which skips the model's own hooks:
        call model(x)."""
        with _collected(model, names, copy_of) as found:
            model.forward(x)
        return found

    def one_call_without_a_list(model, names, x):
        """You kept one tensor for each name. A list is asked for, with one tensor for each call of
        the submodule: append to it."""
        kept = run(model, names, x, copy_of, "no")
        return {name: calls[-1] if calls else [] for name, calls in kept.items()}

    def one_call_and_none_of_the_uncalled(model, names, x):
        """You kept one tensor for each name, and nothing for a submodule that is never called. A
        list is asked for, with one tensor for each call: append to it."""
        kept = run(model, names, x, copy_of, "no")
        return {name: calls[-1] for name, calls in kept.items() if calls}

    @raises(r"stack expects")
    def stacked(model, names, x):
        """You made one tensor of all calls of a submodule. Their shapes may differ, and a list is
        asked for: leave it as it is."""
        kept = run(model, names, x, copy_of, "no")
        return {name: torch.stack(calls) for name, calls in kept.items()}

    def first_call_alone(model, names, x):
        """A submodule was called twice, and you kept its first call. Append to the list at every
        call. A hook that removes itself is gone by the second: remove it in finally, not inside the
        hook."""
        return {name: calls[:1] for name, calls in run(model, names, x, copy_of, "no").items()}

    def arrays(model, names, x):
        """You returned NumPy arrays. Keep tensors: detach() and clone() are enough."""
        kept = run(model, names, x, copy_of, "no")
        return {name: [t.cpu().numpy() for t in calls] for name, calls in kept.items()}

    def detached_in_place(model, names, x):
        """You called detach_(), which cuts the very tensor that the model goes on with, and here
        the caller's x. detach() makes a new one: keep its clone."""

        def keep(module: nn.Module, args: Any, output: Tensor) -> Tensor:
            return output.detach_().clone()

        return run(model, names, x, keep, "no")

    def children_found_alone(model, names, x):
        """The lists of nested names are empty: you walked over named_children(), which lists direct
        children alone. Ask for each name with get_submodule(name)."""
        there = [name for name in names if name in dict(model.named_children())]
        found = run(model, there, x, copy_of, "no")
        return {name: found.get(name, []) for name in names}

    def second_name_missed(model, names, x):
        """A module that stands in the model under two names has an empty list under its second:
        named_modules() lists every module once. Ask for each name with get_submodule(name)."""
        listed = [name for name, _ in model.named_modules() if name in names]
        found = run(model, listed, x, copy_of, "no")
        return {name: found.get(name, []) for name in names}

    def second_name_absent(model, names, x):
        """Your dict has no entry for the second name of a module that has two: named_modules()
        lists every module once. Ask for each name with get_submodule(name)."""
        listed = [name for name, _ in model.named_modules() if name in names]
        return run(model, listed, x, copy_of, "no")

    def one_name_for_each_module(model, names, x):
        """A module that stands in the model under two names has its list under one of them alone.
        A dict from modules to names keeps one name: register a hook for each name."""
        by_module = {model.get_submodule(name): name for name in names}
        found = run(model, list(by_module.values()), x, copy_of, "no")
        return {name: found.get(name, []) for name in names}

    def never_called_missing(model, names, x):
        """A submodule that is never called is missing from your dict, and its list is empty. Give
        every name its list before the model runs, and leave the empty ones in."""
        return {name: calls for name, calls in run(model, names, x, copy_of, "no").items() if calls}

    def collected_twice(model, names, x):
        """Every output is listed twice: the model ran two times while your hooks were on it. Run it
        once."""
        with _collected(model, names, copy_of) as found:
            model(x)
            model(x)
        return found

    def first_name_alone(model, names, x):
        """Only the first name has a list. Look for a `return` or a `break` inside the loop: it ends
        the loop in its first round."""
        return run(model, names[:1], x, copy_of, "no")

    @raises(r"has no attribute '(\w+\.\w+)?'")
    def asked_by_getattr(model, names, x):
        """getattr finds direct children alone: "block.0" is no attribute, and neither is "". Use
        model.get_submodule(name)."""
        for name in names:
            getattr(model, name)
        return run(model, names, x, copy_of, "no")

    @raises(r"^'\w+'$")
    def second_name_unknown(model, names, x):
        """named_modules() lists every module once, so a dict of it lacks the second name of a
        module that has two. Ask for each name with get_submodule(name)."""
        listed = dict(model.named_modules())
        return run(model, [name for name in names if listed[name]], x, copy_of, "no")

    @raises(r"\w\.0")
    def children_alone(model, names, x):
        """You looked for the names among the direct children. "block.0" is a child of a child:
        use get_submodule(name)."""
        children = {"": model, **dict(model.named_children())}
        return run(model, [name for name in names if children[name]], x, copy_of, "no")
