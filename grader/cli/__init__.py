"""The `autograd-course` command: what make calls, and what runs where there is no make."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from grader.cli import (
    author,
    class_,
    demo,
    explain,
    export,
    grade,
    regrade,
    replay,
    report,
    seal,
    torch_range,
)
from grader.cli.place import find_class, find_course, nearest_class, workspace_of
from grader.engine.refusal import Refusal
from grader.notebook.texts.places import MANIFEST

app = typer.Typer(
    help="A course on PyTorch autograd whose exercises name the mistake in your gradient.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
_console = Console(highlight=False, soft_wrap=True)
_errors = Console(highlight=False, soft_wrap=True, stderr=True)

LEARNING, TEACHING, AUTHORING = "To learn", "To teach a class", "To write exercises"

Course = Annotated[
    Path | None,
    typer.Option("--course", help="The course's folder.", show_default="the one you are in"),
]
Workspace = Annotated[
    Path | None,
    typer.Option("--workspace", help="Your folder.", show_default="the course's own, or here"),
]


def main() -> None:
    """Run the command; a Refusal ends it with its sentences and exit status 1."""
    try:
        app()
    except Refusal as refusal:
        _errors.print(f"[bold red]Stopped.[/] {escape(refusal.what)}\n{escape(refusal.cure)}")
        sys.exit(1)


@app.command("open", rich_help_panel=LEARNING)
def open_lab(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, show_default="8888, or the next free one")
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open a browser window.")] = True,
    course: Course = None,
    workspace: Workspace = None,
) -> None:
    """Bring your workspace up to date and start JupyterLab in it."""
    from grader.cli import lab

    torch_range.require()
    home = find_course(course)
    chosen = lab.choose_port(port)
    folder = _bring_up_to_date(home, workspace)
    _console.print(f"Starting JupyterLab on port {chosen}. Ctrl-C stops it.")
    lab.start(folder, chosen, browser=browser)


@app.command("reset", rich_help_panel=LEARNING)
def reset_exercise(
    exercise: Annotated[str, typer.Argument(help="Its id, as its check names it.")],
    course: Course = None,
    workspace: Workspace = None,
) -> None:
    """Begin an exercise again; the answer you have is kept in a file beside its notebook."""
    from grader.notebook.folder.resetting import reset

    home = find_course(course)
    done = reset(exercise, home, workspace_of(home, workspace))
    if done.kept is None:
        _console.print(
            f"{exercise} has its starting code: there is nothing to reset. If you see your answer "
            "in JupyterLab, it is not saved yet: save it there, then reset."
        )
        return
    _console.print(
        f"{exercise} has its starting code again. Your answer is kept in "
        f"{escape(str(done.kept))}\nIf the notebook is open in JupyterLab, choose File → Reload "
        "Notebook from Disk there before you go on."
    )


@app.command("workspace", rich_help_panel=LEARNING)
def bring_up_to_date(course: Course = None, workspace: Workspace = None) -> None:
    """Bring your workspace up to date; what you changed stays as it is."""
    _bring_up_to_date(find_course(course), workspace)


@app.command("progress", rich_help_panel=LEARNING)
def show_progress(course: Course = None, workspace: Workspace = None) -> None:
    """Show how far you are in every lesson and exercise, and what comes back today."""
    torch_range.require()
    from grader.notebook.folder.contents import workspace_above
    from grader.notebook.progress import in_terminal

    found = workspace_above((workspace or Path.cwd()).resolve())
    if found is None:
        found = workspace_above(workspace_of(find_course(course), workspace).resolve())
    _console.print(escape(in_terminal(found)))


@app.command("doctor", rich_help_panel=LEARNING)
def examine(course: Course = None, workspace: Workspace = None) -> None:
    """Say what the course finds on this machine, and the cure for what is missing."""
    from grader.cli import doctor

    # In a class's folder its settings are looked at, never those of another checkout.
    own = nearest_class(course)
    home = find_course(course if own is None or (own / "course").is_dir() else None)
    place = doctor.Place(home, workspace_of(home, workspace), own or home)
    broken = False
    for check in doctor.CHECKS:
        checkup = check(place)
        broken = broken or checkup.state is doctor.Health.BROKEN
        _console.print(f"{checkup.state.value} [bold]{checkup.what}[/]: {escape(checkup.found)}")
        if checkup.cure:
            _console.print(f"  → {escape(checkup.cure)}")
    raise typer.Exit(int(broken))


app.command("explain", rich_help_panel=LEARNING)(explain.explain)
app.command("demo", rich_help_panel=TEACHING)(demo.demo)
app.command("export", rich_help_panel=TEACHING)(export.export)
app.command("grade", rich_help_panel=TEACHING)(grade.grade)
app.command("regrade", rich_help_panel=TEACHING)(regrade.regrade)
app.command("replay", rich_help_panel=TEACHING)(replay.replay)
app.command("report", rich_help_panel=TEACHING)(report.report)
app.command("seal", rich_help_panel=TEACHING)(seal.seal)
app.add_typer(class_.group, name="class", rich_help_panel=TEACHING)


@app.command("exercises", rich_help_panel=AUTHORING)
def generate_releases(course: Course = None) -> None:
    """Generate every release from its solution, with nbgrader's own generate_assignment."""
    from grader.authoring import releases

    home = find_class(course)
    for release in releases.generate(home):
        _console.print(f"{release.name}: {'generated anew' if release.changed else 'as before'}")
    for folder in releases.leftovers(home):
        _console.print(f"[yellow]{escape(str(folder))} has no solution any more: delete it.[/]")


app.command("prove", rich_help_panel=AUTHORING)(author.prove)
app.command("mutants", rich_help_panel=AUTHORING)(author.mutants)
app.command("new-exercise", rich_help_panel=AUTHORING)(author.new_exercise)


def _bring_up_to_date(home: Path, workspace: Path | None) -> Path:
    from grader.notebook.folder import workspace as workspaces

    folder = workspace_of(home, workspace)
    is_new = not (folder / MANIFEST).is_file()
    placed = workspaces.build(home, folder)
    touched = [one for one in placed if one.outcome is not workspaces.Placement.KEPT]
    for one in touched:
        if one.outcome is workspaces.Placement.BESIDE:
            answers = ", with your answers in it" * (one.path.parts[0] == "exercises")
            _console.print(
                f"[yellow]{escape(str(one.path))} holds your changes and stays as it is. Its new "
                f"version lies beside it{answers}: {escape(str(one.newest))}[/]"
            )
        elif one.outcome is workspaces.Placement.LEFT:
            _console.print(
                f"[yellow]{escape(str(one.path))} holds your changes and stays as it is. The "
                f"lesson lies in {escape(str(one.newest))} from now on.[/]"
            )
        elif len(touched) <= 5 and one.outcome is not workspaces.Placement.GONE:
            _console.print(f"{one.outcome.value}: {escape(str(one.path))}")
    moved = sum(one.outcome is workspaces.Placement.GONE for one in placed)
    if moved:
        _console.print(
            f"{moved} lesson{'s' * (moved != 1)} that you had not changed "
            f"{'lie' if moved != 1 else 'lies'} under a new name: lessons/lesson-…"
        )
    gone = (workspaces.Placement.GONE, workspaces.Placement.LEFT)
    files = sum(one.outcome not in gone for one in placed)
    count = f"{files} file{'s' * (files != 1)}"
    state = "is made" if is_new else "is up to date"
    _console.print(f"Your workspace {escape(str(folder))} {state} ({count}).")
    return folder
