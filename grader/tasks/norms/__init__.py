"""Chapter 7, normalization layers: the public halves of its exercises."""

CHAPTER = "07-normalization"
EXERCISES = (
    "bn_train_forward",
    "bn_eval_forward",
    "bn_backward",
    "ln_forward",
    "ln_backward",
    "gn_forward",
    "train_or_eval",
    "cross_sample_influence",
    "fold_bn",
    "constant_features",
    "running_stats_recalibration",
)
