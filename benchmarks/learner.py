"""What a learner waits for beside a check: the start page, an answer to a question, a kernel."""

from __future__ import annotations

import argparse
import os
import tempfile
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.check import ROOT, Times, in_fresh_processes, timed

FIRST_PAGE = """
import sys, time
from pathlib import Path
wall, cpu = time.perf_counter(), time.process_time()
from grader.start.page import start_page
start_page(Path(sys.argv[1]), "/")
print(time.perf_counter() - wall, time.process_time() - cpu)
assert "torch" not in sys.modules
"""

STARTUP = """
import sys, time
import IPython
from grader.start.paths import STARTUP
IPython.core.interactiveshell.InteractiveShell.instance()
source = STARTUP.read_text()
wall, cpu = time.perf_counter(), time.process_time()
exec(compile(source, "startup", "exec"), {})
print(time.perf_counter() - wall, time.process_time() - cpu)
assert "torch" not in sys.modules and "course.questions" not in sys.modules
"""


def answers(repeat: int) -> Times:
    """What it takes from a committed prediction to its reply, the record written."""
    from course.questions import ask

    form = ask("two-paths").widget()  # type: ignore[union-attr]
    return timed(lambda: form.commit("3"), repeat)


def long_record() -> None:
    """Results of every exercise and a thousand answers, as after a year."""
    from grader.diagnosis.verdict import Outcome, Verdict
    from grader.engine.outline import outline
    from grader.notebook import records

    for entry in outline():
        records.remember(Verdict(entry.id, Outcome.WRONG, 0.5))
    for number in range(1000):
        records.answered(f"question-{number}", "5", number % 2 == 0)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--fresh", type=int, default=5, help="processes for each first time")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="learner-") as folder:
        os.environ["AUTOGRAD_COURSE_DATA"] = str(Path(folder, "record"))
        place = Path(folder, "workspace")
        from grader.notebook import workspace
        from grader.notebook.whereabouts import whereabouts
        from grader.start.page import start_page

        workspace.build(ROOT, place)
        long_record()
        table = Table("milliseconds", "median", "worst", "processor time", "target")
        first = in_fresh_processes(FIRST_PAGE, str(place), repeat=arguments.fresh)
        table.add_row("the start page, the first time", *first.cells(), first.against(1000))
        again = timed(lambda: start_page(place, "/"), arguments.repeat)
        table.add_row("the start page", *again.cells(), again.against(1000))
        told = timed(lambda: whereabouts(place, date.today()), arguments.repeat)
        table.add_row("of it, reading record and workspace", *told.cells(), "")
        answer = answers(arguments.repeat)
        table.add_row("a question's answer, recorded", *answer.cells(), answer.against(100))
        kernel = in_fresh_processes(STARTUP, repeat=arguments.fresh)
        table.add_row("the names, at a kernel's start", *kernel.cells(), kernel.against(100))
        Console().print(table)


if __name__ == "__main__":
    main()
