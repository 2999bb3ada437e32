"""Errors of what stands around a model: transforms, hooks, files, processes, compilers."""

from __future__ import annotations

from grader.errors.index.entry import (
    BREAKING,
    BREAKING_2,
    DATA,
    FUNCTIONS,
    GRAPHS_2,
    HOOKS,
    LOOP_2,
    MODES,
    MODES_2,
    MODULES,
    PARALLEL,
    Entry,
    at,
)

AROUND: dict[str, Entry] = {
    "transform_tensor": at(
        BREAKING, "14.6 Jacobians, Hessians", "torch.func with respect to what is no tensor"
    ),
    "transform_result": at(
        BREAKING, "14.6 Jacobians, Hessians", "A function for torch.func that returns no tensor"
    ),
    "transform_argnums": at(
        BREAKING, "14.6 Jacobians, Hessians", "An argument that torch.func does not find"
    ),
    "vmap_dims": at(BREAKING, "Per-sample gradients", "in_dims of vmap"),
    "vmap_returns": at(
        BREAKING, "Per-sample gradients", "A function in vmap that returns no tensor"
    ),
    "vmap_shapes": at(BREAKING, "Per-sample gradients", "Entries chosen by a mask inside vmap"),
    "transform_numpy": at(BREAKING, "Per-sample gradients", "NumPy inside torch.func"),
    "transform_batchnorm": at(BREAKING, "Per-sample gradients", "BatchNorm inside vmap"),
    "tangents": at(FUNCTIONS, "Forward mode", "A direction that does not fit"),
    "models_stacked": at(BREAKING, "Per-sample gradients", "Models that cannot be stacked"),
    "functional_result": at(
        BREAKING, "14.6 Jacobians, Hessians", "A function that hessian does not take"
    ),
    "strict_output": at(
        BREAKING, "14.6 Jacobians, Hessians", "A result that does not depend on its arguments"
    ),
    "function_arguments": at(
        FUNCTIONS, "8.2 forward and backward", "Arguments of a custom Function"
    ),
    "function_returned": at(
        FUNCTIONS, "8.4 What a Function keeps", "More saved tensors than there are"
    ),
    "function_dirty": at(
        FUNCTIONS, "A forward that edits its argument", "A custom Function that edits a leaf"
    ),
    "gradcheck_inputs": at(
        FUNCTIONS, "8.8 gradcheck", "gradcheck without an input that requires grad"
    ),
    "gradcheck_nondeterministic": at(
        FUNCTIONS, "8.8 gradcheck", "A backward that gives two results"
    ),
    "gradcheck_cut": at(
        FUNCTIONS, "A value that is cut inside", "gradcheck of a function that is cut"
    ),
    "checkpoint_keywords": at(
        BREAKING_2, "14.12 Checkpoints that cut", "Keywords given to a checkpoint"
    ),
    "loss_arguments": at(MODULES, "10.8 What a loss wants", "Arguments of a loss"),
    "forward_arguments": at(MODULES, "10.4 What a call does", "Arguments of forward"),
    "hook_arguments": at(HOOKS, "Forward hooks of modules", "Arguments of a hook of a module"),
    "tensor_hook_arguments": at(HOOKS, "What a hook returns", "Arguments of a hook of a tensor"),
    "module_hook_count": at(
        HOOKS, "What it may return", "A module's hook returns too many gradients"
    ),
    "hook_kinds": at(HOOKS, "5.5 Backward hooks of modules", "Old and new backward hooks"),
    "dict_like": at(MODULES, "10.7 Save, load", "load_state_dict of a path or of a model"),
    "whole_pickled": at(LOOP_2, "Why not the whole model", "A lambda in what is saved"),
    "loaded_result": at(MODULES, "10.7 Save, load", "What load_state_dict returns, for the model"),
    "dict_for_model": at(MODULES, "10.7 Save, load", "A state_dict for a model"),
    "other_state": at(LOOP_2, "Stop, and go on", "The state of a model for an optimizer"),
    "no_file": at(MODULES, "10.7 Save, load", "A file that is not there"),
    "no_folder": at(MODULES, "10.7 Save, load", "A folder that is not there"),
    "broken_file": at(MODULES, "10.7 Save, load", "A file that is not whole"),
    "empty_file": at(MODULES, "10.7 Save, load", "A file that torch did not write"),
    "wrapped_attribute": at(PARALLEL, "13.4 What DDP does", "An attribute of a wrapped model"),
    "group_twice": at(PARALLEL, "13.3 Two real processes", "Two process groups in one process"),
    "nothing_to_average": at(PARALLEL, "13.4 What DDP does", "DDP of a frozen module"),
    "device_ids": at(PARALLEL, "13.4 What DDP does", "DDP before the move"),
    "no_answer": at(PARALLEL, "13.3 Two real processes", "Processes that do not meet"),
    "rank_waited": at(PARALLEL, "13.4 What DDP does", "A process that waits for another"),
    "no_backend": at(PARALLEL, "13.3 Two real processes", "No mpi in this build"),
    "collective_argument": at(PARALLEL, "How sums travel", "A number in a collective"),
    "crosses_process": at(
        DATA, "Tensors that require grad in a dataset", "A graph sent to another process"
    ),
    "compiled_value": at(BREAKING_2, "14.14 What torch.compile", "A number read in compiled code"),
    "graph_break": at(BREAKING_2, "14.14 What torch.compile", "A graph break"),
    "compiled_shapes": at(
        BREAKING_2, "14.14 What torch.compile", "An error of your own in compiled code"
    ),
    "no_compiler": at(BREAKING_2, "14.14 What torch.compile", "A backend of the compiler"),
    "module_for_tensor_init": at(MODULES, "First weights", "First values of a module"),
    "missing_attribute": at(
        MODULES, "10.2 What a module knows", "An attribute that a module does not have"
    ),
    "init_dims": at(MODULES, "First weights", "First values of a bias"),
    "no_class": at(MODULES, "10.4 What a call does", "A class called with data"),
    "name_taken": at(MODULES, "10.3 Names and counts", "A name that is taken"),
    "lazy": at(MODULES, "10.3 Names and counts", "A lazy layer before its first batch"),
    "train_argument": at(MODES_2, "4.7 What eval() does", "train() given data"),
    "mode_uncalled": at(MODES, "4.2 Three modes", "no_grad without its parentheses"),
    "autocast_kind": at(LOOP_2, "Half the bits", "autocast without a device"),
    "list_backward": at(GRAPHS_2, "Starting from more than one number", "backward of a list"),
    "torch_name": at(MODULES, "10.1 A net in two methods", "A name that torch does not have"),
}
