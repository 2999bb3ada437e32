"""Which reader looks at the frames of which error: by the code of its explanation."""

from __future__ import annotations

from collections.abc import Callable

from grader.errors.explanation import Explained
from grader.errors.seen.again import passes
from grader.errors.seen.batches import (
    batched,
    collated,
    compared,
    counts,
    samples,
    targets,
    unlabelled,
    unpassed,
    weighed,
    windows,
    workers,
)
from grader.errors.seen.cuts import (
    asked,
    assigned,
    closures,
    computed,
    copied,
    customs,
    flagged,
    handed,
    hooked,
    incomplete,
    lost,
    nothing,
    registered,
    twice,
)
from grader.errors.seen.in_place import anomalous, counted, edited, rerun, rewritten
from grader.errors.seen.modules import (
    alone,
    anatomy,
    attention,
    begun,
    called,
    divided,
    empty,
    inputs,
    keywords,
    layers,
    misplaced,
    parts,
    pooled,
    unregistered,
    wrapped,
    wrappers,
)
from grader.errors.seen.reading.frames import Frames
from grader.errors.seen.shapes import (
    bracketed,
    chosen,
    constructed,
    dtypes,
    joined,
    lettered,
    numbers,
    operands,
    products,
    reshaped,
    shared,
    spread,
    squeezed,
    tuples,
    whole,
)
from grader.errors.seen.training import (
    bounds,
    checked,
    choices,
    consumed,
    definite,
    grouped,
    infinite,
    none_left,
    objects,
    returned,
    scaled,
    scheduled,
    spoiled,
    stored,
)

Reader = Callable[[Frames, Explained, str], Explained | None]


def _batch(frames: Frames, told: Explained, message: str) -> Explained | None:
    """Windows that run past an end, or else the samples that differ."""
    found = windows.read(frames, told, message)
    if found is None and (samples := collated.read_shapes(frames, told)) is not None:
        found = unpassed.read(frames, samples)
    return found or joined.read_stack(frames, told, message)


def _integers(frames: Frames, told: Explained, message: str) -> Explained | None:
    """A target of whole numbers, or an edit of whole numbers."""
    return compared.read_dtype(frames, told, message) or whole.read_result(frames, told, message)


def _sizes(frames: Frames, told: Explained, message: str) -> Explained | None:
    """A loss's weights along another dimension, or two tensors of the failing line."""
    return weighed.read_axes(frames, told) or operands.read(frames, told, message)


def _number(frames: Frames, told: Explained, message: str) -> Explained | None:
    """An entry of a single number, or what made a single number of a batch of one."""
    return numbers.read(frames, told, message) or squeezed.read(frames, told, message)


def _reshaped(frames: Frames, told: Explained, message: str) -> Explained | None:
    """A view of the reader's own, or one inside of attention."""
    return attention.read_batch(frames, told, message) or reshaped.read(frames, told, message)


def _result(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The line that computes with a parameter or a leaf where it makes it."""
    return (
        registered.read(frames, told, message)
        or registered.read_called(frames, told, message)
        or computed.read_attribute(frames, told)
        or grouped.read_result(frames, told, message)
        or registered.read_function(frames, told, message)
        or computed.read(frames, told)
    )


def _unregistered(frames: Frames, told: Explained, message: str) -> Explained | None:
    """Parameters that became plain results, layers in a plain list, or frozen ones left out."""
    return (
        registered.read(frames, told, message)
        or unregistered.read(frames, told, message)
        or none_left.read(frames, told, message)
        or consumed.read(frames, told)
    )


READERS: dict[str, Reader] = {
    "second_backward": passes.read,
    "modified": edited.read,
    "none_used": nothing.read,
    "none_in_formula": nothing.read,
    "no_graph": lost.read,
    "no_derivative": twice.read,
    "unused": lost.read_unused,
    "hook_without_grad": hooked.read,
    "retain_without_grad": hooked.read,
    "device": parts.read_device,
    "truth": parts.read_truth,
    "dtype": dtypes.read,
    "scalar_types": dtypes.read,
    "deepcopy": copied.read,
    "target_shape": targets.read,
    "pixel_shape": targets.read,
    "target_probabilities": targets.read,
    "numpy_kinds": shared.read,
    "ragged_array": shared.read,
    "numpy_turned": shared.read_turned,
    "parameter_assigned": assigned.read,
    "worker_out": workers.read,
    "function_shape": returned.read,
    "function_result": returned.read_result,
    "hook_result": returned.read_hook,
    "gradcheck": checked.read,
    "compiled_shapes": choices.read_compiled,
    "function_object": objects.read,
    "function_count": returned.read_count,
    "function_incomplete": incomplete.read,
    "function_setup": customs.read_setup,
    "once_differentiable": customs.read_once,
    "not_definite": definite.read,
    "norm_infinite": infinite.read,
    "inside_vmap": choices.read,
    "data_dependent": choices.read_compiled,
    "compiled_value": choices.read_compiled,
    "closure_returns": closures.read,
    "tuple_used": tuples.read,
    "sequence_scaled": tuples.read,
    "list_for_tensor": tuples.read,
    "target_range": unlabelled.read,
    "number_used": counted.read_number,
    "inference_saved": counted.read_inference,
    "attention_mask": attention.read,
    "padding_mask": attention.read_padding,
    "scaler_unchecked": scaled.read_unchecked,
    "scaler_twice": scaled.read_twice,
    "schedule_end": scheduled.read,
    "product_sizes": layers.read_product,
    "index_range": layers.read_index,
    "sample_index": samples.read,
    "dict_like": stored.read_given,
    "loaded_result": stored.read_result,
    "group_params": grouped.read_keys,
    "dataset_attribute": wrapped.read,
    "no_values": empty.read,
    "one_value": alone.read,
    "target_dtype": compared.read_dtype,
    "integer_result": _integers,
    "class_weights": weighed.read_count,
    "expanded": spread.read,
    "permute_all": spread.read_permute,
    "lengths_range": counts.read_lengths,
    "dataset_sizes": counts.read_sizes,
    "dict_used": misplaced.read_dict,
    "pair_used": misplaced.read_pair,
    "text_used": batched.read_text,
    "split_sum": spread.read_split,
    "index_tensor": chosen.read_list,
    "slice_kind": chosen.read_slice,
    "dict_for_tensor": misplaced.read_dict,
    "array_for_tensor": misplaced.read_array,
    "cat_numbers": squeezed.read,
    "length_kind": samples.read_length,
    "not_probabilities": compared.read_range,
    "module_for_tensor": misplaced.read_module,
    "not_a_module": misplaced.read_class,
    "list_wanted": misplaced.read_list,
    "batch_sizes": _batch,
    "sizes": _sizes,
    "zero_dimensions": _number,
    "anomaly": anomalous.read,
    "one_number": constructed.read,
    "nan_parameter": spoiled.read,
    "bad_parameter": bounds.read,
    "drawn_from": spoiled.read,
    "checkpoint": rerun.read,
    "warned_non_leaf_grad": nothing.read,
    "state_dict_keys": stored.read,
    "channels": inputs.read,
    "dimensions": inputs.read,
    "norm_vector": inputs.read,
    "rnn_features": inputs.read,
    "rnn_state_size": begun.read,
    "lstm_state": begun.read_pair,
    "too_small": pooled.read,
    "group_count": divided.read,
    "heads": divided.read,
    "attention_features": inputs.read,
    "einsum_letters": lettered.read,
    "cat_sizes": joined.read,
    "reshaped_size": _reshaped,
    "view_stride": reshaped.read_stride,
    "size_kind": reshaped.read_kind,
    "product_dimensions": products.read,
    "dims_differ": chosen.read_dims,
    "index_dtype": chosen.read_dtype,
    "mask_shape": chosen.read_mask,
    "many_indices": bracketed.read,
    "index_written": chosen.read_written,
    "before_init": anatomy.read_init,
    "no_forward": anatomy.read_forward,
    "integer_mean": whole.read_mean,
    "found_dtype": whole.read_found,
    "not_for_dtype": whole.read_operation,
    "batch_names": batched.read,
    "generators_added": grouped.read_added,
    "collate_kind": collated.read_kind,
    "collate_keys": collated.read_keys,
    "missing_attribute": anatomy.read_missing,
    "forward_arguments": called.read,
    "setting_name": keywords.read,
    "layer_settings": keywords.read,
    "schedule_settings": keywords.read,
    "loader_settings": keywords.read,
    "generators": grouped.read_generators,
    "parameter_twice": grouped.read_twice,
    "optimizer_state": grouped.read_state,
    "leaf_in_place": rewritten.read_leaf,
    "one_of_many_views": rewritten.read,
    "view_across_modes": rewritten.read,
    "shared_memory": rewritten.read,
    "view_of_function": rewritten.read,
    "input_without_grad": asked.read_input,
    "seed_shape": asked.read_seed,
    "not_scalar": asked.read_scalar,
    "assigned_grad": asked.read_assigned,
    "flag_of_non_leaf": flagged.read_flag,
    "flag_set_on_non_leaf": flagged.read_set,
    "integer_grad": flagged.read_integer,
    "non_leaf_parameter": _result,
    "no_parameters": _unregistered,
    "numpy": handed.read,
    "inference_edit": counted.read_inference,
    "wrapped_attribute": wrappers.read_attribute,
    "ddp_unused": wrappers.read_unused,
}
