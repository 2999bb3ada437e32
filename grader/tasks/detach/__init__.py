"""Chapter 3, detach, clone, .data, in-place edits and views: the public halves of its exercises."""

CHAPTER = "03-detach-clone"
EXERCISES = (
    "stop_gradient_branch",
    "straight_through",
    "target_network",
    "alias_or_copy",
    "snapshot",
    "inplace_relu_safe",
    "view_grad",
    "detect_silent_corruption",
)
