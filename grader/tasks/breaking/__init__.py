"""Chapter 14, where gradients break: the public halves of its exercises."""

CHAPTER = "14-where-gradients-break"
EXERCISES = (
    "safe_norm",
    "fix_where",
    "born_nan",
    "per_sample_norms",
    "hvp",
    "straight_slope",
    "truncated_bptt",
    "keeps_dropout",
    "clip_after_unscale",
)
