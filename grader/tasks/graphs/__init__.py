"""Chapter 1, computation graphs: the public halves of its exercises."""

from grader.tasks.graphs import paths, sweeps, tables

CHAPTER = "01-graphs"
PARTS = (paths, sweeps, tables)
