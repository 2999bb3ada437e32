"""Chapter 4, grad modes and freezing: the public halves of its exercises."""

from grader.tasks.modes import blocks, decorating, evaluating, freezing, recomputing, tables

CHAPTER = "04-grad-modes"
PARTS = (blocks, decorating, evaluating, freezing, recomputing, tables)
