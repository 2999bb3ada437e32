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
        "Prediction and target have different dtypes: integers, or NumPy's float64, beside "
        "float32.",
        "Convert the target once, where the data is read: y.float().",
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
        r"tensor expected",
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
)
