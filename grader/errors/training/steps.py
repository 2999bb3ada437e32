"""Errors of training: losses, batches, optimizers, scalers, saved states."""

from __future__ import annotations

from grader.errors.explanation import Explanation

_RUNTIME = ("RuntimeError",)

TRAINING = (
    Explanation(
        "one_value",
        ("ValueError",),
        r"Expected more than 1 (value per channel|spatial element) when training",
        "A normalization layer that takes its statistics from the input divides by the spread of "
        "the values in a group, and one value has none.",
        "BatchNorm: leave out a last batch of one (DataLoader(..., drop_last=True)), or call "
        "model.eval() where you do not train. Layers without running statistics raise in eval mode "
        "too: give InstanceNorm and GroupNorm larger images, or GroupNorm fewer groups.",
    ),
    Explanation(
        "target_range",
        ("IndexError", "RuntimeError"),
        r"Target -?\d+ is out of bounds",
        "A class number is below 0, or not below the number of scores per row.",
        "Count classes from 0, and give the last layer as many outputs as there are classes. A "
        'number that marks "no label" is no class: pass ignore_index=-1, or whatever it is.',
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
        "target the shape of the prediction: target.float(), with unsqueeze(1) or squeeze(1) where "
        "they differ by a 1. Where they differ by more, reshape would end the error and pair the "
        "wrong entries.",
    ),
    Explanation(
        "target_dtype",
        _RUNTIME,
        r"expected target dtype to be Long|expected scalar type Long but found",
        "Class numbers are of dtype int64, and these are of another one: floats, or integers of "
        "another length.",
        "Convert the target: y.long(). A target of probabilities has the shape of the scores.",
    ),
    Explanation(
        "unsorted_lengths",
        _RUNTIME,
        r"`lengths` array must be sorted in decreasing order",
        "pack_padded_sequence was given sequences whose lengths do not fall.",
        "Pass enforce_sorted=False: it sorts by itself, and pad_packed_sequence gives back the old "
        "order.",
    ),
    Explanation(
        "target_probabilities",
        _RUNTIME,
        r"Expected floating point type for target with class probabilities",
        "A target of the shape of the scores is read as probabilities of the classes, and these "
        "are integers.",
        "Give class numbers of the shape (rows,): target.argmax(1). If the rows are "
        "probabilities, convert them: target.float(). If a row may have several 1, argmax would "
        "keep one of them: take F.binary_cross_entropy_with_logits(scores, target.float()).",
    ),
    Explanation(
        "closure",
        ("TypeError",),
        r"step\(\) missing 1 required positional argument: 'closure'",
        "This optimizer computes the loss in its step, as LBFGS does several times, so it wants a "
        "function that does.",
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
        r"stack expects each tensor to be equal size|"
        r"each element in list of batch should be of equal size",
        "Tensors of different shapes cannot be stacked, nor lists of different lengths. A "
        "DataLoader stacks the samples of a batch.",
        "Bring them to one shape first, join them along a dimension by torch.cat, or go through "
        "them one by one. For a DataLoader write a collate_fn that pads. Of "
        "samples that are pairs: xs, ys = zip(*samples); return pad_sequence([torch.as_tensor(x) "
        "for x in xs], batch_first=True), torch.tensor(ys), with pad_sequence from "
        "torch.nn.utils.rnn. Hand the lengths over too, so that the padding does not count.",
    ),
    Explanation(
        "not_probabilities",
        _RUNTIME,
        r"all elements of (input|target) should be between 0 and 1",
        "This loss takes probabilities, and was given numbers outside of 0 and 1: scores, or nan; "
        "or, if the text says target, class numbers.",
        "Use binary_cross_entropy_with_logits (nn.BCEWithLogitsLoss) with the scores themselves. "
        "Its target is from 0 to 1 as well: for more classes than two use cross_entropy.",
    ),
    Explanation(
        "scaler_order",
        ("RuntimeError",),
        r"unscale_\(\) is being called after step|^step\(\) has already been called since",
        "A gradient scaler wants one order in each pass: scale(loss).backward(), unscale_, step, "
        "update. Here one came after step() and before update().",
        "Call update() once at the end of each pass, after the steps of all optimizers, and "
        "unscale_ right before clipping and step.",
    ),
    Explanation(
        "scaler_twice",
        ("RuntimeError",),
        r"unscale_\(\) has already been called",
        "The gradients of this optimizer were unscaled already, and no update() came since: they "
        "would be divided twice.",
        "Call unscale_ once, right before clipping and step, and update() after step. Where "
        "batches are accumulated, put all of them inside the same if.",
    ),
    Explanation(
        "scaler_unchecked",
        ("AssertionError",),
        r"No inf checks were recorded",
        "The scaler has checked no gradient: every .grad in what the optimizer holds is None, or "
        "update() came without a scaler.step() or unscale_() before it.",
        "Call scaler.step(optimizer), and not optimizer.step(). Step only after a backward of a "
        "scaled loss that reaches the optimizer's parameters, with no zero_grad() in between. If "
        "there are two optimizers, put each step beside its own "
        "backward. If a backward did run, look whether the optimizer holds this model's "
        "parameters.",
    ),
    Explanation(
        "scaler_unused",
        ("AssertionError",),
        r"Attempted \w+ but _scale is None",
        "The gradient scaler is asked to unscale or to step, and has scaled nothing yet.",
        "Call scaler.scale(loss).backward() in place of loss.backward().",
    ),
    Explanation(
        "scaler_half",
        ("ValueError",),
        r"^Attempting to unscale FP16 gradients",
        "The parameters are float16 themselves, and so are their gradients: divided by the scale "
        "again, small ones would become 0.",
        "Leave the model in float32 (without .half()) and compute under torch.autocast.",
    ),
    Explanation(
        "state_dict_keys",
        _RUNTIME,
        r"Error\(s\) in loading state_dict for|size mismatch for \S+: copying a param|"
        r"(Missing|Unexpected) key\(s\) in state_dict",
        "The names or shapes in the file are not those of this model.",
        "Build the model as it was saved. Names that begin with module. or _orig_mod. come from "
        "a wrapped or compiled model: save that model's own part. Leave out what does not fit "
        "only where it is to begin anew: strict=False forgives names that are missing or left "
        "over, and no shapes. If no name fits, it loads nothing and raises nothing: read what "
        "load_state_dict returns.",
    ),
)
