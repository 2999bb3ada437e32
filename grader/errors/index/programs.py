"""Errors met beside autograd: values, operands, shapes, training, devices; and warnings."""

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
    LOOP,
    LOOP_2,
    MODULES,
    NORM,
    PARALLEL,
    SCRIPTS,
    TENSORS,
    Entry,
    at,
)

PROGRAMS: dict[str, Entry] = {
    # Modules and optimizers
    "non_leaf_parameter": at(LOOP, "What an optimizer holds", "A non-leaf in an optimizer"),
    "no_parameters": at(
        MODULES, "Layers in a list do not train", "An optimizer without parameters"
    ),
    "parameter_twice": at(LOOP_2, "Groups, and a body", "A parameter in two groups"),
    "generators": at(LOOP, "What an optimizer holds", "Generators in an optimizer's list"),
    "parameters_argument": at(LOOP, "What an optimizer holds", "A tensor given to an optimizer"),
    "parameter_assigned": at(
        MODULES, "10.2 What a module knows", "A tensor assigned in the place of a parameter"
    ),
    "child_assigned": at(
        MODULES, "Layers in a list do not train", "A list in the place of a module"
    ),
    "before_init": at(MODULES, "10.1 A net in two methods", "super().__init__() is missing"),
    "no_forward": at(MODULES, "10.1 A net in two methods", "A module without forward"),
    "unpickling": at(LOOP_2, "Why not the whole model?", "A file that load refuses"),
    "state_dict_keys": at(
        MODULES, "Missing keys, unexpected keys, size mismatch", "A state_dict of another model"
    ),
    "one_value": at(NORM, "A batch of one", "BatchNorm with one value per channel"),
    "target_range": at(MODULES, "10.8 What a loss wants", "A class that there is not"),
    "target_dtype": at(MODULES, "10.8 What a loss wants", "Class numbers that are no integers"),
    "unsorted_lengths": at(
        DATA, "Sequences of different lengths", "Sequences that are not sorted by length"
    ),
    "target_probabilities": at(
        MODULES, "10.8 What a loss wants", "Probabilities that are integers"
    ),
    "closure": at(LOOP, "None, zeros, and missing", "An optimizer that wants a closure"),
    "no_samples": at(DATA, "11.2 A dataset", "A DataLoader without samples"),
    "worker_pickle": at(DATA, "11.7 Workers", "What a worker cannot be sent"),
    "main_guard": at(DATA, "11.7 Workers", "A script that starts itself"),
    "no_process_group": at(
        PARALLEL, "13.3 Two real processes", "Processes that do not know of each other"
    ),
    "optimizer_state": at(LOOP_2, "Stop, and go on", "A saved optimizer of other parameters"),
    "batch_sizes": at(
        DATA, "Sequences of different lengths", "Samples of different shapes in a batch"
    ),
    "target_shape": at(MODULES, "10.8 What a loss wants", "A target of another shape"),
    "not_probabilities": at(MODULES, "10.8 What a loss wants", "Scores where probabilities belong"),
    "ddp_unused": at(
        PARALLEL,
        "13.5 Expected to have finished reduction",
        "DDP waits for parameters that were not used",
    ),
    "ddp_twice": at(
        PARALLEL, "13.5 Expected to have finished reduction", "DDP meets a parameter twice"
    ),
    "donated": at(BREAKING_2, "14.14 What torch.compile", "A compiled graph, kept"),
    "compiled_twice": at(BREAKING_2, "14.14 What torch.compile", "A compiled graph, twice"),
    "scaler_order": at(BREAKING_2, "14.13 Sixteen bits", "A gradient scaler out of order"),
    "scaler_twice": at(BREAKING_2, "14.13 Sixteen bits", "Gradients unscaled twice"),
    "scaler_unchecked": at(
        BREAKING_2, "14.13 Sixteen bits", "A scaled step of an optimizer without gradients"
    ),
    # Values
    "called_attribute": at(GRAPHS, "Attributes, not methods", "An attribute called"),
    "called_tensor": at(GRAPHS, "Attributes, not methods", "A tensor called"),
    "called_node": at(GRAPHS, "Attributes, not methods", "A node called"),
    "forgot_to_call": at(GRAPHS, "Attributes, not methods", "A method that was not called"),
    "none_used": at(
        LEAVES, "Who keeps a gradient", "None where a tensor was expected", ".grad is None"
    ),
    "none_in_formula": at(LEAVES, "Who keeps a gradient", "None in a formula", ".grad is None"),
    "tuple_used": at(GRAPHS, "One gradient, by hand", "A tuple where a tensor was expected"),
    "sequence_scaled": at(GRAPHS, "One gradient, by hand", "A tuple times a number"),
    "pair_used": at(TENSORS, "9.7 The largest", "A pair where a tensor was expected"),
    "number_used": at(GRAPHS, "Which results are recorded", "A number where a tensor was expected"),
    "one_number": at(GRAPHS, "Which results are recorded", "One number of several"),
    "truth": at(TENSORS, "9.6 Masks drop, where replaces", "The truth of several entries"),
    "zero_dimensions": at(GRAPHS_2, "Starting from more than one number", "Entries of one number"),
    "recursion": at(GRAPHS_2, "A backward pass of your own", "A graph walked by recursion"),
    "exit": at("00-start-here", "An exercise", "exit() in a function"),
    "asks": at("00-start-here", "An exercise", "input() left in"),
    "debugs": at("00-start-here", "An exercise", "breakpoint() left in"),
    # Operands
    "device": at("00-start-here", "Is your machine ready", "Tensors on two devices"),
    "numpy_device": at("00-start-here", "Is your machine ready", "numpy() of a GPU's tensor"),
    "no_values": at("00-start-here", "Is your machine ready", "A tensor without values"),
    "dtype": at(
        TENSORS,
        "9.2 Dtypes: float64 from NumPy",
        "Two dtypes in one operation",
        "expected Float, got Double",
    ),
    "integer_result": at(TENSORS, "Integers truncate what you write", "A fraction in an integer"),
    "integer_mean": at(TENSORS, "9.2 Dtypes: float64 from NumPy", "The mean of integers"),
    "sizes": at(TENSORS, "9.9 Broadcasting", "Shapes that do not fit"),
    "product_sizes": at(TENSORS, "9.10 Matrix products", "A matrix product that does not fit"),
    "result_size": at(DETACH, "Editing in place", "An in-place result that is too large"),
    "view_stride": at(TENSORS, "When view works", "view of a transposed tensor"),
    # Indices and shapes
    "index_dtype": at(TENSORS, "Several lists are taken in pairs", "Indices that are no integers"),
    "index_range": at(TENSORS, "9.5 Indexing", "An index out of range"),
    "device_assert": at("00-start-here", "Is your machine ready", "An assert on the GPU"),
    "channels": at(MODULES, "10.5 LeNet", "Another number of channels"),
    "dimensions": at(MODULES, "10.5 LeNet", "Another number of dimensions"),
    "too_small": at(MODULES, "10.5 LeNet", "An image smaller than a layer's window"),
    "cat_sizes": at(TENSORS, "9.8 cat, stack, squeeze", "Sizes that do not join"),
    "reshaped_size": at(TENSORS, "9.3 Where a number lies", "A shape of another size"),
    "nothing_to_join": at(TENSORS, "9.8 cat, stack, squeeze", "Nothing to join"),
    "module_for_tensor": at(MODULES, "10.1 A net in two methods", "A module for a tensor"),
    "list_for_tensor": at(TENSORS, "torch.tensor of tensors cuts", "A list for a tensor"),
    "listed_modules": at(MODULES, "10.2 What a module knows", "A list of modules in a Sequential"),
    "numpy_kinds": at(
        TENSORS, "9.2 Dtypes: float64 from NumPy", "An array that torch cannot share"
    ),
    "numpy_list": at(TENSORS, "9.2 Dtypes: float64 from NumPy", "A list for an array"),
    "numpy_turned": at(
        TENSORS, "9.2 Dtypes: float64 from NumPy", "An array that runs backward", "negative strides"
    ),
    "no_cuda": at(SCRIPTS, "12.5 Devices", "No CUDA here"),
    "index_tensor": at(FUNCTIONS, "8.4 What a Function keeps", "A tensor for a whole number"),
    "mask_shape": at(TENSORS, "9.6 Masks drop, where replaces", "A mask of another shape"),
    "negative_step": at(TENSORS, "9.5 Indexing", "A slice that goes backward"),
    "cat_numbers": at(TENSORS, "squeeze, and a batch of one", "Numbers that cat cannot join"),
    "product_dimensions": at(
        TENSORS, "9.10 Matrix products", "Another number of dimensions in a product"
    ),
    # What a training runs on
    "no_length": at(DATA, "11.2 A dataset", "A dataset without a length"),
    "two_orders": at(DATA, "11.4 From numbers to batches", "Two orders for one loader"),
    "collate_kind": at(DATA, "11.6 Collate", "A sample that cannot be collated"),
    "device_name": at(SCRIPTS, "12.5 Devices", "A device that there is not"),
    "deterministic": at(SCRIPTS, "12.6 The same numbers", "An operation that is not deterministic"),
    "no_nccl": at(PARALLEL, "13.3 Two real processes", "No nccl in a build for the CPU"),
    "port_taken": at(PARALLEL, "13.3 Two real processes", "A port that is taken"),
    "data_dependent": at(BREAKING_2, "14.14 What torch.compile", "An if that cannot be compiled"),
    "scaler_unused": at(BREAKING_2, "14.13 Sixteen bits", "A gradient scaler that scaled nothing"),
    "scaler_half": at(
        BREAKING_2, "14.13 Sixteen bits", "A gradient scaler beside float16 parameters"
    ),
    "transform_edit": at(BREAKING, "Per-sample gradients", "An edit inside torch.func"),
    "warned_degrees": at(BREAKING, "14.2 Norm and std", "The spread of one number"),
    "warned_collective": at(PARALLEL, "13.7 Tensor parallel", "A collective in a graph"),
    # Warnings
    "warned_non_leaf_grad": at(
        LEAVES, "The gradient of a non-leaf", ".grad of a non-leaf", ".grad is None"
    ),
    "warned_cycle": at(BREAKING_2, "14.11 A gradient that holds", "create_graph=True and memory"),
    "warned_scalar": at(GRAPHS, "Which results are recorded", "A tensor turned into a number"),
    "warned_copy": at(DETACH, "clone: other memory", "torch.tensor of a tensor"),
    "warned_reentrant": at(
        BREAKING_2, "14.12 Checkpoints that cut", "A reentrant checkpoint without gradients"
    ),
    "warned_use_reentrant": at(
        BREAKING_2, "14.12 Checkpoints that cut", "A checkpoint of which kind"
    ),
    "warned_scheduler": at(LOOP_2, "Clip and schedule", "scheduler.step() before optimizer.step()"),
    "warned_clip": at(LOOP_2, "Clip and schedule", "Clipping nothing"),
    "warned_target_size": at(MODULES, "Targets that broadcast", "A target that broadcasts"),
    "warned_hook": at(HOOKS, "Backward hooks of modules", "A hook of a first module"),
    "warned_gradcheck": at(FUNCTIONS, "8.8 gradcheck", "gradcheck of float32"),
    "warned_anomaly": at(BREAKING, "14.4 Find the node", "Where a nan came from"),
    "warned_softmax": at(LOOP_2, "The loss must fit", "softmax without a dimension"),
    "warned_kl": at(MODULES, "kl_div: which comes first", "kl_div and its mean"),
}
