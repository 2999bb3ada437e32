"""Gradients that are zero since what they are multiplied by is, or since nothing reads there."""

from __future__ import annotations

from course.companion.kinds.kind import FLAT, GRAPHS, NORM_2, TENSORS, ZERO, kind

FACTORS = (
    kind(
        "zero_both",
        "Two factors that both start at 0",
        "The gradient of {name} is zero: {node} ({call}) multiplies it by {other}, all of which is "
        "0, and the gradient of {other} is 0 too. Of two factors that are both 0 neither moves.",
        "Let one of the two start at random numbers, and the other at 0: "
        "nn.init.normal_({other}, std=0.02).",
        *(GRAPHS, "Multiply along a path", ZERO, FLAT),
    ),
    kind(
        "zero_relu_start",
        "A ReLU behind a layer of zeros",
        "The gradient of {name} is zero: {node} ({call}) is given 0 everywhere, since {other} is "
        "all zeros, and there the slope of a ReLU is 0. No step moves it.",
        "Let it start at small random numbers, by nn.init.normal_(weight, std=0.02), or take an "
        "activation with a slope at 0, such as leaky_relu.",
        *(GRAPHS, "Multiply along a path", ZERO, FLAT),
    ),
    kind(
        "zero_centred",
        "A value minus its own mean",
        "The gradient of {name} is zero: {node} ({call}) multiplies it by what is made of a value "
        "minus its own mean, and that is 0: the mean went over one value alone, or over equal "
        "ones.",
        "Take the mean over several values: more of them in each group, or along another "
        "dimension. Where all of them can be equal, there is nothing to learn from that step.",
        *(NORM_2, "Two sums that find mistakes", ZERO, FLAT),
    ),
    kind(
        "zero_behind_end",
        "Read behind the ends of the sequences",
        "The gradient of {name} is zero: of what pad_packed_sequence gave{made}, only places "
        "behind the ends of the sequences are read{read}, which are padding.",
        "Read each sequence at its own end: out[torch.arange(len(lengths)), lengths - 1], with "
        "batch_first=True, or the last state h_n that the layer returns.",
        *(TENSORS, "Several lists are taken in pairs", ZERO, FLAT),
    ),
)
