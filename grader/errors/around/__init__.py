"""Errors of what stands around a model: data, files, devices, processes."""
