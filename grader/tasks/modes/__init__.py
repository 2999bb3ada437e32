"""Chapter 4, grad modes and freezing: the public halves of its exercises."""

CHAPTER = "04-grad-modes"
EXERCISES = (
    "mode_probe",
    "decorated_infer",
    "partial_no_grad",
    "grad_mode_table",
    "cached_features",
    "evaluate",
    "frozen_middle",
    "ema_update",
    "checkpointed",
)
