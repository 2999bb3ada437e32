"""Chapter 5, hooks: the public halves of its exercises."""

CHAPTER = "05-hooks"
EXERCISES = (
    "tensor_grad_logger",
    "gradient_reversal",
    "clip_by_hook",
    "freeze_by_hook",
    "scale_forward",
    "capture_features",
    "stats_hook",
    "full_backward_probe",
    "retain_or_hook",
)
