"""Errors of contexts of custom Functions, saved-tensor hooks, sparse and complex tensors."""

from __future__ import annotations

from grader.errors.index.entry import (
    BREAKING,
    BREAKING_2,
    FUNCTIONS,
    GRAPHS_2,
    LOOP,
    LOOP_2,
    TENSORS,
    Entry,
    at,
)

BEYOND: dict[str, Entry] = {
    "function_context": at(FUNCTIONS, "What a Function keeps", "ctx has no such attribute"),
    "function_forward_called": at(
        FUNCTIONS, "forward and backward", "forward of a custom Function called itself"
    ),
    "checkpoint_chain": at(
        BREAKING_2, "14.12 Checkpoints that cut", "checkpoint_sequential with two inputs"
    ),
    "functional_names": at(BREAKING, "Per-sample gradients", "Names of weights in functional_call"),
    "sparse_edit": at(LOOP, "What an optimizer holds", "An operation on a sparse gradient"),
    "sparse_coalesce": at(TENSORS, "Dtypes", "A sparse tensor that is not coalesced"),
    "complex_order": at(
        GRAPHS_2, "Where there is no derivative", "relu, max or a loss of complex numbers"
    ),
    "complex_weights": at(TENSORS, "Dtypes", "Complex features into real weights"),
    "saved_unpacked": at(GRAPHS_2, "What forward saves", "An unpack hook that returns no tensor"),
    "saved_edited": at(GRAPHS_2, "What forward saves", "A pack hook that edits its input"),
    "generator_of_parameters": at(
        LOOP_2, "Clip and schedule", "Parameters in a list of generators"
    ),
    "one_value_vmap": at(BREAKING, "Per-sample gradients", "BatchNorm under vmap"),
    "backward_in_transform": at(BREAKING, "Per-sample gradients", "backward inside of vmap"),
}
