"""Errors of a backward pass: where it starts, what it meets, where it ends."""

from __future__ import annotations

from grader.errors.explanation import Explanation

_RUNTIME = ("RuntimeError",)

BACKWARD = (
    Explanation(
        "second_backward",
        _RUNTIME,
        r"backward through the graph a second time",
        "A backward pass frees the tensors its nodes saved. A second pass came to nodes that are "
        "freed, or your line reads what such a node had saved.",
        "Was something carried over from an earlier step, such as a hidden state or a running "
        "loss? Detach it there. Do two losses of one step share the graph? If both are to train "
        "what they share, add them and call backward once, or pass retain_graph=True to the first; "
        "else detach it for one of them. Was it computed once, before the loop? Compute it anew in "
        "every step. What a node saved can be read before the pass.",
    ),
    Explanation(
        "no_graph",
        _RUNTIME,
        r"element \d+ of tensors does not require grad",
        "The tensor you differentiate was not recorded: nothing it was computed from requires "
        "grad, or the recording was cut by detach, no_grad, .item() or an integer operation.",
        "Look at what it was computed from: a parameter that is not frozen, or a floating tensor "
        "made with requires_grad=True, and keep every step from there in torch. A checkpoint of "
        "which no argument requires grad wants use_reentrant=False. If you differentiate a "
        "gradient, it needs create_graph=True. A slope that is computed without the input, as that "
        "of 3 * x, has no graph even then: its derivative is 0, and there is nothing to "
        "differentiate.",
    ),
    Explanation(
        "not_scalar",
        _RUNTIME,
        r"grad can be implicitly created only for scalar outputs",
        "backward() starts from 1 only when the result has one element; for more it must be told "
        "the vector v of the product v^T J.",
        "Reduce to one number first (y.sum()), or pass v: y.backward(v), or grad_outputs=v to "
        "torch.autograd.grad.",
    ),
    Explanation(
        "not_real",
        _RUNTIME,
        r"grad can be implicitly created only for real scalar outputs",
        "backward() starts from 1 only when the result is one real number, and yours is complex.",
        "Reduce to a real number first, as y.abs().sum() does. The squared distance of complex a "
        "and b is (a - b).abs().square().mean(): (a - b) ** 2 stays complex.",
    ),
    Explanation(
        "seed_shape",
        _RUNTIME,
        r"Mismatch in shape: grad_output",
        "The gradient you start backward with must have the shape of the result.",
        "Make it with torch.ones_like(y), or reshape it to y.shape.",
    ),
    Explanation(
        "seed_count",
        _RUNTIME,
        r"got \d+ tensors and \d+ gradients",
        "Every result you differentiate needs a gradient to start from.",
        "Pass as many gradients as results.",
    ),
    Explanation(
        "seed_type",
        ("TypeError",),
        r"gradients can be either Tensors or None",
        "The gradient you start backward with must be a tensor.",
        "Make it with torch.ones_like(y), or turn your numbers into a tensor of y's shape.",
    ),
    Explanation(
        "unused",
        _RUNTIME,
        r"appears to not have been used in the graph",
        "No gradient comes to one of the tensors you ask for. The result does not depend on it, or "
        "was computed from another: from a copy, or from this one before it was edited in place; "
        "or a custom backward gave None for it.",
        "Compute the result from the very tensor you pass to grad, or pass allow_unused=True and "
        "treat None as zero.",
    ),
    Explanation(
        "input_without_grad",
        _RUNTIME,
        r"One of the differentiated Tensors does not require grad",
        "You ask for the gradient of a tensor that does not require grad.",
        "Call requires_grad_() on it before you compute with it. If it is frozen on purpose, leave "
        "it out of what you ask for.",
    ),
    Explanation(
        "no_inputs",
        ("RuntimeError", "ValueError"),
        r"`inputs` argument to `\w+\(\)` cannot be empty|grad requires non-empty inputs",
        "You ask for no gradient at all: the collection of tensors is empty.",
        "Pass the tensors whose gradients you want. A generator, such as model.parameters(), is "
        "empty after its first use: make a list of it.",
    ),
    Explanation(
        "no_derivative",
        ("NotImplementedError", "RuntimeError"),
        r"derivative for '?[\w:.]+.* is not implemented",
        "torch has no formula for the derivative of this operation with respect to this argument.",
        "Compute the value with other operations; if nothing is to be trained through that "
        "argument, detach it. The division x // n has such another: "
        'torch.div(x, n, rounding_mode="floor") has a derivative, which is 0 '
        "as that of every step is; x / n is the division with a slope. A name that ends in "
        "_backward means a second derivative: F.scaled_dot_product_attention has one inside of "
        "`with sdpa_kernel(SDPBackend.MATH):`, from torch.nn.attention.",
    ),
    Explanation(
        "anomaly",
        _RUNTIME,
        r"returned nan values in its \d+th output",
        "Anomaly detection stopped the backward pass at the first node whose gradient is nan; the "
        "text names it. The result of the forward pass may be finite all the same.",
        "Look at what this operation was given, and at those that follow it: one of them may have "
        "sent inf, which is passed over. A square root or a division at 0 is the usual cause, also "
        "where torch.where or a factor of 0 takes the value out afterwards. The warning above the "
        "error shows its line.",
    ),
    Explanation(
        "reentrant_inputs",
        _RUNTIME,
        r"use_reentrant=True, torch\.utils\.checkpoint is incompatible|"
        r"Checkpointing is not compatible with \.grad\(\)",
        "A reentrant checkpoint works with backward() alone: it cannot give the gradients of "
        "chosen tensors, as torch.autograd.grad and backward(inputs=...) ask for them.",
        "Pass use_reentrant=False to checkpoint.",
    ),
    Explanation(
        "checkpoint",
        ("CheckpointError",),
        r"Recomputed values .* have different metadata|A different number of tensors was saved",
        "checkpoint runs the block again during backward, and the second run did not do what the "
        "first did.",
        "Let the block depend on its arguments alone: no counters, and nothing that changes in "
        "between. What torch's global generators give is drawn again as it was; what a generator "
        "of your own, Python's random or NumPy gives is not, so draw it outside and hand it in.",
    ),
    Explanation(
        "gradcheck",
        ("GradcheckError",),
        r"Jacobian mismatch",
        "gradcheck compared your backward with finite differences, and they differ.",
        "Compare the two matrices in the text entry by entry. Give gradcheck inputs in float64: "
        "finite differences are too coarse in float32. At a kink, as that of ReLU at 0, they "
        "can differ though nothing is wrong: give it other points.",
    ),
)
