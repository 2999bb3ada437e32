"""Chapter 3, detach, clone, .data, in-place edits and views: the public halves of its exercises."""

CHAPTER = "03-detach-clone"
EXERCISES = (
    "alias_or_copy",
    "stop_gradient_branch",
    "straight_through",
    "target_network",
    "snapshot",
    "inplace_relu_safe",
    "detect_silent_corruption",
    "view_grad",
)
