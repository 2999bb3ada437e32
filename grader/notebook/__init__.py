"""What a learner's notebook calls, the learner's record, and the workspace it lies in.

A student's side holds this room; it may not import what judges, proves or releases.
"""
