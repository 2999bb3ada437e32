"""The page a learner starts from, and what a server adds to it: no torch, no kernel."""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "grader.start"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Serve the page in a Jupyter server, and let its kernels know the course's names."""
    from grader.start.serving import load  # a kernel, which imports this too, has no server

    load(server)
