"""Chapter 14, where gradients break: the public halves of its exercises."""

CHAPTER = "14-where-gradients-break"
EXERCISES = (
    "safe_norm",
    "born_nan",
    "fix_where",
    "hvp",
    "per_sample_norms",
    "truncated_bptt",
    "clip_after_unscale",
    "keeps_dropout",
    "straight_slope",
)
