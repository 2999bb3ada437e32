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

KERNEL = """
import sys, time
from pathlib import Path
import IPython
IPython.core.interactiveshell.InteractiveShell.instance()
source = Path(sys.argv[1]).read_text()
wall, cpu = time.perf_counter(), time.process_time()
exec(compile(source, "startup", "exec"), {})
print(time.perf_counter() - wall, time.process_time() - cpu)
assert not {"torch", "course.questions", "grader.errors"} & set(sys.modules)
"""


def answers(repeat: int) -> Times:
    """What it takes from a committed prediction to its reply, the record written."""
    from course.questions import ask

    form = ask("two-paths").widget()  # type: ignore[union-attr]
    return timed(lambda: form.commit("3"), repeat)


def whole_record(workspace: Path) -> int:
    """Results of every exercise, and an answer to every question, each second one wrong.

    Gives the number of the questions.
    """
    from grader.diagnosis.verdict import Outcome, Verdict
    from grader.engine.outline import outline
    from grader.notebook.folder.contents import contents
    from grader.notebook.record import records

    for number, entry in enumerate(outline()):
        outcome, credit = ((Outcome.RIGHT, 1.0), (Outcome.WRONG, 0.5))[number % 2]
        records.remember(Verdict(entry.id, outcome, credit))
    lessons = (lesson for chapter in contents(workspace) for lesson in chapter.lessons)
    questions = [name for lesson in lessons for name, _ in lesson.questions]
    for number, question in enumerate(questions):
        records.answered(question, "5", number % 2 == 0)
    return len(questions)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--fresh", type=int, default=5, help="processes for each first time")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="learner-") as folder:
        os.environ["AUTOGRAD_COURSE_DATA"] = str(Path(folder, "record"))
        place = Path(folder, "workspace")
        from grader.engine.outline import outline
        from grader.notebook.folder import workspace
        from grader.notebook.folder.whereabouts import whereabouts
        from grader.start.page import start_page
        from grader.start.paths import STARTUP

        workspace.build(ROOT, place)
        asked = whole_record(place)
        title = f"The record of whoever did all {len(outline())} exercises and {asked} questions"
        table = Table("milliseconds", "median", "worst", "processor time", "target", title=title)
        first = in_fresh_processes(FIRST_PAGE, str(place), repeat=arguments.fresh)
        table.add_row("the start page, the first time", *first.cells(), first.against(1000))
        again = timed(lambda: start_page(place, "/"), arguments.repeat)
        table.add_row("the start page", *again.cells(), again.against(1000))
        told = timed(lambda: whereabouts(place, date.today()), arguments.repeat)
        table.add_row("of it, reading record and workspace", *told.cells(), "")
        answer = answers(arguments.repeat)
        table.add_row("a question's answer, recorded", *answer.cells(), answer.against(100))
        kernel = in_fresh_processes(KERNEL, str(STARTUP), repeat=arguments.fresh)
        table.add_row("the names, at a kernel's start", *kernel.cells(), kernel.against(100))
        Console().print(table)


if __name__ == "__main__":
    main()
