"""Errors of autograd itself, of tensors' flags and of custom Functions."""

from __future__ import annotations

from grader.errors.index.entry import (
    BREAKING,
    BREAKING_2,
    DATA,
    DETACH,
    FUNCTIONS,
    GRAPHS,
    GRAPHS_2,
    HOOKS,
    LEAVES,
    LOOP_2,
    MODES,
    Entry,
    at,
)

AUTOGRAD: dict[str, Entry] = {
    # Backward
    "second_backward": at(
        GRAPHS_2,
        "The second backward pass",
        "A second backward pass",
        "the first batch works and the second raises",
        "a recurrent network raises at its second batch",
    ),
    "no_graph": at(
        GRAPHS, "Which results are recorded", "The result has no graph", "loss has no grad_fn"
    ),
    "not_scalar": at(
        GRAPHS_2, "Starting from more than one number", "backward of more than one number"
    ),
    "not_real": at(GRAPHS_2, "Where there is no derivative", "backward of a complex number"),
    "seed_shape": at(
        GRAPHS_2,
        "Starting from more than one number",
        "A gradient to start from, of another shape",
    ),
    "seed_count": at(GRAPHS_2, "Starting from more than one number", "More results than gradients"),
    "seed_type": at(
        GRAPHS_2,
        "Starting from more than one number",
        "A gradient to start from that is no tensor",
    ),
    "unused": at(GRAPHS_2, "A linear layer by hand", "The result does not depend on this tensor"),
    "input_without_grad": at(
        LEAVES, "The flag, and freezing", "The gradient of a tensor that requires none"
    ),
    "no_inputs": at(LOOP_2, "Clip and schedule", "The gradient of nothing"),
    "no_derivative": at(GRAPHS, "Which results are recorded", "An operation without a derivative"),
    "anomaly": at(
        BREAKING,
        "14.4 Find the node",
        "A gradient that is nan",
        "the loss is nan",
        "gradients are nan",
    ),
    "checkpoint": at(BREAKING_2, "The second run must do", "A checkpoint that differs"),
    "reentrant_inputs": at(
        BREAKING_2, "14.12 Checkpoints that cut", "autograd.grad through a reentrant checkpoint"
    ),
    "gradcheck": at(FUNCTIONS, "8.8 gradcheck", "gradcheck finds a difference"),
    # Edits
    "leaf_in_place": at(
        LEAVES, "Changing a leaf", "A leaf edited in place", "updating weights by hand raises"
    ),
    "modified": at(
        DETACH,
        "Editing in place",
        "A saved tensor edited in place",
        "backward raises after optimizer.step()",
    ),
    "one_of_many_views": at(DETACH, "Views that refuse", "One of several views edited in place"),
    "views_of_edited": at(DETACH, "Views that refuse", "Several views of a tensor that was edited"),
    "view_of_function": at(HOOKS, "Layers that work in place", "A module's output edited in place"),
    "view_across_modes": at(
        DETACH, "Views that refuse", "A view made in one mode, edited in another"
    ),
    "view_before_edit": at(DETACH, "Views that refuse", "A view older than an edit"),
    "detached_view": at(LEAVES, "How a leaf is lost", "detach_ of a view"),
    "shared_memory": at(DETACH, "Views that refuse", "An edit of expanded entries"),
    "out_argument": at(DETACH, "Editing in place", "out= while recording"),
    "worker_out": at(
        DATA, "Tensors that require grad in a dataset", "A DataLoader's samples require grad"
    ),
    "inference_saved": at(
        MODES, "What an inference tensor gave up", "An inference tensor in a graph"
    ),
    "inference_edit": at(
        MODES, "What an inference tensor gave up", "An inference tensor outside its block"
    ),
    # Flags
    "integer_grad": at(LEAVES, "Which dtypes can require grad", "An integer cannot require grad"),
    "flag_set_on_non_leaf": at(LEAVES, "The flag, and freezing", "requires_grad set on a non-leaf"),
    "flag_of_non_leaf": at(
        LEAVES, "The flag, and freezing", "requires_grad switched off on a non-leaf"
    ),
    "hook_without_grad": at(HOOKS, "Hooks of tensors", "A hook where no gradient arrives"),
    "retain_without_grad": at(
        LEAVES, "The gradient of a non-leaf", "retain_grad where no gradient arrives"
    ),
    "module_hook_result": at(
        HOOKS, "What it may return", "A module's hook returns a gradient that no input takes"
    ),
    "hook_result": at(HOOKS, "What a hook returns", "A hook returns something that does not fit"),
    "assigned_grad": at(LEAVES, "Who keeps a gradient", "A .grad that does not fit"),
    "deepcopy": at(
        DETACH,
        "deepcopy is something else",
        "deepcopy of a non-leaf",
        "a model cannot be copied",
    ),
    "numpy": at(DETACH, "Edits that are counted", "numpy() of a tensor that requires grad"),
    # Functions
    "function_count": at(
        FUNCTIONS,
        "8.3 Arguments without a gradient",
        "A custom backward returns too many or too few gradients",
    ),
    "function_shape": at(
        FUNCTIONS,
        "8.5 Gradients in the right shape",
        "A custom backward returns a gradient of another shape",
    ),
    "function_none": at(
        FUNCTIONS, "8.3 Arguments without a gradient", "A gradient for what is no tensor"
    ),
    "function_setup": at(
        FUNCTIONS, "setup_context, torch.func and vmap", "A custom Function without setup_context"
    ),
    "function_vmap": at(
        FUNCTIONS, "setup_context, torch.func and vmap", "A custom Function inside vmap"
    ),
    "function_jvp": at(FUNCTIONS, "Forward mode", "A custom Function in forward mode"),
    "function_result": at(
        FUNCTIONS, "8.2 forward and backward", "A custom backward returns no tensor"
    ),
    "function_saved": at(
        FUNCTIONS, "8.4 What a Function keeps", "save_for_backward of something that is no tensor"
    ),
    "function_object": at(
        FUNCTIONS, "8.2 forward and backward", "A custom Function made an object of"
    ),
    "function_incomplete": at(
        FUNCTIONS, "8.2 forward and backward", "A custom Function without forward or backward"
    ),
    "once_differentiable": at(FUNCTIONS, "8.7 Second derivatives", "A backward without a graph"),
    "inside_transform": at(BREAKING, "14.6 Jacobians, Hessians", "backward inside torch.func"),
    "inside_vmap": at(BREAKING, "Per-sample gradients", "A number read inside vmap"),
    "vmap_random": at(BREAKING, "Per-sample gradients", "Random numbers inside vmap"),
    "vmap_edit": at(BREAKING, "Per-sample gradients", "An edit inside vmap"),
    "transform_not_scalar": at(
        GRAPHS_2, "Starting from more than one number", "torch.func.grad of more than one number"
    ),
}
