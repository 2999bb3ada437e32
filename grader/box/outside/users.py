"""Which users boxes run as: one of its own for each box, where the judge can give it one."""

from __future__ import annotations

import functools
import itertools
import os
from pathlib import Path

_EACH = 1024  # users that one judge takes turns with
_UNUSED = range(1_900_000_000, 1_933_000_000)  # by distributions, containers and directories
_FEW = range(64_000, 65_024)  # the same, in a container that has only 65,536
_numbers = itertools.count()


@functools.cache
def available() -> range | None:
    """The users this judge can hand out; None if it is not root, or root of nothing else."""
    if os.geteuid() != 0:
        return None
    for line in Path("/proc/self/uid_map").read_text().splitlines():
        first, _, count = map(int, line.split())
        for users in (_UNUSED, _FEW):
            if first <= users[0] and users[-1] < first + count:
                return users
    return None


def next_user() -> int | None:
    """A user for a new box: unlike any other living box's, of this process and of others.

    The kernel counts processes by user, whichever pool of boxes they are in.
    """
    users = available()
    if users is None:
        return None
    return users[(os.getpid() * _EACH + next(_numbers) % _EACH) % len(users)]
