"""Measurements of the course, each run by hand or by `make bench`."""
