"""Chapter 7, normalization layers: the public halves of its exercises."""

CHAPTER = "07-normalization"
EXERCISES = (
    "ln_forward",
    "gn_forward",
    "bn_train_forward",
    "running_stats_recalibration",
    "masked_batch_norm",
    "bn_eval_forward",
    "train_or_eval",
    "bn_backward",
    "ln_backward",
    "fold_bn",
    "cross_sample_influence",
)
