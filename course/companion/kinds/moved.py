"""Models and parameters that an optimizer holds in part, and what is computed and not used."""

from __future__ import annotations

from course.companion.kinds.kind import (
    BREAKING_2,
    DETACH,
    FLAT,
    FUNCTIONS,
    LEAVES,
    LOOP,
    LOOP_2,
    kind,
)

MOVED = (
    kind(
        "swapped",
        "Two models in each other's place",
        "{model} gets the gradients, and no optimizer holds it; {other}, which has the same layers "
        "and which {optimizer} {holds}, gets none. The two may have changed places where they are "
        "handed in.",
        "Hand in {other} where {model} stands, and {model} where {other} stands.",
        *(LOOP, "What an optimizer holds", FLAT, "a model does not change"),
    ),
    kind(
        "detached_instead",
        "The wrong one of two is detached",
        "{model} gets the gradients, and no optimizer holds it; what {other} gave, which has the "
        "same layers and which {optimizer} {holds}, is detached here.",
        "Detach what {model} gave, in the place of what {other} gave. If that is what the line is "
        "meant to do, the two have changed places where they are handed in.",
        *(DETACH, "3.2 detach", FLAT, "a model does not change"),
    ),
    kind(
        "part_alone",
        "An optimizer of one part",
        "{optimizer} was made of {part} alone: the rest of {model} keeps its values, {name}.",
        "If that is meant, freeze the rest by requires_grad_(False), and backward leaves it out. "
        "If not, make the optimizer from {model}.parameters().",
        *(LOOP, "6.5 What an optimizer holds", "a layer does not change"),
    ),
    kind(
        "step_on_frozen",
        "An optimizer of frozen parameters",
        "{optimizer} stepped, and all that it holds is frozen: no gradient comes to it.",
        "Unfreeze what is to be trained, requires_grad_(True), behind the line that freezes: a "
        "head that was put in before it is frozen with the rest. Where two nets take turns, do so "
        "in front of each one's own pass. The flag of a loss changes nothing: it hides the error "
        "that says so.",
        *(LEAVES, "Freezing a parameter", FLAT, "a model does not change"),
    ),
    kind(
        "schedule_by_batch",
        "A schedule of epochs that batches move on",
        "The length of {schedule} is computed from {epochs}, which counts epochs, and every batch "
        "of an epoch comes to this line: learning rates reach the end of their schedule within "
        "the first epochs.",
        "Move the line behind the loop over the batches, into that over the epochs. Or count "
        "batches where the schedule is made: {epochs} * len(loader).",
        *(LOOP_2, "Clip and schedule", FLAT, "training stops after an epoch"),
    ),
    kind(
        "parameters_replaced",
        "Parameters that were replaced",
        "{optimizer} {holds} none of the parameters of {model}, but others of the same shapes: the "
        "line named here puts new nn.Parameter objects in the place of old ones.",
        "Write the values into the parameters that are there, with torch.no_grad(): "
        "parameter.copy_(values). Or make the optimizer anew after that line.",
        *(LOOP, "What an optimizer holds", FLAT, "a model does not change"),
    ),
    kind(
        "copies_in_step",
        "Adapted weights that are leaves of their own",
        "The loss leads back to {count} that this line makes of what an optimizer holds, cut off "
        "from it: they get the gradient, and what the optimizer holds gets none by it.",
        "Keep the way to what is held, from the first copy on: p.clone() for "
        "p.detach().clone(), and w - lr * g without detach() or requires_grad_(). For a method of "
        "first order detach g alone. Or hand the gradients on: p.grad = w.grad.",
        *(LOOP, "What an optimizer holds", "a layer does not change", FLAT),
    ),
    kind(
        "update_unused",
        "An inner update that nothing uses",
        "{call} computes new values from a parameter and its gradient, and nothing uses them: "
        "what is computed behind that goes through the parameters as they were.",
        "Keep them, and compute with them: fast = {{name: p - lr * g for (name, p), g in "
        "zip(model.named_parameters(), grads)}}, and torch.func.functional_call(model, fast, (x,)) "
        "in the place of model(x).",
        *(LEAVES, "2.6 Changing a leaf", FLAT, "the inner steps of MAML change nothing"),
    ),
    kind(
        "gradient_unread",
        "A backward that does not read its gradient",
        "{function}.backward never reads the gradient that it is given, and that was not 1: what "
        "it returns lacks the factor of all that comes behind {function}.",
        "Multiply by it: return {grad} * (what is returned now).",
        *(FUNCTIONS, "8.2 forward and backward", "a wrong gradient", "training is unstable"),
    ),
    kind(
        "rounded_away",
        "Updates that 16 bits round away",
        "{optimizer} stepped, and {share} entries with a gradient, of what it holds in 16 bits, "
        "are what they were: a change of less than half a weight's last digit is rounded away.",
        "Keep the weights in float32, and let torch.autocast compute in 16 bits: model.float() "
        "before the optimizer is made. Or let it step float32 copies, and copy those back.",
        *(BREAKING_2, "14.13 Sixteen bits", FLAT, "a model does not change"),
    ),
    kind(
        "optimizer_anew",
        "An optimizer that is made in every step",
        "The {optimizer} that stepped here is gone: it was made for this step alone, and what it "
        "remembers from step to step, a momentum or means of gradients, begins at 0 each time.",
        "Make it once, in front of the loop, and hand it on.",
        *(LOOP, "What a step does", FLAT, "training is unstable"),
    ),
)
