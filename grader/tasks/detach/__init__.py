"""Chapter 3, detach, clone, .data, in-place edits and views: the public halves of its exercises."""

from grader.tasks.detach import branches, copies, edits, tables

CHAPTER = "03-detach-clone"
PARTS = (branches, copies, edits, tables)
