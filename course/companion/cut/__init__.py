"""Gradients that are missing: ways to the loss that were cut, and parameters that have none."""
