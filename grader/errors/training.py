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
        r"Target size \(.*\) must be the same as input size|"
        r"only batches of spatial targets supported|size mismatch \(got input: .*, target:",
        "The target does not have the shape that this loss takes.",
        "Print both shapes. Class numbers have the shape (rows,), and of the pixels of images "
        "(N, H, W): target.squeeze(1) takes the channel out. For the other losses give the "
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
        "target_probabilities",
        _RUNTIME,
        r"Expected floating point type for target with class probabilities",
        "A target of the shape of the scores is read as probabilities of the classes, and these "
        "are integers.",
        "Give class numbers of the shape (rows,): target.argmax(1). If the rows are probabilities, "
        "convert them: target.float().",
    ),
    Explanation(
        "closure",
        ("TypeError",),
        r"step\(\) missing 1 required positional argument: 'closure'",
        "LBFGS computes the loss several times in a step, so it wants a function that does.",
        "Write a function that clears the gradients, computes the loss, calls backward and returns "
        "the loss, and give it to step: optimizer.step(closure).",
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
        "Bring them to one shape first. For a DataLoader write a collate_fn that pads. Of samples "
        "that are pairs: xs, ys = zip(*samples); return pad_sequence(xs, batch_first=True), "
        "torch.tensor(ys), with pad_sequence from torch.nn.utils.rnn.",
    ),
    Explanation(
        "no_samples",
        ("ValueError",),
        r"num_samples should be a positive integer value, but got num_samples=0",
        "The dataset is empty, and a DataLoader that shuffles draws from it.",
        "Print len(dataset): a path may be wrong, or a split or a filter has kept nothing.",
    ),
    Explanation(
        "worker_pickle",
        ("AttributeError", "PicklingError"),
        r"^Can't (pickle local object|get local object)|^Can't pickle <(function|class) .*<lambda>",
        "A worker that is started anew gets dataset and collate_fn as a file of names, and what "
        "was defined inside a function, or as a lambda, has none.",
        "Define them at the top of a module. With num_workers=0 nothing is sent.",
    ),
    Explanation(
        "main_guard",
        _RUNTIME,
        r"before the\s+current process has finished its bootstrapping phase",
        "A worker that is started anew imports your script first, and the script starts workers "
        "as it is imported.",
        'Put what the script does under `if __name__ == "__main__":`, and leave imports and '
        "definitions above it.",
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
        "no_process_group",
        ("ValueError", "RuntimeError"),
        r"Default process group has not been initialized|"
        r"environment variable (RANK|WORLD_SIZE|MASTER_ADDR|MASTER_PORT) expected, but not set",
        "The processes of this training do not know of each other: init_process_group was not "
        "called, or the script was started without torchrun, which tells each process its number.",
        "Start the script with torchrun, and call torch.distributed.init_process_group() first.",
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
        r"Error\(s\) in loading state_dict for|size mismatch for \S+: copying a param|"
        r"(Missing|Unexpected) key\(s\) in state_dict",
        "The names or shapes in the file are not those of this model.",
        "Build the model as it was saved, or leave out the entries that do not fit: strict=False "
        "forgives names that are missing or left over, and no shapes. Names that begin with "
        "module. or _orig_mod. come from a wrapped or compiled model: save that model's own part.",
    ),
)
