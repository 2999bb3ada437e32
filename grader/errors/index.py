"""Each explained error by a title, the symptoms one searches by, and where a lesson explains it."""

from __future__ import annotations

from typing import NamedTuple

from grader.errors.sections import Section


class Entry(NamedTuple):
    """How an index lists one error."""

    title: str
    section: Section
    symptoms: tuple[str, ...] = ()


def _at(lesson: str, heading: str, title: str, *symptoms: str) -> Entry:
    return Entry(title, Section(lesson, heading), symptoms)


_GRAPHS, _GRAPHS_2 = "01-graphs", "01-graphs-2"
_LEAVES, _DETACH, _HOOKS = "02-leaves", "03-detach-clone", "05-hooks"
_MODES, _MODES_2 = "04-grad-modes", "04-grad-modes-2"
_LOOP, _LOOP_2, _NORM = "06-optimizer-loop", "06-optimizer-loop-2", "07-normalization"
_FUNCTIONS, _TENSORS, _MODULES, _DATA = "08-functions", "09-tensors", "10-modules", "11-data"
_SCRIPTS, _PARALLEL = "12-scripts", "13-parallel"
_BREAKING, _BREAKING_2 = "14-where-gradients-break", "14-where-gradients-break-2"

INDEX: dict[str, Entry] = {
    # Backward
    "second_backward": _at(
        _GRAPHS_2,
        "The second backward pass",
        "A second backward pass",
        "the first batch works and the second raises",
        "a recurrent network raises at its second batch",
    ),
    "no_graph": _at(
        _GRAPHS, "Which results are recorded", "The result has no graph", "loss has no grad_fn"
    ),
    "not_scalar": _at(
        _GRAPHS_2, "Starting from more than one number", "backward of more than one number"
    ),
    "not_real": _at(_GRAPHS_2, "Where there is no derivative", "backward of a complex number"),
    "seed_shape": _at(
        _GRAPHS_2,
        "Starting from more than one number",
        "A gradient to start from, of another shape",
    ),
    "seed_count": _at(
        _GRAPHS_2, "Starting from more than one number", "More results than gradients"
    ),
    "seed_type": _at(
        _GRAPHS_2,
        "Starting from more than one number",
        "A gradient to start from that is no tensor",
    ),
    "unused": _at(_GRAPHS_2, "A linear layer by hand", "The result does not depend on this tensor"),
    "input_without_grad": _at(
        _LEAVES, "The flag, and freezing", "The gradient of a tensor that requires none"
    ),
    "no_inputs": _at(_LOOP_2, "Clip and schedule", "The gradient of nothing"),
    "no_derivative": _at(
        _GRAPHS, "Which results are recorded", "An operation without a derivative"
    ),
    "anomaly": _at(
        _BREAKING,
        "14.4 Find the node",
        "A gradient that is nan",
        "the loss is nan",
        "gradients are nan",
    ),
    "checkpoint": _at(_BREAKING_2, "The second run must do", "A checkpoint that differs"),
    "reentrant_inputs": _at(
        _BREAKING_2, "14.12 Checkpoints that cut", "autograd.grad through a reentrant checkpoint"
    ),
    "gradcheck": _at(_FUNCTIONS, "8.8 gradcheck", "gradcheck finds a difference"),
    # Edits
    "leaf_in_place": _at(
        _LEAVES, "Changing a leaf", "A leaf edited in place", "updating weights by hand raises"
    ),
    "modified": _at(
        _DETACH,
        "Editing in place",
        "A saved tensor edited in place",
        "backward raises after optimizer.step()",
    ),
    "one_of_many_views": _at(_DETACH, "Views that refuse", "One of several views edited in place"),
    "views_of_edited": _at(
        _DETACH, "Views that refuse", "Several views of a tensor that was edited"
    ),
    "view_of_function": _at(
        _HOOKS, "Layers that work in place", "A module's output edited in place"
    ),
    "view_across_modes": _at(
        _DETACH, "Views that refuse", "A view made in one mode, edited in another"
    ),
    "view_before_edit": _at(_DETACH, "Views that refuse", "A view older than an edit"),
    "detached_view": _at(_LEAVES, "How a leaf is lost", "detach_ of a view"),
    "shared_memory": _at(_DETACH, "Views that refuse", "An edit of expanded entries"),
    "out_argument": _at(_DETACH, "Editing in place", "out= while recording"),
    "worker_out": _at(
        _DATA, "Tensors that require grad in a dataset", "A DataLoader's samples require grad"
    ),
    "inference_saved": _at(
        _MODES, "What an inference tensor gave up", "An inference tensor in a graph"
    ),
    "inference_edit": _at(
        _MODES, "What an inference tensor gave up", "An inference tensor outside its block"
    ),
    # Flags
    "integer_grad": _at(_LEAVES, "Which dtypes can require grad", "An integer cannot require grad"),
    "flag_set_on_non_leaf": _at(
        _LEAVES, "The flag, and freezing", "requires_grad set on a non-leaf"
    ),
    "flag_of_non_leaf": _at(
        _LEAVES, "The flag, and freezing", "requires_grad switched off on a non-leaf"
    ),
    "hook_without_grad": _at(_HOOKS, "Hooks of tensors", "A hook where no gradient arrives"),
    "retain_without_grad": _at(
        _LEAVES, "The gradient of a non-leaf", "retain_grad where no gradient arrives"
    ),
    "module_hook_result": _at(
        _HOOKS, "What it may return", "A module's hook returns a gradient that no input takes"
    ),
    "hook_result": _at(_HOOKS, "What a hook returns", "A hook returns something that does not fit"),
    "assigned_grad": _at(_LEAVES, "Who keeps a gradient", "A .grad that does not fit"),
    "deepcopy": _at(
        _DETACH,
        "deepcopy is something else",
        "deepcopy of a non-leaf",
        "a model cannot be copied",
    ),
    "numpy": _at(_DETACH, "Edits that are counted", "numpy() of a tensor that requires grad"),
    # Functions
    "function_count": _at(
        _FUNCTIONS,
        "8.3 Arguments without a gradient",
        "A custom backward returns too many or too few gradients",
    ),
    "function_shape": _at(
        _FUNCTIONS,
        "8.5 Gradients in the right shape",
        "A custom backward returns a gradient of another shape",
    ),
    "function_none": _at(
        _FUNCTIONS, "8.3 Arguments without a gradient", "A gradient for what is no tensor"
    ),
    "function_setup": _at(
        _FUNCTIONS, "setup_context, torch.func and vmap", "A custom Function without setup_context"
    ),
    "function_vmap": _at(
        _FUNCTIONS, "setup_context, torch.func and vmap", "A custom Function inside vmap"
    ),
    "function_jvp": _at(_FUNCTIONS, "Forward mode", "A custom Function in forward mode"),
    "function_result": _at(
        _FUNCTIONS, "8.2 forward and backward", "A custom backward returns no tensor"
    ),
    "function_saved": _at(
        _FUNCTIONS, "8.4 What a Function keeps", "save_for_backward of something that is no tensor"
    ),
    "function_object": _at(
        _FUNCTIONS, "8.2 forward and backward", "A custom Function made an object of"
    ),
    "function_incomplete": _at(
        _FUNCTIONS, "8.2 forward and backward", "A custom Function without forward or backward"
    ),
    "once_differentiable": _at(_FUNCTIONS, "8.7 Second derivatives", "A backward without a graph"),
    "inside_transform": _at(_BREAKING, "14.6 Jacobians, Hessians", "backward inside torch.func"),
    "inside_vmap": _at(_BREAKING, "Per-sample gradients", "A number read inside vmap"),
    "vmap_random": _at(_BREAKING, "Per-sample gradients", "Random numbers inside vmap"),
    "vmap_edit": _at(_BREAKING, "Per-sample gradients", "An edit inside vmap"),
    "transform_not_scalar": _at(
        _GRAPHS_2, "Starting from more than one number", "torch.func.grad of more than one number"
    ),
    # Modules and optimizers
    "non_leaf_parameter": _at(_LOOP, "What an optimizer holds", "A non-leaf in an optimizer"),
    "no_parameters": _at(
        _MODULES, "Layers in a list do not train", "An optimizer without parameters"
    ),
    "parameter_twice": _at(_LOOP_2, "Groups, and a body", "A parameter in two groups"),
    "generators": _at(_LOOP, "What an optimizer holds", "Generators in an optimizer's list"),
    "parameters_argument": _at(_LOOP, "What an optimizer holds", "A tensor given to an optimizer"),
    "parameter_assigned": _at(
        _MODULES, "10.2 What a module knows", "A tensor assigned in the place of a parameter"
    ),
    "child_assigned": _at(
        _MODULES, "Layers in a list do not train", "A list in the place of a module"
    ),
    "before_init": _at(_MODULES, "10.1 A net in two methods", "super().__init__() is missing"),
    "no_forward": _at(_MODULES, "10.1 A net in two methods", "A module without forward"),
    "unpickling": _at(_LOOP_2, "Why not the whole model?", "A file that load refuses"),
    "state_dict_keys": _at(
        _MODULES, "Missing keys, unexpected keys, size mismatch", "A state_dict of another model"
    ),
    "one_value": _at(_NORM, "A batch of one", "BatchNorm with one value per channel"),
    "target_range": _at(_MODULES, "10.8 What a loss wants", "A class that there is not"),
    "target_dtype": _at(_MODULES, "10.8 What a loss wants", "Class numbers that are no integers"),
    "unsorted_lengths": _at(
        _DATA, "Sequences of different lengths", "Sequences that are not sorted by length"
    ),
    "target_probabilities": _at(
        _MODULES, "10.8 What a loss wants", "Probabilities that are integers"
    ),
    "closure": _at(_LOOP, "None, zeros, and missing", "An optimizer that wants a closure"),
    "no_samples": _at(_DATA, "11.2 A dataset", "A DataLoader without samples"),
    "worker_pickle": _at(_DATA, "11.7 Workers", "What a worker cannot be sent"),
    "main_guard": _at(_DATA, "11.7 Workers", "A script that starts itself"),
    "no_process_group": _at(
        _PARALLEL, "13.3 Two real processes", "Processes that do not know of each other"
    ),
    "optimizer_state": _at(_LOOP_2, "Stop, and go on", "A saved optimizer of other parameters"),
    "batch_sizes": _at(
        _DATA, "Sequences of different lengths", "Samples of different shapes in a batch"
    ),
    "target_shape": _at(_MODULES, "10.8 What a loss wants", "A target of another shape"),
    "not_probabilities": _at(
        _MODULES, "10.8 What a loss wants", "Scores where probabilities belong"
    ),
    "ddp_unused": _at(
        _PARALLEL,
        "13.5 Expected to have finished reduction",
        "DDP waits for parameters that were not used",
    ),
    "ddp_twice": _at(
        _PARALLEL, "13.5 Expected to have finished reduction", "DDP meets a parameter twice"
    ),
    "donated": _at(_BREAKING_2, "14.14 What torch.compile", "A compiled graph, kept"),
    "compiled_twice": _at(_BREAKING_2, "14.14 What torch.compile", "A compiled graph, twice"),
    "scaler_order": _at(_BREAKING_2, "14.13 Sixteen bits", "A gradient scaler out of order"),
    # Values
    "called_attribute": _at(_GRAPHS, "Attributes, not methods", "An attribute called"),
    "called_tensor": _at(_GRAPHS, "Attributes, not methods", "A tensor called"),
    "called_node": _at(_GRAPHS, "Attributes, not methods", "A node called"),
    "forgot_to_call": _at(_GRAPHS, "Attributes, not methods", "A method that was not called"),
    "none_used": _at(
        _LEAVES, "Who keeps a gradient", "None where a tensor was expected", ".grad is None"
    ),
    "none_in_formula": _at(_LEAVES, "Who keeps a gradient", "None in a formula", ".grad is None"),
    "tuple_used": _at(_GRAPHS, "One gradient, by hand", "A tuple where a tensor was expected"),
    "pair_used": _at(_TENSORS, "9.7 The largest", "A pair where a tensor was expected"),
    "number_used": _at(
        _GRAPHS, "Which results are recorded", "A number where a tensor was expected"
    ),
    "one_number": _at(_GRAPHS, "Which results are recorded", "One number of several"),
    "truth": _at(_TENSORS, "9.6 Masks drop, where replaces", "The truth of several entries"),
    "zero_dimensions": _at(
        _GRAPHS_2, "Starting from more than one number", "Entries of one number"
    ),
    "recursion": _at(_GRAPHS_2, "A backward pass of your own", "A graph walked by recursion"),
    "exit": _at("00-start-here", "An exercise", "exit() in a function"),
    "asks": _at("00-start-here", "An exercise", "input() left in"),
    "debugs": _at("00-start-here", "An exercise", "breakpoint() left in"),
    # Operands
    "device": _at("00-start-here", "Is your machine ready", "Tensors on two devices"),
    "numpy_device": _at("00-start-here", "Is your machine ready", "numpy() of a GPU's tensor"),
    "no_values": _at("00-start-here", "Is your machine ready", "A tensor without values"),
    "dtype": _at(
        _TENSORS,
        "9.2 Dtypes: float64 from NumPy",
        "Two dtypes in one operation",
        "expected Float, got Double",
    ),
    "integer_result": _at(_TENSORS, "Integers truncate what you write", "A fraction in an integer"),
    "integer_mean": _at(_TENSORS, "9.2 Dtypes: float64 from NumPy", "The mean of integers"),
    "sizes": _at(_TENSORS, "9.9 Broadcasting", "Shapes that do not fit"),
    "product_sizes": _at(_TENSORS, "9.10 Matrix products", "A matrix product that does not fit"),
    "result_size": _at(_DETACH, "Editing in place", "An in-place result that is too large"),
    "view_stride": _at(_TENSORS, "When view works", "view of a transposed tensor"),
    # Indices and shapes
    "index_dtype": _at(
        _TENSORS, "Several lists are taken in pairs", "Indices that are no integers"
    ),
    "index_range": _at(_TENSORS, "9.5 Indexing", "An index out of range"),
    "device_assert": _at("00-start-here", "Is your machine ready", "An assert on the GPU"),
    "channels": _at(_MODULES, "10.5 LeNet", "Another number of channels"),
    "dimensions": _at(_MODULES, "10.5 LeNet", "Another number of dimensions"),
    "too_small": _at(_MODULES, "10.5 LeNet", "An image smaller than a layer's window"),
    "cat_sizes": _at(_TENSORS, "9.8 cat, stack, squeeze", "Sizes that do not join"),
    "reshaped_size": _at(_TENSORS, "9.3 Where a number lies", "A shape of another size"),
    "nothing_to_join": _at(_TENSORS, "9.8 cat, stack, squeeze", "Nothing to join"),
    "module_for_tensor": _at(_MODULES, "10.1 A net in two methods", "A module for a tensor"),
    "list_for_tensor": _at(_TENSORS, "torch.tensor of tensors cuts", "A list for a tensor"),
    "listed_modules": _at(
        _MODULES, "10.2 What a module knows", "A list of modules in a Sequential"
    ),
    "numpy_kinds": _at(
        _TENSORS, "9.2 Dtypes: float64 from NumPy", "An array that torch cannot share"
    ),
    "no_cuda": _at(_SCRIPTS, "12.5 Devices", "No CUDA here"),
    "index_tensor": _at(_FUNCTIONS, "8.4 What a Function keeps", "A tensor for a whole number"),
    "mask_shape": _at(_TENSORS, "9.6 Masks drop, where replaces", "A mask of another shape"),
    "negative_step": _at(_TENSORS, "9.5 Indexing", "A slice that goes backward"),
    "cat_numbers": _at(_TENSORS, "squeeze, and a batch of one", "Numbers that cat cannot join"),
    "product_dimensions": _at(
        _TENSORS, "9.10 Matrix products", "Another number of dimensions in a product"
    ),
    # What a training runs on
    "no_length": _at(_DATA, "11.2 A dataset", "A dataset without a length"),
    "two_orders": _at(_DATA, "11.4 From numbers to batches", "Two orders for one loader"),
    "collate_kind": _at(_DATA, "11.6 Collate", "A sample that cannot be collated"),
    "device_name": _at(_SCRIPTS, "12.5 Devices", "A device that there is not"),
    "deterministic": _at(
        _SCRIPTS, "12.6 The same numbers", "An operation that is not deterministic"
    ),
    "no_nccl": _at(_PARALLEL, "13.3 Two real processes", "No nccl in a build for the CPU"),
    "port_taken": _at(_PARALLEL, "13.3 Two real processes", "A port that is taken"),
    "data_dependent": _at(_BREAKING_2, "14.14 What torch.compile", "An if that cannot be compiled"),
    "scaler_unused": _at(
        _BREAKING_2, "14.13 Sixteen bits", "A gradient scaler that scaled nothing"
    ),
    "scaler_half": _at(
        _BREAKING_2, "14.13 Sixteen bits", "A gradient scaler beside float16 parameters"
    ),
    "transform_edit": _at(_BREAKING, "Per-sample gradients", "An edit inside torch.func"),
    "warned_degrees": _at(_BREAKING, "14.2 Norm and std", "The spread of one number"),
    "warned_collective": _at(_PARALLEL, "13.7 Tensor parallel", "A collective in a graph"),
    # Warnings
    "warned_non_leaf_grad": _at(
        _LEAVES, "The gradient of a non-leaf", ".grad of a non-leaf", ".grad is None"
    ),
    "warned_cycle": _at(_BREAKING_2, "14.11 A gradient that holds", "create_graph=True and memory"),
    "warned_scalar": _at(_GRAPHS, "Which results are recorded", "A tensor turned into a number"),
    "warned_copy": _at(_DETACH, "clone: other memory", "torch.tensor of a tensor"),
    "warned_reentrant": _at(
        _BREAKING_2, "14.12 Checkpoints that cut", "A reentrant checkpoint without gradients"
    ),
    "warned_use_reentrant": _at(
        _BREAKING_2, "14.12 Checkpoints that cut", "A checkpoint of which kind"
    ),
    "warned_scheduler": _at(
        _LOOP_2, "Clip and schedule", "scheduler.step() before optimizer.step()"
    ),
    "warned_clip": _at(_LOOP_2, "Clip and schedule", "Clipping nothing"),
    "warned_target_size": _at(_MODULES, "Targets that broadcast", "A target that broadcasts"),
    "warned_hook": _at(_HOOKS, "Backward hooks of modules", "A hook of a first module"),
    "warned_gradcheck": _at(_FUNCTIONS, "8.8 gradcheck", "gradcheck of float32"),
    "warned_anomaly": _at(_BREAKING, "14.4 Find the node", "Where a nan came from"),
    "warned_softmax": _at(_LOOP_2, "The loss must fit", "softmax without a dimension"),
    "warned_kl": _at(_MODULES, "kl_div: which comes first", "kl_div and its mean"),
}
