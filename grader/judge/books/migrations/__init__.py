"""How the verdict log's tables came to be: a module for each revision, run in their order.

Nothing else comes in here: Alembic runs every module it finds. A revision is called after the
version of the course that wrote it first, stands in `revisions.REVISIONS`, and never changes once
that version is out.
"""
