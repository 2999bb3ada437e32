"""What is wrong with what a loss is made of: scores, shapes, draws, targets."""

from __future__ import annotations

from course.companion.kinds.kind import FLAT, LOOP_2, MODES, MODULES, NAN, kind

FED = (
    kind(
        "probabilities",
        "Probabilities where scores belong",
        "{loss} was given the result of {maker}{at}, and applies {maker} itself.",
        "Give it the scores: take {maker} out of the model.",
        *(MODULES, "Softmax twice", FLAT, "the loss stays high"),
    ),
    kind(
        "no_logarithm",
        "Probabilities where their logarithms belong",
        "{loss} was given the result of {maker}{at}, and wants logarithms of probabilities.",
        "Use log_softmax in the place of softmax.",
        *(MODULES, "10.8 What a loss wants", FLAT, "the loss is negative"),
    ),
    kind(
        "scores_for_logs",
        "Scores where logarithms of probabilities belong",
        "{loss} was given the scores of a layer, and wants logarithms of probabilities.",
        "Apply log_softmax(dim=-1) first; cross_entropy does both.",
        *(MODULES, "10.8 What a loss wants", FLAT, "the loss is negative"),
    ),
    kind(
        "broadcast",
        "Shapes that broadcast",
        "{one} meets {other} and becomes {result}: every prediction is compared with every target.",
        "Give both one shape: prediction.squeeze(1), or target.unsqueeze(1).",
        *(MODULES, "Targets that broadcast", FLAT, "every prediction is the mean"),
    ),
    kind(
        "batch_folded",
        "A batch that became one row",
        "{call} puts the {rows} samples of the batch into one row, from which the model computes "
        "one prediction; {loss} at {at} compares it with each of the {rows} targets.",
        "Keep the rows: x.flatten(1), or x.view(x.size(0), -1). The layer behind it then takes as "
        "many numbers as one sample has.",
        *(MODULES, "Targets that broadcast", FLAT, "every prediction is the same"),
    ),
    kind(
        "broadcast_product",
        "A product that broadcasts",
        "{one} meets {other} and becomes {result}: each number of the one is multiplied by every "
        "number of the other, and the loss is made of all of them.",
        "Give both one shape: reward.squeeze(1), or log_prob.unsqueeze(1).",
        *(MODULES, "Targets that broadcast", FLAT),
    ),
    kind(
        "sampled",
        "sample() where a gradient is to flow",
        "{call} draws without recording, and layers compute the loss from what it gives: no "
        "gradient comes back that way to what it was drawn from. That gets one on another way "
        "alone, as from a KL divergence.",
        "Call rsample() in its place.",
        *(MODES, "What the block makes is a constant", FLAT),
    ),
    kind(
        "target_with_graph",
        "A target that is trained too",
        "{loss} compares a prediction with what the same parameters gave, added to a reward: the "
        "gradient flows into this target too, and moves it towards the prediction.",
        "Compute the target under torch.no_grad(), or give the loss target.detach().",
        *(MODES, "What the block makes is a constant", FLAT),
    ),
    kind(
        "target_same",
        "A target that is the model itself",
        "{one} and {other} are one model, and {loss} compares its prediction with what it gave "
        "itself, added to a reward ({at}): the target moves with every step, and the gradient "
        "flows into it too.",
        "Make the second a model of its own, copy.deepcopy({one}).requires_grad_(False), which "
        "takes the weights over from time to time.",
        *(MODES, "What the block makes is a constant", FLAT),
    ),
    kind(
        "teacher_same",
        "A teacher that is the student itself",
        "{one} and {other} are one model, and {loss} compares what it gives with what it gave "
        "itself a moment before, without recording: whatever is copied from the one to the other "
        "changes nothing.",
        "Make the second a model of its own: {other} = copy.deepcopy({one}).requires_grad_(False).",
        *(MODES, "What the block makes is a constant", FLAT),
    ),
    kind(
        "ignored",
        "Every target is ignored",
        "Every target equals ignore_index ({index}), and the mean of nothing is nan.",
        "Skip such a batch, or take care that the targets are not all padding.",
        *(LOOP_2, "A mean over what?", NAN, "the loss is nan"),
    ),
)
