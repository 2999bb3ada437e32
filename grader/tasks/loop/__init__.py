"""Chapter 6, the optimizer loop: the public halves of its exercises."""

from grader.tasks.loop import cycle, losses, pieces, rules, rules_adam, setups, storage, tuning

CHAPTER = "06-optimizer-loop"
PARTS = (cycle, losses, pieces, rules, rules_adam, setups, storage, tuning)
