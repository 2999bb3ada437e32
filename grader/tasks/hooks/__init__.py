"""Chapter 5, hooks: the public halves of its exercises."""

from grader.tasks.hooks import gradients, leaves, modules, outputs, passes

CHAPTER = "05-hooks"
PARTS = (gradients, leaves, modules, outputs, passes)
