"""The proxy before the hub: configurable-http-proxy from npm, as package-lock.json pins it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from grader.engine.refusal import Refusal

_HERE = Path(__file__).resolve().parent
_OLDEST = 20  # as configurable-http-proxy asks
_FILES = ("package.json", "package-lock.json")


class NoProxy(Refusal):
    """There is no Node.js, or npm could not install the proxy."""


def install(folder: Path) -> None:
    """Install the proxy into a folder, unless this version lies there. Raises NoProxy."""
    _require_node()
    program = folder / "node_modules" / ".bin" / "configurable-http-proxy"
    folder.mkdir(parents=True, exist_ok=True)
    if program.exists() and all(_same(_HERE / name, folder / name) for name in _FILES):
        return
    for name in _FILES:
        shutil.copy(_HERE / name, folder / name)
    print("Installing the proxy from npm.")
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    done = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode or not program.exists():
        (folder / "package-lock.json").unlink(missing_ok=True)
        raise NoProxy(
            f"npm could not install the proxy:\n{done.stderr.strip()[-2000:]}",
            "It needs the npm registry, once. On a machine without it, copy the folder "
            f"{folder} from one that has it.",
        )


def _require_node() -> None:
    cure = (
        "Debian 13 and Ubuntu 25.04 have it: apt-get install nodejs npm. For older ones, and "
        "elsewhere: https://nodejs.org"
    )
    lacking = [name for name in ("node", "npm") if not shutil.which(name)]
    if lacking:
        what = f"there is no {' and no '.join(lacking)} here"
        raise NoProxy(f"The proxy runs on Node.js {_OLDEST} or newer, and {what}.", cure)
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    found = re.match(r"v(\d+)", version.stdout)
    if not found or int(found[1]) < _OLDEST:
        what = f"this is {version.stdout.strip() or 'none that runs'}"
        raise NoProxy(f"The proxy runs on Node.js {_OLDEST} or newer, and {what}.", cure)


def _same(one: Path, other: Path) -> bool:
    return other.exists() and one.read_bytes() == other.read_bytes()
