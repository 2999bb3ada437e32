"""Grades what students hand in while the classroom is open, as its grader."""

from __future__ import annotations

import os
import subprocess

from hub.classroom import Classroom
from hub.environment import as_account


def start(room: Classroom, tries: int | None) -> subprocess.Popen[bytes]:
    """Begin to follow every assignment that is handed out. It ends with this process's descendants.

    It has the grader's rights and settings, and none of the hub's variables, which hold secrets.
    """
    counted = [] if tries is None else ["--tries", str(tries)]
    path = os.pathsep.join([str(room.python.parent), os.defpath])
    python = os.pathsep.join([str(room.settings / "python"), str(room.instructors_side / "python")])
    return subprocess.Popen(
        [str(room.python), "-m", "grader.cli", "class", "follow", *counted],
        cwd=room.course,
        env={
            "PATH": path,
            "LANG": "C.UTF-8",
            "HOME": str(room.home(room.grader)),
            "PYTHONPATH": python,
            "PYTHONNOUSERSITE": "1",
            "OMP_NUM_THREADS": "1",
            "JUPYTER_CONFIG_PATH": str(room.settings / "grader"),
            "CLASSROOM_ROOT": str(room.course),
            "CLASSROOM_EXCHANGE": str(room.exchange),
            "CLASSROOM_ACCOUNTS": "1" if room.accounts else "",
        },
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C comes to the hub, which ends everything in order
        **as_account(room.grader if room.accounts else None),
    )
