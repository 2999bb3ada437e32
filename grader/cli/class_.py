"""`autograd-course class`: what makes a class and keeps it, as one group of commands."""

from __future__ import annotations

import typer

from grader.cli import class_dates, class_follow, class_make, class_people

group = typer.Typer(
    help="Make a class and keep it: its list, dates, people, and what arrives.",
    no_args_is_help=True,
)
group.command("make")(class_make.make)
group.command("enrol")(class_make.enrol)
group.command("due")(class_dates.due)
group.command("extend")(class_dates.extend)
group.command("follow")(class_follow.follow)
group.command("export-person")(class_people.export_person)
group.command("erase-person")(class_people.erase_person)
