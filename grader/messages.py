"""Every sentence of the grader, as a template under a stable code, so that it can be translated.

A mistake's own sentence is its docstring in the key; an exercise may replace a generic sentence
by one of its own (`Key.sentences`).
"""

from __future__ import annotations

TEMPLATES: dict[str, str] = {
    # outcomes
    "right": "Right. {functions} agrees with torch on {count}.",
    "wrong": "Not yet: {passed} of {total} cases pass.",
    "not_attempted": "Not attempted yet: {functions} still has its starting code.",
    "could_not_check": "Could not check {exercise}.",
    # what keeps a check from running
    "CHECK.missing": "check needs {functions}: write check({call}).",
    "CHECK.not_callable": "{function} is of type {type}, not a function. Pass the function itself, "
    "without calling it.",
    "CHECK.arguments": "{function} is called with {wanted}, but yours takes {received}.",
    "CHECK.no_key": "The reference answers are not installed here, so nothing can be compared.",
    "CHECK.did_not_finish": "It did not finish: you interrupted it, or its time was up. Look for a "
    "loop whose condition never becomes false.",
    "CHECK.judged_missing": "{functions} is not defined when the check runs. Did an earlier cell "
    "fail?",
    "CHECK.judged_not_callable": "{functions} is not a function when the check runs.",
    "CHECK.judged_arguments": "{functions} takes other arguments than the exercise asks for.",
    "CHECK.forged": "What came back is no observation: the submission interfered with how it is "
    "observed.",
    "CHECK.box_ended": "The process running the submission ended before it answered.",
    # errors
    "ERROR.explained": "{function} raised {type}: {text} {meaning} {cure}",
    "ERROR.explained_after": "What {function} returned cannot be used: {type}: {text} {meaning} "
    "{cure}",
    "ERROR.raised": "{function} raised {type}: {text}",
    "ERROR.after": "What {function} returned cannot be used: {type}: {text}",
    "ERROR.hidden": "{function} raised {type}.",
    "ERROR.hidden_after": "What {function} returned cannot be used: {type}.",
    "ERROR.device": "{function} made a tensor on the CPU although its input lies on another "
    "device. Create tensors with device=x.device, or from x (torch.zeros_like, x.new_zeros).",
    # generic signatures
    "NONE": "{path} is None. Either the graph was cut (detach, no_grad) before it reached the "
    "tensor, or .grad was read from a non-leaf without retain_grad().",
    "TYPE": "{path} is {received}, where {expected} was expected.",
    "STRUCTURE": "{path} has other parts than expected: {received} instead of {expected}.",
    "TRANSPOSED": "{path} is the transpose of the right answer. A weight's gradient has the "
    "weight's own shape.",
    "PER_SAMPLE.sum": "{path} has one entry per sample. Sum over the batch dimension.",
    "PER_SAMPLE.mean": "{path} has one entry per sample. Average over the batch dimension.",
    "SHAPE.reshaped": "{path} has the right values in shape {received} instead of {expected}. Look "
    "for a missing keepdim, a squeeze or a flatten.",
    "SHAPE.other": "{path} has shape {received}, expected {expected}.",
    "NONFINITE": "{path} has nan or inf where the right answer is finite: {count} of {total} "
    "entries.",
    "DTYPE": "{path} has the right values in {received} instead of {expected}: somewhere the dtype "
    "of the input was not kept.",
    "ZERO": "{path} is zero everywhere. The gradient was cleared, never arrived, or belongs to a "
    "tensor the result does not depend on.",
    "RATIO.sign": "{path} is -1 times the right answer: a sign was lost.",
    "RATIO.twice": "{path} is 2 times the right answer: was it accumulated twice?",
    "RATIO.times_count": "{path} is {symbol} = {count} times the right answer: a sum where a mean "
    "was meant, or one accumulation for each of {count}.",
    "RATIO.over_count": "{path} is the right answer divided by {symbol} = {count}: a mean where a "
    "sum was meant, or one division too many.",
    "RATIO.unbiased": "{path} is sqrt((n-1)/n) times the right answer with n = {count}: the "
    "variance was divided by n - 1.",
    "RATIO.constant": "{path} is {factor} times the right answer, the same factor everywhere.",
    "RATIO_CHANNEL": "In {path} each channel is off by a constant factor of its own ({factors}): "
    "look at what is computed once per channel.",
    "FLAGS.is_leaf": "{path} {is_or_not} a leaf, and {should} be one.",
    "FLAGS.requires_grad": "{path} {does_or_not} require grad, and {should}.",
    "FLAGS.has_graph": "{path} {has_or_not} a grad_fn, and {should} have one.",
    "FLAGS.has_grad": "{path} {has_or_not} a .grad, and {should} have one.",
    "FLAGS.retains_grad": "{path} {does_or_not} retain its grad, and {should}.",
    "FLAGS.same_object": "{path} {is_or_not} the very object that was passed in, and {should} be.",
    "FLAGS.shares_memory": "{path} {does_or_not} share memory with the input, and {should}.",
    "FLAGS.grad_fn": "{path} was made by {received}, expected {expected}.",
    "SIDE.input": "Your function changed what it was given: {detail}. Work on a clone, or out of "
    "place.",
    "SIDE.requires_grad": "Your function changed a flag of its argument: {detail}. Work on "
    "x.detach().requires_grad_().",
    "SIDE.grad": "Your function left a trace on its argument: {detail}. torch.autograd.grad "
    "returns gradients without writing them anywhere.",
    "SIDE.grad_mode": "After your function, {detail}. Use `with torch.no_grad():`, which ends by "
    "itself.",
    "SIDE.inference_mode": "After your function, {detail}. Use `with torch.inference_mode():`, "
    "which ends by itself.",
    "SIDE.default_dtype": "After your function, {detail}. Pass dtype= where you create tensors.",
    "SIDE.rng": "Your function used or reset the random number generator: {detail}. The answer "
    "needs no randomness.",
    "SIDE.anomaly": "After your function, {detail}. Use `with torch.autograd.detect_anomaly():`.",
    "SIDE.hooks": "Your function left hooks behind: {detail}. Keep the handle and call "
    "handle.remove() in a finally block.",
    "SIDE.training": "Your function left the model in another mode: {detail}. Put every module "
    "back as it was.",
    "WRONG": "{path} differs from the right answer in {wrong} of {total} entries (cosine "
    "{cosine}).",
    "WRONG.value": "{path} is {received}, expected {expected}.",
    "WRONG.flag": "{path} is {received}, expected {expected}.",
    # the same on hidden cases, where nothing may carry a hidden input
    "HIDDEN.TYPE": "{path} is not of the expected type.",
    "HIDDEN.STRUCTURE": "{path} has other parts than expected.",
    "HIDDEN.SHAPE.reshaped": "{path} has the right values in another shape. Look for a missing "
    "keepdim, a squeeze or a flatten.",
    "HIDDEN.SHAPE.other": "{path} has another shape than expected.",
    "HIDDEN.NONFINITE": "{path} has nan or inf where the right answer is finite.",
    "HIDDEN.DTYPE": "{path} has the right values in another dtype: somewhere the dtype of the "
    "input was not kept.",
    "HIDDEN.RATIO.constant": "{path} is a constant multiple of the right answer.",
    "HIDDEN.RATIO_CHANNEL": "In {path} each channel is off by a constant factor of its own: look "
    "at what is computed once per channel.",
    "HIDDEN.WRONG": "{path} differs from the right answer.",
    "HIDDEN.WRONG.value": "{path} differs from the right answer.",
    "HIDDEN.WRONG.flag": "{path} differs from the right answer.",
    # parts of a finding
    "numbers": "greatest absolute difference {worst_abs} at {at}, greatest relative difference "
    "{worst_rel}, allowed {allowed}",
    "on_case": "Case {case}",
    "on_hidden_case": "Hidden case {case}",
}


def say(template_code: str, **values: object) -> str:
    """The sentence under a code, filled in. Raises KeyError for an unknown code."""
    return TEMPLATES[template_code].format(**values)
