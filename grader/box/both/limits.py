"""What one box may use, all in one place."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024
PER_OUTPUT = 64
"""What every output costs of `Limits.output` besides its text: empty ones take room, too."""
LEAST_OUTPUT = 4096
"""What a cell may always show, whatever the cells before it used up: a score may be in it."""


@dataclass(frozen=True)
class Limits:
    """Limits of one box. Times are wall-clock seconds, sizes are bytes.

    `memory`, `processes` (threads count) and `files` bound everything the submission starts,
    together. `output` is what is kept of all that it prints and plots; the rest is counted and
    dropped. `reply` caps one reply on the wire. After `call` or `cell` seconds the box is
    interrupted as by Ctrl-C; `grace` seconds later it is killed, not counting those in which it
    waited for a processor (five times as many by the clock at most).
    """

    call: float = 10.0
    cell: float = 60.0
    submission: float = 300.0
    grace: float = 1.0
    memory: int = 2048 * MIB
    processes: int = 64
    files: int = 64 * MIB
    output: int = 1 * MIB
    reply: int = 64 * MIB
    start: float = 120.0
    """How long the zygote may take to import torch, and a box to be ready."""
