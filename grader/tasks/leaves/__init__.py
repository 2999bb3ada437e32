"""Chapter 2, leaf tensors: the public halves of its exercises."""

from grader.tasks.leaves import making, reading, tables, updating

CHAPTER = "02-leaves"
PARTS = (making, reading, tables, updating)
