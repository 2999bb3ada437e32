"""Where a gradient's way back to a tensor was cut."""

from __future__ import annotations

from course.companion.kinds.kind import (
    BREAKING_2,
    DETACH,
    FLAT,
    FUNCTIONS,
    GRAPHS,
    GRAPHS_2,
    LOOP,
    MODES,
    NONE,
    TENSORS,
    kind,
)

CUTS = (
    kind(
        "cut_detach",
        "Cut by detach",
        "The gradient's way back to {name} is cut: detach() hands on the values alone.",
        "Detach only where the values alone are wanted, D(fake.detach()) of a GAN; else take it "
        "out.",
        *(DETACH, "detach: the same memory", NONE, FLAT),
    ),
    kind(
        "straight_through",
        "Only a straight-through estimator leads on",
        "The loss is made of {name} by a straight-through estimator alone, z + (q - z).detach(): "
        "it gives the gradient to z and none to q, and is meant so.",
        "Leave that detach() where it is. What makes q, such as a codebook, is trained by a term "
        "of its own: add (q - z.detach()).pow(2).mean() to the loss.",
        *(FUNCTIONS, "A straight-through estimator", NONE, FLAT),
    ),
    kind(
        "straight_through_compared",
        "A codebook's term that compares the estimator",
        "Nothing trains {name}: the term that is to do it compares z + (q - z).detach() with "
        "z.detach(). That value is made at {at}, and gives its gradient to z and none to q.",
        "Compare q itself, as it was looked up, with z.detach() here, and hand q on beside the "
        "estimated value. Leave the detach() of the estimator where it is.",
        *(FUNCTIONS, "A straight-through estimator", NONE, FLAT),
    ),
    kind(
        "estimate_unused",
        "A straight-through value that nothing uses",
        "The loss is made of the places that were chosen from {name} ({call} at {at}), and a place "
        "has no gradient. This line makes z + (q - z).detach(), which has one, and the loss does "
        "not use it.",
        "Compute the rest from what this line gives, in the place of the chosen numbers. If that "
        "needs vectors of its own for them, add it to those: table(index) + z_q.",
        *(FUNCTIONS, "A straight-through estimator", NONE, FLAT),
    ),
    kind(
        "dropped_cached",
        "A result of an earlier call, kept and returned",
        "What was computed from {name}, last at {at}, does not enter the loss, and {kept}, which "
        "an earlier call made, does: this line returns it without a look at what is given now.",
        "Keep nothing of what depends on an argument that is trained: switch this off, or empty "
        "it, {kept} = None, before each call.",
        *(LOOP, "None, zeros, and missing", NONE, FLAT),
    ),
    kind(
        "residual_estimated",
        "A rest whose gradient is 0",
        "The term at {at} trains nothing: what it compares is z - (z + (q - z).detach()), made "
        "here, and the derivative of that by z is 0.",
        "Subtract the values alone: z - quantized.detach(), whose derivative by z is 1.",
        *(FUNCTIONS, "A straight-through estimator", FLAT),
    ),
    kind(
        "cut_data",
        "Cut by .data",
        "The gradient's way back to {name} is cut: .data hands on the values alone.",
        "Use the tensor itself.",
        *(DETACH, "Edits that are counted", NONE, FLAT),
    ),
    kind(
        "constant_in_derivative",
        "In no derivative that the loss is made of",
        "The loss meets what {name} goes into in a derivative alone, and that does not depend on "
        "{name}: a constant that is added, such as a last bias, is in no derivative, and in front "
        "of straight pieces, such as ReLU, no bias is.",
        "If the value itself counts, add a term of it to the loss, such as a boundary's or data's. "
        "If not, there is nothing to cure.",
        *(GRAPHS_2, "A linear layer by hand", NONE),
    ),
    kind(
        "kept_unrecorded",
        "A custom Function that keeps what its forward computed",
        "The backward of {name} computes with ctx.{kept}, which its forward made and nothing "
        "recorded: to the second derivative that the loss is made of it is a constant, and what "
        "it depends on gets a wrong gradient by it, or none.",
        "Keep what forward was given, ctx.save_for_backward(x), and compute {kept} anew from that "
        "in backward. gradgradcheck tells whether that is right.",
        *(FUNCTIONS, "Second derivatives", NONE, FLAT),
    ),
    kind(
        "kept_copy",
        "A custom Function that differentiates by a copy",
        "The backward of {name} computes with ctx.{kept}, a copy of its input that forward made a "
        "leaf: the second derivative that the loss is made of ends there, and what the input "
        "depends on gets a wrong gradient by it, or none.",
        "Keep the input itself, ctx.save_for_backward(x). In backward compute from it under "
        "torch.enable_grad(), and differentiate by it with create_graph=True. gradgradcheck tells "
        "whether that is right.",
        *(FUNCTIONS, "Second derivatives", NONE, FLAT),
    ),
    kind(
        "cut_then_step",
        "Cut in front of a rounding",
        "The gradient's way back to {name} is cut: {call} hands on the values alone, and {step} "
        "behind it has a slope of 0, so taking the cut out gives zeros.",
        "Let the gradient past the rounding, a straight-through estimator: "
        "w + (w.sign() - w).detach().",
        *(FUNCTIONS, "A straight-through estimator", NONE, FLAT),
    ),
    kind(
        "cut_off",
        "Cut where nothing is recorded",
        "The gradient's way back to {name} is cut: {call} ran while recording was off{off}.",
        "Move it out of the block (no_grad, set_grad_enabled(False), a decorator). sample() of a "
        "distribution is such a block too: use rsample() in its place, where there is one.",
        *(MODES, "What the block makes is a constant", NONE, FLAT),
    ),
    kind(
        "cut_sample",
        "Cut by sample() of a distribution",
        "The gradient's way back to {name} is cut: {call} draws without recording.",
        "Call rsample() in its place. It draws noise and computes the sample from it and the "
        "distribution's parameters, recorded.",
        *(MODES, "What the block makes is a constant", NONE, FLAT),
    ),
    kind(
        "cut_copied",
        "Weights copied into another module",
        "What was computed from {name} is copied into another leaf: {call} writes values there, "
        "and no graph comes with them.",
        "Run the module with the computed tensors themselves: torch.func.functional_call(module, "
        "weights, (x,)), with weights a dict by the names of its parameters.",
        *(DETACH, "detach: the same memory", NONE, FLAT),
    ),
    kind(
        "cut_deepcopy",
        "The loss leads to a copy",
        "The loss leads back to a copy of {name}: deepcopy() makes another parameter here, with "
        "its values and a gradient of its own.",
        "Train the model itself, or make the copy before the optimizer and train that. Weights go "
        "back by model.load_state_dict(copy.state_dict()). Where a model is to learn through its "
        "adapted weights, compute with them in its place: torch.func.functional_call(model, "
        "{{n: p - lr * g ...}}, x), g of autograd.grad with create_graph=True.",
        *(DETACH, "detach: the same memory", NONE, FLAT),
    ),
    kind(
        "cut_draw",
        "Cut by a draw that has no derivative",
        "The gradient's way back to {name} is cut: {call} draws, and {why}.",
        "Weigh what the draw brought by its logarithm: -(dist.log_prob(drawn) * reward).mean(). "
        "To send a gradient through a choice itself, use F.gumbel_softmax(logits, hard=True) in "
        "place of the draw, or a straight-through estimator, p + (drawn - p).detach(), with p the "
        "probabilities and drawn the choice as one-hot rows.",
        *(FUNCTIONS, "A straight-through estimator", NONE, FLAT),
    ),
    kind(
        "cut_derivative",
        "Cut by autograd.grad without create_graph",
        "The gradient's way back to {name} is cut: the loss is made of what autograd.grad gave "
        "here without create_graph=True, and that hands on values alone.",
        "Call torch.autograd.grad(..., create_graph=True), and give a backward pass the loss that "
        "is made of its result.",
        *(FUNCTIONS, "8.7 Second derivatives", NONE, FLAT),
    ),
    kind(
        "cut_step",
        "Cut by an optimizer's step",
        "The gradient's way back to {name} is cut: the loss is made of weights that this step "
        "fitted to it, and a step writes numbers, so no graph leads from them to {name}.",
        "Make the inner update a computation: g = torch.autograd.grad(inner_loss, weights, "
        "create_graph=True), new = [w - lr * d for w, d in zip(weights, g)], and compute the loss "
        "with those, as torch.func.functional_call(model, new_by_name, x) does.",
        *(FUNCTIONS, "8.7 Second derivatives", NONE, FLAT),
    ),
    kind(
        "off_before",
        "Recording was off from the beginning",
        "The gradient's way back to {name} is cut: {call} ran without recording, which was off "
        "before the watched step began.",
        "Switch it on before the step: torch.set_grad_enabled(True). For an evaluation write `with "
        "torch.no_grad():`, which ends by itself.",
        *(MODES, "Where a block does not reach", NONE, FLAT),
    ),
    kind(
        "cut_inference",
        "Cut by inference mode",
        "The gradient's way back to {name} is cut: {call} ran in inference mode.",
        "Move it out of the block.",
        *(MODES, "Inference mode", NONE, FLAT),
    ),
    kind(
        "cut_checkpoint",
        "Cut by a reentrant checkpoint",
        "A reentrant checkpoint records nothing unless one of its arguments requires grad: no "
        "gradient comes out of it to {name}.",
        "Pass use_reentrant=False.",
        *(BREAKING_2, "14.12 Checkpoints that cut", NONE, FLAT),
    ),
    kind(
        "cut_integer",
        "Cut by an operation without a derivative",
        "The gradient's way back to {name} is cut: {call} gives {dtype}, which has no gradient.",
        "Use a smooth operation in its place: softmax for argmax, sigmoid for a comparison. Where "
        "a score chooses rows, let it weigh them too: x[chosen] * score[chosen].unsqueeze(1).",
        *(GRAPHS, "Which results are recorded", NONE, FLAT),
    ),
    kind(
        "cut_lookup",
        "Cut by a choice of rows",
        "The gradient's way back to {name} is cut: {call} gives {dtype}, by which a row of a table "
        "is looked up at {at}, and an index has no gradient.",
        "Hand the gradient past the choice: with z for what the row q was chosen for, go on with "
        "z + (q - z).detach(), which has the values of q and the gradient of z. To keep the two "
        "near each other, compare z with q.detach() too.",
        *(FUNCTIONS, "A straight-through estimator", NONE, FLAT),
    ),
    kind(
        "cut_rebuilt",
        "Cut by torch.tensor",
        "The gradient's way back to {name} is cut: {call} copies the values of tensors and leaves "
        "their graph behind.",
        "Use torch.stack(tensors) or torch.cat(tensors), and a single tensor as it is.",
        *(TENSORS, "torch.tensor of tensors cuts", NONE, FLAT),
    ),
    kind(
        "cut_number",
        "Cut by a number or an array",
        "The gradient's way back to {name} is cut here: {call} leaves torch, and a number "
        "or a NumPy array has no graph.",
        "Stay with tensors until the loss is computed, and use torch's own functions.",
        *(GRAPHS, "Which results are recorded", NONE, FLAT),
    ),
    kind(
        "term_without_graph",
        "A term of the loss that trains nothing",
        "A term of the loss has no graph, so it changes no gradient: it is made of what "
        "autograd.grad gave here without create_graph=True, and joins the loss at {joins}.",
        "Call torch.autograd.grad(..., create_graph=True), so that the term has a graph.",
        *(FUNCTIONS, "8.7 Second derivatives", FLAT),
    ),
    kind(
        "term_cut",
        "A term of the loss that was cut off",
        "A term of the loss changes no gradient: what it is computed of was cut off by {how}, and "
        "nothing else of the loss leads back to that. It joins the loss at {joins}.",
        "If it is to train what it was computed of, take out what cuts it. If it is only to be "
        "shown, leave it out of the loss.",
        *(DETACH, "3.2 detach", FLAT, "a term of the loss has no effect"),
    ),
    kind(
        "term_unrecorded",
        "A term of the loss that is not recorded",
        "A term of the loss changes no gradient: all of it is computed in this block, which "
        "records nothing. It joins the loss at {joins}.",
        "If it is to train what it is computed by, compute it outside of the block, and leave "
        "inside what is to be a constant, such as a target. If it is only to be shown, leave it "
        "out of the loss.",
        *(MODES, "What the block makes is a constant", FLAT, "a term of the loss has no effect"),
    ),
    kind(
        "term_unmoved",
        "A term of the loss that nothing steps",
        "A term of the loss moves nothing that steps behind this pass: {how} hands on the values "
        "alone of what is stepped, so the term leads back to other weights only. It joins the loss "
        "at {joins}.",
        "If it is to train what steps, compute it of the tensor itself. Where another loss needs "
        "the same value detached, compute both, one of each. Else leave the term out.",
        *(DETACH, "3.2 detach", FLAT, "a term of the loss has no effect"),
    ),
    kind(
        "term_counted",
        "A term of the loss that counts",
        "A term of the loss changes no gradient: {how} gives counts or places, which have no "
        "derivative. It joins the loss at {joins}.",
        "Measure the same by smooth functions: in the place of a histogram let each value weigh "
        "every bin by its distance, torch.exp(-((x[..., None] - centers) / width) ** 2), in the "
        "place of argmax take softmax. If it is only to be shown, leave it out of the loss.",
        *(DETACH, "3.2 detach", FLAT, "a term of the loss has no effect"),
    ),
    kind(
        "cut_operation",
        "Cut by an operation",
        "The gradient's way back to {name} is cut: {call} is given something that requires grad, "
        "and gives something that does not.",
        "Use another operation, or the tensor before it.",
        *(GRAPHS, "Which results are recorded", NONE, FLAT),
    ),
)
