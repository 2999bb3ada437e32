"""Reference and mistakes of the exercise on forward hooks that collect."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn

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

    def hooks_stay_after_an_error(model, names, x):
        """When the model raises, your hooks stay on it: the lines that remove them do not run. Put
        the call of the model into try, and the removal into finally."""
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

    def history_kept(model, names, x):
        """Your tensors require grad, so each keeps the whole graph behind it alive. Detach what you
        keep."""
        return run(model, names, x, lambda m, a, y: y.clone(), "no")

    def overwritten(model, names, x):
        """A later layer edited its input in place, and with it what you had kept: detach() shares
        the memory. Clone as well."""
        return run(model, names, x, lambda m, a, y: y.detach(), "no")

    def output_itself(model, names, x):
        """You kept the output itself. It carries its graph, and a layer that works in place
        overwrites it later. Detach it and clone it."""
        return run(model, names, x, lambda m, a, y: y, "no")

    def inputs_collected(model, names, x):
        """You collected what went into each submodule. A forward hook is called with (module, args,
        output): the third is what it returned."""
        return run(model, names, x, input_of, "no")

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
        """Nothing was collected for the model itself. You called model.forward(x), which skips the
        model's own hooks: call model(x)."""
        with _collected(model, names, copy_of) as found:
            model.forward(x)
        return found

    @raises(r"block\.0")
    def children_alone(model, names, x):
        """You looked for the names among the direct children. "block.0" is a child of a child:
        use get_submodule(name), or named_modules()."""
        children = {"": model, **dict(model.named_children())}
        return run(model, [name for name in names if children[name]], x, copy_of, "no")
