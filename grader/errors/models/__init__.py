"""Errors of models: classes and their parts, layers, sequences, losses, distributions."""
