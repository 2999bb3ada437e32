"""Looks at a learner's own training step, and says where the gradient was lost."""

from grader.errors import notebook
from course.companion.explaining import explain
from course.companion.finding import Finding, Report
from course.companion.kinds import KINDS, Kind
from course.companion.seen import watch
from course.companion.why import why_no_grad

notebook.install()

__all__ = ["KINDS", "Finding", "Kind", "Report", "explain", "watch", "why_no_grad"]
