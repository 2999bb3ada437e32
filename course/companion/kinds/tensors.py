"""Why a tensor has no gradient: its flags, and what the loss leads back to."""

from __future__ import annotations

from course.companion.kinds.kind import (
    BREAKING_2,
    FLAT,
    GRAPHS,
    LEAVES,
    LOOP,
    MODES,
    MODULES,
    NONE,
    kind,
)

FLAGS = (
    kind(
        "no_requires_grad",
        "It does not require grad",
        "{name} does not require grad, so nothing is recorded for it.",
        "Call {name}.requires_grad_() before you compute with it. A weight of a module is to be an "
        "nn.Parameter.",
        *(LEAVES, "The flag, and freezing", NONE),
    ),
    kind(
        "frozen",
        "A frozen parameter",
        "{name} is a parameter whose requires_grad is False: it is frozen.",
        "If it is to be trained: {name}.requires_grad_(True), or that of the whole module. "
        "module.requires_grad = True makes a plain attribute, and unfreezes nothing.",
        *(LEAVES, "Freezing a parameter", NONE, "a layer does not change"),
    ),
    kind(
        "integer",
        "Integers have no gradient",
        "{name} holds {dtype}; only floating and complex numbers have a gradient.",
        "Convert it before you compute: {name} = {name}.float().requires_grad_().",
        *(LEAVES, "Which dtypes can require grad", NONE),
    ),
    kind(
        "buffer",
        "A buffer is no parameter",
        "{name} is a buffer, which register_buffer makes of values that are not trained.",
        "If it is to be trained: self.{short} = nn.Parameter(...) in __init__.",
        *(MODULES, "A mask that stays behind", NONE, "a weight does not change"),
    ),
    kind(
        "inference",
        "Made in inference mode",
        "{name} was made in inference mode, and no graph can hold it.",
        "Make it under torch.no_grad() instead, or use {name}.clone() outside of the block.",
        *(MODES, "What an inference tensor gave up", NONE),
    ),
    kind(
        "not_a_leaf",
        "Not a leaf",
        "{name} is not a leaf: {node} computed it, and backward keeps gradients in leaves only.",
        "Ask for the gradient of what it was computed from, or call {name}.retain_grad() before "
        "backward.",
        *(LEAVES, "The gradient of a non-leaf", NONE),
    ),
    kind(
        "moved",
        "A leaf that was moved or cast",
        "{name} is not a leaf: it is a moved, cast or reshaped copy ({node}) of a leaf, which gets "
        "the gradient in its place.",
        "Set requires_grad as the last thing: {name} = {name}.detach().requires_grad_() after "
        "the move. A parameter: nn.Parameter(values.to(device)).",
        *(LEAVES, "How a leaf is lost", NONE),
    ),
)


REACH = (
    kind(
        "loss_without_graph",
        "The loss has no graph",
        "The loss has no grad_fn: nothing that leads to it was recorded.",
        "Let the inputs or the parameters require grad, and compute the loss with torch's "
        "operations outside of no_grad.",
        *(GRAPHS, "Which results are recorded", NONE, FLAT),
    ),
    kind(
        "loss_is_leaf",
        "requires_grad set on the loss",
        "The loss is a leaf: requires_grad was set on a result whose recording was cut before, so "
        "backward ends at the loss itself.",
        "Take requires_grad off the loss, and put the cut right.",
        *(BREAKING_2, "14.15 A loss that was made anew", NONE, FLAT),
    ),
    kind(
        "other_loss",
        "Another loss",
        "{name} is not in the graph of this loss; it is in that of {other}.",
        "Call backward on the loss that it leads to, or add the two.",
        *(LEAVES, "Who keeps a gradient", NONE),
    ),
    kind(
        "other_pass",
        "The gradient of another loss",
        "{name} is not in the graph of this loss; its gradient is that of {other}, whose backward "
        "was seen.",
        "Ask about that loss: why_no_grad({name}, {other}).",
        *(LEAVES, "Who keeps a gradient", NONE),
    ),
    kind(
        "not_seen",
        "Cut where no watch looks",
        "The loss does not lead back to {name}, which the watched step used; the watch did not see "
        "where the way was cut.",
        "Look at what lies between the two and is not seen: compiled code, a custom "
        "autograd.Function, another thread, lines outside of the block.",
        *(LOOP, "None, zeros, and missing", NONE),
    ),
    kind(
        "not_reached",
        "Not reached",
        "The loss does not lead back to {name}.",
        "Run the step inside `with watch():` and ask again, to see where it was cut.",
        *(LOOP, "None, zeros, and missing", NONE),
    ),
    kind(
        "never_used",
        "Never used",
        "No operation was given {name}: the forward pass does not use it.",
        "Use it in the forward pass, or take it out of the model.",
        *(LOOP, "None, zeros, and missing", NONE, "a layer does not change"),
    ),
    kind(
        "pattern",
        "A layer that a stack was copied from",
        "{layer} is the pattern that {stack} was made from: nn.{kind} holds copies of it, and no "
        "operation was given {name}.",
        "Give the pattern to the stack from a local variable of __init__, and not from an "
        "attribute of self: it is then no part of the model. Nothing is lost by it.",
        *(LOOP, "None, zeros, and missing", NONE, "a layer does not change"),
    ),
    kind(
        "never_called",
        "A model that the step does not call",
        "No operation was given any parameter of {model}: the watched step never calls it.",
        "Call it in the step. What was computed from it before the step, such as features that are "
        "kept, is a constant there.",
        *(LOOP, "None, zeros, and missing", NONE, FLAT),
    ),
    kind(
        "idle",
        "Not used in this step",
        "No operation was given {name} in this step, and others beside it in {container} were "
        "used.",
        "If the batch chooses among them, as among experts, its turn comes: watch more steps. If "
        "none ever uses it, look at the loop over {container}.",
        *(LOOP, "None, zeros, and missing", NONE, "a layer does not change"),
    ),
    kind(
        "dropped",
        "Used, and its result dropped",
        "What was computed from {name} ({name_of_call}) does not enter the loss.",
        "Use the result in the loss. Look for a name that is overwritten, and for "
        "nn.Parameter(...), which makes a new leaf of the values.",
        *(LOOP, "None, zeros, and missing", NONE),
    ),
)
