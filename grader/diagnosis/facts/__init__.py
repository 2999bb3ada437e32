"""Exact facts about a wrong answer: what its numbers are, where no named mistake fits.

A fact is a claim with arithmetic behind it. It is told only if it is true, at the case's tolerance,
in every case in which the part is wrong; of two that are equally short neither is.
"""
