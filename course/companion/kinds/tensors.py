"""Why a tensor has no gradient: its flags, what the loss leads back to, where it was cut."""

from __future__ import annotations

from course.companion.kinds.kind import (
    BREAKING_2,
    DETACH,
    FLAT,
    FUNCTIONS,
    GRAPHS,
    LEAVES,
    LOOP,
    MODES,
    NONE,
    TENSORS,
    kind,
)

FLAGS = (
    kind(
        "no_requires_grad",
        "It does not require grad",
        "{name} does not require grad, so nothing is recorded for it.",
        "Call {name}.requires_grad_() before you compute with it.",
        *(LEAVES, "The flag, and freezing", NONE),
    ),
    kind(
        "frozen",
        "A frozen parameter",
        "{name} is a parameter whose requires_grad is False: it is frozen.",
        "If it is to be trained: {name}.requires_grad_(True), or that of the whole module. "
        "module.requires_grad = True makes a plain attribute, and unfreezes nothing.",
        *(LEAVES, "Freezing a parameter", NONE, "a layer does not change"),
    ),
    kind(
        "integer",
        "Integers have no gradient",
        "{name} holds {dtype}; only floating and complex numbers have a gradient.",
        "Convert it before you compute: {name} = {name}.float().requires_grad_().",
        *(LEAVES, "Which dtypes can require grad", NONE),
    ),
    kind(
        "inference",
        "Made in inference mode",
        "{name} was made in inference mode, and no graph can hold it.",
        "Make it under torch.no_grad() instead, or use {name}.clone() outside of the block.",
        *(MODES, "What an inference tensor gave up", NONE),
    ),
    kind(
        "not_a_leaf",
        "Not a leaf",
        "{name} is not a leaf: {node} computed it, and backward keeps gradients in leaves only.",
        "Ask for the gradient of what it was computed from, or call {name}.retain_grad() before "
        "backward.",
        *(LEAVES, "The gradient of a non-leaf", NONE),
    ),
    kind(
        "moved",
        "A leaf that was moved or cast",
        "{name} is not a leaf: it is a moved, cast or reshaped copy ({node}) of a leaf, which gets "
        "the gradient in its place.",
        "Set requires_grad as the last thing: {name} = {name}.detach().requires_grad_() after "
        "the move. A parameter: nn.Parameter(values.to(device)).",
        *(LEAVES, "How a leaf is lost", NONE),
    ),
)


REACH = (
    kind(
        "loss_without_graph",
        "The loss has no graph",
        "The loss has no grad_fn: nothing that leads to it was recorded.",
        "Let the inputs or the parameters require grad, and compute the loss with torch's "
        "operations outside of no_grad.",
        *(GRAPHS, "Which results are recorded", NONE, FLAT),
    ),
    kind(
        "loss_is_leaf",
        "requires_grad set on the loss",
        "The loss is a leaf: requires_grad was set on a result whose recording was cut before, so "
        "backward ends at the loss itself.",
        "Take requires_grad off the loss, and put the cut right.",
        *(BREAKING_2, "14.15 A loss that was made anew", NONE, FLAT),
    ),
    kind(
        "other_loss",
        "Another loss",
        "{name} is not in the graph of this loss; it is in that of {other}.",
        "Call backward on the loss that it leads to, or add the two.",
        *(LEAVES, "Who keeps a gradient", NONE),
    ),
    kind(
        "other_pass",
        "The gradient of another loss",
        "{name} is not in the graph of this loss; its gradient is that of {other}, whose backward "
        "was seen.",
        "Ask about that loss: why_no_grad({name}, {other}).",
        *(LEAVES, "Who keeps a gradient", NONE),
    ),
    kind(
        "not_seen",
        "Cut where no watch looks",
        "The loss does not lead back to {name}, which the watched step used; the watch did not see "
        "where the way was cut.",
        "Look at what lies between the two and is not seen: compiled code, a custom "
        "autograd.Function, another thread, lines outside of the block.",
        *(LOOP, "None, zeros, and missing", NONE),
    ),
    kind(
        "not_reached",
        "Not reached",
        "The loss does not lead back to {name}.",
        "Run the step inside `with watch():` and ask again, to see where it was cut.",
        *(LOOP, "None, zeros, and missing", NONE),
    ),
    kind(
        "never_used",
        "Never used",
        "No operation was given {name}: the forward pass does not use it.",
        "Use it in the forward pass, or take it out of the model.",
        *(LOOP, "None, zeros, and missing", NONE, "a layer does not change"),
    ),
    kind(
        "idle",
        "Not used in this step",
        "No operation was given {name} in this step, and others beside it in {container} were "
        "used.",
        "If the batch chooses among them, as among experts, its turn comes: watch more steps. If "
        "none ever uses it, look at the loop over {container}.",
        *(LOOP, "None, zeros, and missing", NONE, "a layer does not change"),
    ),
    kind(
        "dropped",
        "Used, and its result dropped",
        "What was computed from {name} ({name_of_call}) does not enter the loss.",
        "Use the result in the loss. Look for a name that is overwritten, and for "
        "nn.Parameter(...), which makes a new leaf of the values.",
        *(LOOP, "None, zeros, and missing", NONE),
    ),
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
        "{name} enters the loss by a straight-through estimator alone, z + (q - z).detach(): it "
        "gives the gradient to z and none to q, and is meant so.",
        "Leave that detach() where it is. What makes q, such as a codebook, is trained by a term "
        "of its own: add (q - z.detach()).pow(2).mean() to the loss.",
        *(FUNCTIONS, "A straight-through estimator", NONE, FLAT),
    ),
    kind(
        "cut_data",
        "Cut by .data",
        "The gradient's way back to {name} is cut: .data hands on the values alone.",
        "Use the tensor itself.",
        *(DETACH, "Edits that are counted", NONE, FLAT),
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
        "cut_inference",
        "Cut by inference mode",
        "The gradient's way back to {name} is cut: {call} ran in inference mode.",
        "Move it out of the block.",
        *(MODES, "Inference mode", NONE, FLAT),
    ),
    kind(
        "cut_checkpoint",
        "Cut by a reentrant checkpoint",
        "A reentrant checkpoint records nothing unless one of its arguments requires grad; inside "
        "it {name} gets no gradient.",
        "Pass use_reentrant=False.",
        *(BREAKING_2, "14.12 Checkpoints that cut", NONE, FLAT),
    ),
    kind(
        "cut_integer",
        "Cut by an operation without a derivative",
        "The gradient's way back to {name} is cut: {call} gives {dtype}, which has no gradient.",
        "Use a smooth operation in its place: softmax for argmax, sigmoid for a comparison.",
        *(GRAPHS, "Which results are recorded", NONE, FLAT),
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
        "cut_operation",
        "Cut by an operation",
        "The gradient's way back to {name} is cut: {call} is given something that requires grad, "
        "and gives something that does not.",
        "Use another operation, or the tensor before it.",
        *(GRAPHS, "Which results are recorded", NONE, FLAT),
    ),
)
