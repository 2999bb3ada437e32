"""What became of a gradient: passes, nan."""

from __future__ import annotations

from course.companion.kinds.kind import (
    BREAKING,
    BREAKING_2,
    FLAT,
    GRAPHS,
    GRAPHS_2,
    LEAVES,
    LOOP,
    NAN,
    NONE,
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


NANS = (
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
        "inf_half",
        "Too large for float16",
        "The gradient of {name} is inf: it becomes too large for float16 in {node} ({call}), whose "
        "largest number is 65504.",
        "Scale the loss by less, or by torch.amp.GradScaler, which lowers its factor where this "
        "happens and leaves that step out. Or compute in bfloat16. A 0 in the place of inf, as "
        "nan_to_num puts it, trains nothing.",
        *(BREAKING_2, "14.13 Sixteen bits", NAN, FLAT),
    ),
    kind(
        "nan_hidden",
        "nan in what is left out",
        "The gradient of {name} is {bad}: it is born in {node} ({call}). {by}, at {at}, hides a "
        "nan or an inf in the values there, and not in the gradient: what it leaves out gets a "
        "gradient of 0, and 0 times nan is nan.",
        "Keep the values finite where they are left out too: clamp what the logarithm, the root "
        "or the division of that line is given, x.clamp(min=1e-6).log(), or replace it in front of "
        "it, torch.where(mask, x, 1.0).",
        *(BREAKING, "14.3 where hides", NAN, "the loss is nan"),
    ),
    kind(
        "nan_row",
        "A row that is masked altogether",
        "{call} is where nan comes from, on the way to {name}: a row that is -inf throughout, as "
        "one that is masked altogether, has no softmax. nan that is hidden behind it comes back in "
        "the gradient.",
        "Leave such rows unmasked, or fill with a large negative number, torch.finfo(x.dtype).min, "
        "in the place of -inf; and drop what they give, torch.where(empty, 0.0, out): it is made "
        "of what the mask hides.",
        *(BREAKING, "A row that is masked altogether", NAN, "the loss is nan"),
    ),
    kind(
        "nan_weights",
        "Weights that are nan already",
        "The loss is nan because weights were, before the step that made it: {call} meets them "
        "first. What made them so is an earlier step{made}.",
        "Watch from the first step on, and look at the step that nan comes from: its gradients, or "
        "a learning rate that is too large. Begin anew with other weights; these are lost.",
        *(BREAKING, "14.1 The loss is fine", NAN, "the loss is nan"),
    ),
    kind(
        "nan_given",
        "A nan that the loss is given",
        "The loss is nan before any backward pass, and so is what it is computed of: {given}.",
        "Follow it back from that line: torch.isnan(x).any() of what it is given. A nan is born of "
        "the log of a negative number, 0/0 or inf - inf, or lies in the data.",
        *(BREAKING, "14.4 Find the node", NAN, "the loss is nan"),
    ),
    kind(
        "nan_loss",
        "The loss itself is nan",
        "The loss is {bad} before any backward pass; {first} is the first call that gave it{by}.",
        "{how}.",
        *(BREAKING, "14.4 Find the node", NAN, "the loss is nan"),
    ),
)
