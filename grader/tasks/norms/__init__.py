"""Chapter 7, normalization layers: the public halves of its exercises."""

from grader.tasks.norms import batch, batch_backward, groups, influence, serving, statistics

CHAPTER = "07-normalization"
PARTS = (batch, batch_backward, groups, influence, serving, statistics)
