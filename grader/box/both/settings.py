"""What the judge tells a zygote when it starts it, as JSON."""

from __future__ import annotations

import dataclasses
import enum
import json
from dataclasses import dataclass

from grader.box.both.limits import Limits

WORK = "/work"
"""The folder that a box's cells start in."""

PRIVATE = {"work": WORK, "tmp": "/tmp", "shm": "/dev/shm"}
"""Where each part of a box's one private file system is seen."""


class Level(enum.Enum):
    """How a box is walled in, the strongest first."""

    FULL = "full"
    """A zygote behind bubblewrap; each box is forked from it into namespaces of its own."""
    COLD = "cold"
    """One bubblewrap and one fresh Python per box: slower, no namespaces inside namespaces."""
    LANDLOCK = "landlock"
    """Forked from a zygote on the bare machine, under Landlock and a stricter seccomp filter."""
    NONE = "none"
    """Forked from a zygote on the bare machine: limits, no walls. Only when asked for by name."""


@dataclass(frozen=True)
class Settings:
    """The same for every box of one zygote.

    `readable` are what Landlock lets a box read; `folder` is what the zygote has on disk and
    deletes when it ends; `bare` zygotes import neither torch nor IPython.
    """

    level: Level
    limits: Limits
    seccomp: bytes
    handler: str | None = None
    bare: bool = False
    gpu: bool = False
    readable: tuple[str, ...] = ()
    folder: str | None = None

    def to_json(self) -> bytes:
        """As `from_json` reads it."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        plain = {
            **fields,
            "level": self.level.value,
            "limits": dataclasses.asdict(self.limits),
            "seccomp": self.seccomp.hex(),
        }
        return json.dumps(plain).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Settings:
        """Settings from `to_json`."""
        plain = json.loads(text)
        return cls(
            **{
                **plain,
                "level": Level(plain["level"]),
                "limits": Limits(**plain["limits"]),
                "seccomp": bytes.fromhex(plain["seccomp"]),
                "readable": tuple(plain["readable"]),
            }
        )
