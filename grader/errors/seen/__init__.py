"""What the frames of an error tell beyond its text."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace

from grader.errors.explanation import Explained, Explanation
from grader.errors.seen import (
    anomalous,
    asked,
    assigned,
    attention,
    checked,
    choices,
    closures,
    constructed,
    copied,
    counted,
    dtypes,
    edited,
    handed,
    hooked,
    layers,
    lost,
    nothing,
    numbers,
    operands,
    parts,
    passes,
    registered,
    rerun,
    returned,
    rewritten,
    samples,
    scaled,
    scheduled,
    shared,
    spoiled,
    stored,
    targets,
    tuples,
    unlabelled,
    windows,
    workers,
    wrapped,
)
from grader.errors.seen.frames import Frames
from grader.errors.seen.recognised import recognised

__all__ = ["made_exact", "recognised"]

Reader = Callable[[Frames, Explained, str], Explained | None]


_READERS: dict[str, Reader] = {
    "second_backward": passes.read,
    "modified": edited.read,
    "none_used": nothing.read,
    "none_in_formula": nothing.read,
    "no_graph": lost.read,
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
    "function_count": returned.read_count,
    "inside_vmap": choices.read,
    "data_dependent": choices.read_compiled,
    "compiled_value": choices.read_compiled,
    "closure_returns": closures.read,
    "tuple_used": tuples.read,
    "list_for_tensor": tuples.read,
    "target_range": unlabelled.read,
    "number_used": counted.read_number,
    "inference_saved": counted.read_inference,
    "attention_mask": attention.read,
    "scaler_unchecked": scaled.read_unchecked,
    "scaler_twice": scaled.read_twice,
    "schedule_end": scheduled.read,
    "product_sizes": layers.read_product,
    "index_range": layers.read_index,
    "sample_index": samples.read,
    "batch_sizes": windows.read,
    "sizes": operands.read,
    "zero_dimensions": numbers.read,
    "anomaly": anomalous.read,
    "one_number": constructed.read,
    "nan_parameter": spoiled.read,
    "drawn_from": spoiled.read,
    "checkpoint": rerun.read,
    "warned_non_leaf_grad": nothing.read,
    "state_dict_keys": stored.read,
    "leaf_in_place": rewritten.read_leaf,
    "one_of_many_views": rewritten.read,
    "view_across_modes": rewritten.read,
    "shared_memory": rewritten.read,
    "view_of_function": rewritten.read,
    "input_without_grad": asked.read_input,
    "seed_shape": asked.read_seed,
    "not_scalar": asked.read_scalar,
    "assigned_grad": asked.read_assigned,
    "flag_of_non_leaf": asked.read_flag,
    "integer_grad": asked.read_integer,
    "non_leaf_parameter": registered.read,
    "no_parameters": registered.read,
    "numpy": handed.read,
    "inference_edit": counted.read_inference,
    "wrapped_attribute": wrapped.read_attribute,
    "ddp_unused": wrapped.read_unused,
}


def _raised_in(error: BaseException, file: str) -> bool:
    """Whether the last frame of an error stands in a file of this name."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    return step is not None and step.tb_frame.f_code.co_filename.endswith(file)


_NONE = (
    "Your dataset returned None for a sample: its __getitem__ ends without return, or gives up on "
    "a file that cannot be read."
)
_NONE_CURE = (
    "Return a sample in every case. To leave some out, pass a collate_fn: lambda batch: "
    "default_collate([one for one in batch if one is not None]), from torch.utils.data."
)


def _is_none_collated(code: str, error: BaseException) -> bool:
    if code == "collate_kind":
        return "found <class 'NoneType'>" in str(error)
    return code == "none_used" and _raised_in(error, "collate.py")


def made_exact(
    found: Explanation, error: BaseException, known: Callable[[str], Explanation]
) -> Explained:
    """The explanation of an error, by its frames where they decide.

    `known` gives the explanation of a code, where the frames show that another one holds.
    """
    told = Explained.of(found)
    frames = Frames.of(error)
    if "in DataLoader worker process" in str(error) and found.code != "worker_out":
        told = replace(told, meaning=f"A DataLoader's worker raised it. {told.meaning}")
    if _is_none_collated(found.code, error):
        return replace(Explained.of(known("collate_kind")), meaning=_NONE, cure=_NONE_CURE)
    reader = _READERS.get(found.code)
    if not frames.own:
        return told
    if reader is not None:
        # The text's own explanation holds whatever the frames contain.
        with contextlib.suppress(Exception):
            told = reader(frames, told, str(error)) or told
    is_below = bool(frames.within) and not told.place
    return replace(told, passed=frames.last.written) if is_below else told
