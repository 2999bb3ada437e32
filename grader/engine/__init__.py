"""Runs beside a learner's code: the exercises, what one call of an answer did, inputs as bytes.

A box holds this room, so nothing in it may compute a right answer, read a file of the class, or
import anything of `grader` but `tasks`.
"""
