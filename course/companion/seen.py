"""`watch`: a watch that shows by itself what was out of order."""

from __future__ import annotations

import sys

from course.companion.asking.why import of_record
from course.companion.finding import Report
from course.companion.places import own_frame
from course.companion.record.watching import Watch
from course.companion.surroundings import Surroundings


class watch(Watch):
    """Watch a step of your own training: `with watch() as seen:` around it.

    It sees the torch calls that Python code makes in the block, in this thread, with their lines,
    and changes nothing: gradients, random numbers, modes, hooks and version counters are what they
    are without it. Ask `why_no_grad` afterwards; `seen` itself shows what was out of order.
    """

    def report(self) -> Report:
        """What the block shows by itself: its losses, its order, what it keeps alive."""
        return of_record(self.record, Surroundings(own_frame(sys._getframe(1))))

    def __repr__(self) -> str:
        return str(self.report())

    def _repr_html_(self) -> str:
        return self.report()._repr_html_()
