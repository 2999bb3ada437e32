"""Optimizers, schedules, scalers, saved states, and what calls the reader's functions."""
