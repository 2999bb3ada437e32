"""Gradients that are there and wrong: where a zero or a nan is born, and what makes it."""
