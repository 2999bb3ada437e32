"""Errors of training: losses, batches, several processes, compiled code."""

from __future__ import annotations

from grader.errors.explanation import Explanation

_RUNTIME = ("RuntimeError",)

TRAINING = (
    Explanation(
        "one_value",
        ("ValueError",),
        r"Expected more than 1 (value per channel|spatial element) when training",
        "In training a normalization layer divides by the spread of the values it is given, and "
        "one value per channel has none.",
        "Leave out a last batch of one (DataLoader(..., drop_last=True)), or call model.eval() "
        "where you do not train.",
    ),
    Explanation(
        "target_range",
        ("IndexError", "RuntimeError"),
        r"Target -?\d+ is out of bounds",
        "A class number is below 0, or not below the number of scores per row.",
        "Count classes from 0, and give the last layer as many outputs as there are classes.",
    ),
    Explanation(
        "target_shape",
        ("ValueError", "RuntimeError"),
        r"Expected input batch_size \(\d+\) to match target batch_size|"
        r"0D or 1D target tensor expected, multi-target not supported|"
        r"Using a target size \(.*\) that is different to the input size .* is deprecated|"
        r"Target size \(.*\) must be the same as input size",
        "The target does not have the shape that this loss takes.",
        "Print both shapes. Class numbers have the shape (rows,); for the other losses give the "
        "target the shape of the prediction: target.reshape(prediction.shape), or target.float() "
        "with unsqueeze(1).",
    ),
    Explanation(
        "target_dtype",
        _RUNTIME,
        r"expected target dtype to be Long|expected scalar type Long but found",
        "Class numbers are integers, and these are not.",
        "Convert the target: y.long(). A target of probabilities has the shape of the scores.",
    ),
    Explanation(
        "optimizer_state",
        ("ValueError",),
        r"loaded state dict (contains a parameter group that doesn't match|has a different number)",
        "The saved optimizer held other parameters, in number or in groups, than this one.",
        "Make the optimizer over the parameters that it held when it was saved, with the same ones "
        "frozen, and load then. Or load the model alone, and begin with a new optimizer.",
    ),
    Explanation(
        "batch_sizes",
        _RUNTIME,
        r"stack expects each tensor to be equal size",
        "Tensors of different shapes cannot be stacked. A DataLoader stacks the samples of a "
        "batch.",
        "Bring them to one shape first. For a DataLoader pass a collate_fn that pads: "
        "torch.nn.utils.rnn.pad_sequence(samples, batch_first=True).",
    ),
    Explanation(
        "not_probabilities",
        _RUNTIME,
        r"all elements of (input|target) should be between 0 and 1",
        "This loss takes probabilities, and was given numbers outside of 0 and 1: scores, or nan.",
        "Use binary_cross_entropy_with_logits (nn.BCEWithLogitsLoss) with the scores themselves.",
    ),
    Explanation(
        "ddp_unused",
        _RUNTIME,
        r"Expected to have finished reduction in the prior iteration",
        "DistributedDataParallel waits for a gradient of every parameter, and some took no part in "
        "the loss.",
        "Use every parameter in the loss, or freeze those you do not use. If that changes from "
        "batch to batch, pass find_unused_parameters=True.",
    ),
    Explanation(
        "ddp_twice",
        _RUNTIME,
        r"Expected to mark a variable ready only once",
        "DistributedDataParallel met a parameter's gradient twice in one pass: a parameter that is "
        "used outside of forward, or a reentrant checkpoint that runs several times.",
        "Call the wrapped model itself, once per pass, and checkpoint with use_reentrant=False.",
    ),
    Explanation(
        "donated",
        _RUNTIME,
        r"compiled with non-empty donated buffers",
        "The compiled backward reuses the memory of what forward saved, so its graph cannot be "
        "kept for a second pass.",
        "Add the losses and call backward once, without retain_graph and create_graph; or set "
        "torch._functorch.config.donated_buffer = False before compiling.",
    ),
    Explanation(
        "compiled_twice",
        _RUNTIME,
        r"torch\.compile with aot_autograd does not currently support double backward",
        "The backward of a compiled function is not recorded, so its gradient has no gradient.",
        "Differentiate the function that is not compiled where you need a second derivative.",
    ),
    Explanation(
        "scaler_order",
        ("RuntimeError", "AssertionError"),
        r"unscale_\(\) (has already been called|is being called after step)|"
        r"No inf checks were recorded for this optimizer|step\(\) has already been called since",
        "A gradient scaler wants one order in each pass: scale(loss).backward(), unscale_, step, "
        "update. Of it something is missing, or was done twice.",
        "Call unscale_ once, right before clipping and step, and update() after step; where "
        "batches are accumulated, all of them inside the same if. Step only after a "
        "backward that gave the optimizer's parameters gradients.",
    ),
    Explanation(
        "state_dict_keys",
        _RUNTIME,
        r"Error\(s\) in loading state_dict for",
        "The names or shapes in the file are not those of this model.",
        "Build the model as it was saved. Names that begin with module. or _orig_mod. come from a "
        "wrapped or compiled model: save that model's own part.",
    ),
)
