"""Errors and warnings of training: steps, optimizers, schedulers."""
