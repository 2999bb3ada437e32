"""Lesson 13's two processes: the program that both run, and its launch under torchrun."""

from course.ranks.launch import RanksFailed, torchrun
from course.ranks.program import batch, make_net

__all__ = ["RanksFailed", "batch", "make_net", "torchrun"]
