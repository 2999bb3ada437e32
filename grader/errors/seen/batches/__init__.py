"""Batches, samples and targets."""
