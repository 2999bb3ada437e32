"""Chapter 6, the optimizer loop: the public halves of its exercises."""

CHAPTER = "06-optimizer-loop"
EXERCISES = (
    "train_step",
    "order_the_lines",
    "loss_choice",
    "batch_gradient_facts",
    "accumulate",
    "sgd_from_scratch",
    "adam_from_scratch",
    "param_groups",
    "resume",
    "finetune",
)
