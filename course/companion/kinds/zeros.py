"""Where a gradient becomes zero."""

from __future__ import annotations

from course.companion.kinds.kind import (
    BREAKING,
    BREAKING_2,
    FLAT,
    FUNCTIONS,
    GRAPHS,
    HOOKS,
    MODULES,
    NORM_2,
    ZERO,
    kind,
)

ZEROS = (
    kind(
        "zero_step",
        "Zero at an operation that is flat",
        "The gradient of {name} is zero: {node} ({call}) is flat, so its derivative is 0 "
        "everywhere.",
        "Use a smooth operation in its place, or let the gradient through: "
        "x + (x.{step} - x).detach().",
        *(FUNCTIONS, "A straight-through estimator", ZERO, FLAT),
    ),
    kind(
        "zero_draw",
        "Zero at a draw",
        "The gradient of {name} is zero: {node} ({call}) draws, and torch gives a draw the "
        "derivative 0.",
        "Of a normal distribution compute the draw: mean + std * torch.randn_like(mean). Of a "
        "choice use its log-probability, log_prob of torch.distributions, or "
        "F.gumbel_softmax(logits, hard=True).",
        *(FUNCTIONS, "A straight-through estimator", ZERO, FLAT),
    ),
    kind(
        "zero_relu",
        "Zero at a ReLU",
        "The gradient of {name} is zero: wherever one arrives at {node} ({call}), the input is not "
        "positive, and the slope is 0.",
        "Look at the inputs of that line: a smaller learning rate, another initialization, no "
        "second ReLU at the end, or leaky_relu.",
        *(HOOKS, "A model that you may not edit", ZERO, FLAT),
    ),
    kind(
        "zero_curvature",
        "The second derivative of a net of ReLUs",
        "The gradient of {name} is zero: the loss is made of a derivative of a derivative "
        "({node}). A net of linear layers and activations such as ReLU consists of straight "
        "pieces, so its second derivative is 0 everywhere.",
        "Use an activation that is curved, in every hidden layer: tanh, sin, softplus, silu or "
        "gelu.",
        *(BREAKING, "14.7 A second derivative that is zero", ZERO, FLAT),
    ),
    kind(
        "curvature_none",
        "A second derivative that is 0 everywhere",
        "The derivative of a derivative that is made here is 0 everywhere ({node}): the net "
        "consists of straight pieces, as one of linear layers and activations such as ReLU does. "
        "A term of the loss that is made of it trains nothing.",
        "Use an activation that is curved, in every hidden layer: tanh, sin, softplus, silu or "
        "gelu.",
        *(BREAKING, "14.7 A second derivative that is zero", ZERO, FLAT),
    ),
    kind(
        "zero_flat",
        "Zero where a function is flat",
        "The gradient of {name} is zero: {node} ({call}) is given values where it is flat.",
        "Look at the size of that line's inputs: scale them down, or use the version of the loss "
        "that takes scores.",
        *(GRAPHS, "Multiply along a path", ZERO, FLAT),
    ),
    kind(
        "zero_clamped",
        "Zero outside of a clamp's limits",
        "The gradient of {name} is zero: {node} ({call}) is given values outside of its limits, "
        "where its result does not change.",
        "Begin with values within the limits; or use bounds that are never flat, such as low + "
        "(high - low) * torch.sigmoid(x).",
        *(GRAPHS, "Multiply along a path", ZERO, FLAT),
    ),
    kind(
        "zero_factor",
        "Zero by a factor of zero",
        "The gradient of {name} is zero: {node} ({call}) multiplies it by zeros{other}.",
        "Look at the other factor of that line: weights or inputs that are all 0, or a mask that "
        "lets nothing through.",
        *(GRAPHS, "Multiply along a path", ZERO, FLAT),
    ),
    kind(
        "zero_made",
        "Zeros that were made to be filled",
        "The gradient of {name} is zero: {node} ({call}) at {at} multiplies it by zeros, and {by} "
        "makes them here.",
        "Hand in what is meant in their place: a decoder in training its target, shifted by one "
        "step. Zeros may begin a sequence; of a weight that meets nothing else nothing is learned.",
        *(GRAPHS, "Multiply along a path", ZERO, FLAT),
    ),
    kind(
        "zero_beyond",
        "Zeros of a clamp as a factor",
        "The gradient of {name} is zero: {node} ({call}) multiplies it by zeros, and they are what "
        "{by} gave at {at}: all that it was given lies at its limit or beyond, where it is flat.",
        "Look at what {by} is given there. Boxes that nowhere overlap have this area: are "
        "prediction and target in the same units? Else begin nearer, or take a loss that has a "
        "slope there too, such as generalized_box_iou_loss of torchvision.",
        *(GRAPHS, "Multiply along a path", ZERO, FLAT),
    ),
    kind(
        "zero_nearest",
        "Sampling at the nearest place",
        "The gradient of {name} is zero: {node} ({call}) takes the value at the nearest place, "
        "which stays the same when the place moves a little.",
        'Sample between places: mode="bilinear".',
        *(FUNCTIONS, "A straight-through estimator", ZERO, FLAT),
    ),
    kind(
        "zero_sum",
        "Zero by a sum that is constant",
        "The gradient of {name} is zero: {node} ({call}) gives values whose sum never changes.",
        "Do not sum all of softmax's or a normalization's outputs: compare them with a target.",
        *(NORM_2, "Two sums that find mistakes", ZERO, FLAT),
    ),
    kind(
        "zero_single",
        "Softmax over one number",
        "The gradient of {name} is zero: {node} ({call}) normalises over a dimension of size 1, so "
        "its result is 1 (or 0, its logarithm) whatever it is given.",
        "For one score per row use sigmoid, or give the scores themselves to "
        "binary_cross_entropy_with_logits. For several, normalise over their dimension.",
        *(MODULES, "10.8 What a loss wants", ZERO, FLAT),
    ),
    kind(
        "zero_alone",
        "A normalization of one value",
        "The gradient of {name} is zero: {node} ({call}) normalises groups of one value each, and "
        "a value less its own mean is 0 whatever it was.",
        "Normalise more than one value at a time: before the layer that leaves one, or over "
        "another dimension. Of one value a row, leave it out.",
        *(NORM_2, "Two sums that find mistakes", ZERO, FLAT),
    ),
    kind(
        "zero_padding",
        "Only padding was looked up",
        "The gradient of {name} is zero: every index that {call} was given is its padding_idx "
        "{index}, and that row gets no gradient.",
        "Look at the indices: are all of them padding, or is a real entry numbered {index}? Number "
        "the real ones from another number on, or leave padding_idx out.",
        *(MODULES, "10.8 What a loss wants", ZERO, FLAT),
    ),
    kind(
        "zero_start",
        "Zero while another factor is zero",
        "The gradient of {name} is zero in this step: {node} ({call}) multiplies it by {other}, "
        "which is 0 there and has a gradient itself.",
        "If {other} is meant to start at 0, as in LoRA, there is nothing to cure: after its first "
        "step it is 0 no longer.",
        *(GRAPHS, "Multiply along a path", ZERO),
    ),
    kind(
        "zero_number",
        "Multiplied by the number 0",
        "The gradient of {name} is zero: {node} ({call}) multiplies it by the number 0, as it is "
        "written there.",
        "Where a sum of all parameters times 0 gives each of them a gradient, as "
        "DistributedDataParallel wants it, there is nothing to cure. Else take the factor out.",
        *(GRAPHS, "Multiply along a path", ZERO),
    ),
    kind(
        "zero_cancels",
        "Zero because its parts cancel",
        "The gradient of {name} is zero: it arrives along {count} ways, and their parts add up to "
        "0.",
        "In a difference of two means, as a bias of a critic meets it, that is right: adding a "
        "constant changes neither. Else look at the signs of the loss's parts.",
        *(GRAPHS, "Multiply along a path", ZERO),
    ),
    kind(
        "zero_twins",
        "A value compared with itself",
        "The gradient of {name} is zero: {call} is given a value twice, computed by the same calls "
        "of the same tensors, and the gradients of the two cancel.",
        "Detach the one that is to be a constant. In PPO that is the old log-probability: compute "
        "it before the updates, under torch.no_grad(), and keep it.",
        *(GRAPHS, "Multiply along a path", ZERO, FLAT),
    ),
    kind(
        "zero_equal",
        "A prediction that equals its target",
        "The gradient of {name} is zero: {node} ({call}) is given a prediction and a target that "
        "are equal in every entry, where its slope is 0.",
        "If they should differ, look at where the target comes from: the same tensor, or a copy of "
        "the model that shares its memory. copy.deepcopy(model) shares none.",
        *(GRAPHS, "Multiply along a path", ZERO, FLAT),
    ),
    kind(
        "zero_same",
        "A model that is compared with itself",
        "The gradient of {name} is zero: prediction and target are equal in every entry, for {one} "
        "and {other} are one and the same model.",
        "Give the second name a copy of its own, copy.deepcopy(model), before the training begins.",
        *(GRAPHS, "Multiply along a path", ZERO, FLAT),
    ),
    kind(
        "zero_parts",
        "Zero because two ways cancel",
        "The gradient of {name} is zero: {count} ways lead from the loss to what {call} gave (by "
        "{uses}), and their parts add up to 0, but for rounding.",
        "Look at what the line does with that value. The mean of x - x.mean() is 0 whatever x is, "
        "x / x.norm() of one number is its sign alone, and x + x.round() - x takes away what it "
        "adds: there detach the difference, x + (x.round() - x).detach().",
        *(GRAPHS, "Multiply along a path", ZERO, FLAT),
    ),
    kind(
        "zero_part",
        "A part that the loss does not use",
        "The gradient of {name} is zero: {node} ({call}) puts it together with others, and what "
        "comes back to its own part is 0.",
        "Look at which part of the result the loss is made of: h[-1] is the last layer's state of "
        "an RNN, h[0] the first one's. Or a line before that one gives its part no slope.",
        *(GRAPHS, "Multiply along a path", ZERO, FLAT),
    ),
    kind(
        "zero_saturated",
        "A softmax that is saturated",
        "The gradient of {name} is zero: {node} ({call}) is given scores so far apart that it "
        "gives one 1 and zeros, and there it is flat.",
        "Make the scores smaller: a larger temperature, or the root of the width that attention "
        "divides by. To compare with a target, cross_entropy takes the scores themselves.",
        *(GRAPHS, "Multiply along a path", ZERO, FLAT),
    ),
    kind(
        "vanishing",
        "Smaller from layer to layer",
        "The gradient of {name} is next to nothing, below 1e-6: calls of {call} lie on its way, "
        "up to {count} of them, and behind each less is left. A sigmoid's slope is 0.25 at most, "
        "that of tanh 1 at most, and small where it is flat.",
        "Take nn.ReLU() between the layers, and draw their weights for it: "
        "nn.init.kaiming_normal_(layer.weight). Or take fewer layers, or let each add to its "
        "input: x + layer(x).",
        *(GRAPHS, "Multiply along a path", ZERO, FLAT),
    ),
    kind(
        "zero_product",
        "A product of many numbers",
        "The gradient of {name} is zero: {node} ({call}) multiplies numbers whose product, without "
        "any one of them, is 0 or too small for a float.",
        "Add their logarithms up: log_sigmoid or log_softmax, then sum().",
        *(GRAPHS, "Multiply along a path", ZERO, FLAT),
    ),
    kind(
        "zero_nan_hidden",
        "nan that was replaced",
        "The gradient of {name} is zero: {node} ({call}) put a number in the place of nan or inf, "
        "and a number that was put there has no slope.",
        "Look for where nan comes from, before that line, and take nan_to_num out.",
        *(BREAKING, "14.4 Find the node", ZERO, FLAT),
    ),
    kind(
        "zero_half",
        "Too small for float16",
        "The gradient of {name} is zero: it becomes too small for float16 in {node} ({call}); the "
        "least number that float16 knows is 6e-8.",
        "Scale the loss: scaler.scale(loss).backward() of torch.amp.GradScaler. Or compute in "
        "bfloat16 or float32, and without small factors on the loss.",
        *(BREAKING_2, "14.13 Sixteen bits", ZERO, FLAT),
    ),
    kind(
        "zero_other",
        "Zero at a node",
        "The gradient of {name} is zero: it enters {node} ({call}) with entries and leaves it "
        "without.",
        "Look at what that line is given; of a custom Function, at its backward.",
        *(GRAPHS, "Multiply along a path", ZERO, FLAT),
    ),
)
