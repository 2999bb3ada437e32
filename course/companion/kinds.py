"""What the companion can find, as data: a code, a title, symptoms, words, a cure, a section."""

from __future__ import annotations

from dataclasses import dataclass

from grader.errors.sections import Section


@dataclass(frozen=True)
class Kind:
    """One cause. `says` and `cure` are templates of the names that a finding fills in."""

    code: str
    title: str
    says: str
    cure: str
    section: Section
    symptoms: tuple[str, ...] = ()


_NONE, _ZERO, _NAN = ".grad is None", ".grad is zero", "nan"
_FLAT = "the loss does not fall"
_GRAPHS, _LEAVES, _DETACH, _MODES = "01-graphs", "02-leaves", "03-detach-clone", "04-grad-modes"
_HOOKS, _LOOP, _NORM = "05-hooks", "06-optimizer-loop", "07-normalization"


def _kind(
    code: str, title: str, says: str, cure: str, lesson: str, words: str, *symptoms: str
) -> Kind:
    return Kind(code, title, says, cure, Section(lesson, words), symptoms)


_FLAGS = (
    _kind(
        "no_requires_grad",
        "It does not require grad",
        "{name} does not require grad, so nothing is recorded for it.",
        "Call {name}.requires_grad_() before you compute with it.",
        *(_LEAVES, "Where requires_grad comes from", _NONE),
    ),
    _kind(
        "frozen",
        "A frozen parameter",
        "{name} is a parameter whose requires_grad is False: it is frozen.",
        "If it is to be trained: {name}.requires_grad_(True).",
        *(_LEAVES, "Freezing a parameter", _NONE, "a layer does not change"),
    ),
    _kind(
        "integer",
        "Integers have no gradient",
        "{name} holds {dtype}; only floating and complex numbers have a gradient.",
        "Convert it before you compute: {name} = {name}.float().requires_grad_().",
        *(_LEAVES, "Which dtypes can require grad", _NONE),
    ),
    _kind(
        "inference",
        "Made in inference mode",
        "{name} was made in inference mode, and no graph can hold it.",
        "Make it under torch.no_grad() instead, or use {name}.clone() outside of the block.",
        *(_MODES, "Inference mode", _NONE),
    ),
    _kind(
        "not_a_leaf",
        "Not a leaf",
        "{name} is not a leaf: {node} computed it, and backward keeps gradients in leaves only.",
        "Ask for the gradient of what it was computed from, or call {name}.retain_grad() before "
        "backward.",
        *(_LEAVES, "Reading a gradient", _NONE),
    ),
    _kind(
        "moved",
        "A leaf that was moved or cast",
        "{name} is not a leaf: it is a moved, cast or reshaped copy ({node}) of a leaf, which gets "
        "the gradient in its place.",
        "Set requires_grad as the last thing: {name} = {name}.detach().requires_grad_() after "
        "the move. A parameter: nn.Parameter(values.to(device)).",
        *(_LEAVES, "Moves, casts and reshapes", _NONE),
    ),
)

_REACH = (
    _kind(
        "loss_without_graph",
        "The loss has no graph",
        "The loss has no grad_fn: nothing that leads to it was recorded.",
        "Let the inputs or the parameters require grad, and compute the loss with torch's "
        "operations outside of no_grad.",
        *(_GRAPHS, "Which operations are recorded", _NONE, _FLAT),
    ),
    _kind(
        "loss_is_leaf",
        "requires_grad set on the loss",
        "The loss is a leaf: requires_grad was set on a result whose recording was cut before, so "
        "backward ends at the loss itself.",
        "Take requires_grad off the loss, and put the cut right.",
        *(_LEAVES, "Where requires_grad comes from", _NONE, _FLAT),
    ),
    _kind(
        "other_loss",
        "Another loss",
        "{name} is not in the graph of this loss; it is in that of {other}.",
        "Call backward on the loss that it leads to, or add the two.",
        *(_LEAVES, "Reading a gradient", _NONE),
    ),
    _kind(
        "not_reached",
        "Not reached",
        "The loss does not lead back to {name}.",
        "Run the step inside `with watch():` and ask again, to see where it was cut.",
        *(_LEAVES, "Reading a gradient", _NONE),
    ),
    _kind(
        "never_used",
        "Never used",
        "No operation was given {name}: the forward pass does not use it.",
        "Use it in the forward pass, or take it out of the model.",
        *(_LEAVES, "Reading a gradient", _NONE, "a layer does not change"),
    ),
    _kind(
        "dropped",
        "Used, and its result dropped",
        "What was computed from {name} ({name_of_call}) does not enter the loss.",
        "Use the result in the loss; look at the line for a name that is overwritten.",
        *(_LEAVES, "Reading a gradient", _NONE),
    ),
)

_CUTS = (
    _kind(
        "cut_detach",
        "Cut by detach",
        "The gradient's way back to {name} is cut: detach() hands on the values alone.",
        "Take detach() out, or detach at another place.",
        *(_DETACH, "detach: the same memory", _NONE, _FLAT),
    ),
    _kind(
        "cut_data",
        "Cut by .data",
        "The gradient's way back to {name} is cut: .data hands on the values alone.",
        "Use the tensor itself.",
        *(_DETACH, "Editing through detach", _NONE, _FLAT),
    ),
    _kind(
        "cut_off",
        "Cut where nothing is recorded",
        "The gradient's way back to {name} is cut: {call} ran while recording was off{off}.",
        "Move it out of the block (no_grad, set_grad_enabled(False), a decorator).",
        *(_MODES, "no_grad makes constants", _NONE, _FLAT),
    ),
    _kind(
        "cut_inference",
        "Cut by inference mode",
        "The gradient's way back to {name} is cut: {call} ran in inference mode.",
        "Move it out of the block.",
        *(_MODES, "Inference mode", _NONE, _FLAT),
    ),
    _kind(
        "cut_checkpoint",
        "Cut by a reentrant checkpoint",
        "A reentrant checkpoint records nothing unless one of its arguments requires grad; inside "
        "it {name} gets no gradient.",
        "Pass use_reentrant=False.",
        *(_MODES, "Recorded, and little of it saved", _NONE, _FLAT),
    ),
    _kind(
        "cut_integer",
        "Cut by an operation without a derivative",
        "The gradient's way back to {name} is cut: {call} gives {dtype}, which has no gradient.",
        "Use a smooth operation in its place: softmax for argmax, sigmoid for a comparison.",
        *(_GRAPHS, "Which operations are recorded", _NONE, _FLAT),
    ),
    _kind(
        "cut_rebuilt",
        "Cut by torch.tensor",
        "The gradient's way back to {name} is cut: {call} copies the values of tensors and leaves "
        "their graph behind.",
        "Use torch.stack(tensors) or torch.cat(tensors).",
        *(_GRAPHS, "Which operations are recorded", _NONE, _FLAT),
    ),
    _kind(
        "cut_number",
        "Cut by a number or an array",
        "The gradient's way back to {name} is probably cut here: {call} leaves torch, and a number "
        "or a NumPy array has no graph.",
        "Stay with tensors until the loss is computed, and use torch's own functions.",
        *(_GRAPHS, "Which operations are recorded", _NONE, _FLAT),
    ),
    _kind(
        "cut_operation",
        "Cut by an operation",
        "The gradient's way back to {name} is cut: {call} is given something that requires grad, "
        "and gives something that does not.",
        "Use another operation, or the tensor before it.",
        *(_GRAPHS, "Which operations are recorded", _NONE, _FLAT),
    ),
)

_PASSES = (
    _kind(
        "no_backward",
        "No backward pass yet",
        "The loss leads back to {name}, and no backward pass has filled .grad yet.",
        "Call loss.backward().",
        *(_GRAPHS, "One gradient, by hand", _NONE),
    ),
    _kind(
        "emptied",
        "Emptied after backward",
        "The gradient of {name} was emptied after backward.",
        "Read .grad after backward and before zero_grad().",
        *(_LOOP, "When to empty the gradients", _NONE),
    ),
    _kind(
        "graph_freed",
        "The graph was freed",
        "Backward went through this graph before, so its gradients cannot be measured again.",
        "Ask before backward, call loss.backward(retain_graph=True), or run the step inside "
        "`with watch():`.",
        *(_GRAPHS, "What forward saves", _ZERO),
    ),
    _kind(
        "fine",
        "Nothing is wrong here",
        "{name} is reached from the loss, and its gradient has entries up to {size}.",
        "Nothing to cure.",
        *(_GRAPHS, "One gradient, by hand"),
    ),
    _kind(
        "carried",
        "A graph carried from step to step",
        "{name} hangs on the graphs of {count} backward passes: it is carried from step to step.",
        "Detach it where a step begins; of a running sum keep the number: total += loss.item().",
        *(_GRAPHS, "second backward pass", "memory grows", "a second backward raises"),
    ),
)

_SIZES = (
    _kind(
        "zero_step",
        "Zero at an operation that is flat",
        "The gradient of {name} is zero: {node} ({call}) is flat, so its derivative is 0 "
        "everywhere.",
        "Use a smooth operation in its place, or let the gradient through: "
        "x + (x.round() - x).detach().",
        *(_GRAPHS, "Multiply along a path", _ZERO, _FLAT),
    ),
    _kind(
        "zero_relu",
        "Zero at a ReLU",
        "The gradient of {name} is zero: wherever one arrives at {node} ({call}), the input is not "
        "positive, and the slope is 0.",
        "Look at the inputs of that line: a smaller learning rate, another initialization, no "
        "second ReLU at the end, or leaky_relu.",
        *(_GRAPHS, "Multiply along a path", _ZERO, _FLAT),
    ),
    _kind(
        "zero_flat",
        "Zero where a function is flat",
        "The gradient of {name} is zero: {node} ({call}) is given values where it is flat.",
        "Look at the size of that line's inputs: scale them down, or use the version of the loss "
        "that takes scores.",
        *(_GRAPHS, "Multiply along a path", _ZERO, _FLAT),
    ),
    _kind(
        "zero_factor",
        "Zero by a factor of zero",
        "The gradient of {name} is zero: {node} ({call}) multiplies it by zeros.",
        "Look at the other factor of that line: weights or inputs that are all 0, or a mask that "
        "lets nothing through.",
        *(_GRAPHS, "Multiply along a path", _ZERO, _FLAT),
    ),
    _kind(
        "zero_sum",
        "Zero by a sum that is constant",
        "The gradient of {name} is zero: {node} ({call}) gives values whose sum never changes.",
        "Do not sum all of softmax's or a normalization's outputs: compare them with a target.",
        *(_NORM, "The backward pass of BatchNorm", _ZERO, _FLAT),
    ),
    _kind(
        "zero_other",
        "Zero at a node",
        "The gradient of {name} is zero: it enters {node} ({call}) with entries and leaves it "
        "without.",
        "Look at what that line is given.",
        *(_GRAPHS, "Multiply along a path", _ZERO, _FLAT),
    ),
    _kind(
        "nan_point",
        "nan at a point without a derivative",
        "The gradient of {name} is {bad}: it is born in {node} ({call}), which was given a value "
        "where it has no finite slope, such as 0.",
        "Keep the argument away from 0: (x + eps).sqrt(), clamp(min=eps) before log, eps inside "
        "of a norm. torch.where after it does not help: put it before.",
        *(_HOOKS, "A hook or retain_grad", _NAN, "the loss is nan"),
    ),
    _kind(
        "nan_other",
        "nan at a node",
        "The gradient of {name} is {bad}: it is born in {node} ({call}).",
        "Look at what that line is given: inf, nan, or a division by 0.",
        *(_HOOKS, "A hook or retain_grad", _NAN, "the loss is nan"),
    ),
    _kind(
        "nan_loss",
        "The loss itself is nan",
        "The loss is {bad} before any backward pass; {first} is the first call that gave it.",
        "Look at what that line is given: log of 0, 0/0, inf - inf, or numbers that overflow.",
        *(_HOOKS, "A hook or retain_grad", _NAN, "the loss is nan"),
    ),
)

_REGISTERED = (
    _kind(
        "in_a_list",
        "Layers in a Python list",
        "{name} is a Python {container} of {what}: the model does not know them, and "
        "parameters() leaves them out.",
        "Use {cure_with}.",
        *(_LEAVES, "Layers are not leaves", "a layer does not change", _FLAT),
    ),
    _kind(
        "plain_tensor",
        "A tensor that is no parameter",
        "{name} requires grad and is a plain tensor, so parameters() leaves it out.",
        "Make it nn.Parameter(...) in __init__.",
        *(_LEAVES, "Layers are not leaves", "a weight does not change", _FLAT),
    ),
    _kind(
        "not_in_optimizer",
        "Not in the optimizer",
        "{optimizer} does not hold {name}, so no step changes it.",
        "Make the optimizer from model.parameters() once the model is complete, or pass the rest "
        "to add_param_group.",
        *(_LOOP, "What an optimizer holds", "a layer does not change", _FLAT),
    ),
    _kind(
        "other_model",
        "The optimizer holds other tensors",
        "{optimizer} holds none of the parameters of {model}: it was made for other tensors.",
        "Make the optimizer after the model it is to train, and anew when the model is replaced.",
        *(_LOOP, "What an optimizer holds", _FLAT),
    ),
)

_ORDER = (
    _kind(
        "step_before_backward",
        "step before backward",
        "The optimizer stepped before the backward pass of its step, on gradients that were "
        "emptied or belong to the step before.",
        "Order: zero_grad(), backward(), step().",
        *(_LOOP, "The loop, line by line", _FLAT),
    ),
    _kind(
        "emptied_before_step",
        "Emptied between backward and step",
        "The gradients are emptied after backward and before step(), so the step has none.",
        "Call zero_grad() before backward, or after step().",
        *(_LOOP, "When to empty the gradients", _FLAT),
    ),
    _kind(
        "never_emptied",
        "Gradients that are never emptied",
        "{count} backward passes, each followed by step(), and no zero_grad(): gradients of all "
        "earlier steps add up.",
        "Call optimizer.zero_grad() in every step.",
        *(_LOOP, "Gradients add up", "the loss rises", "training is unstable"),
    ),
    _kind(
        "no_step",
        "No step",
        "{count} backward passes, and the optimizer never stepped.",
        "Call optimizer.step() after backward.",
        *(_LOOP, "The loop, line by line", _FLAT),
    ),
    _kind(
        "clip_after_step",
        "Clipping after the step",
        "Gradients are clipped after step() has used them.",
        "Clip between backward() and step().",
        *(_LOOP, "The loop, line by line", "training is unstable"),
    ),
    _kind(
        "clip_before_backward",
        "Clipping before backward",
        "Gradients are clipped before backward has made them.",
        "Clip between backward() and step().",
        *(_LOOP, "The loop, line by line", "training is unstable"),
    ),
    _kind(
        "clip_scaled",
        "Clipping scaled gradients",
        "Gradients are clipped while they carry the scaler's factor.",
        "Call scaler.unscale_(optimizer) before clipping.",
        *(_LOOP, "The loop, line by line", _FLAT),
    ),
    _kind(
        "scheduler_first",
        "scheduler.step before optimizer.step",
        "The learning rate changed between backward and optimizer.step(): the scheduler moved on "
        "first.",
        "Call scheduler.step() after optimizer.step().",
        *(_LOOP, "The learning rate"),
    ),
)

_FED = (
    _kind(
        "probabilities",
        "Probabilities where scores belong",
        "{loss} was given the result of {maker}, and applies {maker} itself.",
        "Give it the scores: take {maker} out of the model.",
        *(_LOOP, "The loss must fit", _FLAT, "the loss stays high"),
    ),
    _kind(
        "no_logarithm",
        "Probabilities where their logarithms belong",
        "{loss} was given the result of {maker}, and wants logarithms of probabilities.",
        "Use log_softmax in the place of softmax.",
        *(_LOOP, "The loss must fit", _FLAT, "the loss is negative"),
    ),
    _kind(
        "scores_for_logs",
        "Scores where logarithms of probabilities belong",
        "{loss} was given the scores of a layer, and wants logarithms of probabilities.",
        "Apply log_softmax(dim=-1) first; cross_entropy does both.",
        *(_LOOP, "The loss must fit", _FLAT, "the loss is negative"),
    ),
    _kind(
        "broadcast",
        "Shapes that broadcast",
        "{one} meets {other} and becomes {result}: every prediction is compared with every target.",
        "Give both one shape: prediction.squeeze(1), or target.unsqueeze(1).",
        *(_LOOP, "The loss must fit", _FLAT, "every prediction is the mean"),
    ),
    _kind(
        "ignored",
        "Every target is ignored",
        "Every target equals ignore_index ({index}), and the mean of nothing is nan.",
        "Skip such a batch, or take care that the targets are not all padding.",
        *(_LOOP, "The loss must fit", _NAN, "the loss is nan"),
    ),
)

_STATES = (
    _kind(
        "eval_mode",
        "Training in eval mode",
        "{model} is in eval mode while it is trained: dropout is off, and BatchNorm does not "
        "learn its statistics.",
        "Call {model}.train() before the loop, and again after every evaluation.",
        *(_MODES, "What eval() does"),
    ),
    _kind(
        "frozen_batchnorm",
        "A frozen BatchNorm that moves",
        "The parameters of {name} are frozen, and in training mode its statistics move all the "
        "same.",
        "Call {name}.eval() after model.train().",
        *(_MODES, "Frozen, and moving"),
    ),
    _kind(
        "graphs_kept",
        "Graphs that stay alive",
        "{count} results of earlier steps are alive with their graphs{owner}: memory grows with "
        "every step.",
        "Keep loss.item() or x.detach() in lists and sums.",
        *(_GRAPHS, "What forward saves", "memory grows"),
    ),
    _kind(
        "compiled",
        "Compiled code is not seen",
        "{name} is compiled: the watch sees nothing of what happens inside.",
        "For the search, use the model without torch.compile.",
        *(_GRAPHS, "Which operations are recorded"),
    ),
    _kind(
        "distributed",
        "Other processes are not seen",
        "{name} is DistributedDataParallel: what the other processes do, and whether you went "
        "past the wrapper, is not seen.",
        "Look for the mistake in one process, with the model itself.",
        *(_LOOP, "The loop, line by line"),
    ),
)

KINDS = {
    kind.code: kind
    for kind in (
        *(*_FLAGS, *_REACH, *_CUTS, *_PASSES, *_SIZES),
        *(*_REGISTERED, *_ORDER, *_FED, *_STATES),
    )
}
"""All of them, by code, for the companion and for an index of symptoms."""
