"""Layers and modules: what they were made for, given, called with, and put together from."""
