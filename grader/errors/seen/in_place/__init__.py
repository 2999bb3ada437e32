"""Saved tensors that were edited in place, and what stands between forward and backward."""
