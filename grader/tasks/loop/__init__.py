"""Chapter 6, the optimizer loop: the public halves of its exercises."""

CHAPTER = "06-optimizer-loop"
EXERCISES = (
    "train_step",
    "sgd_from_scratch",
    "adam_from_scratch",
    "loss_choice",
    "batch_gradient_facts",
    "accumulate",
    "accumulate_tokens",
    "order_the_lines",
    "param_groups",
    "resume",
)
