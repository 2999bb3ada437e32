"""Shapes, indices and dtypes that do not meet, and the call with which they would."""
