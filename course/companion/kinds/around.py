"""What makes a gradient zero or None, or was to change it, beside the operations of the graph."""

from __future__ import annotations

from course.companion.kinds.kind import (
    FLAT,
    FUNCTIONS,
    GRAPHS_2,
    HOOKS,
    LOOP_2,
    NONE,
    ZERO,
    kind,
)

AROUND = (
    kind(
        "zero_seed",
        "backward was given zeros",
        "The gradient of {name} is zero: backward was given a gradient of zeros to start with.",
        "Give it ones, or make one number of the loss: loss.mean().backward().",
        *(GRAPHS_2, "1.13 Starting from more", ZERO, FLAT),
    ),
    kind(
        "zero_hook_late",
        "A hook that reads a loop's variable too late",
        "The gradient of {name} is zero: the hook on it reads {variable} when it runs, and not "
        "when it was made, and the loop that made the hooks has left 0 in it for all of them.",
        "Bind the value when the hook is made: lambda g, {variable}={variable}: ...; or make the "
        "hook in a function that is given {variable}.",
        *(HOOKS, "What a hook returns", ZERO, FLAT),
    ),
    kind(
        "zero_hook",
        "A hook that gives zeros",
        "The gradient of {name} is zero: a hook that was put on it, or on a result between it and "
        "the loss, makes zeros of it, or empties it.",
        "Look at what the hook returns, and call remove() of its handle. A hook that only looks "
        "returns nothing.",
        *(HOOKS, "What a hook returns", ZERO, FLAT),
    ),
    kind(
        "zero_clipped",
        "Clipped to zero",
        "The gradient of {name} was there after backward, and clipping made zeros of it.",
        "Look at the limit that clipping is given: it is 0, or nan or inf is among the gradients.",
        *(LOOP_2, "Clip and schedule", ZERO, FLAT),
    ),
    kind(
        "none_returned",
        "A backward that returns None",
        "{name} has no gradient: the backward of {call} ({node}) returned None in its place.",
        "Return its gradient there, in the order of forward's arguments. None is for arguments "
        "that need none.",
        *(FUNCTIONS, "8.3 Arguments without", NONE, ZERO),
    ),
    kind(
        "backward_of_module",
        "A module with a backward of its own",
        "{name} is an nn.Module with a method backward, and autograd never calls it: backward "
        "passes follow what forward computed.",
        "Write a torch.autograd.Function with static forward(ctx, x) and backward(ctx, grad), and "
        "let the module's forward return MyFunction.apply(x).",
        *(FUNCTIONS, "8.2 forward and backward", "a gradient is not changed", FLAT),
    ),
)
