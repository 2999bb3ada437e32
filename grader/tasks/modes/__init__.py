"""Chapter 4, grad modes and freezing: the public halves of its exercises."""

CHAPTER = "04-grad-modes"
EXERCISES = (
    "mode_probe",
    "partial_no_grad",
    "decorated_infer",
    "evaluate",
    "cached_features",
    "frozen_middle",
    "ema_update",
    "checkpointed",
    "grad_mode_table",
)
