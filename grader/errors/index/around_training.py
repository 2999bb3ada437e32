"""Errors of schedules, loaders, single operations, and of what they are given."""

from __future__ import annotations

from grader.errors.index.entry import (
    BREAKING,
    BREAKING_2,
    DATA,
    FUNCTIONS,
    GRAPHS_2,
    HOOKS,
    LOOP,
    LOOP_2,
    MODULES,
    NORM,
    SCRIPTS,
    TENSORS,
    Entry,
    at,
)

AROUND_TRAINING: dict[str, Entry] = {
    "schedule_function": at(LOOP_2, "Clip and schedule", "lr_lambda that is a number"),
    "schedule_factor": at(LOOP_2, "Warm up, then cool down", "A factor of a scheduler"),
    "restart_settings": at(LOOP_2, "Warm up, then cool down", "Settings of warm restarts"),
    "cycle_settings": at(LOOP_2, "Warm up, then cool down", "Settings of a cycle"),
    "cycle_momentum": at(LOOP_2, "Warm up, then cool down", "A cycle without momentum"),
    "rates_per_group": at(LOOP_2, "Groups, and a body", "Rates for another number of groups"),
    "schedulers_joined": at(LOOP_2, "Warm up, then cool down", "Schedulers that cannot be joined"),
    "plateau_value": at(LOOP_2, "Clip and schedule", "ReduceLROnPlateau given no number"),
    "schedule_period": at(LOOP_2, "Clip and schedule", "A scheduler with a period of 0"),
    "schedule_division": at(LOOP_2, "Warm up, then cool down", "lr_lambda that divides by 0"),
    "milestones_list": at(LOOP_2, "Clip and schedule", "Milestones that are one number"),
    "added_group": at(LOOP_2, "Groups, and a body", "A group that is no dict"),
    "muon_matrices": at(LOOP, "What a step does", "Muon for a bias"),
    "one_implementation": at(LOOP, "What a step does", "Implementations of a step"),
    "step_argument": at(LOOP, "6.2 Four lines", "A loss given to step"),
    "not_of_optimizer": at(LOOP, "6.2 Four lines", "A method of another object"),
    "clipped_model": at(LOOP_2, "Clip and schedule", "Clipping a model"),
    "clip_bound": at(LOOP_2, "Clip and schedule", "Clipping without a bound"),
    "clip_nothing": at(LOOP_2, "Clip and schedule", "Clipping without gradients"),
    "scaler_empty_state": at(
        BREAKING_2, "14.13 Sixteen bits", "The state of a scaler that was off"
    ),
    "schedule_text": at(SCRIPTS, "12.2 Options: argparse", "step_size or gamma that is a text"),
    "seed_for_generator": at(DATA, "The same shuffling again", "A seed for a generator"),
    "next_method": at(DATA, "What can be read once", "loader.next()"),
    "loader_end": at(DATA, "What can be read once", "next of a loader that has ended"),
    "dataset_attribute": at(DATA, "11.5 Repeat it, and split it", "targets of a Subset"),
    "subset_range": at(DATA, "11.5 Repeat it, and split it", "A Subset beyond its dataset"),
    "split_number": at(DATA, "11.5 Repeat it, and split it", "random_split by one number"),
    "no_datasets": at(DATA, "11.2 A dataset", "ConcatDataset of nothing"),
    "sampler_settings": at(DATA, "11.4 From numbers to batches", "Settings of a sampler"),
    "loader_settings": at(DATA, "11.4 From numbers to batches", "Settings of a DataLoader"),
    "sampler_rank": at(DATA, "11.8 One set, several processes", "The rank of a sampler"),
    "batch_numbers": at(DATA, "11.4 From numbers to batches", "A sampler for batches"),
    "save_order": at(MODULES, "10.7 Save, load", "Arguments of torch.save"),
    "load_argument": at(MODULES, "10.7 Save, load", "What torch.load reads"),
    "unread_file": at(MODULES, "10.7 Save, load", "A file of another kind"),
    "foreign_file": at(MODULES, "10.7 Save, load", "A file that torch.save did not write"),
    "optimizer_path": at(LOOP_2, "Stop, and go on", "load_state_dict given a path"),
    "collate_arguments": at(DATA, "11.6 Collate", "Arguments of collate_fn"),
    "dataset_set": at(DATA, "What can be read once", "A set for a dataset"),
    "more_than_there": at(TENSORS, "9.7 The largest", "topk of more than there are"),
    "no_kth_value": at(TENSORS, "9.7 The largest", "kthvalue of a k that is not there"),
    "nothing_to_reduce": at(TENSORS, "9.7 The largest", "max of nothing"),
    "quantile_kind": at(TENSORS, "9.2 Dtypes: float64 from NumPy", "quantile of integers"),
    "integer_spread": at(TENSORS, "9.2 Dtypes: float64 from NumPy", "std of integers"),
    "argument_left_out": at(TENSORS, "9.8 cat, stack, squeeze", "A dimension that was left out"),
    "count_kind": at(TENSORS, "9.8 cat, stack, squeeze", "A count that is a float"),
    "assigned_kind": at(TENSORS, "9.5 Indexing", "A list written into a tensor"),
    "one_to_fill": at(TENSORS, "9.6 Masks drop, where replaces", "Several values to fill with"),
    "text_in_formula": at(
        TENSORS, "9.2 Dtypes: float64 from NumPy", "A tensor and a list in one formula"
    ),
    "inverted_numbers": at(
        TENSORS, "9.6 Masks drop, where replaces", "A mask of floats turned round"
    ),
    "repeats_count": at(TENSORS, "9.9 Broadcasting", "Counts to repeat by"),
    "empty_range": at(TENSORS, "9.5 Indexing", "A range without numbers"),
    "normal_size": at(FUNCTIONS, "A straight-through estimator", "torch.normal without a size"),
    "distance_columns": at(TENSORS, "9.9 Broadcasting", "Distances of rows of other lengths"),
    "several_dims": at(TENSORS, "9.7 The largest", "max along several dimensions"),
    "tensor_maker": at(TENSORS, "9.2 Dtypes: float64 from NumPy", "torch.Tensor of a number"),
    "typed_maker": at(TENSORS, "9.2 Dtypes: float64 from NumPy", "torch.LongTensor of a tensor"),
    "where_arguments": at(TENSORS, "9.6 Masks drop, where replaces", "where with one value"),
    "dims_twice": at(TENSORS, "9.8 cat, stack, squeeze", "A dimension named twice"),
    "no_mps": at(MODULES, "10.6 Moving and copying", "No mps in this build"),
    "normalized_shape": at(NORM, "LayerNorm", "layer_norm with a number"),
    "loss_setting": at(MODULES, "10.8 What a loss wants", "A setting of a loss"),
    "ignored_probabilities": at(
        MODULES, "10.8 What a loss wants", "ignore_index beside probabilities"
    ),
    "variance_size": at(MODULES, "10.8 What a loss wants", "A variance of another shape"),
    "loss_weights": at(MODULES, "10.8 What a loss wants", "Weights of another shape"),
    "ctc_blank": at(MODULES, "10.8 What a loss wants", "The blank of ctc_loss"),
    "loss_function_arguments": at(MODULES, "10.8 What a loss wants", "A loss without its target"),
    "drawn_dims": at(BREAKING, "Use the function that was made for it", "multinomial of a batch"),
    "value_shape": at(TENSORS, "9.9 Broadcasting", "A value of another shape for log_prob"),
    "event_dims": at(
        BREAKING,
        "Use the function that was made for it",
        "A distribution of vectors, given numbers",
    ),
    "mixture_parts": at(
        BREAKING, "Use the function that was made for it", "The parts of a mixture"
    ),
    "sample_shape": at(FUNCTIONS, "A straight-through estimator", "sample of a number"),
    "parameter_kind": at(TENSORS, "9.2 Dtypes: float64 from NumPy", "A distribution of lists"),
    "distribution_names": at(
        BREAKING, "Use the function that was made for it", "Names of a distribution's parameters"
    ),
    "transform_parts": at(
        BREAKING, "Use the function that was made for it", "A function for a transform"
    ),
    "argnums_kind": at(BREAKING, "14.6 Jacobians, Hessians", "argnums that are no numbers"),
    "vmap_call": at(BREAKING, "Per-sample gradients", "vmap without inputs"),
    "vmap_randomness": at(BREAKING, "Per-sample gradients", "randomness of vmap"),
    "vmap_out": at(BREAKING, "Per-sample gradients", "out_dims of vmap"),
    "aux_tensors": at(BREAKING, "14.6 Jacobians, Hessians", "has_aux with a number"),
    "cotangents": at(GRAPHS_2, "What this number is", "Vectors for vjp"),
    "integer_output": at(
        GRAPHS_2, "Where there is no derivative", "A function that returns integers"
    ),
    "called_by_names": at(BREAKING, "Per-sample gradients", "functional_call without a dict"),
    "functional_inputs": at(
        BREAKING, "14.6 Jacobians, Hessians", "A Jacobian with respect to a number"
    ),
    "dual_level": at(FUNCTIONS, "Forward mode", "A dual tensor outside of its level"),
    "materialized": at(GRAPHS_2, "A linear layer by hand", "Zeros for what is not used"),
    "accumulate_hook": at(HOOKS, "5.3 When .grad is complete", "A hook of .grad on a result"),
}
