"""Answers as `seal` recorded them, and where the answers to an exercise are found.

Data alone: a student's side holds this room, so nothing in it may compute an answer.
"""
