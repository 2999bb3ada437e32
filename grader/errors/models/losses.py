"""Errors of losses: targets, weights and settings."""

from __future__ import annotations

from grader.errors.explanation import Explanation

LOSSES = (
    Explanation(
        "pixel_shape",
        ("RuntimeError",),
        r"^Expected target size \[.*\], got \[|^input and target batch or spatial sizes don't "
        r"match",
        "cross_entropy takes the classes in dimension 1: scores are (N, classes, ...) and class "
        "numbers (N, ...). Yours have them elsewhere, as (batch, length, classes) of a model of "
        "text has, or the lengths of the two differ.",
        "Print both shapes. If the classes stand last, flatten both: "
        "F.cross_entropy(scores.reshape(-1, classes), target.reshape(-1)); or move the classes: "
        "scores.transpose(1, 2).",
    ),
    Explanation(
        "one_row",
        ("ValueError",),
        r"^For 1D input, 1D target must have size 1",
        "One row of scores is one sample, and it has one class number, not several.",
        "Give a batch of rows, (N, classes), or one class number.",
    ),
    Explanation(
        "class_weights",
        ("RuntimeError",),
        r"^weight tensor should be defined either for all",
        "The weights of the classes are one number for each class.",
        "Make as many weights as the scores have columns: weight=torch.ones(classes).",
    ),
    Explanation(
        "buffer_kind",
        ("TypeError",),
        r"^cannot assign '.*' (object to (buffer|parameter)|as buffer) '",
        "A buffer holds a tensor, and a parameter an nn.Parameter; this is something else, such "
        "as a list of class weights or a computed tensor.",
        "nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0])); register_buffer(name, "
        "torch.tensor(x)); register_parameter(name, nn.Parameter(t)).",
    ),
    Explanation(
        "reduction_word",
        ("ValueError",),
        r"is not a valid value for reduction$",
        "reduction says what becomes of the losses of all samples, and does not know this word.",
        'One of "mean", "sum" and "none"; kl_div takes "batchmean" as well.',
    ),
    Explanation(
        "smoothing_range",
        ("RuntimeError",),
        r"^label_smoothing must be between 0\.0 and 1\.0",
        "label_smoothing is the part of a target that is spread over all classes.",
        "Pass a number from 0 to 1, such as 0.1.",
    ),
    Explanation(
        "found_dtype",
        ("RuntimeError",),
        r"^Found dtype \w+ but expected \w+",
        "Prediction and target have different dtypes: one is integers, NumPy's float64, or the 16 "
        "bits of autocast or of a short model, and the other is not.",
        "Print both dtypes. Convert the target once, where the data is read: y.float(). Is it the "
        "prediction that has 16 bits, convert that in the call: prediction.float().",
    ),
    Explanation(
        "ctc_sizes",
        ("RuntimeError",),
        r"^Expected input_lengths to have value at most|^(input|target)_lengths must be of size "
        r"batch_size|^Expected tensor to have .*ctc_loss",
        "ctc_loss takes log-probabilities as (time, batch, classes), and for each sample of the "
        "batch the length of its input and that of its target.",
        "Print log_probs.shape: time comes first, permute(1, 0, 2) puts it there. No input "
        "length may exceed it, and both vectors have an entry for each sample.",
    ),
    Explanation(
        "loss_dims",
        ("RuntimeError",),
        r"^margin_ranking_loss : All input tensors should have same dimension|^(triplet_margin|"
        r"cosine_embedding)\w* ?:? .*(size|dimension)|^cosine_embedding_loss: |^1D target "
        r"tensor expected|^The anchor, positive, and negative tensors are expected",
        "The tensors of this loss have different numbers of dimensions, such as (n, 1) and (n,).",
        "Bring them to one: x.squeeze(1), or target.unsqueeze(1).",
    ),
    Explanation(
        "negative_variance",
        ("ValueError",),
        r"^var has negative entry",
        "gaussian_nll_loss takes a variance, and was given numbers below 0.",
        "Compute it so that it is positive: F.softplus(v) or log_variance.exp().",
    ),
    Explanation(
        "loss_setting",
        ("RuntimeError", "ValueError", "TypeError"),
        r"^(smooth_l1|huber)_loss does not support (negative|non-positive)|^delta must be a "
        r"float or int|^(Triplet\w+: expected )?margin (to|must) be greater than 0|^only p == "
        r"1 and p == 2 supported",
        "A setting of the loss is out of its range: beta of smooth_l1_loss is not negative, "
        "delta of huber_loss and the margin of a triplet loss are above 0, and numbers, no "
        "texts.",
        "Correct the one that the text names: nn.HuberLoss(delta=1.0), "
        "nn.TripletMarginLoss(margin=1.0), float(text) for what a file holds.",
    ),
    Explanation(
        "ignored_probabilities",
        ("RuntimeError",),
        r"^ignore_index is not supported for floating point target|^ignore_index cannot be "
        r"specified when target contains",
        "ignore_index names a class number that is left out, and this target is "
        "probabilities: floats of the shape of the scores.",
        "Give class numbers, target.argmax(1), or leave those rows out yourself: "
        "F.cross_entropy(scores[keep], target[keep]).",
    ),
    Explanation(
        "variance_size",
        ("ValueError",),
        r"^var is of incorrect size",
        "The variance of gaussian_nll_loss has the shape of the prediction, or one number "
        "for each row.",
        "Print the three shapes. One number for all: var.expand(prediction.shape).",
    ),
    Explanation(
        "loss_weights",
        ("ValueError",),
        r"^Weights and input must have the same size",
        "The weights of mse_loss and its like have the shape of the prediction, and "
        "broadcast nothing.",
        "Bring them to it: weight=w.expand_as(prediction).",
    ),
    Explanation(
        "ctc_blank",
        ("RuntimeError",),
        r"^blank must be in label range|^(input|target)_lengths must be integral",
        "ctc_loss has one class more than there are letters, the blank, whose number lies "
        "among them; lengths are whole numbers.",
        "Let the model give letters + 1 scores, and pass blank=0 with letters from 1, or "
        "blank=letters with letters from 0. Convert lengths: lengths.long().",
    ),
    Explanation(
        "loss_function_arguments",
        ("TypeError",),
        r"^(\w+_loss|cross_entropy|binary_cross_entropy(_with_logits)?|kl_div)\(\) missing "
        r"\d+ required positional arguments?: '(target|negative|var|input2|target_lengths|"
        r"input_lengths|log_var)\b",
        "The loss is called with fewer arguments than it takes: the text names those that are "
        "missing. Most take a prediction and a target.",
        "Write F.mse_loss(prediction, target); a class makes the loss first: "
        "nn.MSELoss()(prediction, target). Others take more: F.triplet_margin_loss(anchor, "
        "positive, negative), F.cosine_embedding_loss(a, b, target), "
        "F.gaussian_nll_loss(prediction, target, variance).",
    ),
)
