"""Chapter 5, hooks: the public halves of its exercises."""

from grader.tasks.hooks import gradients, modules, passes

CHAPTER = "05-hooks"
PARTS = (gradients, modules, passes)
