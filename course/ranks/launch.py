"""Runs a program under torchrun from a notebook: results come back, and no process stays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import torch.distributed

RANKS = 2
SECONDS = 120.0
"""How long the ranks have in all: most of it is each process's import of torch."""

_CAUSES = (
    (
        ("EADDRINUSE", "ddress already in use"),
        "The port that the ranks were to meet on is taken by another program. Run the cell again: "
        "`--standalone` takes a free port each time.",
    ),
    (
        ("etwork is unreachable", "onnection refused", "Cannot assign requested address"),
        "The ranks could not reach each other on this machine's own network (localhost). A sandbox "
        "or a firewall that closes it would do that; run the lesson outside of it.",
    ),
    (
        ("No module named",),
        "A rank could not import what it needs. Start Jupyter from the environment in which the "
        "course is installed.",
    ),
)


class RanksFailed(RuntimeError):
    """The ranks gave no result: what happened, and what to do."""


def torchrun(
    program: Path | str, ranks: int = RANKS, seconds: float = SECONDS
) -> list[dict[str, Any]]:
    """Run `program` on `ranks` processes of this machine, and return what each of them wrote.

    The program gets a folder as its one argument and writes `rank0.json`, `rank1.json`, ... into
    it. When this returns or raises, by an interrupt too, none of the processes is left.

    Raises:
        RanksFailed: if torch has no gloo, if the ranks do not end in time, or if one of them fails.
    """
    if not (torch.distributed.is_available() and torch.distributed.is_gloo_available()):
        raise RanksFailed(
            "This build of torch has no gloo, by which processes on CPUs talk to each other. The "
            "builds from pytorch.org for Linux, macOS and Windows have it: install one of those. "
            "You can read on: later cells show what two ranks gave, and need this one."
        )
    if (cores := _cores()) < ranks:
        print(f"This machine has {cores} core for {ranks} ranks: they take turns. It takes longer.")
    with tempfile.TemporaryDirectory() as folder:
        run_to_the_end([*_command(ranks), str(program), folder], seconds)
        written = [Path(folder, f"rank{rank}.json") for rank in range(ranks)]
        return [json.loads(file.read_text()) for file in written]


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _command(ranks: int) -> list[str]:
    launcher = [sys.executable, "-m", "torch.distributed.run"]
    return [*launcher, "--standalone", "--nproc-per-node", str(ranks)]


def run_to_the_end(command: Sequence[str], seconds: float) -> None:
    """Run a command that starts processes of its own, and see to it that all of them have ended.

    Raises:
        RanksFailed: if it takes longer, or ends with an error.
    """
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=subprocess.STDOUT,
            env=_environment(),
            start_new_session=True,  # an interrupt of the notebook is for this process alone
        )
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise RanksFailed(
                f"The ranks were not done after {seconds:g} seconds, and were ended. On a busy "
                "machine, run the cell again, or give it more: torchrun(..., seconds=300)."
            ) from None
        finally:
            end(process)
        if status != 0:
            told.seek(0)
            raise RanksFailed(_cause(told.read().decode(errors="replace")))


def _environment() -> dict[str, str]:
    """This process's, with one thread for each rank, and without ranks it may have itself."""
    own = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
    kept = {name: value for name, value in os.environ.items() if name not in own}
    return {**kept, "OMP_NUM_THREADS": "1"}


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that descend from it, in whichever session they are.

    torchrun starts each rank in a session of its own, so that killing its process group would leave
    them. It is stopped first: what is stopped starts nothing new.
    """
    try:
        parent = psutil.Process(process.pid)
        parent.suspend()
        family = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        family = []
    for one in family:
        try:
            one.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(family, timeout=10)
    process.wait()


def _cause(told: str) -> str:
    """What the ranks' output says went wrong, in a sentence, and its last lines."""
    sentences = [said for signs, said in _CAUSES if any(sign in told for sign in signs)]
    lines = [line for line in told.splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line] or lines
    return "\n".join([*sentences[:1], "The ranks ended with an error:", *errors[-3:]])
