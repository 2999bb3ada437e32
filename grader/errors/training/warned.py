"""torch's own warnings about autograd and training loops."""

from __future__ import annotations

from grader.errors.explanation import Explanation

_USER = ("UserWarning", "FutureWarning")

WARNED = (
    Explanation(
        "warned_non_leaf_grad",
        _USER,
        r"The \.grad attribute of a Tensor that is not a leaf Tensor is being accessed",
        "This tensor is the recorded result of an operation. Backward keeps gradients in leaves, "
        "and in what called retain_grad() before, so its .grad is None.",
        "Read the leaf it was computed from. If it was to be a leaf, make it one: create it with "
        "requires_grad=True as the last thing, after .to() and every operation, and update it in "
        "place inside `with torch.no_grad():`. To keep a gradient here, call retain_grad() before "
        "backward.",
    ),
    Explanation(
        "warned_cycle",
        _USER,
        r"Using backward\(\) with create_graph=True will create a reference cycle",
        "With create_graph=True each .grad holds a graph that holds the parameter, so neither is "
        "freed.",
        "Use torch.autograd.grad(loss, parameters, create_graph=True), which fills no .grad; or "
        "set every .grad to None after use.",
    ),
    Explanation(
        "warned_scalar",
        _USER,
        r"Converting a tensor with requires_grad=True to a scalar",
        "A number has no graph: what you compute from it hands no gradient back to this tensor.",
        "If you print or log the number, write x.detach() or x.item() and all is well. If the "
        "loss is computed from it, stay with the tensor: torch.sqrt(x), not math.sqrt(x).",
    ),
    Explanation(
        "warned_copy",
        _USER,
        r"To copy construct from a tensor, it is recommended",
        "torch.tensor(x) copies the values of x and leaves its graph behind.",
        "Use x itself where gradients are to flow, x.clone() for a copy in the graph, and "
        "x.detach().clone() for one outside.",
    ),
    Explanation(
        "warned_reentrant",
        _USER,
        r"None of the inputs have requires_grad=True\. Gradients will be None",
        "A reentrant checkpoint records nothing unless one of its arguments requires grad; the "
        "parameters inside do not count, and get no gradient.",
        "Pass use_reentrant=False.",
    ),
    Explanation(
        "warned_use_reentrant",
        _USER,
        r"use_reentrant parameter should be passed explicitly",
        "There are two kinds of checkpoint, and this call does not say which.",
        "Pass use_reentrant=False: it records whatever requires grad inside the block.",
    ),
    Explanation(
        "warned_scheduler",
        _USER,
        r"Detected call of `?lr_scheduler\.step\(\)`? before `?optimizer\.step\(\)`?",
        "The scheduler moved on before the optimizer made a step, so the first learning rate is "
        "never used.",
        "Call optimizer.step() first, and scheduler.step() after it. A gradient scaler that skips "
        "its first steps warns as well; then nothing is wrong.",
    ),
    Explanation(
        "warned_clip",
        _USER,
        r"`parameters` is an empty generator, no gradient clipping will occur",
        "model.parameters() is a generator: after one loop over it nothing is left, and nothing "
        "is clipped.",
        "Call model.parameters() anew for clipping, or keep a list of it.",
    ),
    Explanation(
        "warned_target_size",
        _USER,
        r"Using a target size \(.*\) that is different to the input size .* due to broadcasting",
        "Prediction and target have different shapes and are broadcast. A column (n, 1) beside "
        "(n,) is the usual case: every prediction is compared with every target, and the loss "
        "teaches one number for all, such as their mean.",
        "Give both one shape: prediction.squeeze(1), or target.unsqueeze(1).",
    ),
    Explanation(
        "warned_hook",
        _USER,
        r"Full backward hook is firing when gradients are computed with respect to module outputs",
        "None of the inputs that the module was given by position requires grad, so its backward "
        "hook gets None for them; those by keyword do not count.",
        "Nothing is wrong if you read grad_output. For gradients of the input, give it by position "
        "and let it require grad.",
    ),
    Explanation(
        "warned_degrees",
        _USER,
        r"(std|var)\(\): degrees of freedom is <= 0",
        "The spread of a single number, or of none, is asked for. It is divided by n - 1, which is "
        "0 for one number: it is nan.",
        "Look at the size of that dimension. Of one number correction=0 gives 0, and of none nan.",
    ),
    Explanation(
        "warned_collective",
        _USER,
        r"an autograd kernel was not registered to the Autograd key",
        "A collective such as all_reduce was called on a tensor with a graph. It is not recorded: "
        "the gradient goes past what the other ranks added.",
        "Reduce a detached copy, and add the other ranks' part to your own as a constant. Each "
        "rank then has its own summand of the gradient: add these up, since the mean that "
        "DistributedDataParallel takes is too small by the number of ranks.",
    ),
    Explanation(
        "warned_gradcheck",
        _USER,
        r"is not a double precision floating point",
        "gradcheck moves each input by a millionth, and float32 numbers have not enough digits for "
        "that.",
        "Give it inputs of torch.float64.",
    ),
    Explanation(
        "warned_anomaly",
        _USER,
        r"Error detected in \w+\. Traceback of forward call that caused the error",
        "Anomaly detection shows the line of the forward pass whose backward went wrong: it is the "
        "last line of the traceback in the text.",
        "Look at what that line was given: a square root, a logarithm or a division at 0 is the "
        "usual cause of nan.",
    ),
    Explanation(
        "warned_softmax",
        _USER,
        r"Implicit dimension choice for (log_)?softm(ax|in) has been deprecated",
        "softmax was not told which dimension to normalize, and torch picks one by the number of "
        "dimensions.",
        "Pass dim=-1 for scores per row, dim=1 for the scores of images (N, C, H, W).",
    ),
    Explanation(
        "warned_kl",
        _USER,
        r"reduction: 'mean' divides the total loss by both the batch size and the support size",
        "The mean of kl_div is taken over all entries, which is not the mean divergence of a row.",
        'Pass reduction="batchmean".',
    ),
)
