"""From solutions to releases, student sides and proofs: what a course's author runs.

Never on a student's side and never in a box: it reads solutions and keys.
"""
