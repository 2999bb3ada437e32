"""The name by which a class's nbgrader_config.py of 0.1.0 has grades saved."""

from grader.judge.books.gradebook import SaveGrades

__all__ = ["SaveGrades"]
