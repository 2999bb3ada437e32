"""Whether the torch that is installed can run this course, asked without importing it."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version

from packaging.version import Version

from grader.engine.refusal import Refusal

OLDEST = "2.11"


class TorchUnusable(Refusal):
    """torch is missing, or older than the course supports."""


def require() -> str:
    """The version of torch. Raises TorchUnusable."""
    try:
        found = version("torch")
    except PackageNotFoundError:
        raise TorchUnusable(f"torch is not installed in {sys.prefix}.", _CURE) from None
    if Version(found) < Version(OLDEST):
        raise TorchUnusable(f"torch {found} is older than {OLDEST}.", _CURE)
    return found


_CURE = f'Install it: {sys.executable} -m pip install "torch>={OLDEST}"'
