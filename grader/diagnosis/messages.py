"""Every sentence of the grader, as a template under a stable code, so that it can be translated.

A mistake's own sentence is its docstring in the key; an exercise may replace a generic sentence
by one of its own (`Key.sentences`).
"""

from __future__ import annotations

TEMPLATES: dict[str, str] = {
    # outcomes
    "right": "Right: {functions} agrees with torch in {count}.",
    "right.several": "Right: {functions} agree with torch in {count}.",
    "right.visible": "Right in {count}: {functions} agrees with torch. The judge checks all "
    "{total} cases, with other inputs.",
    "right.visible.several": "Right in {count}: {functions} agree with torch. The judge checks all "
    "{total} cases, with other inputs.",
    "wrong": "Not yet: {passed} of {total} cases pass.",
    "wrong.device": "Not yet: {functions} agrees with torch in {count}, but not on another device.",
    "wrong.device.several": "Not yet: {functions} agree with torch in {count}, but not on another "
    "device.",
    "wrong.visible": "Not yet: {passed} of the {total} cases that are checked here pass.",
    "wrong.visible.one": "Not yet: the case that is checked here fails.",
    "did_not_finish": "Not yet: {functions} did not finish.",
    "not_attempted": "Not attempted yet: the starting code of {functions} is still there. If you "
    "wrote your answer, run its cell first, then this one again.",
    # what comes next
    "onward.section": "The section to read:",
    "onward.hint": "Stuck? `hint()` gives the next hint.",
    "onward.help": "Stuck? `hint()` gives the next hint, and `solution()` a model answer.",
    "onward.next": "Next exercise:",
    "onward.others": "`solution()` shows a model answer and other right ones.",
    "onward.chapter": "Every exercise of this chapter is right.",
    "onward.lesson": "Next lesson:",
    "hint.last": "That was the last hint. What is left is solution({exercise!r}).",
    "hint.last.unsolved": "That was the last hint. Ask your instructor if you are still stuck.",
    "solution.hints_left": "There are hints left: hint({exercise!r}). To see the solution all the "
    "same, call solution({exercise!r}, reveal=True).",
    "solution.press": "There are hints left. To see the solution all the same, press Solution once "
    "more.",
    "solution.elsewhere": "The solutions are not installed here. Ask your instructor.",
    "solution.one": "A model answer. Yours may look different and be right: the check decides. "
    "Compare them line by line, and find the line that you would not have written.",
    "solution.other": "Another right answer",
    "solution.others": "{count} other right answers",
    "guidance.nothing_checked": "Nothing was checked in this notebook yet. Name the exercise, as "
    'in {call}("two_path_grad").',
    "could_not_check": "Could not check {exercise}.",
    "start.unrun": "A cell above this one makes {name}, and this kernel does not have it. Run what "
    "stands above: in JupyterLab's menu Run, Run All Above Selected Cell.",
    # what keeps a check from running
    "CHECK.missing": "check needs the id of the exercise and {functions}: write check({call}).",
    "CHECK.not_callable": "{function} is a value of type {type}, and not a function. Write "
    "check({call}), with the name alone and no parentheses after it. If the name is right, look "
    "for a line that gave it another value.",
    "CHECK.arguments": "{function} is called with the arguments {wanted}, but yours is defined "
    "with {received}. Restore the first line that the exercise came with.",
    "CHECK.no_key": "The reference answers are not installed here, so there is nothing to compare "
    "with.",
    "CHECK.judge_decides": "Nothing was found wrong here. More than one answer to this exercise is "
    "right, and what tells them from the wrong ones is not installed here: the judge decides.",
    "CHECK.seal_broken": "The recorded answers cannot be read ({error}). Ask your instructor to "
    "seal the course again.",
    "CHECK.no_device": "The device {device} cannot be used here ({error}). Unset the environment "
    "variable AUTOGRAD_COURSE_DEVICE and restart the kernel.",
    "CHECK.reference_failed": "The course's own answer fails in this notebook: {error} If you gave "
    "one of torch's functions another value, restart the kernel and run your cells again. "
    "Otherwise this is a mistake of the course: please report it.",
    "CHECK.unreadable": "{functions} returned something that this exercise cannot read. Compare "
    "what you return with what the exercise asks for.",
    "CHECK.did_not_finish": "It did not come to an end: it was interrupted, or its time was up. "
    "Look for a loop whose condition never becomes false, or one that comes to the same thing "
    "again and again.",
    "CHECK.too_long": "It was stopped after {seconds:g} s: it did not come to an end. Look "
    "for a loop whose condition never becomes false, or one that comes to the same thing again and "
    "again. If it only needs longer, give it more time: check({call}, seconds={more:g}).",
    "CHECK.running": "The check has been running for {seconds:g} s. If your answer does not "
    "come to an end, interrupt the kernel (the ■ above the notebook).",
    "CHECK.judged_missing": "{functions} is not defined when the check runs. Did an earlier cell "
    "fail?",
    "CHECK.judged_not_callable": "{functions} is not a function when the check runs.",
    "CHECK.judged_arguments": "{functions} takes other arguments than the exercise asks for.",
    "CHECK.forged": "What came back is no observation: the submission interfered with how it is "
    "observed.",
    "CHECK.box_ended": "The process running the submission ended before it answered.",
    # errors
    "ERROR.explained": "{function} raised {error} {meaning} {cure}",
    "ERROR.explained_after": "What {function} returned cannot be used: {error} {meaning}",
    "ERROR.explained_asked": "{function} raised {error} {meaning} This exercise asks whether "
    "something raises: where the error is the answer, catch it (`try` … `except {kind}`).",
    "ERROR.explained_text": "{function} raised {error} {meaning} A line of the text that it ran "
    "raised it: look at what that line finds under each name.",
    "ERROR.raised": "{function} raised {error}",
    "ERROR.after": "What {function} returned cannot be used: {error}",
    "ERROR.explained_afterwards": "After your call of {function}, what was given to it cannot be "
    "used as before: {error} {meaning}",
    "ERROR.afterwards": "After your call of {function}, what was given to it cannot be used as "
    "before: {error}",
    "ERROR.device": "{function} made a tensor on the CPU although its input lies on another "
    "device. Create tensors where one lies that you are given, say t: device=t.device, "
    "torch.zeros_like(t), t.new_zeros(...).",
    # generic signatures
    "NONE": "{path} is None. Expected was {expected}.",
    "NONE.gradient": "{path} is None. Possible causes: the result does not depend on this tensor, "
    "or no longer does (detach, no_grad); the tensor does not require grad; .grad was read before "
    "backward, or from a non-leaf without retain_grad().",
    "NONE.gradient.whole": "{path} is None. Possible causes: a missing `return`; the result does "
    "not depend on this tensor, or no longer does (detach, no_grad); the tensor does not require "
    "grad; .grad was read before backward, or from a non-leaf without retain_grad().",
    "NONE.returned": "{path} is None. Is a `return` missing? Expected was {expected}.",
    "TYPE": "{path} is {received}. Expected was {expected}.",
    "TYPE.none": "{path} is a tensor, and None was expected.",
    "STRUCTURE": "{path} has other parts than expected: {parts}.",
    "STRUCTURE.other": "The answer is {received}. Expected was {expected}.",
    "TRANSPOSED": "{path} is the transpose of the right answer.",
    "TRANSPOSED.gradient": "{path} is the transpose of the right answer. A gradient has the shape "
    "of the tensor it belongs to; nn.Linear's weight has shape (out, in).",
    "PER_SAMPLE.sum": "{path} has one dimension too many: its shape is {received}. Summed over the "
    "first dimension, it is the right answer.",
    "PER_SAMPLE.mean": "{path} has one dimension too many: its shape is {received}. Averaged over "
    "the first dimension, it is the right answer.",
    "PER_SAMPLE.sum.batch": "{path} has one dimension too many: its shape is {received}. Summed "
    "over the first dimension, which is the batch, it is the right answer: you kept one for each "
    "sample.",
    "PER_SAMPLE.mean.batch": "{path} has one dimension too many: its shape is {received}. Averaged "
    "over the first dimension, which is the batch, it is the right answer: you kept one for each "
    "sample.",
    "SHAPE.reshaped": "{path} has the right values, in shape {received} instead of {expected}. "
    "Look for a missing keepdim=True, a squeeze, an unsqueeze or a flatten.",
    "SHAPE.other": "{path} has shape {received} instead of {expected}.",
    "NONFINITE": "{path} has nan or inf in {count} of {total} entries where the right answer is "
    "finite. Look for a division by 0, the square root or logarithm of 0 or of a negative number, "
    "or a number that grew too large, as exponentials do.",
    "NONFINITE.given": "{path} has nan or inf in {count} of {total} entries where the right answer "
    "is finite. An input holds inf or nan here, and it may come from there: 0 times either is nan, "
    "in the backward pass too. Leave such entries out, or replace them before you compute.",
    "DTYPE": "{path} has the right values, in {received} instead of {expected}. Look for where it "
    "becomes {received}.",
    "DTYPE.float32": "{path} has the right values, in {received} instead of {expected}. Look for "
    "where it becomes {received}: torch.tensor(0.5), for one, is float32.",
    "DTYPE.other": "{path} has the right values, in {received} instead of {expected}. Say dtype= "
    "where you make it, or turn it into that dtype in the end.",
    "ZERO": "{path} is zero everywhere, and the right answer is not.",
    "ZERO.gradient": "{path} is zero everywhere, and the right answer is not. Possible causes: the "
    "result does not depend on this tensor; an operation on the way has the derivative 0, as round "
    "has; a hook returned zeros; .grad itself was kept, and cleared after backward or taken off "
    "itself.",
    "RATIO.sign": "{path} is -1 times the right answer: a sign was lost.",
    "RATIO.twice": "{path} is 2 times the right answer. Was it added up twice?",
    "RATIO.twice.number": "{path} is 2 times what it should be.",
    "RATIO.times_count": "{path} is {symbol} = {count} times the right answer: either a sum where "
    "a mean was meant, or one addition for each of the {count}.",
    "RATIO.over_count": "{path} is the right answer divided by {symbol} = {count}: either a mean "
    "where a sum was meant, or one division too many.",
    "RATIO.unbiased": "{path} is the right answer times sqrt((n - 1) / n) with n = {symbol} = "
    "{count}: a variance was divided by n - 1 in place of n, or by n in place of n - 1.",
    "RATIO.constant": "{path} is {factor} times the right answer, the same factor everywhere.",
    "RATIO.known": "{path} is {symbol} (here {here}) times the right answer.",
    "RATIO.times_size": "{path} is the right answer times {size} (here {count}).",
    "RATIO.over_size": "{path} is the right answer divided by {size} (here {count}).",
    "RATIO.varies": "{path} is a multiple of the right answer, the same for all entries of a case "
    "and another in each (here {factor}).",
    "RATIO_CHANNEL": "{path} is off by one factor for each entry of dimension 1 ({factors}), which "
    "holds the channels where there are any. Look at what is computed once for each of them.",
    "NEARLY": "{path} agrees with the right answer to about {digits} digits, and {wanted} are "
    "expected. Possible causes: a part of it was computed in float32, which torch.tensor(0.1) is; "
    "a small term is missing, such as eps; it was rounded or "
    "approximated.",
    # facts: what the numbers are, in every failing case
    "FACT.other_part": "{path} is the right `{other}`.",
    "FACT.exchanged": "`{one}` and `{other}` are exchanged: each is the right value of the other.",
    "FACT.input": "{path} is the input `{input}` as it was given.",
    "FACT.unchanged": "{path} is as it was before: nothing has changed it.",
    "FACT.of_right": "{path} is {what}.",
    "FACT.uniform": "{path} is {value} everywhere, and the right answer is not.",
    "FACT.shifted": "{path} is the right answer plus one number, the same for all its entries "
    "(here {value}).",
    "FACT.mask": "{path} is right except exactly {where}{there}.",
    "FACT.first_row": "{path} is right in its {where} alone{there}. Does a loop end after its "
    "first round?",
    "FACT.first_row_alone": "{path} is right in its {where} alone{there}.",
    "FACT.last_row": "{path} is right in its {where} alone{there}.",
    "FACT.order": "{path} has the right entries in another order.",
    "FACT.reversed": "{path} has the right entries in reversed order.",
    "FACT.first_only": "{path} has one entry, which is right: the others are missing. Does a loop "
    "end after its first round?",
    "FACT.first_alone": "The first entry of {path} is right, and all others are zero or None. Does "
    "a loop end after its first round?",
    "FACT.first_part_alone": "`{first}` is right, and every other value is zero or None. Does a "
    "loop end after its first round?",
    "FACT.number_alone": "`{first}` is right, and every other value is zero or None.",
    "FACT.without_first": "{path} has the right entries, but the first is missing.",
    "FACT.without_last": "{path} has the right entries, but the last is missing.",
    "FACT.all_the_first": "Every entry of {path} is the right first one.",
    "FACT.all_the_last": "Every entry of {path} is the right last one: as if one variable or "
    "tensor stood behind all of them.",
    "FACT.surplus": "{path} begins with the right entries, and then has more.",
    "FACT.in_front": "{path} ends with the right entries, and has more in front of them.",
    "FACT.keys_missing": "What {path} holds is right. Missing: {lacking}.",
    "FACT.keys_surplus": "{path} holds what is right, and more that was not asked for: {beyond}.",
    "FACT.first_key": "Of {path} the first value, under {first}, is right in every case, and each "
    "of the others is wrong in some. Does a loop end after its first round?",
    "FACT.values_swapped": "{path} has the right values under each other's keys.",
    "FACT.container": "{path} has the right values, in {received}. Expected was {expected}.",
    "FACT.wrapped": "{path} is the right value inside {received}: return it by itself.",
    "FACT.zeros_for_none": "{path} is a tensor of zeros, and None was expected: there should be "
    "nothing at all.",
    "FACT.always": "Every answer is {received}, whatever is asked.",
    "FACT.pairs_swapped": "The two values of every pair are exchanged.",
    "FACT.confused": "You answer {received} wherever {right} is right, and all other answers are "
    "right.",
    "FACT.confused_some": "Every wrong answer of yours is {received}, where {right} is right.",
    "FACT.words_exchanged": "You answer {one} wherever {other} is right, and {other} wherever "
    "{one} is right.",
    "FACT.words_exchanged_some": "Every wrong answer of yours is {one} where {other} is right, or "
    "{other} where {one} is right.",
    "FACT.renamed": "You answer {pairs}, and all other answers are right.",
    "FACT.capitals": "Your words are right but for capital letters: {right} is asked for, and "
    "{received} is another text.",
    "FACT.too_often": "Every wrong answer of yours is {received}.",
    "FACT.columns": "Every wrong {flags}.",
    "FACT.sets_larger": "Every set holds all that is right, and some hold more.",
    "FACT.sets_smaller": "No set holds anything wrong, and some lack what is right.",
    "FACT.input_times": "{path} is {factor} times the input `{input}`.",
    "FACT.close": "{path} is within 1 % of the right answer in size, and is not it. So it is where "
    "a derivative is approximated, or a small term is missing.",
    "FACT.differences": "{path} is within 1 % of the right answer in float64, and further from it "
    "in float32. So it is where values are subtracted and divided by a small step. Autograd needs "
    "no step.",
    "FACT.differences.float32": "{path} is wrong in float32 alone, and by more than rounding. So "
    "it is where values are subtracted and divided by a small step. Autograd needs no step.",
    "FACT.inverted": "Every answer is the opposite of the right one.",
    "PART.cases": "In the cases that fail, and only there, your answer gives exactly what this "
    "mistake gives: “{mistake}”",
    "PART.calm": "In the cases that end without an error, what is wrong is exactly as this mistake "
    "makes it: “{mistake}”",
    "PART.of": "{path} is exactly as this mistake makes it: “{mistake}”",
    "AT_ONCE": "Your numbers are exactly those of two mistakes made at once: “{one}” And: "
    "“{other}”",
    "AT_ONCE.multiple": "Your numbers are {factor} times those of this mistake: “{mistake}”",
    "PART.beside": "It makes {others} wrong as well, and there you are right.",
    "PART.values": "The values that are wrong are exactly those of this mistake: “{mistake}”",
    "FLAGS.is_leaf": "{path} {is_or_not} a leaf, and {should} be one.",
    "FLAGS.requires_grad": "{path} {does_or_not} require grad, and {should}.",
    "FLAGS.has_graph": "{path} {has_or_not} a grad_fn, and {should} have one.",
    "FLAGS.has_grad": "{path} {has_or_not} a .grad, and {should} have one.",
    "FLAGS.retains_grad": "{path} {does_or_not} retain its grad, and {should}.",
    "FLAGS.same_object": "{path} {is_or_not} the very object that was passed in, and {should} be.",
    "FLAGS.shares_memory": "{path} {does_or_not} share memory with the input, and {should}.",
    "FLAGS.grad_fn": "{path} has the grad_fn {received}, and {expected} was expected.",
    "SIDE.input": "Your function changed what it was given: {detail}. Work on a clone, or use "
    "operations that return a new tensor (x + 1, not x += 1).",
    "SIDE.input.module": "Your function changed what it was given: {detail}. It belongs to what "
    "was passed in: leave it as it is, or put it back.",
    "SIDE.requires_grad": "Your function changed a flag of its argument: {detail}. Set flags on a "
    "tensor of your own: .detach() makes one, and .requires_grad_() after it lets it record.",
    "SIDE.requires_grad.module": "Your function changed a flag of what it was given: {detail}. "
    "Put every flag back as it was.",
    "SIDE.grad": "Your function left a trace on its argument: {detail}. Leave .grad as it is: "
    "torch.autograd.grad returns gradients without writing them anywhere; an operation such as "
    "g += 1 on .grad itself writes into it.",
    "SIDE.grad_mode": "After your function, {detail}. Put back what you found in a `finally`, or "
    "use a `with` block, such as `with torch.no_grad():`, which ends by itself.",
    "SIDE.inference_mode": "After your function, {detail}. Use `with torch.inference_mode():`, "
    "which ends by itself.",
    "SIDE.default_dtype": "After your function, {detail}. Pass dtype= where you create tensors.",
    "SIDE.rng": "Your function drew from the random numbers that the whole program shares, or set "
    "their seed: {detail}. Leave them as they are. An answer that needs random numbers takes them "
    "from a generator that it is given or makes.",
    "SIDE.anomaly": "After your function, {detail}. Use `with torch.autograd.detect_anomaly():`, "
    "which ends by itself.",
    "SIDE.default_device": "After your function, {detail}. Pass device= where you create tensors.",
    "SIDE.deterministic": "After your function, {detail}. Leave torch's global settings as they "
    "are.",
    "SIDE.autocast": "After your function, {detail}. Use `with torch.autocast(...):`, which ends "
    "by itself.",
    "SIDE.modes": "After your function, {detail}. Use it in a `with` statement, which ends by "
    "itself.",
    "SIDE.hooks": "Your function left hooks behind: {detail}. Keep the handle and call "
    "handle.remove() in a finally block.",
    "SIDE.hooks.fewer": "Your function took hooks away that others had put there: {detail}. Leave "
    "them where they are: what a call runs through them belongs to its result.",
    "SIDE.other": "Your function left something changed: {detail}.",
    "SIDE.training": "Your function left the model in another mode: {detail}. Put every module "
    "back as it was.",
    "SIDE.parameters": "Your function changed parameters of the model it was given: {detail}.",
    "SIDE.parameters.requires_grad": "Your function left flags of the model's parameters changed: "
    "{detail}. Put each flag back as it was.",
    "SIDE.parameters.grad": "Your function left other gradients in the model than it found: "
    "{detail}. Leave .grad as it is. torch.autograd.grad returns gradients without writing them "
    "anywhere.",
    "SIDE.parameters.emptied": "Your function emptied gradients that the model held: {detail}. "
    "Leave .grad as it is.",
    "SIDE.buffers": "Your function changed buffers of the model it was given: {detail}. "
    "Writing to a buffer does so, and so does a normalization layer that runs in train mode.",
    "SIDE.parts": "Your function left the model it was given with other parts: {detail}.",
    "SHAPE.here": "In this case {path} has shape {received} instead of {expected}.",
    "WRONG": "{path} differs from the right answer.",
    "WRONG.rows": "Wrong in this case: {wrong} of its {total} answers.",
    "WRONG.value": "{path} is {received}, expected {expected}.",
    "WRONG.words": "{path} is {received}, expected {expected}; {others} differs from the right "
    "answer as well.",
    "WRONG.flag": "The {flag} of {path} is {received}, expected {expected}.",
    # the same on hidden cases, where nothing may carry a hidden input
    "HIDDEN.NONE.returned": "{path} is None. Is a `return` missing?",
    "HIDDEN.TYPE": "{path} is not of the expected type.",
    "HIDDEN.NONE": "{path} is None, and should not be.",
    "HIDDEN.PER_SAMPLE.sum": "{path} has one dimension too many. Summed over the first dimension, "
    "it is the right answer.",
    "HIDDEN.PER_SAMPLE.mean": "{path} has one dimension too many. Averaged over the first "
    "dimension, it is the right answer.",
    "HIDDEN.PER_SAMPLE.sum.batch": "{path} has one dimension too many. Summed over the first "
    "dimension, which is the batch, it is the right answer: you kept one for each sample.",
    "HIDDEN.PER_SAMPLE.mean.batch": "{path} has one dimension too many. Averaged over the first "
    "dimension, which is the batch, it is the right answer: you kept one for each sample.",
    "HIDDEN.STRUCTURE.other": "The answer has other parts than expected.",
    "HIDDEN.FACT.uniform": "{path} has the same value everywhere, and the right answer has not.",
    "HIDDEN.FACT.shifted": "{path} is the right answer plus one number, the same for all its "
    "entries.",
    "HIDDEN.FACT.words_exchanged": "Two of the words that you answer are exchanged.",
    "HIDDEN.FACT.words_exchanged_some": "Of two of the words that you answer each stands for the "
    "other, in some rows.",
    "HIDDEN.FACT.renamed": "You have another word for several that are right, always the same one.",
    "HIDDEN.FACT.capitals": "Your words are right but for capital letters.",
    "HIDDEN.FACT.keys_missing": "What {path} holds is right, and something is missing.",
    "HIDDEN.FACT.keys_surplus": "{path} holds what is right, and more that was not asked for.",
    "HIDDEN.FACT.first_key": "Of {path} the first value is right in every case, and each of the "
    "others is wrong in some. Does a loop end after its first round?",
    "HIDDEN.FACT.container": "{path} has the right values, in another container than expected.",
    "HIDDEN.FACT.wrapped": "{path} is the right value inside another: return it by itself.",
    "HIDDEN.FACT.too_often": "Every wrong answer of yours is the same.",
    "HIDDEN.FACT.columns": "Of each flag every wrong answer is wrong in the same direction.",
    "HIDDEN.FACT.confused": "Every wrong answer takes one thing for another, always the same two.",
    "HIDDEN.FACT.confused_some": "Every wrong answer takes one thing for another, always the same "
    "two.",
    "HIDDEN.FACT.always": "Every answer is the same, whatever is asked.",
    "HIDDEN.RATIO.known": "{path} is {symbol} times the right answer.",
    "HIDDEN.RATIO.times_size": "{path} is the right answer times {size}.",
    "HIDDEN.RATIO.over_size": "{path} is the right answer divided by {size}.",
    "HIDDEN.RATIO.varies": "{path} is a multiple of the right answer, the same for all entries of "
    "a case and another in each.",
    "HIDDEN.STRUCTURE": "{path} has other parts than expected.",
    "HIDDEN.SHAPE.reshaped": "{path} has the right values, in another shape. Look for a missing "
    "keepdim=True, a squeeze, an unsqueeze or a flatten.",
    "HIDDEN.SHAPE.other": "{path} has another shape than expected.",
    "HIDDEN.NONFINITE": "{path} has nan or inf where the right answer is finite.",
    "HIDDEN.NONFINITE.given": "{path} has nan or inf where the right answer is finite.",
    "HIDDEN.DTYPE": "{path} has the right values, in another dtype. Look for where the dtype "
    "changes.",
    "HIDDEN.DTYPE.float32": "{path} has the right values, in another dtype. Look for where the "
    "dtype changes: torch.tensor(0.5), for one, is float32.",
    "HIDDEN.RATIO.times_count": "{path} is {symbol} times the right answer: either a sum where a "
    "mean was meant, or one addition for each.",
    "HIDDEN.RATIO.over_count": "{path} is the right answer divided by {symbol}: either a mean "
    "where a sum was meant, or one division too many.",
    "HIDDEN.RATIO.unbiased": "{path} is the right answer times sqrt((n - 1) / n) with n = "
    "{symbol}: a variance was divided by n - 1 in place of n, or by n in place of n - 1.",
    "HIDDEN.RATIO.constant": "{path} is a constant multiple of the right answer.",
    "HIDDEN.RATIO_CHANNEL": "{path} is off by one factor for each entry of dimension 1, which "
    "holds the channels where there are any. Look at what is computed once for each of them.",
    "HIDDEN.NEARLY": "{path} is right to the precision of float32 only. Possible causes: a part of "
    "it was computed in float32; a small term is missing, such as eps; it was rounded or "
    "approximated.",
    "HIDDEN.FLAGS.grad_fn": "{path} has another grad_fn than expected.",
    "HIDDEN.SHAPE.here": "In this case {path} has another shape than expected.",
    "HIDDEN.WRONG": "{path} differs from the right answer.",
    "HIDDEN.WRONG.rows": "Some of the answers of this case are wrong.",
    "HIDDEN.WRONG.value": "{path} differs from the right answer.",
    "HIDDEN.WRONG.words": "{path} differs from the right answer, and {others} does as well.",
    "HIDDEN.WRONG.flag": "{path} differs from the right answer.",
    # parts of a finding
    "numbers": "{wrong} of {total} entries differ; greatest absolute difference {worst_abs} at "
    "{at}, greatest relative difference {worst_rel}, allowed {allowed}",
    "numbers.one": "difference {worst_abs}, relative {worst_rel}, allowed {allowed}",
    # what stands beneath the findings
    "note.right_parts": "Right in every case: {parts}.",
    "note.right_partly": "{part} is right in {right} of {total} cases.",
    "note.right_rows": "Right in every answer that was asked for: {parts}.",
    "note.right_cases": "Right in {cases}.",
    "note.no_credit": 'There is no credit while the first case, "{case}", fails.',
    "note.replay": "Look closer: v = check({call}), then v.inputs() gives the inputs of the case "
    '"{case}", and v.rerun() calls your function with them.',
    "no_replay": "The inputs of this verdict are not here: only a check in your own notebook has "
    "them. A class's hidden cases are drawn where it is graded, and shown to nobody.",
    "no_replay.passed": "No case fails, so there is none to look at.",
    "note.replay.drawn": "Look closer: v = check({call}), then v.inputs() gives what the case "
    '"{case}" is built from, and v.rerun() runs it again, your own traceback included.',
    "on_case": 'In the case "{case}"',
    "other_torch": "The answers were recorded with torch {recorded}, and this is torch {here}. Ask "
    "your instructor to seal the course again.",
    "progress.visible": "“Visible cases right” says that the cases which can be checked here are "
    "right, and the points above count them. The judge checks every case, with other inputs.",
    "on_hidden_case": 'In the hidden case "{case}"',
    "unknown_error": "an exception of its own",
    "hidden_effect": "something differs from before the call",
}


_VARIANTS = (".whole", ".none", ".gradient", ".float32", ".batch", ".number", ".words", ".given")


def stable(code: str) -> str:
    """The code that a finding carries: variants of one sentence share it.

    >>> stable("NONE.gradient.whole")
    'NONE'
    """
    for variant in _VARIANTS:
        code = code.removesuffix(variant)
    return code


def say(template_code: str, **values: object) -> str:
    """The sentence under a code, filled in. Raises KeyError for an unknown code."""
    return TEMPLATES[template_code].format(**values)
