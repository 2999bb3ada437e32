"""Errors of values: arrays, shapes, indices, dtypes, operations, and what was no tensor."""
