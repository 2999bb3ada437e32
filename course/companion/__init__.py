"""Looks at a learner's own training step."""
