"""The names by which a class's nbgrader_config.py of 0.1.0 reaches the judge."""

from grader.judge.batch.plugins import Judged, SubmissionExporter

__all__ = ["Judged", "SubmissionExporter"]
