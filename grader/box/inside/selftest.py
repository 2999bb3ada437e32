"""What a box finds when it looks around: the handler with which `probe` tries a level."""

from __future__ import annotations

import importlib
import os
import socket
from typing import Any

from grader.box.both.channel import Header


def reply(request: Header, body: bytes, namespace: dict[str, Any]) -> tuple[Header, bytes]:
    """The facts `probe` checks, as the box sees them."""
    return {
        "pid": os.getpid(),
        "processes": sorted(int(name) for name in _names("/proc") if name.isdigit()),
        "secret": _can(lambda: open(request["secret"]).close()),
        "network": _can(lambda: socket.socket(socket.AF_INET).close()),
        "library": _can(lambda: importlib.import_module("colorsys")),
        "write": _can(lambda: open("written", "w").close()),
    }, b""


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _can(work: Any) -> bool:
    try:
        work()
    except (OSError, ImportError):
        return False
    return True
