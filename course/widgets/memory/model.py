"""Tensors, the storages they live on, and what graphs saved of them, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["leaf", "constant", "tensor"]
Ending = Literal["", "right", "recorded", "wrong", "refused", "stopped"]


@dataclass(frozen=True)
class Strip:
    """One storage: a row of cells, one per element; ``values`` are ready to be shown."""

    number: int
    values: tuple[str, ...]


@dataclass(frozen=True)
class Handle:
    """One tensor object: the storage it looks at, and which cell holds each of its elements.

    ``made_by`` is the class of its ``grad_fn``, empty for a leaf. ``key`` tells objects apart.
    """

    key: int
    names: tuple[str, ...]
    strip: int
    kind: Kind
    made_by: str
    shape: tuple[int, ...]
    offset: int
    stride: tuple[int, ...]
    cells: tuple[int, ...]
    version: int

    @property
    def name(self) -> str:
        """Its names; two names for one object are joined."""
        return " and ".join(self.names)


@dataclass(frozen=True)
class SavedCopy:
    """A tensor that a node saved: no copy of the values, but the version it had ``then``.

    ``changed`` says whether its values are others now, counted or not.
    """

    key: tuple[int, str]
    node: str
    name: str
    strip: int
    then: int
    now: int
    changed: bool

    @property
    def counted(self) -> bool:
        """Whether an edit has been counted since."""
        return self.then != self.now


@dataclass(frozen=True)
class Frame:
    """What is in memory after one statement."""

    strips: tuple[Strip, ...]
    handles: tuple[Handle, ...]
    saved: tuple[SavedCopy, ...] = ()

    def strip(self, number: int) -> Strip | None:
        """The storage of that number, while anything still looks at it."""
        return next((strip for strip in self.strips if strip.number == number), None)

    @property
    def shown(self) -> tuple[Handle | SavedCopy, ...]:
        """Everything that has a row of its own in a picture."""
        return (*self.handles, *self.saved)

    def on(self, number: int) -> tuple[Handle, ...]:
        """The tensors that look at one storage."""
        return tuple(handle for handle in self.handles if handle.strip == number)


@dataclass(frozen=True)
class Story:
    """Statements, what was in memory after each, and how it ended.

    ``frames`` is shorter than ``code`` where a statement raised; ``error`` is then its last line.
    ``grads`` and ``grads_without`` are the leaves' gradients with and without the edit, as text.
    """

    title: str
    code: tuple[str, ...]
    frames: tuple[Frame, ...]
    ending: Ending = ""
    error: str = ""
    grads: str = ""
    grads_without: str = ""
