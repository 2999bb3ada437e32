"""Answers computed from a key.

Never on a student's side and never in a box: what computes an answer lies here or in `keys`.
"""
