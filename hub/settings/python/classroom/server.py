"""Starts one person's server, as that person: lessons laid into their home, then JupyterLab.

The hub runs as root. Whatever it wrote into a home could be led elsewhere by a link that lies
there, so a home is only ever written by its owner.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path, PurePosixPath


def main() -> None:
    """Prepare the home or the class's folder, and become the server."""
    home = Path.home()
    root = os.environ.get("CLASSROOM_ROOT")
    # The machine is shared: new files are their owner's alone. Those of the grader's that lie in
    # the exchange are read by students, and the others lie in a closed folder.
    os.umask(0o022 if root else 0o077)
    os.chdir(root or home)
    # Connection files and the sockets of kernels lie here.
    runtime = Path(os.environ["JUPYTER_RUNTIME_DIR"])
    runtime.mkdir(parents=True, exist_ok=True)
    runtime.chmod(0o700)
    lessons = os.environ.get("CLASSROOM_LESSONS")
    if lessons:
        (home / "exercises").mkdir(exist_ok=True)  # where nbgrader's fetch puts them
        lay(Path(lessons), home)
    os.execv(sys.executable, [sys.executable, "-m", "jupyterhub.singleuser", *sys.argv[1:]])


def lay(lessons: Path, home: Path) -> None:
    """Bring the lessons up to date by the workspace's rule: what was changed stays.

    A home that is full or not writable must not cost anybody their server, where they could tidy
    up.
    """
    from grader.engine.refusal import Refusal
    from grader.notebook.folder.workspace import lay

    files = sorted(path for path in lessons.rglob("*") if path.is_file())
    place = {PurePosixPath("lessons", *p.relative_to(lessons).parts): p.read_bytes() for p in files}
    try:
        lay(place, home)
    except Refusal as refusal:
        print(f"The lessons were not brought up to date. {refusal}", file=sys.stderr)


if __name__ == "__main__":
    main()
