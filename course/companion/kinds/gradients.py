"""What became of a gradient: passes, zeros, nan."""

from __future__ import annotations

from course.companion.kinds.kind import (
    BREAKING,
    BREAKING_2,
    FLAT,
    FUNCTIONS,
    GRAPHS,
    GRAPHS_2,
    HOOKS,
    LEAVES,
    LOOP,
    MODULES,
    NAN,
    NONE,
    NORM_2,
    ZERO,
    kind,
)

PASSES = (
    kind(
        "no_backward",
        "No backward pass yet",
        "The loss leads back to {name}, and no backward pass has filled .grad yet.",
        "Call loss.backward().",
        *(GRAPHS_2, "From a gradient to a step", NONE),
    ),
    kind(
        "emptied",
        "Emptied after backward",
        "The gradient of {name} was emptied after backward.",
        "To look at it, read .grad after backward and before zero_grad().",
        *(LOOP, "Gradients add up", NONE),
    ),
    kind(
        "graph_freed",
        "The graph was freed",
        "Backward went through this graph before, so its gradients cannot be measured again.",
        "Ask before backward, call loss.backward(retain_graph=True), or run the step inside "
        "`with watch():`.",
        *(GRAPHS_2, "What forward saves", ZERO),
    ),
    kind(
        "fine",
        "The gradient arrives",
        "{name} is reached from the loss, and its gradient has entries up to {size}.",
        "It is not lost. If {name} does not move all the same, look at the optimizer: what it "
        "holds, and its learning rate.",
        *(LEAVES, "Who keeps a gradient"),
    ),
    kind(
        "fine_in_part",
        "Rows without a gradient",
        "{name} is reached from the loss, and {zero} of its {rows} rows have a gradient of 0: this "
        "batch gave the units that they feed none. The others have entries up to {size}.",
        "Behind a ReLU some are normal. If they stay so for every batch, look at what those units "
        "are given: a sigmoid or a ReLU of values far from 0 is flat.",
        *(GRAPHS, "Multiply along a path", ZERO, FLAT),
    ),
    kind(
        "carried",
        "A graph carried from step to step",
        "{name} hangs on the graphs of {count} backward passes: it is carried from step to step.",
        "Detach it where a step begins; of a running sum keep the number: total += loss.item().",
        *(BREAKING_2, "14.9 A state that is carried", "memory grows", "a second backward raises"),
    ),
)


SIZES = (
    kind(
        "zero_step",
        "Zero at an operation that is flat",
        "The gradient of {name} is zero: {node} ({call}) is flat, so its derivative is 0 "
        "everywhere.",
        "Use a smooth operation in its place, or let the gradient through: "
        "x + (x.round() - x).detach().",
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
        "zero_flat",
        "Zero where a function is flat",
        "The gradient of {name} is zero: {node} ({call}) is given values where it is flat.",
        "Look at the size of that line's inputs: scale them down, or use the version of the loss "
        "that takes scores.",
        *(GRAPHS, "Multiply along a path", ZERO, FLAT),
    ),
    kind(
        "zero_factor",
        "Zero by a factor of zero",
        "The gradient of {name} is zero: {node} ({call}) multiplies it by zeros.",
        "Look at the other factor of that line: weights or inputs that are all 0, or a mask that "
        "lets nothing through.",
        *(GRAPHS, "Multiply along a path", ZERO, FLAT),
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
        "zero_other",
        "Zero at a node",
        "The gradient of {name} is zero: it enters {node} ({call}) with entries and leaves it "
        "without.",
        "Look at what that line is given; of a custom Function, at its backward.",
        *(GRAPHS, "Multiply along a path", ZERO, FLAT),
    ),
    kind(
        "nan_point",
        "nan at a point without a derivative",
        "The gradient of {name} is {bad}: it is born in {node} ({call}), which was given a value "
        "where it has no finite slope, such as 0.",
        "Never give it that value: torch.where(x > 0, x, 1.0) before the root or the logarithm, "
        "and a second torch.where behind it. An eps under the root changes the values.",
        *(BREAKING, "14.2 Norm and std", NAN, "the loss is nan"),
    ),
    kind(
        "nan_other",
        "nan at a node",
        "The gradient of {name} is {bad}: it is born in {node} ({call}).",
        "Look at what that line is given: inf, nan, or a division by 0.",
        *(BREAKING, "14.4 Find the node", NAN, "the loss is nan"),
    ),
    kind(
        "nan_row",
        "A row that is masked altogether",
        "{call} is where nan comes from, on the way to {name}: a row that is -inf throughout, as "
        "one that is masked altogether, has no softmax. nan that is hidden behind it comes back in "
        "the gradient.",
        "Leave such rows unmasked and drop what they give, torch.where(empty, 0.0, out); or fill "
        "with a large negative number, torch.finfo(x.dtype).min, in the place of -inf.",
        *(BREAKING, "A row that is masked altogether", NAN, "the loss is nan"),
    ),
    kind(
        "nan_loss",
        "The loss itself is nan",
        "The loss is {bad} before any backward pass; {first} is the first call that gave it.",
        "Look at what that line is given: log of 0, 0/0, inf - inf, or numbers that overflow.",
        *(BREAKING, "14.4 Find the node", NAN, "the loss is nan"),
    ),
)
